package simulate

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// A Number is a user or group number that may be unknown.
type Number struct {
	N     int
	Known bool
}

// Num returns a known number.
func Num(n int) Number { return Number{N: n, Known: true} }

// A User is the user in force at some point of a stage.
type User struct {
	Spec        string // the value of USER after expansion; "" is root by default
	Name, Group string // the parts of Spec that are names
	UID, GID    Number
	By          *dockerfile.Instruction // nil when the base image sets it
	Missing     []string                // build arguments that Spec depends on and that have no value
}

// Root reports whether the user is root. A name that no known account carries
// is not root: the kernel's number 0 has one name in practice, and the runtime
// refuses names it cannot find.
func (u User) Root() bool {
	if u.Spec == "" {
		return true
	}
	if u.UID.Known {
		return u.UID.N == 0
	}
	return u.Name == "root"
}

// An Account is an account of the image, from its base or made by the file.
type Account struct {
	Name     string
	UID, GID Number
	Home     string
	HomeMade bool                    // the home directory is made and owned by the account
	By       *dockerfile.Instruction // nil when it comes with the base image
	Program  string                  // the package whose scripts make it, "" otherwise
	Command  string                  // the command that makes it, "" when none does
	Group    string                  // the primary group as the command names it
	System   bool                    // made as a system account, with a number below 1000
	Renumber *dockerfile.Instruction // the last that gives it another number, nil when none does
	From     *State                  // of the stage that makes it, where /etc/passwd is copied; nil for this one
	Asked    bool                    // made only where a base of which nothing is known has it not
	// Certain is false when the command that makes it may not run.
	Certain bool
}

// A Group is a group of the image.
type Group struct {
	Name    string
	GID     Number
	Members []string
	By      *dockerfile.Instruction
	Command string // the command that makes it
	System  bool   // made as a system group
}

// A Dir is a directory that the file makes, or whose owner it changes.
type Dir struct {
	Path     string
	UID, GID Number
	Owner    string                  // the owner's name where the number is not known
	Mode     Number                  // permission bits when the file sets them
	MadeBy   *dockerfile.Instruction // nil when it comes with the base image
	LastBy   *dockerfile.Instruction // last instruction that makes, owns or fills it
	OwnedBy  *dockerfile.Instruction // the chown that gives it to somebody, nil when none does
	Volume   bool
	Tree     bool // what is in it has the same owner
	// Unsure says that the image may be without it: made or removed by a command that may
	// not run.
	Unsure bool
	When   string // the condition under which it is made, "" for none
	Alone  bool   // made by a mkdir that fails where it is there already
}

// Made reports whether a RUN makes the directory, in every build.
func (d *Dir) Made() bool {
	return d != nil && d.MadeBy != nil && d.MadeBy.Keyword == "RUN" && !d.Unsure
}

// A Copy is a COPY or ADD of the stages that lead to the image.
type Copy struct {
	By       *dockerfile.Instruction
	Sources  []string
	From     string // stage, image, or "" for the build context
	Dest     string // absolute; ends in / when a directory was named so
	Into     bool   // Dest is a directory, by its name or because it is there already
	UID, GID Number // of --chown; root's without it
	Chmod    string
	Opaque   bool // source or destination depends on something unknown
	Parents  bool // the directories of the sources come along
}

// Target returns the path in the image of a file that the copy brings: what it is called
// where the destination is a directory, the destination itself where it is not (Docker
// reference, COPY). Of a directory the content is copied, and the result says nothing.
func (c Copy) Target(src string) string {
	if c.Parents {
		_, rest := withParents(src)
		return path.Join(c.Dest, rest)
	}
	if c.Into {
		return path.Join(c.Dest, path.Base(src))
	}
	return path.Clean(c.Dest)
}

// A Move is a file or a tree that a RUN copies or moves, or the files of a directory that
// match a pattern.
type Move struct{ From, To, Pattern string }

// Origin returns where a file was before the move, "" where it is none that was moved.
func (m Move) Origin(name string) string {
	switch {
	case m.Pattern != "":
		if ok, err := path.Match(m.Pattern, path.Base(name)); path.Dir(name) == m.To && ok && err == nil {
			return path.Join(m.From, path.Base(name))
		}
	case imagepath.Below(name, m.To):
		return path.Join(m.From, strings.TrimPrefix(name, m.To))
	}
	return ""
}

// A Package is a package that a RUN installs.
type Package struct {
	Name    string
	Manager string // the family of distributions that its manager serves, "" for a foreign one
	Foreign string // the package manager, where nothing is known of its packages
	Virtual string // the name of apk add --virtual
	By      *dockerfile.Instruction
}

// An Argv is the command of an image.
type Argv struct {
	Words []string // exec form as given; shell form as SHELL plus the text
	Text  string   // the text of the shell form, "" for the exec form
	// Broken says that it looks like the exec form and is no JSON: the image
	// does not start with it, and Words are what its author meant.
	Broken bool
	By     *dockerfile.Instruction
}

// Set reports whether there is a command.
func (a Argv) Set() bool { return len(a.Words) > 0 }

// A State is what is known of an image at one point of a stage.
type State struct {
	User        User
	Workdir     string
	Placed      bool // a WORKDIR of the file says where the working directory is
	Env         *dockerfile.Env
	Shell       []string
	Entrypoint  Argv
	Cmd         Argv
	Healthcheck Argv
	Volumes     []string
	Ports       []int

	Collisions []Collision // numbers that the base has given away

	Accounts []Account
	Groups   []Group
	Dirs     map[string]*Dir
	Copies   []Copy
	Packages []Package
	Manager  string // family of the first package manager that a step calls: apt's is debian

	Privileged []Privileged // setuid, setgid and file capabilities that are known of
	// Installers are the instructions, run as root, that may bring in
	// privileged files nobody can list without building.
	Installers []*dockerfile.Instruction
	// BitCalls are the calls of setuid programs in steps of another user than root.
	BitCalls []BitCall
	// Upgraded is the last instruction that puts newer files in the place of the base's: it
	// brings no others, but the bits of those come back.
	Upgraded *dockerfile.Instruction
	// Tree is the last copy that unpacks a file system over the root directory.
	Tree   *dockerfile.Instruction
	Unseen bool // there was such an instruction, also one whose files were stripped since
	// Stripped is the last instruction that takes the set-id bits off every file.
	Stripped *dockerfile.Instruction

	Modes        []ModeChange                       // files whose mode a chmod sets by number, still root's
	Opens        []ModeChange                       // where a chmod lets everybody read
	Facts        *imageinspect.Facts                // what it starts from
	Lists        map[string][]string                // lines of passwd and group files that the file writes elsewhere than to /etc
	Kept         []string                           // files that the last strip leaves out by name
	Contradicted bool                               // a step shows that the facts of the base are those of another version
	OtherFamily  bool                               // and that of another distribution
	Sudoer       *dockerfile.Instruction            // a step that shows by its sudo that an unknown base has a user of its own
	RootShown    *dockerfile.Instruction            // a step before any USER that works for root alone
	Links        map[string]string                  // symbolic links that the file makes, with their absolute targets
	Texts        map[string]string                  // files that a RUN writes, with their text
	Printed      map[string]*dockerfile.Instruction // those whose text depends on more than the file says
	Moves        []Move                             // files and trees that a RUN puts elsewhere, in their order
	Touched      map[string]*dockerfile.Instruction // files that a RUN makes empty
	Written      map[string]*dockerfile.Instruction // files that a RUN of root makes, by their names
	Seeded       map[string]*dockerfile.Instruction // directories that a RUN of root puts its own small files into
	Filled       map[string]*dockerfile.Instruction // directories that a RUN unpacks or clones something into
	Cloned       map[string]*dockerfile.Instruction // those of them that git makes in every build
	Stores       map[string]Store                   // repositories and databases that a RUN makes
	Removed      []Removal                          // paths and patterns that a RUN has removed with all that was there
	Moved        []Relocation                       // what a RUN has moved or copied within the image
	Braces       *dockerfile.Instruction            // the first RUN that makes a directory called {a,b}, because its shell knows no braces

	// Tools are names that the file installs (true) or removes (false) on
	// top of the base image.
	Tools map[string]bool
	// Called are tools that a step cannot do without: they are there, whatever the base is.
	Called map[string]bool

	Before map[*dockerfile.Instruction]Moment // what was in force before each instruction
	After  map[*dockerfile.Instruction]User   // who was the user after each USER
}

// A BitCall is a step that works by the set-id bit of a program.
type BitCall struct {
	By   *dockerfile.Instruction
	Name string // of the program: sudo
}

// A Moment is what was in force before an instruction.
type Moment struct {
	User    User
	Workdir string
	Shell   []string
	Env     *dockerfile.Env
}

// A Privileged is a file that gives its caller more than the caller has.
type Privileged struct {
	imageinspect.PrivilegedFile
	By    *dockerfile.Instruction // nil when it comes with the base image
	Owner bool                    // the file itself asks for it, with setcap or chmod u+s
	For   string                  // the program that asks for it instead, "" for the file
	When  string                  // the condition under which it is privileged, "" for always
	// Certain is false where the file may be missing from the image.
	Certain bool
}

// NewState returns what the facts of an image say.
func NewState(f *imageinspect.Facts) *State {
	s := &State{
		Workdir: "/",
		Shell:   []string{"/bin/sh", "-c"},
		Dirs:    map[string]*Dir{},
		Tools:   map[string]bool{},
		Called:  map[string]bool{},
		Links:   map[string]string{},
		Texts:   map[string]string{},
		Printed: map[string]*dockerfile.Instruction{},
		Filled:  map[string]*dockerfile.Instruction{},
		Cloned:  map[string]*dockerfile.Instruction{},
		Stores:  map[string]Store{},
		Touched: map[string]*dockerfile.Instruction{},
		Written: map[string]*dockerfile.Instruction{},
		Seeded:  map[string]*dockerfile.Instruction{},
		Lists:   map[string][]string{},
		Facts:   f,
		Before:  map[*dockerfile.Instruction]Moment{},
		After:   map[*dockerfile.Instruction]User{},
	}
	for _, port := range f.Config.ExposedPorts {
		s.Expose(port)
	}
	// The runtime takes both as paths below /, whatever an image says (runc, SecureJoin).
	s.Workdir = imagepath.Abs("/", f.Config.WorkingDir)
	for _, v := range f.Config.Volumes {
		s.Volumes = append(s.Volumes, imagepath.Abs("/", v))
	}
	if len(f.Config.Shell) > 0 {
		s.Shell = f.Config.Shell
	}
	s.Entrypoint.Words = f.Config.Entrypoint
	s.Cmd.Words = f.Config.Cmd
	s.Healthcheck.Words = healthcheck(f.Config.Healthcheck)
	s.Accounts = make([]Account, 0, len(f.Accounts)+1) // the file makes one more at most, as a rule
	for _, a := range f.Accounts {
		s.Accounts = append(s.Accounts, Account{Name: a.Name, UID: Num(a.UID), GID: Num(a.GID), Home: a.Home, Certain: true})
	}
	s.Groups = make([]Group, 0, len(f.Groups)+1)
	for _, g := range f.Groups {
		s.Groups = append(s.Groups, Group{Name: g.Name, GID: Num(g.GID), Members: slices.Clip(g.Members)})
	}
	s.Privileged = make([]Privileged, 0, len(f.Privileged))
	for _, p := range f.Privileged {
		s.Privileged = append(s.Privileged, Privileged{PrivilegedFile: p, Certain: f.Known.Privileged})
	}
	for _, d := range f.Dirs {
		s.Dirs[d.Path] = &Dir{Path: d.Path, UID: Num(d.UID), GID: Num(d.GID), Mode: Num(int(d.Mode))}
	}
	s.User = s.ResolveUser(f.Config.User, nil)
	return s
}

// healthcheck drops the leading CMD or CMD-SHELL of an image's health check
// (OCI image config, Docker extension "Healthcheck.Test").
func healthcheck(test []string) []string {
	if len(test) < 2 {
		return nil
	}
	switch test[0] {
	case "CMD":
		return test[1:]
	case "CMD-SHELL":
		return []string{"/bin/sh", "-c", test[1]}
	}
	return nil
}

// Account returns the account of that name.
func (s *State) Account(name string) (Account, bool) {
	i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return s.Accounts[i], true
}

// AccountByUID returns the first account with that number.
func (s *State) AccountByUID(uid int) (Account, bool) {
	for _, c := range s.Collisions {
		if a, ok := s.Account(c.Name); ok && !c.Group && c.Number == uid {
			return a, true // whom the file means
		}
	}
	i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.UID == Num(uid) })
	if i < 0 {
		return Account{}, false
	}
	return s.Accounts[i], true
}

// Group returns the group of that name.
func (s *State) Group(name string) (Group, bool) {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return s.Groups[i], true
}

// Supplementary returns the groups that list name as a member, other than its
// primary group.
func (s *State) Supplementary(a Account) []Group {
	var out []Group
	for _, g := range s.Groups {
		if slices.Contains(g.Members, a.Name) && (!a.GID.Known || g.GID != a.GID) && g.Name != a.Name {
			out = append(out, g)
		}
	}
	return out
}

// ResolveUser reads a value of USER: "name", "uid", "name:group", "uid:gid".
func (s *State) ResolveUser(spec string, by *dockerfile.Instruction) User {
	u := User{Spec: spec, By: by}
	if spec == "" {
		return u
	}
	user, group, hasGroup := strings.Cut(spec, ":")
	u.UID, u.Name = s.userNumber(user)
	switch {
	case hasGroup && group != "":
		u.GID, u.Group = s.groupNumber(group)
	case u.Name != "":
		if a, ok := s.Account(u.Name); ok {
			u.GID = a.GID
		}
	case u.UID.Known:
		// The engine takes the group from the account with that number,
		// and 0 when there is none (BuildKit reference, USER).
		if a, ok := s.AccountByUID(u.UID.N); ok {
			u.GID = a.GID
		}
	}
	return u
}

func (s *State) userNumber(word string) (Number, string) {
	if n, err := strconv.Atoi(word); err == nil {
		return Num(n), ""
	}
	if a, ok := s.Account(word); ok {
		return a.UID, word
	}
	if word == "root" {
		return Num(0), word
	}
	return Number{}, word
}

func (s *State) groupNumber(word string) (Number, string) {
	if n, err := strconv.Atoi(word); err == nil {
		return Num(n), ""
	}
	if g, ok := s.Group(word); ok {
		return g.GID, word
	}
	if word == "root" {
		return Num(0), word
	}
	return Number{}, word
}

// SearchPath are the directories of the PATH of the image.
func (s *State) SearchPath() []string {
	var out []string
	list, _ := s.Env.Get("PATH")
	for _, dir := range strings.Split(list, ":") {
		if path.IsAbs(dir) && !strings.ContainsAny(dir, "$") {
			out = append(out, dir)
		}
	}
	if len(out) == 0 {
		return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	}
	return out
}

// NumberedBy returns the step that gives an account its number, nil when no command of the
// file does.
func (a Account) NumberedBy() *dockerfile.Instruction {
	switch {
	case a.Renumber != nil:
		return a.Renumber
	case a.Command == "":
		return nil
	}
	return a.By
}

// Downloads reports whether an ADD fetches its sources.
func (c Copy) Downloads() bool {
	return c.By.Keyword == "ADD" && slices.ContainsFunc(c.Sources, func(src string) bool {
		return strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://")
	})
}

// StepAfter reports whether a later RUN of the stage that copies matches; the word is in
// what the expression matches.
func (c Copy) StepAfter(word string, re *regexp.Regexp) bool {
	return slices.ContainsFunc(c.By.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Index <= c.By.Index || in.Keyword != "RUN" {
			return false
		}
		text := in.Original + "\n" + HeredocText(in)
		return strings.Contains(text, word) && re.MatchString(text)
	})
}

// InheritsEntrypoint reports whether the ENTRYPOINT is the base image's.
func (s *State) InheritsEntrypoint() bool {
	return s.Entrypoint.By == nil && len(s.Entrypoint.Words) > 0
}

// Package simulate follows the stages that lead to an image, and tells what is known of the image
// where they end, and at each instruction before: user, accounts, directories and their owners,
// copies, packages, privileged files. Nothing is executed and nothing is read but the Dockerfile
// and the facts of the base.
package simulate

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// Run follows the stages of chain, the first of which starts from s, and
// returns what is known of the image at the end of the last.
//
// Nothing is executed: a command whose effect cannot be known leaves what it
// may have changed unknown, never absent.
func Run(doc *dockerfile.Document, res *dockerfile.Resolver, chain []*dockerfile.Stage, s *State, squash *dockerfile.Instruction) *State {
	w := &world{doc: doc, res: res, stages: map[*dockerfile.Stage]*State{}}
	return w.simulate(chain, s, squash)
}

// Alone is simulate without what the stages copy from others, of which there may be as many
// as there are stages.
func Alone(doc *dockerfile.Document, res *dockerfile.Resolver, chain []*dockerfile.Stage, s *State) *State {
	w := &world{doc: doc, res: res, stages: map[*dockerfile.Stage]*State{}, followed: maxFollowed}
	return w.simulate(chain, s, nil)
}

// A world is what the stages of one file have in common.
type world struct {
	doc    *dockerfile.Document
	res    *dockerfile.Resolver
	stages map[*dockerfile.Stage]*State // those that others copy accounts from
	frees  *int                         // the first RUN that changes accounts, -1 for none, nil until somebody asks
	kept   int                          // variables that were copied for the moments before instructions
	looked int                          // directories that were looked at for what steps remove
	// followed counts the stages that were simulated for others to copy from.
	followed int
}

// maxFollowed bounds the stages that are simulated for others to copy from: each is with
// those that it is built on. A file with as many was written to use up time.
const maxFollowed = 1 << 8

// maxKept bounds what is copied of the environment, one copy for each instruction behind a
// change. Behind that the moments share what the last copy has: a file that gets there
// was written to use up memory.
const maxKept = 1 << 20

func (w *world) simulate(chain []*dockerfile.Stage, s *State, squash *dockerfile.Instruction) *State {
	base, res := s.Facts, w.res
	for i, stage := range chain {
		switch {
		case i == 0:
			s.Env = res.Env(base.Config.Env)
		case squash != nil && squash.Stage == stage:
			s.emptyConfig()
			s.Env = res.Env(nil)
		default:
			s.Env = s.Env.Child()
		}
		sim := &simulator{State: s, world: w, base: base, blocks: map[string]textAt{}, squash: squash}
		if i == 0 {
			sim.basePackage()
			sim.triggers(base.Config.OnBuild)
		}
		sim.cmdSet = false
		env, changed := s.Env.Clone(), false
		for _, in := range stage.Instructions {
			if changed && w.kept < maxKept {
				env = s.Env.Clone()
				w.kept += s.Env.Len()
			}
			s.Before[in] = Moment{User: s.User, Workdir: s.Workdir, Shell: s.Shell, Env: env}
			sim.step(in)
			changed = in.Keyword == "ENV" || in.Keyword == "ARG"
		}
	}
	return s
}

// emptyConfig forgets the configuration and keeps the files.
func (s *State) emptyConfig() {
	s.User, s.Workdir, s.Shell = User{}, "/", []string{"/bin/sh", "-c"}
	s.Entrypoint, s.Cmd, s.Healthcheck = Argv{}, Argv{}, Argv{}
	s.Volumes, s.Ports = nil, nil
}

type simulator struct {
	*State
	*world
	base   *imageinspect.Facts
	cmdSet bool              // this stage has a CMD: a later ENTRYPOINT then keeps it
	blocks map[string]textAt // the redirection that wrote each file last
	strips int               // how many commands took the set-id bits off every file
	umask  umask
	guards map[string]string         // of the RUN at hand
	local  map[string]localValue     // variables that the step sets, while it is followed
	reader string                    // the shell that reads the step
	at     *dockerfile.Instruction   // the step
	guard  struct{ of, text string } // the condition that was looked at last, with its variables replaced
	squash *dockerfile.Instruction   // the COPY that brings the whole file system of another stage
}

// triggers applies the ONBUILD instructions of the base image, which run right
// after FROM (Docker reference, ONBUILD). They have no place in this file, so
// nothing can be inserted between them.
func (s *simulator) triggers(onBuild []string) {
	for _, line := range onBuild {
		doc, err := dockerfile.Parse([]byte("FROM scratch\n" + line + "\n"))
		if err != nil || len(doc.Stages) != 1 {
			continue
		}
		sub := &simulator{State: s.State, world: &world{doc: doc, res: s.res, stages: s.stages}, base: s.base, blocks: map[string]textAt{}}
		for _, in := range doc.Stages[0].Instructions {
			sub.step(in)
		}
	}
}

func (s *simulator) step(in *dockerfile.Instruction) {
	switch in.Keyword {
	case "ENV", "ARG":
		s.Env.Apply(in)
	case "USER":
		s.user(in)
	case "WORKDIR":
		s.workdir(in)
	case "SHELL":
		if in.JSON && len(in.Args) > 0 {
			s.Shell = in.Args
		}
	case "RUN":
		s.run(in)
	case "COPY", "ADD":
		s.copy(in)
	case "VOLUME":
		for _, w := range in.Args {
			if p, ok := s.expand(w); ok {
				s.volume(imagepath.Abs(s.Workdir, p), in)
			}
		}
	case "EXPOSE":
		for _, w := range in.Args {
			if p, ok := s.expand(w); ok {
				s.Expose(p)
			}
		}
	case "ENTRYPOINT":
		s.Entrypoint = s.argv(in)
		if s.Entrypoint.Text == "" && slices.Equal(s.Entrypoint.Words, []string{""}) {
			s.Entrypoint.Words = nil // the engine takes [""] for none (moby, daemon: mergeAndVerifyConfig)
		}
		// ENTRYPOINT resets a CMD that this stage has not set itself
		// (Docker reference, "CMD and ENTRYPOINT interaction").
		if !s.cmdSet {
			s.Cmd = Argv{}
		}
	case "CMD":
		s.Cmd = s.argv(in)
		s.cmdSet = true
	case "HEALTHCHECK":
		s.healthcheck(in)
	}
}

// expand returns a word with its variables replaced, and whether all of them
// have a value.
func (s *simulator) expand(word string) (string, bool) {
	v, missing, err := s.Env.Expand(word)
	return v, err == nil && len(missing) == 0
}

func (s *simulator) user(in *dockerfile.Instruction) {
	word := strings.TrimSpace(in.Text)
	spec, missing, err := s.Env.Expand(word)
	if err != nil || len(missing) > 0 {
		if err != nil {
			missing = []string{word}
		}
		if err == nil && spec == "" && s.nobodySets(missing) {
			s.User = User{By: in}
			s.After[in] = s.User
			return
		}
		s.User = User{Spec: word, Name: word, By: in, Missing: missing}
		return
	}
	s.User = s.ResolveUser(spec, in)
	s.After[in] = s.User
}

// nobodySets reports whether neither the file nor the base, whose environment is
// known, sets one of the variables: the builder writes nothing in their place then,
// and an empty USER is root.
func (s *simulator) nobodySets(names []string) bool {
	return s.base.Known.Config && !slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(s.doc.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Keyword == "ARG" && slices.ContainsFunc(in.KeyValues(), func(kv dockerfile.KeyValue) bool { return kv.Key == name })
		})
	})
}

func (s *simulator) workdir(in *dockerfile.Instruction) {
	p, ok := s.expand(strings.TrimSpace(in.Text))
	if !ok {
		// Everything relative from here on is unknown; keep the words, so
		// that nothing that is compared with a real path matches.
		s.Workdir = path.Join("/", in.Text[:min(len(in.Text), imagepath.MaxPath)])
		return
	}
	if dir := imagepath.Abs(s.Workdir, p); len(dir) <= imagepath.MaxPath {
		s.Workdir, s.Placed = dir, s.Placed || path.IsAbs(p)
		s.madeDir(dir, in)
		if imagepath.Below(dir, "/root") && s.RootShown == nil && s.User.By == nil {
			s.RootShown = in // nobody else gets in there
		}
	}
}

// madeDir notes that a directory exists after in, made by it unless it was
// known before.
func (s *State) madeDir(p string, in *dockerfile.Instruction) *Dir {
	p = path.Clean(p)
	d, ok := s.Dirs[p]
	if !ok {
		d = &Dir{Path: p, MadeBy: in, UID: Num(0), GID: Num(0)}
		if !s.User.Root() {
			d.UID, d.GID = s.User.UID, s.User.GID
		}
		s.Dirs[p] = d
	}
	d.LastBy = in
	return d
}

func (s *simulator) volume(p string, in *dockerfile.Instruction) {
	if !slices.Contains(s.Volumes, p) {
		s.Volumes = append(s.Volumes, p)
	}
	d, ok := s.Dirs[p]
	if !ok {
		// The builder makes no directory for a VOLUME, the engine does when
		// the container starts, as root.
		d = &Dir{Path: p, UID: Num(0), GID: Num(0)}
		s.Dirs[p] = d
	}
	d.Volume = true
}

// Expose adds a port, as EXPOSE or the configuration of an image names it: 80/tcp.
func (s *State) Expose(word string) {
	word, _, _ = strings.Cut(word, "/")
	lo, hi, isRange := strings.Cut(word, "-")
	from, err := strconv.Atoi(lo)
	if err != nil {
		return
	}
	s.Ports = append(s.Ports, from)
	if to, err := strconv.Atoi(hi); isRange && err == nil && to != from {
		s.Ports = append(s.Ports, to)
	}
}

func (s *simulator) argv(in *dockerfile.Instruction) Argv {
	if in.JSON {
		return Argv{Words: in.Args, By: in}
	}
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return Argv{By: in}
	}
	if words := brokenJSON(text); words != nil {
		return Argv{Words: words, By: in, Broken: true}
	}
	return Argv{Words: append(slices.Clone(s.Shell), text), Text: text, By: in}
}

// quotedWord is a word of an exec form, with either quote.
var quotedWord = regexp.MustCompile(`"[^"]*"|'[^']*'`)

// brokenJSON returns the words that the author of ["nginx" "-g"] or ['nginx'] meant:
// neither is JSON, and the shell gets the brackets (Docker reference, "Exec form").
// It is nil for what is no such thing: a shell's test, [ -f x ].
func brokenJSON(text string) []string {
	if !strings.HasPrefix(text, "[") || !strings.HasSuffix(text, "]") {
		return nil
	}
	if inner := strings.TrimSpace(text[1:]); inner[0] != '"' && inner[0] != '\'' {
		return nil
	}
	var words []string
	for _, w := range quotedWord.FindAllString(text, -1) {
		words = append(words, w[1:len(w)-1])
	}
	return words
}

func (s *simulator) healthcheck(in *dockerfile.Instruction) {
	text := strings.TrimSpace(in.Text)
	word, rest, _ := strings.Cut(text, " ")
	switch strings.ToUpper(word) {
	case "NONE":
		s.Healthcheck = Argv{By: in}
	case "CMD":
		rest = strings.TrimSpace(rest)
		s.Healthcheck = Argv{Words: append(slices.Clone(s.Shell), rest), Text: rest, By: in}
		if in.JSON && len(in.Args) > 0 {
			s.Healthcheck = Argv{Words: in.Args, By: in}
		}
	}
}

func (s *simulator) copy(in *dockerfile.Instruction) {
	words := in.Args
	if len(words) < 2 {
		return
	}
	c := Copy{By: in, UID: Num(0), GID: Num(0)}
	if from, ok := in.Flag("from"); ok {
		c.From, _ = s.expand(from)
	}
	if owner, ok := in.Flag("chown"); ok {
		c.UID, c.GID = s.owner(owner)
	}
	c.Chmod, _ = in.Flag("chmod")
	parents, ok := in.Flag("parents")
	c.Parents = ok && parents != "false"
	if mode, ok := s.expand(c.Chmod); ok {
		c.Chmod = mode
	}
	for _, w := range words[:len(words)-1] {
		src, ok := s.expand(w)
		c.Opaque = c.Opaque || !ok
		c.Sources = append(c.Sources, src)
	}
	dest, ok := s.expand(words[len(words)-1])
	c.Opaque = c.Opaque || !ok
	c.Dest = imagepath.Abs(s.Workdir, dest)
	if strings.HasSuffix(dest, "/") && c.Dest != "/" || dest == "." || dest == "./" {
		c.Dest = strings.TrimSuffix(c.Dest, "/") + "/"
	}
	c.Into = c.Parents || strings.HasSuffix(c.Dest, "/") || len(c.Sources) > 1 || imagepath.Standard[c.Dest] || s.Dirs[c.Dest] != nil
	s.Copies = append(s.Copies, c)
	if c.Opaque {
		return
	}
	s.filledBy(in, c)
	s.copiesPrivileged(in, c)
	if sets, _ := shellcmd.SetIDBits(c.Chmod); sets {
		for _, src := range c.Sources {
			s.ownSetID(in, c.Target(src), true)
		}
	}
	if c.From != "" && !harmlessCopy(c) {
		s.installs(in)
	}
	if c.bringsTree() {
		s.installs(in)
		s.Tree = in
	}
	s.copiedPasswd(in, c)
}

// owner reads a --chown value; a part that cannot be known is unknown.
func (s *simulator) owner(word string) (uid, gid Number) {
	v, ok := s.expand(word)
	if !ok {
		return Number{}, Number{}
	}
	user, group, has := strings.Cut(v, ":")
	uid, _ = s.userNumber(user)
	if has && group != "" {
		gid, _ = s.groupNumber(group)
		return uid, gid
	}
	// Without a group COPY takes the same number (Docker reference, COPY
	// --chown); for a name, the group of that name or the account's.
	if a, ok := s.Account(user); ok {
		return uid, a.GID
	}
	return uid, uid
}

// filledBy notes the directory that a copy makes or fills.
func (s *simulator) filledBy(in *dockerfile.Instruction, c Copy) {
	p := strings.TrimSuffix(c.Dest, "/")
	if p == "" {
		return
	}
	if d, ok := s.Dirs[p]; ok {
		d.LastBy = in
		return
	}
	if strings.HasSuffix(c.Dest, "/") {
		s.Dirs[p] = &Dir{Path: p, MadeBy: in, LastBy: in, UID: c.UID, GID: c.GID}
	}
}

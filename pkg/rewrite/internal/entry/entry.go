// Package entry reads what an image starts: its command line, and the scripts, supervisors and
// programs on the way, with what each writes and what only root may do.
package entry

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// An Entry is what is known of the process an image starts: its command line,
// the scripts on the way, and what they do that only root may do.
type Entry struct {
	Argv      []string                // ENTRYPOINT and CMD as the engine joins them
	By        *dockerfile.Instruction // the instruction that gives it; nil for the base image
	Programs  []programs.Command      // programs that run, in the order in which they are started
	Scripts   []string                // paths of the scripts that were read
	Unread    []string                // paths of scripts that could not be read
	Opaque    string                  // what a script becomes by exec and nothing here says what it is, "" when there is none
	Called    map[string]bool         // those of Unread that a script calls which was read
	Drops     []Drop                  // changes of user
	RootActs  []RootAct               // what a script does that only root may do
	Owned     []string                // paths that a guarded part of a script gives to the user
	OwnedTree map[string]bool         // those of Owned that it gives with all that is in them
	RootOnly  string                  // a command of a guarded part that only root may run, "" when there is none
	OwnedBy   string                  // a guarded chown whose paths cannot be known, "" when there is none
	Written   []string                // absolute paths that scripts create or write
	WrittenBy map[string]string       // the script that writes each of them
	Files     map[string]bool         // those of Written that are files: targets of redirections, touch and tee
	Opened    map[string]bool         // those of Files that are written in place: the file itself has to be the user's
	Replaced  map[string]bool         // those of Files that another file takes the place of: their directory has to be the user's
	Removed   map[string]bool         // those of Written that scripts remove: their directory has to be the user's
	Asked     map[string]bool         // those of Written that a script writes only where they are not there yet
	Needed    map[string]bool         // those of Written that a script does not go on without
	Made      map[string]bool         // those of Written that are directories which mkdir makes
	Below     map[string]bool         // those of Written that are directories with files somewhere below them that are written
	Trees     map[string]bool         // those of Written of which the files below are written in place
	Unsaid    []Unsaid                // what scripts write and only running them would name
	Packages  map[string]bool         // those of Trees that are packages which may be there or not: true where they are
	HomeFiles []string                // files that scripts write, below the home of whoever runs them
	InHome    string                  // the first script that writes below the home of whoever runs it, "" for none
	InRoot    []InRoot                // commands of scripts that need what is under /root
	Calls     map[string]bool         // base names of all commands that scripts call
	Beside    []programs.Command      // programs that nobody knows and that a script leaves running in the background
	Builds    []BuildCall             // calls of build tools
	Told      [][]string              // commands of scripts that nobody knows, with the options that are known
	// UserCalls are those of Calls behind a change of user.
	UserCalls map[string]bool
	RootCalls map[string]bool // those of Calls that root makes
	Work      []Work          // what root does with files and accounts
	// Supervisor is the supervisord that runs, nil when none does.
	Supervisor *Supervisor
	Git        []GitCall
	// PrismaStore is the directory of pnpm's packages among which prisma writes, "" for none:
	// its engines, and where PrismaClient says so the client.
	PrismaStore  string
	PrismaClient bool
	Crontabs     []string // the crontabs whose jobs were read
	// Texts are the files that scripts make out of a heredoc, with what they put into them.
	Texts map[string]string
}

// A Drop is a command that switches to another user.
type Drop struct {
	Tool, User string // User is "" where the tool names none, or one that is Unknown
	Unknown    bool
	Guarded    bool // only when the script finds itself to be root
	Where      string
}

// A RootAct is a command in a start script that fails without root.
type RootAct struct {
	Text  string
	Where string
	Own   *Ownership // for chown and chgrp with paths that are known
	Stops bool       // it stops where it is not root
}

// An InRoot is a command of a start script that names a path under /root.
type InRoot struct{ Text, Where string }

// Set reports whether the image starts anything at all.
func (e *Entry) Set() bool { return len(e.Argv) > 0 }

// Main returns the last known program, the one that stays.
func (e *Entry) Main() (programs.Command, bool) {
	for i := len(e.Programs) - 1; i >= 0; i-- {
		if e.Programs[i].Program != nil {
			return e.Programs[i], true
		}
	}
	return programs.Command{}, false
}

// maxFollow bounds how many scripts are followed from one to the next.
const maxFollow = 8

// Read follows the command of the image through shells, wrappers and
// scripts.
func Read(im *content.Image) *Entry {
	e := &Entry{Called: map[string]bool{}, Calls: map[string]bool{}, UserCalls: map[string]bool{}, RootCalls: map[string]bool{}}
	s := im.End
	e.Argv, e.By = s.Cmd.Words, s.Cmd.By
	if s.Entrypoint.Set() {
		e.Argv = slices.Clone(s.Entrypoint.Words)
		if s.Entrypoint.By != nil {
			e.By = s.Entrypoint.By
		}
		// The shell form of ENTRYPOINT ignores CMD (Docker reference).
		if s.Entrypoint.Text == "" {
			e.Argv = append(e.Argv, s.Cmd.Words...)
		}
	}
	if startsNothing(e.Argv) {
		e.Argv, e.By = nil, nil // CMD [] gives no command, it takes the base's away
	}
	r := newReader(im, e)
	r.follow(e.Argv, "the command", reach{}, 0)
	if im.NginxImage() {
		r.startScripts(nginxScripts)
	}
	r.Dir = s.Workdir
	r.sources()
	e.health(im)
	return e
}

func newReader(im *content.Image, e *Entry) *Reader {
	return &Reader{Image: im, e: e, seen: map[string]bool{}, Dir: im.End.Workdir, vars: newVariables(), functions: map[string]bool{},
		calls: map[string][][]dockerfile.Word{}, shifts: map[string]bool{}, temporary: map[string]bool{}, bodies: map[string]functionBody{}, followed: map[string]map[string]bool{}}
}

// startsNothing reports whether a command line has no program that an engine could start:
// CMD [], and so CMD [""], of which the first word is the program, and CMD "".
func startsNothing(argv []string) bool {
	if text, ok := shellcmd.ShellText(argv); ok {
		return strings.Trim(text, "\"' \t") == ""
	}
	return len(argv) == 0 || strings.TrimSpace(argv[0]) == ""
}

// A Reader reads what an image starts. With an Image and a Dir alone it answers where a name
// leads; Read uses it for the whole way.
type Reader struct {
	*content.Image
	e            *Entry
	seen         map[string]bool
	Dir          string // where a script stands after its cd
	inPackage    bool   // what is read is a script of a package.json, and Dir its directory
	forShell     bool   // the script is an argument of a shell, and needs no #! line
	branch       string // where a script stands among its branches
	texts        int    // how many scripts and texts of instructions were read
	self         string // the script that is read, "" for the text of an instruction
	vars         variables
	functions    map[string]bool // of the scripts that were read
	uidVariables []string
	args, next   []string                       // what the script is called with that is read, and the next one
	calls        map[string][][]dockerfile.Word // the arguments of commands, by their names
	shifts       map[string]bool                // functions and scripts that change their arguments
	bodies       map[string]functionBody        // of the functions that were read
	temporary    map[string]bool                // variables that mktemp has set
	followed     map[string]map[string]bool     // calls with variables whose values were known, by the function
	reading      *reader
	readers      []*reader  // the scripts that read the one that is read
	dirs         knownPaths // directories of the image and those that scripts have made so far, nil until somebody asks
}

// reach says under which condition a command is reached.
type reach struct {
	guarded bool
	dropped bool // behind a change of user
	user    bool // only where the script finds itself not to be root
	again   bool // only once the script has changed the user and started itself again
}

// root reports whether it may be root that gets there.
func (ctx reach) root() bool { return !ctx.dropped && !ctx.user }

// call notes a command by its base name.
func (r *Reader) call(name string, ctx reach) {
	r.e.Calls[name] = true
	if ctx.dropped {
		r.e.UserCalls[name] = true
	}
	if ctx.root() {
		r.e.RootCalls[name] = true
	}
}

// follow analyses one argument vector.
func (r *Reader) follow(argv []string, where string, ctx reach, depth int) {
	if len(argv) == 0 || depth > maxFollow {
		return
	}
	argv = splitString(argv)
	r.given(argv[1:])
	r.renders(argv, where, ctx, depth)
	if r.ownScript(argv[0], where, ctx, depth) {
		// Most start scripts end in exec "$@".
		r.follow(behind(argv), where, ctx, depth+1)
		return
	}
	if r.behindWrapper(argv, where, ctx, depth) {
		return
	}
	if throughSu(argv) {
		for _, c := range dockerfile.ExecCommands(argv) {
			r.command(c, where, ctx, depth)
		}
		return
	}
	cmd := programs.Unwrap(argv)
	if cmd.Drops {
		tool := dropTool(argv, cmd)
		r.e.Drops = append(r.e.Drops, Drop{Tool: tool, User: cmd.User, Guarded: ctx.guarded, Where: where})
		r.call(tool, ctx)
	}
	for _, via := range cmd.Via {
		r.call(via.Name, ctx)
		ctx.dropped = ctx.dropped || via.Wrapper != nil && via.Wrapper.Drops
	}
	if len(cmd.Args) == 0 {
		r.e.Programs = append(r.e.Programs, cmd)
		return
	}
	name := cmd.Args[0]
	r.call(path.Base(name), ctx)
	r.generates(cmd.Args, where)
	r.builds(cmd.Args, ctx)
	if cmd.Program != nil && cmd.Program.Wrapper != nil && LooksLikeScript(name) && len(cmd.Args) > 1 {
		// The entry point of a well-known image: it starts what follows it.
		r.follow(r.beforeOptions(cmd.Args[1:]), where, ctx, depth+1)
		return
	}
	r.given(cmd.Args[1:])
	if len(cmd.Via) > 0 && r.ownScript(name, where, ctx, depth) {
		r.follow(cmd.Args[1:], where, ctx, depth+1)
		return
	}
	if text, ok := shellcmd.ShellText(cmd.Args); ok {
		r.text(text, where, ctx, depth)
		r.follow(shellArguments(cmd.Args, text), where, ctx, depth+1)
		return
	}
	args := cmd.Args
	if shellcmd.IsShell(name) && len(args) > 1 { // sh /start.sh
		i := slices.IndexFunc(args[1:], func(a string) bool { return !strings.HasPrefix(a, "-") })
		if i >= 0 {
			args = args[1+i:]
			name = args[0]
			r.forShell = true
			r.given(args[1:])
			ok := r.script(name, where, ctx, depth)
			r.forShell = false
			if ok {
				r.follow(behind(args), where, ctx, depth+1)
			}
			return
		}
	}
	if cmd.Program == nil && r.script(name, where, ctx, depth) {
		// Most start scripts end in exec "$@".
		r.follow(args[1:], where, ctx, depth+1)
		return
	}
	if r.tasks(cmd.Args, ctx, depth) {
		return
	}
	r.program(cmd, where, ctx, depth)
	if i := slices.Index(args, "--"); cmd.Program == nil && i >= 0 && i+1 < len(args) && path.IsAbs(args[i+1]) {
		// A wrapper that nobody knows. Whether it starts that is not certain, so that
		// only what needs root counts.
		if inner := programs.Unwrap(args[i+1:]); inner.Program != nil && inner.Program.Root == programs.NeedsRoot {
			r.program(inner, where, ctx, depth)
		}
	}
}

// behindWrapper follows a script of the file that wrappers start: tini -- /start.sh. Its
// name may be that of a well-known wrapper, whose text nobody would look at.
func (r *Reader) behindWrapper(argv []string, where string, ctx reach, depth int) bool {
	var passed []*programs.Program
	var drops []Drop
	for range maxFollow {
		w, inner, user, ok := programs.Inner(argv)
		if !ok || runsPackageScripts(w) {
			return false
		}
		passed = append(passed, w)
		if w.Wrapper.Drops {
			drops = append(drops, Drop{Tool: path.Base(argv[0]), User: user, Guarded: ctx.guarded, Where: where})
		}
		argv = inner
		r.given(argv[1:])
		behindCtx := ctx
		behindCtx.dropped = ctx.dropped || len(drops) > 0
		if !LooksLikeScript(argv[0]) && !r.IsOwnScript(argv[0]) || !r.ownScript(argv[0], where, behindCtx, depth) {
			continue
		}
		for _, via := range passed {
			r.call(via.Name, ctx)
		}
		r.e.Drops = append(r.e.Drops, drops...)
		r.follow(behind(argv), where, behindCtx, depth+1)
		return true
	}
	return false
}

// behind returns what a script is given to start: its arguments, or what stands behind
// the -- of one that waits for something first.
func behind(argv []string) []string {
	if _, inner, _, ok := programs.Inner(argv); ok {
		return inner
	}
	return argv[1:]
}

// program notes a program that runs, and those that it starts itself.
func (r *Reader) program(cmd programs.Command, where string, ctx reach, depth int) {
	if r.inPackage {
		cmd.Dir = r.Dir
	}
	r.e.Programs = append(r.e.Programs, cmd)
	if cmd.Program == nil {
		r.crontab(cmd, ctx, depth)
		return
	}
	switch {
	case cmd.Program.Name == "supervisord":
		r.supervisor(cmd, ctx, depth)
	case runsPackageScripts(cmd.Program):
		r.packageScript(cmd, where, ctx, depth)
	}
}

// dropTool returns the name by which an argument vector calls what changes the user:
// su-exec, where the table has it under gosu.
func dropTool(argv []string, cmd programs.Command) string {
	for _, v := range cmd.Via {
		if v.Wrapper == nil || !v.Wrapper.Drops {
			continue
		}
		for _, w := range argv {
			if p, ok := programs.Lookup(w); ok && p.Name == v.Name {
				return path.Base(w)
			}
		}
		return v.Name
	}
	return ""
}

// beforeOptions puts before options the program that the entry point of the base starts
// with them.
func (r *Reader) beforeOptions(argv []string) []string {
	if e := r.Base.Entrypoint; e != nil && strings.HasPrefix(argv[0], "-") && r.StartsAsBase() {
		return append(slices.Clone(e.Before), argv...)
	}
	return argv
}

// throughSu reports whether an argument vector starts su, be it by way of wrappers:
// what su starts stands in one of its arguments, for a shell to read.
func throughSu(argv []string) bool {
	for range maxFollow {
		if len(argv) == 0 {
			return false
		}
		if name := path.Base(argv[0]); name == "su" || name == "runuser" {
			return true
		}
		_, inner, _, ok := programs.Inner(argv)
		if !ok {
			return false
		}
		argv = inner
	}
	return false
}

// notRead notes a script that could not be read.
func (r *Reader) notRead(name string) {
	r.e.Unread = append(r.e.Unread, name)
	if r.self != "" {
		r.e.Called[name] = true
	}
}

// script reads a script of the image and reports whether name is one. Scripts
// that are there but cannot be read are noted.
func (r *Reader) script(name, where string, ctx reach, depth int) bool {
	p, text, ok := r.Locate(name)
	if !ok {
		// What a shell is given is a script, whatever it is called.
		given := r.forShell && (path.IsAbs(name) && r.MayCopy(name) || r.Copied(name))
		if (given || LooksLikeScript(name)) && (depth == 0 || r.MayBeScript(name)) && !r.compiled(name) {
			r.notRead(name)
			return true
		}
		return false
	}
	if r.seen[p] {
		return true
	}
	r.seen[p] = true
	if !strings.HasPrefix(text, "#!") && !strings.HasSuffix(p, ".sh") && !r.forShell {
		return false
	}
	sc, err := dockerfile.ParseScript([]byte(shellScript(text)))
	if err != nil {
		r.notRead(p)
		return true
	}
	r.forShell = false
	if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "#!") {
		// #!/usr/bin/dumb-init /bin/sh
		if words := strings.Fields(first[2:]); len(words) > 1 && !shellcmd.IsShell(words[0]) {
			r.call(path.Base(words[0]), ctx)
		}
	}
	r.e.Scripts = append(r.e.Scripts, p)
	outer, args := r.self, r.args
	r.self, r.args = p, r.next
	r.commands(sc, p, ctx, depth)
	r.self, r.args = outer, args
	return true
}

func (r *Reader) text(text, where string, ctx reach, depth int) {
	sc, err := dockerfile.ParseScript([]byte(text))
	if err != nil {
		return
	}
	args := r.args
	r.args = nil
	r.commands(sc, where, ctx, depth)
	r.args = args
}

// ToRoot reports whether the tool goes to root, as sudo does that is told no user.
func (d Drop) ToRoot() bool {
	user, _, _ := strings.Cut(d.User, ":")
	return user == "root" || user == "0" || d.User == "" && !d.Unknown && (d.Tool == "sudo" || d.Tool == "doas")
}

// MakesTop reports whether a script makes a directory of its own at the top, which
// the image can hold beforehand, or one that every image has.
func (e *Entry) MakesTop(name string) bool {
	return e.Made[name] && (imagepath.Standard[name] || path.Dir(name) == "/" && !systemTop[name])
}

// systemTop are directories at the top that belong to the system.
var systemTop = map[string]bool{"/etc": true, "/usr": true, "/bin": true, "/sbin": true, "/lib": true, "/lib64": true, "/boot": true, "/sys": true, "/root": true, "/proc": true, "/dev": true}

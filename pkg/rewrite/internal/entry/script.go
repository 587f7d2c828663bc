package entry

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var (
	rootCheck = regexp.MustCompile(`\bid -u|\bE?UID\b|\bwhoami\b`)
	isRoot    = regexp.MustCompile(`(?:^|[^!=])(==?|-eq)\s*["']?(0|root)\b`)
	notRoot   = regexp.MustCompile(`(!=|-ne|-gt)\s*["']?(0|root)\b`)
)

var rootVariable = regexp.MustCompile("([A-Za-z_][A-Za-z0-9_]*)=[\"']?(?:\\$\\(|`)\\s*(?:/usr/bin/)?id -u\\s*(?:\\)|`)")

// noteRootVariables remembers the variables in which a script keeps its uid.
func (r *Reader) noteRootVariables(text string) {
	for _, m := range rootVariable.FindAllStringSubmatch(text, -1) {
		r.uidVariables = append(r.uidVariables, m[1])
	}
}

// withRootVariables writes the question itself for variables that hold the
// answer: [ "$user" = 0 ] after user=$(id -u).
func (r *Reader) withRootVariables(guard string) string {
	for _, v := range r.uidVariables {
		guard = strings.NewReplacer("${"+v+"}", "$(id -u)", "$"+v, "$(id -u)").Replace(guard)
	}
	return guard
}

// notRootOnly reports whether a condition holds for users other than root alone.
func notRootOnly(guard string) bool {
	if !rootCheck.MatchString(guard) {
		return false
	}
	if inner, negated := strings.CutPrefix(guard, "! "); negated {
		return isRoot.MatchString(inner)
	}
	return notRoot.MatchString(guard)
}

// rootOnly reports whether a condition holds for root alone. A condition with
// "! " in front is that of an else branch.
func rootOnly(guard string) bool {
	if !rootCheck.MatchString(guard) {
		return false
	}
	if inner, negated := strings.CutPrefix(guard, "! "); negated {
		return notRoot.MatchString(inner) && !isRoot.MatchString(inner)
	}
	return isRoot.MatchString(guard) && !notRoot.MatchString(guard)
}

// rootAlone reports whether a condition holds for root and whenever the user is
// root.
func (r *Reader) rootAlone(guard string) bool {
	guard = r.withRootVariables(guard)
	return rootOnly(guard) && !strings.Contains(guard, "&&") && !strings.Contains(guard, " -a ")
}

// othersAlone reports whether a condition holds for every user but root.
func (r *Reader) othersAlone(guard string) bool {
	guard = r.withRootVariables(guard)
	return notRootOnly(guard) && !isRoot.MatchString(guard) && !strings.Contains(guard, "&&") && !strings.Contains(guard, " -a ")
}

// commands walks the commands of a script or of the text of a shell form.
func (r *Reader) commands(sc *dockerfile.Script, where string, ctx reach, depth int) {
	r.noteRootVariables(sc.Text)
	r.texts++
	w := scriptWalk{where: where, ctx: ctx, depth: depth, text: "/" + strconv.Itoa(r.texts), dirs: simulate.StartIn(r.Dir)}
	outer, reading := r.branch, r.reading
	r.reading = &reader{text: sc.Text}
	defer func() { r.branch, r.reading = outer, reading; r.vars.enter(outer); r.Dir = w.dirs[""] }()
	cmds := sc.Commands()
	for _, c := range cmds {
		if c.Func != "" {
			r.functions[c.Func] = true
		}
	}
	r.noteCalls(cmds)
	for len(cmds) > 0 {
		n := sameFunction(cmds)
		r.noteBody(cmds[:n], w)
		for _, args := range r.argumentsOf(cmds[:n]) {
			for _, c := range cmds[:n] {
				r.one(r.withArguments(c, args), w)
			}
		}
		cmds = cmds[n:]
	}
}

// A scriptWalk is what the commands of one script have in common.
type scriptWalk struct {
	where string
	ctx   reach
	depth int
	text  string // the branch that the script itself is
	dirs  simulate.Directories
}

// one walks one command of a script.
func (r *Reader) one(c dockerfile.Command, w scriptWalk) {
	if c.Dead && !r.readerCalls(c.Func) {
		return
	}
	r.Dir = w.dirs.Of(c.Shell)
	r.branch = w.text + c.Branch
	r.vars.enter(r.branch)
	inner := w.ctx
	inner.guarded = w.ctx.guarded || rootOnly(r.withRootVariables(c.Guard)) || slices.ContainsFunc(c.Past, r.othersAlone)
	inner.again = w.ctx.again || slices.ContainsFunc(c.Behind, r.rootAlone)
	inner.user = w.ctx.user || inner.again || notRootOnly(r.withRootVariables(c.Guard))
	r.assign(c, inner)
	if c.Name == "cd" && len(c.Args) == 1 && c.Func == "" {
		if dir, ok := r.value(c.Args[0]); ok && !c.Conditional {
			w.dirs[c.Shell] = imagepath.Abs(r.Dir, dir)
		}
		r.inRoot(c, c.Name, w.where, inner)
		return
	}
	for _, c := range r.spelledOut(c) {
		r.command(c, w.where, inner, w.depth)
	}
	r.callsFunction(c, w, inner)
	w.dirs[c.Shell] = r.Dir // which a script that was sourced may have changed
}

// command notes what one command of a script does, and follows it.
func (r *Reader) command(c dockerfile.Command, where string, ctx reach, depth int) {
	ctx = r.wrapped(c, where, ctx)
	r.inRoot(c, path.Base(c.Name), where, ctx)
	if c.Dynamic || c.Name == "" {
		r.runsDirectory(c, "", where, ctx, depth)
		r.becomes(c, ctx)
		r.work(c, "", strings.TrimSpace(strings.Join(append(c.Assigns, c.Path), " ")), ctx)
		if !ctx.guarded {
			r.e.note(r.redirected(c), where)
		}
		return
	}
	name := path.Base(c.Name)
	r.call(name, ctx)
	if name == "trap" && len(c.Args) > 0 && strings.Contains(c.Args[0].Value, "kill ") {
		r.call("kill", ctx)
	}
	r.act(c, name, where, ctx)
	r.git(c, where, ctx)
	argv := append([]string{c.Path}, shellcmd.Words(c.Args)...)
	r.generates(argv, where)
	r.builds(argv, ctx)
	if rendersFor[name] {
		r.rendered(append([]string{c.Path}, shellcmd.Words(r.readable(c.Args))...), where, ctx, depth)
	}
	r.runsDirectory(c, name, where, ctx, depth)
	switch {
	case name == "start-stop-daemon" && !slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return w.Value == "-c" || strings.HasPrefix(w.Value, "--chuid") }):
		// It starts a program and changes nobody.
	case DropTools[name]:
		r.e.Drops = append(r.e.Drops, Drop{Tool: name, User: dropUser(argv), Guarded: ctx.guarded, Where: where})
		cmd := programs.Unwrap(argv)
		if cmd.Program != nil && len(cmd.Via) > 0 {
			r.program(programs.Command{Program: cmd.Program, Args: cmd.Args}, where, ctx, depth)
		}
	case name == "set":
		// set -- gosu app "$@", for the exec "$@" at the end.
		if len(c.Args) > 1 && c.Args[0].Value == "--" && c.Args[1].Static {
			r.follow(shellcmd.Words(c.Args[1:]), where, ctx, depth+1)
		}
	case name == "." || name == "source":
		if len(c.Args) > 0 && c.Args[0].Static {
			r.sourced(c.Args[0].Value, ctx, depth+1, !c.Conditional && !c.FailureHandled)
		} else if ctx.root() {
			r.e.Work = append(r.e.Work, Work{Text: strings.TrimSpace(name + " " + strings.Join(shellcmd.Words(c.Args), " ")), Always: true})
		}
	case builtin[name], r.functions[c.Path]:
	case shellcmd.IsShell(name) || LooksLikeScript(c.Path) && r.MayBeScript(c.Path) && !r.KnownProgram(c.Path) || r.IsOwnScript(c.Path) || r.Printed(c.Path) != "":
		r.called(argv, where, ctx, depth+1)
	case c.Func != "", c.FailureHandled && optional[name]:
	default:
		cmd := programs.Unwrap(argv)
		if len(cmd.Args) > 0 && r.tasks(cmd.Args, ctx, depth) {
			return
		}
		if cmd.Program == nil && SetupName.MatchString(name) && r.Copied(c.Path) {
			r.notRead(c.Path) // a program of the file that sets up for what comes after it
		}
		if cmd.Program == nil && path.Base(cmd.Args[0]) == "supercronic" {
			r.crontab(cmd, ctx, depth)
		}
		if cmd.Program == nil && !ctx.guarded {
			r.told(c)
		}
		if cmd.Program == nil && c.Background && path.IsAbs(c.Path) && !ctx.guarded {
			r.e.Beside = append(r.e.Beside, cmd)
		}
		if cmd.Program != nil && !onlyAsks(cmd, c) && !(c.FailureHandled && cmd.Program.Root == programs.NeedsRoot) {
			r.program(cmd, where, ctx, depth)
		}
	}
}

// told notes a command that nobody knows for what its options say.
func (r *Reader) told(c dockerfile.Command) {
	if !slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return strings.HasPrefix(w.Value, "-") }) {
		return
	}
	argv := []string{c.Path}
	for _, w := range r.readable(c.Args) {
		argv = append(argv, w.Value)
	}
	r.e.Told = append(r.e.Told, argv)
}

// fromOwn matches what a script has from its arguments, an array or a function of its own.
var fromOwn = regexp.MustCompile(`\[[@*]\]|^"?\$\(\s*([A-Za-z0-9_]+)`)

// becomes notes an exec of something that only running the script would tell. What it is
// called with is not of that kind: follow has that.
func (r *Reader) becomes(c dockerfile.Command, ctx reach) {
	if !c.Dynamic || !slices.Contains(c.Via, "exec") || !ctx.root() || positional.MatchString(c.Path) || r.e.Opaque != "" {
		return
	}
	if m := fromOwn.FindStringSubmatch(c.Path); m != nil && (m[1] == "" || r.functions[m[1]]) || !strings.ContainsAny(path.Base(c.Path), "$`)") {
		return
	}
	r.e.Opaque = fmt.Sprintf("%s starts %s", path.Base(r.where()), c.Path)
}

// onlyAsks reports whether a command of a script, by the name of an init
// system, only speaks to one: systemctl anywhere, and init and systemd where the
// script does not become them.
func onlyAsks(cmd programs.Command, c dockerfile.Command) bool {
	switch cmd.Program.Name {
	case "systemctl":
		return true
	case "systemd":
		return !slices.Contains(c.Via, "exec")
	}
	return false
}

// called follows a script that a script calls: a process of its own, which gets
// the directory and the variables and gives nothing back.
func (r *Reader) called(argv []string, where string, ctx reach, depth int) {
	dir, self, vars := r.Dir, r.self, r.vars
	r.vars = vars.clone()
	r.follow(argv, where, ctx, depth)
	r.Dir, r.self, r.vars = dir, self, vars
}

// sourced follows a script that a script reads, in which $0 is still the reader. One that
// is needed has to be readable: the rest of the script may call what it defines.
func (r *Reader) sourced(name string, ctx reach, depth int, needed bool) {
	if depth > maxFollow {
		return
	}
	before := len(r.e.Unread)
	r.readers = append(r.readers, r.reading)
	r.given(r.args)
	r.script(name, r.where(), ctx, depth)
	r.readers = r.readers[:len(r.readers)-1]
	if needed && len(r.e.Unread) > before && r.MayCopy(imagepath.Abs(r.Dir, name)) {
		delete(r.e.Called, name)
	}
}

// wrapped notes the changes of user among the wrappers around a command, and returns
// how the command itself is reached.
func (r *Reader) wrapped(c dockerfile.Command, where string, ctx reach) reach {
	for _, via := range c.Via {
		r.call(via, ctx)
		ctx.dropped = ctx.dropped || DropTools[via] || via == "sudo"
		if via == "sudo" && notRootOnly(r.withRootVariables(c.Guard)) {
			continue // it goes up, not down
		}
		if DropTools[via] || via == "sudo" {
			d := Drop{Tool: via, Guarded: ctx.guarded, Where: where}
			if c.As != nil {
				d.User, _ = r.expand(*c.As)
				d.Unknown = d.User == ""
			}
			r.e.Drops = append(r.e.Drops, d)
		}
	}
	return ctx
}

var builtin = map[string]bool{"exec": true, "env": true, "sleep": true, "tail": true, "cat": true, "echo": true, "test": true, "[": true}

// DropTools are the commands that start another one as another user.
var DropTools = map[string]bool{"gosu": true, "su-exec": true, "setpriv": true, "runuser": true, "su": true, "s6-setuidgid": true,

	"chroot": true, "start-stop-daemon": true, "chpst": true, "setuidgid": true, "setuser": true, "doas": true}

func dropUser(argv []string) string {
	if c := programs.Unwrap(argv); c.Drops {
		return c.User
	}
	for _, a := range argv[1:] {
		if !strings.HasPrefix(a, "-") && a != "" && !strings.HasPrefix(a, "$") {
			return a
		}
	}
	return ""
}

// rootCommands fail without root whatever they are given.
var rootCommands = map[string]bool{"useradd": true, "adduser": true, "usermod": true, "groupadd": true, "addgroup": true, "groupmod": true,

	"userdel": true, "deluser": true, "chpasswd": true, "passwd": true, "service": true, "mount": true, "umount": true, "iptables": true, "ip6tables": true, "nft": true,
	"modprobe": true, "sysctl": true, "ldconfig": true, "update-ca-certificates": true, "apt-get": true, "apk": true, "yum": true,
	"dnf": true, "setcap": true, "sshd": true, "cron": true, "crond": true, "crontab": true, "rsyslogd": true, "dockerd": true, "locale-gen": true,
	"rc-service": true, "systemctl": true, "a2enmod": true, "a2ensite": true, "tc": true, "losetup": true, "chroot": true, "unshare": true,
	"invoke-rc.d": true, "update-rc.d": true, "visudo": true, "syslog-ng": true, "mknod": true, "insmod": true}

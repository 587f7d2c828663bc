package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

var (
	rootCheck = regexp.MustCompile(`\bid -u|\bE?UID\b|\bwhoami\b`)
	isRoot    = regexp.MustCompile(`(==?|-eq)\s*["']?(0|root)\b`)
	notRoot   = regexp.MustCompile(`(!=|-ne|-gt)\s*["']?(0|root)\b`)
)

var rootVariable = regexp.MustCompile("([A-Za-z_][A-Za-z0-9_]*)=[\"']?(?:\\$\\(|`)\\s*(?:/usr/bin/)?id -u\\s*(?:\\)|`)")

// noteRootVariables remembers the variables in which a script keeps its uid.
func (r *entryReader) noteRootVariables(text string) {
	for _, m := range rootVariable.FindAllStringSubmatch(text, -1) {
		r.uidVariables = append(r.uidVariables, m[1])
	}
}

// withRootVariables writes the question itself for variables that hold the
// answer: [ "$user" = 0 ] after user=$(id -u).
func (r *entryReader) withRootVariables(guard string) string {
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

// commands walks the commands of a script or of the text of a shell form.
func (r *entryReader) commands(sc *dockerfile.Script, where string, ctx reach, depth int) {
	outer := r.dir
	r.dir = r.End.Workdir
	defer func() { r.dir = outer }()
	r.noteRootVariables(sc.Text)
	for _, c := range sc.Commands() {
		if c.Name == "cd" && len(c.Args) == 1 && c.Func == "" {
			if dir, ok := r.value(c.Args[0]); ok && !c.Conditional {
				r.dir = abs(r.dir, dir)
			}
			continue
		}
		guard := r.withRootVariables(c.Guard)
		inner := reach{guarded: ctx.guarded || rootOnly(guard), dropped: ctx.dropped}
		for _, via := range c.Via {
			r.call(via, inner)
			inner.dropped = inner.dropped || dropTools[via] || via == "sudo"
			if via == "sudo" && notRootOnly(guard) {
				continue // it goes up, not down
			}
			if dropTools[via] || via == "sudo" {
				d := Drop{Tool: via, Guarded: inner.guarded, Where: where}
				if c.As != nil && c.As.Static {
					d.User = c.As.Value
				}
				r.e.Drops = append(r.e.Drops, d)
			}
		}
		if c.Name == "" {
			r.assign(c)
			continue
		}
		if c.Dynamic {
			r.dynamic(c, where, inner, depth)
			continue
		}
		name := path.Base(c.Name)
		r.call(name, inner)
		r.act(c, name, where, inner)
		argv := append([]string{c.Name}, words(c.Args)...)
		switch {
		case name == "start-stop-daemon" && !slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return w.Value == "-c" || strings.HasPrefix(w.Value, "--chuid") }):
			// It starts a program and changes nobody.
		case dropTools[name]:
			r.e.Drops = append(r.e.Drops, Drop{Tool: name, User: dropUser(argv), Guarded: inner.guarded, Where: where})
			cmd := programs.Unwrap(argv)
			if cmd.Program != nil && len(cmd.Via) > 0 {
				r.program(programs.Command{Program: cmd.Program, Args: cmd.Args}, inner, depth)
			}
		case name == "." || name == "source":
			if len(c.Args) > 0 && c.Args[0].Static {
				r.script(c.Args[0].Value, where, inner, depth+1)
			}
		case c.Func != "" || builtin[name]:
		case isShell(name) || looksLikeScript(c.Name) || r.isOwnScript(c.Name):
			r.follow(argv, where, inner, depth+1)
		default:
			if cmd := programs.Unwrap(argv); cmd.Program != nil && !onlyAsks(cmd, c) {
				r.program(cmd, inner, depth)
			}
		}
	}
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

func words(args []dockerfile.Word) []string {
	out := make([]string, len(args))
	for i, w := range args {
		out[i] = w.Value
	}
	return out
}

var builtin = map[string]bool{"exec": true, "env": true, "sleep": true, "tail": true, "cat": true, "echo": true, "test": true, "[": true}

var dropTools = map[string]bool{"gosu": true, "su-exec": true, "setpriv": true, "runuser": true, "su": true, "s6-setuidgid": true,

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

// act notes what a command writes, owns, or does that only root may do.
func (r *entryReader) act(c dockerfile.Command, name, where string, ctx reach) {
	text := strings.TrimSpace(name + " " + strings.Join(words(c.Args), " "))
	if ctx.guarded {
		r.guardedOwner(c, name, text)
		return
	}
	switch {
	case strings.HasPrefix(c.Path, "/etc/init.d/"):
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: strings.TrimSpace(c.Path + " " + strings.Join(words(c.Args), " ")), Where: where})
		return
	case rootCommands[name]:
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where})
		return
	case name == "chown" || name == "chgrp":
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where})
		return
	}
	r.e.Written = append(r.e.Written, r.writes(c, name)...)
}

// guardedOwner notes what the root part of a script gives to the user, by chown or
// by find -exec chown.
func (r *entryReader) guardedOwner(c dockerfile.Command, name, text string) {
	args := c.Args
	switch {
	case name == "find" && slices.ContainsFunc(args, func(w dockerfile.Word) bool { return path.Base(w.Value) == "chown" }):
		i := slices.IndexFunc(args, func(w dockerfile.Word) bool {
			return strings.HasPrefix(w.Value, "-") || w.Value == "(" || w.Value == "!" || w.Value == `\(` || w.Value == `\!`
		})
		if i >= 0 {
			args = args[:i]
		}
	case name == "chown" && !slices.Contains(c.Via, "find -exec") && !slices.Contains(c.Via, "xargs"):
		i := slices.IndexFunc(args, func(w dockerfile.Word) bool { return !strings.HasPrefix(w.Value, "-") })
		args = args[i+1:]
	default:
		return
	}
	for _, w := range args {
		if strings.HasPrefix(w.Value, "-") {
			continue
		}
		p, ok := r.value(w)
		if !ok {
			r.e.OwnedBy = text
			continue
		}
		r.e.Owned = append(r.e.Owned, abs(r.End.Workdir, p))
	}
}

// value returns a word of a script with the variables that the image's
// environment sets.
func (r *entryReader) value(w dockerfile.Word) (string, bool) {
	if w.Static {
		return w.Value, true
	}
	if !simpleVariables.MatchString(w.Value) || strings.Contains(w.Value, "$@") || strings.Contains(w.Value, "$1") {
		return "", false
	}
	v, missing, err := r.End.Env.Expand(w.Value)
	return v, err == nil && len(missing) == 0 && path.IsAbs(v)
}

// writes returns the absolute paths that a command creates or writes.
func (r *entryReader) writes(c dockerfile.Command, name string) []string {
	var out []string
	file := func(w string) {
		if r.e.Files == nil {
			r.e.Files = map[string]bool{}
		}
		r.e.Files[abs(r.End.Workdir, w)] = true
	}
	add := func(w string) {
		if w != "" && !strings.HasPrefix(w, "/dev/") && !strings.HasPrefix(w, "/proc/") {
			out = append(out, abs(r.dir, w))
		}
	}
	for _, red := range c.Redirects {
		if red.Target.Static && strings.HasPrefix(strings.TrimLeft(red.Op, "0123456789&"), ">") && red.Target.Value != "" && red.Target.Value[0] != '&' && !isNumber(red.Target.Value) {
			add(red.Target.Value)
			file(red.Target.Value)
		}
	}
	_, operands := splitOptions(c.Args, map[string]string{"-m": "mode", "--mode": "mode", "-e": "script", "-t": "target"})
	switch name {
	case "mkdir", "touch", "tee", "chmod":
		if name == "chmod" {
			operands = operands[min(1, len(operands)):]
		}
		for _, o := range operands {
			add(o)
			if name == "touch" || name == "tee" {
				file(o)
			}
		}
	case "cp", "mv", "ln", "install", "rsync":
		if len(operands) > 1 {
			add(operands[len(operands)-1])
		}
	case "rm":
		for _, o := range operands {
			add(o)
		}
	case "sed":
		if slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return strings.HasPrefix(w.Value, "-i") || w.Value == "--in-place" }) && len(operands) > 0 {
			add(operands[len(operands)-1])
		}
	}
	return out
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }

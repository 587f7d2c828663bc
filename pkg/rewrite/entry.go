package rewrite

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

// An Entry is what is known of the process an image starts: its command line,
// the scripts on the way, and what they do that only root may do.
type Entry struct {
	Argv     []string                // ENTRYPOINT and CMD as the engine joins them
	By       *dockerfile.Instruction // the instruction that gives it; nil for the base image
	Programs []programs.Command      // programs that run, in the order in which they are started
	Scripts  []string                // paths of the scripts that were read
	Unread   []string                // paths of scripts that could not be read
	Drops    []Drop                  // changes of user
	RootActs []RootAct               // what a script does that only root may do
	Owned    []string                // paths that a guarded part of a script gives to the user
	Written  []string                // absolute paths that scripts create or write
	Calls    map[string]bool         // base names of all commands that scripts call
}

// A Drop is a command that switches to another user.
type Drop struct {
	Tool, User string
	Guarded    bool // only when the script finds itself to be root
	Where      string
}

// A RootAct is a command in a start script that fails without root.
type RootAct struct {
	Text  string
	Where string
}

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

// readEntry follows the command of the image through shells, wrappers and
// scripts.
func (p *Pass) readEntry() *Entry {
	e := &Entry{Calls: map[string]bool{}}
	s := p.End
	e.Argv, e.By = s.Cmd.Words, s.Cmd.By
	if s.Entrypoint.Set() {
		e.Argv, e.By = slices.Clone(s.Entrypoint.Words), s.Entrypoint.By
		// The shell form of ENTRYPOINT ignores CMD (Docker reference).
		if s.Entrypoint.Text == "" {
			e.Argv = append(e.Argv, s.Cmd.Words...)
		}
	}
	r := &entryReader{Pass: p, e: e, seen: map[string]bool{}}
	r.follow(e.Argv, "the command", reach{}, 0)
	return e
}

type entryReader struct {
	*Pass
	e    *Entry
	seen map[string]bool
}

// reach says under which condition a command is reached.
type reach struct {
	guarded bool
}

// follow analyses one argument vector.
func (r *entryReader) follow(argv []string, where string, ctx reach, depth int) {
	if len(argv) == 0 || depth > maxFollow {
		return
	}
	if r.ownScript(argv[0], where, ctx, depth) {
		// Most start scripts end in exec "$@".
		r.follow(argv[1:], where, ctx, depth+1)
		return
	}
	cmd := programs.Unwrap(argv)
	if cmd.Drops {
		r.e.Drops = append(r.e.Drops, Drop{Tool: dropTool(cmd), User: cmd.User, Guarded: ctx.guarded, Where: where})
	}
	for _, via := range cmd.Via {
		r.e.Calls[via.Name] = true
	}
	if len(cmd.Args) == 0 {
		r.e.Programs = append(r.e.Programs, cmd)
		return
	}
	name := cmd.Args[0]
	r.e.Calls[path.Base(name)] = true
	if text, ok := shellText(cmd.Args); ok {
		r.text(text, where, ctx, depth)
		return
	}
	args := cmd.Args
	if isShell(name) && len(args) > 1 { // sh /start.sh
		i := slices.IndexFunc(args[1:], func(a string) bool { return !strings.HasPrefix(a, "-") })
		if i >= 0 {
			args = args[1+i:]
			name = args[0]
			if r.script(name, where, ctx, depth) {
				r.follow(args[1:], where, ctx, depth+1)
			}
			return
		}
	}
	if cmd.Program == nil && r.script(name, where, ctx, depth) {
		// Most start scripts end in exec "$@".
		r.follow(args[1:], where, ctx, depth+1)
		return
	}
	r.e.Programs = append(r.e.Programs, cmd)
}

// ownScript reads a script that this file copies into the image. Its name may be
// that of a well-known one (docker-entrypoint.sh); what it does is in its text.
func (r *entryReader) ownScript(name, where string, ctx reach, depth int) bool {
	p, text, ok := r.locate(name)
	if !ok && looksLikeScript(name) && r.copied(name) {
		r.e.Unread = append(r.e.Unread, name)
		return true
	}
	if !ok || r.seen[p] || !strings.HasPrefix(text, "#!") && !strings.HasSuffix(p, ".sh") {
		return false
	}
	return r.script(name, where, ctx, depth)
}

// copied reports whether a COPY or ADD of the file may bring a file of that name.
func (r *entryReader) copied(name string) bool {
	return slices.ContainsFunc(r.End.Copies, func(c Copy) bool {
		if path.IsAbs(name) && path.Clean(c.Dest) == name {
			return true
		}
		return slices.ContainsFunc(c.Sources, func(src string) bool { return path.Base(src) == path.Base(name) })
	})
}

func dropTool(cmd programs.Command) string {
	for _, v := range cmd.Via {
		if v.Wrapper != nil && v.Wrapper.Drops {
			return v.Name
		}
	}
	return ""
}

func isShell(name string) bool {
	switch path.Base(name) {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "busybox":
		return true
	}
	return false
}

// shellText returns the text in sh -c TEXT.
func shellText(argv []string) (string, bool) {
	if len(argv) == 0 || !isShell(argv[0]) {
		return "", false
	}
	for i, a := range argv[1:] {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && i+2 < len(argv) {
			return argv[i+2], true
		}
	}
	return "", false
}

// script reads a script of the image and reports whether name is one. Scripts
// that are there but cannot be read are noted.
func (r *entryReader) script(name, where string, ctx reach, depth int) bool {
	p, text, ok := r.locate(name)
	if !ok {
		if looksLikeScript(name) {
			r.e.Unread = append(r.e.Unread, name)
			return true
		}
		return false
	}
	if r.seen[p] {
		return true
	}
	r.seen[p] = true
	if !strings.HasPrefix(text, "#!") && !strings.HasSuffix(p, ".sh") {
		return false
	}
	sc, err := dockerfile.ParseScript([]byte(text))
	if err != nil {
		if !otherLanguage(text) {
			r.e.Unread = append(r.e.Unread, p)
		}
		return true
	}
	r.e.Scripts = append(r.e.Scripts, p)
	r.commands(sc, p, ctx, depth)
	return true
}

func looksLikeScript(name string) bool {
	b := path.Base(name)
	return strings.HasSuffix(b, ".sh") || strings.HasSuffix(b, ".bash") || strings.Contains(b, "entrypoint") || strings.Contains(b, "docker-entry")
}

// otherLanguage reports whether the first line names an interpreter that is not
// a shell.
func otherLanguage(text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	return strings.HasPrefix(first, "#!") && !strings.Contains(first, "sh")
}

func (r *entryReader) text(text, where string, ctx reach, depth int) {
	sc, err := dockerfile.ParseScript([]byte(text))
	if err != nil {
		return
	}
	r.commands(sc, where, ctx, depth)
}

var (
	rootCheck = regexp.MustCompile(`\bid -u|\bE?UID\b|\bwhoami\b`)
	isRoot    = regexp.MustCompile(`(==?|-eq)\s*["']?(0|root)\b`)
	notRoot   = regexp.MustCompile(`(!=|-ne|-gt)\s*["']?(0|root)\b`)
)

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
	for _, c := range sc.Commands() {
		inner := reach{guarded: ctx.guarded || rootOnly(c.Guard)}
		for _, via := range c.Via {
			r.e.Calls[via] = true
			if dropTools[via] || via == "sudo" {
				d := Drop{Tool: via, Guarded: inner.guarded, Where: where}
				if c.As != nil && c.As.Static {
					d.User = c.As.Value
				}
				r.e.Drops = append(r.e.Drops, d)
			}
		}
		if c.Dynamic || c.Name == "" {
			continue
		}
		name := path.Base(c.Name)
		r.e.Calls[name] = true
		r.act(c, name, where, inner)
		argv := append([]string{c.Name}, words(c.Args)...)
		switch {
		case dropTools[name]:
			r.e.Drops = append(r.e.Drops, Drop{Tool: name, User: dropUser(argv), Guarded: inner.guarded, Where: where})
			cmd := programs.Unwrap(argv)
			if cmd.Program != nil && len(cmd.Via) > 0 {
				r.e.Programs = append(r.e.Programs, programs.Command{Program: cmd.Program, Args: cmd.Args})
			}
		case name == "." || name == "source":
			if len(c.Args) > 0 && c.Args[0].Static {
				r.script(c.Args[0].Value, where, inner, depth+1)
			}
		case c.Func == "" && depth < maxFollow:
			cmd := programs.Unwrap(argv)
			if cmd.Program != nil && !builtin[name] {
				r.e.Programs = append(r.e.Programs, cmd)
			} else if strings.Contains(c.Name, "/") && looksLikeScript(c.Name) {
				r.script(c.Name, where, inner, depth+1)
			}
		}
	}
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
		if name == "chown" {
			_, operands := splitOptions(c.Args, nil)
			for _, o := range operands[min(1, len(operands)):] {
				if path.IsAbs(o) {
					r.e.Owned = append(r.e.Owned, path.Clean(o))
				}
			}
		}
		return
	}
	switch {
	case strings.HasPrefix(c.Name, "/etc/init.d/"), rootCommands[name]:
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where})
		return
	case name == "chown" || name == "chgrp":
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where})
		return
	}
	for _, w := range r.writes(c, name) {
		r.e.Written = append(r.e.Written, w)
	}
}

// writes returns the absolute paths that a command creates or writes.
func (r *entryReader) writes(c dockerfile.Command, name string) []string {
	var out []string
	add := func(w string) {
		if w != "" && !strings.HasPrefix(w, "/dev/") && !strings.HasPrefix(w, "/proc/") {
			out = append(out, abs(r.End.Workdir, w))
		}
	}
	for _, red := range c.Redirects {
		if red.Target.Static && strings.HasPrefix(strings.TrimLeft(red.Op, "0123456789&"), ">") && red.Target.Value != "" && red.Target.Value[0] != '&' && !isNumber(red.Target.Value) {
			add(red.Target.Value)
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

// searchPath are the directories of the usual PATH of images.
var searchPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// locate finds the text of a file of the image: what COPY took from the build
// context or holds as a heredoc, and the scripts of the base image.
func (r *entryReader) locate(name string) (p, text string, ok bool) {
	var candidates []string
	switch {
	case path.IsAbs(name):
		candidates = []string{path.Clean(name)}
	case strings.Contains(name, "/"):
		candidates = []string{abs(r.End.Workdir, name)}
	default:
		for _, dir := range searchPath {
			candidates = append(candidates, path.Join(dir, name))
		}
		candidates = append(candidates, abs(r.End.Workdir, name))
	}
	for _, c := range candidates {
		if text, ok := r.fileOf(c); ok {
			return c, text, true
		}
	}
	return "", "", false
}

func (p *Pass) fileOf(name string) (string, bool) {
	for i := len(p.End.Copies) - 1; i >= 0; i-- {
		c := p.End.Copies[i]
		if c.Opaque {
			continue
		}
		if text, ok := p.fromCopy(c, name); ok {
			return text, true
		}
	}
	text, ok := p.Base.Scripts[name]
	return text, ok
}

func (p *Pass) fromCopy(c Copy, name string) (string, bool) {
	dir := strings.HasSuffix(c.Dest, "/")
	dest := path.Clean(c.Dest)
	for _, h := range c.By.Heredocs {
		if !dir && dest == name || dir && path.Join(dest, h.Name) == name {
			return h.Content, true
		}
	}
	if c.From != "" || p.opts.Context == nil {
		return "", false
	}
	for _, src := range c.Sources {
		src = strings.TrimPrefix(path.Clean("/"+src), "/")
		if !dir && dest == name {
			return p.contextFile(src)
		}
		if path.Join(dest, path.Base(src)) == name {
			if text, ok := p.contextFile(src); ok {
				return text, true
			}
		}
		if rel, ok := strings.CutPrefix(name, strings.TrimSuffix(dest, "/")+"/"); ok {
			// The source may be a directory, whose content is copied.
			if text, ok := p.contextFile(path.Join(src, rel)); ok {
				return text, true
			}
		}
	}
	return "", false
}

// maxScript bounds how much of a script in the build context is read.
const maxScript = 256 << 10

func (p *Pass) contextFile(name string) (string, bool) {
	if name == "" || !fs.ValidPath(name) {
		return "", false
	}
	return readText(p.opts.Context, name)
}

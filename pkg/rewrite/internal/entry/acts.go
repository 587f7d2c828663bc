package entry

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// optional are commands that tune the system or clean up: where the script goes
// on when they fail, the program does so, too.
var optional = map[string]bool{"ldconfig": true, "sysctl": true, "modprobe": true, "chmod": true, "rm": true, "ulimit": true}

// kernelWork are commands with which a start script prepares as root what nobody else
// may, neither in the Dockerfile nor by owning something. A failing setcap is often
// passed over, and what the program does by it then stops working without a word.
var kernelWork = map[string]bool{"setcap": true, "mount": true, "umount": true, "sysctl": true, "iptables": true, "ip6tables": true, "nft": true,
	"modprobe": true, "insmod": true, "mknod": true, "tc": true, "losetup": true}

// act notes what a command writes, owns, or does that only root may do.
func (r *Reader) act(c dockerfile.Command, name, where string, ctx reach) {
	text := strings.TrimSpace(name + " " + strings.Join(shellcmd.Words(c.Args), " "))
	owns := name == "chown" || name == "chgrp"
	r.work(c, name, text, ctx)
	r.noteHome(c, name, where, ctx)
	switch {
	case ctx.guarded:
		r.guardedOwner(c, name, text)
		if kernelWork[name] && (!c.FailureHandled || name == "setcap") && r.e.RootOnly == "" {
			r.e.RootOnly = text
		}
	case c.FailureHandled && optional[name]:
		r.e.note(r.redirected(c), where)
	case ctx.again && (rootCommands[name] || fillers[name] || owns):
		// It runs as the user already.
	case strings.HasPrefix(c.Path, "/etc/init.d/"):
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: strings.TrimSpace(c.Path + " " + strings.Join(shellcmd.Words(c.Args), " ")), Where: where})
	case name == "keytool" && changesTrust(c.Args):
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: "keytool -importcert -cacerts", Where: where}) // the others hold a password
	case name == "confd" && r.fillsIn(c, where):
	case rootCommands[name], fillers[name]:
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where})
	case owns:
		own := r.ownership(c, name)
		if own != nil && c.FailureHandled {
			// What root gave away at start is given away in the image.
			if !own.toRoot() {
				r.e.give(own.Tree, own.Paths...)
			}
			return
		}
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where, Own: own})
	default:
		r.e.note(r.writes(c, name), where)
		r.prints(c, name)
		r.noteUnsaid(c, name, where)
	}
}

// inRoot notes paths under /root that a command of a script names. Questions and
// messages do not count, nor do commands that may fail.
func (r *Reader) inRoot(c dockerfile.Command, name, where string, ctx reach) {
	if r.self == "" || ctx.guarded || c.FailureHandled || builtin[name] && name != "exec" && name != "cat" || name == "rm" || name == "printf" {
		return
	}
	all := append([]dockerfile.Word{{Value: c.Path}}, c.Args...)
	for _, a := range c.Assigns {
		all = append(all, dockerfile.Word{Value: a})
	}
	for _, w := range all {
		_, value, assigned := strings.Cut(w.Value, "=")
		if !assigned {
			value = w.Value
		}
		if value = strings.Trim(value, `"'`); imagepath.Below(value, "/root") {
			r.e.InRoot = append(r.e.InRoot, InRoot{Text: strings.TrimSpace(strings.Join(append(c.Assigns, append([]string{c.Path}, shellcmd.Words(c.Args)...)...), " ")), Where: where})
		}
	}
}

// fillers write files that only their configuration names, most often below /etc.
var fillers = map[string]bool{"confd": true, "augtool": true}

// trustStore matches the certificates that a JDK trusts, and Debian's for all of them.
var trustStore = regexp.MustCompile(`(lib/security|/etc/ssl/certs/java|/etc/pki/(ca-trust/extracted/)?java)/cacerts"?$`)

// changesTrust reports whether keytool changes the certificates that Java itself trusts, a
// file of root's (keytool, -cacerts). A store of the application's own is another matter.
func changesTrust(args []dockerfile.Word) bool {
	changes := slices.ContainsFunc(args, func(w dockerfile.Word) bool {
		return slices.Contains([]string{"-importcert", "-import", "-importkeystore", "-delete"}, w.Value)
	})
	return changes && slices.ContainsFunc(args, func(w dockerfile.Word) bool { return w.Value == "-cacerts" || trustStore.MatchString(w.Value) })
}

// An Ownership is a chown or chgrp of paths that are known.
type Ownership struct {
	User, Group string // "" where it is not changed; self where it is whoever runs the script
	Paths       []string
	Tree        bool
}

// Self stands for the number of whoever runs the script.
const Self = "$self"

var ownNumber = regexp.MustCompile("\\$\\(\\s*(?:/usr/bin/)?id -(?:u|g|un|gn)\\s*\\)|`\\s*id -(?:u|g|un|gn)\\s*`|\\$\\(\\s*whoami\\s*\\)|\\$\\{?E?UID\\}?")

// ownership reads a chown or chgrp; nil when its owner or paths cannot be known.
func (r *Reader) ownership(c dockerfile.Command, name string) *Ownership {
	o := &Ownership{}
	if len(c.Via) > 0 {
		return nil // find -exec, xargs
	}
	var operands []string
	for _, w := range c.Args {
		if len(operands) == 0 && strings.HasPrefix(w.Value, "-") {
			o.Tree = o.Tree || w.Value == "--recursive" || !strings.HasPrefix(w.Value, "--") && strings.Contains(w.Value, "R")
			if strings.HasPrefix(w.Value, "--reference") || strings.HasPrefix(w.Value, "--from") {
				return nil
			}
			continue
		}
		if len(operands) == 0 && !w.Static {
			w.Value = ownNumber.ReplaceAllLiteralString(strings.Trim(r.withRootVariables(w.Value), `"`), Self)
			w.Static = strings.Trim(strings.ReplaceAll(w.Value, Self, ""), ":\"") == ""
		}
		v, ok := r.value(w)
		if !ok {
			return nil
		}
		operands = append(operands, v)
	}
	if len(operands) < 2 {
		return nil
	}
	owner := strings.ReplaceAll(operands[0], `"`, "")
	if name == "chgrp" {
		o.Group = owner
	} else {
		o.User, o.Group, _ = shellcmd.CutOwner(owner)
	}
	for _, p := range operands[1:] {
		for _, b := range shellcmd.Braces(p) {
			o.Paths = append(o.Paths, imagepath.Abs(r.Dir, b))
		}
	}
	return o
}

// toRoot reports whether the files are given to root.
func (o *Ownership) toRoot() bool { return o.User == "root" || o.User == "0" }

// installedFor returns the directories that install -d makes for another user than root.
func (r *Reader) installedFor(c dockerfile.Command) []dockerfile.Word {
	o, operands := shellcmd.Split(r.readable(c.Args), shellcmd.Writers["install"].Takes)
	owner := o.Value("-o") + o.Value("--owner")
	if !o.Has("-d") && !o.Has("--directory") || !o.Has("-o") && !o.Has("--owner") || owner == "root" || owner == "0" {
		return nil
	}
	var dirs []dockerfile.Word
	for _, dir := range operands {
		dirs = append(dirs, dockerfile.Word{Value: dir, Static: dir != ""})
	}
	return dirs
}

// give notes paths that a script gives to the user, with all that is in them or alone.
func (e *Entry) give(tree bool, paths ...string) {
	e.Owned = append(e.Owned, paths...)
	for _, p := range paths {
		if e.OwnedTree == nil {
			e.OwnedTree = map[string]bool{}
		}
		e.OwnedTree[p] = e.OwnedTree[p] || tree
	}
}

// guardedOwner notes what the root part of a script gives to the user, by chown, by
// find -exec chown or by install -d -o.
func (r *Reader) guardedOwner(c dockerfile.Command, name, text string) {
	args, tree := c.Args, name == "find"
	switch {
	case name == "find" && slices.ContainsFunc(args, func(w dockerfile.Word) bool { return path.Base(w.Value) == "chown" }):
		i := slices.IndexFunc(args, func(w dockerfile.Word) bool {
			return strings.HasPrefix(w.Value, "-") || w.Value == "(" || w.Value == "!" || w.Value == `\(` || w.Value == `\!`
		})
		if i >= 0 {
			args = args[:i]
		}
	case name == "chown" && !slices.Contains(c.Via, "find -exec") && !slices.Contains(c.Via, "xargs"):
		if own := r.ownership(c, name); own != nil && own.toRoot() {
			return
		}
		o, _ := shellcmd.Split(args, nil)
		tree = o.Has("-R") || o.Has("--recursive")
		i := slices.IndexFunc(args, func(w dockerfile.Word) bool { return !strings.HasPrefix(w.Value, "-") })
		args = args[i+1:]
	case name == "install":
		args = r.installedFor(c)
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
		r.e.give(tree, imagepath.Abs(r.Dir, p))
	}
}

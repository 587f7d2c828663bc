package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
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
func (r *entryReader) act(c dockerfile.Command, name, where string, ctx reach) {
	text := strings.TrimSpace(name + " " + strings.Join(shellcmd.Words(c.Args), " "))
	owns := name == "chown" || name == "chgrp"
	r.work(c, name, text, ctx)
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
				r.e.give(own.tree, own.paths...)
			}
			return
		}
		r.e.RootActs = append(r.e.RootActs, RootAct{Text: text, Where: where, Own: own})
	default:
		r.e.note(r.writes(c, name), where)
		r.noteUnsaid(c, name, where)
	}
}

// inRoot notes paths under /root that a command of a script names. Questions and
// messages do not count, nor do commands that may fail.
func (r *entryReader) inRoot(c dockerfile.Command, name, where string, ctx reach) {
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

// An ownership is a chown or chgrp of paths that are known.
type ownership struct {
	user, group string // "" where it is not changed; self where it is whoever runs the script
	paths       []string
	tree        bool
}

// self stands for the number of whoever runs the script.
const self = "$self"

var ownNumber = regexp.MustCompile("\\$\\(\\s*(?:/usr/bin/)?id -(?:u|g|un|gn)\\s*\\)|`\\s*id -(?:u|g|un|gn)\\s*`|\\$\\(\\s*whoami\\s*\\)|\\$\\{?E?UID\\}?")

// ownership reads a chown or chgrp; nil when its owner or paths cannot be known.
func (r *entryReader) ownership(c dockerfile.Command, name string) *ownership {
	o := &ownership{}
	if len(c.Via) > 0 {
		return nil // find -exec, xargs
	}
	var operands []string
	for _, w := range c.Args {
		if len(operands) == 0 && strings.HasPrefix(w.Value, "-") {
			o.tree = o.tree || w.Value == "--recursive" || !strings.HasPrefix(w.Value, "--") && strings.Contains(w.Value, "R")
			if strings.HasPrefix(w.Value, "--reference") || strings.HasPrefix(w.Value, "--from") {
				return nil
			}
			continue
		}
		if len(operands) == 0 && !w.Static {
			w.Value = ownNumber.ReplaceAllLiteralString(strings.Trim(r.withRootVariables(w.Value), `"`), self)
			w.Static = strings.Trim(strings.ReplaceAll(w.Value, self, ""), ":\"") == ""
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
		o.group = owner
	} else {
		o.user, o.group, _ = shellcmd.CutOwner(owner)
	}
	for _, p := range operands[1:] {
		for _, b := range shellcmd.Braces(p) {
			o.paths = append(o.paths, imagepath.Abs(r.dir, b))
		}
	}
	return o
}

// toRoot reports whether the files are given to root.
func (o *ownership) toRoot() bool { return o.user == "root" || o.user == "0" }

// changesNothing reports whether the user that is chosen for the image owns the
// paths already, so that the kernel lets it repeat that (chown(2)).
func (o *ownership) changesNothing(p *Pass, u Choice) bool {
	if o == nil || !isOwner(o.user, u.Name, u.UID) && o.user != "" {
		return false
	}
	if o.group != "" && !isOwner(o.group, u.Name, u.GID) {
		return false
	}
	for _, name := range o.paths {
		if p.Entry.Files[name] && !o.tree && p.mayWrite(name, u) {
			continue // the script itself makes it, as the user
		}
		d := p.End.Dirs[name]
		if d == nil || d.Volume && d.MadeBy == nil && d.OwnedBy == nil {
			d = p.givenWith(name)
		}
		if d == nil || o.tree && !d.Tree || !(d.UID.Known && u.UID.Known && d.UID.N == u.UID.N || d.Owner != "" && d.Owner == u.Name) {
			return false
		}
		if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
			return (d.OwnedBy == nil || c.By.Index > d.OwnedBy.Index) && (imagepath.Below(path.Clean(c.Dest), name) || imagepath.Below(name, path.Clean(c.Dest)))
		}) {
			return false
		}
	}
	return true
}

// givenWith returns the directory above a path that a step gives away with all that is in it,
// the path among that: nil for none, and where root may have made something there since.
func (p *Pass) givenWith(name string) *simulate.Dir {
	for dir := path.Dir(name); dir != "/" && len(name) <= imagepath.MaxPath; dir = path.Dir(dir) {
		d := p.End.Dirs[dir]
		if d == nil {
			continue
		}
		if !d.Tree || p.inStage(d.OwnedBy) == nil || p.worksLater(d.OwnedBy, dir) {
			return nil
		}
		return d
	}
	return nil
}

// worksLater reports whether root runs a step behind an instruction that works in a directory
// or names it.
func (p *Pass) worksLater(by *dockerfile.Instruction, dir string) bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "RUN" && in.Index > by.Index && p.End.Before[in].User.Root() && (imagepath.Below(p.End.Before[in].Workdir, dir) || strings.Contains(in.Original, dir))
	})
}

// reportRepeated names the volumes that a start script gives to the user, who owns them in
// the image: what is mounted there may be another one's, and only root can change that.
func (p *Pass) reportRepeated() {
	for _, a := range p.Entry.RootActs {
		if a.Own == nil || !a.Own.changesNothing(p, p.User) {
			continue
		}
		for _, name := range a.Own.paths {
			if !p.mountedOver(name) {
				continue
			}
			p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("%s runs %q, and %s is a volume: that works while what is mounted belongs to %s", a.Where, clip(a.Text, 60), clip(name, 60), p.User.Label()),
				Hint: fmt.Sprintf("A volume that an image of root has filled needs one chown -R %s from outside.", p.User.Owner())})
		}
	}
}

// mountedOver reports whether a volume of the image or of a service lies at a path or above.
func (p *Pass) mountedOver(name string) bool {
	over := func(v string) bool { return imagepath.Below(name, path.Clean(v)) && path.Clean(v) != "/" }
	return slices.ContainsFunc(p.End.Volumes, over) || slices.ContainsFunc(p.opts.Siblings.Services, func(s Service) bool {
		for _, m := range s.Volumes {
			if over(m.Target) {
				return true
			}
		}
		return false
	})
}

// mayWrite reports whether the user that is chosen for the image can write what a
// start script writes: the file gives it the directory, and what is there already is
// not another one's.
func (p *Pass) mayWrite(name string, u Choice) bool {
	if !p.ownsPlace(name, u) && !p.getsPlace(name) {
		return false
	}
	if !p.Entry.Opened[name] {
		return true // another file takes its place
	}
	_, written := p.End.Texts[name]
	return !written && p.CopiedFile(name) == nil
}

// ownsPlace reports whether the file gives the directory of a path to the user that
// is chosen for the image.
func (p *Pass) ownsPlace(name string, u Choice) bool {
	d := p.End.Dirs[path.Dir(name)]
	return d != nil && (d.UID.Known && u.UID.Known && d.UID.N == u.UID.N || d.Owner != "" && d.Owner == u.Name)
}

// getsPlace reports whether the root part of a start script gives the directory of a path
// to the user, and the image with the patch does.
func (p *Pass) getsPlace(name string) bool {
	return slices.ContainsFunc(p.Entry.Owned, func(o string) bool {
		return imagepath.Below(path.Dir(name), o) && !imagepath.Standard[o] && !imagepath.Protected(o) && !p.Entry.Files[o] && p.CopiedFile(o) == nil
	})
}

func isOwner(word, name string, n simulate.Number) bool {
	return word == self || word == name && name != "" || n.Known && word == strconv.Itoa(n.N)
}

// installedFor returns the directories that install -d makes for another user than root.
func (r *entryReader) installedFor(c dockerfile.Command) []dockerfile.Word {
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
func (r *entryReader) guardedOwner(c dockerfile.Command, name, text string) {
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
		r.e.give(tree, imagepath.Abs(r.dir, p))
	}
}

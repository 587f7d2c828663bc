package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// changesNothing reports whether the user that is chosen for the image owns the
// paths already, so that the kernel lets it repeat that (chown(2)).
func (p *Pass) changesNothing(o *entry.Ownership, u Choice) bool {
	if o == nil || !isOwner(o.User, u.Name, u.UID) && o.User != "" {
		return false
	}
	if o.Group != "" && !isOwner(o.Group, u.Name, u.GID) {
		return false
	}
	for _, name := range o.Paths {
		if p.Entry.Files[name] && !o.Tree && p.mayWrite(name, u) {
			continue // the script itself makes it, as the user
		}
		d := p.End.Dirs[name]
		if d == nil || d.Volume && d.MadeBy == nil && d.OwnedBy == nil {
			d = p.givenWith(name)
		}
		if d == nil || o.Tree && !d.Tree || !(d.UID.Known && u.UID.Known && d.UID.N == u.UID.N || d.Owner != "" && d.Owner == u.Name) {
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

func isOwner(word, name string, n simulate.Number) bool {
	return word == entry.Self || word == name && name != "" || n.Known && word == strconv.Itoa(n.N)
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

// entryOfRoot returns a file, tree or link that a script puts into a directory of the system,
// "" when there is none: an empty file made beforehand does not help it, and who may change
// the directory can replace what is in it.
func (p *Pass) entryOfRoot() (name, dir string) {
	for _, w := range p.Entry.Written {
		dir := path.Dir(w)
		switch {
		case !p.Entry.Files[w] || !p.Entry.Needed[w] || p.Entry.Made[w] || !p.Entry.Replaced[w] && !(p.Entry.Opened[w] && p.Entry.Asked[w]):
		case !imagepath.Standard[dir] || dir == "/tmp" || dir == "/var/tmp" || imagepath.ProtectedDir(w) != "" || p.ofBase(w):
		case p.End.Dirs[dir] != nil && p.ownsDir(p.End.Dirs[dir]), p.mayWrite(w, p.choose()):
		case slices.ContainsFunc(p.running(), func(r running) bool { return r.variant.Pid == w || slices.Contains(r.variant.Sockets, w) }):
		default:
			return w, dir
		}
	}
	return "", ""
}

// reportRepeated names the volumes that a start script gives to the user, who owns them in
// the image: what is mounted there may be another one's, and only root can change that.
func (p *Pass) reportRepeated() {
	for _, a := range p.Entry.RootActs {
		if a.Own == nil || !p.changesNothing(a.Own, p.User) {
			continue
		}
		for _, name := range a.Own.Paths {
			if !p.mountedOver(name) {
				continue
			}
			p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("%s runs %q, and %s is a volume: that works while what is mounted belongs to %s", a.Where, dockerfile.Clip(a.Text, 60), dockerfile.Clip(name, 60), p.User.Label()),
				Hint: fmt.Sprintf("A volume that an image of root has filled needs one chown -R %s from outside.", p.User.Owner())})
		}
	}
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// scriptSet adds what start scripts write, and what their root part, which no
// longer runs, gave to the user.
func (p *Pass) scriptSet(add func(writePath)) {
	for _, o := range p.Entry.Owned {
		if imagepath.Protected(o) || imagepath.Standard[o] {
			continue
		}
		const why = "the start script gave it to the user"
		switch by := p.CopiedFile(o); {
		case by != nil:
			add(writePath{path: o, why: why, file: true, exist: true, after: p.inStage(by)})
		case p.End.Dirs[o] == nil && (path.Ext(o) != "" || p.Entry.Files[o]):
			// A file that the script makes: it needs the directory.
			if dir := path.Dir(o); !imagepath.Standard[dir] && !imagepath.Protected(dir) {
				add(writePath{path: dir, why: why})
			}
		default:
			add(writePath{path: o, why: why, tree: p.Entry.OwnedTree[o], exist: p.there(o)})
		}
	}
	e := p.Base.Entrypoint
	prepared := e != nil && p.StartsAsBase() && e.Account == p.User.Name
	for _, w := range p.Entry.Written {
		if prepared && p.BaseScript(p.Entry.WrittenBy[w]) {
			continue // the image gives these to its account already
		}
		if imagepath.ProtectedDir(w) != "" && p.programConfiguration(w) && !p.ownConfiguration(w) && !p.mayWrite(w, p.User) {
			p.configurationSet(w, add)
			continue
		}
		if imagepath.ProtectedDir(w) != "" && !p.Entry.MakesTop(w) && !p.ownConfiguration(w) && !p.mayWrite(w, p.User) || imagepath.Standard[w] {
			continue
		}
		if p.Entry.Below[w] || p.Entry.Trees[w] {
			there, isPackage := p.Entry.Packages[w]
			after := p.lastCopyOver(w)
			if strings.Contains(w, "/node_modules/") {
				after = p.lastFiles() // any step may install packages
			}
			add(writePath{path: w, why: p.Entry.WrittenBy[w] + " writes files below it", tree: true, dirs: !p.Entry.Trees[w],
				exist: isPackage && there, maybe: isPackage && !there, after: after})
			continue
		}
		dir := w
		if !p.Entry.Made[w] && (path.Ext(w) != "" || p.Entry.Files[w]) {
			dir = path.Dir(w)
		}
		if p.Entry.Removed[w] && !imagepath.Standard[path.Dir(w)] {
			p.removedSet(w, add)
			if !p.Entry.Made[w] && !p.Entry.Opened[w] {
				continue
			}
		}
		who := p.whoWrites(w)
		if s := p.Entry.Supervisor; s != nil && slices.Contains(s.Writes, w) {
			who = "supervisord"
		} else if slices.Contains(p.Entry.Crontabs, p.Entry.WrittenBy[w]) {
			who = "a job of " + path.Base(p.Entry.WrittenBy[w])
		}
		switch {
		case !imagepath.Standard[dir]:
			add(writePath{path: dir, why: who + " writes there", made: p.Entry.Made[dir]})
			if by := p.CopiedFile(w); by != nil && p.Entry.Opened[w] {
				add(writePath{path: w, why: who + " writes it", file: true, exist: true, after: p.inStage(by)})
			} else if by := p.End.Written[w]; by != nil && p.Entry.Opened[w] {
				add(writePath{path: w, why: who + " writes it", file: true, exist: true, after: p.inStage(by)})
			} else if by := p.lastReset(w); by != nil && p.Entry.Opened[w] && dir != w {
				add(writePath{path: w, why: who + " writes it", file: true, after: by}) // it may be there, as root's
			}
		case p.Entry.Files[w] && (p.Entry.Opened[w] || !p.Entry.Replaced[w]) && !imagepath.Protected(w) && dir != "/tmp" && dir != "/var/tmp":
			add(writePath{path: w, why: who + " writes it", file: true})
		}
	}
}

// whoWrites names what writes a path when the image starts: a script, a command line, or a
// program that its settings tell to.
func (p *Pass) whoWrites(name string) string {
	by := p.Entry.WrittenBy[name]
	if by == "the command" || by == entry.HealthCheck || strings.HasSuffix(by, " tells it,") {
		return by
	}
	return "the start script"
}

// removedSet adds the directory of what a start script removes and, where that is a directory
// of the image, all that is in it.
func (p *Pass) removedSet(name string, add func(writePath)) {
	const why = "the start script removes what is in it"
	add(writePath{path: path.Dir(name), why: why})
	if d := p.End.Dirs[name]; d != nil && d.MadeBy != nil && p.there(name) || p.copiedDirectory(name) {
		add(writePath{path: name, why: why, tree: true, exist: true, after: p.lastCopyOver(name)})
	}
}

// copiedDirectory reports whether a COPY or ADD is known to bring a directory of that name.
func (p *Pass) copiedDirectory(name string) bool {
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		if c.Opaque || c.From != "" {
			return false
		}
		dest := path.Clean(c.Dest)
		return dest == name && p.BringsDirectory(c) || imagepath.Below(name, dest) && dest != name && p.brings(c, strings.TrimPrefix(name, dest), false)
	})
}

// configurationSet adds what a start script fills in of the program's own configuration: the
// file alone where it is opened, its directory where another file takes its place.
func (p *Pass) configurationSet(name string, add func(writePath)) {
	why := p.whoWrites(name) + " fills in the configuration"
	switch {
	case p.Entry.Removed[name] && !p.Entry.Opened[name] && !p.Entry.Made[name]:
		add(writePath{path: path.Dir(name), why: why, exist: true, after: p.lastCopyOver(path.Dir(name))})
	case p.Entry.Below[name]:
		add(writePath{path: name, why: why, tree: true, dirs: true, after: p.lastCopyOver(name)})
	case p.Entry.Opened[name]:
		add(writePath{path: name, why: why, file: true, after: p.lastCopyOver(name)})
		if p.Entry.Replaced[name] {
			add(writePath{path: path.Dir(name), why: why, exist: true, after: p.lastCopyOver(path.Dir(name))})
		}
		if !p.there(path.Dir(name)) && !slices.Contains(nginxDirs, path.Dir(name)) && p.CopiedFile(name) == nil {
			add(writePath{path: path.Dir(name), why: why})
		}
	case p.Entry.Files[name]:
		add(writePath{path: path.Dir(name), why: why, exist: true, after: p.lastCopyOver(path.Dir(name))})
	default:
		add(writePath{path: name, why: why, after: p.lastCopyOver(name)})
	}
}

// directoryOption is how programs are told where they work.
var directoryOption = regexp.MustCompile(`^--?[a-z]+[-_]?dir(ectory)?$`)

// besideSet adds the directories that programs which nobody knows are told to work in.
func (p *Pass) besideSet(add func(writePath)) {
	for _, c := range p.Entry.Beside {
		for i, w := range c.Args {
			option, dir, assigned := strings.Cut(w, "=")
			if !assigned && i+1 < len(c.Args) {
				dir = c.Args[i+1]
			}
			if directoryOption.MatchString(option) && path.IsAbs(dir) && !imagepath.Standard[dir] && imagepath.ProtectedDir(path.Join(dir, "file")) == "" {
				add(writePath{path: dir, why: path.Base(c.Args[0]) + " is told " + option, exist: p.there(dir)})
			}
		}
	}
}

// there reports whether a directory is in the image once its steps have run. One
// that a WORKDIR makes may come too late, and one that only a VOLUME names is made
// by the engine.
func (p *Pass) there(name string) bool {
	d := p.End.Dirs[name]
	if d == nil || d.MadeBy != nil {
		return d.Made()
	}
	return !d.Unsure && d.OwnedBy != nil || !d.Volume || !p.declared(name)
}

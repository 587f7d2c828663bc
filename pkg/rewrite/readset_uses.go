package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// startedPaths returns the files that the image starts, as its command or by a script, as
// far as they are named by an absolute path.
func (p *Pass) startedPaths() (out []string) {
	for _, w := range slices.Concat(p.Entry.Argv, p.Entry.Scripts, p.Entry.Unread) {
		if path.IsAbs(w) {
			out = append(out, path.Clean(w))
		}
	}
	return out
}

// started reports whether the image starts a file, as its command or by a script.
func (p *Pass) started(name string) bool {
	return slices.Contains(p.Entry.Scripts, name) || slices.Contains(p.Entry.Unread, name) ||
		p.Entry.Calls[path.Base(name)] && slices.Contains(p.End.SearchPath(), path.Dir(name)) ||
		slices.ContainsFunc(p.Entry.Argv, func(w string) bool { return w == name || path.Base(name) == w })
}

// runtimeFile reports whether the image uses a file when it runs: its command,
// a script on the way, or something in the working directory.
func (p *Pass) runtimeFile(name string) bool {
	if !imagepath.Safe.MatchString(name) || imagepath.Below(name, "/root") {
		return false
	}
	return p.started(name) || p.End.Workdir != "/" && imagepath.Below(name, p.End.Workdir)
}

// executes reports whether the image starts a file that a copy brings: who may read it may
// not run it yet.
func (p *Pass) executes(c simulate.Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		return p.started(c.Target(src))
	})
}

// usesBelow reports whether the image works in a directory, or starts something below it,
// that the user does not get as a whole.
func (p *Pass) usesBelow(dir string) bool {
	if d := p.End.Dirs[dir]; !imagepath.Safe.MatchString(dir) || imagepath.Standard[dir] || imagepath.Below(dir, "/root") || d != nil && d.Tree && p.ownsDir(d) {
		return false
	}
	return imagepath.Below(p.End.Workdir, dir) || slices.ContainsFunc(p.startedPaths(), func(name string) bool { return imagepath.Below(name, dir) })
}

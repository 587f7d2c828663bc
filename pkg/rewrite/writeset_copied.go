package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// lastReset returns the last COPY or ADD into a directory above a path that may bring the
// path along, as root's: a copy keeps the owner of the directory that it copies into, but
// not that of directories below it (BuildKit's fsutil/copy; the classic builder unpacks an
// archive).
func (p *Pass) lastReset(name string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, c := range p.End.Copies {
		if dest := path.Clean(c.Dest); c.By.Stage == p.Stage && !c.Opaque && dest != name && below(name, dest) && p.mayBring(c, name) {
			last = p.later(last, c.By)
		}
	}
	return last
}

// mayBring reports whether a copy brings a path below its destination, as far as its
// sources tell: those of the build context can be asked, others by their names.
func (p *Pass) mayBring(c Copy, name string) bool {
	if c.UID.Known && c.UID.N != 0 && p.User.UID.Known && c.UID == p.User.UID {
		return false
	}
	if len(c.By.Heredocs) > 0 {
		return false
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(name, path.Clean(c.Dest)), "/")
	if c.From != "" || !p.hasContext() || c.By.Keyword == "ADD" && slices.ContainsFunc(c.Sources, archive) {
		return slices.ContainsFunc(c.Sources, func(src string) bool {
			switch {
			case c.target(src) == name, archive(src) && c.By.Keyword == "ADD", strings.HasSuffix(src, "/"), strings.HasSuffix(src, "/."), src == ".":
				return true
			}
			// A name without an ending is a directory more often than not, but for the
			// programs that go to the top or to /usr/local/bin.
			return path.Ext(src) == "" && !strings.HasSuffix(src, "file") && !standardDir[path.Clean(c.Dest)]
		})
	}
	return slices.ContainsFunc(p.sources(c), func(src string) bool {
		if c.target(src) == name {
			return true
		}
		_, err := fs.Stat(p.opts.Context, path.Join(src, rel))
		return err == nil && fs.ValidPath(path.Join(src, rel))
	})
}

// hasContext reports whether a build context is at hand: a directory with nothing but the
// Dockerfile is that of a file that was looked at by itself.
func (p *Pass) hasContext() bool {
	if p.opts.Context == nil {
		return false
	}
	entries, err := fs.ReadDir(p.opts.Context, ".")
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		name := strings.ToLower(e.Name())
		return e.IsDir() && name != ".git" || !e.IsDir() && !strings.Contains(name, "dockerfile") && !strings.HasPrefix(name, "readme") && !strings.HasPrefix(name, ".")
	})
}

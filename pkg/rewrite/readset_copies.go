package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// closedCopy reports whether a COPY or ADD makes files that others may not read, or not
// run although the image starts them.
func (p *Pass) closedCopy(c simulate.Copy) bool {
	switch {
	case shellcmd.OctalMode.MatchString(c.Chmod):
		m, _ := strconv.ParseInt(c.Chmod, 8, 32)
		return m&0o004 == 0 || m&0o001 == 0 && m&0o100 != 0 && p.executes(c)
	case c.Chmod != "":
		return p.closedBySymbols(c)
	case c.Downloads():
		return p.closedDownload(c)
	case c.From != "":
		return p.closedInStage(c)
	}
	return p.closedInContext(c)
}

// closedBySymbols reports whether a symbolic --chmod leaves others out of a file: one of the
// build context has the mode that it has there before, any other 0644.
func (p *Pass) closedBySymbols(c simulate.Copy) bool {
	return slices.ContainsFunc(p.sourceModes(c), func(perm int) bool {
		m, ok := shellcmd.ChangeMode(c.Chmod, perm, false)
		return ok && (m&0o004 == 0 || shellcmd.KeepsOut(m) && p.executes(c))
	})
}

// sourceModes returns the modes that the files have which a copy names, as far as the build
// context tells.
func (p *Pass) sourceModes(c simulate.Copy) (perms []int) {
	if c.From == "" && p.Context != nil {
		for _, name := range p.Sources(c) {
			if info, err := p.statContext(name); err == nil && info.Mode().IsRegular() {
				perms = append(perms, int(info.Mode().Perm()))
			}
		}
	}
	if perms == nil {
		return []int{0o644}
	}
	return perms
}

// statContext describes a file of the build context.
func (p *Pass) statContext(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	return fs.Stat(p.Context, name)
}

// closedDownload reports whether the running image may read what an ADD downloads:
// it has mode 0600 (Docker reference, ADD). A binary that a chmod makes executable needs
// no more; a script is read.
func (p *Pass) closedDownload(c simulate.Copy) bool {
	if gitSource(c) || forPackages(c) {
		return false
	}
	if !p.usedLater(c) {
		return p.leftByBuild(c)
	}
	run := p.lastMention(strings.TrimSuffix(c.Dest, "/"))
	return run == nil || !strings.Contains(run.Original, "chmod") || strings.HasSuffix(c.Dest, ".sh")
}

// closedInContext reports whether the build context's file has a mode that shuts others
// out: it comes along. What ADD unpacks has the modes of the archive.
func (p *Pass) closedInContext(c simulate.Copy) bool {
	if p.Context == nil {
		return false
	}
	for _, name := range p.Sources(c) {
		if c.By.Keyword == "ADD" && content.Archive(name) {
			continue
		}
		info, err := p.statContext(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o004 == 0 || mode&0o111 == 0o100 && p.executes(c) && !p.opened(c) {
			return true
		}
	}
	return false
}

// closedInStage reports whether the stage that a COPY takes files from has shut others out of
// one: the mode comes along.
func (p *Pass) closedInStage(c simulate.Copy) bool {
	for _, m := range p.stageModes(c) {
		if slices.ContainsFunc(c.Sources, func(src string) bool { return path.Clean("/"+src) == m.Path }) && (m.Mode&0o004 == 0 || p.executes(c) && m.Mode&0o001 == 0 && !m.Added) {
			return true
		}
	}
	return false
}

// stageModes returns the modes that the stage which a COPY --from names gives to files.
func (p *Pass) stageModes(c simulate.Copy) []simulate.ModeChange {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil || !slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		// Following a stage costs more.
		return in.Stage != p.Stage && (strings.Contains(in.Original, "chmod") || strings.Contains(in.Original, "install") && strings.Contains(in.Original, " -m"))
	}) {
		return nil
	}
	end := p.EndOf(st)
	modes := slices.Clone(end.Modes)
	for _, o := range end.Copies {
		if m, err := strconv.ParseInt(o.Chmod, 8, 32); err == nil && shellcmd.OctalMode.MatchString(o.Chmod) {
			modes = append(modes, simulate.ModeChange{Path: path.Clean(o.Dest), Mode: int(m), By: o.By})
		}
	}
	return modes
}

// opened reports whether a step gives others the right to run what a copy brings.
func (p *Pass) opened(c simulate.Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		in := p.lastMention(path.Base(src))
		return in != nil && strings.Contains(in.Original, "chmod")
	})
}

// othersRun reports whether the build context has a file of the image with the right to run
// it for everybody.
func (p *Pass) othersRun(name string) bool {
	if p.Context == nil {
		return false
	}
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.From == "" && slices.ContainsFunc(p.Sources(c), func(src string) bool {
			info, err := fs.Stat(p.Context, src)
			return err == nil && path.Base(src) == path.Base(name) && info.Mode().Perm()&0o001 != 0
		})
	})
}

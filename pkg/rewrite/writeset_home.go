package rewrite

import (
	"path"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
)

// homeSet adds the home of the account that the file makes or the base has, and directories
// in it, where a step of root made them or took them back: as root the program had a home
// of its own.
func (p *Pass) homeSet(add func(writePath)) {
	home := path.Clean(p.User.Home)
	if p.User.How == ChoiceNew || !path.IsAbs(home) || imagepath.Standard[home] || imagepath.Protected(home) {
		return
	}
	for name, d := range p.End.Dirs {
		if !imagepath.Below(name, home) || !d.UID.Known || d.UID.N != 0 {
			continue
		}
		made, taken := p.byRoot(d.MadeBy), name != home && p.byRoot(d.OwnedBy)
		if !made && !taken || name != home && p.copiesInto(name) {
			continue
		}
		why := "below the home of " + p.User.Name
		if name == home {
			why = "home"
		}
		add(writePath{path: name, why: why, exist: true, tree: taken && d.Tree, after: p.later(d.MadeBy, d.OwnedBy)})
	}
	p.homeFiles(home, add)
}

// byRoot reports whether an instruction is a RUN of root.
func (p *Pass) byRoot(in *dockerfile.Instruction) bool {
	return in != nil && in.Keyword == "RUN" && p.End.Before[in].User.Root()
}

// homeFiles adds the files of root's in a home that a start script writes by ~ or $HOME.
func (p *Pass) homeFiles(home string, add func(writePath)) {
	for _, rel := range p.Entry.HomeFiles {
		name := path.Join(home, rel)
		by := p.CopiedFile(name)
		if by == nil {
			by = p.End.Written[name]
		}
		if by != nil && name != home {
			add(writePath{path: name, why: "the start script writes it", file: true, exist: true, after: p.inStage(by)})
		}
	}
}

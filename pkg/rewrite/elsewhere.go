package rewrite

import (
	"fmt"
	"path"
	"slices"

	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// reportElsewhere names the known programs whose package sets them up on this distribution
// in a way that nobody here knows: what they write stays the package's.
func (p *Pass) reportElsewhere() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	known := p.running()
	for _, c := range append(slices.Clone(p.Entry.Programs), p.likely()...) {
		if c.Program == nil || !writesState(c.Program) || slices.ContainsFunc(known, func(r running) bool { return r.Program == c.Program }) {
			continue
		}
		if pkg, ok := p.packageOf(c.Program); ok && p.inStage(pkg.By) != nil {
			p.report(Finding{Line: pkg.By.Line,
				Message: fmt.Sprintf("%s keeps state in directories that its package gives to an account of its own, and which they are is not known %s", programName(c), p.onThis()),
				Hint:    "List them under writable: in .harden.yaml, or let harden verify --learn find them."})
			known = append(known, running{Command: c})
		}
	}
}

// onThis names the distribution of the image for a sentence.
func (p *Pass) onThis() string {
	if name := p.Base.Distro.ID; name != "" {
		return "on " + name
	}
	if family := p.family(); family != "" {
		return "on distributions like " + family
	}
	return "on this distribution"
}

// writesState reports whether a program is known to write directories of its own somewhere.
func writesState(prog *programs.Program) bool {
	return prog.Root != programs.NeedsRoot && slices.ContainsFunc(prog.Variants, func(v programs.Variant) bool {
		return slices.ContainsFunc(v.Writes, func(w programs.Path) bool { return !w.Optional })
	})
}

// packageOf returns the package of the distribution that the file installs a program with, by
// the names that packages have anywhere or by the program's own.
func (p *Pass) packageOf(prog *programs.Program) (simulate.Package, bool) {
	names := append([]string{prog.Name}, prog.Aliases...)
	for _, v := range prog.Variants {
		names = append(names, v.Packages...)
	}
	pkg, ok := p.installs(names)
	return pkg, ok && pkg.Foreign == ""
}

// programName is what a command starts a program by.
func programName(c programs.Command) string {
	if len(c.Args) > 0 {
		if prog, ok := programs.Lookup(path.Base(c.Args[0])); ok && prog == c.Program {
			return path.Base(c.Args[0])
		}
	}
	return c.Program.Name
}

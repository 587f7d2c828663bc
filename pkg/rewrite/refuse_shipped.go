package rewrite

import (
	"fmt"
	"path"
	"strings"

	"github.com/dockharden/harden/internal/programs"
)

// shippedSetting refuses programs that stop for a setting in the configuration which their
// package ships, where the file leaves that as it is: the socket of unbound-control in /run.
func shippedSetting(p *Pass) *Refusal {
	for _, r := range p.running() {
		for _, n := range r.variant.Needs {
			if !n.Fatal || !n.Default || n.Anyone || n.File == "" || n.Capability != "" || n.Changes || r.Program.Name == "supervisord" || !p.keepsShipped(n, r) {
				continue
			}
			return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
				Message: fmt.Sprintf("%s, which the package of %s ships, has %q: %s", n.File, r.Program.Name, n.Setting, n.Effect),
				Hint:    sentence(n.Fix)}
		}
	}
	return nil
}

// keepsShipped reports whether a program reads the file of a package as that ships it.
func (p *Pass) keepsShipped(n programs.Need, r running) bool {
	name := path.Base(n.File)
	if _, ok := p.FileOf(n.File); ok || p.replaces(n.File) && !isDropIn(n.File) || p.edited(n.File) || p.mayBeRemoved(n.File) || strings.Contains(p.stepsText(), name) {
		return false
	}
	if !isDropIn(n.File) {
		return p.configFile(n, r.Args, r.version) == n.File
	}
	// What the main configuration includes counts where that is still the package's, or
	// names the directory as well.
	main := strings.TrimSuffix(path.Dir(n.File), ".d")
	used := p.configFile(programs.Need{File: main}, r.Args, r.version)
	if text, ok := p.FileOf(used); ok {
		return strings.Contains(text, path.Dir(n.File))
	}
	return used == main && !p.replaces(main) && !strings.Contains(strings.ReplaceAll(p.stepsText(), main+".d", ""), main)
}

// isDropIn reports whether a file is one of several in a directory that a main configuration
// includes: unbound.conf.d/x.conf.
func isDropIn(file string) bool { return strings.HasSuffix(path.Dir(file), ".d") }

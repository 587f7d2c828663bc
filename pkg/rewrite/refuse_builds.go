package rewrite

import (
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// buildsInSDK refuses images that hold the tools of a language and sources that no step builds,
// and start something that is not known here: it can only be a script that builds.
func buildsInSDK(p *Pass) *Refusal {
	if p.opts.User != "" || p.opts.UID != 0 || !entry.SDKImages.MatchString(p.Repository()) || len(p.Entry.Argv) == 0 || p.Entry.By == nil {
		return nil
	}
	sources := slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From == "" && (c.Opaque || c.Into) })
	if !sources || slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From != "" }) || p.RootRuns(entry.BuildsStep) {
		return nil
	}
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	name := p.command()
	if _, _, read := r.Locate(name); read || !strings.Contains(name, "/") || r.KnownProgram(name) {
		return nil
	}
	return &Refusal{Reason: UnreadEntrypoint, Line: p.at(p.Entry.By),
		Message: name + " could not be read, and the image holds sources that no step builds and the tools for it: it seems to build them when it starts, as root"}
}

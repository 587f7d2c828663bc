package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// addBuilt adds the privileged files that the built image is known to hold and
// that the simulation did not see coming: what a package's script makes, or what
// COPY --from brings along. Nobody knows which step it was, so they count as
// made by the last one.
func (p *Pass) addBuilt() {
	last := p.lastFiles()
	for _, f := range p.opts.Privileged {
		if !imagepath.Safe.MatchString(f.Path) || p.cleaned(f.Path) {
			continue
		}
		if len(f.Capabilities) == 0 && last != nil && last == p.End.Stripped {
			continue
		}
		if slices.ContainsFunc(p.End.Privileged, func(q simulate.Privileged) bool { return q.Path == f.Path }) {
			continue
		}
		p.End.Privileged = append(p.End.Privileged, simulate.Privileged{PrivilegedFile: f, By: last, Certain: true})
	}
}

// seenCapability refuses programs that were seen not to work without a
// capability. Docker and Kubernetes give capabilities to root only, whatever is
// added (capabilities(7), "Transformation of capabilities during execve").
func seenCapability(p *Pass) *Refusal {
	if len(p.opts.Capabilities) == 0 {
		return nil
	}
	var names []string
	for _, c := range p.opts.Capabilities {
		names = append(names, c.Name)
	}
	return &Refusal{Reason: NeedsCapability, Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("in a container the program does not work without %s: %s", strings.Join(names, ", "), p.opts.Capabilities[0].Why)}
}

// lastFiles returns the last instruction of the stage that changes files, nil
// when none does.
func (p *Pass) lastFiles() *dockerfile.Instruction {
	for _, in := range slices.Backward(p.Stage.Instructions) {
		switch in.Keyword {
		case "RUN", "COPY", "ADD":
			return in
		}
	}
	return nil
}

// lastCopyOver returns the last COPY or ADD of the stage that may write the
// directory itself, and with it its owner; nil when there is none.
func (p *Pass) lastCopyOver(dir string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, c := range p.End.Copies {
		if c.By.Stage == p.Stage && (c.Opaque || imagepath.Below(dir, path.Clean(c.Dest))) {
			last = c.By
		}
	}
	return last
}

// cleaned reports whether a RUN of the file changes the owner of this very file,
// upon which the kernel drops every privilege of it.
func (p *Pass) cleaned(file string) bool {
	in := p.lastMention(file)
	return in != nil && slices.ContainsFunc(strings.Fields(in.Original), func(w string) bool { return w == "chown" }) &&
		slices.ContainsFunc(strings.FieldsFunc(in.Original, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()", r) }), func(w string) bool { return w == file })
}

// kept lists the privileged files that stay on purpose.
func (p *Pass) kept() []string {
	out := append(p.keepPaths(), p.keepNames()...)
	for _, f := range p.End.Privileged {
		if f.Owner {
			out = append(out, f.Path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

package rewrite

import (
	"cmp"
	"path"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
)

// beforeVolumes takes what lies in a VOLUME of the stage out of the fixes where their RUN
// would come behind it, and returns the RUNs that give it to the user before it: what a build
// changes behind a VOLUME the classic builder throws away (Docker reference, VOLUME).
func (p *Pass) beforeVolumes(steps []Step) []Change {
	var after *dockerfile.Instruction
	for _, s := range steps {
		after = p.later(after, s.After)
	}
	place := p.placeRun(after).after
	var changes []Change
	for _, f := range p.findings {
		if f.Fix == nil || f.Fix.own == nil {
			continue
		}
		early := p.ownEarly(f.Fix.own, place)
		if len(early) == 0 {
			continue
		}
		rest := f.Fix.own
		for _, e := range early {
			changes = append(changes, p.ownBefore(e))
			rest = slices.DeleteFunc(slices.Clone(rest), func(w writePath) bool {
				return slices.ContainsFunc(e.set, func(of writePath) bool { return of.path == w.path })
			})
		}
		f.Fix.own, f.Fix.Steps = rest, nil
		if len(rest) > 0 {
			f.Fix.Steps = p.ownSteps(rest, nil)
		}
	}
	return changes
}

// An earlyOwner is what has to be the user's before a VOLUME.
type earlyOwner struct {
	volume *dockerfile.Instruction
	set    []writePath
}

// ownEarly returns the paths of a set that lie in a VOLUME before a place, by the first VOLUME
// before which they can be given away.
func (p *Pass) ownEarly(set []writePath, place *dockerfile.Instruction) []earlyOwner {
	var out []earlyOwner
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "VOLUME" || in.Index > place.Index || !p.mayOwnBefore(in) {
			continue
		}
		e := earlyOwner{volume: in}
		for _, w := range set {
			taken := slices.ContainsFunc(out, func(o earlyOwner) bool {
				return slices.ContainsFunc(o.set, func(of writePath) bool { return of.path == w.path })
			})
			if after := p.inStage(w.after); !taken && (after == nil || after.Index < in.Index) && p.inVolume(w.path, in, place) {
				e.set = append(e.set, w)
			}
		}
		if len(e.set) > 0 {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b earlyOwner) int { return cmp.Compare(a.volume.Index, b.volume.Index) })
	return out
}

// mayOwnBefore reports whether a RUN before an instruction is run by root, and the user can be
// named there.
func (p *Pass) mayOwnBefore(in *dockerfile.Instruction) bool {
	m := p.End.Before[in]
	if !m.User.Root() || len(m.User.Missing) > 0 || m.User.By == nil && (p.returnsToRoot() != nil || p.End.Sudoer != nil) {
		return false
	}
	return p.mayName(in)
}

// inVolume reports whether a VOLUME, or one between it and a place, covers a path.
func (p *Pass) inVolume(name string, from, place *dockerfile.Instruction) bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Keyword != "VOLUME" || in.Index < from.Index || in.Index > place.Index {
			return false
		}
		m := p.End.Before[in]
		return slices.ContainsFunc(in.Args, func(word string) bool {
			v, missing, err := m.Env.Expand(word)
			if err != nil || len(missing) > 0 {
				return false
			}
			v = abs(m.Workdir, v)
			return below(name, v) || below(name, p.End.real(path.Clean(v)))
		})
	})
}

// ownBefore is the RUN that gives something to the user before a VOLUME.
func (p *Pass) ownBefore(e earlyOwner) Change {
	var commands []string
	for _, s := range p.ownSteps(e.set, e.volume) {
		commands = append(commands, s.Command)
	}
	p.insertsRun = true
	who := p.User.Name
	if who == "" {
		who = "user " + p.User.Spec()
	}
	return Change{kind: insertBefore, at: e.volume, comment: "# Give " + who + " the volume; changes behind VOLUME may be lost.",
		lines: p.runLines(commands, p.End.Before[e.volume].Shell)}
}

package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
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
		early, rest := p.ownEarly(f.Fix.own, place)
		if len(early) == 0 {
			continue
		}
		for _, in := range p.Stage.Instructions {
			if set := early[in]; set != nil {
				changes = append(changes, p.ownBefore(in, set))
			}
		}
		f.Fix.own, f.Fix.Steps = rest, nil
		if len(rest) > 0 {
			f.Fix.Steps = p.ownSteps(rest, nil)
		}
	}
	return changes
}

// ownEarly splits a set: what lies in a VOLUME before a place, by the first VOLUME before
// which it can be given away, and the rest.
func (p *Pass) ownEarly(set []writePath, place *dockerfile.Instruction) (early map[*dockerfile.Instruction][]writePath, rest []writePath) {
	volumes, last := p.volumesUpTo(place)
	early = map[*dockerfile.Instruction][]writePath{}
	for _, w := range set {
		cover := -1 // the last VOLUME that covers the path
		for dir := w.path; dir != "/"; dir = path.Dir(dir) {
			if at, ok := last[dir]; ok {
				cover = max(cover, at)
			}
		}
		after := p.inStage(w.after)
		i := slices.IndexFunc(volumes, func(in *dockerfile.Instruction) bool { return after == nil || after.Index < in.Index })
		if i < 0 || volumes[i].Index > cover {
			rest = append(rest, w)
			continue
		}
		early[volumes[i]] = append(early[volumes[i]], w)
	}
	return early, rest
}

// volumesUpTo returns the VOLUMEs up to a place before which root can give something to the
// user, and for each path that one up to there names the index of the last.
func (p *Pass) volumesUpTo(place *dockerfile.Instruction) (volumes []*dockerfile.Instruction, last map[string]int) {
	last = map[string]int{}
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "VOLUME" || in.Index > place.Index {
			continue
		}
		if p.mayOwnBefore(in) {
			volumes = append(volumes, in)
		}
		m := p.End.Before[in]
		for _, word := range in.Args {
			if v, missing, err := m.Env.Expand(word); err == nil && len(missing) == 0 {
				v = imagepath.Abs(m.Workdir, v)
				last[v], last[p.End.Real(v)] = in.Index, in.Index
			}
		}
	}
	return volumes, last
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

// ownBefore is the RUN that gives something to the user before a VOLUME.
func (p *Pass) ownBefore(volume *dockerfile.Instruction, set []writePath) Change {
	var commands []string
	for _, s := range p.ownSteps(set, volume) {
		commands = append(commands, s.Command)
	}
	p.insertsRun = true
	who := p.User.Name
	if who == "" {
		who = "user " + p.User.Spec()
	}
	return Change{kind: insertBefore, at: volume, comment: "# Give " + who + " the volume; changes behind VOLUME may be lost.",
		lines: p.runLines(commands, p.End.Before[volume].Shell)}
}

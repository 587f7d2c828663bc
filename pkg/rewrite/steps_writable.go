package rewrite

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// madeBefore reports whether a step before the place of the inserted RUN makes a
// directory for certain.
func (p *Pass) madeBefore(dir string, place *dockerfile.Instruction) bool {
	if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.By.Stage == p.Stage && !c.Opaque && path.Clean(c.Dest) == dir && path.Ext(dir) == "" && c.By.Index <= place.Index
	}) {
		return true
	}
	if slices.ContainsFunc(p.End.Moved, func(m simulate.Relocation) bool {
		return m.Certain && !m.Into && m.To == dir && m.By.Stage == p.Stage && m.By.Index <= place.Index
	}) {
		return true
	}
	if by := p.End.Cloned[dir]; by != nil && !p.mayRemove(dir) && (by.Stage != p.Stage || by.Index <= place.Index) {
		return true
	}
	if p.movedBefore(dir, place) {
		return true
	}
	d := p.End.Dirs[dir]
	if d == nil || d.MadeBy == nil || d.MadeBy.Keyword != "WORKDIR" && !d.Made() {
		return false
	}
	return d.MadeBy.Stage != p.Stage || d.MadeBy.Index <= place.Index
}

// mayRemove reports whether a step removes a directory, or may.
func (p *Pass) mayRemove(dir string) bool {
	return slices.ContainsFunc(p.End.Removed, func(r simulate.Removal) bool { return imagepath.Covers(r.Pattern)(dir) })
}

// movedBefore is madeBefore for a directory that a step makes below /root today: what takes
// the place of /root is made there by the same step.
func (p *Pass) movedBefore(dir string, place *dockerfile.Instruction) bool {
	home := p.canMoveTo()
	if home == "" || dir == home || !imagepath.Below(dir, home) || !p.moves() {
		return false
	}
	d := p.End.Dirs["/root"+strings.TrimPrefix(dir, home)]
	if d == nil || d.MadeBy == nil || d.MadeBy.Stage != p.Stage || d.MadeBy.Index > place.Index {
		return false
	}
	return d.MadeBy.Keyword == "WORKDIR" || d.Made() && (namesRoot(d.MadeBy.Original) || strings.Contains(d.MadeBy.Original, "~/") && p.usesHome())
}

// madeBehind reports whether it is a step behind the place of the inserted RUN that makes a
// directory.
func (p *Pass) madeBehind(dir string, place *dockerfile.Instruction) bool {
	if d := p.End.Dirs[dir]; d != nil && d.MadeBy != nil {
		return d.MadeBy.Stage == p.Stage && d.MadeBy.Index > place.Index
	}
	return p.End.Dirs[dir] == nil && p.copied(dir) && !slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return imagepath.Below(dir, path.Clean(c.Dest)) && (c.By.Stage != p.Stage || c.By.Index <= place.Index)
	})
}

// mkdir is the command that makes the directories of a step.
func (s Step) mkdir() string {
	words := make([]string, len(s.makes))
	for i, d := range s.makes {
		words[i] = d.word
	}
	return "mkdir -p " + strings.Join(words, " ")
}

// withoutMade takes what is there at the place of the RUN out of the steps that make
// directories: another step may have moved it behind what makes them.
func (p *Pass) withoutMade(steps []Step, place *dockerfile.Instruction) []Step {
	var out []Step
	for _, s := range steps {
		if s.makes != nil {
			s.makes = slices.DeleteFunc(slices.Clone(s.makes), func(d madeDir) bool { return p.madeBefore(d.path, place) })
			if len(s.makes) == 0 {
				continue
			}
			s.Command = s.mkdir()
		}
		out = append(out, s)
	}
	return out
}

// ownSteps writes the commands that give the write set to the user. They run before an
// instruction, or where they can first where that is nil.
func (p *Pass) ownSteps(set []writePath, before *dockerfile.Instruction) []Step {
	var after *dockerfile.Instruction
	if !p.User.numbered() {
		after = p.later(after, p.User.By) // a name needs the account
	}
	for _, w := range set {
		after = p.later(after, w.after)
	}
	var spelled map[string]string
	place := before
	if place == nil {
		var by *dockerfile.Instruction
		spelled, by = p.spell(set)
		after = p.later(after, by)
		place = p.placeRun(after).after
	}
	var make_, own, trees, files, dirs, maybe []string
	var picked []writePath
	for _, w := range set {
		if w.exist && !w.file && p.madeBehind(w.path, place) {
			w.exist = false // a chown of what is not there yet would stop the build
		}
		switch {
		case w.find != "":
			picked = append(picked, w)
		case w.maybe:
			maybe = append(maybe, w.path)
		case w.dirs && p.findTool() == imageinspect.Yes:
			if !w.exist && !p.madeBefore(w.path, place) {
				make_ = append(make_, w.path)
			}
			dirs = append(dirs, w.path)
		case w.file && w.exist:
			own = append(own, w.path)
		case w.file:
			files = append(files, w.path)
		case w.tree && w.exist:
			trees = append(trees, w.path)
		default:
			if !w.exist && !p.madeBefore(w.path, place) {
				make_ = append(make_, w.path)
			}
			if w.tree {
				trees = append(trees, w.path)
			} else {
				own = append(own, w.path)
			}
		}
	}
	owner := p.User.Owner()
	step := func(format string, args ...any) Step {
		return Step{Command: fmt.Sprintf(format, args...), Order: stepOwner, After: after}
	}
	make_ = slices.DeleteFunc(slices.Clone(make_), func(dir string) bool { // mkdir -p makes them on the way
		return slices.ContainsFunc(make_, func(o string) bool { return o != dir && imagepath.Below(o, dir) })
	})
	made := make([]madeDir, len(make_))
	for i, dir := range make_ {
		made[i] = madeDir{dir, cmp.Or(spelled[dir], dir)}
	}
	for _, names := range [][]string{own, trees, files, dirs, maybe} {
		for i := range names {
			if word := spelled[names[i]]; word != "" {
				names[i] = word
			}
		}
	}
	var steps []Step
	if len(made) > 0 {
		s := Step{Order: stepOwner, After: after, makes: made}
		s.Command = s.mkdir()
		steps = append(steps, s)
	}
	if len(files) > 0 {
		steps = append(steps, step("touch %s", strings.Join(files, " ")))
	}
	if plain := append(own, files...); len(plain) > 0 {
		steps = append(steps, step("chown %s %s", owner, strings.Join(plain, " ")))
	}
	if len(trees) > 0 {
		steps = append(steps, step("chown -R %s %s", owner, strings.Join(trees, " ")))
	}
	for _, dir := range maybe {
		steps = append(steps, step("if [ -d %s ]; then chown -R %s %s; fi", dir, owner, dir))
	}
	for _, w := range picked {
		dir := cmp.Or(spelled[w.path], w.path)
		steps = append(steps, step("if [ -d %s ]; then find %s %s -exec chown %s {} +; fi", dir, dir, w.find, owner))
	}
	if len(dirs) > 0 {
		// What is in them may be large, and is replaced rather than written in place.
		steps = append(steps, step("find %s -xdev -type d -exec chown %s {} +", strings.Join(dirs, " "), owner))
	}
	if p.opts.OpenShift {
		// OpenShift runs the container under a number of its own, in group 0.
		if len(own) > 0 {
			steps = append(steps, step("chmod g=u %s", strings.Join(own, " ")))
		}
		if len(trees) > 0 {
			steps = append(steps, step("chmod -R g=u %s", strings.Join(trees, " ")))
		}
	}
	return steps
}

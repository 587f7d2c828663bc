package rewrite

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// reportUnnamed names what stays root's because its name has a blank, or what else is special
// to a shell: it comes from the file, and becomes no text of a command.
func (p *Pass) reportUnnamed() {
	slices.Sort(p.memo.unnamed)
	for i, name := range p.memo.unnamed {
		if i == 6 {
			return
		}
		p.report(Finding{Line: p.Stage.From.Line, Message: fmt.Sprintf("%q stays root's: its name has characters that are special to a shell", dockerfile.Clip(name, 60)),
			Hint: fmt.Sprintf("If the program writes there, make it without blanks and the like, or give it to %s in a RUN of your own.", p.User.Label())})
	}
}

// reportVolumes names the volumes that stay root's: below /etc they hold configuration
// more often than data.
func (p *Pass) reportVolumes() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited || p.basesOwn() {
		return
	}
	set := p.writes()
	for _, v := range p.End.Volumes {
		given := slices.ContainsFunc(set, func(w writePath) bool { return w.path == v })
		if imagepath.Below(v, "/etc") && v != "/etc" && !p.canWrite(writePath{path: v}) && !given {
			p.report(Finding{Line: p.Stage.From.Line, Message: v + " is a volume among the configuration, and stays root's",
				Hint: "List it under writable: in .harden.yaml if the program writes there."})
		}
	}
}

// reportConditional names the directories for data that a step makes under a condition, and
// that stay root's because nobody knows whether the image has them.
func (p *Pass) reportConditional() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	given := map[string]bool{}
	for _, w := range p.writes() {
		given[w.path] = true
	}
	type made struct {
		by   *dockerfile.Instruction
		when string
	}
	names, all := map[made][]string{}, []made{}
	for _, name := range slices.Sorted(maps.Keys(p.End.Dirs)) {
		d := p.End.Dirs[name]
		if d.When != "" && !given[name] && p.inStage(d.MadeBy) != nil && p.madeForRoot(name, d) && isData(name) {
			m := made{d.MadeBy, d.When}
			if names[m] == nil {
				all = append(all, m)
			}
			names[m] = append(names[m], dockerfile.Clip(name, 80))
		}
	}
	for _, m := range all {
		paths, are, stay := names[m], "are", "stay"
		if len(paths) == 1 {
			are, stay = "is", "stays"
		}
		p.report(Finding{Line: m.by.Line, Message: fmt.Sprintf("%s %s made under a condition (%s), and %s root's", list(paths, 6), are, dockerfile.Clip(m.when, 60), stay),
			Hint: "List it under writable: in .harden.yaml if the program writes there."})
	}
}

// reportBraces names a step whose shell takes {a,b} for a name.
func (p *Pass) reportBraces() {
	if in := p.inStage(p.End.Braces); in != nil {
		p.report(Finding{Line: in.Line, Message: "the shell of this step knows no braces, and makes one directory that is called {…}",
			Hint: `Write the names one by one, or SHELL ["/bin/bash", "-c"] above.`})
	}
}

// reportBeside names programs that run beside a known one and that nobody knows.
func (p *Pass) reportBeside() {
	if _, known := p.Entry.Main(); !known || p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	for _, c := range p.Entry.Beside {
		p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("what %s writes is not known", dockerfile.Clip(path.Base(c.Args[0]), 40)),
			Hint: "If it writes anywhere, list that under writable: in .harden.yaml, or let harden verify --learn find it."})
	}
}

// reportGiven gives the user what the file copies to where the entry point of the base gives
// everything to its account, which it does as root alone.
func (p *Pass) reportGiven() {
	for _, c := range p.End.Copies {
		if p.givenAtStart(c) {
			p.report(Finding{Line: c.By.Line, Message: fmt.Sprintf("the entry point of %s no longer gives %s to %s", p.baseName(), path.Clean(c.Dest), p.User.Name),
				Fix: &Fix{Message: "the COPY does", Changes: []Change{p.addChown(c.By)}}})
		}
	}
}

// givenAtStart reports whether the entry point of the base would have given what a copy
// brings to the user.
func (p *Pass) givenAtStart(c simulate.Copy) bool {
	e := p.Base.Entrypoint
	if e == nil || !e.Guarded || e.Account != p.User.Name || !p.StartsAsBase() || !p.End.User.Root() {
		return false
	}
	_, has := c.By.Flag("chown")
	return !has && !c.Opaque && c.By.Stage == p.Stage && p.mayName(c.By) &&
		slices.ContainsFunc(e.Chowns, func(dir string) bool { return imagepath.Below(path.Clean(c.Dest), dir) })
}

// hintVolume warns where ownership can only be set behind a VOLUME that covers the
// path: BuildKit keeps it, the classic builder and kaniko throw it away
// (docker/docs#18113).
func (p *Pass) hintVolume(set []writePath) {
	for _, w := range set {
		if slices.ContainsFunc(p.Base.Config.Volumes, func(v string) bool { return imagepath.Below(w.path, path.Clean(v)) }) {
			p.report(Finding{Line: p.Stage.From.Line, Message: w.path + " is a volume of the base image, and gets its owner behind that",
				Hint: "BuildKit, Podman and Buildah keep that; the classic builder and kaniko throw it away."})
			break
		}
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "VOLUME" {
			continue
		}
		for _, w := range set {
			if w.after == nil || w.after.Index < in.Index || !slices.ContainsFunc(in.Args, func(v string) bool { return imagepath.Below(w.path, path.Clean(v)) }) {
				continue
			}
			p.report(Finding{Line: in.Line, Message: fmt.Sprintf("%s is owned behind this VOLUME, because line %d fills it later", w.path, w.after.Line),
				Hint: "BuildKit, Podman and Buildah keep that; for the classic builder and kaniko move VOLUME to the end of the file."})
			return
		}
	}
}

// hintFilled says where the user gets a directory, but not the directories that an
// archive or a repository brought into it: some programs write there.
func (p *Pass) hintFilled(set []writePath) {
	for _, w := range set {
		if in := p.End.Filled[w.path]; in != nil && !w.tree {
			p.report(Finding{Line: in.Line, Message: fmt.Sprintf("what this step brings into %s stays root's, directories included", w.path),
				Hint: "List those that the program writes under writable:, or let harden verify --learn find them."})
			return
		}
	}
}

// hintAmong says where a step makes a directory of data among the application's own files: a
// program that keeps one there may write others beside it, which stay root's as its code does.
func (p *Pass) hintAmong(set []writePath) {
	if p.opts.OwnAll {
		return
	}
	for _, w := range set {
		d := p.End.Dirs[w.path]
		if w.why != madeByFile || d == nil || d.MadeBy == nil || !p.amongCode(w.path, d, set) {
			continue
		}
		p.report(Finding{Line: d.MadeBy.Line, Message: fmt.Sprintf("this step makes %s among the application's own files: what the program writes beside it stays root's", w.path),
			Hint: "List it under writable:, let harden verify --learn find it, or give the user all that is copied there with --own=all."})
		return
	}
}

// amongCode reports whether the directory above one lies below the working directory and came
// with a copy: the build context has it, or a mkdir without -p needs it.
func (p *Pass) amongCode(dir string, d *simulate.Dir, set []writePath) bool {
	above := path.Dir(dir)
	if above == p.End.Workdir || !imagepath.Below(above, p.End.Workdir) || !p.belowCopy(above) || p.End.Dirs[above] != nil {
		return false
	}
	given := slices.ContainsFunc(set, func(w writePath) bool { return w.path == above || w.tree && imagepath.Below(above, w.path) })
	return !given && (p.copied(above) || d.Alone && !p.hasContext())
}

// reasons says for each path why it is in the set.
func reasons(set []writePath) string {
	var out []string
	for _, w := range set {
		if w.why != "" {
			out = append(out, w.path+": "+w.why)
		}
	}
	return strings.Join(out, "; ")
}

func list(words []string, most int) string {
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return strings.Join(words, ", ")
}

package rewrite

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var writable = &Rule{
	Name: "writable",
	Doc: `The user owns what the program writes, and nothing else

COPY and RUN make root's files, whatever USER says. The program's code stays
root's, so that a program that was taken over cannot rewrite itself; the user is
given the write set: the working directory that the file makes (the directory,
not what is in it), volumes, also those that Compose mounts, data and log
directories that the file makes, what the program is known to write (nginx's
cache, Rails' tmp, Laravel's storage …), state that the application brings along
(uploads/.gitkeep, a database of SQLite, data/notes.json), directories that a step
leaves empty, what options, ENV and settings tell it to write, in the file or in
Compose, paths that its source plainly writes, absolute, beside itself or from the
working directory, also where only what a stage has built of it gets into the image,
what a start script writes or gives to the user, and writable: of the configuration.
What the program reads and root alone could read, a private key for one, becomes
readable for it.

Only directories change owner, before a VOLUME that covers them: in a RUN of their
own where the other one has to come later. Trees are given away whole only where a
package made them, a framework keeps its state in them, they are what a volume starts
with, or they were empty until a step ran the program, never the copied code: chown
-R over it would double the image. A
directory that a step makes under a condition, and that no start script writes, is
named and stays root's, and so is what a start script writes by a name that only
running it would tell. Named are also a known program whose package keeps its state
nobody knows where on this distribution, and a server that is built beside the one
that the image starts.

The rule is silent when the image keeps its user, when the user already owns
everything it writes, and in images that hold nothing to write to.`,
	run: runWritable,
}

func runWritable(p *Pass) {
	if p.Keep != nil {
		return
	}
	if p.User.How != ChoiceExisting && p.User.How != ChoiceInherited {
		p.reportReads()
		p.reportLiterals()
		p.reportLoose()
	}
	p.reportVolumes()
	if by := p.Entry.OwnedBy; by != "" && len(p.Entry.Drops) > 0 && p.End.User.Root() {
		p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("the start script no longer runs %q, and which paths that means cannot be known", dockerfile.Clip(by, 60)),
			Hint: "List them under writable: in .harden.yaml."})
	}
	p.reportConditional()
	p.reportBraces()
	p.reportBeside()
	p.reportGiven()
	p.reportUnsaid()
	p.reportElsewhere()
	p.reportSecondServer()
	p.reportPresto()
	p.reportRepeated()
	p.reportGit()
	p.repairCookie()
	set := p.writeSet()
	p.reportUnnamed()
	p.reportStatic()
	p.reportInstalled()
	if len(set) == 0 {
		return
	}
	line := p.Stage.From.Line
	names := make([]string, len(set))
	for i, w := range set {
		names[i] = w.path
	}
	msg := fmt.Sprintf("%s writes %s", p.User.Label(), list(names, 6))
	if !p.canRun() {
		if changes, left := p.ownByCopy(set); len(changes) > 0 {
			p.report(Finding{Line: line, Message: msg, Hint: reasons(set), Fix: &Fix{Message: "the COPY that brings it gives it away", Changes: changes}})
			if set = left; len(set) == 0 {
				return
			}
			for i, w := range set {
				names[i] = w.path
			}
			names = names[:len(set)]
			msg = fmt.Sprintf("%s writes %s", p.User.Label(), list(names, 6))
		}
		if onlyWorkdir(set) {
			msg = fmt.Sprintf("%s may not write %s, the working directory", p.User.Label(), list(names, 6))
		}
		p.report(Finding{Line: line, Message: msg + ", which root owns, and no command can run in this image", Reason: NoShell,
			Hint: fmt.Sprintf("If the program writes there, make the directories in another stage and copy them with COPY --chown=%s, or mount volumes there.", p.User.Owner())})
		return
	}
	p.reportRotated(set)
	p.hintVolume(set)
	p.hintFilled(set)
	p.hintAmong(set)
	fix := &Fix{Message: "gives it these paths and leaves everything else to root", Changes: append(p.chownSeeds(set), p.setHome(set)...), Steps: p.ownSteps(set, nil), own: set}
	if step, by := p.madeDatabase(set); by != nil {
		fix.Steps, fix.own = append(fix.Steps, step), nil
		msg += fmt.Sprintf(", and the database that line %d makes", by.Line)
	}
	p.report(Finding{Line: line, Message: msg, Hint: reasons(set), Fix: fix})
}

// ownByCopy gives the user what is written where no command can run, by the COPY that
// brings it; the working directory, which holds the code, stays as it is. left are the paths
// that no COPY brings.
func (p *Pass) ownByCopy(set []writePath) (changes []Change, left []writePath) {
	for _, w := range set {
		i := slices.IndexFunc(p.End.Copies, func(c simulate.Copy) bool {
			_, has := c.By.Flag("chown")
			return w.why != workingDirectory && c.By.Stage == p.Stage && !c.Opaque && !has && path.Clean(c.Dest) == w.path && p.mayName(c.By)
		})
		if i < 0 {
			left = append(left, w)
			continue
		}
		changes = append(changes, p.addChown(p.End.Copies[i].By))
	}
	return changes, left
}

// databaseStep matches a step that runs the project's own code to make or to fill a
// database, which for SQLite is a file.
var databaseStep = regexp.MustCompile(`\b(create|init|setup|migrate|seed|populate)_?-?db\b|\bdb[_:. -](create|init|upgrade|migrate|seed|setup|push|schema:load)\b|manage\.py\s+migrate|artisan\s+migrate|alembic\s+upgrade`)

// madeDatabase returns the step that gives away the SQLite files which a RUN of root
// leaves in a working directory that the program gets, and that RUN; nil for none.
func (p *Pass) madeDatabase(set []writePath) (Step, *dockerfile.Instruction) {
	dir := p.End.Workdir
	if !slices.ContainsFunc(set, func(w writePath) bool { return w.path == dir && !w.tree }) || p.findTool() != imageinspect.Yes || !imagepath.Safe.MatchString(dir) {
		return Step{}, nil
	}
	for _, in := range slices.Backward(p.Stage.Instructions) {
		if in.Keyword == "RUN" && p.End.Before[in].User.Root() && p.makesDatabase(in) {
			// The journal is made beside the file, so that the directory has to be owned, too.
			command := fmt.Sprintf(`find %s -xdev -type f \( -name '*.db' -o -name '*.sqlite*' \) -exec sh -c 'for f; do chown %s "$f" "${f%%/*}"; done' sh {} +`, dir, p.User.Owner())
			return Step{Command: command, Order: stepOwner, After: p.later(in, p.User.By)}, in
		}
	}
	return Step{}, nil
}

// onlyWorkdir reports whether the working directory is all that the program may write:
// many a program only starts there.
func onlyWorkdir(set []writePath) bool {
	return !slices.ContainsFunc(set, func(w writePath) bool { return w.why != workingDirectory })
}

// cannotWrite refuses a program whose volumes or data would stay root's, because
// nothing can change that in an image without a shell.
func (p *Pass) cannotWrite() *Refusal {
	if p.Keep != nil || p.canRun() || p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return nil
	}
	_, set := p.ownByCopy(p.writeSet())
	i := slices.IndexFunc(set, func(w writePath) bool { return w.why != workingDirectory || w.said != "" })
	if i < 0 {
		return nil
	}
	why := set[i].why
	if why == workingDirectory {
		why = set[i].said
	}
	return &Refusal{Reason: NoShell, Line: p.Stage.From.Line,
		Message: fmt.Sprintf("the program writes %s (%s), which root owns, and no command can run in the image to change that", set[i].path, why),
		Hint:    fmt.Sprintf("Make the directory in another stage and copy it with COPY --chown=%s; then the image can have that user.", p.User.Owner())}
}

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

// reportReads gives the user what it has to read, and with --own=all the copied
// files as well.
func (p *Pass) reportReads() {
	if p.opts.OwnAll {
		if changes := p.ownAll(); len(changes) > 0 {
			p.report(Finding{Line: changes[0].at.Line, Message: "copied files belong to root",
				Fix: &Fix{Message: "gives what is copied to the working directory to " + p.User.Label() + ", as --own=all asks", Changes: changes}})
		}
	}
	changes, steps, names := p.readFix()
	if p.opts.OwnAll {
		changes = nil // every COPY that matters has its --chown already
	}
	if len(changes) == 0 && (len(steps) == 0 || !p.canRun()) {
		return
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: fmt.Sprintf("%s has to read %s, which only root can", p.User.Label(), list(names, 6)),
		Fix: &Fix{Message: "gives it read access", Changes: changes, Steps: steps}})
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

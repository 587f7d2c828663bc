package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"

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

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// What steps of the build leave, as root's, in directories that are there to be written: the
// program opens its logs and its database when one of its own commands runs, too.

var (
	// codeRunners run what an application brings along.
	codeRunners = regexp.MustCompile(`^(python[\d.]*|php[\d.]*|ruby[\d.]*|node|nodejs|sqlite3|flask|rails|rake|alembic|knex|sequelize|prisma|manage\.py|artisan|django-admin)$`)
	// installers are what they are told to run that is none of its code.
	installers = regexp.MustCompile(`^(-m)?(pip|venv|virtualenv|ensurepip|compileall|build|nltk|spacy|playwright)$|(^|/)(setup|get-pip|install-poetry)\.py$|composer|^--?(version|help|v|V)$`)
	// databaseWord finds the name of a database in what a command is told.
	databaseWord = regexp.MustCompile(`[\w-]\.(db3?|sqlite3?|s3db)\b`)
)

// givenWhole marks the directories of which everything belongs to the user: those that
// started empty, and in which a step of root may have left files since. They hold no code.
func (p *Pass) givenWhole(set []writePath) {
	steps := p.codeSteps()
	for i, w := range set {
		if len(steps) == 0 || w.file || w.tree || w.path == p.End.Workdir || imagepath.Standard[w.path] || imagepath.Below(p.End.Workdir, w.path) || p.canWrite(w) || !p.startedEmpty(w.path) {
			continue
		}
		for _, in := range slices.Backward(steps) {
			if p.reaches(in, w.path) && p.later(in, p.broughtBy(w.path)) == in {
				set[i].tree, set[i].after = true, p.later(w.after, in)
				set[i].why = strings.TrimSuffix(w.why, leftEmptyWhy)
				break
			}
		}
	}
}

// codeSteps returns the steps of root that run code of the application.
func (p *Pass) codeSteps() (out []*dockerfile.Instruction) {
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && p.End.Before[in].User.Root() && p.runsCode(in, nil) {
			out = append(out, in)
		}
	}
	return out
}

// runsCode reports whether a step has an interpreter run something of the application, which
// is told something that matches where a pattern is given.
func (p *Pass) runsCode(in *dockerfile.Instruction, told *regexp.Regexp) bool {
	sc, err := p.Doc.Script(in)
	if err != nil {
		return false
	}
	for _, c := range sc.Commands() {
		words := shellcmd.Words(c.Args)
		if !codeRunners.MatchString(c.Name) || len(words) == 0 || slices.ContainsFunc(words[:min(2, len(words))], installers.MatchString) {
			continue
		}
		if told == nil || slices.ContainsFunc(words, told.MatchString) {
			return true
		}
	}
	return false
}

// reaches reports whether a step works above a directory, or names it.
func (p *Pass) reaches(in *dockerfile.Instruction, dir string) bool {
	workdir := p.End.Before[in].Workdir
	return workdir != "/" && imagepath.Below(dir, workdir) || holdsWord(in.Original, dir)
}

// broughtBy returns the last instruction that makes or brings a directory.
func (p *Pass) broughtBy(dir string) *dockerfile.Instruction {
	by := p.lastCopyOver(dir)
	if d := p.End.Dirs[dir]; d != nil {
		by = p.later(p.lastReset(dir), d.MadeBy)
	}
	return by
}

// startedEmpty reports whether nothing but the running of steps can have put anything into a
// directory: a step makes it, or it comes with the build context and has nothing in it.
func (p *Pass) startedEmpty(dir string) bool {
	if p.End.Filled[dir] != nil || p.End.Seeded[dir] != nil {
		return false
	}
	kept := false
	for _, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		switch {
		case c.Opaque || imagepath.Below(dest, dir):
			return false
		case dest == "/" || !imagepath.Below(dir, dest) || !p.mayBring(c, dir):
		case c.From != "" || !p.hasContext():
			return false
		case !p.bringsEmpty(c.Sources, strings.TrimPrefix(dir, dest)):
			return false
		default:
			kept = true
		}
	}
	return kept || p.End.Dirs[dir].Made()
}

// bringsEmpty reports whether a directory below the sources of a copy has nothing in it but
// what keeps it in a repository.
func (p *Pass) bringsEmpty(sources []string, rel string) bool {
	for _, src := range sources {
		dir := path.Join(imagepath.InContext(src), strings.TrimPrefix(rel, "/"))
		for _, e := range p.entriesOf(dir) {
			if !slices.Contains(keepers, e) {
				return false
			}
		}
	}
	return true
}

// keepers are files by which people keep a directory in a repository.
var keepers = []string{".gitkeep", ".keep", ".empty", ".placeholder", ".gitignore", "README.md"}

// makesDatabase reports whether a step makes a database of SQLite: it runs the project's own
// code for that, or names the file in what it has an interpreter do.
func (p *Pass) makesDatabase(in *dockerfile.Instruction) bool {
	if databaseStep.MatchString(in.Original) {
		return true
	}
	return databaseWord.MatchString(in.Original) && imagepath.Below(p.End.Before[in].Workdir, p.End.Workdir) && p.runsCode(in, databaseWord)
}

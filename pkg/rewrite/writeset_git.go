package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
)

// gitWrites are the commands of git that change the files of a repository, and gitReads those
// that only ask it. Both refuse a repository of another owner (git-config(1), safe.directory).
var (
	gitWrites = map[string]bool{"pull": true, "fetch": true, "checkout": true, "switch": true, "reset": true, "merge": true, "rebase": true,
		"clean": true, "stash": true, "commit": true, "add": true, "submodule": true, "gc": true, "apply": true}
	gitReads = map[string]bool{"describe": true, "rev-parse": true, "log": true, "show": true, "status": true, "diff": true, "branch": true,
		"tag": true, "ls-files": true, "rev-list": true, "name-rev": true, "remote": true}
)

// gitSet adds the repositories that a start script brings up to date, with all that is in them.
func (p *Pass) gitSet(add func(writePath)) {
	for _, call := range p.Entry.Git {
		if !gitWrites[call.Verb] {
			continue
		}
		if top, by := p.repositoryAt(call.Dir); top != "" {
			add(writePath{path: top, why: "the start script runs git " + call.Verb + " there", tree: true, exist: true, after: p.later(p.inStage(by), p.lastWorkIn(top))})
		}
	}
}

// repositoryAt returns the top of the repository of root's that a directory lies in, and the
// step that brings it: a clone, or a copy along with .git; "" for none.
func (p *Pass) repositoryAt(dir string) (string, *dockerfile.Instruction) {
	for ; dir != "/" && len(dir) <= imagepath.MaxPath; dir = path.Dir(dir) {
		if imagepath.Standard[dir] || imagepath.Protected(dir) || !imagepath.Safe.MatchString(dir) || imagepath.Below(dir, "/root") {
			return "", nil
		}
		if in := p.End.Filled[dir]; in != nil && strings.Contains(in.Original, "clone") && p.byRoot(in) {
			return dir, in
		}
		if p.copied(path.Join(dir, ".git")) {
			return dir, p.lastReset(path.Join(dir, ".git"))
		}
	}
	return "", nil
}

// reportGit tells git, which a step may have removed again, that a repository of root's may be asked, where a start script does so
// and nothing gives it to the user.
func (p *Pass) reportGit() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited || strings.Contains(p.stepsText(), "safe.directory") {
		return
	}
	writes := p.writes()
	var done []string
	for _, call := range p.Entry.Git {
		top, by := p.repositoryAt(call.Dir)
		given := slices.ContainsFunc(writes, func(w writePath) bool { return w.tree && !w.dirs && imagepath.Below(top, w.path) })
		if top == "" || !gitReads[call.Verb] || given || slices.Contains(done, top) || p.canWrite(writePath{path: top, tree: true, exist: true}) {
			continue
		}
		done = append(done, top)
		f := Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("the start script runs git %s in %s, whose files are root's: git refuses that for another user", call.Verb, top)}
		if p.canRun() {
			f.Fix = &Fix{Message: "names it among the directories that git takes as safe, for every user",
				Steps: []Step{{Command: "if command -v git >/dev/null; then git config --system --add safe.directory " + top + "; fi", Order: stepOwner, After: p.later(p.inStage(by), p.lastFiles())}}}
		}
		p.report(f)
	}
}

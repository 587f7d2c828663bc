package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// readFix makes readable for the user what the program reads and only root
// could: as many images fail on reading as on writing.
func (p *Pass) readFix() (changes []Change, steps []Step, names []string) {
	for _, c := range p.End.Copies {
		if c.By.Stage != p.Stage || c.Opaque || !c.UID.Known || c.UID.N != 0 {
			continue
		}
		if _, has := c.By.Flag("chown"); has || !p.closedCopy(c) || !p.mayName(c.By) || removedByName(c) || p.givenAtStart(c) || imagepath.Below(path.Clean(c.Dest), "/etc") && rootsAlone(path.Clean(c.Dest)) {
			continue
		}
		changes = append(changes, p.openCopy(c))
		names = append(names, strings.TrimSuffix(c.Dest, "/"))
	}
	closed := slices.Concat(p.closedToUser(), p.closedParents(), p.packagedKeys())
	for _, tree := range []bool{false, true} {
		open, opened := p.openSteps(closed, tree)
		steps, names = append(steps, open...), append(names, opened...)
	}
	given, open, opened := p.openCopies()
	changes, steps, names = append(changes, given...), append(steps, open...), append(names, opened...)
	for _, dir := range p.closedTrees() {
		steps = append(steps, Step{Command: "chmod -R o+rX " + p.spellOne(dir), Order: stepRead, After: p.lastFiles()})
		names = append(names, dir)
	}
	return changes, steps, unique(names)
}

// unique returns the words in their order, each once.
func unique(words []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(words, func(w string) bool {
		was := seen[w]
		seen[w] = true
		return was
	})
}

// openSteps lets the user's group read what is closed, and everybody a directory of the
// distribution: another group might be allowed to write there.
func (p *Pass) openSteps(closed []simulate.ModeChange, tree bool) (steps []Step, names []string) {
	after := p.accountStep()
	var paths, standard []string
	for _, m := range closed {
		if m.Tree != tree || slices.Contains(names, m.Path) {
			continue
		}
		names = append(names, m.Path)
		if imagepath.Standard[m.Path] {
			standard = append(standard, m.Path)
		} else {
			paths = append(paths, m.Path)
		}
		if m.By != nil {
			after = p.later(after, p.inStage(m.By))
		}
	}
	all := ""
	if tree {
		all = "-R "
	}
	step := func(format string, args ...any) {
		steps = append(steps, Step{Command: fmt.Sprintf(format, args...), Order: stepRead, After: after})
	}
	if len(paths) > 0 {
		step("chgrp %s%s %s", all, p.group(), strings.Join(paths, " "))
		step("chmod %sg+rX %s", all, strings.Join(paths, " "))
	}
	if len(standard) > 0 {
		step("chmod %so+rX %s", all, strings.Join(standard, " "))
	}
	return steps, names
}

// removedByName reports whether a later step deletes the one file that a copy brings,
// wherever it stands: cd dir && unzip x.zip && rm x.zip.
func removedByName(c simulate.Copy) bool {
	if len(c.Sources) != 1 {
		return false
	}
	removes := regexp.MustCompile(`\brm\s[^;&|\n]*\b` + regexp.QuoteMeta(path.Base(c.Sources[0])) + `(\s|;|&|$)`)
	return c.StepAfter(path.Base(c.Sources[0]), removes)
}

// mayName reports whether the user can be named at an instruction: a number
// always, a name once the account is there.
func (p *Pass) mayName(in *dockerfile.Instruction) bool {
	return p.User.numbered() || p.User.By == nil || p.User.By.Index < in.Index
}

// group is the user's group for chgrp.
func (p *Pass) group() string {
	if p.User.GID.Known && !p.User.FromArg {
		return strconv.Itoa(p.User.GID.N)
	}
	if p.User.NameArg && p.User.GroupArg != "" {
		return "${" + p.User.GroupArg + "}"
	}
	if simulate.ValidName(p.User.Group) {
		return p.User.Group
	}
	return p.User.Name
}

// addChown adds --chown to a COPY or ADD.
func (p *Pass) addChown(in *dockerfile.Instruction) Change {
	at := strings.IndexAny(in.Original, " \t")
	return Change{kind: replaceText, at: in, from: at, to: at, text: " --chown=" + p.User.Owner()}
}

// ownAll gives what COPY puts under the working directory to the user.
func (p *Pass) ownAll() []Change {
	var out []Change
	for _, c := range p.End.Copies {
		if c.By.Stage != p.Stage || c.Opaque || p.End.Workdir == "/" || !imagepath.Below(path.Clean(c.Dest), p.End.Workdir) {
			continue
		}
		if _, has := c.By.Flag("chown"); !has && p.mayName(c.By) {
			out = append(out, p.addChown(c.By))
		}
	}
	return out
}

package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A modeChange is a chmod of one file to a mode that shuts others out.
type modeChange struct {
	path  string
	mode  int
	by    *dockerfile.Instruction
	tree  bool // with what is below it
	added bool // it only adds a right for the owner, to a mode that is not known
	made  bool // the file is made with that mode, a private key
}

// readFix makes readable for the user what the program reads and only root
// could: as many images fail on reading as on writing.
func (p *Pass) readFix() (changes []Change, steps []Step, names []string) {
	for _, c := range p.End.Copies {
		if c.By.Stage != p.Stage || c.Opaque || !c.UID.Known || c.UID.N != 0 {
			continue
		}
		if _, has := c.By.Flag("chown"); has || !p.closedCopy(c) || !p.mayName(c.By) || removedByName(c) || p.givenAtStart(c) {
			continue
		}
		changes = append(changes, p.addChown(c.By))
		names = append(names, strings.TrimSuffix(c.Dest, "/"))
	}
	closed := slices.Concat(p.closedFiles(), p.closedParents(), p.packagedKeys())
	for _, tree := range []bool{false, true} {
		var paths []string
		var after *dockerfile.Instruction
		if !p.User.numbered() {
			after = p.User.By
		}
		for _, m := range closed {
			if m.tree == tree && !slices.Contains(paths, m.path) {
				paths = append(paths, m.path)
				if m.by != nil {
					after = p.later(after, p.inStage(m.by))
				}
			}
		}
		if len(paths) == 0 {
			continue
		}
		all := ""
		if tree {
			all = "-R "
		}
		steps = append(steps,
			Step{Command: fmt.Sprintf("chgrp %s%s %s", all, p.group(), strings.Join(paths, " ")), Order: stepRead, After: after},
			Step{Command: fmt.Sprintf("chmod %sg+rX %s", all, strings.Join(paths, " ")), Order: stepRead, After: after})
		names = append(names, paths...)
	}
	for _, dir := range p.closedTrees() {
		steps = append(steps, Step{Command: "chmod -R o+rX " + dir, Order: stepRead, After: p.lastFiles()})
		names = append(names, dir)
	}
	return changes, steps, names
}

// removedByName reports whether a later step deletes the one file that a copy brings,
// wherever it stands: cd dir && unzip x.zip && rm x.zip.
func removedByName(c Copy) bool {
	if len(c.Sources) != 1 {
		return false
	}
	removes := regexp.MustCompile(`\brm\s[^;&|\n]*\b` + regexp.QuoteMeta(path.Base(c.Sources[0])) + `(\s|;|&|$)`)
	return c.stepAfter(path.Base(c.Sources[0]), removes)
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
		if c.By.Stage != p.Stage || c.Opaque || p.End.Workdir == "/" || !below(path.Clean(c.Dest), p.End.Workdir) {
			continue
		}
		if _, has := c.By.Flag("chown"); !has && p.mayName(c.By) {
			out = append(out, p.addChown(c.By))
		}
	}
	return out
}

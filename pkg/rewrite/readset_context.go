package rewrite

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// maxClosed bounds how many entries of the build context are asked for their mode.
const maxClosed = 4000

// unread are directories of a repository that the running program does not look into.
var unread = map[string]bool{".git": true, ".hg": true, ".svn": true, ".github": true, ".idea": true, ".vscode": true, ".devcontainer": true,
	"test": true, "tests": true, "__tests__": true, "spec": true, "docs": true, "doc": true, "examples": true, "samples": true, "node_modules": true, ".venv": true, "venv": true, "__pycache__": true}

// closedInCopies returns what copied directories of the build context bring that only its
// owner may read there: the mode comes along, and the owner is root. A git checkout has
// none, an editor's .env, a key and what was made under umask 077 are.
func (p *Pass) closedInCopies() []simulate.ModeChange {
	if p.Context == nil {
		return nil
	}
	var out []simulate.ModeChange
	left := maxClosed
	for _, c := range p.End.Copies {
		switch {
		case c.Opaque || c.Chmod != "" || c.UID.Known && c.UID.N != 0 || !c.UID.Known:
		case c.From != "":
			out = append(out, p.closedFromStage(c, &left)...)
		default:
			out = append(out, p.closedByCopy(c, p.End.Opens, &left)...)
		}
	}
	return slices.DeleteFunc(out, func(m simulate.ModeChange) bool {
		return rootsAlone(m.Path) || p.givenAfter(m)
	})
}

// closedByCopy returns what one copy of directories brings, but for what a later step opens.
func (p *Pass) closedByCopy(c simulate.Copy, opens []simulate.ModeChange, left *int) (out []simulate.ModeChange) {
	for _, src := range p.Sources(c) {
		info, err := p.statContext(src)
		if err != nil || !info.IsDir() {
			continue // one file gets its owner by the COPY
		}
		_ = fs.WalkDir(p.Context, src, func(name string, d fs.DirEntry, err error) error {
			if *left--; err != nil || *left < 0 {
				return fs.SkipAll
			}
			if d.IsDir() && unread[strings.ToLower(d.Name())] {
				return fs.SkipDir
			}
			image := path.Join(c.Dest, strings.TrimPrefix(strings.TrimPrefix(name, src), "/"))
			if src == "." {
				image = path.Join(c.Dest, name)
			}
			if m, closed := p.closedEntry(d, image); closed && !openedBy(opens, image, c.By) {
				out = append(out, simulate.ModeChange{Path: image, Mode: m, By: c.By})
			}
			return nil
		})
	}
	return out
}

// closedEntry returns the mode of an entry of the build context, and whether it keeps the
// user out: what the image starts has to be run, too.
func (p *Pass) closedEntry(d fs.DirEntry, image string) (int, bool) {
	name := strings.ToLower(d.Name())
	if name == "." || strings.HasPrefix(name, "dockerfile") || strings.HasPrefix(name, ".docker") || strings.HasPrefix(name, ".git") {
		return 0, false // of the build alone; what is to be known of a file costs more
	}
	info, err := d.Info()
	if err != nil || !d.IsDir() && !info.Mode().IsRegular() {
		return 0, false
	}
	m := int(info.Mode().Perm())
	return m, m&0o004 == 0 || !d.IsDir() && shellcmd.KeepsOut(m) && p.started(image)
}

// closedFromStage returns what a copy from a stage brings of that kind, which the stage has
// copied from the build context.
func (p *Pass) closedFromStage(c simulate.Copy, left *int) (out []simulate.ModeChange) {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil {
		return nil
	}
	end := p.EndOf(st)
	for _, o := range end.Copies {
		if o.Opaque || o.Chmod != "" || o.From != "" {
			continue
		}
		for _, m := range p.closedByCopy(o, end.Opens, left) {
			for _, src := range c.Sources {
				if src = path.Clean("/" + src); m.Path != src && imagepath.Below(m.Path, src) {
					out = append(out, simulate.ModeChange{Path: path.Join(c.Dest, strings.TrimPrefix(m.Path, src)), Mode: m.Mode, By: c.By})
				}
			}
		}
	}
	return out
}

// openedBy reports whether a step behind another gives everybody the right to read a path.
func openedBy(opens []simulate.ModeChange, name string, after *dockerfile.Instruction) bool {
	return slices.ContainsFunc(opens, func(o simulate.ModeChange) bool {
		if o.By.Index < after.Index {
			return false
		}
		if match, err := path.Match(o.Path, name); err == nil && match {
			return true
		}
		return o.Tree && imagepath.Below(name, o.Path)
	})
}

// givenAfter reports whether a step behind the copy gives the user what it brings.
func (p *Pass) givenAfter(m simulate.ModeChange) bool {
	for dir := m.Path; dir != "/"; dir = path.Dir(dir) {
		if d := p.End.Dirs[dir]; d != nil && d.OwnedBy != nil && d.OwnedBy.Index > m.By.Index && (d.Tree || dir == m.Path) && p.ownsDir(d) {
			return true
		}
	}
	return false
}

// openCopies lets the user's group read what copies bring closed, and returns the paths. It
// looks for them, because a later step may have removed some. Where no command can run the
// COPY has to give them away.
func (p *Pass) openCopies() (changes []Change, steps []Step, names []string) {
	closed := p.closedInCopies()
	for _, m := range closed {
		names = append(names, m.Path)
	}
	if !p.canRun() {
		return p.chownCopies(closed), nil, names
	}
	after := p.accountStep()
	var dirs, started []string
	for _, m := range closed {
		after = p.later(after, m.By)
		switch dir := ownAncestor(m); {
		case !imagepath.Safe.MatchString(dir):
		case m.Mode&0o004 != 0:
			started = append(started, m.Path)
		case !slices.Contains(dirs, dir):
			dirs = append(dirs, dir)
		}
	}
	for _, c := range append(p.openTrees(outermost(dirs)), p.openFiles(started)...) {
		steps = append(steps, Step{Command: c, Order: stepRead, After: after})
	}
	return nil, steps, names
}

// chownCopies gives the user what instructions of the final stage bring.
func (p *Pass) chownCopies(closed []simulate.ModeChange) (changes []Change) {
	var done []*dockerfile.Instruction
	for _, m := range closed {
		if m.By.Stage == p.Stage && p.mayName(m.By) && !slices.Contains(done, m.By) {
			done = append(done, m.By)
			changes = append(changes, p.addChown(m.By))
		}
	}
	return changes
}

// accountStep is what makes the account, where only its name or that of its group is known.
func (p *Pass) accountStep() *dockerfile.Instruction {
	if p.User.numbered() && p.User.GID.Known {
		return nil
	}
	return p.User.By
}

// outermost drops directories that lie in others of the list.
func outermost(dirs []string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		return slices.ContainsFunc(dirs, func(o string) bool { return o != dir && imagepath.Below(dir, o) })
	})
}

// openTrees writes the commands that open what is closed below directories.
func (p *Pass) openTrees(dirs []string) []string {
	where := strings.Join(dirs, " ")
	switch {
	case len(dirs) == 0:
		return nil
	case p.findTool() == imageinspect.Yes && !p.oldFind():
		// A layer holds every file again that it changes.
		return []string{fmt.Sprintf("find %s -xdev ! -type l ! -perm -004 -exec chgrp %s {} + -exec chmod g+rX {} +", where, p.group())}
	}
	return []string{fmt.Sprintf("chgrp -R %s %s", p.group(), where), fmt.Sprintf("chmod -R g+rX %s", where)}
}

// openFiles writes the commands that open files or directories themselves.
func (p *Pass) openFiles(paths []string) []string {
	if len(paths) == 0 {
		return nil
	}
	where := strings.Join(paths, " ")
	return []string{fmt.Sprintf("chgrp %s %s", p.group(), where), fmt.Sprintf("chmod g+rX %s", where)}
}

// ownAncestor returns the highest directory above a path that is not one of the
// distribution's, the path itself where there is none.
func ownAncestor(m simulate.ModeChange) string {
	dir := m.Path
	for up := path.Dir(dir); !imagepath.Standard[up]; up = path.Dir(up) {
		dir = up
	}
	return dir
}

package rewrite

import (
	"fmt"
	"io/fs"
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
}

// readFix makes readable for the user what the program reads and only root
// could: as many images fail on reading as on writing.
func (p *Pass) readFix() (changes []Change, steps []Step, names []string) {
	for _, c := range p.End.Copies {
		if c.By.Stage != p.Stage || c.Opaque || !c.UID.Known || c.UID.N != 0 {
			continue
		}
		if _, has := c.By.Flag("chown"); has || !p.closedCopy(c) || !p.mayName(c.By) || removedByName(c) {
			continue
		}
		changes = append(changes, p.addChown(c.By))
		names = append(names, strings.TrimSuffix(c.Dest, "/"))
	}
	closed := append(p.closedFiles(), p.closedParents()...)
	for _, tree := range []bool{false, true} {
		var paths []string
		var after *dockerfile.Instruction
		if !p.User.numbered() {
			after = p.User.By
		}
		for _, m := range closed {
			if m.tree == tree && !slices.Contains(paths, m.path) {
				paths = append(paths, m.path)
				after = p.later(after, p.inStage(m.by))
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

// closedCopy reports whether a COPY makes files that others may not read:
// by --chmod, or because the files in the build context are like that.
func (p *Pass) closedCopy(c Copy) bool {
	if c.By.Keyword == "ADD" && c.Chmod == "" && slices.ContainsFunc(c.Sources, func(src string) bool {
		return strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://")
	}) {
		// Downloaded files have mode 0600 (Docker reference, ADD). A binary
		// that a chmod makes executable needs no more; a script is read.
		if !p.usedLater(c) {
			return false
		}
		run := p.lastMention(strings.TrimSuffix(c.Dest, "/"))
		return run == nil || !strings.Contains(run.Original, "chmod") || strings.HasSuffix(c.Dest, ".sh")
	}
	if octalMode.MatchString(c.Chmod) {
		m, _ := strconv.ParseInt(c.Chmod, 8, 32)
		return m&0o004 == 0 || m&0o001 == 0 && m&0o100 != 0 && p.executes(c)
	}
	if c.From != "" && c.Chmod == "" {
		return p.closedInStage(c)
	}
	if c.From != "" || p.opts.Context == nil || c.Chmod != "" || c.By.Keyword != "COPY" {
		return false
	}
	for _, src := range c.Sources {
		src = strings.TrimPrefix(path.Clean("/"+src), "/")
		if src == "" || !fs.ValidPath(src) {
			continue
		}
		info, err := fs.Stat(p.opts.Context, src)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o004 == 0 || mode&0o111 == 0o100 && p.executes(c) && !p.opened(c) {
			return true
		}
	}
	return false
}

// usesBelow reports whether the image works in a directory, or starts something below it,
// that the user does not get as a whole.
func (p *Pass) usesBelow(dir string) bool {
	if d := p.End.Dirs[dir]; !safePath.MatchString(dir) || standardDir[dir] || below(dir, "/root") || d != nil && d.Tree && p.ownsDir(d) {
		return false
	}
	return below(p.End.Workdir, dir) || slices.ContainsFunc(slices.Concat(p.Entry.Scripts, p.Entry.Unread, p.Entry.Argv), func(w string) bool { return path.IsAbs(w) && below(w, dir) })
}

// othersRun reports whether the build context has a file of the image with the right to run
// it for everybody.
func (p *Pass) othersRun(name string) bool {
	if p.opts.Context == nil {
		return false
	}
	return slices.ContainsFunc(p.End.Copies, func(c Copy) bool {
		return c.From == "" && slices.ContainsFunc(p.sources(c), func(src string) bool {
			info, err := fs.Stat(p.opts.Context, src)
			return err == nil && path.Base(src) == path.Base(name) && info.Mode().Perm()&0o001 != 0
		})
	})
}

// closedInStage reports whether the stage that a COPY takes files from has shut others out of
// one: the mode comes along.
func (p *Pass) closedInStage(c Copy) bool {
	for _, m := range p.stageModes(c) {
		if slices.ContainsFunc(c.Sources, func(src string) bool { return path.Clean("/"+src) == m.path }) && (m.mode&0o004 == 0 || p.executes(c) && m.mode&0o001 == 0 && !m.added) {
			return true
		}
	}
	return false
}

// stageModes returns the modes that the stage which a COPY --from names gives to files.
func (p *Pass) stageModes(c Copy) []modeChange {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil || !slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		// Following a stage costs more.
		return in.Stage != p.Stage && (strings.Contains(in.Original, "chmod") || strings.Contains(in.Original, "install") && strings.Contains(in.Original, " -m"))
	}) {
		return nil
	}
	end := p.endOf(st)
	modes := slices.Clone(end.Modes)
	for _, o := range end.Copies {
		if m, err := strconv.ParseInt(o.Chmod, 8, 32); err == nil && octalMode.MatchString(o.Chmod) {
			modes = append(modes, modeChange{path: path.Clean(o.Dest), mode: int(m), by: o.By})
		}
	}
	return modes
}

// executes reports whether the image starts a file that a copy brings: who may read it may
// not run it yet.
func (p *Pass) executes(c Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		file := c.Dest
		if strings.HasSuffix(file, "/") || standardDir[file] {
			file = path.Join(file, path.Base(src))
		}
		return p.started(path.Clean(file))
	})
}

// opened reports whether a step gives others the right to run what a copy brings.
func (p *Pass) opened(c Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		in := p.lastMention(path.Base(src))
		return in != nil && strings.Contains(in.Original, "chmod")
	})
}

// started reports whether the image starts a file, as its command or by a script.
func (p *Pass) started(name string) bool {
	return slices.Contains(p.Entry.Scripts, name) || slices.Contains(p.Entry.Unread, name) ||
		slices.ContainsFunc(p.Entry.Argv, func(w string) bool { return w == name || path.Base(name) == w })
}

// usedLater reports whether the running image may read what a copy downloads: it lies
// in the working directory or on PATH, or a setting names it. A file that only a step
// unpacks, or that is there to end the builder's cache, needs no reader.
func (p *Pass) usedLater(c Copy) bool {
	for _, src := range c.Sources {
		file := c.Dest
		if strings.HasSuffix(file, "/") || standardDir[file] {
			file = path.Join(file, path.Base(src))
		}
		if strings.HasPrefix(path.Base(file), ".") {
			continue
		}
		if p.runtimeFile(file) || below(file, "/etc") || slices.Contains(p.End.searchPath(), path.Dir(file)) {
			return true
		}
		for _, in := range p.Stage.Instructions {
			if (in.Keyword == "ENV" || in.Keyword == "CMD" || in.Keyword == "ENTRYPOINT" || in.Keyword == "HEALTHCHECK") && strings.Contains(in.Original, path.Base(file)) {
				return true
			}
		}
	}
	return false
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

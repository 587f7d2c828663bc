package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// temporary are the directories in which everybody may make files, and that are not emptied
// when a container starts.
var temporary = []string{"/tmp", "/var/tmp"}

// openToAll reports whether everybody can make a path: below the directories for temporary
// files, as far as nothing of the image is there already. What a step makes in them is as
// closed to others as anywhere else (sticky(7)).
func (p *Pass) openToAll(name string) bool {
	for _, root := range temporary {
		if !imagepath.Below(name, root) {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(name, root+"/"), "/")
		return name == root || !p.madeInTemporary(root+"/"+first)
	}
	return imagepath.Below(name, "/dev") || imagepath.Below(name, "/proc") || p.locks(name)
}

// locks reports whether a path is the directory for locks, in which Debian lets everybody
// make files (mode 1777 of /run/lock, of which /var/lock is a link; Debian policy, 9.1.4).
// Who owns it may remove the locks of others.
func (p *Pass) locks(name string) bool {
	return p.family() == "debian" && (name == "/var/lock" || name == "/run/lock" || name == "/var/run/lock") && !p.madeInTemporary(name)
}

// madeInTemporary reports whether an instruction of the file leaves a directory there.
func (p *Pass) madeInTemporary(dir string) bool {
	d := p.End.Dirs[dir]
	return d != nil && (d.MadeBy != nil || d.Volume) || slices.ContainsFunc(p.temporaryOfCode(), func(w writePath) bool { return imagepath.Below(w.path, dir) })
}

// temporaryOfCode returns the directories among temporary files that settings of the
// application name, where a step of root runs it: a cache of Django's is made then, closed to
// others (django/core/cache/backends/filebased.py).
func (p *Pass) temporaryOfCode() []writePath {
	if p.memo.temporaryRead {
		return p.memo.temporary
	}
	p.memo.temporaryRead = true
	step := p.lastCodeStep()
	if step == nil {
		return nil
	}
	for _, t := range p.toldByConfig() {
		below := slices.ContainsFunc(temporary, func(root string) bool { return path.Clean(t.path) != root && imagepath.Below(path.Clean(t.path), root) })
		if t.imported && t.dir && below {
			p.memo.temporary = append(p.memo.temporary, writePath{path: path.Clean(t.path), why: t.by + ", which a step may have made", tree: true, after: step})
		}
	}
	return p.memo.temporary
}

// cacheless are commands of Django that touch no cache, as far as they are seen to.
var cacheless = map[string]bool{"collectstatic": true, "compilemessages": true, "makemessages": true, "startproject": true, "check": true, "help": true, "version": true}

// managed matches a command of Django's.
var managed = regexp.MustCompile(`\b(?:manage\.py|django-admin)["',\s]+([\w-]*)`)

// lastCodeStep returns the last step of root that runs the code of an application of Django,
// in a command that may use its cache.
func (p *Pass) lastCodeStep() *dockerfile.Instruction {
	for _, in := range slices.Backward(p.Stage.Instructions) {
		if in.Keyword == "RUN" && p.End.Before[in].User.Root() && slices.ContainsFunc(managed.FindAllStringSubmatch(in.Original, content.MaxSettings), func(m []string) bool { return !cacheless[m[1]] }) {
			return in
		}
	}
	return nil
}

// temporarySet adds the directories that the file makes among temporary files and leaves
// empty: those of a build have something in them, or are gone.
func (p *Pass) temporarySet(add func(writePath)) {
	for _, w := range p.temporaryOfCode() {
		add(w)
	}
	looked := 0
	for _, name := range p.madeDirs() {
		if !slices.ContainsFunc(temporary, func(root string) bool { return imagepath.Below(name, root) }) || isData(name) {
			continue
		}
		if looked++; looked > maxEmptyDirs {
			return
		}
		if imagepath.Safe.MatchString(name) && p.staysEmpty(name) {
			add(writePath{path: name, why: "made by the file among temporary files", exist: p.End.Dirs[name].Made(), after: p.inStage(p.End.Dirs[name].MadeBy)})
		}
	}
}

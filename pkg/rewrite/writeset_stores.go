package rewrite

import (
	"maps"
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
)

// storeSet adds the repositories and databases that steps make as root. Git refuses a
// repository of another owner even to those that only read ("dubious ownership",
// CVE-2022-24765), so that it is given away whole; a database needs the directory that it lies
// in, where its journal is made.
func (p *Pass) storeSet(add func(writePath)) {
	for _, name := range slices.Sorted(maps.Keys(p.End.Stores)) {
		s := p.End.Stores[name]
		if p.inStage(s.By) == nil || !p.End.Before[s.By].User.Root() || imagepath.ProtectedDir(name) != "" || imagepath.Standard[name] || p.givenWithAll(name) {
			continue
		}
		if !s.File {
			add(writePath{path: name, why: "a step makes the repository", tree: true, exist: true, after: s.By})
			continue
		}
		if dir := path.Dir(name); !imagepath.Standard[dir] {
			add(writePath{path: dir, why: "a step makes a database in it", exist: p.there(dir), after: s.By})
			add(writePath{path: name, why: "a step makes the database", file: true, exist: true, after: s.By})
		}
	}
}

// givenWithAll reports whether the file gives a path, or a tree that it lies in, to somebody
// else than root and the user.
func (p *Pass) givenWithAll(name string) bool {
	for dir := name; dir != "/"; dir = path.Dir(dir) {
		if d := p.End.Dirs[dir]; d != nil && (d.Tree || dir == name) && p.givenAway(d) {
			return true
		}
	}
	return false
}

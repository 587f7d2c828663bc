package siblings

import (
	"path"
	"path/filepath"
	"slices"
)

// A Maker is the Dockerfile that an image is made of.
type Maker struct {
	Dockerfile string // absolute
	Target     string // stage; "" is the last
	Args       string // names of build arguments whose values are not known, between commas
}

// Maker returns what makes the image that a Dockerfile is FROM: a build that gives it
// that name, the only one that gives it that name with another tag or none, or a Dockerfile in the directory that is named after it, acme/mono for
// mono/Dockerfile. It reports false where nothing does, or several do. known reports
// whether an image is somebody else's.
func (r *Repository) Maker(child, ref string, known func(ref string) bool) (Maker, bool) {
	var found []Maker
	add := func(m Maker) {
		if m.Dockerfile != child && !slices.Contains(found, m) {
			found = append(found, m)
		}
	}
	for _, b := range r.builds[child] {
		if base := b.Contexts[ref]; base != "" {
			add(Maker{Dockerfile: base})
		}
	}
	for _, file := range r.makers[plain(ref)] {
		for _, n := range r.named[file] {
			if !n.label && plain(n.image) == plain(ref) {
				add(Maker{file, n.target, n.args})
			}
		}
	}
	if len(found) == 0 && !known(ref) {
		if m, ok := r.only(ref); ok {
			add(m)
		}
	}
	if len(found) == 0 && !known(ref) {
		for _, dir := range slices.Backward(directoriesOf(ref)) { // with its tag first
			for _, file := range r.inDirectory[dir] {
				if !r.anothersDirectory(file, ref) {
					add(Maker{Dockerfile: file})
				}
			}
			if len(found) > 0 {
				break
			}
		}
	}
	if len(found) != 1 {
		return Maker{}, false
	}
	return found[0], true
}

// place notes the directory of a Dockerfile by the names that an image may have after
// it. Dockerfile.alpine and its like are variants of the image, but mono/Dockerfile.mono is
// named after it once more.
func (r *Repository) place(dockerfile string) {
	dir := filepath.ToSlash(filepath.Dir(dockerfile))
	if !isPlain(dockerfile) && suffix(dockerfile) != path.Base(dir) {
		return
	}
	for _, name := range []string{path.Base(dir), path.Base(path.Dir(dir)) + "/" + path.Base(dir)} {
		r.inDirectory[name] = append(r.inDirectory[name], dockerfile)
	}
}

// plainNames are those of a Dockerfile that say nothing of what it makes.
var plainNames = []string{"Dockerfile", "Containerfile"}

func isPlain(dockerfile string) bool { return slices.Contains(plainNames, filepath.Base(dockerfile)) }

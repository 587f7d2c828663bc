package siblings

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Link records what the stages of a Dockerfile are FROM.
func (r *Repository) Link(dockerfile string, from []string) {
	r.from[dockerfile] = from
	r.place(dockerfile)
	for _, ref := range from {
		name := repository(ref)
		r.of[name] = append(r.of[name], user{dockerfile, ref})
		for _, dir := range directoriesOf(ref) {
			r.users[dir] = append(r.users[dir], user{dockerfile, ref})
		}
	}
}

// Children returns the Dockerfiles among those linked whose stages are FROM an
// image of this one, sorted.
func (r *Repository) Children(dockerfile string) []string {
	var children []string
	add := func(child string) {
		if child != dockerfile && !slices.Contains(children, child) {
			children = append(children, child)
		}
	}
	for _, name := range r.names(dockerfile) {
		for _, u := range r.of[name] {
			if !r.another(dockerfile, u.ref) {
				add(u.dockerfile)
			}
		}
	}
	for _, n := range r.named[dockerfile] { // of a repository that it is itself FROM, the very images that it makes
		repo := repository(n.image)
		if n.label || !strings.Contains(repo, "/") || !r.isFrom(dockerfile, repo) || r.isFromImage(dockerfile, n.image) {
			continue
		}
		for _, u := range r.of[repo] {
			if plain(u.ref) == plain(n.image) {
				add(u.dockerfile)
			}
		}
	}
	for _, child := range r.contextual {
		contexts := r.contexts(child, dockerfile)
		if slices.ContainsFunc(r.from[child], func(ref string) bool { return slices.Contains(contexts, ref) }) {
			add(child)
		}
	}
	slices.Sort(children)
	return children
}

// directoriesOf returns the directories in which a repository is likely to keep the
// Dockerfile of an image: acme/mono:6 is made in mono, mono-6 or mono/6. An image
// without an owner is Docker Hub's.
func directoriesOf(ref string) []string {
	name := repository(ref)
	if !strings.Contains(name, "/") {
		return nil
	}
	dirs := []string{path.Base(name)}
	ref, _, _ = strings.Cut(plain(ref), "@")
	if _, tag, ok := strings.Cut(ref, name+":"); ok && tag != "latest" {
		dirs = append(dirs, dirs[0]+"-"+tag, dirs[0]+"/"+tag)
	}
	return dirs
}

// Namesakes returns the Dockerfiles among those linked that are FROM an image named
// after the directory of this one, acme/mono for mono/Dockerfile, though nothing says
// how that image is built. known reports whether an image is somebody else's.
func (r *Repository) Namesakes(dockerfile string, known func(ref string) bool) []string {
	dir := filepath.Dir(dockerfile)
	var children []string
	for _, name := range []string{filepath.Base(dir), filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)} {
		for _, u := range r.users[name] {
			if u.dockerfile != dockerfile && !slices.Contains(children, u.dockerfile) && r.mayMake(dockerfile, u.ref) && !known(u.ref) {
				children = append(children, u.dockerfile)
			}
		}
	}
	slices.Sort(children)
	return children
}

// mayMake reports whether nothing speaks against it that a Dockerfile makes an image of
// which only the name says so: it is not FROM that image itself, and no other Dockerfile
// is known to make it.
func (r *Repository) mayMake(dockerfile, ref string) bool {
	if makers := r.makers[plain(ref)]; len(makers) > 0 && !slices.Contains(makers, dockerfile) {
		return false
	}
	return !r.anothersDirectory(dockerfile, ref) && !namesLonger(dockerfile, ref) && !r.besideIt(dockerfile, ref) && !r.isFromImage(dockerfile, ref)
}

// namesLonger reports whether the suffix of a Dockerfile is another name that only begins
// like the image's: Dockerfile.konga makes no acme/kong.
func namesLonger(dockerfile, ref string) bool {
	rest, begins := strings.CutPrefix(suffix(dockerfile), path.Base(repository(ref)))
	return begins && rest != "" && !strings.ContainsRune(".-_", rune(rest[0]))
}

// suffix is what a Dockerfile is called after beside others, "" for one without: alpine
// for Dockerfile.alpine and alpine.Dockerfile.
func suffix(dockerfile string) string {
	name := filepath.Base(dockerfile)
	for _, word := range plainNames {
		if rest, ok := strings.CutPrefix(name, word); ok {
			return strings.TrimLeft(rest, ".-_")
		}
		if rest, ok := strings.CutSuffix(name, "."+word); ok {
			return rest
		}
	}
	return ""
}

// besideIt reports whether the directory of a Dockerfile has another one that, by its
// name, makes what ref names: Dockerfile.alpine the tag alpine, and the one without a
// suffix, or with the name of the image as that, what has no tag.
func (r *Repository) besideIt(dockerfile, ref string) bool {
	ref, _, _ = strings.Cut(ref, "@")
	tag := strings.TrimPrefix(plain(ref), repository(ref)+":")
	names, image := plainNames, path.Base(repository(ref))
	if tag != "latest" {
		names, image = calledAfter(tag), image+"-"+tag
	}
	names = slices.Concat(names, calledAfter(image))
	if slices.Contains(names, filepath.Base(dockerfile)) {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool {
		other := filepath.Join(filepath.Dir(dockerfile), name)
		_, linked := r.from[other]
		return linked && !r.isFromImage(other, ref)
	})
}

// calledAfter returns the names that a Dockerfile for something has beside others.
func calledAfter(what string) []string {
	return []string{"Dockerfile." + what, "Dockerfile-" + what, "Dockerfile_" + what, what + ".Dockerfile", "Containerfile." + what}
}

// BuiltOn returns the Dockerfiles among those linked that are FROM an image of this one:
// those of which that is known, else those of which the names say so. One that this one
// is built on in turn is not among them: where the way goes in a circle, the names
// mislead. known reports whether an image is somebody else's, always the same.
func (r *Repository) BuiltOn(dockerfile string, known func(ref string) bool) []string {
	var children []string
	for _, child := range r.direct(dockerfile, known) {
		if !r.leadsTo(child, dockerfile, known) {
			children = append(children, child)
		}
	}
	return children
}

// direct returns the children of a Dockerfile without a look at where they lead.
func (r *Repository) direct(dockerfile string, known func(ref string) bool) []string {
	if children, ok := r.children.Load(dockerfile); ok {
		return children.([]string)
	}
	children := r.Children(dockerfile)
	if len(children) == 0 {
		children = r.Namesakes(dockerfile, known)
	}
	r.children.Store(dockerfile, children)
	return children
}

// leadsTo reports whether a Dockerfile is built, by way of others, on another.
func (r *Repository) leadsTo(from, to string, known func(ref string) bool) bool {
	seen, next := map[string]bool{from: true}, []string{from}
	for len(next) > 0 {
		last := next[len(next)-1]
		next = next[:len(next)-1]
		for _, child := range r.direct(last, known) {
			if child == to {
				return true
			}
			if !seen[child] {
				seen[child] = true
				next = append(next, child)
			}
		}
	}
	return false
}

// another reports whether the very image that ref names, with its tag, is made by
// another Dockerfile and not by this one: variants of an image share its repository.
// Where nobody is known to make it and there are variants, it is one that is not here.
func (r *Repository) another(dockerfile, ref string) bool {
	makers := r.makers[plain(ref)]
	if len(makers) == 0 {
		return len(r.sharers[repository(ref)]) > 1 || r.besideIt(dockerfile, ref)
	}
	return !slices.Contains(makers, dockerfile)
}

// plain returns a reference without what is Docker Hub's default, and with its tag.
func plain(ref string) string {
	short := withoutHub(ref)
	if short == repository(ref) {
		return short + ":latest"
	}
	return short
}

// contexts returns the names under which the builds of child know the image of
// a Dockerfile.
func (r *Repository) contexts(child, dockerfile string) []string {
	var names []string
	for _, b := range r.builds[child] {
		for name, base := range b.Contexts {
			if base == dockerfile {
				names = append(names, name)
			}
		}
	}
	return names
}

// repository returns an image reference without tag, digest, and what is
// Docker Hub's default.
func repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return withoutHub(ref)
}

// withoutHub returns a reference without the registry and namespace that Docker
// takes when none is named.
func withoutHub(ref string) string {
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "library/"} {
		ref = strings.TrimPrefix(ref, prefix)
	}
	return ref
}

package siblings

import (
	"regexp"
	"slices"
	"strings"
)

// maxNames bounds the names of one Dockerfile's image, which strangers wrote.
const maxNames = 100

// A name is what the image of a Dockerfile is called.
type name struct {
	image  string
	target string // stage that it is made of; "" is the last
	label  bool   // only a label says so
	args   string // names of the build arguments that it is made with, between commas
}

// name records what the image of a Dockerfile is called.
func (r *Repository) name(dockerfile string, n name) {
	n.image, n.target = strings.Clone(n.image), strings.Clone(n.target) // not the whole file with it
	if len(r.named[dockerfile]) >= maxNames || slices.Contains(r.named[dockerfile], n) {
		return
	}
	r.named[dockerfile] = append(r.named[dockerfile], n)
	for key, list := range map[string]map[string][]string{plain(n.image): r.makers, repository(n.image): r.sharers} {
		if !slices.Contains(list[key], dockerfile) {
			list[key] = append(list[key], dockerfile)
		}
	}
}

// Label records a repository that a label of a Dockerfile names as its own, without a
// tag. Where several do, nobody knows whose an image is: labels are copied.
func (r *Repository) Label(dockerfile, repo string) {
	repo = repository(repo)
	if !slices.Contains(r.labels[repo], dockerfile) {
		r.labels[repo] = append(r.labels[repo], dockerfile)
		r.named[dockerfile] = append(r.named[dockerfile], name{image: repo, label: true})
	}
}

// Builds reports whether the repository builds the image that ref names.
func (r *Repository) Builds(ref string) bool {
	return slices.ContainsFunc(r.sharers[repository(ref)], func(file string) bool { return !r.isFrom(file, repository(ref)) })
}

// names returns the repositories of the images of a Dockerfile. One that it is
// itself FROM is not its own: "image: nginx" on a Dockerfile FROM nginx does
// not make every other FROM nginx its child.
func (r *Repository) names(dockerfile string) []string {
	var names []string
	for _, n := range r.named[dockerfile] {
		repo := repository(n.image)
		if !r.isFrom(dockerfile, repo) && !slices.Contains(names, repo) && r.owns(dockerfile, repo) {
			names = append(names, repo)
		}
	}
	return names
}

// owns reports whether builds make an image of that repository of a Dockerfile, or its
// labels alone say so.
func (r *Repository) owns(dockerfile, repo string) bool {
	if len(r.sharers[repo]) > 0 {
		return slices.Contains(r.sharers[repo], dockerfile)
	}
	return len(r.labels[repo]) == 1
}

// isFrom reports whether a stage of a Dockerfile is FROM an image of a repository.
func (r *Repository) isFrom(dockerfile, repo string) bool {
	return slices.ContainsFunc(r.from[dockerfile], func(ref string) bool { return repository(ref) == repo })
}

// isFromImage reports whether a stage of a Dockerfile is FROM the very image.
func (r *Repository) isFromImage(dockerfile, ref string) bool {
	return slices.ContainsFunc(r.from[dockerfile], func(from string) bool { return plain(from) == plain(ref) })
}

// version is a tag that says when an image was made, and not which variant it is.
var version = regexp.MustCompile(`^(?:latest|stable|v?[0-9][0-9.]*)$`)

// only returns the one Dockerfile that makes all images of a repository, when it is
// known by a name without a tag: 3.9-alpine says nothing of who makes 3.9-ubuntu.
func (r *Repository) only(ref string) (Maker, bool) {
	repo := repository(ref)
	if tag := strings.TrimPrefix(plain(ref), repo+":"); !version.MatchString(tag) {
		return Maker{}, false
	}
	files, label := r.sharers[repo], false
	if len(files) == 0 {
		files, label = r.labels[repo], true
	}
	if len(files) != 1 || r.isFrom(files[0], repo) {
		return Maker{}, false
	}
	for _, n := range r.named[files[0]] {
		if n.label == label && withoutHub(n.image) == repo {
			return Maker{files[0], n.target, n.args}, true
		}
	}
	return Maker{}, false
}

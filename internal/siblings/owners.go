package siblings

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A collection keeps the Dockerfiles of many owners, each below a directory of the owner's
// name: acme/redis and example/redis. There the last part of a name says nothing of who
// makes an image.

// ofOwner is an image's repository with the last part of who owns it: acme/mono.
func ofOwner(ref string) string {
	parts := strings.Split(repository(ref), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// anothersDirectory reports whether the directory of a Dockerfile is another one than the image is
// called after, though its last part is the same: where one here has the owner's name as well,
// and where such directories are the rule.
func (r *Repository) anothersDirectory(dockerfile, ref string) bool {
	exact := r.inDirectory[ofOwner(ref)]
	if slices.Contains(exact, dockerfile) {
		return false
	}
	dir := filepath.ToSlash(filepath.Dir(dockerfile))
	if path.Base(dir) != path.Base(repository(ref)) {
		return false // called after it in another way: mono-6, mono/6
	}
	return len(exact) > 0 || r.isCollection()
}

// isCollection reports whether the directories here are those of several owners.
func (r *Repository) isCollection() bool {
	r.collection.Do(func() {
		owners := map[string]bool{}
		for repo := range r.of {
			if owned := ofOwner(repo); len(r.inDirectory[owned]) > 0 {
				owners[path.Dir(owned)] = true
			}
		}
		r.collected = len(owners) > 1
	})
	return r.collected
}

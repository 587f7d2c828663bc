package entry

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// Locate finds the text of a file of the image: what COPY took from the build
// context or holds as a heredoc, and the scripts of the base image.
func (r *Reader) Locate(name string) (p, text string, ok bool) {
	for _, c := range r.Candidates(name) {
		for _, at := range []string{c, r.End.Resolve(c)} {
			if text, ok := r.FileOf(at); ok {
				return c, text, true
			}
			if text, ok := r.MovedFile(at); ok {
				return c, text, true
			}
		}
	}
	return "", "", false
}

// Candidates returns the paths at which a file is looked for by a name.
func (r *Reader) Candidates(name string) []string {
	switch {
	case path.IsAbs(name):
		return []string{path.Clean(name)}
	case strings.Contains(name, "/"):
		return []string{imagepath.Abs(r.Dir, name)}
	}
	var out []string
	for _, dir := range r.End.SearchPath() {
		out = append(out, path.Join(dir, name))
	}
	return append(out, imagepath.Abs(r.Dir, name))
}

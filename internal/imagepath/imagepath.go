// Package imagepath says things about paths in an image by their names alone: how they lie to
// each other, which are the system's, and which may stand in a command.
package imagepath

import (
	"path"
	"regexp"
	"strings"
)

// Abs returns the absolute form of a path named at a moment with that workdir.
func Abs(workdir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(workdir, p)
}

// Below reports whether p is dir or lies in it.
func Below(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// MaxPath is Linux's PATH_MAX.
const MaxPath = 4096

// Safe is what a path from an image may look like to be written into a
// shell command; find takes none of these characters for a pattern.
var Safe = regexp.MustCompile(`^[A-Za-z0-9_./@+:,=-]+$`)

// InContext returns a source of COPY as a path of the build context.
func InContext(src string) string {
	if p := strings.TrimPrefix(path.Clean("/"+src), "/"); p != "" {
		return p
	}
	return "."
}

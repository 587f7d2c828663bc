package imagepath

import (
	"path"
	"strings"
)

// Covers returns a test for the paths that a pattern of the shell names, and those below
// them.
func Covers(pattern string) func(string) bool {
	special := strings.IndexAny(pattern, "*?[")
	if special < 0 {
		return func(p string) bool { return Below(p, pattern) }
	}
	fixed, parts := pattern[:special], strings.Count(pattern, "/")
	return func(p string) bool {
		if !strings.HasPrefix(p, fixed) {
			return false
		}
		head, ok := FirstParts(p, parts)
		if !ok || strings.HasPrefix(path.Base(head), ".") && !strings.HasPrefix(path.Base(pattern), ".") {
			return false // a * leaves out what is hidden
		}
		match, err := path.Match(pattern, head)
		return match && err == nil
	}
}

// FirstParts returns the first n parts of an absolute path, and whether there are as many.
func FirstParts(p string, n int) (string, bool) {
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		if n--; n == 0 {
			return p[:i], true
		}
	}
	return p, n == 1 && p != "/"
}

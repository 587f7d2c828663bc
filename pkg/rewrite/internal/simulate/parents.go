package simulate

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// withParents returns where COPY --parents puts a source, below the destination: its whole
// path, or what stands behind a pivot /./ (Docker reference, COPY --parents).
func withParents(src string) (pivot, rest string) {
	pivot, rest, found := strings.Cut(src, "/./")
	if !found {
		pivot, rest = ".", src
	}
	return imagepath.InContext(pivot), imagepath.InContext(rest)
}

// ParentsSource returns the path in the build context of a file that COPY --parents brings, ""
// where no source of it does.
func (c Copy) ParentsSource(name string) string {
	rel, ok := strings.CutPrefix(name, strings.TrimSuffix(path.Clean(c.Dest), "/")+"/")
	if !ok {
		return ""
	}
	for _, src := range c.Sources {
		if pivot, pattern := withParents(src); reaches(pattern, rel) {
			return path.Join(pivot, rel)
		}
	}
	return ""
}

// maxSegments bounds the paths that are compared with patterns.
const maxSegments = 64

// reaches reports whether a pattern of COPY means a file, or a directory that it lies in; a
// ** stands for any number of directories (Docker reference, COPY --parents).
func reaches(pattern, file string) bool {
	parts, names := strings.Split(pattern, "/"), strings.Split(file, "/")
	if pattern == "." {
		return true
	}
	if len(parts) > maxSegments || len(names) > maxSegments {
		return false
	}
	at := make([]bool, len(names)+1) // how many names the parts so far may stand for
	at[0] = true
	for _, part := range parts {
		next := make([]bool, len(names)+1)
		any := false
		for i := range at {
			if part == "**" {
				any = any || at[i]
				next[i] = any
			} else if at[i] && i < len(names) {
				next[i+1], _ = path.Match(part, names[i])
			}
		}
		at = next
	}
	for _, reached := range at[1:] {
		if reached {
			return true
		}
	}
	return false
}

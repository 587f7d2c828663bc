package content

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// Bounds for finding a file of another stage: through how many stages it is followed, and how
// many copies of each are asked.
const (
	maxThrough = 3
	maxAsked   = 50
)

// A StageTree is what a stage has of the build context, by the paths that it has there.
type StageTree struct {
	*Image
	Stage  *dockerfile.Stage
	Mounts map[string]string // directories of the build context that a step mounts, by where
}

// Source returns the file or directory of the build context that lies at a path of the stage,
// "" for none.
func (t StageTree) Source(name string) string {
	for _, at := range slices.Backward(slices.Sorted(maps.Keys(t.Mounts))) { // the inner one of two first
		if !imagepath.Below(name, at) {
			continue
		}
		if src, ok := t.stat(path.Join(t.Mounts[at], strings.TrimPrefix(name, at))); ok {
			return src
		}
	}
	return t.locate(t.Stage, name, 0)
}

func (t StageTree) locate(st *dockerfile.Stage, name string, depth int) string {
	copies := t.EndOf(st).Copies
	for _, c := range slices.Backward(copies[max(0, len(copies)-maxAsked):]) {
		if c.Opaque || c.Parents || !imagepath.Below(name, path.Clean(c.Dest)) {
			continue
		}
		if found := t.throughCopy(st, c, name, depth); found != "" {
			return found
		}
	}
	return ""
}

// throughCopy returns where a copy has a path from.
func (t StageTree) throughCopy(st *dockerfile.Stage, c simulate.Copy, name string, depth int) string {
	rel := strings.TrimPrefix(name, path.Clean(c.Dest))
	if c.From == "" {
		for _, src := range t.Sources(c) {
			for _, at := range []string{src, path.Join(src, rel)} {
				if found, ok := t.stat(at); ok && (at != src || c.Target(src) == name || rel == "") {
					return found
				}
			}
		}
		return ""
	}
	from := t.Doc.CopyFrom(c.By.Stage, c.From)
	if from == nil || from.Index >= st.Index || depth >= maxThrough {
		return ""
	}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		if c.Target(src) == name {
			if found := t.locate(from, src, depth+1); found != "" {
				return found
			}
		}
		if found := t.locate(from, path.Join(src, rel), depth+1); found != "" {
			return found
		}
	}
	return ""
}

// stat returns a path of the build context, where it is there.
func (t StageTree) stat(name string) (string, bool) {
	if t.Context == nil || !fs.ValidPath(name) {
		return "", false
	}
	_, err := fs.Stat(t.Context, name)
	return name, err == nil
}

// Files returns the names of the files in a directory of the stage.
func (t StageTree) Files(dir string) (out []string) {
	src := t.Source(dir)
	if src == "" {
		return nil
	}
	entries, err := fs.ReadDir(t.Context, src)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// Dirs returns the names of the directories in one of the stage.
func (t StageTree) Dirs(dir string) (out []string) {
	src := t.Source(dir)
	if src == "" {
		return nil
	}
	entries, err := fs.ReadDir(t.Context, src)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// Read returns the text of a file of the stage.
func (t StageTree) Read(name string) (string, bool) {
	src := t.Source(name)
	if src == "" {
		return "", false
	}
	return t.ContextFile(src)
}

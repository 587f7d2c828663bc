package siblings

import (
	"path/filepath"
	"strings"
)

// isAction reports whether a file name is that of a GitHub Action's metadata.
func isAction(name string) bool { return name == "action.yml" || name == "action.yaml" }

// action reads the metadata of a GitHub Action. One that runs in a container
// of its own names the Dockerfile, relative to itself (docs.github.com,
// Metadata syntax, runs.image).
func (r *reader) action(f File, src []byte) error {
	doc, err := parseYAML(src)
	if err != nil {
		return err
	}
	runs := doc.get("runs")
	image, _ := runs.get("image").scalar()
	using, _ := runs.get("using").scalar()
	if using != "docker" || image == "" || strings.HasPrefix(image, "docker://") {
		return nil
	}
	dir := filepath.Dir(f.Abs)
	r.add(&Build{File: f.Path, Line: runs.line(), Dockerfile: resolve(dir, image), Context: filepath.Dir(resolve(dir, image)), Action: true})
	return nil
}

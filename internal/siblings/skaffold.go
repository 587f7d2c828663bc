package siblings

import (
	"path/filepath"
	"strings"
)

// A Sync is a place in a container that a tool for developers copies changed files to, as the
// user of the container.
type Sync struct {
	File   string
	Line   int
	Tool   string
	Target string // relative to the working directory of the image, where it is not absolute; "" is where the Dockerfile copies to
}

// isSkaffold reports whether a file name is that of Skaffold's configuration.
func isSkaffold(name string) bool {
	stem, yml := strings.CutSuffix(name, ".yaml")
	if !yml {
		stem, yml = strings.CutSuffix(name, ".yml")
	}
	return yml && strings.HasPrefix(stem, "skaffold")
}

// skaffold reads where skaffold dev copies changed files to, in the images that it builds of
// Dockerfiles (skaffold.dev/docs/filesync). The file may be one of several in a row or a
// template: what is not understood says nothing.
func (r *reader) skaffold(f File, src []byte) error {
	doc, err := parseYAML(src)
	if err != nil {
		return nil //nolint:nilerr // the Dockerfile is hardened without it
	}
	r.artifacts(f, doc.get("build").get("artifacts"))
	for _, profile := range doc.get("profiles").list() {
		r.artifacts(f, profile.get("build").get("artifacts"))
	}
	return nil
}

// artifacts notes what is synced into the images of a list of artifacts.
func (r *reader) artifacts(f File, list node) {
	for _, a := range list.list() {
		sync := a.get("sync")
		if sync.n == nil || a.get("jib").n != nil || a.get("ko").n != nil || a.get("buildpacks").n != nil || a.get("bazel").n != nil {
			continue
		}
		dir := resolve(filepath.Dir(f.Abs), a.get("context").text())
		name := a.get("docker").get("dockerfile").text()
		if name == "" {
			name = "Dockerfile"
		}
		dockerfile := filepath.Clean(resolve(dir, name))
		for _, m := range sync.get("manual").list() {
			r.sync(dockerfile, Sync{File: f.Path, Line: m.line(), Tool: "skaffold dev", Target: m.get("dest").text()})
		}
		if infer := sync.get("infer"); len(infer.list()) > 0 {
			r.sync(dockerfile, Sync{File: f.Path, Line: infer.line(), Tool: "skaffold dev"})
		}
	}
}

// maxSyncs bounds how many are kept of one Dockerfile.
const maxSyncs = 50

func (r *reader) sync(dockerfile string, s Sync) {
	if len(r.repo.syncs[dockerfile]) < maxSyncs {
		r.repo.syncs[dockerfile] = append(r.repo.syncs[dockerfile], s)
	}
}

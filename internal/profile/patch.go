package profile

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Patch is a Compose file or manifest with the profile merged in.
type Patch struct {
	Output []byte
	Target string // what was patched, "service web"
	Notes  []Note // what the owner should know, in the order of the lines
}

// A Note is about one line of the file: a setting that was left as it is
// although it says something else than the profile.
type Note struct {
	Line int // 0 when no line is to blame
	Text string
}

// Where says which of the services or containers of a file is meant.
type Where struct {
	File       string // path of the file, absolute
	Dockerfile string // absolute; the service that builds it is meant
	Target     string // stage that is built, "" for the last
	Name       string // service or container, "" to go by the Dockerfile
	Image      string // image the container runs, "" when not known
	Only       bool   // there is no other Dockerfile that it could belong to
}

// ErrNoMatch is wrapped by the error that says that a file has nothing that
// belongs to the Dockerfile.
var ErrNoMatch = errors.New("nothing in it belongs to the Dockerfile")

// Apply merges the profile into the Compose file or the Kubernetes manifest
// src. What the owner has set stays: Notes say where it differs.
func (p *Profile) Apply(src []byte, where Where) (*Patch, error) {
	f, err := parseYAML(src)
	if err != nil {
		return nil, err
	}
	if services := f.services(); services != nil {
		return p.patchCompose(f, services, where)
	}
	if pods := f.pods(); len(pods) > 0 {
		return p.patchPods(f, pods, where)
	}
	if bytes.Contains(src, []byte("{{")) {
		return nil, badYAML(src, errors.New("it has {{ }} in it"))
	}
	return nil, errors.New("it is neither a Compose file (services:) nor a Kubernetes manifest of a Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob")
}

// A patcher merges the profile into one place of a file.
type patcher struct {
	*Profile
	f     *yamlFile
	notes []Note
}

func (p *patcher) note(n *yaml.Node, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	p.notes = append(p.notes, Note{line, oneLine(fmt.Sprintf(format, args...))})
}

// finish makes the edits.
func (p *patcher) finish(target string) (*Patch, error) {
	out, err := p.f.apply()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; take the settings from harden runtime by hand", oneLine(target), err)
	}
	slices.SortStableFunc(p.notes, func(a, b Note) int { return a.Line - b.Line })
	return &Patch{Output: out, Target: oneLine(target), Notes: p.notes}, nil
}

// grow adds items to a list of the owner's, unless it cannot.
func (p *patcher) grow(m *yaml.Node, key string, items ...value) {
	if len(items) == 0 || !p.canGrow(m, key, items...) {
		return
	}
	if own := lookup(m, key); own != nil {
		p.f.appendTo(own, items...)
		return
	}
	p.f.add(m, entry(key, list(items...)))
}

// canGrow reports whether items can be added to a list, and notes why not: one
// that comes from elsewhere is not to be changed here.
func (p *patcher) canGrow(m *yaml.Node, key string, items ...value) bool {
	k, own := pair(m, key)
	switch {
	case len(items) == 0:
	case own == nil && inherited(m, key) != nil:
		p.note(m, "%s comes from a merge key (<<); add %s there", key, strings.Join(texts(items), ", "))
		return false
	case own != nil && (own.Kind == yaml.AliasNode || p.f.shared(own)):
		p.note(k, "%s is shared through an anchor; add %s there", key, strings.Join(texts(items), ", "))
		return false
	}
	return true
}

func texts(items []value) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.line(true))
	}
	return out
}

// names lists candidates for an error message.
func names(all []string) string {
	const most = 12
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}

// sameImage reports whether two references name one repository.
func sameImage(a, b string) bool { return a != "" && repository(a) == repository(b) }

func repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/")
}

// imageNames are what people call the image of a Dockerfile: after its
// directory, and after what its own name says (web.Dockerfile, Dockerfile.web).
func imageNames(dockerfile string) []string {
	base := strings.ToLower(filepath.Base(dockerfile))
	out := []string{strings.ToLower(filepath.Base(filepath.Dir(dockerfile)))}
	for _, s := range []string{strings.TrimSuffix(base, ".dockerfile"), strings.TrimPrefix(base, "dockerfile.")} {
		if s != base {
			out = append(out, s)
		}
	}
	return out
}

// namedAfter reports whether an image is named after the Dockerfile.
func namedAfter(image, dockerfile string) bool {
	return image != "" && slices.Contains(imageNames(dockerfile), path.Base(repository(image)))
}

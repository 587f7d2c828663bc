package siblings

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Shown is a Dockerfile in a README that is FROM an image: whoever reads it builds on
// that image.
type Shown struct {
	File string
	Line int

	image string
}

// fromLine matches a FROM as a README shows it. A stage with a name is more often one that
// files are taken from.
var fromLine = regexp.MustCompile(`^[ \t>]*FROM[ \t]+(?:--platform=\S+[ \t]+)?([a-z0-9][\w./:@-]*)[ \t]*$`)

// shown remembers which images the Dockerfiles in a README are FROM.
func (r *reader) shown(f File, text string) {
	dir := aboutDir(f)
	number := 0
	for line := range strings.Lines(text) {
		number++
		m := fromLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || len(r.repo.shown[dir]) >= maxExamples {
			continue
		}
		s := Shown{File: f.Path, Line: number, image: strings.Clone(m[1])}
		if !slices.ContainsFunc(r.repo.shown[dir], func(other Shown) bool { return other.image == s.image }) {
			r.repo.shown[dir] = append(r.repo.shown[dir], s)
		}
	}
}

// shownAsBase returns where a README, beside a Dockerfile or above it, shows how to build on
// its image, which nobody else makes.
func (r *Repository) shownAsBase(dockerfile string) (Shown, bool) {
	seen := 0
	for dir := range upwards(dockerfile) {
		for _, s := range r.shown[dir] {
			if seen++; seen > maxExamples {
				return Shown{}, false
			}
			repo := repository(s.image)
			own := strings.Contains(repo, "/") || len(r.sharers[repo]) > 0
			if own && !r.isFrom(dockerfile, repo) && (r.isNamed(dockerfile, s.image) || r.pushedAs(dockerfile, repo)) {
				return s, true
			}
		}
	}
	return Shown{}, false
}

// A family are the Dockerfiles that one build makes the variants of an image of, by a name
// that only the build knows.
type family struct{ pattern, repository string }

// filledIn matches what a workflow fills in.
var filledIn = regexp.MustCompile(`\$\{\{[^{}]*\}\}`)

// anyOf replaces what a workflow fills in, and does not say itself, by a star.
func anyOf(text string, env map[string]string) string {
	return filledIn.ReplaceAllStringFunc(text, func(m string) string {
		if value, known := inWorkflow(m, env); known {
			return value
		}
		return "*"
	})
}

// pushedFamily learns from a docker/build-push-action whose Dockerfile depends on what only
// the workflow knows. The paths are relative to the root of the repository.
func (r *reader) pushedFamily(root string, with node, env map[string]string) {
	file, _ := with.get("file").scalar()
	tags, _ := with.get("tags").scalar()
	if strings.ContainsAny(file, "*?[\\") || !strings.Contains(anyOf(file, env), "*") {
		return
	}
	pattern := filepath.Join(root, filepath.FromSlash(anyOf(file, env)))
	for line := range strings.Lines(tags) {
		image, _, _ := strings.Cut(anyOf(strings.TrimSpace(line), env), ":*")
		f := family{pattern, repository(image)}
		if isImage(image) && strings.Contains(image, "/") && len(r.repo.families) < maxNames && !slices.Contains(r.repo.families, f) {
			r.repo.families = append(r.repo.families, f)
		}
	}
}

// pushedAs reports whether a build of a family makes images of a repository of a Dockerfile.
func (r *Repository) pushedAs(dockerfile, repo string) bool {
	return slices.ContainsFunc(r.families, func(f family) bool {
		ok, _ := filepath.Match(f.pattern, dockerfile)
		return ok && f.repository == repo
	})
}

// officialScript is what makes the entry of an official image in Docker's library: all
// Dockerfiles below it are published there, for everybody to build on.
const officialScript = "generate-stackbrew-library.sh"

// official returns the script that publishes a Dockerfile as an official image, "" when none
// does.
func (r *Repository) official(dockerfile string) string {
	for dir := range upwards(dockerfile) {
		if script := r.libraries[dir]; script != "" {
			return script
		}
	}
	return ""
}

package siblings

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A generator is a script that fills a template in, and so makes Dockerfiles.
type generator struct {
	script   string // as reports show it
	template string // absolute
}

// dockerfileTemplate matches how scripts name the template of Dockerfiles.
var dockerfileTemplate = regexp.MustCompile(`[A-Za-z0-9_./-]*Dockerfile[A-Za-z0-9_-]*[.](?:template|tmpl|tpl|in|j2|jinja2?|erb|m4|mustache)\b`)

// generator remembers that a script names templates of Dockerfiles that are there.
func (r *reader) generator(f File, text string) {
	dir := filepath.Dir(f.Abs)
	for _, name := range dockerfileTemplate.FindAllString(text, maxCommands) {
		template := filepath.Join(dir, filepath.FromSlash(name))
		if !isFile(template) {
			template = filepath.Join(dir, path.Base(name))
		}
		known := slices.ContainsFunc(r.repo.generators[dir], func(g generator) bool { return g.template == template })
		if !known && len(r.repo.generators[dir]) < maxExamples && isFile(template) {
			r.repo.generators[dir] = append(r.repo.generators[dir], generator{f.Path, template})
		}
	}
}

// generatedFrom returns the template and the script that make a Dockerfile, "" for one that
// nothing is seen to make: the script stands beside it or above it, and most lines of the
// template are in the file.
func (r *Repository) generatedFrom(dockerfile string) (template, script string) {
	levels := 0
	for dir := range upwards(dockerfile) {
		for _, g := range r.generators[dir] {
			if g.template != dockerfile && alike(g.template, dockerfile) {
				return path.Join(path.Dir(g.script), filepath.ToSlash(relative(dir, g.template))), g.script
			}
		}
		if levels++; levels > maxAbove {
			break
		}
	}
	return "", ""
}

func relative(dir, file string) string {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		return filepath.Base(file)
	}
	return rel
}

// alike reports whether two of three lines of a template stand in a file as they are.
func alike(template, file string) bool {
	lines := map[string]bool{}
	for line := range strings.Lines(readBounded(file)) {
		lines[strings.TrimSpace(line)] = true
	}
	same, all := 0, 0
	for line := range strings.Lines(readBounded(template)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		all++
		if lines[line] {
			same++
		}
	}
	return all > 0 && 3*same >= 2*all
}

// readBounded returns the text of a file as far as one of ours would go.
func readBounded(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // nothing is written
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return ""
	}
	return string(text)
}

package rewrite

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// Bounds for a makefile that was written to use up time or memory.
const (
	maxMakeDepth = 8
	maxMakeValue = 1 << 10
	maxMakeWords = 2000
	maxMakeUses  = 20000
)

var (
	makeVariable = regexp.MustCompile(`(?m)^ *(?:export +|override +)*([A-Za-z_][\w.-]*)[ \t]*(?:\?|::?)?=[ \t]*([^\n]*?)[ \t\r]*$`)
	makeRecipe   = regexp.MustCompile(`(?m)^\t[ \t@+-]*([^\n]+)$`)
	makeUse      = regexp.MustCompile(`\$[({]([\w.-]+)[)}]`)
	makeContinue = regexp.MustCompile(`[ \t]*\\\r?\n[ \t]*`)
	// makesDirsOption matches the option of install(1) for directories.
	makesDirsOption = regexp.MustCompile(`^(?:-[a-zA-Z]*d[a-zA-Z0-9]*|--directory)$`)
)

// A makefile is the variables and the commands of one, as far as they are plain.
type makefile struct {
	values  map[string]string
	recipes []string
	left    int // how many variables may still be looked up
}

// readMakefile reads a makefile, in which what its caller sets counts more than its own values.
func readMakefile(text string, set map[string]string) *makefile {
	text = makeContinue.ReplaceAllString(text, " ")
	m := &makefile{values: map[string]string{}, left: maxMakeUses}
	for _, v := range makeVariable.FindAllStringSubmatch(text, maxMakeWords) {
		if !strings.Contains(v[2], "@") { // which configure puts in
			m.values[v[1]] = v[2]
		}
	}
	for name, value := range set {
		m.values[name] = value
	}
	for _, r := range makeRecipe.FindAllStringSubmatch(text, maxMakeWords) {
		m.recipes = append(m.recipes, r[1])
	}
	return m
}

// expand puts in the values of variables. One that is not known leaves a $, by which its word
// is told.
func (m *makefile) expand(text string, depth int) string {
	return makeUse.ReplaceAllStringFunc(text, func(use string) string {
		value, ok := m.values[use[2:len(use)-1]]
		if m.left--; !ok || depth >= maxMakeDepth || m.left < 0 {
			return "$"
		}
		if value = m.expand(value, depth+1); len(value) > maxMakeValue {
			return "$"
		}
		return value
	})
}

// madeDirs returns the directories that the recipes make by absolute paths.
func (m *makefile) madeDirs() (out []string) {
	for _, recipe := range m.recipes {
		if len(recipe) > maxMakeValue {
			continue
		}
		for command := range strings.FieldsFuncSeq(m.expand(recipe, 0), func(r rune) bool { return r == ';' || r == '&' || r == '|' }) {
			out = append(out, dirsOf(strings.Fields(command))...)
		}
	}
	return out
}

// dirsOf returns the directories that a command makes.
func dirsOf(words []string) (out []string) {
	if len(words) == 0 {
		return nil
	}
	makes := path.Base(words[0]) == "mkdir"
	for _, w := range words[1:] {
		w = strings.Trim(w, `"'`)
		makes = makes || path.Base(words[0]) == "install" && makesDirsOption.MatchString(w)
		if path.IsAbs(w) && imagepath.Safe.MatchString(w) {
			out = append(out, path.Clean(w))
		}
	}
	if !makes || len(out) > content.MaxSettings {
		return nil
	}
	return out
}

// stateRoots returns the directories that variables of the makefile name for state, below
// the one that everything is installed into.
func (m *makefile) stateRoots(destdir string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(m.values)) {
		if !stateVariable.MatchString(name) {
			continue
		}
		if root := path.Clean(m.expand("$("+name+")", 0)); path.IsAbs(root) && !imagepath.Standard[root] {
			out = append(out, path.Join("/", destdir, root))
		}
	}
	return out
}

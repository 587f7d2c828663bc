package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var (
	// spelledPath is an absolute path with plain variables in it.
	spelledPath = regexp.MustCompile(`^/[A-Za-z0-9_./+-]*\$[A-Za-z0-9_./+${}-]*$`)
	plainValue  = regexp.MustCompile(`^[A-Za-z_.+-]*[0-9][A-Za-z0-9_.+-]*$`) // a version has a digit
)

// A spelling is how an instruction of the file writes a path.
type spelling struct{ word, path string }

// spell returns the paths that WORKDIR, VOLUME or ENV of the file spell with variables, as
// they do, and the last instruction that sets one of these: a literal would be wrong after
// the next version.
func (p *Pass) spell(set []writePath) (spelled map[string]string, by *dockerfile.Instruction) {
	spelled = map[string]string{}
	for _, w := range set {
		for _, s := range p.spellings() {
			if !imagepath.Below(w.path, s.path) {
				continue
			}
			if last, ok := p.setOnce(s.word); ok {
				spelled[w.path] = s.word + strings.TrimPrefix(w.path, s.path)
				by = p.later(by, last)
				break
			}
		}
	}
	return spelled, by
}

// spellOne spells a path for a step that stands behind everything that sets a variable.
func (p *Pass) spellOne(name string) string {
	spelled, by := p.spell([]writePath{{path: name}})
	if word := spelled[name]; word != "" && p.later(p.lastFiles(), by) == p.lastFiles() {
		return word
	}
	return name
}

// spellings returns the paths with variables of the stage, the longest first.
func (p *Pass) spellings() []spelling {
	if p.memo.spelled {
		return p.memo.spellings
	}
	var out []spelling
	for _, in := range p.Stage.Instructions {
		var words []string
		switch in.Keyword {
		case "WORKDIR", "VOLUME":
			words = in.Args
		case "ENV":
			for _, kv := range in.KeyValues() {
				words = append(words, strings.Trim(kv.Value, `"'`))
			}
		}
		for _, w := range words {
			if len(w) > maxSpelled || !spelledPath.MatchString(w) || strings.ContainsAny(simulate.PlainVariable.ReplaceAllString(w, ""), "${}") {
				continue
			}
			if value, missing, err := p.End.Before[in].Env.Expand(w); err == nil && len(missing) == 0 && path.Clean(value) == value && imagepath.Safe.MatchString(value) {
				out = append(out, spelling{path.Clean(w), value})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b spelling) int { return len(b.path) - len(a.path) })
	p.memo.spellings, p.memo.spelled = out, true
	return out
}

// maxSpelled is more than any such path takes.
const maxSpelled = 1024

// setOnce reports whether the stage sets each variable of a word once, to a version and
// before any VOLUME, behind which nothing changes owner, and returns the last that does.
func (p *Pass) setOnce(word string) (last *dockerfile.Instruction, ok bool) {
	for _, m := range simulate.PlainVariable.FindAllStringSubmatch(word, -1) {
		name, setters, volume := m[1]+m[2], 0, false
		for _, in := range p.Stage.Instructions {
			volume = volume || in.Keyword == "VOLUME"
			if (in.Keyword == "ENV" || in.Keyword == "ARG") && slices.ContainsFunc(in.KeyValues(), func(kv dockerfile.KeyValue) bool { return kv.Key == name }) {
				if setters++; volume {
					return nil, false
				}
				last = p.later(last, in)
			}
		}
		if value, known := p.End.Env.Get(name); setters != 1 || !known || !plainValue.MatchString(value) {
			return nil, false
		}
	}
	return last, last != nil
}

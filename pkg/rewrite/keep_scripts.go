package rewrite

import (
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// Bounds on what is read of the scripts that a file brings along.
const (
	maxScripts     = 32
	maxScriptsText = content.MaxText
)

// callsSudo matches a script that calls sudo, other than to install it.
var callsSudo = regexp.MustCompile(`(?m)(^|[;&|(]|\bthen\b|\bdo\b|\bexec\b)\s*sudo\s+[^-\s|&;]`)

// scriptsText is the text, in lower case, of the shell scripts in the build context that
// the file copies or a step runs: what they install and call counts as the file's own,
// also where nobody can tell who starts them.
func (p *Pass) scriptsText() string {
	if p.memo.scripted {
		return p.memo.scripts
	}
	p.memo.scripted = true
	if p.Context == nil {
		return ""
	}
	var b strings.Builder
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] || len(seen) >= maxScripts || b.Len() > maxScriptsText {
			return
		}
		seen[name] = true
		if text, ok := p.FileOf(p.End.Resolve(name)); ok {
			b.WriteByte('\n')
			b.WriteString(strings.ToLower(text))
		}
	}
	for _, c := range p.End.Copies {
		for _, src := range c.Sources {
			if c.From == "" && !c.Opaque && isShellScript(src) {
				add(c.Target(src))
			}
		}
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && strings.Contains(in.Original, "sh") {
				for _, w := range strings.FieldsFunc(in.Original, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()\"'", r) }) {
					if v, missing, err := p.End.Before[in].Env.Expand(w); isShellScript(w) && err == nil && len(missing) == 0 {
						add(imagepath.Abs(p.End.Before[in].Workdir, v))
					}
				}
			}
		}
	}
	p.memo.scripts = b.String()
	return p.memo.scripts
}

func isShellScript(name string) bool {
	return strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash")
}

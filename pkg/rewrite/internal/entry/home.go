package entry

import (
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// noteHome remembers a script that writes below the home of whoever runs it: ~ or $HOME, in a
// redirection or as what a command makes.
func (r *Reader) noteHome(c dockerfile.Command, name, where string, ctx reach) {
	if r.e.InHome != "" || ctx.guarded || name == "rm" || name == "chmod" || r.BaseScript(where) {
		return
	}
	var words []string
	for _, red := range c.Redirects {
		if shellcmd.WritesFile(red) {
			words = append(words, red.Target.Value)
		}
	}
	if w, ok := shellcmd.Writers[name]; ok {
		words = append(words, w.Targets(c.Args, name)...)
	}
	for _, w := range words {
		w = strings.Trim(w, `"`)
		for _, home := range []string{"~", "$HOME", "${HOME}"} {
			if w == home || strings.HasPrefix(w, home+"/") {
				r.e.InHome = where
				return
			}
		}
	}
}

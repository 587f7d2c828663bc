package entry

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// heredocVariable is a variable in the text of a heredoc, with its default.
var heredocVariable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^{}$]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// prints notes the text that a script puts into a file when the image starts, as far as
// its variables are known: settings of the program that it starts then.
func (r *Reader) prints(c dockerfile.Command, name string) {
	text, ok := heredocOf(c)
	if !ok || name != "cat" && name != "tee" || len(text) > content.MaxText || len(r.e.Texts) >= maxGenerated {
		return
	}
	for _, w := range r.writes(c, name) {
		if w.file && path.IsAbs(w.path) {
			r.printed(w.path, r.filledIn(text), appends(c))
		}
	}
}

// maxGenerated bounds how many files with their texts are remembered.
const maxGenerated = 50

func (r *Reader) printed(file, text string, appends bool) {
	if r.e.Texts == nil {
		r.e.Texts = map[string]string{}
	}
	if before := r.e.Texts[file]; appends && len(before)+len(text) <= content.MaxText {
		text = before + text
	}
	r.e.Texts[file] = text
}

// heredocOf returns the heredoc that a command reads.
func heredocOf(c dockerfile.Command) (string, bool) {
	for _, red := range c.Redirects {
		if red.Op == "<<" || red.Op == "<<-" {
			return red.Body, true
		}
	}
	return "", false
}

// appends reports whether a command adds to what is in the file.
func appends(c dockerfile.Command) bool {
	for _, red := range c.Redirects {
		if shellcmd.WritesFile(red) && strings.HasSuffix(red.Op, ">>") {
			return true
		}
	}
	o, _ := shellcmd.Split(c.Args, nil)
	return path.Base(c.Name) == "tee" && (o.Has("-a") || o.Has("--append"))
}

// filledIn returns a heredoc with the values of the variables that are known; the others stay
// as they are.
func (r *Reader) filledIn(text string) string {
	env := r.env()
	return heredocVariable.ReplaceAllStringFunc(text, func(word string) string {
		m := heredocVariable.FindStringSubmatch(word)
		name := m[1] + m[3]
		value, set := env.Get(name)
		switch {
		case r.vars.unknown[name] || name == "HOME" && !set:
			return word
		case set && value != "":
			return value
		case m[2] != "":
			return m[2]
		}
		return word
	})
}

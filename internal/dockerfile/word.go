package dockerfile

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Word is one argument of a command.
type Word struct {
	Value    string // without quotes; the source text if it is not static
	Static   bool   // no expansions inside; patterns such as *.txt and ~ count as static
	Pos, End int    // offsets in the text of the script
}

// word evaluates a shell word as far as its text alone tells.
func (w *walker) word(sw *syntax.Word) Word {
	start, end := int(sw.Pos().Offset()), int(sw.End().Offset())
	out := Word{Pos: w.pos(start), End: w.pos(end)}
	var b strings.Builder
	if out.Static = literal(&b, sw.Parts, false); out.Static {
		out.Value = b.String()
	} else {
		out.Value = w.source(start, end)
	}
	return out
}

// literal writes the value of the parts to b, and reports whether they have
// one without running anything.
func literal(b *strings.Builder, parts []syntax.WordPart, quoted bool) bool {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			unescape(b, p.Value, quoted)
		case *syntax.SglQuoted:
			if p.Dollar && strings.Contains(p.Value, `\`) {
				return false
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			if !literal(b, p.Parts, true) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// unescape removes the backslashes of a literal. Within double quotes they
// only count before $ ` " \ and a line ending.
func unescape(b *strings.Builder, s string, quoted bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (!quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
}

// baseName returns the name of a program without its directory.
func baseName(s string) string {
	if base := path.Base(s); strings.Contains(s, "/") && base != "/" && base != "." {
		return base
	}
	return s
}

// located returns the program that a word such as $(which chmod) or
// `command -v chmod` stands for, or "".
func (w *walker) located(sw *syntax.Word) string {
	parts := sw.Parts
	if len(parts) == 1 {
		if q, ok := parts[0].(*syntax.DblQuoted); ok {
			parts = q.Parts
		}
	}
	if len(parts) != 1 {
		return ""
	}
	subst, ok := parts[0].(*syntax.CmdSubst)
	if !ok || len(subst.Stmts) != 1 {
		return ""
	}
	call, ok := subst.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) < 2 {
		return ""
	}
	var words []string
	for _, a := range call.Args {
		v := w.word(a)
		if !v.Static {
			return ""
		}
		words = append(words, v.Value)
	}
	n := len(words) - 1
	switch strings.Join(words[:n], " ") {
	case "which", "command -v", "type -p", "type -P", "/usr/bin/which":
		return words[n]
	}
	return ""
}

package rewrite

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// generatedHeader is how people and tools mark files that a program writes.
var generatedHeader = regexp.MustCompile(`(?i)\bdo not (edit|modify|change)\b|\bauto-?(matically )?generated\b|\bgenerated (by|from|via|file)\b`)

// emphasis is what people make a word stand out with: DO *NOT* EDIT.
var emphasis = strings.NewReplacer("*", "", "_", "", "`", "")

// generated returns a warning where comments above the first instruction say that the
// file is written by a program: the patch would be gone the next time it runs.
func generated(doc *dockerfile.Document) string {
	for _, c := range doc.Comments {
		if len(doc.Instructions) > 0 && c.Line > doc.Instructions[0].Line {
			break
		}
		if generatedHeader.MatchString(emphasis.Replace(c.Text)) {
			return fmt.Sprintf("line %d says that this file is generated; make the change in what it is generated from", c.Line)
		}
	}
	return ""
}

// generated returns such a warning, or one where a script beside the file or above it makes
// it of a template.
func (p *Pass) generated() string {
	if g := generated(p.Doc); g != "" || p.opts.Siblings.Template == "" {
		return g
	}
	return fmt.Sprintf("%s makes this file from %s; make the change there", p.opts.Siblings.Generator, p.opts.Siblings.Template)
}

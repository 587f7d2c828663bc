package dockerfile

import (
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// detectSyntax returns the frontend that the file asks for. BuildKit also
// reads "// syntax=" and {"syntax": …} when it picks a frontend.
func detectSyntax(src []byte) string {
	text := bytes.TrimPrefix(src, []byte(utf8BOM))
	if len(text) == 0 || bytes.IndexByte([]byte("#/{"), text[0]) < 0 {
		return ""
	}
	syntax, _, _, _ := parser.DetectSyntax(src)
	return syntax
}

// markDirectives marks the comments at the top that BuildKit, or in the case
// of "#!" the kernel, reads. They must stay where they are.
func (d *Document) markDirectives() {
	var p parser.DirectiveParser
	afterShebang := parser.DirectiveParser{}
	shebang := false
	for i := range d.Comments {
		c := &d.Comments[i]
		if c.Line != i+1 || c.Inside {
			return
		}
		line := bytes.TrimSpace(d.Src[c.Span.Start:c.Span.End])
		if i == 0 && bytes.HasPrefix(line, []byte("#!")) {
			c.Directive, shebang = true, true
		}
		// After a "#!" line the parser takes no directives any more, but
		// DetectSyntax does.
		read := &p
		if shebang {
			if i == 0 {
				continue
			}
			read = &afterShebang
		}
		directive, err := read.ParseLine(line)
		if err != nil || directive == nil {
			return
		}
		c.Directive = true
	}
}

// ForeignSyntax reports whether "# syntax=" names a frontend other than
// Docker's own, so that the file may be something else than a Dockerfile.
func (d *Document) ForeignSyntax() bool { return foreignSyntax(d.Syntax) }

func foreignSyntax(syntax string) bool {
	if syntax == "" {
		return false
	}
	name, _, _ := strings.Cut(syntax, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	name = strings.TrimPrefix(name, "docker.io/")
	switch name {
	case "docker/dockerfile", "docker/dockerfile-upstream", "docker/dockerfile-experimental":
		return false
	}
	// A mirror of Docker's image has a path of its own in front.
	return !strings.HasSuffix(name, "/docker/dockerfile") && !strings.HasSuffix(name, "/docker/dockerfile-upstream")
}

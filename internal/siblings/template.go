package siblings

import "regexp"

var (
	// A statement of Jinja or of Go's templates leaves nothing in its place.
	templateStatement = regexp.MustCompile(`\{%[^%\n]*%\}|\{#[^\n]*?#\}|\{\{-?[ \t]*(?:if|else|end|range|with|define|template|include|block|/\*)\b[^\n]*?\}\}`)
	templateValue     = regexp.MustCompile(`\{\{[^\n]*?\}\}`)
)

// templateVariable stands for a value that a template fills in: it is not known, as a
// variable of the environment without a default is not.
const templateVariable = "${TEMPLATE}"

// withoutTemplate returns a text without the marks of a template that becomes the file
// only later. ok is false where there are none. Lines stay where they are.
func withoutTemplate(src []byte) (out []byte, ok bool) {
	out = templateStatement.ReplaceAll(src, nil)
	out = templateValue.ReplaceAllLiteral(out, []byte(templateVariable))
	return out, string(out) != string(src)
}

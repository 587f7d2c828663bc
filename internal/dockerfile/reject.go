package dockerfile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// What is said about files that are something else.
const (
	noFrom   = "not a Dockerfile: no FROM instruction"
	leaveOut = "leave this file out"
)

// checkText rejects what cannot be a Dockerfile before the parser sees it.
func checkText(src []byte) error {
	switch {
	case len(src) > MaxSize:
		return &Error{Line: 1, Msg: fmt.Sprintf("not a Dockerfile: %d bytes, more than the %d that are read", len(src), MaxSize), Hint: leaveOut}
	case bytes.HasPrefix(src, []byte("\x00\x05\x16\x07")):
		return &Error{Line: 1, Msg: "not a Dockerfile: an AppleDouble file, which macOS makes beside the real one", Hint: "delete it, or leave it out"}
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return &Error{Line: 1, Msg: "not a Dockerfile for BuildKit: UTF-16 text", Hint: "save it as UTF-8"}
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return &Error{Line: 1 + bytes.Count(src[:i], []byte{'\n'}), Msg: "not a Dockerfile: binary data (a NUL byte)", Hint: leaveOut}
	}
	return checkLoad(src)
}

// checkLoad rejects texts on which BuildKit's parser would take minutes or run
// out of stack. It calls itself for every ${ within a ${, copying what the
// inner one expands to, and for every ONBUILD within an ONBUILD.
func checkLoad(src []byte) error {
	const small = 32 << 10 // in which the worst case takes milliseconds
	if len(src) <= small {
		return nil
	}
	const maxCopied = 1 << 30
	if n := bytes.Count(src, []byte("${")); n*len(src) > maxCopied {
		return &Error{Line: 1, Msg: fmt.Sprintf("%d variables in %d bytes are more than can be expanded safely", n, len(src)), Hint: leaveOut}
	}
	const maxTriggers = 4096
	if n := len(onBuild.FindAllIndex(src, maxTriggers+1)); n > maxTriggers {
		return &Error{Line: 1, Msg: fmt.Sprintf("more than %d ONBUILD triggers", maxTriggers), Hint: leaveOut}
	}
	return nil
}

var onBuild = regexp.MustCompile(`(?i)onbuild`)

// A marker is the syntax of a template engine.
type marker struct {
	re   *regexp.Regexp
	what string
}

var (
	markers = []marker{
		{regexp.MustCompile(`\{\{.*\}\}|^\s*\{\{|^\s*\{%.*%\}`), "{{ }}"},
		{regexp.MustCompile(`<%.*%>|^\s*<%`), "<% %>"},
		{regexp.MustCompile(`%%[A-Za-z][A-Za-z0-9_.-]*%%`), "%%NAME%%"},
		{regexp.MustCompile(`@@?[A-Z][A-Z0-9_]*@@?`), "@NAME@"},
		{regexp.MustCompile(`(^|[\s/:=])%[A-Za-z][A-Za-z0-9_]*%`), "%NAME%"},
	}
	m4 = regexp.MustCompile(`^\s*(m4_\w+|s?include|define|ifdef|ifelse|changequote)\(|^\s*dnl\b`)
	// No blank after '#': "# if you need …" is English.
	preprocessor = regexp.MustCompile(`(?m)^[ \t]*#(include[ \t]*["<]|ifdef[ \t]|ifndef[ \t]|if[ \t(]|elif[ \t(]|else[ \t]*\r?$|endif\b|define[ \t]+[A-Za-z_])`)
)

func templateError(line int, what string) *Error {
	return &Error{Line: line, Msg: "not a Dockerfile but a template (" + what + ")", Hint: "run harden on the file that is generated from it"}
}

// markerIn returns the template syntax that text holds, or "".
func markerIn(text string) string {
	// The common case without running four expressions.
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") && !strings.Contains(text, "<%") &&
		!strings.Contains(text, "%") && !strings.Contains(text, "@") {
		return ""
	}
	for _, m := range markers {
		if m.re.MatchString(text) {
			return m.what
		}
	}
	return ""
}

// explain gives the reason behind an error of the parser if the file is a
// template, and otherwise returns the error as it is. A template seldom
// passes the parser; braces in a RUN alone are no sign of one, because
// commands take Go templates too.
func explain(src []byte, err *Error) error {
	starts := lineStarts(src)
	for i := 0; i+1 < len(starts); i++ {
		text := string(src[starts[i]:starts[i+1]])
		word := strings.ToUpper(strings.TrimSpace(text))
		if i+1 != err.Line && err.Msg != noFrom && !strings.HasPrefix(word, "FROM ") && !strings.HasPrefix(word, "{") && !strings.HasPrefix(word, "<%") {
			continue
		}
		if what := markerIn(text); what != "" {
			return templateError(i+1, what)
		}
		if i+1 == err.Line && m4.MatchString(text) {
			return templateError(i+1, "m4")
		}
	}
	if at := preprocessor.FindIndex(src); at != nil && bytes.Contains(src, []byte("#endif")) {
		return templateError(1+bytes.Count(src[:at[0]], []byte{'\n'}), "C preprocessor")
	}
	if syntax := detectSyntax(src); foreignSyntax(syntax) && err.Hint == "" {
		err.Hint = fmt.Sprintf("it asks for the frontend %q, which may read another language", printable(syntax))
	}
	return err
}

// checkTemplate rejects templates that happen to be valid Dockerfiles.
func checkTemplate(d *Document) error {
	for _, st := range d.Stages {
		if what := markerIn(st.From.Original); what != "" {
			return templateError(st.From.Line, what)
		}
	}
	for _, in := range d.GlobalArgs {
		for _, kv := range in.KeyValues() {
			if what := markerIn(kv.Value); what != "" && d.usedInFrom(kv.Key) {
				return templateError(in.Line, what)
			}
		}
	}
	if !sameNames(d.Stages) {
		return nil
	}
	// To BuildKit #if and #include are comments: one FROM for each case, all
	// with the same name.
	for _, c := range d.Comments {
		if preprocessor.Match(d.Src[c.Span.Start:c.Span.End]) {
			return templateError(c.Line, "C preprocessor")
		}
	}
	return nil
}

// usedInFrom reports whether a FROM line refers to the variable.
func (d *Document) usedInFrom(name string) bool {
	for _, st := range d.Stages {
		if usesVariable(st.BaseWord, name) {
			return true
		}
	}
	return false
}

// sameNames reports whether several stages have the same name.
func sameNames(stages []*Stage) bool {
	seen := make(map[string]bool, len(stages))
	for _, st := range stages {
		if st.Name != "" && seen[st.Name] {
			return true
		}
		seen[st.Name] = true
	}
	return false
}

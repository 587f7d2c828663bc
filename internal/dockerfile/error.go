package dockerfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// An Error says what is wrong in a Dockerfile, where, and what to do about it.
type Error struct {
	Line int // 1-based
	Msg  string
	Hint string
}

// Error returns the message and the hint; callers put file and line in front.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// internalError reports a difference between this package and the parser.
func internalError(n *parser.Node, what string) *Error {
	return &Error{
		Line: n.StartLine,
		Msg:  fmt.Sprintf("internal error: reading %s: %s", printable(n.Value), what),
		Hint: "please report this file as a bug",
	}
}

// buildKitError wraps an error of BuildKit about an instruction.
func buildKitError(in *Instruction, err error) *Error {
	e := &Error{Line: in.Line, Msg: printable(err.Error())}
	_, flag, missing := strings.Cut(e.Msg, "missing a value on flag: ")
	switch {
	case missing:
		e.Hint = "write " + flag + "=VALUE, without a blank"
	case strings.HasPrefix(in.Original, "<<<<<<<"), strings.HasPrefix(in.Original, "======="), strings.HasPrefix(in.Original, ">>>>>>>"):
		e.Msg, e.Hint = "merge conflict marker", "resolve the conflict"
	case strings.Contains(e.Msg, "unknown instruction") && strings.Contains(in.Keyword, "\u00a0"):
		e.Hint = "after the keyword stands a no-break space (U+00A0): write a blank"
	case strings.Contains(in.Original, "\r"):
		e.Hint = "lines that end in CR alone are one line to BuildKit: save the file with LF"
	}
	return e
}

// syntaxError wraps an error of parser.Parse, which stops at the first line it
// cannot read.
func syntaxError(src []byte, err error) *Error {
	e := &Error{Line: 1, Msg: printable(err.Error())}
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		e.Line = at.Locations[0][0].Start.Line
	}
	switch {
	case strings.Contains(e.Msg, "file with no instructions"):
		e.Line, e.Msg, e.Hint = 1, "not a Dockerfile: no instructions", leaveOut+", or add a FROM line"
	case strings.Contains(e.Msg, "line greater than max"), strings.Contains(e.Msg, "parser directive can be used"), strings.Contains(e.Msg, "invalid escape token"):
		e.Line++ // counted before the line is
	case strings.Contains(e.Msg, "unterminated heredoc"):
		e.Hint = "end it with a line that holds nothing but its name"
	}
	e.Line = min(max(e.Line, 1), len(lineStarts(src))-1)
	return e
}

// maxQuoted bounds what a message repeats of a file.
const maxQuoted = 200

// printable makes text from a file or an error fit for one line of a terminal.
func printable(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return '\ufffd'
		}
		return r
	}, s)
	if len(clean) <= maxQuoted {
		return clean
	}
	cut := maxQuoted
	for !utf8.RuneStart(clean[cut]) {
		cut--
	}
	return clean[:cut] + "…"
}

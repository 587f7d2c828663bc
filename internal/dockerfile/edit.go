package dockerfile

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/dockharden/harden/internal/diff"
)

// InsertAfter returns the edit that puts lines below the instruction. lines
// are physical lines without their end; they take the line ending and the
// indentation of the instruction.
//
// Below an instruction whose last line is an open continuation there is no
// place: what comes next would become part of it. The edit is then one that
// diff.Apply refuses. Ask Dangling first.
func (d *Document) InsertAfter(in *Instruction, lines ...string) diff.Edit {
	if d.Dangling(in) {
		return diff.Edit{Start: -1, End: -1, New: strings.Join(lines, "\n")}
	}
	end := d.trailingComments(in)
	at, last := d.starts[end], end-1
	eol := d.eol(last)
	text := d.layout(in, eol, lines)
	if at == len(d.Src) && !bytes.HasSuffix(d.Src, []byte("\n")) {
		// The file ends without a line ending, and goes on doing so.
		text = eol + strings.TrimSuffix(text, eol)
	}
	return diff.Edit{Start: at, End: at, New: text}
}

// trailingComments returns the last of the comment lines directly below an instruction
// that go on with it, as steps do that were commented out: indented further than it, or
// with an operator of the shell in front.
func (d *Document) trailingComments(in *Instruction) int {
	end := in.EndLine
	indent := len(d.blanks(in.Line - 1))
	for _, c := range d.Comments {
		if c.Line == end+1 && !c.Inside && (len(d.blanks(c.Line-1)) > indent || strings.HasPrefix(c.Text, "&&") || strings.HasPrefix(c.Text, "|")) {
			end = c.Line
		}
	}
	return end
}

// blanks returns the blanks that a line starts with.
func (d *Document) blanks(line int) []byte {
	start, end := d.line(line)
	text := d.Src[start:end]
	return text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
}

// InsertBefore returns the edit that puts lines above the instruction and the
// comments directly above it, which belong to it, but below the parser
// directives and "#!" at the top of the file. Comments that blank lines set apart on both
// sides introduce what follows, too.
func (d *Document) InsertBefore(in *Instruction, lines ...string) diff.Edit {
	first := d.commentBlock(in.Line)
	if first == in.Line && d.blankLine(first-1) {
		if above := d.commentBlock(first - 1); above < first-1 && d.blankLine(above-1) {
			first = above
		}
	}
	at, _ := d.line(first - 1)
	return diff.Edit{Start: at, End: at, New: d.layout(in, d.eol(in.Line-1), lines)}
}

// blankLine reports whether a line, counted from 1, is there and holds nothing.
func (d *Document) blankLine(line int) bool {
	if line < 1 {
		return false
	}
	start, end := d.line(line - 1)
	return len(bytes.TrimSpace(d.Src[start:end])) == 0
}

// pragma matches comments for tools: a word and a colon or an equals sign, or what linters
// and scanners call such a thing. To take prose for one does no harm.
var pragma = regexp.MustCompile(`(?i)^[\w.-]+[:=]|\b(ignore|disable|skip|allow)[a-z-]*[:=]|^(hadolint|checkov|trivy|kics|nosemgrep|tflint|tally|nosec|noqa|nolint|nosonar|skipcq|noinspection)\b`)

// InsertAbove returns the edit that puts lines directly above the instruction, below
// the comments that belong to it, but above those for tools: what they say counts for the
// next line.
func (d *Document) InsertAbove(in *Instruction, lines ...string) diff.Edit {
	first := in.Line
	for i := len(d.Comments) - 1; i >= 0; i-- {
		if c := d.Comments[i]; c.Line == first-1 && !c.Directive && !c.Inside && pragma.MatchString(c.Text) {
			first = c.Line
		}
	}
	at, _ := d.line(first - 1)
	return diff.Edit{Start: at, End: at, New: d.layout(in, d.eol(in.Line-1), lines)}
}

// commentBlock returns the first of the comment lines that stand directly
// above line, or line.
func (d *Document) commentBlock(line int) int {
	for i := len(d.Comments) - 1; i >= 0; i-- {
		c := d.Comments[i]
		if c.Line >= line {
			continue
		}
		if c.Line != line-1 || c.Directive || c.Inside {
			break
		}
		line = c.Line
	}
	return line
}

// layout makes the text of whole lines with the indentation of in.
func (d *Document) layout(in *Instruction, eol string, lines []string) string {
	indent := d.Indent(in)
	var b strings.Builder
	for _, l := range lines {
		if l != "" {
			b.WriteString(indent)
		}
		b.WriteString(l)
		b.WriteString(eol)
	}
	return b.String()
}

// Indent returns the indentation of what is inserted next to an instruction: its own, but for
// one that stands out where all others of its stage share another.
func (d *Document) Indent(in *Instruction) string {
	own := d.indent(in)
	if in.Stage == nil || in == in.Stage.From {
		return own
	}
	common, seen := own, false
	for _, other := range in.Stage.Instructions {
		if other == in {
			continue
		}
		indent := d.indent(other)
		if indent == own || seen && indent != common {
			return own
		}
		common, seen = indent, true
	}
	return common
}

// indent returns the blanks and tabs that the instruction starts with.
func (d *Document) indent(in *Instruction) string {
	line := d.Src[in.Span.Start:in.Span.End]
	n := 0
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	return string(line[:n])
}

// eol returns the line ending of physical line i, 0-based. A last line that
// has none takes that of the line above it.
func (d *Document) eol(i int) string {
	for ; i >= 0; i-- {
		line := d.Src[d.starts[i]:d.starts[i+1]]
		switch {
		case bytes.HasSuffix(line, []byte("\r\n")):
			return "\r\n"
		case bytes.HasSuffix(line, []byte("\n")):
			return "\n"
		}
	}
	return "\n"
}

// Replace returns the edit that puts text in the place of Original[from:to].
// Where that range spans several lines they become one; lines before and after
// it stay as they are. from == to inserts in front of Original[from].
//
// A continuation line must not become blank or start with '#', because BuildKit
// skips such lines and would take the next instruction for the rest of this
// one. What is left of it then moves up to the line above.
func (d *Document) Replace(in *Instruction, from, to int, text string) diff.Edit {
	first := in.pieceAt(from)
	start := in.Offset(from)
	end, last := start, first
	if to > from {
		last = in.pieceAt(to - 1)
		end = in.Offset(to-1) + 1
	}
	head, tail := in.pieces[first], in.pieces[last]
	before := string(d.Src[head.src:start])
	left := before + text + string(d.Src[end:tail.src+tail.len])
	if first == 0 || !skipped(left) {
		return diff.Edit{Start: start, End: end, New: text}
	}
	for first > 0 && skipped(left) {
		first--
		above := in.pieces[first]
		left = string(d.Src[above.src:above.src+above.len]) + left
	}
	above := in.pieces[first]
	return diff.Edit{Start: above.src + above.len, End: end, New: before + text}
}

// skipped reports whether BuildKit would skip this text as a continuation line.
func skipped(text string) bool {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	return text == "" || text[0] == '#'
}

// Dangling reports whether the last line of the instruction ends in an open
// continuation: whatever is appended would become part of it.
func (d *Document) Dangling(in *Instruction) bool { return in.dangling }

// Continuation returns what ends a line that goes on in the next one.
func (d *Document) Continuation() string { return " " + string(rune(d.Escape)) }

// KeywordCase returns the keyword in lower case if most of the file's keywords
// are, and in upper case otherwise.
func (d *Document) KeywordCase(kw string) string {
	lower := 0
	for _, in := range d.Instructions {
		if in.Original != "" && strings.HasPrefix(in.Original, strings.ToLower(in.Keyword)) {
			lower++
		}
	}
	if lower*2 > len(d.Instructions) {
		return strings.ToLower(kw)
	}
	return strings.ToUpper(kw)
}

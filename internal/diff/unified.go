package diff

import (
	"fmt"
	"strings"
)

// context is the number of unchanged lines around a change, the default of
// diff -u and git diff.
const context = 3

// Unified returns the unified diff that makes new of old, or "" when they are
// equal. git apply and patch -p1 both take it; for -p1 the names begin with
// "a/" and "b/". Names are quoted where git quotes them. Lines keep their CR.
func Unified(oldName, newName string, old, new []byte) string {
	if string(old) == string(new) {
		return ""
	}
	lines := compare(old, new)
	var b strings.Builder
	b.WriteString("--- " + quoteName(oldName) + "\n")
	b.WriteString("+++ " + quoteName(newName) + "\n")
	at := position{old: 1, new: 1}
	for i := 0; i < len(lines); {
		start, end := nextHunk(lines, i)
		if start == end {
			break
		}
		at.skip(lines[i:start])
		writeHunk(&b, lines[start:end], at)
		at.skip(lines[start:end])
		i = end
	}
	return b.String()
}

// A position is the number of the next line in each of the two texts.
type position struct{ old, new int }

func (p *position) skip(lines []line) {
	n := count(lines)
	p.old += n.old
	p.new += n.new
}

// count returns how many of the lines stand in each text.
func count(lines []line) (n position) {
	for _, l := range lines {
		if l.op != '+' {
			n.old++
		}
		if l.op != '-' {
			n.new++
		}
	}
	return n
}

// nextHunk returns the range of the first hunk at or after from. Changes that
// are at most two contexts apart share a hunk. The range is empty when there
// is no change any more.
func nextHunk(lines []line, from int) (start, end int) {
	first := from
	for first < len(lines) && lines[first].op == ' ' {
		first++
	}
	if first == len(lines) {
		return first, first
	}
	last := first
	for i := first; i < len(lines) && i-last <= 2*context+1; i++ {
		if lines[i].op != ' ' {
			last = i
		}
	}
	return max(from, first-context), min(len(lines), last+1+context)
}

// writeHunk writes one hunk that starts at the given position.
func writeHunk(b *strings.Builder, lines []line, at position) {
	n := count(lines)
	fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(at.old, n.old), hunkRange(at.new, n.new))
	for _, l := range lines {
		b.WriteByte(l.op)
		b.WriteString(l.text)
		if !strings.HasSuffix(l.text, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// hunkRange formats a range of lines. An empty one names the line before it.
func hunkRange(start, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", start-1)
	case 1:
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// quoteName writes a file name as git does: in double quotes with C escapes if
// it holds a quote, a backslash, a control character or a byte outside of
// ASCII (see core.quotePath in git-config(1)), and with a TAB after it if it
// holds blanks, because patch would cut it there.
func quoteName(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
		return quoteC(name)
	}
	if strings.Contains(name, " ") {
		return name + "\t"
	}
	return name
}

func quoteC(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= '\a' && c <= '\r':
			b.WriteByte('\\')
			b.WriteByte("abtnvfr"[c-'\a'])
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

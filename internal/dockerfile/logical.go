package dockerfile

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// utf8BOM is what BuildKit drops from the start of the first line.
const utf8BOM = "\ufeff"

// A piece maps a run of a logical line to the bytes it was read from.
type piece struct {
	at  int // offset in the logical line
	src int // offset in Document.Src
	len int
}

// A logicalLine is a line of a Dockerfile after its continuations were joined.
type logicalLine struct {
	pieces   []piece
	comments []int // lines that are comments inside of it, 0-based
	next     int   // the first physical line after it, 0-based
	open     bool  // the file ended in the middle of a continuation
}

// lineStarts returns the offset of every physical line of src, and len(src)
// as the end of the last one.
func lineStarts(src []byte) []int {
	starts := make([]int, 0, bytes.Count(src, []byte{'\n'})+2)
	starts = append(starts, 0)
	for i := 0; i < len(src); {
		n := bytes.IndexByte(src[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		if i < len(src) {
			starts = append(starts, i)
		}
	}
	return append(starts, len(src))
}

// lineCount returns the number of physical lines.
func (d *Document) lineCount() int { return len(d.starts) - 1 }

// line returns the bounds of physical line i without the end-of-line bytes
// and without a byte order mark. BuildKit drops every CR and LF at the end.
func (d *Document) line(i int) (start, end int) {
	start = d.starts[i]
	end = start + len(bytes.TrimRight(d.Src[start:d.starts[i+1]], "\r\n"))
	if i == 0 && bytes.HasPrefix(d.Src[:end], []byte(utf8BOM)) {
		start += len(utf8BOM)
	}
	return start, end
}

// logical joins the physical lines of the instruction that starts at line
// first, in the same way as parser.Parse of
// github.com/moby/buildkit/frontend/dockerfile/parser does. Its pieces are
// appended to buf.
func (d *Document) logical(first int, buf []piece) (logicalLine, []piece) {
	l := logicalLine{next: first, open: true}
	from, at := len(buf), 0
	for l.open && l.next < d.lineCount() {
		i := l.next
		l.next++
		start, end := d.line(i)
		blanks := skipSpace(d.Src[start:end])
		switch {
		case i == first:
			start += blanks
		case start+blanks == end:
			continue // a blank line does not end a continuation
		case d.Src[start+blanks] == '#':
			l.comments = append(l.comments, i)
			continue
		}
		end, l.open = trimContinuation(d.Src, start, end, d.Escape)
		buf = append(buf, piece{at: at, src: start, len: end - start})
		at += end - start
	}
	l.pieces = buf[from:len(buf):len(buf)]
	return l, buf
}

// trimContinuation returns where the text of the line src[start:end] ends and
// whether it goes on in the next line. An escape character that follows
// another one does not continue the line; BuildKit documents that it does not
// count them.
func trimContinuation(src []byte, start, end int, escape byte) (int, bool) {
	i := end
	for i > start && (src[i-1] == ' ' || src[i-1] == '\t') {
		i--
	}
	if i == start || src[i-1] != escape {
		return end, false
	}
	if i-1 > start && src[i-2] == escape {
		return end, false
	}
	return i - 1, true
}

// skipSpace returns the length of the white space that b starts with.
func skipSpace(b []byte) int {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if !asciiSpace(c) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if !unicode.IsSpace(r) {
			return i
		}
		i += n
	}
	return len(b)
}

// asciiSpace reports whether c is one of the ASCII characters for which
// unicode.IsSpace holds.
func asciiSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// join reports whether the pieces of src put together are want.
func join(src []byte, pieces []piece, want string) bool {
	n := 0
	for _, p := range pieces {
		if n+p.len > len(want) || string(src[p.src:p.src+p.len]) != want[n:n+p.len] {
			return false
		}
		n += p.len
	}
	return n == len(want)
}

// Offset returns the offset in Document.Src of Original[i]. i may be
// len(Original), which is the end of the text.
func (in *Instruction) Offset(i int) int {
	if i > 0 && i >= len(in.Original) {
		return in.Offset(len(in.Original)-1) + 1
	}
	p := in.pieces[in.pieceAt(i)]
	return p.src + max(i, 0) + in.shift - p.at
}

// pieceAt returns the index of the piece that holds Original[i], or the last
// one if there is no such byte.
func (in *Instruction) pieceAt(i int) int {
	i = max(i, 0) + in.shift
	for n, p := range in.pieces {
		if i < p.at+p.len {
			return n
		}
	}
	return len(in.pieces) - 1
}

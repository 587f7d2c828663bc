package dockerfile

import (
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// textStart returns where in the logical line the text after the keyword and
// the builder flags starts. It follows splitCommand and extractBuilderFlags of
// BuildKit's parser, which report the words but not where they stand.
func textStart(line string, escape byte) int {
	pos := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	sep := strings.IndexAny(line[pos:], "\t\v\f\r ")
	if sep < 0 {
		return len(line)
	}
	pos += sep
	for pos < len(line) && strings.IndexByte("\t\v\f\r ", line[pos]) >= 0 {
		pos++
	}
	pos = skipFlags(line, pos, escape)
	return len(line) - len(strings.TrimLeftFunc(line[pos:], unicode.IsSpace))
}

// skipFlags returns the offset of the first word at or after pos that is not
// a builder flag. A bare "--" ends the flags and is one of them.
func skipFlags(line string, pos int, escape byte) int {
	for {
		for pos < len(line) && byteIsSpace(line[pos]) {
			pos++
		}
		if !strings.HasPrefix(line[pos:], "--") {
			return pos
		}
		word, end := flagWord(line, pos, escape)
		pos = end
		if word == "--" && pos < len(line) {
			return pos
		}
	}
}

// flagWord reads the word at pos, without its quotes, and returns its end.
func flagWord(line string, pos int, escape byte) (word string, end int) {
	var b strings.Builder
	var quote byte
	for ; pos < len(line); pos++ {
		c := line[pos]
		switch {
		case quote == 0 && byteIsSpace(c):
			return b.String(), pos
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == escape:
			if pos+1 == len(line) {
				return b.String(), len(line)
			}
			pos++
			b.WriteByte(line[pos])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), len(line)
}

// byteIsSpace is how BuildKit looks for blanks between flags: byte by byte, so
// that 0x85 and 0xA0 count even inside of a UTF-8 sequence.
func byteIsSpace(c byte) bool { return asciiSpace(c) || c == 0x85 || c == 0xA0 }

// flags splits the builder flags of a node.
func flags(words []string) []Flag {
	if len(words) == 0 {
		return nil
	}
	out := make([]Flag, len(words))
	for i, w := range words {
		out[i].Name, out[i].Value, _ = strings.Cut(strings.TrimPrefix(w, "--"), "=")
	}
	return out
}

// args returns the words of a node in the order of the parser.
func args(n *parser.Node) []string {
	count := 0
	for w := n.Next; w != nil; w = w.Next {
		count++
	}
	if count == 0 {
		return nil
	}
	out := make([]string, 0, count)
	for w := n.Next; w != nil; w = w.Next {
		out = append(out, w.Value)
	}
	return out
}

// Flag returns the value of the last builder flag with this name.
func (in *Instruction) Flag(name string) (value string, ok bool) {
	for _, f := range in.Flags {
		if f.Name == name {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

// KeyValues returns the assignments of an ENV, ARG or LABEL instruction, with
// values as written.
func (in *Instruction) KeyValues() []KeyValue {
	var out []KeyValue
	switch in.Keyword {
	case "ENV", "LABEL":
		// The parser makes three words of each: key, value and separator.
		for i := 0; i+2 < len(in.Args); i += 3 {
			out = append(out, KeyValue{Key: in.Args[i], Value: in.Args[i+1], HasValue: true})
		}
	case "ARG":
		for _, w := range in.Args {
			k, v, ok := strings.Cut(w, "=")
			out = append(out, KeyValue{Key: k, Value: v, HasValue: ok})
		}
	}
	return out
}

package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable escapes what must not reach a terminal: control characters, among
// them the ones that begin ANSI sequences, characters that reorder text, and
// bytes that are not UTF-8. Dockerfiles and images are written by strangers.
// Line ends are escaped, too; the result is one line.
func Printable(s string) string {
	return escape(s, "")
}

// printableLines is Printable, but keeps line ends and tabs.
func printableLines(s string) string {
	return escape(s, "\n\t")
}

// PrintableLines is Printable for text of several lines.
func PrintableLines(s string) string { return printableLines(s) }

func escape(s, keep string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && strings.IndexByte(keep, s[i]) < 0 || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < utf8.RuneSelf && strings.IndexByte(keep, byte(r)) >= 0, strconv.IsPrint(r):
			b.WriteString(s[i : i+size])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		i += size
	}
	return b.String()
}

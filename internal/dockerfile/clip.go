package dockerfile

import (
	"strings"
	"unicode/utf8"
)

// Clip returns a text in one line, cut off behind n bytes: to quote a command in a sentence.
func Clip(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

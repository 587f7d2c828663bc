package diff

import (
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A line of a diff: ' ' stands in both texts, '-' only in the old one and '+'
// only in the new one. The text includes the "\n", which the last line of a
// file may lack.
type line struct {
	op   byte
	text string
}

// compare returns old and new as one sequence of lines. Where both differ, the
// old lines come first.
//
// go-diff works on characters and is made to work on lines by standing one
// character for each distinct line. A timeout would make the result depend on
// the clock, and the "semantic" clean-up cuts lines in two.
func compare(old, new []byte) []line {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0
	a, b, text := dmp.DiffLinesToChars(string(old), string(new))
	diffs := dmp.DiffCharsToLines(dmp.DiffMain(a, b, false), text)

	var out, added []line
	for _, d := range diffs {
		for part := range strings.Lines(d.Text) {
			switch d.Type {
			case diffmatchpatch.DiffDelete:
				out = append(out, line{'-', part})
			case diffmatchpatch.DiffInsert:
				added = append(added, line{'+', part})
			default:
				out = append(append(out, added...), line{' ', part})
				added = added[:0]
			}
		}
	}
	return append(out, added...)
}

// Stat returns the number of lines that a diff of old and new adds and removes.
func Stat(old, new []byte) (added, removed int) {
	if string(old) == string(new) {
		return 0, 0
	}
	for _, l := range compare(old, new) {
		switch l.op {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}

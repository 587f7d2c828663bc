// Package diff applies byte edits to a text and shows the difference between
// two texts as a unified diff that git apply and patch take.
package diff

import (
	"fmt"
	"slices"
)

// An Edit replaces src[Start:End] by New. Start == End is an insertion. All
// edits of a set refer to the same, unchanged text.
type Edit struct {
	Start, End int
	New        string
}

// Apply returns src with the edits made. Edits may come in any order;
// insertions at one offset keep the order they were given in, and come before
// a replacement that starts there. Edits that overlap or lie outside of src
// are an error. Apply does not change src or edits.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return boolRank(a.Start == a.End, b.Start == b.End)
	})

	size, last := len(src), 0
	for _, e := range sorted {
		if e.Start < 0 || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("applying edit %d:%d: outside of a text of %d bytes", e.Start, e.End, len(src))
		}
		if e.Start < last {
			return nil, fmt.Errorf("applying edit %d:%d: overlaps the edit before it, which ends at %d", e.Start, e.End, last)
		}
		last = e.End
		size += len(e.New) - (e.End - e.Start)
	}

	out := make([]byte, 0, size)
	last = 0
	for _, e := range sorted {
		out = append(out, src[last:e.Start]...)
		out = append(out, e.New...)
		last = e.End
	}
	return append(out, src[last:]...), nil
}

// boolRank orders true before false.
func boolRank(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite"
)

// A tally counts what became of the files of a run.
type tally struct {
	files, hardened, clean, refused, errors int

	reasons map[rewrite.Reason]int // of the refusals
}

func (t *tally) add(f *File) {
	t.files++
	if f.Problem != nil {
		t.errors++
		return
	}
	switch f.Result.Outcome {
	case rewrite.Hardened:
		t.hardened++
	case rewrite.Clean:
		t.clean++
	case rewrite.Refused:
		t.refused++
		if t.reasons == nil {
			t.reasons = map[rewrite.Reason]int{}
		}
		t.reasons[f.Result.Reason]++
	}
}

// String returns a line such as
//
//	12 files: 8 hardened, 2 clean, 1 refused (1 base-image), 1 error
func (t *tally) String() string {
	var parts []string
	count := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(t.hardened, "hardened")
	count(t.clean, "clean")
	if t.refused > 0 {
		var reasons []string
		for _, r := range slices.Sorted(maps.Keys(t.reasons)) {
			reasons = append(reasons, fmt.Sprintf("%d %s", t.reasons[r], r))
		}
		parts = append(parts, fmt.Sprintf("%d refused (%s)", t.refused, strings.Join(reasons, ", ")))
	}
	if t.errors == 1 {
		parts = append(parts, "1 error")
	} else {
		count(t.errors, "errors")
	}
	return fmt.Sprintf("%d files: %s", t.files, strings.Join(parts, ", "))
}

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// matches reports whether a record has the outcome that --list and --outcome
// name: "hardened", "refused", or with a reason "refused/init-system".
func (r *record) matches(want string) bool {
	have := r.outcome()
	return have == want || strings.HasPrefix(have, want+"/")
}

func matching(records []*record, want string) []*record {
	var out []*record
	for _, r := range records {
		if r.matches(want) {
			out = append(out, r)
		}
	}
	return out
}

// show prints n random records for reading by hand, the same ones for the same
// seed and corpus.
func show(w io.Writer, records []*record, n int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	for i, rec := range records[:min(n, len(records))] {
		fmt.Fprintf(w, "=== %d  %s\n", i+1, rec.Path)
		rec.write(w)
	}
}

// write prints the report on one file, its text, and what the patch adds.
func (r *record) write(out io.Writer) {
	fmt.Fprintf(out, "%s: %s  [user %s, %s program, %s]\n", r.outcome(), r.Why, r.User, r.Program, r.Family)
	if r.Error != "" {
		fmt.Fprintln(out, r.Error)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(out, "warning: %s\n", w)
	}
	for _, f := range r.findings {
		fmt.Fprintf(out, "%d: %s: %s\n", f.Line, f.Rule, f.Message)
		if f.Fix != nil {
			fmt.Fprintf(out, "    fix: %s\n", f.Fix.Message)
		}
		if f.Reason != "" {
			fmt.Fprintf(out, "    %s\n", f.Reason)
		}
		if f.Hint != "" {
			fmt.Fprintf(out, "    %s\n", f.Hint)
		}
	}
	text := string(r.source)
	if len(text) > 6000 {
		text = text[:2000] + "\n[…]\n" + text[len(text)-4000:]
	}
	fmt.Fprintf(out, "--- file\n%s\n", text)
	if r.changed() {
		fmt.Fprintf(out, "--- patch\n%s", r.Diff)
	}
	fmt.Fprintln(out)
}

package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite"
)

// A summary is the table, as data.
type summary struct {
	Files  int    `json:"files"`
	Timing timing `json:"timing"`

	ParseFailures map[string]int `json:"parse_failures"`
	OtherErrors   map[string]int `json:"other_errors"`
	Panics        []*record      `json:"panics"`
	Internal      []*record      `json:"internal_errors"`

	Outcomes map[string]map[program]int `json:"outcomes"`
	Share    share                      `json:"hardened_or_clean_of_files_with_a_program"`

	Patches       int       `json:"patches"`
	NotApplying   []*record `json:"not_applying"`
	NotParsing    []*record `json:"not_parsing"`
	NotIdempotent []*record `json:"not_idempotent"`
	NotInsertions []*record `json:"not_only_insertions"`

	Rules    map[string]int            `json:"files_fixed_by_rule"`
	Accounts map[string]map[string]int `json:"account_form_by_family"`
	Gates    []gateCount               `json:"gates"`

	Records []*record `json:"records"`
}

// A share is so many of so many.
type share struct {
	Done int `json:"done"`
	Of   int `json:"of"`
}

// A gateCount is what one gate says of the files that end hardened or clean,
// before and after.
type gateCount struct {
	Name   string          `json:"name"`
	Source string          `json:"source"`
	Before map[verdict]int `json:"before"`
	After  map[verdict]int `json:"after"`
	Red    []string        `json:"still_red"`
	Else   []string        `json:"still_red_elsewhere"`
}

func summarise(records []*record) *summary {
	s := &summary{
		Files: len(records), Records: records,
		ParseFailures: map[string]int{}, OtherErrors: map[string]int{},
		Outcomes: map[string]map[program]int{}, Accounts: map[string]map[string]int{}, Rules: map[string]int{},
	}
	for _, g := range gates {
		s.Gates = append(s.Gates, gateCount{Name: g.name, Source: g.source, Before: map[verdict]int{}, After: map[verdict]int{}})
	}
	for _, r := range records {
		s.add(r)
	}
	return s
}

func (s *summary) add(r *record) {
	switch {
	case r.Panic != "":
		s.Panics = append(s.Panics, r)
		return
	case r.internal():
		s.Internal = append(s.Internal, r)
		return
	case strings.HasPrefix(r.Cause, "inspecting"), strings.HasPrefix(r.Cause, "reading"):
		s.OtherErrors[r.Cause]++
		return
	case r.Error != "":
		s.ParseFailures[r.Cause]++
		return
	}
	count(s.Outcomes, r.outcome(), r.Program)
	if r.hasProgram() {
		s.Share.Of++
		if r.done() {
			s.Share.Done++
		}
	}
	s.patch(r)
	if r.done() && r.Before != nil && r.After != nil {
		s.judged(r)
	}
}

// patch counts what is wrong with a patch.
func (s *summary) patch(r *record) {
	if !r.changed() {
		return
	}
	s.Patches++
	for list, bad := range map[*[]*record]bool{
		&s.NotApplying: r.Rejected != "", &s.NotParsing: r.Unproven != "",
		&s.NotIdempotent: r.Unstable != "", &s.NotInsertions: len(r.Touched) > 0,
	} {
		if bad {
			*list = append(*list, r)
		}
	}
	slices.Sort(r.Rules)
	for _, rule := range slices.Compact(r.Rules) {
		s.Rules[rule]++
	}
	if r.Outcome == rewrite.Hardened {
		count(s.Accounts, r.Form, r.Family)
	}
}

func (s *summary) judged(r *record) {
	for i := range s.Gates {
		g := &s.Gates[i]
		g.Before[r.Before[i]]++
		g.After[r.After[i]]++
		switch r.After[i] {
		case red:
			g.Red = append(g.Red, r.Path)
		case elsewhere:
			g.Else = append(g.Else, r.Path)
		}
	}
}

func count[K comparable](table map[string]map[K]int, row string, column K) {
	if table[row] == nil {
		table[row] = map[K]int{}
	}
	table[row][column]++
}

// byCount returns the keys, the most frequent first.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
}

func total[K comparable](counts map[K]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

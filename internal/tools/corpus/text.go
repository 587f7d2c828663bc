package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// maxListed is how many files the text table names per list; --json names all.
const maxListed = 25

// write prints the table as text.
func (s *summary) write(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", s.Timing)
	s.writeErrors(w)
	s.writeOutcomes(w)
	s.writePatches(w)
	s.writeAccounts(w)
	s.writeGates(w)
}

func (s *summary) writeErrors(w io.Writer) {
	fmt.Fprintf(w, "panics %d, internal errors %d, parse failures %d, other errors %d of %d files\n",
		len(s.Panics), len(s.Internal), total(s.ParseFailures), total(s.OtherErrors), s.Files)
	list(w, "panics", s.Panics, func(r *record) string { return r.Panic })
	list(w, "internal errors", s.Internal, func(r *record) string { return r.Error })
	for _, counts := range []map[string]int{s.ParseFailures, s.OtherErrors} {
		for _, cause := range byCount(counts) {
			fmt.Fprintf(w, "%7d  %s\n", counts[cause], cause)
		}
	}
	fmt.Fprintln(w)
}

func (s *summary) writeOutcomes(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "program of the final stage:\t")
	for _, p := range programKinds {
		fmt.Fprintf(t, "%s\t", p)
	}
	fmt.Fprintln(t, "all\t")
	sums := map[program]int{}
	totals := map[string]int{}
	for name, row := range s.Outcomes {
		totals[name] = total(row)
	}
	for _, name := range byCount(totals) {
		row := s.Outcomes[name]
		fmt.Fprintf(t, "%s\t", name)
		for _, p := range programKinds {
			sums[p] += row[p]
			fmt.Fprintf(t, "%d\t", row[p])
		}
		fmt.Fprintf(t, "%d\t\n", total(row))
	}
	fmt.Fprint(t, "all\t")
	for _, p := range programKinds {
		fmt.Fprintf(t, "%d\t", sums[p])
	}
	fmt.Fprintf(t, "%d\t\n", total(sums))
	t.Flush()
	fmt.Fprintf(w, "hardened or clean, of files with a program: %d of %d, %s\n\n", s.Share.Done, s.Share.Of, percent(s.Share.Done, s.Share.Of))
}

func (s *summary) writePatches(w io.Writer) {
	fmt.Fprintf(w, "%d patches: %d do not apply, %d results do not parse, %d are not idempotent, %d are more than insertions\n",
		s.Patches, len(s.NotApplying), len(s.NotParsing), len(s.NotIdempotent), len(s.NotInsertions))
	list(w, "do not apply", s.NotApplying, func(r *record) string { return r.Rejected })
	list(w, "do not parse", s.NotParsing, func(r *record) string { return r.Unproven })
	list(w, "not idempotent", s.NotIdempotent, func(r *record) string { return r.Unstable })
	for _, rule := range byCount(s.Rules) {
		fmt.Fprintf(w, "%7d  files with a fix by %s\n", s.Rules[rule], rule)
	}
	s.writeTouched(w)
	fmt.Fprintln(w)
}

// writeTouched counts the lines that patches change or remove, by instruction.
func (s *summary) writeTouched(w io.Writer) {
	kinds := map[string]int{}
	for _, r := range s.NotInsertions {
		for _, e := range r.Touched {
			kinds[keyword(e.Old)+" → "+keyword(e.New)]++
		}
	}
	for _, kind := range byCount(kinds) {
		fmt.Fprintf(w, "%7d  changed lines %s\n", kinds[kind], kind)
	}
	list(w, "changed lines", s.NotInsertions, func(r *record) string {
		var b strings.Builder
		for _, e := range r.Touched {
			fmt.Fprintf(&b, "- %s\n+ %s\n", e.Old, e.New)
		}
		return b.String()
	})
}

func keyword(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return "nothing"
	}
	if w := strings.ToUpper(words[0]); instructions[w] {
		return w
	}
	return "other"
}

var instructions = map[string]bool{"FROM": true, "RUN": true, "USER": true, "ENV": true, "WORKDIR": true, "COPY": true, "ADD": true,
	"CMD": true, "ENTRYPOINT": true, "VOLUME": true, "EXPOSE": true, "LABEL": true, "ARG": true, "HEALTHCHECK": true, "SHELL": true}

func (s *summary) writeAccounts(w io.Writer) {
	families := map[string]int{}
	for _, row := range s.Accounts {
		for f, n := range row {
			families[f] += n
		}
	}
	columns := byCount(families)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "account made by:\t%s\t\n", strings.Join(columns, "\t"))
	for _, form := range slices.Sorted(maps.Keys(s.Accounts)) {
		fmt.Fprintf(t, "%s\t", form)
		for _, f := range columns {
			fmt.Fprintf(t, "%d\t", s.Accounts[form][f])
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	fmt.Fprintln(w)
}

func (s *summary) writeGates(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "gate, over hardened and clean files:\tgreen before\tred\telsewhere\tgreen after\tred\telsewhere\t")
	for _, g := range s.Gates {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", g.Name,
			g.Before[green], g.Before[red], g.Before[elsewhere], g.After[green], g.After[red], g.After[elsewhere])
	}
	t.Flush()
	for _, g := range s.Gates {
		if len(g.Red) > 0 {
			fmt.Fprintf(w, "%s, still red:\n", g.Name)
			paths(w, g.Red)
		}
	}
}

func list(w io.Writer, title string, records []*record, what func(*record) string) {
	for i, r := range records {
		if i == maxListed {
			fmt.Fprintf(w, "  … and %d more; see --json\n", len(records)-i)
			return
		}
		fmt.Fprintf(w, "  %s: %s\n", title, r.Path)
		for line := range strings.Lines(strings.TrimSpace(what(r))) {
			fmt.Fprintf(w, "      %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

func paths(w io.Writer, names []string) {
	for i, name := range names {
		if i == maxListed {
			fmt.Fprintf(w, "  … and %d more; see --json\n", len(names)-i)
			return
		}
		fmt.Fprintf(w, "  %s\n", name)
	}
}

func percent(n, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

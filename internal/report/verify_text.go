package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// VerifyText writes the proof as a table for a terminal.
func VerifyText(w io.Writer, r *verify.Report, color bool) error {
	p := painter(color)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", p.paint(bold, Printable(r.Path)), verdict(r, p))
	fmt.Fprintf(&b, "  engine: %s; probe: %s\n\n", Printable(r.Engine), Printable(r.Probe))
	rows := append([][3]string{{"", "before", "after"}}, verifyRows(r)...)
	var width [2]int
	for _, row := range rows {
		for i := range width {
			width[i] = max(width[i], utf8.RuneCountInString(Printable(row[i])))
		}
	}
	for i, row := range rows {
		line := fmt.Sprintf("  %s  %s  %s", padded(row[0], width[0]), padded(row[1], width[1]), Printable(row[2]))
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = p.paint(bold, line)
		}
		b.WriteString(line + "\n")
	}
	b.WriteString("\n")
	for _, note := range verifyNotes(r) {
		fmt.Fprintf(&b, "  %s %s\n", p.paint(dim, note[0]+":"), Printable(note[1]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func padded(s string, width int) string {
	s = Printable(s)
	return s + strings.Repeat(" ", width-utf8.RuneCountInString(s))
}

func verdict(r *verify.Report, p painter) string {
	does := Printable(r.Does)
	if !r.Given && !r.Ends {
		does += "; no probe was given"
	}
	switch {
	case !r.Proven():
		return p.paint(red, "the hardened image does less than the original")
	case r.StaysRoot():
		return p.paint(yellow, "stays root") + " – " + capabilitiesLeft(r) + " it " + does
	case r.Same:
		return p.paint(green, "proven") + " – harden changes nothing here"
	}
	return p.paint(green, "proven") + " – like the original, the hardened image " + does
}

// capabilitiesLeft says what an image that stays root can be run with.
func capabilitiesLeft(r *verify.Report) string {
	var names []string
	for _, c := range r.Result.Profile.Capabilities {
		names = append(names, c.Name)
	}
	rung := r.After.Rung(verify.CapDrop)
	switch {
	case rung == nil || !rung.OK:
		return "which capabilities it needs is not known; with the engine's usual ones"
	case len(names) == 0:
		return "with no capability"
	case len(r.Idle) > 0:
		return "with no capabilities but " + strings.Join(names, ", ") + ", perhaps fewer,"
	}
	return "with " + strings.Join(names, ", ") + ", the least that it needs,"
}

// verifyRows is the table, without its head.
func verifyRows(r *verify.Report) [][3]string {
	b, a := &r.Before, &r.After
	row := func(what string, cell func(*verify.Side) string) [3]string { return [3]string{what, cell(b), cell(a)} }
	rows := [][3]string{
		row("builds", buildCell),
		{"image size", sizeText(b.Size), afterSize(r)},
		row("user", func(s *verify.Side) string { return orRoot(s) }),
		row("main process: uid", processCell(func(p *verify.Process) string { return fmt.Sprintf("%d:%d", p.UID, p.GID) })),
		row("main process: effective capabilities", processCell(func(p *verify.Process) string { return capabilityCell(p.CapEff) })),
		row("main process: bounding set", processCell(func(p *verify.Process) string { return capabilityCell(p.CapBnd) })),
		row("main process: no_new_privs", processCell(func(p *verify.Process) string { return yesNo(p.NoNewPrivs) })),
		row("setuid and setgid files", filesCell(func(s *verify.Side) []imageinspect.PrivilegedFile { return s.SetID })),
		row("files with capabilities", filesCell(func(s *verify.Side) []imageinspect.PrivilegedFile { return s.FileCaps })),
	}
	for _, t := range verify.Titles() {
		if b.Rung(t.Name) == nil && a.Rung(t.Name) == nil {
			continue
		}
		rows = append(rows, row(t.Title, func(s *verify.Side) string { return rungCell(s.Rung(t.Name)) }))
	}
	if rung := strictest(a); rung != nil && rung.Process != nil {
		p := rung.Process
		rows = append(rows, [3]string{"main process there", "", fmt.Sprintf("uid %d:%d, effective: %s, bounding: %s, no_new_privs: %s",
			p.UID, p.GID, capabilityCell(p.CapEff), capabilityCell(p.CapBnd), yesNo(p.NoNewPrivs))})
	}
	return rows
}

// strictest returns the last rung that works under which privileges are gone.
func strictest(s *verify.Side) *verify.Rung {
	var last *verify.Rung
	for i := range s.Rungs {
		if s.Rungs[i].OK && s.Rungs[i].Name != verify.Plain && s.Rungs[i].Name != verify.LowPorts {
			last = &s.Rungs[i]
		}
	}
	return last
}

func buildCell(s *verify.Side) string {
	if !s.Built {
		return "no"
	}
	if s.BuildTook == 0 {
		return "yes"
	}
	return "yes, in " + s.BuildTook.Round(100*time.Millisecond).String()
}

func afterSize(r *verify.Report) string {
	if !r.After.Built {
		return "–"
	}
	text := sizeText(r.After.Size)
	if d := r.After.Size - r.Before.Size; !r.Same && d >= 0 {
		n := r.After.Layers - r.Before.Layers
		text += fmt.Sprintf(" (+%s in %d more %s)", sizeText(d), n, plural(n, "layer"))
	}
	return text
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func orRoot(s *verify.Side) string {
	switch {
	case !s.Built:
		return "–"
	case s.User == "":
		return "root (none set)"
	}
	return s.User
}

func processCell(text func(*verify.Process) string) func(*verify.Side) string {
	return func(s *verify.Side) string {
		if s.Process == nil {
			return "not known"
		}
		return text(s.Process)
	}
}

// capabilityCell names few capabilities and counts many.
func capabilityCell(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > 4:
		return fmt.Sprintf("%d", len(names))
	}
	return strings.Join(names, ", ")
}

func filesCell(list func(*verify.Side) []imageinspect.PrivilegedFile) func(*verify.Side) string {
	return func(s *verify.Side) string {
		files := list(s)
		switch {
		case !s.Inspected:
			return "not known"
		case len(files) == 0:
			return "none"
		case len(files) > 2:
			return fmt.Sprintf("%d", len(files))
		}
		var names []string
		for _, f := range files {
			names = append(names, f.Path)
		}
		return strings.Join(names, ", ")
	}
}

func rungCell(r *verify.Rung) string {
	switch {
	case r == nil:
		return "–"
	case r.Skipped != "":
		return "no (" + r.Skipped + ")"
	case r.OK:
		return "yes"
	}
	return "no"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func sizeText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// verifyNotes is what the table has no room for, as label and text.
func verifyNotes(r *verify.Report) [][2]string {
	var notes [][2]string
	said := map[string]bool{}
	add := func(label, text string) {
		// Runs differ in the times that their lines begin with.
		if key := label + numerals.ReplaceAllString(text, "0"); text != "" && !said[key] {
			said[key] = true
			notes = append(notes, [2]string{label, text})
		}
	}
	for _, less := range r.Less {
		add("less than before", less)
	}
	for _, rung := range r.After.Rungs {
		before := r.Before.Rung(rung.Name)
		if rung.Skipped == verify.NotPossible {
			add("not possible", rung.Title+": "+because(rung))
			continue
		}
		if !rung.OK && (before == nil || !before.OK) && len(r.Less) == 0 {
			add("fails before and after", rung.Title+": "+because(rung))
		}
		add("note", rung.Note)
	}
	for _, f := range r.Left {
		add("still privileged", fmt.Sprintf("%s (%s)%s", f.Path, privilegeText(f), learnHint(r)))
	}
	if r.Result != nil {
		if r.Result.Reason != "" {
			add("refused ("+string(r.Result.Reason)+")", r.Result.Why)
		}
		for _, c := range r.Result.Profile.Capabilities {
			if !slices.Contains(r.Idle, c.Name) {
				add("needs "+c.Name, c.Why)
			}
		}
	}
	if len(r.Idle) > 0 {
		add("may need", strings.Join(r.Idle, ", ")+": it did without as long as it was watched; a probe shows whether it works without")
	}
	if r.Learned != nil {
		for _, l := range learnedLines(r.Learned) {
			add("learned", l)
		}
		for _, u := range r.Learned.Unfixable {
			add("not fixed", u+": "+r.Learned.How[u])
		}
	}
	if rung := strictest(&r.After); rung != nil && r.Proven() {
		add("run it with", strings.Join(rung.Flags, " "))
	}
	if !r.After.Built && r.After.BuildLog != "" {
		for _, line := range tellingLines(r.After.BuildLog) {
			notes = append(notes, [2]string{"build log", line})
		}
	}
	for _, w := range r.Warnings {
		add("note", w)
	}
	return notes
}

var numerals = regexp.MustCompile(`[0-9]+`)

// buildNoise are lines that BuildKit prints for every step, whether it fails or
// not.
var buildNoise = regexp.MustCompile(`^(#\d+ (\[|CACHED|DONE|transferring|resolve|sha256:|extracting|\.\.\.)|-+$|$)`)

// tellingLines leaves out of the end of a builder's log what says nothing about
// a failure, and what it says twice.
func tellingLines(log string) []string {
	const most = 12
	var out []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n ")
		if !buildNoise.MatchString(strings.TrimSpace(line)) {
			out = append(out, line)
		}
	}
	return out[max(0, len(out)-most):]
}

func because(r verify.Rung) string {
	if r.Line != "" && !strings.Contains(r.Why, r.Line) {
		return r.Why + "; its log says: " + r.Line
	}
	return r.Why
}

func learnHint(r *verify.Report) string {
	if r.Learned != nil {
		return ""
	}
	return "; --learn feeds it back"
}

func privilegeText(f imageinspect.PrivilegedFile) string {
	var parts []string
	if f.SetID() {
		parts = append(parts, "mode "+f.Mode.String())
	}
	return strings.Join(append(parts, f.Capabilities...), ", ")
}

// learnedLines says what was learned and how.
func learnedLines(l *verify.Learned) []string {
	var out []string
	add := func(what, key string) {
		line := what
		if how := l.How[key]; how != "" {
			line += ": " + how
		}
		out = append(out, line)
	}
	if a := l.Account; a != nil {
		add(fmt.Sprintf("account %s (%d:%d)", a.Name, a.UID, a.GID), a.Name)
	}
	for _, d := range l.Dirs {
		add("writes "+d, d)
	}
	for _, d := range l.Trees {
		add("writes "+d+" and what is in it", d)
	}
	for _, f := range l.Files {
		add("writes the file "+f, f)
	}
	for _, f := range l.Privileged {
		add("privileged file "+f.Path, f.Path)
	}
	for _, c := range l.Capabilities {
		add("needs "+c.Name, c.Name)
	}
	return out
}

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

var text = Format{
	Name: "text",
	Doc:  "a patch on stdout and a report for people on stderr",
	New: func(o Options) Reporter {
		return &textReporter{opts: o, err: painter(o.ErrColor), out: painter(o.OutColor), explained: map[string]bool{}}
	},
}

// A textReporter writes the patch to Out and everything else to Err.
type textReporter struct {
	opts     Options
	out, err painter
	tally    tally
	// explained holds what has been said once and need not be said again:
	// rules and configuration mistakes.
	explained map[string]bool
}

func (r *textReporter) File(f *File) error {
	r.tally.add(f)
	if f.Diff != "" && r.opts.Diff {
		if err := r.diff(f.Diff); err != nil {
			return err
		}
	}
	var b strings.Builder
	if f.Problem != nil {
		r.problem(&b, f)
	} else if !r.opts.Quiet {
		r.outcome(&b, f)
		for i := range f.Result.Findings {
			r.finding(&b, f, &f.Result.Findings[i])
		}
		if leastIsKnown(f.Result) {
			r.item(&b, ofFile, "run with", runFlags(&f.Result.Profile))
			if why := f.Result.Profile.NewPrivileges; why != "" {
				r.item(&b, ofFile, "without", "no-new-privileges, because "+why)
			}
		} else if why := bitUnsure(f.Result); why != "" {
			r.item(&b, ofFile, "without", "no-new-privileges, because "+why+"; nor --cap-drop ALL, because what root behind it needs is not known")
		}
		r.item(&b, ofFile, "sandbox", f.Result.Profile.Sandbox)
		r.item(&b, ofFile, "volumes", volumeNote(f))
		for _, w := range f.Result.Warnings {
			r.item(&b, ofFile, "note", w)
		}
		if f.Note != "" {
			r.item(&b, ofFile, "note", f.Note)
		}
	}
	_, err := io.WriteString(r.opts.Err, b.String())
	return err
}

func (r *textReporter) Close() error {
	if r.opts.Quiet || r.tally.files < 2 {
		return nil
	}
	_, err := fmt.Fprintf(r.opts.Err, "%s\n", r.err.paint(bold, r.tally.String()))
	return err
}

// diff writes a patch. A patch for a program is copied byte by byte, since it
// has to apply; only for a person's eyes it is made safe.
func (r *textReporter) diff(patch string) error {
	if r.opts.OutTerminal {
		patch = printableLines(patch)
	}
	if r.opts.OutColor {
		patch = r.paintDiff(patch)
	}
	_, err := io.WriteString(r.opts.Out, patch)
	return err
}

func (r *textReporter) paintDiff(patch string) string {
	var b strings.Builder
	for line := range strings.Lines(patch) {
		text, end := strings.TrimSuffix(line, "\n"), ""
		if len(text) < len(line) {
			end = "\n"
		}
		switch {
		case strings.HasPrefix(text, "--- "), strings.HasPrefix(text, "+++ "):
			text = r.out.paint(bold, text)
		case strings.HasPrefix(text, "@@"):
			text = r.out.paint(cyan, text)
		case strings.HasPrefix(text, "+"):
			text = r.out.paint(green, text)
		case strings.HasPrefix(text, "-"):
			text = r.out.paint(red, text)
		}
		b.WriteString(text + end)
	}
	return b.String()
}

// problem writes an error. The same mistake in a configuration file can stop a
// thousand Dockerfiles; it is told once.
func (r *textReporter) problem(b *strings.Builder, f *File) {
	line := f.Problem.String()
	if f.Problem.File == f.Path {
		fmt.Fprintf(b, "%s\n", r.err.paint(red, line))
		return
	}
	if !r.explained[line] {
		r.explained[line] = true
		fmt.Fprintf(b, "%s\n", r.err.paint(red, line))
	}
	fmt.Fprintf(b, "%s: not processed because of %s\n", Printable(f.Path), Printable(f.Problem.File))
}

func (r *textReporter) outcome(b *strings.Builder, f *File) {
	res := f.Result
	word, color := string(res.Outcome), dim
	switch res.Outcome {
	case rewrite.Hardened:
		color = green
		if f.Written {
			word += " and written"
		}
	case rewrite.Refused:
		color = yellow
		word += " (" + string(res.Reason) + ")"
		switch {
		case f.Written:
			word += ", the rest is written"
		case res.Changed():
			word += ", with a patch for the rest"
		}
	}
	fmt.Fprintf(b, "%s: %s", r.err.paint(bold, Printable(f.Path)), r.err.paint(color, word))
	if res.Why != "" {
		fmt.Fprintf(b, " – %s", Printable(strings.TrimSuffix(res.Why, ".")))
	}
	fmt.Fprintf(b, "%s\n", r.err.paint(dim, stageNote(res)+factsNote(res)))
	if f.Accepted {
		r.item(b, ofFile, "accepted", "--check lets it pass")
	}
}

// stageNote names the stage that was looked at where it is not the last.
func stageNote(res *rewrite.Result) string {
	if res.Target == "" {
		return ""
	}
	return Printable("; stage: " + res.Target)
}

// factsNote says what the answer rests on.
func factsNote(res *rewrite.Result) string {
	f := res.Facts
	if f == nil || f.Origin.Kind == "" {
		return ""
	}
	note := "; facts: " + originText[f.Origin.Kind]
	if originText[f.Origin.Kind] == "" {
		note = "; facts: " + string(f.Origin.Kind)
	}
	if f.Origin.Detail != "" {
		note += ", " + f.Origin.Detail
	}
	return Printable(note)
}

var originText = map[imageinspect.OriginKind]string{
	imageinspect.FromFile:       "given file",
	imageinspect.FromInference:  "inferred from the Dockerfile",
	imageinspect.FromNowhere:    "none of the base image",
	imageinspect.FromScratch:    "the empty image",
	imageinspect.FromEngine:     "local engine",
	imageinspect.FromLayout:     "OCI layout",
	imageinspect.FromDockerfile: "the Dockerfile of its base",
}

// finding writes what was found, what the fix does or why there is none, and,
// the first time a rule comes up, why it matters and how to say no.
func (r *textReporter) finding(b *strings.Builder, f *File, fd *rewrite.Finding) {
	refusal := fd.Reason != "" && fd.Reason == f.Result.Reason
	if !refusal || !strings.Contains(fd.Message, f.Result.Why) {
		where := Printable(f.Path)
		if fd.Line > 0 {
			where = fmt.Sprintf("%s:%d", where, fd.Line)
		}
		fmt.Fprintf(b, "  %s: %s: %s\n", where, r.err.paint(cyan, fd.Rule), Printable(fd.Message))
	}
	at := ofFinding
	if refusal {
		at = ofFile
	}
	first := !r.explained[fd.Rule] && !refusal && fd.Why == ""
	if first {
		r.item(b, at, "why", reasonFor(fd.Rule))
	}
	r.item(b, at, "why", fd.Why)
	if fd.Fix != nil {
		r.item(b, at, "fix", fd.Fix.Message)
	} else if doc, ok := fd.Reason.Explain(); ok && !refusal {
		r.item(b, at, "no fix", string(fd.Reason)+": "+doc.Title)
	}
	r.item(b, at, "advice", fd.Hint)
	if first && fd.Fix != nil {
		r.item(b, at, "say no", "# harden: ignore="+fd.Rule+" REASON")
	}
	if first {
		r.explained[fd.Rule] = true
	}
}

// Indents of lines that belong to a file or to one of its findings.
const (
	ofFile    = "  "
	ofFinding = "      "
)

func (r *textReporter) item(b *strings.Builder, indent, label, text string) {
	if text != "" {
		fmt.Fprintf(b, "%s%s %s\n", indent, r.err.paint(dim, label+":"), Printable(text))
	}
}

// reasonFor returns why a rule matters: the first sentence of its explanation.
func reasonFor(name string) string {
	for _, rule := range rewrite.Suite {
		if rule.Name != name {
			continue
		}
		_, body, _ := strings.Cut(rule.Doc, "\n\n")
		body, _, _ = strings.Cut(body, "\n\n")
		body = strings.Join(strings.Fields(body), " ")
		if sentence, _, more := strings.Cut(body, ". "); more {
			return sentence + "."
		}
		return body
	}
	return ""
}

// volumeNote says what becomes of volumes that the image filled as root: the most
// frequent reason for which people take a non-root user back.
func volumeNote(f *File) string {
	p := &f.Result.Profile
	volumes := slices.DeleteFunc(slices.Concat(p.Volumes, p.Mounted), func(v string) bool { return v == "/tmp" || v == "/var/tmp" }) // open to all
	if f.Result.Outcome != rewrite.Hardened || !p.FromRoot || len(volumes) == 0 {
		return ""
	}
	return fmt.Sprintf("those that exist already hold root's files; harden runtime %s prints the command that hands them to %s", f.Path, p.User)
}

// bitUnsure says why an image that is not root's can be given no flags: a file such as sudo
// makes root of its user, and nobody knows for what. "" where it is otherwise.
func bitUnsure(res *rewrite.Result) string {
	if res.Reason != "" || res.Profile.User == "" {
		return ""
	}
	return res.Profile.NewPrivileges
}

// leastIsKnown reports whether the capabilities that the image needs are known. An
// init system or a daemon that keeps root needs some that nobody here can name.
func leastIsKnown(res *rewrite.Result) bool {
	if res.Profile.Unsure || res.Facts != nil && res.Facts.Distro.Family() == "windows" {
		return false // Windows has no capabilities
	}
	switch res.Reason {
	case "", rewrite.DropsPrivilegesItself, rewrite.EntrypointNeedsRoot, rewrite.NeedsCapability:
		return true
	}
	return false
}

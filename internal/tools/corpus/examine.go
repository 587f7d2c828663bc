package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A record is all that was found out about one file.
type record struct {
	Path    string          `json:"path"`
	Outcome rewrite.Outcome `json:"outcome,omitempty"`
	Reason  rewrite.Reason  `json:"reason,omitempty"`
	Why     string          `json:"why,omitempty"`
	User    string          `json:"user,omitempty"`
	Program program         `json:"program,omitempty"`
	Family  string          `json:"family,omitempty"`
	Form    string          `json:"account_form,omitempty"`
	Rules   []string        `json:"fixed_by,omitempty"` // rules with a fix

	Cause string `json:"cause,omitempty"` // of a parse failure, without names and numbers
	Error string `json:"error,omitempty"`
	Panic string `json:"panic,omitempty"`

	Unproven string `json:"does_not_parse_again,omitempty"`
	Unstable string `json:"not_idempotent,omitempty"`
	Touched  []edit `json:"touched,omitempty"`
	Rejected string `json:"does_not_apply,omitempty"`

	Warnings []string `json:"warnings,omitempty"`

	Before []verdict `json:"gates_before,omitempty"` // in the order of gates
	After  []verdict `json:"gates_after,omitempty"`

	Diff string `json:"patch,omitempty"`

	source, output []byte
	findings       []rewrite.Finding
	spent          time.Duration // in the one Run that users pay for
}

// changed reports whether there is a patch.
func (r *record) changed() bool { return r.Diff != "" }

// done reports whether the image ends as non-root.
func (r *record) done() bool { return r.Outcome == rewrite.Hardened || r.Outcome == rewrite.Clean }

// hasProgram reports whether the final stage has something to run.
func (r *record) hasProgram() bool { return r.Program == ownProgram || r.Program == baseProgram }

// outcome is what the table and --list call the outcome.
func (r *record) outcome() string {
	switch {
	case r.Panic != "":
		return "panic"
	case r.internal():
		return "internal"
	case r.Error != "":
		return "error"
	case r.Reason != "":
		return string(r.Outcome) + "/" + string(r.Reason)
	}
	return string(r.Outcome)
}

func (r *record) internal() bool { return strings.Contains(r.Error, "internal error") }

// A verdict is what a gate says.
type verdict string

const (
	green     verdict = "green"
	red       verdict = "red"
	elsewhere verdict = "elsewhere" // red, but not about the image that is built
)

func judge(g gate, s *subject) verdict {
	v := green
	for _, c := range g.check(s) {
		if c.final {
			return red
		}
		v = elsewhere
	}
	return v
}

func judgeAll(doc *dockerfile.Document, user string) []verdict {
	out := make([]verdict, len(gates))
	for i, g := range gates {
		out[i] = judge(g, &subject{doc, user})
	}
	return out
}

// options are those of every run: facts from the catalogue, no network.
func options(path string, in place) rewrite.Options {
	opts := rewrite.Options{Source: imageinspect.DefaultCatalog(), Path: path}
	in.describe(&opts)
	return opts
}

// examine runs the tool on one file and tries everything on the result that
// needs no other process.
func examine(ctx context.Context, path string, src []byte, in place) (r *record) {
	r = &record{Path: path, source: src}
	defer func() {
		if p := recover(); p != nil {
			r.Panic = fmt.Sprintf("%v\n%s", p, ownFrames(debug.Stack()))
		}
	}()
	start := time.Now()
	res, err := rewrite.Run(ctx, src, options(path, in))
	r.spent = time.Since(start)
	if err != nil {
		r.Error = errorText(err)
		r.Cause = cause(err)
		return r
	}
	r.Outcome, r.Reason, r.Why, r.User = res.Outcome, res.Reason, res.Why, res.User
	r.output, r.findings, r.Warnings = res.Output, res.Findings, res.Warnings
	for _, f := range res.Findings {
		if f.Fix != nil {
			r.Rules = append(r.Rules, f.Rule)
		}
	}
	r.Diff = diff.Unified("a/"+path, "b/"+path, res.Source, res.Output)
	r.inspect(res)
	if res.Changed() {
		r.again(ctx, in)
	}
	return r
}

// inspect fills in what the texts before and after say.
func (r *record) inspect(res *rewrite.Result) {
	r.Family = res.Facts.Distro.Family()
	if r.Family == "" {
		r.Family = "unknown"
	}
	before, err := dockerfile.Parse(r.source)
	if err != nil {
		r.Unproven = "the original, the second time: " + err.Error()
		return
	}
	img, err := resolve(before, res.Facts)
	if err != nil {
		img.program = unknownProgram // FROM depends on an argument without a value
	}
	r.Program = img.program
	r.Before = judgeAll(before, img.user)
	after, err := dockerfile.Parse(r.output)
	if err != nil {
		r.Unproven = err.Error()
		return
	}
	img, _ = resolve(after, res.Facts)
	r.After = judgeAll(after, img.user)
	r.Touched = touched(r.Diff)
	r.Form = accountForm(r)
}

// again runs the tool on its own output: nothing may change, and the file has
// to be clean, or refused for the reason it was refused for before.
func (r *record) again(ctx context.Context, in place) {
	res, err := rewrite.Run(ctx, r.output, options(r.Path, in))
	switch {
	case err != nil:
		r.Unstable = "second run fails: " + errorText(err)
	case res.Changed():
		r.Unstable = "second run changes the file again:\n" + diff.Unified("a/"+r.Path, "b/"+r.Path, r.output, res.Output)
	case r.Outcome == rewrite.Refused && (res.Outcome != rewrite.Refused || res.Reason != r.Reason):
		r.Unstable = fmt.Sprintf("%s after the first run, %s %s after the second: %s", r.outcome(), res.Outcome, res.Reason, res.Why)
	case r.Outcome != rewrite.Refused && res.Outcome != rewrite.Clean:
		r.Unstable = fmt.Sprintf("%s after the first run, %s %s after the second: %s", r.outcome(), res.Outcome, res.Reason, res.Why)
	}
}

// An edit is a change of lines that were there before.
type edit struct {
	Old string `json:"old"`
	New string `json:"new,omitempty"` // what stands in its place, "" when nothing does
}

// touched returns the changes of a diff that are no pure insertions. Lines that
// the diff takes away and brings back, because the end of the file had no
// newline, are none.
func touched(unified string) []edit {
	var out []edit
	var old, added []string
	flush := func() {
		out = append(out, replaced(old, added)...)
		old, added = nil, nil
	}
	lines := strings.Split(unified, "\n")
	for _, line := range lines[min(2, len(lines)):] { // behind the names
		switch {
		case strings.HasPrefix(line, "-"):
			old = append(old, line[1:])
		case strings.HasPrefix(line, "+"):
			added = append(added, line[1:])
		case !strings.HasPrefix(line, `\`):
			flush()
		}
	}
	flush()
	return out
}

// replaced pairs each line that is gone with what stands in its place: of the
// new lines the first with the same keyword.
func replaced(old, added []string) []edit {
	var out []edit
	for _, o := range old {
		if i := slices.Index(added, o); i >= 0 {
			added = slices.Delete(added, i, i+1)
			continue
		}
		e := edit{Old: o}
		i := slices.IndexFunc(added, func(n string) bool { return keyword(n) == keyword(o) })
		if i >= 0 {
			e.New = added[i]
			added = slices.Delete(added, i, i+1)
		}
		out = append(out, e)
	}
	return out
}

// accountForm names the way in which the patch makes an account.
func accountForm(r *record) string {
	inserted := addedText(r.Diff)
	switch {
	case !r.changed():
		return ""
	case strings.Contains(inserted, "command -v useradd"):
		return "portable"
	case strings.Contains(inserted, "useradd "):
		return "useradd"
	case strings.Contains(inserted, "adduser "):
		return "adduser"
	case strings.Contains(inserted, ">> /etc/passwd"):
		return "printf"
	}
	return "none"
}

func addedText(unified string) string {
	var b strings.Builder
	for line := range strings.Lines(unified) {
		if strings.HasPrefix(line, "+") {
			b.WriteString(line[1:])
		}
	}
	return b.String()
}

func errorText(err error) string {
	var at *rewrite.Error
	if errors.As(err, &at) && at.Line > 0 {
		return fmt.Sprintf("line %d: %s", at.Line, err)
	}
	return err.Error()
}

var (
	quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|`[^`]*`")
	number = regexp.MustCompile(`[0-9]+`)
)

// cause is an error message without what is particular to its file.
func cause(err error) string {
	var parse *dockerfile.Error
	msg := err.Error()
	if errors.As(err, &parse) {
		msg = parse.Msg
	}
	msg = quoted.ReplaceAllString(msg, "…")
	msg = number.ReplaceAllString(msg, "N")
	if rest, _, ok := strings.Cut(msg, "nknown instruction:"); ok {
		return rest + "nknown instruction"
	}
	if len(msg) > 110 {
		msg = strings.ToValidUTF8(msg[:110], "") + "…"
	}
	return msg
}

// ownFrames keeps the lines of a stack that name this module.
func ownFrames(stack []byte) string {
	var out []string
	for line := range strings.Lines(string(stack)) {
		if i := strings.Index(line, "/pkg/"); i >= 0 || strings.Contains(line, "/internal/") && strings.Contains(line, ".go:") {
			if strings.Contains(line, ".go:") && !strings.Contains(line, "/internal/tools/") {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(out, "\n")
}

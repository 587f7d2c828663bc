package rewrite

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// apply turns the fixes of all findings into new bytes, and proves them: the
// result is parsed again, and its instructions have to be the old ones, with
// the new ones in their places. Anything else is a bug, and nothing is returned.
func (p *Pass) apply() ([]byte, error) {
	changes := p.changes()
	if len(changes) == 0 {
		return p.Doc.Src, nil
	}
	var edits []diff.Edit
	// What is inserted at one place keeps this order: a comment on an instruction
	// that stays is next to it.
	slices.SortStableFunc(changes, func(a, b Change) int {
		switch {
		case a.kind != replaceText && b.kind == replaceText:
			return -1
		case a.kind == replaceText && b.kind != replaceText:
			return 1
		}
		return 0
	})
	for _, c := range changes {
		edits = append(edits, p.edits(c)...)
	}
	out, err := diff.Apply(p.Doc.Src, edits)
	if err != nil {
		return nil, fmt.Errorf("internal error: applying edits: %w", err)
	}
	if err := p.prove(out, changes); err != nil {
		return nil, err
	}
	if err := p.proveSteps(); err != nil {
		return nil, err
	}
	return out, nil
}

// ownCommands are those that the steps of fixes consist of.
var ownCommands = map[string]bool{"[": true, "addgroup": true, "adduser": true, "chgrp": true, "chmod": true, "chown": true, "command": true,
	"find": true, "git": true, "groupadd": true, "mkdir": true, "printf": true, "rm": true, "touch": true, "useradd": true}

// proveSteps holds that the steps call nothing but what fixes call: a name from the file or
// the image that reads as a command to the shell has come through unchecked.
func (p *Pass) proveSteps() error {
	for _, f := range p.findings {
		if f.Fix == nil {
			continue
		}
		for _, s := range f.Fix.Steps {
			script, err := dockerfile.ParseScript([]byte(s.Command))
			if err != nil {
				return fmt.Errorf("internal error: a step is no shell text: %w", err)
			}
			for _, c := range script.Commands() {
				if !ownCommands[c.Name] || c.Dynamic {
					return fmt.Errorf("internal error: a step calls %q", dockerfile.Clip(c.Name, 80))
				}
			}
		}
	}
	return nil
}

// changes collects the changes of all fixes, and adds the RUN that holds their
// steps.
func (p *Pass) changes() []Change {
	var changes []Change
	for _, f := range p.findings {
		if f.Fix != nil {
			changes = append(changes, f.Fix.Changes...)
		}
	}
	changes = onlyOnce(changes)
	steps := p.allSteps()
	if len(steps) == 0 {
		return changes
	}
	if own := p.beforeVolumes(steps); len(own) > 0 {
		changes = append(changes, own...)
		if steps = p.allSteps(); len(steps) == 0 {
			return changes
		}
	}
	return p.addRun(changes, steps)
}

// onlyOnce drops what two fixes say of the same place, a --chown for one.
func onlyOnce(changes []Change) []Change {
	type place struct {
		at       *dockerfile.Instruction
		from, to int
		text     string
	}
	seen := map[place]bool{}
	return slices.DeleteFunc(changes, func(c Change) bool {
		at := place{c.at, c.from, c.to, c.text}
		again := c.kind == replaceText && seen[at]
		seen[at] = seen[at] || c.kind == replaceText
		return again
	})
}

// allSteps collects the steps of all fixes.
func (p *Pass) allSteps() []Step {
	var steps []Step
	for _, f := range p.findings {
		if f.Fix != nil {
			steps = append(steps, f.Fix.Steps...)
		}
	}
	return steps
}

// edits turns a change into byte edits.
func (p *Pass) edits(c Change) []diff.Edit {
	switch c.kind {
	case insertBefore:
		lines := c.physical()
		if p.blankBefore(c.at) {
			lines = append(lines, "")
		}
		return []diff.Edit{p.Doc.InsertBefore(c.at, lines...)}
	case insertAfter:
		lines := c.physical()
		if p.blankAfter(c.at) {
			lines = append([]string{""}, lines...)
		}
		return []diff.Edit{p.Doc.InsertAfter(c.at, lines...)}
	}
	out := []diff.Edit{p.Doc.Replace(c.at, c.from, c.to, c.text)}
	if c.comment != "" && !p.commented(c.at, strings.TrimPrefix(c.comment, "# ")) {
		out = append(out, p.Doc.InsertAbove(c.at, c.comment))
	}
	return out
}

// speaksOfUsers is what a comment has that says who runs what follows.
var speaksOfUsers = regexp.MustCompile(`(?i)\b(users?|as|account|privileges?|(un|non-?)?root|switch(es)?)\b`)

// commented reports whether the comment right above an instruction names an account as the
// user already, or is nothing but its name.
func (p *Pass) commented(in *dockerfile.Instruction, name string) bool {
	var comment []string
	lines := bytes.Split(p.Doc.Src[:in.Span.Start], []byte("\n"))
	for i := len(lines) - 2; i >= 0; i-- {
		text, ok := bytes.CutPrefix(bytes.TrimSpace(lines[i]), []byte("#"))
		if !ok {
			break
		}
		if string(bytes.TrimSpace(text)) == name {
			return true
		}
		comment = append(comment, string(text))
	}
	text := strings.Join(comment, " ")
	return speaksOfUsers.MatchString(strings.ReplaceAll(text, name, "")) && slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r.,:;()'\"`", r) }), name)
}

// blankBefore reports whether a blank line stands above an instruction and its
// comment, as in files whose parts are set apart.
func (p *Pass) blankBefore(in *dockerfile.Instruction) bool {
	lines := bytes.Split(p.Doc.Src[:in.Span.Start], []byte("\n"))
	for i := len(lines) - 2; i >= 0; i-- {
		line := bytes.TrimSpace(lines[i])
		if len(line) == 0 {
			return true
		}
		if line[0] != '#' {
			return false
		}
	}
	return false
}

// blankAfter reports whether the line below an instruction is blank.
func (p *Pass) blankAfter(in *dockerfile.Instruction) bool {
	_, rest, found := bytes.Cut(p.Doc.Src[in.Span.End:], []byte("\n"))
	if !found {
		return false
	}
	line, _, found := bytes.Cut(rest, []byte("\n"))
	return found && len(bytes.TrimSpace(line)) == 0
}

func (c Change) physical() []string {
	if c.comment == "" {
		return c.lines
	}
	return append([]string{c.comment}, c.lines...)
}

// prove parses the new bytes and compares the list of logical instructions with
// the one that the changes predict.
func (p *Pass) prove(out []byte, changes []Change) error {
	doc, err := dockerfile.Parse(out)
	if err != nil {
		return fmt.Errorf("internal error: the patched Dockerfile does not parse: %w", err)
	}
	want := p.predict(changes)
	got := make([]string, len(doc.Instructions))
	for i, in := range doc.Instructions {
		got[i] = in.Original
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("internal error: the patched Dockerfile holds other instructions than predicted%s", firstDifference(want, got))
	}
	return p.proveRoot(doc, changes)
}

// proveRoot holds that every inserted RUN is run by root: another user may change
// nothing of what it changes, and the build would stop.
func (p *Pass) proveRoot(doc *dockerfile.Document, changes []Change) error {
	inserted := map[string]bool{}
	for _, c := range changes {
		if c.kind == replaceText {
			continue
		}
		for _, l := range p.logical(c) {
			inserted[l] = true
		}
	}
	user := "" // of the base or the stage before
	for _, in := range doc.Instructions {
		switch {
		case in.Keyword == "FROM":
			user = ""
		case in.Keyword == "USER":
			user = strings.TrimSpace(in.Text)
		case in.Keyword == "RUN" && inserted[in.Original] && user != "" && !p.isRoot(user):
			return fmt.Errorf("internal error: an inserted RUN would be run by %s", dockerfile.Clip(user, 80))
		}
	}
	return nil
}

// isRoot reports whether a word of USER stands for root.
func (p *Pass) isRoot(word string) bool {
	if (&simulate.State{}).ResolveUser(word, nil).Root() {
		return true
	}
	for in, u := range p.End.After {
		if u.Root() && strings.TrimSpace(in.Text) == word {
			return true // a variable
		}
	}
	return false
}

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf(": extra %q", dockerfile.Clip(got[i], 80))
		case i >= len(got):
			return fmt.Sprintf(": missing %q", dockerfile.Clip(want[i], 80))
		case want[i] != got[i]:
			return fmt.Sprintf(": %q instead of %q", dockerfile.Clip(got[i], 80), dockerfile.Clip(want[i], 80))
		}
	}
	return ""
}

// predict returns the logical instructions that the file holds after changes.
func (p *Pass) predict(changes []Change) []string {
	before := map[*dockerfile.Instruction][]string{}
	after := map[*dockerfile.Instruction][]string{}
	replaced := map[*dockerfile.Instruction][]Change{}
	for _, c := range changes {
		switch c.kind {
		case insertBefore:
			before[c.at] = append(before[c.at], p.logical(c)...)
		case insertAfter:
			after[c.at] = append(after[c.at], p.logical(c)...)
		default:
			replaced[c.at] = append(replaced[c.at], c)
		}
	}
	var want []string
	for _, in := range p.Doc.Instructions {
		want = append(want, before[in]...)
		want = append(want, replaceIn(in.Original, replaced[in]))
		want = append(want, after[in]...)
	}
	return want
}

func replaceIn(original string, changes []Change) string {
	slices.SortFunc(changes, func(a, b Change) int { return b.from - a.from })
	for _, c := range changes {
		original = original[:c.from] + c.text + original[c.to:]
	}
	return original
}

// logical joins physical lines into instructions as BuildKit does: without the
// escape and the line end, with the blanks.
func (p *Pass) logical(c Change) []string {
	var out []string
	indent := p.Doc.Indent(c.at)
	var b bytes.Buffer
	cont := strings.TrimSpace(p.Doc.Continuation())
	for _, l := range c.lines {
		if b.Len() > 0 {
			l = indent + l // only the first line's blanks are dropped
		}
		if rest, ok := strings.CutSuffix(l, cont); ok {
			b.WriteString(rest)
			continue
		}
		b.WriteString(l)
		out = append(out, b.String())
		b.Reset()
	}
	return out
}

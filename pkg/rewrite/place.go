package rewrite

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A changeKind says what a Change does.
type changeKind int

const (
	insertBefore changeKind = iota
	insertAfter
	replaceText
)

// A Change is one edit in terms of instructions. Rules make changes only with
// the functions of this file; apply turns them into bytes.
type Change struct {
	kind     changeKind
	at       *dockerfile.Instruction
	comment  string   // a line above the instruction, "" for none
	lines    []string // an insertion's instructions, as physical lines
	from, to int      // a replacement's range of at.Original
	text     string   // a replacement's text
	user     bool     // the inserted USER
	early    bool     // the RUN that makes the account at the start of the stage
}

// isBuild reports whether an instruction builds something, as opposed to one
// that sets the image's configuration.
func isBuild(in *dockerfile.Instruction) bool {
	switch in.Keyword {
	case "RUN", "COPY", "ADD", "WORKDIR":
		return true
	}
	return false
}

// isTail reports whether an instruction belongs to the block that ends most
// Dockerfiles.
func isTail(in *dockerfile.Instruction) bool {
	switch in.Keyword {
	case "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD":
		return true
	}
	return false
}

// buildsAfter reports whether a build step of the stage follows in.
func (p *Pass) buildsAfter(in *dockerfile.Instruction) bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(other *dockerfile.Instruction) bool {
		return other.Index > in.Index && isBuild(other)
	})
}

// onlySettingsAfter reports whether what follows in changes neither files nor
// the shell, so that a RUN does the same at the end of the stage.
func (p *Pass) onlySettingsAfter(in *dockerfile.Instruction) bool {
	return !p.buildsAfter(in) && !slices.ContainsFunc(p.Stage.Instructions, func(other *dockerfile.Instruction) bool {
		return other.Index > in.Index && (other.Keyword == "SHELL" || other.Keyword == "USER")
	})
}

// lastBuild returns the last build step of the stage, or its last USER if that
// comes later; FROM when there is neither.
func (p *Pass) lastBuild() *dockerfile.Instruction {
	last := p.Stage.From
	for _, in := range p.Stage.Instructions {
		if isBuild(in) || in.Keyword == "USER" || in.Keyword == "SHELL" || in.Keyword == "ARG" && last != p.Stage.From {
			last = in
		}
	}
	return last
}

// atEnd inserts lines behind the last build step and before the block of
// settings that ends the stage.
func (p *Pass) atEnd(comment string, lines ...string) Change {
	last := p.lastBuild()
	for _, in := range p.Stage.Instructions {
		if in.Index > last.Index && isTail(in) {
			return Change{kind: insertBefore, at: in, comment: comment, lines: lines, user: true}
		}
	}
	end := last
	if n := len(p.Stage.Instructions); n > 0 {
		end = p.Stage.Instructions[n-1]
	}
	return Change{kind: insertAfter, at: end, comment: comment, lines: lines, user: true}
}

// later returns whichever instruction of the final stage comes later; those of
// earlier stages do not count.
func (p *Pass) later(a, b *dockerfile.Instruction) *dockerfile.Instruction {
	a, b = p.inStage(a), p.inStage(b)
	switch {
	case a == nil:
		return b
	case b == nil || b.Index < a.Index:
		return a
	}
	return b
}

// lastOf returns the last of the instructions that belong to the stage.
func lastOf(stage *dockerfile.Stage, ins []*dockerfile.Instruction) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, in := range ins {
		if in.Stage == stage && (last == nil || in.Index > last.Index) {
			last = in
		}
	}
	return last
}

// A runPlace is where the RUN that apply assembles goes.
type runPlace struct {
	after  *dockerfile.Instruction // FROM or an instruction of the stage
	moment simulate.Moment         // what is in force there
	asRoot bool                    // USER 0:0 has to come first
}

// placeRun returns the earliest place behind after where root is the user. When
// there is none the RUN goes to the end of the build steps, between two USER.
func (p *Pass) placeRun(after *dockerfile.Instruction) runPlace {
	start := -1
	if after = p.later(p.later(after, p.squash), p.End.Tree); after != nil {
		start = after.Index
	}
	seq := append([]*dockerfile.Instruction{p.Stage.From}, p.Stage.Instructions...)
	for i, in := range seq {
		if in.Index < start {
			continue
		}
		m := p.momentAfter(seq, i)
		if m.User.By == nil && !p.baseIsRoot() {
			continue // the base may have a user of its own, whatever it is
		}
		if m.User.Root() && len(m.User.Missing) == 0 && !p.Doc.Dangling(in) {
			return runPlace{after: in, moment: m}
		}
	}
	last := p.lastBuild()
	i := slices.Index(seq, last)
	return runPlace{after: last, moment: p.momentAfter(seq, i), asRoot: true}
}

// inParent returns the USER of an earlier stage before which steps can run as root that
// would need a USER 0:0 in the final one, nil when there is none: what follows that USER
// is run by others, who cannot bring back what the steps take away.
func (p *Pass) inParent(steps []Step, place runPlace) *dockerfile.Instruction {
	if !place.asRoot || slices.ContainsFunc(steps, func(s Step) bool { return s.Order != stepStrip && s.Order != stepCaps || p.inStage(s.After) != nil }) {
		return nil
	}
	var at *dockerfile.Instruction // the last change from root to another user
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			after, sets := p.End.After[in]
			switch {
			case in.Keyword == "USER" && sets && after.Root():
				at = nil
			case in.Keyword == "USER" && at == nil && stage != p.Stage && p.End.Before[in].User.Root():
				at = in
			case at != nil && (slices.Contains(p.End.Installers, in) || p.callsSetID(in)):
				return nil
			}
		}
	}
	if at != nil && p.sudoElsewhere(at.Stage) {
		return nil
	}
	return at
}

// callsSetID reports whether a step of another user than root works by a set-id bit.
func (p *Pass) callsSetID(in *dockerfile.Instruction) bool {
	return slices.ContainsFunc(p.End.BitCalls, func(c simulate.BitCall) bool { return c.By == in })
}

// sudoElsewhere reports whether a stage that does not lead to the image calls what the
// image does not need.
func (p *Pass) sudoElsewhere(parent *dockerfile.Stage) bool {
	return slices.ContainsFunc(p.Doc.Stages, func(st *dockerfile.Stage) bool {
		return st.Index > parent.Index && !slices.Contains(p.Chain, st) && slices.ContainsFunc(st.Instructions, func(in *dockerfile.Instruction) bool {
			return setidCall.MatchString(in.Original)
		})
	})
}

// setidCall is a command that works through its setuid bit.
var setidCall = regexp.MustCompile(`\b(sudo|su|doas|gosu|ping|crontab|newgrp|passwd|chsh)\s`)

// momentAfter returns what is in force behind seq[i].
func (p *Pass) momentAfter(seq []*dockerfile.Instruction, i int) simulate.Moment {
	if i+1 < len(seq) {
		if m, ok := p.End.Before[seq[i+1]]; ok {
			return m
		}
	}
	return simulate.Moment{User: p.End.User, Workdir: p.End.Workdir, Shell: p.End.Shell, Env: p.End.Env}
}

// runLines writes commands as one RUN instruction. Under a shell that is not a
// POSIX one the exec form calls /bin/sh.
func (p *Pass) runLines(commands []string, shell []string) []string {
	keyword := p.Doc.KeywordCase("RUN")
	if !shellcmd.PosixShell(shell) {
		return []string{keyword + " " + execForm("/bin/sh", "-ec", strings.ReplaceAll(strings.Join(commands, " && "), "\n", " "))}
	}
	cont := p.Doc.Continuation()
	var lines []string
	for i, c := range commands {
		for j, l := range strings.Split(c, "\n") {
			switch {
			case i == 0 && j == 0:
				l = keyword + " " + l
			case j == 0:
				l = "    && " + l
			default:
				l = "       " + l
			}
			lines = append(lines, l)
		}
	}
	for i := range lines[:len(lines)-1] {
		lines[i] += cont
	}
	return lines
}

// execForm writes words as the JSON array of an exec form, with & and > as they
// are.
func execForm(words ...string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(words); err != nil {
		return "" // strings always encode
	}
	return strings.TrimSpace(b.String())
}

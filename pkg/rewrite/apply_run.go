package rewrite

import (
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// addRun puts all steps into one RUN. Where it stands next to the inserted USER
// the two become one block.
func (p *Pass) addRun(changes []Change, steps []Step) []Change {
	slices.SortStableFunc(steps, func(a, b Step) int { return a.Order - b.Order })
	var after *dockerfile.Instruction
	for _, s := range steps {
		after = p.later(after, s.After)
	}
	place := p.placeRun(after)
	var commands []string
	for _, s := range p.withoutMade(steps, place.after) {
		if !slices.Contains(commands, s.Command) {
			commands = append(commands, s.Command)
		}
	}
	p.insertsRun = true
	if at := p.inParent(steps, place); at != nil {
		return append(changes, Change{kind: insertBefore, at: at, comment: p.runComment(steps), lines: p.runLines(commands, p.End.Before[at].Shell)})
	}
	changes = p.keepRootFor(place, changes)
	lines := p.runLines(commands, place.moment.Shell)
	comment := p.runComment(steps)
	user := slices.IndexFunc(changes, func(c Change) bool { return c.user })
	if place.asRoot {
		lines = append([]string{p.Doc.KeywordCase("USER") + " 0:0"}, lines...)
		if by := p.beforeOwnUser(after); user < 0 && by != nil {
			// The owner's line brings the user back, as it is written.
			lines = append([]string{p.Doc.KeywordCase("USER") + " 0:0"}, p.runLines(commands, p.End.Before[by].Shell)...)
			return append(changes, Change{kind: insertBefore, at: by, comment: comment, lines: lines})
		}
		if user < 0 {
			changes = append(changes, p.atEnd("", p.Doc.KeywordCase("USER")+" "+p.restoreSpec()))
			user = len(changes) - 1
		}
	}
	if user >= 0 && (place.asRoot || p.onlySettingsAfter(place.after)) {
		changes[user].lines = append(lines, changes[user].lines...)
		if named := changes[user].comment; named != "" && !strings.Contains(comment, strings.TrimPrefix(named, "# ")) {
			comment = "# Run as " + strings.TrimPrefix(named, "# ") + ", and l" + strings.TrimPrefix(comment, "# L")
		}
		changes[user].comment = comment
		return changes
	}
	if i := earlyAt(changes, place.after); i >= 0 {
		changes[i].lines = joinRuns(changes[i].lines, lines, p.Doc.Continuation())
		changes[i].comment += " " + strings.TrimPrefix(comment, "# ")
		return changes
	}
	// Behind the settings that belong to the step, ENV for example, nothing
	// is gained; right behind it the reader sees what it is about.
	return append(changes, Change{kind: insertAfter, at: place.after, comment: comment, lines: lines})
}

// beforeOwnUser returns the last USER of the stage where a RUN of root can stand before
// it: what it depends on comes earlier, and the user is another one than root from there
// on. It is nil otherwise.
func (p *Pass) beforeOwnUser(after *dockerfile.Instruction) *dockerfile.Instruction {
	by := p.End.User.By
	if by == nil || by.Stage != p.Stage || p.End.User.Root() && len(p.End.User.Missing) == 0 {
		return nil
	}
	for _, in := range []*dockerfile.Instruction{p.later(after, nil), p.squash, p.End.Tree} {
		if in != nil && in.Stage == p.Stage && in.Index >= by.Index {
			return nil
		}
	}
	return by
}

// earlyAt returns the RUN that makes the account ahead of everything else, where it is
// the only thing that is inserted behind at; -1 when there is none.
func earlyAt(changes []Change, at *dockerfile.Instruction) int {
	found := -1
	for i, c := range changes {
		if c.kind == insertAfter && c.at == at {
			if found >= 0 || !c.early {
				return -1
			}
			found = i
		}
	}
	return found
}

// joinRuns makes one RUN of two whose lines are in the shell form.
func joinRuns(a, b []string, continuation string) []string {
	_, command, ok := strings.Cut(b[0], " ")
	if _, first, _ := strings.Cut(a[0], " "); !ok || strings.HasPrefix(command, "[") || strings.HasPrefix(first, "[") {
		return append(a, b...)
	}
	joined := slices.Clone(a)
	joined[len(joined)-1] += continuation
	return append(append(joined, "    && "+command), b[1:]...)
}

// keepRootFor leaves a USER root in its place where the RUN comes behind it: the new
// USER then follows the RUN instead of standing where root stood.
func (p *Pass) keepRootFor(place runPlace, changes []Change) []Change {
	for i, c := range changes {
		if c.kind == replaceText && c.at.Keyword == "USER" && c.at.Stage == p.Stage && c.at.Index <= place.after.Index && p.End.After[c.at].Root() {
			changes[i] = p.atEnd(c.comment, p.Doc.KeywordCase("USER")+" "+c.text)
		}
	}
	return changes
}

// restoreSpec is the USER that was in force before the inserted USER 0:0.
func (p *Pass) restoreSpec() string {
	if by := p.End.User.By; by != nil && by.Stage == p.Stage && p.End.User.Name == "" && p.fromArg(by.Text) {
		return strings.TrimSpace(by.Text) // a build argument may give it another value
	}
	if p.User.UID.Known {
		return p.User.Spec()
	}
	return p.End.User.Spec
}

// runComment says above the inserted RUN what it is for.
func (p *Pass) runComment(steps []Step) string {
	has := func(order int) bool {
		return slices.ContainsFunc(steps, func(s Step) bool { return s.Order == order })
	}
	who := p.User.Name
	if who == "" {
		who = "user " + p.User.Spec()
	}
	var text string
	switch {
	case has(stepAccount) && has(stepOwner):
		text = "Run as " + who + ", who owns what the program writes"
	case has(stepAccount):
		text = "Run as " + who + ", not root"
	case has(stepOwner) || has(stepRead):
		text = "Give " + who + " what the program needs"
	}
	var left string
	switch {
	case has(stepStrip) && has(stepCaps):
		left = "no setuid files or file capabilities"
	case has(stepStrip):
		left = "no setuid files"
	case has(stepCaps):
		left = "no file capabilities"
	}
	if kept := p.keptInImage(); has(stepStrip) && len(kept) > 0 {
		left += " but " + strings.Join(kept, ", ")
	}
	switch {
	case text == "":
		text = "Leave " + left
	case left != "":
		text += ", and leave " + left
	}
	return "# " + text + "."
}

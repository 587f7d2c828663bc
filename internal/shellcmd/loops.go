package shellcmd

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// maxSpread bounds how many ways of a command are looked at.
const maxSpread = 16

// A Bound is a command as one round of the loops around it calls it.
type Bound struct {
	dockerfile.Command
	Below bool // a word is any file below what it says
}

// Spread returns the ways in which a command runs: with each value of the variables of the
// loops that it stands in.
func Spread(c dockerfile.Command) []Bound {
	out := []Bound{{Command: c}}
	for l := c.Loop; l != nil; l = l.Outer {
		if !VariableName.MatchString(l.Var) {
			continue
		}
		use := regexp.MustCompile(`\$(?:` + l.Var + `\b|\{` + l.Var + `\})`)
		if !uses(c, use) {
			continue
		}
		var next []Bound
		for _, s := range out {
			for _, item := range l.Items {
				if !strings.ContainsAny(item.Value, "$`") && len(next) < maxSpread {
					next = append(next, Bound{bind(s.Command, use, item.Value), s.Below})
				}
			}
			for _, dir := range l.Found {
				if len(next) < maxSpread {
					next = append(next, Bound{bind(s.Command, use, dir.Value), true})
				}
			}
		}
		if next != nil {
			out = next
		}
	}
	return out
}

func uses(c dockerfile.Command, variable *regexp.Regexp) bool {
	return slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return !w.Static && variable.MatchString(w.Value) }) ||
		slices.ContainsFunc(c.Redirects, func(red dockerfile.Redirect) bool {
			return !red.Target.Static && variable.MatchString(red.Target.Value)
		})
}

// bind replaces a variable in the words of a command by a value.
func bind(c dockerfile.Command, variable *regexp.Regexp, value string) dockerfile.Command {
	word := func(w dockerfile.Word) dockerfile.Word {
		if w.Static || !variable.MatchString(w.Value) {
			return w
		}
		w.Value = variable.ReplaceAllLiteralString(w.Value, value)
		if !strings.ContainsAny(w.Value, "$`") {
			w.Value, w.Static = strings.NewReplacer(`"`, "", `'`, "").Replace(w.Value), true
		}
		return w
	}
	args := make([]dockerfile.Word, len(c.Args))
	for i, w := range c.Args {
		args[i] = word(w)
	}
	redirects := slices.Clone(c.Redirects)
	for i := range redirects {
		redirects[i].Target = word(redirects[i].Target)
	}
	c.Args, c.Redirects = args, redirects
	return c
}

// VariableName is a name that a variable may have (POSIX, base definitions, Name).
var VariableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

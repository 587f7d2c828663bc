package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// maxSpread bounds how many ways of a command are looked at.
const maxSpread = 16

// A spreadCommand is a command as one round of the loops around it calls it.
type spreadCommand struct {
	dockerfile.Command
	below bool // a word is any file below what it says
}

// spread returns the ways in which a command runs: with each value of the variables of the
// loops that it stands in.
func spread(c dockerfile.Command) []spreadCommand {
	out := []spreadCommand{{Command: c}}
	for l := c.Loop; l != nil; l = l.Outer {
		if !variableName.MatchString(l.Var) {
			continue
		}
		use := regexp.MustCompile(`\$(?:` + l.Var + `\b|\{` + l.Var + `\})`)
		if !uses(c, use) {
			continue
		}
		var next []spreadCommand
		for _, s := range out {
			for _, item := range l.Items {
				if !strings.ContainsAny(item.Value, "$`") && len(next) < maxSpread {
					next = append(next, spreadCommand{bind(s.Command, use, item.Value), s.below})
				}
			}
			for _, dir := range l.Found {
				if len(next) < maxSpread {
					next = append(next, spreadCommand{bind(s.Command, use, dir.Value), true})
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

// runsDirectory follows the scripts of a directory that a script starts one after the other:
// run-parts DIR, and for f in DIR/*.sh; do . "$f"; done.
func (r *entryReader) runsDirectory(c dockerfile.Command, name, where string, ctx reach, depth int) {
	pattern := ""
	switch {
	case name == "run-parts":
		if _, operands := splitOptions(r.readable(c.Args), map[string]string{"-a": "arg", "--arg": "arg", "--regex": "regex"}); len(operands) > 0 {
			pattern = path.Join(operands[len(operands)-1], "*")
		}
	case c.Loop == nil:
	case c.Dynamic:
		pattern = loopPattern(c.Loop, c.Path)
	case (name == "." || name == "source" || isShell(name) || name == "exec") && len(c.Args) > 0:
		pattern = loopPattern(c.Loop, c.Args[0].Value)
	}
	if !path.IsAbs(pattern) || depth > maxFollow {
		return
	}
	for _, file := range r.filesLike(pattern) {
		r.called([]string{file}, where, ctx, depth+1)
	}
}

// loopPattern returns the pattern of the files that a variable of a loop stands for, "" where
// the word is another one.
func loopPattern(l *dockerfile.Loop, word string) string {
	m := oneVariable.FindStringSubmatch(word)
	if m == nil || m[1] != l.Var || len(l.Items) != 1 {
		return ""
	}
	return strings.NewReplacer(`"`, "", `'`, "").Replace(l.Items[0].Value)
}

// filesLike returns the files that the image gets by COPY right in the directory of a pattern
// and that match it.
func (r *entryReader) filesLike(pattern string) []string {
	var out []string
	dir := path.Dir(pattern)
	for _, c := range r.End.Copies {
		names, _ := r.copiedInto(c, dir)
		for _, name := range names {
			if ok, err := path.Match(pattern, name); ok && err == nil && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

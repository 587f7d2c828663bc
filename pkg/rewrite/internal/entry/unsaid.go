package entry

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// An Unsaid is a file that a script writes, and whose name only running it would tell.
type Unsaid struct {
	Where, Target string
	at            int // where its command stands
}

// maxUnsaid bounds how many of them are remembered.
const maxUnsaid = 64

// notInImage matches targets that are no file of the image, or one that the script makes for
// itself in a place which is everybody's.
var notInImage = regexp.MustCompile(`^[<>]\(|^"?(/tmp/|/var/tmp/|/dev/|/proc/|\$\(mktemp|\$\{?(TMPDIR|HOME)\b|(?i:\$\{?[a-z_]*te?mp)|~)`)

// noteUnsaid remembers what a command writes whose name is not known. A function may be read
// with several arguments: one reading that knows the name is enough.
func (r *Reader) noteUnsaid(c dockerfile.Command, name, where string) {
	if r.BaseScript(where) || c.FailureHandled || c.Loop != nil {
		return
	}
	targets := r.rawTargets(c, name)
	if len(targets) == 0 {
		return
	}
	unknown := slices.DeleteFunc(targets, func(w dockerfile.Word) bool {
		_, known := r.name(w)
		return known || !strings.ContainsAny(w.Value, "$`") || notInImage.MatchString(w.Value) || r.scratch(w.Value)
	})
	same := func(u Unsaid) bool { return u.Where == where && u.at == c.Pos }
	if len(unknown) == 0 {
		r.e.Unsaid = slices.DeleteFunc(r.e.Unsaid, same)
		return
	}
	if len(r.e.Unsaid) < maxUnsaid && !slices.ContainsFunc(r.e.Unsaid, same) {
		r.e.Unsaid = append(r.e.Unsaid, Unsaid{where, dockerfile.Clip(strings.Trim(unknown[0].Value, `"`), 60), c.Pos})
	}
}

// scratch reports whether a word starts with a variable that mktemp has set.
func (r *Reader) scratch(word string) bool {
	m := UsedVariable.FindStringSubmatchIndex(word)
	return m != nil && strings.Trim(word[:m[0]], `"`) == "" && r.temporary[word[m[4]:m[5]]]
}

// rawTargets returns the words of the files that a command opens or replaces: redirections,
// and what sed -i and tee are given.
func (r *Reader) rawTargets(c dockerfile.Command, name string) []dockerfile.Word {
	var out []dockerfile.Word
	for _, red := range c.Redirects {
		if shellcmd.WritesFile(red) {
			out = append(out, red.Target)
		}
	}
	if (name != "sed" || c.MoreArgs) && name != "tee" {
		return out
	}
	for _, t := range shellcmd.Writers[name].Targets(c.Args, name) {
		if t != "{}" {
			out = append(out, dockerfile.Word{Value: t})
		}
	}
	return out
}

package simulate

import (
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// asksForAccount matches a condition that asks whether an account or a group is there.
var asksForAccount = regexp.MustCompile(`\bid\s|\bgetent\s+(passwd|group)\b|/etc/(passwd|group)\b`)

// guards returns the conditions on which the commands of a script depend, by their branches.
func guards(cmds []dockerfile.Command) map[string]string {
	out := map[string]string{}
	for _, c := range cmds {
		if _, ok := out[c.Branch]; !ok && c.Branch != "" {
			out[c.Branch] = c.Guard
		}
	}
	return out
}

// unsureNumber forgets the number that a command gives an account which an unknown base may
// have with another.
func (s *simulator) unsureNumber(name string) {
	if s.base.Known.Accounts {
		return
	}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Name == name {
			a.UID, a.GID, a.Asked = Number{}, Number{}, true
		}
	}
}

// madeIfMissing reports whether a command makes an account or a group on the one condition
// that it is not there yet: id app || useradd app. It exists afterwards for certain.
func (s *simulator) madeIfMissing(c dockerfile.Command) (name string, ok bool) {
	_, words := shellcmd.Split(c.Args, nil)
	if !c.Conditional || c.FailureHandled || len(words) == 0 || !asksForAccount.MatchString(c.Guard) {
		return "", false
	}
	name = words[len(words)-1]
	missing := strings.HasPrefix(c.Guard, "! ") != strings.HasPrefix(c.Guard, "! ! ") || strings.Contains(c.Guard, "-z ")
	if !missing || !ValidName(name) || !regexp.MustCompile(`(^|[^A-Za-z0-9_-])`+regexp.QuoteMeta(name)+`([^A-Za-z0-9_-]|$)`).MatchString(c.Guard) {
		return "", false
	}
	for i := range c.Branch {
		if i == 0 || c.Branch[i] != '/' {
			continue
		}
		if outer, known := s.guards[c.Branch[:i]]; known && outer != c.Guard {
			return "", false // on another condition, too
		}
	}
	return name, true
}

package simulate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A Collision is an account or a group that a step makes with a number which the base has
// given away: useradd and its like fail, and with them the build.
type Collision struct {
	By     *dockerfile.Instruction
	Name   string // whom the step makes
	Holder string // who has the number
	Number int
	Group  bool
}

// maxCollisions bounds how many are told: the first stops the build.
const maxCollisions = 8

// changesAccounts matches what frees a number.
var changesAccounts = regexp.MustCompile(`\b(userdel|deluser|groupdel|delgroup|usermod|groupmod)\b|/etc/(passwd|group|shadow)\b`)

// collides notes an account or a group whose number is taken, where no step before may have
// freed it.
func (s *simulator) collides(in *dockerfile.Instruction, command string, c dockerfile.Command) {
	if c.Conditional || c.FailureHandled || !s.base.Known.Accounts || len(s.Collisions) >= maxCollisions {
		return
	}
	group := strings.HasPrefix(command, "group") || command == "addgroup"
	takes := map[string]string{"-u": "number", "--uid": "number"}
	if group {
		takes = map[string]string{"-g": "number", "--gid": "number"}
	}
	o, words := shellcmd.Split(c.Args, takes)
	n, err := strconv.Atoi(o.Value("number"))
	if err != nil || len(words) == 0 || o.Has("-o") || o.Has("--non-unique") || group && (o.Has("-f") || o.Has("--force")) {
		return
	}
	holder, taken := s.holder(n, group)
	if name := words[len(words)-1]; taken && holder != name && ValidName(name) && ValidName(holder) && !s.mayFree(in) {
		s.Collisions = append(s.Collisions, Collision{By: in, Name: name, Holder: holder, Number: n, Group: group})
	}
}

// holder returns the account or group of the base that has a number.
func (s *simulator) holder(n int, group bool) (string, bool) {
	if group {
		g, ok := s.GroupByGID(Num(n))
		return g.Name, ok && g.By == nil
	}
	a, ok := s.AccountByUID(n)
	return a.Name, ok && a.By == nil
}

// mayFree reports whether a step up to this one changes or removes accounts, whichever.
func (s *simulator) mayFree(in *dockerfile.Instruction) bool {
	if s.frees == nil {
		first := slices.IndexFunc(s.doc.Instructions, func(o *dockerfile.Instruction) bool {
			return o.Keyword == "RUN" && changesAccounts.MatchString(o.Original)
		})
		s.frees = &first
	}
	return *s.frees >= 0 && s.doc.Instructions[*s.frees].Index <= in.Index
}

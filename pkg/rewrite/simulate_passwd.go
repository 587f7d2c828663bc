package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// passwdLines reads accounts that a command writes to /etc/passwd or /etc/group
// by redirection.
func (s *simulator) passwdLines(in *dockerfile.Instruction, c dockerfile.Command) {
	for _, r := range c.Redirects {
		if !r.Target.Static || r.Target.Value != "/etc/passwd" && r.Target.Value != "/etc/group" {
			continue
		}
		text := r.Body
		for _, a := range c.Args {
			if a.Static {
				text += "\n" + strings.ReplaceAll(a.Value, `\n`, "\n")
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			s.passwdLine(in, r.Target.Value, strings.TrimSpace(line), !c.Conditional)
		}
	}
}

func (s *simulator) passwdLine(in *dockerfile.Instruction, file, line string, certain bool) {
	f := strings.Split(line, ":")
	if len(f) < 3 || !validName(f[0]) {
		return
	}
	n, err := strconv.Atoi(f[2])
	if err != nil {
		return
	}
	if file == "/etc/group" {
		g := Group{Name: f[0], GID: Num(n), By: in}
		if len(f) > 3 && f[3] != "" {
			g.Members = strings.Split(f[3], ",")
		}
		s.addGroup(g)
		return
	}
	a := Account{Name: f[0], UID: Num(n), By: in, Certain: certain}
	if len(f) > 3 {
		if g, err := strconv.Atoi(f[3]); err == nil {
			a.GID = Num(g)
		}
	}
	if len(f) > 5 {
		a.Home = f[5]
	}
	s.addAccount(a)
}

// copiedPasswd notes that /etc/passwd comes from elsewhere: what the base said
// about accounts no longer holds for the names, so they become uncertain.
func (s *simulator) copiedPasswd(in *dockerfile.Instruction, c Copy) {
	hit := c.Dest == "/etc/passwd" || (c.Dest == "/etc/" || c.Dest == "/etc") && slices.ContainsFunc(c.Sources, func(p string) bool {
		b := path.Base(p)
		return b == "passwd" || b == "group"
	})
	if !hit {
		return
	}
	for _, h := range in.Heredocs {
		for line := range strings.SplitSeq(h.Content, "\n") {
			s.passwdLine(in, "/etc/passwd", strings.TrimSpace(line), true)
		}
	}
	if len(in.Heredocs) == 0 {
		s.PasswdFrom = &s.Copies[len(s.Copies)-1]
	}
}

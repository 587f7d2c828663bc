package rewrite

import (
	"fmt"
	"path"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

// supervisedAccounts says why the programs under a supervisord cannot all run as
// one account: two want different ones, or one wants its own and what another
// needs is not known.
func (p *Pass) supervisedAccounts() string {
	first, apart := p.firstAccount()
	if apart != "" {
		return apart
	}
	for _, c := range p.Entry.Programs {
		switch {
		case c.Program == nil && first.Program != nil && len(c.Args) > 0:
			return fmt.Sprintf("%s runs as %s, and what %s needs beside it is not known", p.nameOf(first.Program), first.variant.Account.Name, dockerfile.Clip(path.Base(c.Args[0]), 40))
		case c.Program != nil && c.Program.Variants[0].Account.Name != "" && !p.isRunning(c.Program):
			return "what " + p.nameOf(c.Program) + " writes in this image is not known"
		}
	}
	return ""
}

// firstAccount returns the first program that wants an account, and says which other
// wants another; "" when none does.
func (p *Pass) firstAccount() (first running, apart string) {
	for _, r := range p.running() {
		a, b := first.variant.Account.Name, r.variant.Account.Name
		switch {
		case b == "":
		case a == "":
			first = r
		case a != b:
			return first, fmt.Sprintf("%s wants the account %s and %s wants %s", p.nameOf(first.Program), a, p.nameOf(r.Program), b)
		}
	}
	return first, ""
}

func (p *Pass) isRunning(prog *programs.Program) bool {
	return slices.ContainsFunc(p.running(), func(r running) bool { return r.Program == prog })
}

// refuseSupervisor says why supervisord needs root here, nil when it does not.
func (p *Pass) refuseSupervisor(c programs.Command) *Refusal {
	s := p.Entry.Supervisor
	why, hint := "it is not known what it starts", c.Program.Instead
	if s != nil {
		why = s.Against
		if why == "" && len(p.Entry.Unread) > 0 {
			why = p.Entry.Unread[0] + " could not be read"
		}
		if i := slices.IndexFunc(s.Files, func(f string) bool { return slices.Contains(p.Entry.Written, f) }); why == "" && i >= 0 {
			why = p.Entry.WrittenBy[s.Files[i]] + " changes its configuration"
		}
		if why == "" {
			why, hint = p.supervisedAccounts(), "one program to a container" // no user= is in the way
		}
		if why == "" {
			return nil
		}
	}
	return &Refusal{Reason: InitSystem, Line: p.at(p.Entry.By), Message: "supervisord: " + why, Hint: hint}
}

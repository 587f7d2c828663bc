package rewrite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// pin gives a fixed number to the account that the image is to run as, where
// the file makes it without one: useradd app becomes useradd --uid 1000 app.
//
// An image that is non-root already must keep its number, because its volumes
// hold files of that number. It is pinned only where the number is certain: the
// first free one from 1000 up, which is what useradd and adduser give to
// accounts that are not system accounts (login.defs(5) UID_MIN, adduser.conf(5)
// FIRST_UID), on a base whose accounts are all known. An image that was root
// until now has no such files, and gets a number of the tool's own, unless its program
// changes to the account by itself.
func (p *Pass) pin(name string, wasRoot bool) ([]Change, bool) {
	i := slices.IndexFunc(p.End.Accounts, func(a simulate.Account) bool { return a.Name == name })
	if i < 0 {
		return nil, false
	}
	a := p.End.Accounts[i]
	if a.UID.Known || a.Asked || a.By == nil || !a.Certain || a.Program != "" || a.Command == "" {
		return nil, false
	}
	in := p.End // the stage that makes the account
	if a.From != nil {
		in = a.From
	}
	n, ok := p.pinNumber(in, a, wasRoot)
	if !ok {
		return nil, false
	}
	changes := p.addOption(a.By, a.Command, uidOption(in.Busybox(), a.Command), n)
	if changes == nil {
		return nil, false
	}
	gid := a.GID
	if _, ok := in.Group(a.Name); !gid.Known && (a.Group != "" || ok) {
		// Without a number of the group USER has that of the account alone, and
		// the engine takes the group from /etc/passwd.
		var more []Change
		more, gid = p.pinGroup(in, a, n, wasRoot)
		changes = append(changes, more...)
	}
	p.settle(i, simulate.Num(n), gid)
	return changes, true
}

// runsAsToday reports whether the program changes to the account although the image
// starts as root: its files, those in volumes too, belong to the number it has now.
func (p *Pass) runsAsToday(name string) bool {
	return p.programAccountNamed(name) || p.toldAs().user == name || slices.ContainsFunc(p.Entry.Drops, func(d entry.Drop) bool { return d.User == name }) ||
		slices.ContainsFunc(p.Entry.Argv, func(w string) bool { return w == "--user="+name })
}

// pinGroup gives a number to the group that a command of its own makes for the
// account, or finds the one that comes along with it. The number stays unknown where that
// cannot be.
func (p *Pass) pinGroup(in *simulate.State, a simulate.Account, uid int, wasRoot bool) ([]Change, simulate.Number) {
	switch {
	case a.Group == "" && a.Command == "useradd":
		return nil, in.OwnGroup(simulate.Num(uid), a.System)
	case a.Group == "":
		return nil, simulate.Num(uid) // adduser takes the same number
	}
	j := slices.IndexFunc(in.Groups, func(g simulate.Group) bool { return g.Name == a.Group })
	if j < 0 {
		return nil, simulate.Number{}
	}
	g, n := in.Groups[j], uid
	if !wasRoot {
		var ok bool
		if n, ok = in.GroupNumberToday(g); !ok {
			return nil, simulate.Number{}
		}
	}
	changes := p.addOption(g.By, g.Command, gidOption(in.Busybox(), g.Command), n)
	if changes == nil {
		return nil, simulate.Number{}
	}
	in.Groups[j].GID = simulate.Num(n)
	return changes, simulate.Num(n)
}

// settle writes the number into everything that names the account.
func (p *Pass) settle(i int, uid, gid simulate.Number) {
	name := p.End.Accounts[i].Name
	p.End.Accounts[i].UID, p.End.Accounts[i].GID = uid, gid
	for j := range p.End.Groups {
		if p.End.Groups[j].Name == name && !p.End.Groups[j].GID.Known {
			p.End.Groups[j].GID = gid
		}
	}
	for _, d := range p.End.Dirs {
		if d.Owner == name {
			d.UID = uid
		}
	}
	if p.End.User.Name == name {
		by := p.End.User.By
		p.End.User = p.End.ResolveUser(p.End.User.Spec, by)
	}
}

// pinNumber returns the number to pin in the stage that makes the account.
func (p *Pass) pinNumber(in *simulate.State, a simulate.Account, wasRoot bool) (int, bool) {
	if wasRoot {
		n, _ := p.freeID(p.opts.UID, p.opts.GID)
		return n, true
	}
	if a.System {
		return in.SystemNumber(a)
	}
	if !in.Facts.Known.Accounts && !in.Facts.Known.People {
		return 0, false
	}
	n := 1000
	for _, b := range in.Accounts {
		if b.Name == a.Name {
			break // made later: not there yet
		}
		if !b.UID.Known && !b.System {
			return 0, false
		}
		if b.UID.Known && b.UID.N >= n && b.UID.N < 60000 {
			n = b.UID.N + 1
		}
	}
	_, taken := in.GroupByGID(simulate.Num(n))
	return n, !taken || a.GID.Known
}

func uidOption(busybox bool, command string) string {
	if busybox && command == "adduser" {
		return "-u"
	}
	return "--uid"
}

func gidOption(busybox bool, command string) string {
	if busybox && command == "addgroup" {
		return "-g"
	}
	return "--gid"
}

// addOption inserts an option behind the name of a command of a RUN. The name
// must stand there once, so that there is no doubt which command is meant.
func (p *Pass) addOption(in *dockerfile.Instruction, command, option string, n int) []Change {
	if in == nil || command == "" || in.JSON || len(in.Heredocs) > 0 {
		return nil
	}
	re := regexp.MustCompile(`(^|[\s;&|({/])` + regexp.QuoteMeta(command) + `[ \t]`)
	all := re.FindAllStringIndex(in.Original, -1)
	if len(all) != 1 || strings.Count(in.Original, command) != 1 {
		return nil
	}
	at := all[0][1] - 1
	return []Change{{kind: replaceText, at: in, from: at, to: at, text: fmt.Sprintf(" %s %d", option, n)}}
}

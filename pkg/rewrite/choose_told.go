package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A toldAccount is the account that a program is told to change to, by its options or its
// configuration, and as which it does not stop: any other may not change to it.
type toldAccount struct {
	command     programs.Command
	user, group string // a name or a number, "" where none is told
	by          string // what tells it, for the reader
}

// toldAs returns the first account that a program of the image is told to change to.
func (p *Pass) toldAs() toldAccount {
	if p.memo.told == nil {
		t := p.findTold()
		p.memo.told = &t
	}
	return *p.memo.told
}

func (p *Pass) findTold() toldAccount {
	for _, c := range p.Entry.Programs {
		if c.Program == nil || len(c.Args) == 0 {
			continue
		}
		for _, v := range c.Program.Variants {
			for _, n := range v.Needs {
				if !n.Own || !n.Fatal {
					continue
				}
				if t := p.toldBy(c, n); t.user != "" || t.group != "" {
					return t
				}
			}
		}
	}
	return toldAccount{}
}

// toldBy returns the account that one kind of setting names. An option is read before the
// configuration, as most programs do.
func (p *Pass) toldBy(c programs.Command, n programs.Need) toldAccount {
	t := toldAccount{command: c}
	for _, option := range n.Accounts {
		if flag, value, ok := flagIn(c.Args[1:], []string{option}); ok {
			t.note(option, value, path.Base(c.Args[0])+" "+flag)
		}
	}
	if !n.Changes {
		return t
	}
	for _, text := range p.configTexts(p.configFile(n, c.Args, "")) {
		for _, s := range settingsIn(text.text, n.Setting) {
			t.note(s.name, s.value, s.name+" in "+path.Base(text.where))
		}
	}
	return t
}

// note takes the value of one setting, which root's is as good as none: the program then
// changes to nobody.
func (t *toldAccount) note(setting, value, by string) {
	if value == "" || value == "root" || value == "0" || strings.ContainsAny(value, "$%@") {
		return
	}
	of := &t.user
	if strings.Contains(setting, "gid") || strings.Contains(setting, "group") || setting == "-g" {
		of = &t.group
	}
	if *of == "" {
		*of = value
	}
	if t.by == "" {
		t.by = by
	}
}

// toldChoice returns the account that a program is told to change to, where the image has
// it: the program works as that one and as no other.
func (p *Pass) toldChoice() (Choice, bool) {
	t := p.toldAs()
	if t.user == "" {
		t.user = t.group // a group alone: the account that goes by its name
	}
	if t.user == "" {
		return Choice{}, false
	}
	c, ok := p.accountCalled(t)
	if !ok || !p.joins(&c, t.group) {
		return Choice{}, false
	}
	if other, ok := p.programAccount(true); ok && other.Name != c.Name {
		return Choice{}, false // one of them stops, whoever it is
	}
	c.How, c.Program = ChoiceProgram, t.command.Program
	own := slices.ContainsFunc(p.running(), func(r running) bool { return r.Program == c.Program && r.variant.Account.Name == c.Name })
	if !own {
		c.Told = t.by
	}
	return c, true
}

// accountCalled finds the account of that name or number: the image's own, that of a
// package, or a new one with the number that is asked for.
func (p *Pass) accountCalled(t toldAccount) (Choice, bool) {
	if n, err := strconv.Atoi(t.user); err == nil {
		return p.accountNumbered(n, t.group)
	}
	if systemAccount[t.user] || !simulate.ValidName(t.user) {
		return Choice{}, false
	}
	if a, ok := p.End.Account(t.user); ok && (a.Program == "" || a.UID.Known) {
		return p.account(a, ChoiceProgram), usable(a)
	}
	for _, r := range p.running() {
		if r.variant.Account.Name == t.user {
			return p.accountOf(r)
		}
	}
	v, _ := t.command.Program.VariantIn(p.family(), p.Repository())
	if v.Offers.Name == t.user {
		r := running{Command: t.command, variant: v}
		r.variant.Account = v.Offers
		if pkg, ok := p.installs(v.Packages); ok && pkg.Foreign == "" {
			r.by = pkg.By
			return p.accountOf(r)
		}
	}
	if t.user == "www-data" && p.family() == "debian" && !p.Base.Known.Accounts {
		return Choice{Name: t.user, UID: simulate.Num(33), GID: simulate.Num(33), Home: "/var/www"}, true // base-passwd's, always
	}
	return Choice{}, false
}

// accountNumbered is accountCalled for a number.
func (p *Pass) accountNumbered(n int, group string) (Choice, bool) {
	if a, ok := p.End.AccountByUID(n); ok {
		return p.account(a, ChoiceProgram), usable(a) && !systemAccount[a.Name]
	}
	gid, err := strconv.Atoi(group)
	if group != "" && err != nil || n <= 0 || gid < 0 || max(n, gid) > 65535 {
		return Choice{}, false
	}
	if group == "" {
		gid = n
	}
	name := p.freeName("appuser")
	steps, ok := p.makeAccount(name, n, gid)
	return Choice{Name: name, UID: simulate.Num(n), GID: simulate.Num(gid), Home: "/home/" + name, Make: steps}, ok
}

// joins gives the account the group that the program is told. It is no use where the
// number of the group cannot be known.
func (p *Pass) joins(c *Choice, group string) bool {
	if group == "" || group == c.Name && c.GID.Known {
		return true
	}
	gid := simulate.Number{}
	if n, err := strconv.Atoi(group); err == nil {
		gid = simulate.Num(n)
	} else if g, ok := p.End.Group(group); ok {
		gid = g.GID
	}
	if group == c.Name || gid == c.GID && gid.Known {
		return true
	}
	if gid.Known && gid.N > 0 {
		c.GID, c.Groups = gid, false
	}
	return gid.Known && gid.N > 0
}

// toldGroup reports whether a name is that of the group which the account has.
func (p *Pass) toldGroup(c Choice, name string) bool {
	g, ok := p.End.Group(name)
	return ok && g.GID.Known && g.GID == c.GID || slices.ContainsFunc(p.running(), func(r running) bool {
		return r.variant.Account.Name == c.Name && r.variant.Account.Group == name
	})
}

package rewrite

import (
	"fmt"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// unknownBase are the facts of a base that the file shows to be another than was
// thought. A file system that is unpacked over the empty image has a shell only if a
// step of the file uses it.
func (p *Pass) unknownBase(base dockerfile.Base) *imageinspect.Facts {
	f := imageinspect.UnknownImage(p.Base.Reference)
	if base.Scratch && !p.hasShell() {
		f = imageinspect.Scratch()
		f.Known.Accounts, f.Known.Privileged = false, false
	}
	p.keepConfirmed(f)
	return f
}

// firstPerson is the number that the first account for people gets, whichever tool makes it
// (login.defs(5), UID_MIN; adduser.conf(5), FIRST_UID).
const firstPerson = 1000

// keepConfirmed keeps the account of the catalogue that the file itself switches to: that
// this tag has it is certain then. Its number is certain only where it is the one that the
// account would get anyway: selenium's seluser was given 1200, and grafana 472, in some later
// version. Everything else that the catalogue says may be of that version, too.
func (p *Pass) keepConfirmed(f *imageinspect.Facts) {
	if p.Base.Origin.Kind != imageinspect.FromCatalogue || p.End.OtherFamily {
		return
	}
	for _, a := range p.Base.Accounts {
		if a.UID != firstPerson || !p.switchesTo(a) {
			continue
		}
		f.Accounts = append(f.Accounts, a)
		f.Warnings = append(f.Warnings, fmt.Sprintf("the catalogue says that %s starts as %s, but steps work as root before any USER does so: of the catalogue only the number of %s is taken",
			p.Base.Reference, p.Base.Config.User, a.Name))
		for _, g := range p.Base.Groups {
			if g.GID == a.GID || slices.Contains(g.Members, a.Name) {
				f.Groups = append(f.Groups, g)
			}
		}
	}
}

// switchesTo reports whether a USER of the file names the account.
func (p *Pass) switchesTo(a imageinspect.Account) bool {
	for _, u := range p.End.After {
		if u.Name == a.Name && u.UID.Known && u.UID.N == a.UID {
			return true
		}
	}
	return false
}

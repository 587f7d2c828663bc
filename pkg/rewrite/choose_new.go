package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// makesAccounts matches a step that makes accounts, whichever they are.
var makesAccounts = regexp.MustCompile(`\b(useradd|adduser|newusers|systemd-sysusers)\b|/etc/passwd\b`)

// missing reports whether USER of the file names an account that the image is known
// not to have: it does not start.
func (p *Pass) missing(u simulate.User) bool {
	if u.By == nil || u.By.Stage != p.Stage || u.Name == "" || u.UID.Known || u.Group != "" || len(u.Missing) > 0 || !simulate.ValidName(u.Name) {
		return false
	}
	return p.lacks(u.Name)
}

// lacks reports whether the image is known to have no account of that name.
func (p *Pass) lacks(name string) bool {
	if _, ok := p.End.Account(name); ok || !p.Base.Known.Accounts {
		return false
	}
	// Whatever nobody here can follow may make it: a loop over useradd, a script, tee -a.
	if slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "RUN" && makesAccounts.MatchString(in.Original)
	}) {
		return false
	}
	return len(p.End.Packages) == 0 && !p.End.Unseen && !slices.ContainsFunc(p.End.Copies, p.mayBringAccounts)
}

// mayBringAccounts reports whether a copy may put another list of accounts into the image.
// Plain files of the build context in the root directory are none.
func (p *Pass) mayBringAccounts(c simulate.Copy) bool {
	dest := path.Clean(c.Dest)
	return c.Opaque || imagepath.Below(dest, "/etc") || dest == "/" && !p.BringsFiles(c)
}

// makeMissing makes the account that USER names.
func (p *Pass) makeMissing(name string) Choice {
	uid, gid := p.freeID(p.opts.UID, p.opts.GID)
	steps, ok := p.makeAccount(name, uid, gid)
	if !ok {
		c := p.bareNumber(uid, gid)
		c.How = ChoiceMissing
		return c
	}
	return Choice{How: ChoiceMissing, Name: name, UID: simulate.Num(uid), GID: simulate.Num(gid), Home: "/home/" + name, Make: steps}
}

// defaultID is the number of a new account: above what distributions hand out
// to people (1000 and up) and low enough for every tool (busybox stops at
// 256000; sparse lastlog files grow with the number, moby/moby#5419).
const defaultID = 10001

func (p *Pass) newAccount() Choice {
	name := p.opts.User
	if name == "" {
		name = p.freeName("appuser")
	}
	uid, gid := p.freeID(p.opts.UID, p.opts.GID)
	if p.opts.OpenShift {
		gid = 0
	}
	c := Choice{How: ChoiceNew, Name: name, UID: simulate.Num(uid), GID: simulate.Num(gid), Home: "/home/" + name}
	steps, ok := p.makeAccount(name, uid, gid)
	if !ok {
		return p.bareNumber(uid, gid)
	}
	c.Make = steps
	return c
}

// bareNumber is the user of an image in which no command can run: the image's
// own nonroot account, or a number without an account.
func (p *Pass) bareNumber(uid, gid int) Choice {
	if a, ok := p.End.Account("nonroot"); ok && usable(a) && a.UID.Known {
		return p.account(a, ChoiceBase)
	}
	return Choice{How: ChoiceNumber, UID: simulate.Num(uid), GID: simulate.Num(gid), Home: "/"}
}

func (p *Pass) freeName(name string) string {
	for i := 1; ; i++ {
		candidate := name
		if i > 1 {
			candidate = name + strconv.Itoa(i)
		}
		_, account := p.End.Account(candidate)
		_, group := p.End.Group(candidate)
		if !account && !group {
			return candidate
		}
	}
}

// freeID returns numbers that no account and no group of the image has. One
// that was asked for stays as it is.
func (p *Pass) freeID(uid, gid int) (int, int) {
	if uid != 0 {
		if gid == 0 {
			gid = uid
		}
		return uid, gid
	}
	for n := defaultID; ; n++ {
		_, account := p.End.AccountByUID(n)
		_, group := p.End.GroupByGID(simulate.Num(n))
		// Numbers whose names cannot be trusted are taken, too.
		if account || group || p.Base.UIDTaken(n) == imageinspect.Yes || p.Base.GIDTaken(n) == imageinspect.Yes {
			continue
		}
		if gid != 0 {
			return n, gid
		}
		return n, n
	}
}

// tool says whether a command is in the image at the end of the stage.
func (p *Pass) tool(name string) imageinspect.Tri {
	if there, ok := p.End.Tools[name]; ok {
		if there {
			return imageinspect.Yes
		}
		return imageinspect.No
	}
	return p.Base.Tool(name)
}

package rewrite

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// How the user of an image was chosen, best first.
const (
	ChoiceExisting  = "existing"  // the image is non-root already, by this file's USER
	ChoiceMissing   = "missing"   // this file's USER names an account that is not there
	ChoiceInherited = "inherited" // the image is non-root already, by its base
	ChoiceSwitched  = "switched"  // the file switches to this account earlier
	ChoiceFile      = "file"      // the file makes this account and never switches to it
	ChoiceBase      = "base"      // the base image ships this account for the purpose
	ChoiceProgram   = "program"   // the program's package makes or wants this account
	ChoiceOwner     = "owner"     // the file gives whole directories to this account
	ChoiceNew       = "new"       // a new account
	ChoiceGiven     = "given"     // the options name this account of the image, or its number
	ChoiceBuilt     = "built"     // the options name this account of the built image
	ChoiceNumber    = "number"    // a bare number, in images without a passwd file
)

// A Choice is the account an image is to run as, and why.
type Choice struct {
	How      string
	Name     string // "" for a bare number
	UID, GID simulate.Number
	Group    string // the name of its group, where that is not the account's own
	InGroup  bool   // USER of the file names the group
	Home     string
	Groups   bool                    // the account has supplementary groups, which uid:gid would drop
	By       *dockerfile.Instruction // what makes the account, nil for the base image or a new one
	Make     []Step                  // commands that make it
	FromArg  bool                    // a build argument sets the number, so today's is not always right
	Arg      string                  // the variable that holds it where USER stands, "" when none does
	GroupArg string                  // the variable that holds its group's number there, "" when none does
	GroupSet bool                    // no build argument sets its group's number
	NameArg  bool                    // a build argument sets the name, too
	Pins     []Change                // the number, where the file makes the account without one
	Ahead    *Change                 // the RUN that makes it before its package is installed
	Program  *programs.Program       // whose account it is, for ChoiceProgram
	Told     string                  // what tells the program to change to it, "" where nothing does
}

// Spec is the value for USER: numbers, because Kubernetes' runAsNonRoot accepts
// no names (kubernetes/kubernetes#56503). The name stands where no number can
// be known.
func (c Choice) Spec() string {
	switch {
	case c.FromArg && c.Arg != "":
		return "${" + c.Arg + "}" + c.argGroup()
	case !c.UID.Known, c.FromArg:
		return c.Name
	case c.InGroup && !c.GID.Known:
		return fmt.Sprintf("%d:%s", c.UID.N, c.Group) // Kubernetes asks for the user's number alone
	case c.Groups:
		// The engine reads the groups only for a user without a group.
		return strconv.Itoa(c.UID.N)
	case !c.GID.Known:
		return strconv.Itoa(c.UID.N)
	}
	return fmt.Sprintf("%d:%d", c.UID.N, c.GID.N)
}

// argGroup is the group behind an argument in USER. Without one the engine takes that of
// the account.
func (c Choice) argGroup() string {
	switch {
	case c.Groups:
		return ""
	case c.GroupArg != "":
		return ":${" + c.GroupArg + "}"
	case c.GroupSet && c.GID.Known:
		return ":" + strconv.Itoa(c.GID.N)
	case c.InGroup && c.Group != c.Name:
		return ":" + c.Group
	}
	return ""
}

// today is the user that the image starts as with the build arguments at hand.
func (c Choice) today() string {
	if c.FromArg && c.Arg != "" {
		if c.argGroup() != "" && c.GID.Known {
			return fmt.Sprintf("%d:%d", c.UID.N, c.GID.N)
		}
		return strconv.Itoa(c.UID.N)
	}
	return c.Spec()
}

// Owner is the value for chown and --chown.
func (c Choice) Owner() string {
	switch {
	case c.FromArg && c.NameArg && c.Arg != "" && c.GroupArg != "":
		return "${" + c.Arg + "}:${" + c.GroupArg + "}"
	case c.FromArg && c.NameArg && c.Arg != "":
		return "${" + c.Arg + "}"
	case c.FromArg:
		return c.Name + ":"
	case c.UID.Known && c.GID.Known:
		return fmt.Sprintf("%d:%d", c.UID.N, c.GID.N)
	case c.UID.Known:
		return strconv.Itoa(c.UID.N)
	}
	return c.Name + ":"
}

// numbered reports whether Owner is a number, which holds before the account is
// made, too.
func (c Choice) numbered() bool { return c.UID.Known && !c.FromArg }

// Label names the user for people: "appuser (10001:10001)".
func (c Choice) Label() string {
	if c.FromArg {
		return c.Name
	}
	if c.Name == "" || !c.UID.Known {
		return c.Spec()
	}
	return fmt.Sprintf("%s (%s)", c.Name, c.Spec())
}

// choose decides whose user the image runs as, in the order that
// docs/rules.md describes under nonroot.
func (p *Pass) choose() Choice {
	s := p.End
	if p.windows() && p.windowsAdministrator() {
		return Choice{How: ChoiceBase, Name: "ContainerUser"}
	}
	if !s.User.Root() {
		return p.existing()
	}
	if a := p.opts.RunAs; a != nil && simulate.ValidName(a.Name) && a.UID > 0 {
		return p.builtAccount(a)
	}
	if _, named := s.Account(p.opts.User); !named && p.opts.UID != 0 {
		if a, ok := s.AccountByUID(p.opts.UID); ok && usable(a) {
			return p.account(a, ChoiceGiven) // useradd would not give a number away twice
		}
	}
	if p.opts.User != "" {
		if a, ok := s.Account(p.opts.User); ok && usable(a) {
			return p.account(a, ChoiceGiven)
		}
		return p.newAccount()
	}
	if c, ok := p.toldChoice(); ok {
		return c
	}
	if u := p.switchedUser(); p.missing(u) {
		c := p.makeMissing(u.Name) // nobody was to run as it in the end
		c.How = ChoiceNew
		return c
	}
	if a, ok := p.switched(); ok {
		return p.account(a, ChoiceSwitched)
	}
	if c, ok := p.programAccount(true); ok {
		return c
	}
	made, makes := p.made()
	a, ships := p.shipped()
	if ships && makes && p.startsLikeBase() && !p.ownsOutsideHome(made) {
		return p.account(a, ChoiceBase)
	}
	if makes {
		return p.account(made, ChoiceFile)
	}
	if ships {
		return p.account(a, ChoiceBase)
	}
	if c, ok := p.programAccount(false); ok {
		return c
	}
	if a, ok := p.owner(); ok {
		return p.account(a, ChoiceOwner)
	}
	return p.newAccount()
}

// builtAccount returns the account that the options say the built image has. One
// that a known program's package makes gets its number before the package is
// installed, as without the options; any other has the number it was seen with.
func (p *Pass) builtAccount(a *BuiltAccount) Choice {
	for _, insists := range []bool{true, false} {
		if c, ok := p.programAccount(insists); ok && c.Name == a.Name {
			return c
		}
	}
	if known, ok := p.End.Account(a.Name); ok && usable(known) && known.UID.Known {
		c := p.account(known, ChoiceBuilt)
		c.Groups = c.Groups || a.Groups
		return c
	}
	return Choice{How: ChoiceBuilt, Name: a.Name, UID: simulate.Num(a.UID), GID: simulate.Num(a.GID), Groups: a.Groups}
}

func (p *Pass) existing() Choice {
	u := p.End.User
	if p.missing(u) {
		return p.makeMissing(u.Name)
	}
	c := Choice{How: ChoiceExisting, Name: u.Name, UID: u.UID, GID: u.GID, By: u.By}
	if u.By == nil || u.By.Stage != p.Stage {
		c.How = ChoiceInherited
	}
	a, ok := p.End.Account(u.Name)
	if !ok && u.UID.Known {
		a, ok = p.End.AccountByUID(u.UID.N)
	}
	if ok {
		c.Name, c.Home = a.Name, a.Home
		c.Groups = u.Group == "" && len(p.End.Supplementary(a)) > 0
		if simulate.ValidName(u.Group) {
			c.Group, c.InGroup = u.Group, true
		}
		c.FromArg = u.Name != "" && p.numberFromArg(a)
		if c.FromArg && u.By != nil {
			c.Arg = p.numberArg(a, u.By.Stage, p.End.Before[u.By].Env)
			c.GroupArg, c.GroupSet = p.groupOf(c.GID, a, u.By.Stage, p.End.Before[u.By].Env)
		}
	}
	return c
}

func (p *Pass) account(a simulate.Account, how string) Choice {
	c := Choice{How: how, Name: a.Name, UID: a.UID, GID: a.GID, Group: a.Group, Home: a.Home, By: a.By,
		Groups: len(p.End.Supplementary(a)) > 0, FromArg: p.numberFromArg(a)}
	if a.Renumber != nil {
		c.By = a.Renumber
	}
	if c.FromArg {
		c.Arg = p.numberArg(a, p.Stage, p.End.Env)
		c.GroupArg, c.GroupSet = p.groupOf(a.GID, a, p.Stage, p.End.Env)
		c.NameArg = p.nameFromArg(a)
	}
	return c
}

// usable reports whether an account can be the user of the image.
func usable(a simulate.Account) bool {
	return a.Certain && simulate.ValidName(a.Name) && (!a.UID.Known || a.UID.N > 0)
}

// switchedUser returns the last user that the file switches to before it becomes root
// again.
func (p *Pass) switchedUser() simulate.User {
	var last simulate.User
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword != "USER" {
				continue
			}
			if after, ok := p.End.After[in]; ok && !after.Root() && len(after.Missing) == 0 {
				last = after
			}
		}
	}
	return last
}

// switched returns the account of switchedUser; failing that, of the user the base image
// starts as.
func (p *Pass) switched() (simulate.Account, bool) {
	last := p.switchedUser()
	if last.By == nil {
		last = p.start().User
	}
	if last.Root() {
		return simulate.Account{}, false
	}
	if last.Name != "" {
		if a, ok := p.End.Account(last.Name); ok {
			return a, usable(a)
		}
		return simulate.Account{Name: last.Name, Certain: true}, simulate.ValidName(last.Name)
	}
	if a, ok := p.End.AccountByUID(last.UID.N); ok {
		return a, usable(a)
	}
	return simulate.Account{UID: last.UID, GID: last.GID, Certain: true}, last.UID.Known
}

// startsLikeBase reports whether the image starts with nothing of its own: the entry point
// and the command of its base are set up for the account of that.
func (p *Pass) startsLikeBase() bool {
	return p.Entry.Set() && p.End.Entrypoint.By == nil && p.End.Cmd.By == nil
}

// made returns the account that the file creates for its program. Among
// several, one that owns something the file copies or makes comes first, then
// one with a login home, then the first.
func (p *Pass) made() (simulate.Account, bool) {
	var best simulate.Account
	rank := -1
	for _, a := range p.End.Accounts {
		if a.By == nil || a.Program != "" || !usable(a) || systemAccount[a.Name] || buildAccount[a.Name] {
			continue
		}
		r := 0
		if p.owns(a) {
			r += 2
		}
		if a.HomeMade {
			r++
		}
		if r > rank {
			best, rank = a, r
		}
	}
	return best, rank >= 0
}

// buildAccount are accounts that people make for a step of the build, or for
// somebody who logs in, not for the program.
var buildAccount = map[string]bool{"builder": true, "build": true, "makepkg": true, "abuild": true, "linuxbrew": true, "sshd": true, "ansible": true}

// owner returns the one account that the file gives directories to: a new account
// could not write there. The account exists, or chown would have failed.
func (p *Pass) owner() (simulate.Account, bool) {
	var found simulate.Account
	for _, name := range slices.Sorted(maps.Keys(p.End.Dirs)) {
		d := p.End.Dirs[name]
		if d.OwnedBy == nil || !d.Tree && (d.Owner == "" || systemAccount[d.Owner] && !serverAccount[d.Owner]) || d.Owner == "root" || d.UID.Known && d.UID.N == 0 || !d.UID.Known && d.Owner == "" {
			continue
		}
		a, ok := p.End.Account(d.Owner)
		if !ok && d.UID.Known {
			a, ok = p.End.AccountByUID(d.UID.N)
		}
		if !ok && p.lacks(d.Owner) {
			continue // that step does not even build
		}
		if !ok && simulate.ValidName(d.Owner) {
			a, ok = simulate.Account{Name: d.Owner, Certain: true}, true
		}
		if !ok || found.Name != "" && found.Name != a.Name {
			return simulate.Account{}, false
		}
		found = a
	}
	return found, found.Name != "" && usable(found)
}

// owns reports whether the file gives something to the account.
func (p *Pass) owns(a simulate.Account) bool {
	if !a.UID.Known {
		return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
			v, _ := in.Flag("chown")
			user, _, _ := shellcmd.CutOwner(v)
			return user == a.Name
		})
	}
	for _, c := range p.End.Copies {
		if c.UID == a.UID {
			return true
		}
	}
	for _, d := range p.End.Dirs {
		if d.UID == a.UID && d.LastBy != nil {
			return true
		}
	}
	return false
}

// ownsOutsideHome reports whether the file gives something to the account besides its home,
// which the command that makes it fills.
func (p *Pass) ownsOutsideHome(a simulate.Account) bool {
	if !a.UID.Known {
		return p.owns(a)
	}
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.UID == a.UID }) ||
		slices.ContainsFunc(slices.Collect(maps.Values(p.End.Dirs)), func(d *simulate.Dir) bool {
			return d.UID == a.UID && d.LastBy != nil && (a.Home == "" || !imagepath.Below(d.Path, a.Home))
		})
}

// systemAccount are accounts of distributions that belong to no program of the
// image (Debian base-passwd, Alpine baselayout, Fedora setup).
var systemAccount = map[string]bool{"root": true, "daemon": true, "bin": true, "sys": true, "sync": true, "games": true, "man": true,
	"lp": true, "mail": true, "news": true, "uucp": true, "proxy": true, "backup": true, "list": true, "irc": true, "gnats": true,
	"nobody": true, "_apt": true, "adm": true, "shutdown": true, "halt": true, "operator": true, "ftp": true, "guest": true,
	"postmaster": true, "cyrus": true, "vpopmail": true, "ntp": true, "smmsp": true, "squid": true, "xfs": true, "cron": true,
	"at": true, "svn": true, "dbus": true, "systemd-network": true, "systemd-timesync": true, "systemd-resolve": true,
	"systemd-coredump": true, "systemd-oom": true, "messagebus": true, "polkitd": true, "tss": true, "sshd": true, "alpm": true}

// serverAccount are those of them that a distribution has for one kind of server and for
// nothing else (Debian, /usr/share/doc/base-passwd/users-and-groups.html): a program of that
// kind keeps them.
var serverAccount = map[string]bool{"proxy": true, "irc": true, "squid": true}

// shipped returns the account that the base image has for its program or for
// its users.
func (p *Pass) shipped() (simulate.Account, bool) {
	name := p.Base.RunsAs
	if name == "" || systemAccount[name] {
		return simulate.Account{}, false
	}
	a, ok := p.End.Account(name)
	if !ok {
		return simulate.Account{Name: name, Certain: true}, simulate.ValidName(name)
	}
	return a, usable(a)
}

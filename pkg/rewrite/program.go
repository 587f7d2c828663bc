package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A running is a known program of the image, as its package or official image
// sets it up.
type running struct {
	programs.Command
	variant programs.Variant
	version string
	// unpacked says that the file unpacks its archive itself.
	unpacked bool
	by       *dockerfile.Instruction // what installs it; nil for the base image
}

// running returns the known programs that the image starts, with the variant
// that applies to it. A program whose package the file does not install, in an
// image that is not the official one, has no variant: nothing is known of its
// paths.
func (p *Pass) running() []running {
	if !p.memo.ran {
		p.memo.running, p.memo.ran = p.findRunning(), true
	}
	return p.memo.running
}

func (p *Pass) findRunning() []running {
	var out []running
	for _, c := range append(p.Entry.Programs, p.likely()...) {
		if c.Program == nil {
			continue
		}
		r := running{Command: c}
		v, ok := c.Program.VariantIn(p.family(), p.Repository())
		pkg, installed := p.installs(v.Packages)
		installed = installed && pkg.Foreign == ""
		if u, unpacked := p.unpacked(c); unpacked && !(ok && (v.Official() || installed)) {
			r.variant, r.by, r.unpacked = u, p.lastFiles(), true
			out = append(out, r)
			continue
		}
		if !ok {
			continue
		}
		if !v.Official() && len(v.Packages) > 0 {
			if !installed && !ofApplication(v) {
				continue
			}
			r.by = pkg.By
		}
		r.variant = v
		r.version = v.Version
		if version := programs.Version(c.Args[0]); version != "" {
			r.version = version
		} else if version := p.packageVersion(v.Packages); version != "" {
			r.version = version
		}
		out = append(out, r)
	}
	return out
}

// ofApplication reports whether the paths of a program are those of the application
// that it runs, wherever the program itself comes from: gem install rails.
func ofApplication(v programs.Variant) bool {
	return v.Account.Name == "" && len(v.Writes) > 0 && !slices.ContainsFunc(v.Writes, func(w programs.Path) bool { return !strings.HasPrefix(w.Path, "{workdir}/") })
}

// likely returns the programs that run when the command does not say: behind a
// script that nobody here can read, the one that the base image is for, or the
// services that the file installs.
func (p *Pass) likely() []programs.Command {
	if _, known := p.Entry.Main(); known || len(p.Entry.Unread) == 0 {
		return nil
	}
	var out []programs.Command
	add := func(prog *programs.Program) {
		if prog.Root != programs.NeedsRoot && prog.Wrapper == nil && len(prog.Ports) > 0 {
			out = append(out, programs.Command{Program: prog, Args: []string{prog.Name}})
		}
	}
	for _, prog := range programs.All() {
		for _, v := range prog.Variants {
			if slices.Contains(v.Images, p.Repository()) {
				if php := p.inTag(prog); php != prog {
					out = append(out, programs.Command{Program: php, Args: []string{php.Name}})
				} else {
					add(prog)
				}
				break
			}
		}
	}
	for _, pkg := range p.End.Packages {
		for _, prog := range programs.ByPackage(pkg.Name) {
			add(prog)
		}
	}
	return out
}

// inTag returns the program that an official image of PHP has in the place of a server where
// its tag names none: that of the command line (github.com/docker-library/docs, php, Image
// Variants).
func (p *Pass) inTag(prog *programs.Program) *programs.Program {
	word := map[string]string{"php-fpm": "fpm", "apache2": "apache"}[prog.Name]
	if p.Repository() != "php" || word == "" || strings.Contains(p.Base.Reference, word) {
		return prog
	}
	php, _ := programs.Lookup("php")
	return php
}

// nameOf returns what a program is called in the package or image that brings it.
func (p *Pass) nameOf(prog *programs.Program) string {
	origins := []string{path.Base(p.Repository())}
	for _, pkg := range p.End.Packages {
		origins = append(origins, pkg.Name)
	}
	return prog.NameIn(origins)
}

var versionSuffix = regexp.MustCompile(`-?[0-9][0-9.]*$`)

// installs returns the first package that the file, or the Dockerfile of its base,
// installs of these, with or without a version in its name (postgresql-15, php8.2-fpm).
func (p *Pass) installs(names []string) (simulate.Package, bool) {
	for _, pkg := range p.End.Packages {
		if slices.ContainsFunc(names, func(n string) bool { return samePackage(pkg.Name, n) }) {
			return pkg, true
		}
	}
	return simulate.Package{}, false
}

var digits = regexp.MustCompile(`[0-9]+(\.[0-9]+)*`)

func samePackage(have, want string) bool {
	if have == want || versionSuffix.ReplaceAllString(have, "") == want {
		return true
	}
	return digits.ReplaceAllString(have, "") == want // php8.2-fpm
}

// packageVersion returns the version in the name of the package that installs a
// program: 15 of postgresql-15, 8.2 of php8.2-fpm.
func (p *Pass) packageVersion(names []string) string {
	for _, pkg := range p.End.Packages {
		if pkg.Name == "?" || slices.Contains(names, pkg.Name) {
			continue
		}
		if slices.ContainsFunc(names, func(n string) bool { return samePackage(pkg.Name, n) }) {
			return digits.FindString(pkg.Name)
		}
	}
	return ""
}

// programAccount returns the account of the program that runs: with insists,
// only one that the program accepts no substitute for.
func (p *Pass) programAccount(insists bool) (Choice, bool) {
	rs := p.running()
	for i := len(rs) - 1; i >= 0; i-- {
		a := rs[i].variant.Account
		if a.Name == "" || insists && !a.Insists || !simulate.ValidName(a.Name) {
			continue
		}
		if a.Made == programs.MadeByBase && systemAccount[a.Name] && !serverAccount[a.Name] {
			continue
		}
		if c, ok := p.accountOf(rs[i]); ok {
			return c, true
		}
	}
	return Choice{}, false
}

func (p *Pass) accountOf(r running) (Choice, bool) {
	a := r.variant.Account
	if have, ok := p.End.Account(a.Name); ok && (have.Program == "" || have.UID.Known) {
		c := p.account(have, ChoiceProgram)
		c.Program = r.Program
		c.Groups = c.Groups || len(a.Groups) > 0
		return c, usable(have)
	}
	c := Choice{How: ChoiceProgram, Name: a.Name, UID: simulate.Num(a.UID), GID: simulate.Num(a.GID), Home: a.Home, Program: r.Program, Groups: len(a.Groups) > 0}
	if p.Base.Known.Accounts && a.Made != programs.MadeByPackage {
		return Choice{}, false // the image was looked into, and has no such account
	}
	switch a.Made {
	case programs.MadeByImage:
		// The table is of the tags of today, the catalogue knows older ones.
		return c, a.UID != 0 && p.Base.Origin.Kind != imageinspect.FromCatalogue
	case programs.MadeByBase:
		// The image has it; the facts at hand just do not list it.
		return c, a.UID != 0
	case programs.MadeByPackage:
		return p.beforeInstall(c, r)
	}
	return Choice{}, false
}

// beforeInstall makes the account of a package before the package is installed,
// with a fixed number, as the official images do; the package's own script then
// keeps it. Package accounts otherwise get whatever number is free.
func (p *Pass) beforeInstall(c Choice, r running) (Choice, bool) {
	if r.by == nil || r.by.Stage != p.Stage || !simulate.ValidName(c.Name) {
		return Choice{}, false
	}
	m := p.End.Before[r.by]
	if !m.User.Root() || len(m.User.Missing) > 0 {
		return Choice{}, false
	}
	for _, taken := p.End.AccountByUID(c.UID.N); taken && c.UID.N > 100; _, taken = p.End.AccountByUID(c.UID.N) {
		c.UID.N--
	}
	group := p.groupToMake(r.variant.Account)
	if group != "" {
		for _, taken := p.End.GroupByGID(c.GID); taken && c.GID.N > 100; _, taken = p.End.GroupByGID(c.GID) {
			c.GID.N--
		}
	}
	c.By = r.by
	commands, ok := p.systemAccountForm(c, group)
	if !ok {
		return Choice{}, false
	}
	c.Ahead = &Change{kind: insertBefore, at: r.by,
		comment: fmt.Sprintf("# %s gets a fixed number here; the package keeps the account it finds.", c.Name),
		lines:   p.runLines(commands, m.Shell)}
	return c, true
}

// groupToMake returns the group that an account needs and that is not there before its package
// is installed: its own, or another one that the package makes as well. "" for none. Those of
// everybody are in every base.
func (p *Pass) groupToMake(a programs.Account) string {
	if a.Group == "" || a.Group == a.Name {
		return a.Name
	}
	if g, ok := p.End.Group(a.Group); ok && g.GID.Known && g.GID.N == a.GID || a.GID == 0 || a.Group == "nogroup" || a.Group == "users" {
		return ""
	}
	return a.Group
}

// goesWithoutUseradd reports whether a base is one of Enterprise Linux that has no useradd
// until a step installs a package, and that is the one ahead of which an account is made.
func (p *Pass) goesWithoutUseradd(by *dockerfile.Instruction) bool {
	if have := p.Base.Tool("useradd"); have == imageinspect.Yes || have == imageinspect.Unknown && !simulate.EnterpriseLinux(p.Base.Distro, 8) {
		return false
	}
	tools := p.afterTools()
	return p.family() == "rhel" && (tools == nil || tools.Index >= by.Index)
}

// systemAccountForm makes a system account the way the package's script would,
// so that the script finds nothing to change, and the group of that name, "" for none.
func (p *Pass) systemAccountForm(c Choice, group string) ([]string, bool) {
	home := c.Home
	if home == "" || !imagepath.Safe.MatchString(home) {
		home = "/nonexistent"
	}
	switch family := p.family(); {
	case slices.Contains([]string{"debian", "rhel", "suse", "arch"}, family):
		var out []string
		if p.goesWithoutUseradd(c.By) {
			if group != "" {
				out = append(out, fmt.Sprintf(`printf '%s:x:%d:\n' >> /etc/group`, group, c.GID.N))
			}
			return append(out, fmt.Sprintf(`printf '%s:x:%d:%d::%s:%s\n' >> /etc/passwd`, c.Name, c.UID.N, c.GID.N, home, p.shellOf(c, "/sbin/nologin"))), true
		}
		if group != "" {
			out = append(out, fmt.Sprintf("groupadd --system --gid %d %s", c.GID.N, group))
		}
		return append(out, fmt.Sprintf("useradd --system --no-log-init --uid %d --gid %d%s --no-create-home --home-dir %s --shell %s %s",
			c.UID.N, c.GID.N, listOption(" --groups ", p.groupsThere(c)), home, p.shellOf(c, "/usr/sbin/nologin"), c.Name)), true
	case family == "alpine" || family == "wolfi":
		var out []string
		if group != "" {
			out = append(out, fmt.Sprintf("addgroup -S -g %d %s", c.GID.N, group))
		} else {
			group = "nogroup"
		}
		out = append(out, fmt.Sprintf("adduser -S -D -H -u %d -h %s -s %s -G %s %s", c.UID.N, home, p.shellOf(c, "/sbin/nologin"), group, c.Name))
		for _, g := range p.groupsThere(c) {
			out = append(out, fmt.Sprintf("addgroup %s %s", c.Name, g))
		}
		return out, true
	}
	return nil, false
}

// shellOf returns the shell of an account that is made ahead of its package: a real one where
// a step becomes it by su, which starts that.
func (p *Pass) shellOf(c Choice, none string) string {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" {
			continue
		}
		for _, m := range becomes.FindAllString(in.Original, -1) {
			if slices.Contains(strings.Fields(m), c.Name) {
				return "/bin/sh"
			}
		}
	}
	return none
}

// becomes matches a command that starts the shell of another account.
var becomes = regexp.MustCompile(`\b(su|runuser)\s[^;&|"']*|\bsudo\s[^;&|"']*-i\s[^;&|"']*`)

// groupsThere returns the supplementary groups that a package gives its account, as far as
// the base has them: a script that finds the account leaves it without, those that make a
// group themselves add it (busybox adduser -G, adduser(8)).
func (p *Pass) groupsThere(c Choice) []string {
	var out []string
	for _, r := range p.running() {
		if r.Program != c.Program || r.variant.Account.Name != c.Name {
			continue
		}
		for _, name := range r.variant.Account.Groups {
			if g, ok := p.End.Group(name); ok && g.By == nil && simulate.ValidName(name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// listOption is an option with a list as its value, "" for an empty list.
func listOption(option string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return option + strings.Join(values, ",")
}

// needsCapability refuses programs whose configuration asks for what only a
// capability allows: haproxy's chroot, for one.
func needsCapability(p *Pass) *Refusal {
	for _, r := range p.running() {
		for _, n := range r.variant.Needs {
			if !n.Fatal || n.Capability == "" || strings.HasPrefix(n.Setting, "cap_") || !p.needApplies(n, r) {
				continue
			}
			where := p.configFile(n, r.Args, r.version)
			if where == "" {
				where = "its command"
			}
			msg := fmt.Sprintf("%s has %q in %s, for which it needs %s: %s", r.Program.Name, n.Setting, where, strings.ToUpper(n.Capability), n.Effect)
			if p.unreadConfig(n, r) {
				msg = fmt.Sprintf("%s could not be read; with %q in it %s needs %s", where, n.Setting, r.Program.Name, strings.ToUpper(n.Capability))
			}
			return &Refusal{Reason: NeedsCapability, Line: p.at(p.Entry.By), Message: msg, Hint: sentence(n.Fix)}
		}
	}
	return nil
}

// needApplies reports whether a setting stands in the configuration that the
// image has: the file's own where it can be read, else the package's.
func (p *Pass) needApplies(n programs.Need, r running) bool {
	if n.File == "" {
		return slices.ContainsFunc(r.Args, func(a string) bool { return strings.HasPrefix(a, n.Setting) })
	}
	file := p.configFile(n, r.Args, r.version)
	if text, ok := p.FileOf(file); ok {
		return hasSetting(text, n.Setting)
	}
	if p.replaces(file) {
		return true // a configuration nobody here can read: assume the worst
	}
	return n.Default
}

// unreadConfig reports whether the setting's file is the Dockerfile's own and
// nobody here can read it.
func (p *Pass) unreadConfig(n programs.Need, r running) bool {
	file := p.configFile(n, r.Args, r.version)
	_, read := p.FileOf(file)
	return n.File != "" && !read && p.replaces(file)
}

// replaces reports whether a COPY or ADD writes the file, or the directory it
// lies in.
func (p *Pass) replaces(file string) bool {
	for _, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		if dest == file || dest == path.Dir(file) {
			return true
		}
	}
	return false
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

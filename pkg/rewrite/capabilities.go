package rewrite

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// capabilities lists what has to be added after dropping all.
func (p *Pass) capabilities(root bool) []Capability {
	var out []Capability
	add := func(name, why string) {
		name = strings.ToUpper(strings.TrimPrefix(strings.ToLower(name), "cap_"))
		if !slices.ContainsFunc(out, func(c Capability) bool { return c.Name == name }) {
			out = append(out, Capability{name, why})
		}
	}
	for _, f := range p.End.Privileged {
		for _, c := range f.Capabilities {
			if f.Owner && f.For == "" {
				add(c, "setcap gives it to "+f.Path+", which does not start without it")
			} else if f.Owner {
				add(c, f.For+" starts "+f.Path+", which has it")
			}
		}
	}
	for _, r := range p.running() {
		for _, n := range r.variant.Needs {
			if n.Capability != "" && !strings.HasPrefix(n.Setting, "cap_") && p.needApplies(n, r) {
				add(n.Capability, p.nameOf(r.Program)+"'s setting "+n.Setting)
			}
		}
	}
	for _, c := range p.opts.Capabilities {
		add(c.Name, c.Why)
	}
	if !root {
		return out
	}
	p.programCapabilities(add)
	switch p.Keep.Reason {
	case DropsPrivilegesItself, EntrypointNeedsRoot:
		p.startCapabilities(add)
	}
	return out
}

// startCapabilities adds what the start of the image needs, which is root's.
func (p *Pass) startCapabilities(add func(name, why string)) {
	if p.programDrops() {
		add("SETUID", "the program changes its user")
		add("SETGID", "the program changes its group")
		add("KILL", "the program stops its workers, which belong to that user")
	} else if p.Keep.Reason == DropsPrivilegesItself {
		add("SETUID", "the start script changes the user")
		add("SETGID", "the start script changes the group")
	} else if !p.keepsItsUser() {
		add("SETUID", "what the start script starts may change its user")
		add("SETGID", "what the start script starts may change its group")
	}
	if why := p.ownerWork(); why != "" {
		for _, c := range []string{"CHOWN", "FOWNER", "DAC_OVERRIDE"} {
			add(c, why)
		}
	}
	for _, tool := range slices.Sorted(maps.Keys(auditors)) {
		// Behind a change of user they are setuid, and as root as before.
		if (p.startCalls(tool) || p.Entry.UserCalls[tool]) && p.audits(tool) {
			add("AUDIT_WRITE", tool+" writes an audit record, and stops where it cannot")
		}
	}
	if by := p.signaller(); by != "" {
		add("KILL", by+" passes the signal to stop on to the program, which is another account's")
	}
	for _, t := range []struct{ tool, name, why string }{
		{"chroot", "SYS_CHROOT", "chroot changes the root directory"},
		{"mknod", "MKNOD", "mknod makes device files"},
		{"setcap", "SETFCAP", "setcap gives files capabilities"},
	} {
		if p.startCalls(t.tool) {
			add(t.name, t.why)
		}
	}
}

// keepsItsUser reports whether everything that starts the program was read, changes no user,
// and ends in the code of an application.
func (p *Pass) keepsItsUser() bool {
	if _, told := p.toldChoice(); told {
		return false
	}
	c, ok := p.Entry.Main()
	return ok && (programs.Runtimes[c.Program.Name] || anyAccount(c.Program)) && !p.unsure() && len(p.Entry.Drops) == 0 && p.baseDrops() == nil
}

// anyAccount reports whether a program has no account of its own, to which it would change.
func anyAccount(prog *programs.Program) bool {
	return prog.Root == programs.CanRoot && !slices.ContainsFunc(prog.Variants, func(v programs.Variant) bool { return v.Account.Name != "" })
}

// signaller returns what stays root beside a program of another account and passes
// signals on to it: su that goes through PAM (util-linux, login-utils/su-common.c,
// create_watching_parent), an init in front (tini.c, wait_and_forward_signal), the
// script itself.
func (p *Pass) signaller() string {
	drops := p.Entry.Drops
	if e := p.baseDrops(); e != nil {
		drops = append(slices.Clip(drops), entry.Drop{Tool: e.Drops, User: e.Account})
		if e.Init != "" {
			return e.Init
		}
	}
	for _, d := range drops {
		if d.ToRoot() {
			continue
		}
		if auditors[d.Tool] && p.startCalls(d.Tool) && p.audits(d.Tool) {
			return d.Tool
		}
		for _, name := range []string{"tini", "dumb-init", "pid1", "kill"} {
			if p.Entry.RootCalls[name] {
				return name
			}
		}
	}
	return ""
}

// programDrops reports whether it is the program itself that changes the user of its
// processes: gunicorn --user, Apache.
func (p *Pass) programDrops() bool {
	e := p.baseDrops()
	return p.Keep.Reason == DropsPrivilegesItself && len(p.Entry.Drops) == 0 && len(p.Entry.Unread) == 0 && (e == nil || e.Drops == "self")
}

// startCalls reports whether root calls a command when the image starts.
func (p *Pass) startCalls(name string) bool {
	e := p.baseDrops()
	return p.Entry.RootCalls[name] || e != nil && e.Drops == name
}

// auditors are the programs that go through PAM. As uid 0 without CAP_AUDIT_WRITE
// its audit record fails, and with it the call: "su: System error" (Linux-PAM,
// libpam/pam_audit.c, _pam_audit_writelog; containers/podman#8812).
var auditors = map[string]bool{"su": true, "runuser": true, "sudo": true, "login": true, "passwd": true, "chpasswd": true}

// audits reports whether a program by that name is the one that goes through PAM.
// Alpine's is busybox's, which does not, until a package puts another in its place,
// and its sudo is built without PAM.
func (p *Pass) audits(tool string) bool {
	switch p.family() {
	case "alpine", "wolfi":
		return p.End.HasPackage("shadow") || p.End.HasPackage("util-linux") || p.End.HasPackage("linux-pam") || p.End.HasPackage(tool) && tool != "sudo"
	}
	return true
}

// ownerWork says what the start of the image does with files of others, "" when it
// is known to do nothing of the kind.
func (p *Pass) ownerWork() string {
	for _, w := range p.Entry.Work {
		if name, _, _ := strings.Cut(w.Text, " "); w.Always && (name == "chown" || name == "chgrp") {
			return "the start script changes the owner of files"
		}
	}
	if len(p.Entry.Owned) > 0 {
		return "the start script changes the owner of files"
	}
	for _, w := range p.Entry.Work {
		if w.Always {
			return fmt.Sprintf("the start script runs %q", dockerfile.Clip(w.Text, 60))
		}
		if i := slices.IndexFunc(w.Paths, p.foreign); i >= 0 {
			return fmt.Sprintf("the start script writes %s, which may be another account's", w.Paths[i])
		}
	}
	if len(p.Entry.Unread) > 0 {
		return fmt.Sprintf("%s could not be read, and such scripts often change owners", path.Base(p.Entry.Unread[0]))
	}
	if p.programDrops() {
		return "programs that change their user mostly give it files first"
	}
	if e := p.baseDrops(); e != nil {
		return "entry points that change the user mostly give it files first"
	}
	return ""
}

// foreign reports whether a file that a start script writes, or the directory that it
// lies in, may belong to another account than root.
func (p *Pass) foreign(name string) bool {
	for _, c := range p.End.Copies {
		if (!c.UID.Known || c.UID.N != 0) && imagepath.Below(name, path.Clean(c.Dest)) {
			return true
		}
	}
	if slices.ContainsFunc(p.End.Volumes, func(v string) bool { return imagepath.Below(name, v) }) || imagepath.Below(name, "/home") {
		return true // what a volume holds comes from elsewhere
	}
	for _, r := range p.running() {
		if slices.ContainsFunc(r.variant.Writes, func(w programs.Path) bool {
			of := p.fill(w.Path, r)
			return w.Owned && of != "" && imagepath.Below(name, of)
		}) {
			return true
		}
	}
	for dir := name; ; dir = path.Dir(dir) {
		if d := p.End.Dirs[dir]; d != nil {
			if d.UID.Known && d.UID.N != 0 || !d.UID.Known && d.Owner != "root" {
				return true
			}
			if dir == name || dir == path.Dir(name) {
				return false
			}
		}
		if dir == "/" {
			break
		}
	}
	return imagepath.ProtectedDir(name) == "" && !imagepath.Standard[path.Dir(name)] && p.basesOwnFiles()
}

// basesOwnFiles reports whether the base image may have given files to an account of
// its own.
func (p *Pass) basesOwnFiles() bool {
	return p.Base.Origin.Kind == "none" || p.Base.RunsAs != "" && !systemAccount[p.Base.RunsAs]
}

// programCapabilities adds what programs need that run as root, be it only at
// the start.
func (p *Pass) programCapabilities(add func(name, why string)) {
	for _, c := range p.Entry.Programs {
		switch {
		case c.Program == nil:
		case called(c) == "sshd":
			add("SYS_CHROOT", "sshd locks the process that speaks to the network in with it")
			if p.audits("openssh-server-pam") {
				add("AUDIT_WRITE", "sshd writes an audit record for each session, and ends it where it cannot")
			}
		case c.Program.Name == "nginx":
			add("SETUID", "nginx starts its workers under their account")
			add("SETGID", "nginx starts its workers under their group")
			add("CHOWN", "nginx gives its temporary directories to its workers")
		case c.NeedsRoot():
			why, _, caps := c.Reasons()
			for _, name := range caps {
				add(name, called(c)+": "+lowerFirst(strings.TrimSuffix(why, ".")))
			}
		}
	}
	if len(p.Entry.Unread) == 0 {
		return
	}
	for _, pkg := range p.End.Packages {
		for _, prog := range programs.ByPackage(pkg.Name) {
			if prog.Root != programs.NeedsRoot || onCall[prog.Name] {
				continue
			}
			for _, name := range prog.Capabilities {
				add(name, fmt.Sprintf("a start script that could not be read may start %s: %s", prog.Name, lowerFirst(strings.TrimSuffix(prog.Why, "."))))
			}
		}
	}
}

// supervisors are what the catalogue calls entry points that start services
// under accounts of their own.
var supervisors = map[string]bool{"supervisord": true, "s6": true, "runit": true, "my_init": true}

// serviceStarters start services that are named nowhere else.
var serviceStarters = []string{"service", "rc-service", "invoke-rc.d", "systemctl"}

// startsServices reports whether a start script starts services that it does not name.
func (p *Pass) startsServices() bool {
	return slices.ContainsFunc(serviceStarters, func(name string) bool { return p.Entry.RootCalls[name] }) ||
		slices.ContainsFunc(p.Entry.Work, func(w entry.Work) bool { return strings.HasPrefix(w.Text, "/etc/init.d/") })
}

// unsure reports whether what the image does as root is known in part only: a
// script could not be read, or a supervisor starts services.
func (p *Pass) unsure() bool {
	if len(p.Entry.Unread) > 0 || p.Entry.Supervisor != nil || p.startsServices() {
		return true
	}
	e := p.Base.Entrypoint
	return e != nil && supervisors[e.Drops] && p.StartsAsBase()
}

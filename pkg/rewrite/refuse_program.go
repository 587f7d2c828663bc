package rewrite

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/programs"
)

func needsRoot(p *Pass) *Refusal {
	for _, c := range p.Entry.Programs {
		if c.Program == nil || c.Program.Root != programs.NeedsRoot {
			continue
		}
		return &Refusal{Reason: Reason(c.Program.Reason), Line: p.at(p.Entry.By), Message: called(c) + ": " + lowerFirst(strings.TrimSuffix(c.Program.Why, ".")), Hint: c.Program.Instead}
	}
	for _, c := range p.Entry.Programs {
		for _, via := range c.Via {
			if via.Root == programs.NeedsRoot {
				return &Refusal{Reason: Reason(via.Reason), Line: p.at(p.Entry.By), Message: via.Name + ": " + lowerFirst(strings.TrimSuffix(via.Why, ".")), Hint: via.Instead}
			}
		}
	}
	return nil
}

func privilegedService(p *Pass) *Refusal {
	for _, svc := range p.opts.Siblings.Services {
		user, _, _ := strings.Cut(svc.User, ":")
		switch {
		case svc.Privileged:
			return &Refusal{Reason: NeedsRootDaemon, Line: p.Stage.From.Line,
				Message: fmt.Sprintf("%s:%d runs service %s privileged", svc.File, svc.Line, svc.Name)}
		case needsCaps(svc.CapAdd) != "":
			return &Refusal{Reason: NeedsCapability, Line: p.Stage.From.Line,
				Message: fmt.Sprintf("%s:%d gives service %s %s, which only root gets to use", svc.File, svc.Line, svc.Name, needsCaps(svc.CapAdd))}
		case user == "root" || user == "0":
			return &Refusal{Reason: OwnerOptedOut, Line: p.Stage.From.Line,
				Message: fmt.Sprintf("%s:%d runs service %s as user %s", svc.File, svc.Line, svc.Name, svc.User),
				Hint:    "Remove user: from the Compose file when the image no longer needs it."}
		}
	}
	return nil
}

// called is the name a program is started by: service rather than openrc.
func called(c programs.Command) string {
	if len(c.Args) > 0 {
		return path.Base(c.Args[0])
	}
	return c.Program.Name
}

// needsCaps returns the first capability of a service that a program without root
// could not use: added capabilities reach root only (capabilities(7)). A low
// port needs none under Docker.
func needsCaps(caps []string) string {
	for _, c := range caps {
		name := strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if name != "NET_BIND_SERVICE" {
			return "CAP_" + name
		}
	}
	return ""
}

func dropsPrivileges(p *Pass) *Refusal {
	unguarded := func(d Drop) *Refusal {
		msg := fmt.Sprintf("%s uses %s to change the user", d.Where, d.Tool)
		if d.User != "" {
			msg += " to " + d.User
		}
		return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By), Message: msg}
	}
	for _, d := range p.Entry.Drops {
		if !d.Guarded {
			return unguarded(d)
		}
	}
	if len(p.Entry.Drops) > 0 && p.Entry.OwnedBy != "" {
		return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s changes the user only as root, but first runs %q, and which paths that means cannot be known", p.Entry.Drops[0].Where, clip(p.Entry.OwnedBy, 60)),
			Hint:    "List these paths under writable: and start the image with USER by hand, or keep root with CHOWN, SETUID and SETGID."}
	}
	if e := p.Base.Entrypoint; e != nil && e.Drops != "" && e.Drops != "none" && p.inheritsEntrypoint() && !e.Guarded {
		return unguarded(Drop{Tool: e.Drops, User: e.Account, Where: "the entry point of " + p.baseName()})
	}
	if r := p.suspectScript(); r != nil {
		return r
	}
	// A script that cannot be read in an image that installs the tool for it.
	if len(p.Entry.Unread) > 0 {
		for _, tool := range []string{"gosu", "su-exec"} {
			// In whichever stage: it may come along with a whole tree.
			if p.End.Tools[tool] || bytes.Contains(p.Doc.Src, []byte(tool)) {
				return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
					Message: fmt.Sprintf("%s could not be read, and the image brings %s, with which start scripts change the user", p.Entry.Unread[0], tool)}
			}
		}
	}
	return nil
}

// suspectScript refuses images whose start script nobody here can read and that
// install a daemon for it that needs root.
func (p *Pass) suspectScript() *Refusal {
	if len(p.Entry.Unread) == 0 {
		return nil
	}
	script := p.Entry.Unread[0]
	sshd := p.End.hasPackage("openssh-server") || p.End.hasPackage("openssh") && slices.Contains(p.End.Ports, 22)
	if sshd && (slices.Contains(p.End.Ports, 22) || p.End.Dirs["/run/sshd"] != nil || p.End.Dirs["/var/run/sshd"] != nil) {
		return &Refusal{Reason: NeedsRootDaemon, Line: p.at(p.Entry.By),
			Message: script + " could not be read, and the image is set up for sshd, which changes to the account of who logs in"}
	}
	if a, ok := p.switched(); ok && a.By == nil && a.Name != "" && p.Base.Config.User == "" {
		return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s could not be read, and the file goes back to root for it after steps as %s", script, a.Name)}
	}
	for _, c := range p.End.Copies {
		for _, d := range serviceDirs {
			if below(path.Clean(c.Dest), d.dir) {
				return &Refusal{Reason: d.reason, Line: p.at(p.Entry.By),
					Message: fmt.Sprintf("%s could not be read, and line %d sets up %s", script, c.By.Line, d.what)}
			}
		}
	}
	for _, pkg := range p.End.Packages {
		for _, prog := range programs.ByPackage(pkg.Name) {
			if prog.Root == programs.NeedsRoot && !onCall[prog.Name] {
				return &Refusal{Reason: Reason(prog.Reason), Line: p.at(p.Entry.By),
					Message: fmt.Sprintf("%s could not be read, and the image installs %s, which needs root", script, pkg.Name)}
			}
		}
	}
	return nil
}

// serviceDirs are where supervisors and cron look for what to run.
var serviceDirs = []struct {
	dir, what string
	reason    Reason
}{
	{"/etc/supervisor", "supervisord", InitSystem}, {"/etc/supervisord.conf", "supervisord", InitSystem}, {"/etc/supervisord.d", "supervisord", InitSystem},
	{"/etc/service", "runit", InitSystem}, {"/etc/sv", "runit", InitSystem}, {"/etc/services.d", "s6", InitSystem}, {"/etc/s6", "s6", InitSystem},
	{"/etc/s6-overlay", "s6-overlay", InitSystem}, {"/etc/cont-init.d", "s6-overlay", InitSystem},
	{"/etc/cron.d", "cron", NeedsRootDaemon}, {"/etc/crontabs", "cron", NeedsRootDaemon}, {"/var/spool/cron", "cron", NeedsRootDaemon},
}

// onCall are programs that need root and that packages bring along without
// anybody starting them as a service.
var onCall = map[string]bool{"sshd": true, "mount": true, "sudo": true, "su": true, "init": true, "systemd": true, "iptables": true,
	"modprobe": true, "sysctl": true, "ip": true, "openrc": true, "service": true, "dbus-daemon": true}

// inheritsEntrypoint reports whether the image starts with its base's entry
// point.
func (p *Pass) inheritsEntrypoint() bool {
	return p.End.Entrypoint.By == nil && len(p.End.Entrypoint.Words) > 0
}

// startsAsRoot names what is under /root before what a script does: a line of a
// script is easier to change.
func startsAsRoot(p *Pass) *Refusal {
	home, script := rootHome(p), rootScript(p)
	if home == nil {
		return script
	}
	if script != nil {
		home.Message += "; besides, " + script.Message
	}
	return home
}

func rootScript(p *Pass) *Refusal {
	for _, a := range p.Entry.RootActs {
		if a.Own.changesNothing(p, p.choose()) {
			continue
		}
		return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s runs %q, which only root may do", a.Where, clip(a.Text, 60))}
	}
	for _, w := range p.Entry.Written {
		if dir := protectedDir(w); dir != "" && !p.Entry.makesTop(w) {
			return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
				Message: fmt.Sprintf("%s writes %s when it starts, and %s belongs to root", p.scriptName(), w, dir)}
		}
	}
	return nil
}

// makesTop reports whether a script makes a directory of its own at the top, which
// the image can hold beforehand, or one that every image has.
func (e *Entry) makesTop(name string) bool {
	return e.Made[name] && (standardDir[name] || path.Dir(name) == "/" && !systemTop[name])
}

// systemTop are directories at the top that belong to the system.
var systemTop = map[string]bool{"/etc": true, "/usr": true, "/bin": true, "/sbin": true, "/lib": true, "/lib64": true, "/boot": true, "/sys": true, "/root": true, "/proc": true, "/dev": true}

func (p *Pass) scriptName() string {
	if len(p.Entry.Scripts) > 0 {
		return p.Entry.Scripts[len(p.Entry.Scripts)-1]
	}
	return "the command"
}

// protectedDir returns the system directory that a path lies in, "" when it
// lies in none. A user who may write there can replace programs and accounts.
func protectedDir(p string) string {
	for _, d := range []string{"/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/sys", "/root"} {
		if below(p, d) && !below(p, "/usr/src") && !below(p, "/usr/share/nginx/html") && !below(p, "/usr/local/share") {
			return d
		}
	}
	if path.Dir(p) == "/" && p != "/tmp" {
		return "/"
	}
	return ""
}

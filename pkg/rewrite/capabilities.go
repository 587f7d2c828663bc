package rewrite

import (
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/programs"
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
			if f.Owner {
				add(c, "setcap gives it to "+f.Path+", which does not start without it")
			}
		}
	}
	for _, r := range p.running() {
		for _, n := range r.variant.Needs {
			if n.Capability != "" && !strings.HasPrefix(n.Setting, "cap_") && p.needApplies(n, r) {
				add(n.Capability, r.Program.Name+"'s setting "+n.Setting)
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
		add("SETUID", "the start script changes the user")
		add("SETGID", "the start script changes the group")
		if why := p.ownerWork(); why != "" {
			for _, c := range []string{"CHOWN", "FOWNER", "DAC_OVERRIDE"} {
				add(c, why)
			}
		}
	}
	return out
}

// ownerWork says what the start of the image does with files of others, "" when
// nothing is known of it.
func (p *Pass) ownerWork() string {
	acts := p.Entry.RootActs
	changes := slices.ContainsFunc(acts, func(a RootAct) bool {
		return strings.HasPrefix(a.Text, "chown ") || strings.HasPrefix(a.Text, "chgrp ")
	})
	switch {
	case changes, len(p.Entry.Owned) > 0, p.Base.Entrypoint != nil && len(p.Base.Entrypoint.Chowns) > 0:
		return "the start script changes the owner of files"
	case len(acts) > 0:
		return "the start script runs " + clip(acts[0].Text, 40)
	}
	return ""
}

// programCapabilities adds what programs need that run as root, be it only at
// the start.
func (p *Pass) programCapabilities(add func(name, why string)) {
	for _, c := range p.Entry.Programs {
		switch {
		case c.Program == nil:
		case called(c) == "sshd":
			add("SYS_CHROOT", "sshd locks the process that speaks to the network in with it")
		case c.Program.Name == "nginx":
			add("SETUID", "nginx starts its workers under their account")
			add("SETGID", "nginx starts its workers under their group")
			add("CHOWN", "nginx gives its temporary directories to its workers")
		case c.Program.Root == programs.NeedsRoot:
			why, _, caps := c.Reasons()
			for _, name := range caps {
				add(name, called(c)+": "+lowerFirst(strings.TrimSuffix(why, ".")))
			}
		}
	}
}

// supervisors are what the catalogue calls entry points that start services
// under accounts of their own.
var supervisors = map[string]bool{"supervisord": true, "s6": true, "runit": true, "my_init": true}

// unsure reports whether what the image does as root is known in part only: a
// script could not be read, or a supervisor starts services.
func (p *Pass) unsure() bool {
	if len(p.Entry.Unread) > 0 || p.Entry.Supervisor != nil {
		return true
	}
	e := p.Base.Entrypoint
	return e != nil && supervisors[e.Drops] && p.inheritsEntrypoint()
}

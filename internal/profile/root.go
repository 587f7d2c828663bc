package profile

import (
	"slices"

	"github.com/dockharden/harden/pkg/rewrite"
)

// stayRoot fills in the profile of an image that starts as root: fewer
// capabilities than an engine gives, as far as it is known that they do, and a
// root that stays writable, because nobody knows what root writes.
func (p *Profile) stayRoot(res *rewrite.Result) {
	p.User = ""
	p.Root = res.Why
	if p.Root == "" {
		p.Root = "the image starts as root"
	}
	p.ReadOnly = "nobody knows what the image writes as root"
	switch res.Reason {
	case rewrite.DropsPrivilegesItself, rewrite.EntrypointNeedsRoot:
		if res.Profile.Unsure {
			p.guess(rootCapabilities, daemonCapabilities)
		}
		// Else the capabilities are those that its start script needs.
	case rewrite.NeedsRootDaemon, rewrite.InitSystem:
		p.guess(rootCapabilities, daemonCapabilities)
	case rewrite.NeedsCapability:
		p.guess(switchCapabilities)
	default:
		p.guess(rootCapabilities)
	}
}

// guess adds capabilities that the image may need.
func (p *Profile) guess(lists ...[]rewrite.Capability) {
	p.Guess = true
	for _, list := range lists {
		for _, c := range list {
			if !slices.ContainsFunc(p.Add, func(have rewrite.Capability) bool { return have.Name == c.Name }) {
				p.Add = append(p.Add, c)
			}
		}
	}
}

// What root uses without asking. The lists are Docker's default set
// (docs.docker.com, Runtime privilege and Linux capabilities) without MKNOD,
// NET_RAW, SETFCAP and SETPCAP, which programs that need them name in their
// documentation; what each does is capabilities(7).
var (
	switchCapabilities = []rewrite.Capability{
		{Name: "SETUID", Why: "to change its user once it has started"},
		{Name: "SETGID", Why: "to change its group once it has started"},
	}
	rootCapabilities = append(slices.Clip(switchCapabilities), []rewrite.Capability{
		{Name: "CHOWN", Why: "to change the owner of files"},
		{Name: "DAC_OVERRIDE", Why: "to use files of other users"},
		{Name: "FOWNER", Why: "to change the mode of other users' files"},
		{Name: "FSETID", Why: "to keep setgid bits on files it changes"},
		{Name: "KILL", Why: "to stop processes of other users"},
		{Name: "NET_BIND_SERVICE", Why: "to listen below port 1024 on the host's network"},
	}...)
	daemonCapabilities = []rewrite.Capability{
		{Name: "SYS_CHROOT", Why: "sshd and others lock their sessions in with it"},
		{Name: "AUDIT_WRITE", Why: "PAM and sshd log sessions with it"},
	}
)

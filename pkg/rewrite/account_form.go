package rewrite

import (
	"fmt"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// makeAccount returns the commands that make an account with the tools that the
// image has, and false when the image has no shell to run them.
//
// The form follows from what is in the image, not from its name: Debian's
// adduser is gone from trixie-slim and takes other flags on Fedora, ubi-minimal
// has no useradd since 9.3 (wildfly-container#187).
func (p *Pass) makeAccount(name string, uid, gid int) ([]Step, bool) {
	if p.tool("sh") == imageinspect.No {
		return nil, false
	}
	groupExists := false
	if _, ok := p.End.groupByGID(Num(gid)); ok {
		groupExists = true
	}
	form := accountForm{name: name, uid: uid, gid: gid, group: !groupExists}
	var cmd string
	useradd, groupadd, busybox := p.tool("useradd"), p.tool("groupadd"), p.busyboxAdduser()
	switch {
	case useradd == imageinspect.Yes && groupadd == imageinspect.Yes:
		cmd = form.shadow()
	case busybox == imageinspect.Yes:
		cmd = form.busybox()
	case useradd == imageinspect.No && busybox == imageinspect.No:
		cmd = form.append()
	case p.family() == "debian" || p.family() == "suse" || p.family() == "arch":
		cmd = form.shadow()
	case p.family() == "alpine" || p.family() == "wolfi":
		cmd = form.busybox()
	default:
		cmd = form.portable()
	}
	return []Step{{Command: cmd, Order: stepAccount, After: p.afterTools()}}, true
}

// busyboxAdduser reports whether the image has busybox's adduser.
func (p *Pass) busyboxAdduser() imageinspect.Tri {
	adduser := p.tool("adduser")
	if adduser != imageinspect.Yes {
		return adduser
	}
	if p.Base.Flavour("adduser") == "busybox" {
		return imageinspect.Yes
	}
	return imageinspect.No
}

// afterTools returns the last instruction that installs the tool that makes
// accounts, nil when the base image has it.
func (p *Pass) afterTools() *dockerfile.Instruction {
	if p.Base.Tool("useradd") == imageinspect.Yes || !p.End.Tools["useradd"] {
		return nil
	}
	for i := len(p.End.Packages) - 1; i >= 0; i-- {
		for _, t := range packageTools[p.End.Packages[i].Name] {
			if t == "useradd" {
				return p.End.Packages[i].By
			}
		}
	}
	return nil
}

type accountForm struct {
	name     string
	uid, gid int
	group    bool // the group has to be made, too
}

// shadow is the form for the shadow suite (useradd(8)). --no-log-init keeps
// lastlog and faillog from growing to the size of the number (moby/moby#5419).
func (f accountForm) shadow() string {
	add := fmt.Sprintf("useradd --no-log-init --uid %d --gid %d --create-home --shell /usr/sbin/nologin %s", f.uid, f.gid, f.name)
	if !f.group {
		return add
	}
	return fmt.Sprintf("groupadd --gid %d %s && %s", f.gid, f.name, add)
}

// busybox is the form for busybox's applets: -D sets no password.
func (f accountForm) busybox() string {
	if !f.group {
		return fmt.Sprintf("adduser -D -u %d -G \"$(awk -F: '$3 == %d { print $1; exit }' /etc/group)\" -s /sbin/nologin %s", f.uid, f.gid, f.name)
	}
	return fmt.Sprintf("addgroup -g %d %s && adduser -D -u %d -G %s -s /sbin/nologin %s", f.gid, f.name, f.uid, f.name, f.name)
}

// append is the form for images with a shell and no tool: the two lines that
// the tools would write, and the home directory.
func (f accountForm) append() string {
	cmd := ""
	if f.group {
		cmd = fmt.Sprintf("printf '%s:x:%d:\\n' >> /etc/group && ", f.name, f.gid)
	}
	return cmd + fmt.Sprintf("printf '%s:x:%d:%d::/home/%s:/sbin/nologin\\n' >> /etc/passwd && mkdir -p /home/%s && chown %d:%d /home/%s",
		f.name, f.uid, f.gid, f.name, f.name, f.uid, f.gid, f.name)
}

// portable asks the image what it has while it is built.
func (f accountForm) portable() string {
	return fmt.Sprintf("if command -v useradd >/dev/null; then %s; elif command -v adduser >/dev/null; then %s; else %s; fi",
		f.shadow(), f.busybox(), f.append())
}

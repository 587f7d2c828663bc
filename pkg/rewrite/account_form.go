package rewrite

import (
	"fmt"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
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
	if _, ok := p.End.GroupByGID(simulate.Num(gid)); ok {
		groupExists = true
	}
	form := accountForm{name: name, uid: uid, gid: gid, group: !groupExists}
	var commands []string
	useradd, groupadd, busybox := p.tool("useradd"), p.tool("groupadd"), p.busyboxAdduser()
	switch {
	case useradd == imageinspect.Yes && groupadd == imageinspect.Yes:
		commands = form.shadow()
	case busybox == imageinspect.Yes:
		commands = form.busybox()
	case useradd == imageinspect.No && busybox == imageinspect.No:
		commands = form.append()
	case p.family() == "debian" || p.family() == "suse" || p.family() == "arch":
		commands = form.shadow()
	case p.family() == "alpine" || p.family() == "wolfi":
		commands = form.busybox()
	default:
		commands = []string{form.portable()}
	}
	var steps []Step
	after := p.later(p.afterTools(), p.lastUseOf("/home", "/home/"+name))
	for _, c := range commands {
		steps = append(steps, Step{Command: c, Order: stepAccount, After: after})
	}
	return steps, true
}

// lastUseOf returns the last step that works in the directory of all homes, fills it, or
// removes what is in it: git clone wants it empty, and a new home would be in the way or go.
func (p *Pass) lastUseOf(homes, home string) *dockerfile.Instruction {
	last := p.inStage(p.End.Filled[homes])
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && p.End.Before[in].Workdir == homes {
			last = p.later(last, in)
		}
	}
	for _, r := range p.End.Removed {
		if imagepath.Covers(r.Pattern)(home) {
			last = p.later(last, p.inStage(r.By))
		}
	}
	return last
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
		for _, t := range simulate.PackageTools[p.End.Packages[i].Name] {
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
func (f accountForm) shadow() []string {
	add := fmt.Sprintf("useradd --no-log-init --uid %d --gid %d --create-home --shell /usr/sbin/nologin %s", f.uid, f.gid, f.name)
	if !f.group {
		return []string{add}
	}
	return []string{fmt.Sprintf("groupadd --gid %d %s", f.gid, f.name), add}
}

// busybox is the form for busybox's applets: -D sets no password.
func (f accountForm) busybox() []string {
	if !f.group {
		group := fmt.Sprintf(`"$(awk -F: '$3 == %d { print $1; exit }' /etc/group)"`, f.gid)
		return []string{fmt.Sprintf("adduser -D -u %d -G %s -s /sbin/nologin %s", f.uid, group, f.name)}
	}
	return []string{fmt.Sprintf("addgroup -g %d %s", f.gid, f.name),
		fmt.Sprintf("adduser -D -u %d -G %s -s /sbin/nologin %s", f.uid, f.name, f.name)}
}

// append is the form for images with a shell and no tool: the two lines that
// the tools would write, and the home directory.
func (f accountForm) append() []string {
	var out []string
	if f.group {
		out = append(out, fmt.Sprintf(`printf '%s:x:%d:\n' >> /etc/group`, f.name, f.gid))
	}
	return append(out,
		fmt.Sprintf(`printf '%s:x:%d:%d::/home/%s:/sbin/nologin\n' >> /etc/passwd`, f.name, f.uid, f.gid, f.name),
		fmt.Sprintf("mkdir -p /home/%s", f.name),
		fmt.Sprintf("chown %d:%d /home/%s", f.uid, f.gid, f.name))
}

// portable asks the image what it has while it is built.
func (f accountForm) portable() string {
	and := func(commands []string) string { return strings.Join(commands, " && ") }
	return fmt.Sprintf("if command -v useradd >/dev/null; then\n  %s;\nelif command -v adduser >/dev/null; then\n  %s;\nelse\n  %s;\nfi",
		and(f.shadow()), and(f.busybox()), and(f.append()))
}

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
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// suspectScript refuses images whose start script nobody here can read and that
// install a daemon for it that needs root.
func (p *Pass) suspectScript() *Refusal {
	if len(p.Entry.Unread) == 0 {
		return p.suspectCommand()
	}
	refuse := func(reason Reason, hint, format string, args ...any) *Refusal {
		return p.suspect(p.Entry.Unread[0], reason, hint, format, args...)
	}
	if p.setsUpSSHD() {
		return refuse(NeedsRootDaemon, instead("sshd"), "the image is set up for sshd, which changes to the account of who logs in")
	}
	if a, ok := p.switched(); ok && a.By == nil && a.Name != "" && p.Base.Config.User == "" {
		return refuse(DropsPrivilegesItself, "", "the file goes back to root for it after steps as %s", a.Name)
	}
	if d, by, ok := p.setsUp(); ok {
		return refuse(d.reason, instead(d.what), "line %d sets up %s", by.Line, d.what)
	}
	if name, prog, in := p.buildsDaemon(); in != nil {
		return refuse(Reason(prog.Reason), prog.Instead, "line %d builds %s, %s", in.Line, name, rootNeed(prog))
	}
	// Many a server has jobs of cron's or sets the firewall besides: these come last.
	for _, pkg := range slices.SortedStableFunc(slices.Values(p.End.Packages), helpersLast) {
		for _, prog := range programs.ByPackage(pkg.Name) {
			if prog.Root == programs.NeedsRoot && !onCall[prog.Name] && !p.onlyDockerClient(prog) {
				return refuse(Reason(prog.Reason), prog.Instead, "the image installs %s, %s", pkg.Name, rootNeed(prog))
			}
		}
		if packetQueue.MatchString(pkg.Name) {
			return refuse(NeedsRootDaemon, instead("iptables"), "the image installs %s, with which programs decide on packets, which needs CAP_NET_ADMIN", pkg.Name)
		}
		if mountClients[pkg.Name] {
			return refuse(NeedsRootDaemon, instead("mount"), "the image installs %s, with which such scripts mount or serve file systems, which needs CAP_SYS_ADMIN", pkg.Name)
		}
	}
	return nil
}

// suspect refuses for what stands around a file that was not read.
func (p *Pass) suspect(file string, reason Reason, hint, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Line: p.at(p.Entry.By), Hint: hint, guess: true, Message: p.notReadable(file) + ", and " + fmt.Sprintf(format, args...)}
}

// suspectCommand refuses images that start a file of the build context which may be a
// program as well as a script, where a directory or a configuration that is there for a
// daemon alone says what it starts.
func (p *Pass) suspectCommand() *Refusal {
	file := p.commandOfContext()
	if file == "" {
		return nil
	}
	if p.makesSSHDirectory() {
		return p.suspect(file, NeedsRootDaemon, instead("sshd"), "the image is set up for sshd, which changes to the account of who logs in")
	}
	if d, by, ok := p.setsUp(); ok {
		return p.suspect(file, d.reason, instead(d.what), "line %d sets up %s", by.Line, d.what)
	}
	return nil
}

// commandOfContext returns the command of the image where a COPY brings it from the build
// context and nobody has read it, "" for any other.
func (p *Pass) commandOfContext() string {
	name := p.command()
	if _, known := p.Entry.Main(); known || name == "" || len(p.Entry.Scripts) > 0 {
		return ""
	}
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	at := r.Candidates(name)
	if !slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.From == "" && !c.Opaque && slices.ContainsFunc(c.Sources, func(src string) bool { return slices.Contains(at, c.Target(src)) })
	}) {
		return ""
	}
	return name
}

// rootNeed says of a program for root what for.
func rootNeed(prog *programs.Program) string {
	switch {
	case prog.Reason == string(InitSystem):
		return "which starts programs under other accounts"
	case slices.Contains(prog.Capabilities, "cap_net_admin"):
		return "which needs root with CAP_NET_ADMIN"
	}
	return "which needs root"
}

var (
	// builtDaemons are programs for root that people build from their sources.
	builtDaemons = regexp.MustCompile(`\b(suricata|snort|zeek|openvpn|strongswan|libreswan|keepalived)\b`)
	makeInstall  = regexp.MustCompile(`\bmake\s[^&|;]*\binstall\b`)
	// packetQueue are the packages of the library by which the kernel hands packets over
	// (netfilter.org, libnetfilter_queue).
	packetQueue = regexp.MustCompile(`^libnetfilter[-_]queue`)
)

// buildsDaemon returns a program for root that a step builds and installs, which names it
// or comes behind one that fetches it.
func (p *Pass) buildsDaemon() (string, *programs.Program, *dockerfile.Instruction) {
	fetched := ""
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" && in.Keyword != "ADD" {
			continue
		}
		if name := builtDaemons.FindString(strings.ToLower(in.Original)); name != "" {
			fetched = name
		}
		if prog, ok := programs.Lookup(fetched); ok && in.Keyword == "RUN" && makeInstall.MatchString(in.Original) {
			return fetched, prog, in
		}
	}
	return "", nil, nil
}

// helpersLast sorts cron, and behind it the firewall, behind what they are there for.
func helpersLast(a, b simulate.Package) int {
	last := func(pkg simulate.Package) int {
		rank := 0
		for _, prog := range programs.ByPackage(pkg.Name) {
			switch prog.Name {
			case "cron":
				rank = max(rank, 1)
			case "iptables":
				rank = 2
			}
		}
		return rank
	}
	return last(a) - last(b)
}

// instead says what to use in the place of a program of the table, "" for others.
func instead(name string) string {
	prog, ok := programs.Lookup(name)
	if !ok {
		return ""
	}
	return prog.Instead
}

// mountClients are packages of what mounts file systems of the network, besides those
// that the table knows by the program.
var mountClients = map[string]bool{"nfs-common": true, "nfs-utils": true, "nfs-client": true, "cifs-utils": true, "glusterfs-client": true, "glusterfs-fuse": true,
	"moosefs-client": true, "s3fs-fuse": true, "fuse-sshfs": true, "davfs2": true, "lizardfs-client": true, "beegfs-client": true, "curlftpfs": true}

// sshdSteps are what steps hold that make a server of SSH ready: its host keys, its
// directory, its configuration, and who may log in. They are matched in lower case, in
// which -A is -a.
var sshdSteps = regexp.MustCompile(`ssh-keygen\s+-a\s*($|[;&|\n\\])|ssh_host_|dpkg-reconfigure\s[^;&|\n]*openssh-server|/run/sshd|sshd_config|authorized_keys|/usr/sbin/sshd|service sshd?\b|sshd-keygen|dropbearkey|/etc/dropbear`)

// setsUpSSHD reports whether the file installs a server of SSH and makes it ready.
func (p *Pass) setsUpSSHD() bool {
	if !p.End.HasPackage("openssh") && !p.End.HasPackage("dropbear") {
		// Nothing else listens on 22. The base may bring it.
		return slices.Contains(p.End.Ports, 22) || p.makesSSHDirectory()
	}
	return slices.Contains(p.End.Ports, 22) || p.makesSSHDirectory() || sshdSteps.MatchString(p.stepsText())
}

// makesSSHDirectory reports whether the file makes the directory without which sshd does
// not start, and which nothing else needs.
func (p *Pass) makesSSHDirectory() bool {
	return p.End.Dirs["/run/sshd"] != nil || p.End.Dirs["/var/run/sshd"] != nil
}

// installsSSHD returns the step that installs a server of SSH by its name, nil when none
// does. Alpine's openssh is more often there for its client.
func (p *Pass) installsSSHD() *dockerfile.Instruction {
	for _, pkg := range p.End.Packages {
		if (pkg.Name == "openssh-server" || pkg.Name == "dropbear") && pkg.By != nil {
			return pkg.By
		}
	}
	return nil
}

// webServers are programs that a file sets up by copying into a directory of theirs.
var webServers = []struct {
	program string
	dirs    []string
}{
	{"nginx", []string{"/etc/nginx"}}, {"apache2", []string{"/etc/apache2", "/etc/httpd"}}, {"cron", []string{"/etc/cron.d", "/etc/crontab", "/var/spool/cron", "/etc/crontabs"}},
}

// setsUpAnother refuses an image that installs and configures a server which nothing in it
// starts but an application, whose code is not read: it would have to be that, as root.
func setsUpAnother(p *Pass) *Refusal {
	main, ok := p.Entry.Main()
	if !ok || !programs.Runtimes[main.Program.Name] || p.opts.User != "" || p.opts.UID != 0 {
		return nil
	}
	for _, server := range webServers {
		prog, known := programs.Lookup(server.program)
		if !known || slices.ContainsFunc(p.Entry.Programs, func(c programs.Command) bool { return c.Program == prog }) {
			continue
		}
		var names []string
		for _, v := range prog.Variants {
			names = append(names, v.Packages...)
		}
		if _, installed := p.installs(names); !installed {
			continue
		}
		for _, c := range p.End.Copies {
			if !slices.ContainsFunc(server.dirs, func(dir string) bool { return imagepath.Below(path.Clean(c.Dest), dir) }) {
				continue
			}
			return &Refusal{Reason: UnreadEntrypoint, Line: c.By.Line,
				Message: fmt.Sprintf("line %d configures %s, which nothing here starts unless %s does, as root", c.By.Line, server.program, path.Base(main.Args[0]))}
		}
	}
	return nil
}

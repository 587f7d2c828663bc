package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/programs"
)

// suspectScript refuses images whose start script nobody here can read and that
// install a daemon for it that needs root.
func (p *Pass) suspectScript() *Refusal {
	if len(p.Entry.Unread) == 0 {
		return nil
	}
	refuse := func(reason Reason, hint, format string, args ...any) *Refusal {
		return &Refusal{Reason: reason, Line: p.at(p.Entry.By), Hint: hint, guess: true, Message: p.notReadable(p.Entry.Unread[0]) + ", and " + fmt.Sprintf(format, args...)}
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
	// Many a server sets the firewall besides: it comes last.
	for _, pkg := range slices.SortedStableFunc(slices.Values(p.End.Packages), firewallLast) {
		for _, prog := range programs.ByPackage(pkg.Name) {
			if prog.Root == programs.NeedsRoot && !onCall[prog.Name] && !p.onlyDockerClient(prog) {
				what := "which needs root"
				if prog.Reason == string(InitSystem) {
					what = "which starts programs under other accounts"
				}
				if slices.Contains(prog.Capabilities, "cap_net_admin") {
					what = "which needs root with CAP_NET_ADMIN"
				}
				return refuse(Reason(prog.Reason), prog.Instead, "the image installs %s, %s", pkg.Name, what)
			}
		}
		if mountClients[pkg.Name] {
			return refuse(NeedsRootDaemon, instead("mount"), "the image installs %s, with which such scripts mount or serve file systems, which needs CAP_SYS_ADMIN", pkg.Name)
		}
	}
	return nil
}

func firewallLast(a, b Package) int {
	last := func(pkg Package) int {
		if slices.ContainsFunc(programs.ByPackage(pkg.Name), func(prog *programs.Program) bool { return prog.Name == "iptables" }) {
			return 1
		}
		return 0
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
	if !p.End.hasPackage("openssh") && !p.End.hasPackage("dropbear") {
		// Nothing else listens on 22. The base may bring it.
		return slices.Contains(p.End.Ports, 22) || p.End.Dirs["/run/sshd"] != nil || p.End.Dirs["/var/run/sshd"] != nil
	}
	return slices.Contains(p.End.Ports, 22) || p.End.Dirs["/run/sshd"] != nil || p.End.Dirs["/var/run/sshd"] != nil || sshdSteps.MatchString(p.stepsText())
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
	if !ok || !runtimes[main.Program.Name] || p.opts.User != "" || p.opts.UID != 0 {
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
			if !slices.ContainsFunc(server.dirs, func(dir string) bool { return below(path.Clean(c.Dest), dir) }) {
				continue
			}
			return &Refusal{Reason: UnreadEntrypoint, Line: c.By.Line,
				Message: fmt.Sprintf("line %d configures %s, which nothing here starts unless %s does, as root", c.By.Line, server.program, path.Base(main.Args[0]))}
		}
	}
	return nil
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// ownConfiguration reports whether a path that a start script writes lies in a directory
// right below /etc that is the image's own: the script itself makes it, or the file does,
// and neither the distribution nor a package has it. It can be made and owned beforehand.
func (p *Pass) ownConfiguration(name string) bool {
	rest, ok := strings.CutPrefix(name, "/etc/")
	if !ok {
		return false
	}
	top, _, _ := strings.Cut(rest, "/")
	dir := "/etc/" + top
	if p.etcOfOthers(top) || !p.makesConfiguration(dir) {
		return false
	}
	if !p.Entry.Opened[name] || p.CopiedFile(name) != nil {
		return true
	}
	// A file that is there already and root's cannot be written, whoever owns the directory.
	return p.lastMention(name) == nil && !slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		if !imagepath.Below(path.Clean(c.Dest), dir) {
			return false
		}
		_, known := p.CopiedInto(c, path.Dir(name))
		return !known
	})
}

// configDirs are where programs have their configuration besides /etc/NAME and
// /usr/local/etc/NAME, as their packages and official images put it. PHP's is not here: it
// names code to load into every process.
var configDirs = map[string][]string{
	"apache2": {"/etc/apache2", "/etc/httpd", "/usr/local/apache2/conf"}, "httpd": {"/etc/apache2", "/etc/httpd", "/usr/local/apache2/conf"},
}

// programConfiguration reports whether a path is one of the configuration of the very
// program that runs: a start script that fills it in can do so as the program's user.
func (p *Pass) programConfiguration(name string) bool {
	return slices.ContainsFunc(p.running(), func(r running) bool {
		stem := strings.TrimSuffix(r.Program.Name, "-server")
		if strings.HasPrefix(stem, "php") {
			return false
		}
		dirs := append([]string{"/etc/" + stem, "/usr/local/etc/" + stem}, configDirs[r.Program.Name]...)
		return r.Program.Root != programs.NeedsRoot && slices.ContainsFunc(dirs, func(dir string) bool { return name != dir && imagepath.Below(name, dir) })
	})
}

// makesConfiguration reports whether a start script makes the directory, or the file
// does with mkdir or VOLUME, and gives it to nobody.
func (p *Pass) makesConfiguration(dir string) bool {
	d := p.End.Dirs[dir]
	if d != nil && (d.OwnedBy != nil || d.UID.Known && d.UID.N != 0) {
		return false
	}
	for made := range p.Entry.Made {
		if imagepath.Below(made, dir) {
			return true
		}
	}
	return d != nil && (d.Made() || d.Volume && p.declared(dir))
}

// packageParts are endings of the names of packages whose configuration lies under the
// name without them: redis-server's in /etc/redis, php8.2-fpm's in /etc/php.
var packageParts = regexp.MustCompile(`(?s)^(.*?)[0-9.]*(-(server|client|common|core|base|fpm|cgi|full|light))?[0-9.]*$`)

// etcOfOthers reports whether a directory below /etc may be that of the distribution, of
// a package or of the base image.
func (p *Pass) etcOfOthers(top string) bool {
	if etcOfSystem[top] || strings.HasSuffix(top, ".d") {
		return true
	}
	if slices.ContainsFunc(p.Base.Dirs, func(d imageinspect.Dir) bool { return d.Path == "/etc/"+top }) || path.Base(p.Repository()) == top {
		return true
	}
	return slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool {
		return pkg.Name == top || pkg.Name == "?" || packageParts.FindStringSubmatch(pkg.Name)[1] == packageParts.FindStringSubmatch(top)[1]
	})
}

// etcOfSystem are directories below /etc of Debian's, Alpine's and Red Hat's base systems,
// and of packages whose name does not tell.
var etcOfSystem = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`
		alternatives apache2 apk apt avahi bash bind binfmt ca-certificates cni conf.d containers cron crontabs crypto-policies cups dbus-1 debconf
		default dhcp dnf docker dovecot dpkg emacs fonts gdm gnupg grub gss gtk-3.0 httpd initramfs-tools iproute2 iptables java kernel krb5 ld
		ldap libnl lighttpd logrotate lvm mail modprobe modules-load mysql network networkmanager nginx openldap openssl opt pam php periodic pki
		pm polkit-1 postfix postgresql ppp profile python rpm rsyslog runlevels runit sasl2 security selinux service services sgml skel ssh ssl sudoers
		supervisor sv sysconfig sysctl systemd terminfo tmpfiles udev udhcpd update-motd wpa_supplicant X11 xdg xml yum zsh`) {
		m[name] = true
	}
	return m
}()

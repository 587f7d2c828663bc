package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// rootTools work for root alone: they change accounts, packages, or what the system keeps
// in /etc and /usr. The package managers of the distributions do, too.
var rootTools = map[string]bool{"useradd": true, "adduser": true, "usermod": true, "userdel": true, "deluser": true, "groupadd": true, "addgroup": true,
	"groupmod": true, "groupdel": true, "delgroup": true, "chpasswd": true, "chown": true, "chroot": true, "mount": true, "mknod": true, "setcap": true,
	"update-ca-certificates": true, "update-ca-trust": true, "ldconfig": true, "locale-gen": true, "localedef": true, "dpkg-reconfigure": true,
	"update-alternatives": true, "debconf-set-selections": true, "apt-mark": true, "apt-key": true, "add-apt-repository": true, "update-rc.d": true,
	"a2enmod": true, "a2dismod": true, "a2ensite": true, "a2dissite": true, "a2enconf": true, "a2disconf": true,
	"docker-php-ext-install": true, "docker-php-ext-enable": true, "docker-php-ext-configure": true, "install-php-extensions": true}

// asks are the words with which package managers only tell something, for anybody.
var asks = map[string]bool{"info": true, "list": true, "search": true, "policy": true, "show": true, "version": true, "--version": true, "depends": true,
	"download": true, "source": true, "repolist": true, "fetch": true, "-q": true, "-qa": true, "-l": true, "-s": true, "-Q": true, "--print-architecture": true}

// notRoots are standard directories in which an image may well let its user write.
var notRoots = map[string]bool{"/tmp": true, "/var/tmp": true, "/dev": true, "/proc": true, "/sys": true, "/etc/nginx": true, "/var/www": true,
	"/usr/local/etc": true, "/var/run": true, "/run": true}

// systemEtc are directories below /etc that belong to the system in every image. Others are
// a program's, whose account may own them.
var systemEtc = []string{"/etc/apt", "/etc/ssl", "/etc/profile.d", "/etc/sudoers.d", "/etc/cron.d", "/etc/pam.d", "/etc/yum.repos.d", "/etc/ld.so.conf.d",
	"/etc/security", "/etc/pki", "/etc/default", "/etc/init.d", "/etc/systemd", "/etc/skel", "/etc/dpkg", "/etc/apk"}

// showsRoot notes the first command that works for root alone before the file sets a user:
// a base of which nobody knows the user starts as root then, or the file would not build. dir
// is "" where the directory is the base's.
func (s *simulator) showsRoot(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	if s.RootShown != nil || s.User.By != nil || c.Conditional || c.FailureHandled || c.Dynamic || becomesRoot([]dockerfile.Command{c}) {
		return
	}
	if s.rootsWork(path.Base(c.Name), c, dir) {
		s.RootShown = in
	}
}

func (s *simulator) rootsWork(name string, c dockerfile.Command, dir string) bool {
	if rootTools[name] {
		return true
	}
	if _, manager := managers[name]; manager {
		return len(c.Args) > 0 && !slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return asks[w.Value] })
	}
	if name == "make" {
		return installsToSystem(c.Args)
	}
	if name == "chmod" {
		return s.chmodsCopy(c, dir)
	}
	return slices.ContainsFunc(writtenBy(name, c), func(w string) bool {
		return (path.IsAbs(w) || dir != "") && s.rootsPlace(imagepath.Abs(dir, w), name == "mkdir")
	})
}

// installsToSystem reports whether make installs where makefiles do by default, below
// /usr/local (GNU coding standards, "Variables for Installation Directories").
func installsToSystem(args []dockerfile.Word) bool {
	return slices.ContainsFunc(args, func(w dockerfile.Word) bool { return w.Value == "install" }) &&
		!slices.ContainsFunc(args, func(w dockerfile.Word) bool {
			return strings.HasPrefix(w.Value, "PREFIX=") || strings.HasPrefix(w.Value, "prefix=") || strings.HasPrefix(w.Value, "DESTDIR=")
		})
}

// writtenBy returns the words for the files and directories that a command writes.
func writtenBy(name string, c dockerfile.Command) []string {
	var out []string
	for _, red := range c.Redirects {
		if shellcmd.WritesFile(red) && red.Target.Static {
			out = append(out, red.Target.Value)
		}
	}
	w, ok := shellcmd.Writers[name]
	if !ok || name == "rm" {
		return out // rm -f succeeds where there is nothing
	}
	args := slices.Clone(c.Args)
	for i, a := range args {
		if !a.Static {
			args[i] = dockerfile.Word{Static: true}
		}
	}
	return append(out, slices.DeleteFunc(w.Targets(args, name), func(t string) bool { return t == "" })...)
}

// rootsPlace reports whether only root can make a file or directory of that name: it lies
// right in a directory of the system, or in root's home.
func (s *simulator) rootsPlace(name string, mkdir bool) bool {
	dir := path.Dir(name)
	switch {
	case s.Dirs[name] != nil || unplaced(name):
		return false // it is there
	case imagepath.Standard[name]:
		return !notRoots[name] && !mkdir // cp FILE /usr/local/bin
	case imagepath.Below(name, "/root") || slices.ContainsFunc(systemEtc, func(d string) bool { return imagepath.Below(name, d) }):
		return true
	}
	return imagepath.Standard[dir] && !notRoots[dir]
}

// chmodsCopy reports whether a chmod sets the mode of what a copy has brought, which is
// root's: others may not even do that.
func (s *simulator) chmodsCopy(c dockerfile.Command, dir string) bool {
	if dir == "" {
		dir = "/" // from which the destinations of copies count, too
	}
	_, files := shellcmd.ChmodMode(c.Args)
	tree := slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return shellcmd.RecursiveOption.MatchString(w.Value) })
	for _, w := range c.Found { // find DIR -exec chmod
		if w.Static {
			files, tree = append(files, w.Value), true
		}
	}
	return slices.ContainsFunc(s.Copies, func(copied Copy) bool {
		_, chown := copied.By.Flag("chown")
		return !chown && copied.From == "" && !copied.Opaque && slices.ContainsFunc(files, func(f string) bool {
			name := imagepath.Abs(dir, f)
			return tree && name == path.Clean(copied.Dest) || slices.ContainsFunc(copied.Sources, func(src string) bool { return copied.Target(src) == name })
		})
	})
}

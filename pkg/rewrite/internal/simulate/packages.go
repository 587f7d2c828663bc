package simulate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// managers maps a package manager to the family of distributions it serves.
var managers = map[string]string{
	"apt-get": "debian", "apt": "debian", "aptitude": "debian", "dpkg": "debian", "install_packages": "debian", "apt-install": "debian", "clean-install": "debian", "install_clean": "debian",
	"apk": "alpine", "apk-install": "alpine",
	"yum": "rhel", "yum-install": "rhel", "dnf": "rhel", "dnf5": "rhel", "microdnf": "rhel", "tdnf": "rhel", "rpm": "rhel",
	"zypper": "suse",
	"pacman": "arch",
}

// wrappers of package managers install whatever they are given: minideb, webdevops and
// gliderlabs/alpine, Kubernetes' debian-base and phusion/baseimage have them.
var installWrappers = map[string]bool{"install_packages": true, "apt-install": true, "clean-install": true, "install_clean": true, "apk-install": true, "yum-install": true}

// foreignManagers are package managers of distributions of whose packages nothing is known
// here, and the words with which they install; none: they do nothing else.
var foreignManagers = map[string][]string{
	"prt-get": {"install", "depinst", "grpinst"}, "xbps-install": nil, "opkg": {"install"}, "swupd": {"bundle-add"}, "emerge": nil,
	"nix-env": nil, "pkgin": {"install", "in"}, "urpmi": nil, "slackpkg": {"install"}, "eopkg": {"install", "it"}, "tce-load": nil, "guix": {"install"}, "equo": {"install"},
}

// foreignPackages returns the packages that a command of such a manager installs, as far as it
// names them: category/package of Gentoo and nixpkgs.package of Nix by their last part.
func foreignPackages(name string, args []dockerfile.Word) (pkgs []string, ok bool) {
	verbs, ok := foreignManagers[name]
	if !ok {
		return nil, false
	}
	o, words := shellcmd.Split(args, nil)
	if verbs != nil {
		i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(verbs, w) })
		if i < 0 {
			return nil, false
		}
		words = words[i+1:]
	}
	if o.Has("-e") && name == "nix-env" || o.Has("-C") && name == "emerge" {
		return nil, false // removes them
	}
	for _, w := range words {
		pkgs = append(pkgs, w[strings.LastIndexAny(w, "/.")+1:])
	}
	return pkgs, true
}

// verbs are the words with which a package manager installs.
var verbs = map[string][]string{
	"apt-get": {"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep"}, "apt": {"install", "upgrade", "full-upgrade", "build-dep"}, "aptitude": {"install"},
	"apk": {"add", "upgrade"},
	"yum": {"install", "update", "groupinstall", "localinstall", "reinstall", "upgrade", "module"}, "dnf": {"install", "update", "groupinstall", "upgrade", "reinstall", "module"}, "dnf5": {"install", "upgrade", "reinstall", "group", "module"},
	"microdnf": {"install", "update", "upgrade"}, "tdnf": {"install", "update", "upgrade"},
	"zypper": {"install", "in", "update", "up", "dup", "patch"},
}

// quiet are the words with which a package manager changes no program.
var quiet = map[string][]string{
	"apt-get":  {"update", "clean", "autoclean", "remove", "purge", "autoremove", "auto-remove", "autopurge", "download", "source", "check"},
	"apt":      {"update", "clean", "remove", "purge", "autoremove", "list", "show", "search", "edit-sources", "autoclean", "policy", "depends"},
	"apk":      {"update", "del", "info", "cache", "search", "fetch", "list", "policy", "version"},
	"yum":      {"clean", "remove", "erase", "makecache", "repolist", "autoremove", "list", "config-manager", "-y clean"},
	"dnf":      {"clean", "remove", "erase", "makecache", "repolist", "autoremove", "list", "config-manager", "copr"},
	"microdnf": {"clean", "remove", "repolist"}, "tdnf": {"clean", "remove", "makecache"},
	"zypper": {"clean", "remove", "rm", "refresh", "ref", "addrepo", "ar", "search", "--version"},
}

// argumentOptions are options of package managers that take an argument.
var argumentOptions = map[string]string{
	"-t": "x", "--target-release": "x", "-o": "x", "--option": "x", "-c": "x", "--config-file": "x",
	"-X": "x", "--repository": "x", "--virtual": "virtual", "-p": "x", "--root": "x", "--arch": "x",
	"--enablerepo": "x", "--disablerepo": "x", "--setopt": "x", "--installroot": "x", "--releasever": "x", "--exclude": "x",
}

// Installs returns the packages that a command installs, with the manager's
// family. ok reports whether the command is a package manager at all.
func Installs(name string, args []dockerfile.Word) (pkgs []string, family string, ok bool) {
	family, ok = managers[name]
	if !ok {
		return nil, "", false
	}
	takes := argumentOptions
	switch name {
	case "apk", "apk-install":
		takes = map[string]string{"-t": "virtual", "--virtual": "virtual", "-X": "x", "--repository": "x", "-p": "x", "--root": "x", "--arch": "x", "--keys-dir": "x", "--repositories-file": "x"}
	case "dpkg", "rpm":
		return byFile(name, args), family, true
	case "pacman":
		return pacman(args), family, true
	}
	args = withKnownNames(args)
	_, words := shellcmd.Split(args, takes)
	if installWrappers[name] {
		return words, family, true
	}
	i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(verbs[name], w) })
	if i < 0 {
		if len(words) > 0 && slices.Contains(quiet[name], words[0]) {
			return nil, family, true
		}
		if len(words) == 0 {
			return nil, family, true
		}
		return []string{"?"}, family, true
	}
	pkgs = words[i+1:]
	if len(pkgs) == 0 || namesInVariables(args, takes) {
		pkgs = append(slices.Clone(pkgs), "?") // upgrade, or names in variables
	}
	return pkgs, family, true
}

// withKnownNames leaves out the versions that come from variables: nginx=${VERSION}.
func withKnownNames(args []dockerfile.Word) []dockerfile.Word {
	out := slices.Clone(args)
	for i, w := range out {
		if name := WithoutVersion(w.Value); !w.Static && name != w.Value && !strings.HasPrefix(name, "-") && !strings.ContainsAny(name, "$`\"'") {
			out[i].Value, out[i].Static = name, true
		}
	}
	return out
}

// namesInVariables reports whether a word that is neither an option nor the value of one has
// its name, rather than only the version behind it, from a variable.
func namesInVariables(args []dockerfile.Word, takes map[string]string) bool {
	for i, w := range args {
		if w.Static || strings.HasPrefix(w.Value, "-") {
			continue
		}
		if i > 0 {
			if _, value := takes[args[i-1].Value]; value {
				continue
			}
		}
		if strings.ContainsAny(WithoutVersion(w.Value), "$`") {
			return true
		}
	}
	return false
}

// upgradeVerbs are the words with which a package manager replaces what is installed, and
// installs next to nothing beside it.
var upgradeVerbs = map[string][]string{
	"apt-get": {"upgrade"}, "apk": {"upgrade"}, "yum": {"update", "upgrade"}, "dnf": {"update", "upgrade"}, "dnf5": {"upgrade"},
	"microdnf": {"update", "upgrade"}, "tdnf": {"update", "upgrade"}, "zypper": {"update", "up", "patch"},
}

// upgrades reports whether a command replaces what is installed by newer versions, and
// names no package to install.
func upgrades(name string, args []dockerfile.Word) bool {
	_, words := shellcmd.Split(args, argumentOptions)
	return len(words) == 1 && slices.Contains(upgradeVerbs[name], words[0]) && !namesInVariables(args, argumentOptions)
}

// WithoutVersion returns the name of a package without the version or repository that apt-get,
// apk and zypper are asked for behind it: nginx=1.26, nginx~1.26, nginx>=1.26, nginx@edge.
func WithoutVersion(word string) string {
	if i := strings.IndexAny(word, "=<>~@"); i > 0 {
		return word[:i]
	}
	return word
}

// virtual returns the name under which apk add keeps its packages together, for apk del to
// take them away by.
func virtual(name string, args []dockerfile.Word) string {
	if name != "apk" && name != "apk-install" {
		return ""
	}
	o, _ := shellcmd.Split(args, map[string]string{"-t": "virtual", "--virtual": "virtual", "-X": "x", "--repository": "x"})
	return o.Value("virtual")
}

// fileVerbs are the options with which dpkg and rpm install a file, and those under which
// the same letters only ask (dpkg(1), rpm(8)).
var fileVerbs = map[string]struct{ install, ask []string }{
	"dpkg": {[]string{"-i", "--install", "--unpack", "--configure"}, nil},
	"rpm":  {[]string{"-i", "--install", "-U", "--upgrade", "-F", "--freshen", "--reinstall", "--restore"}, []string{"-q", "--query", "-V", "--verify"}},
}

// byFile returns an unknown package where dpkg or rpm install one, and nothing for
// dpkg --print-architecture, rpm --import and their like.
func byFile(name string, args []dockerfile.Word) []string {
	o, _ := shellcmd.Split(args, nil)
	verbs := fileVerbs[name]
	unread := slices.ContainsFunc(args, func(w dockerfile.Word) bool { return !w.Static })
	if slices.ContainsFunc(verbs.ask, o.Has) || !slices.ContainsFunc(verbs.install, o.Has) && (len(o.Flags) > 0 || !unread) {
		return nil
	}
	return []string{"?"}
}

func pacman(args []dockerfile.Word) []string {
	o, words := shellcmd.Split(args, nil)
	if o.Has("-S") || o.Has("-U") || o.Has("--sync") || o.Has("--upgrade") {
		return append(words, "?")
	}
	return nil
}

// removed returns the packages that a command takes away again.
func removed(name string, args []dockerfile.Word) ([]string, bool) {
	if _, ok := managers[name]; !ok {
		return nil, false
	}
	if name == "dpkg" {
		return removedByFile(args)
	}
	_, words := shellcmd.Split(args, argumentOptions)
	i := slices.IndexFunc(words, func(w string) bool {
		return slices.Contains([]string{"remove", "purge", "del", "erase", "autoremove", "rm"}, w)
	})
	if i < 0 {
		return nil, false
	}
	return words[i+1:], true
}

// removedByFile returns the packages that dpkg takes away (dpkg(1), -r and -P).
func removedByFile(args []dockerfile.Word) ([]string, bool) {
	o, words := shellcmd.Split(args, nil)
	return words, slices.ContainsFunc([]string{"-r", "--remove", "-P", "--purge"}, o.Has)
}

// PackageTools are the packages that bring or replace the tools an inserted RUN
// may call.
var PackageTools = map[string][]string{
	"shadow":       {"useradd", "groupadd", "usermod"}, // Alpine
	"shadow-utils": {"useradd", "groupadd", "usermod"}, // Fedora, RHEL, Amazon Linux
	"passwd":       {"useradd", "groupadd", "usermod"}, // Debian
	"findutils":    {"find", "xargs"},
	"coreutils":    {"chown", "chmod", "install", "mkdir"},
	"sudo":         {"sudo"},
	"gosu":         {"gosu"},
	"su-exec":      {"su-exec"},
	"bash":         {"bash"},
	"libcap":       {"setcap", "getcap"},
	"libcap2-bin":  {"setcap", "getcap"},
}

func (s *State) toolsOf(pkg string) {
	for _, t := range PackageTools[pkg] {
		s.Tools[t] = true
	}
}

// toolsGone takes away the tools of a package that is removed. On Alpine BusyBox's own
// are there again.
func (s *State) toolsGone(pkg, family string) {
	for _, t := range PackageTools[pkg] {
		if family == "alpine" {
			delete(s.Tools, t)
			continue
		}
		s.Tools[t] = false
	}
}

// Family is the distribution family of the base image, or what the package
// managers that the file calls give away.
func (s *State) Family() string {
	if f := s.Facts.Distro.Family(); f != "" {
		return f
	}
	return s.Manager
}

// packageFiles adds the privileged files with capabilities that a package is
// known to bring. Those with mode bits alone are found by the inserted find.
func (s *simulator) packageFiles(in *dockerfile.Instruction, pkg, family string) {
	for _, f := range programs.PrivilegedIn(pkg, family, s.base.Distro.VersionID) {
		if family == "debian" && f.Path == "/usr/bin/ping" && !s.mergedUsr() {
			f.Path = "/bin/ping" // where it is before /usr was merged, and what finds it after
		}
		// Nothing on Alpine depends on busybox-suid: who installs it wants its bit.
		p := Privileged{By: in, Certain: !f.Maybe, When: f.When, Owner: pkg == "busybox-suid"}
		p.PrivilegedFile = imageinspect.PrivilegedFile{Path: f.Path, Mode: imageinspect.Mode(f.Mode), Capabilities: f.Caps, Effective: len(f.Caps) > 0}
		i := slices.IndexFunc(s.Privileged, func(q Privileged) bool { return q.Path == f.Path })
		if i >= 0 {
			s.Privileged[i] = p
			continue
		}
		s.Privileged = append(s.Privileged, p)
	}
}

// impliedPackage adds the files of shadow-utils where the file calls useradd
// though its base has none and no step names the package: another package has
// brought it along, as many do on ubi-minimal.
func (s *simulator) impliedPackage(in *dockerfile.Instruction, tool string) {
	if s.Family() != "rhel" || tool != "useradd" && tool != "groupadd" || s.Tools[tool] || s.HasPackage("shadow-utils") || len(s.Packages) == 0 {
		return
	}
	if s.base.Tool(tool) != imageinspect.No {
		return
	}
	for _, f := range programs.PrivilegedIn("shadow-utils", "rhel", s.base.Distro.VersionID) {
		s.mayHold(in, f)
	}
}

// accountPackage adds the files of shadow-utils with capabilities where a package that makes
// an account brings it along, in Enterprise Linux 8 and later: its minimal images go without.
func (s *simulator) accountPackage(in *dockerfile.Instruction, pkg string) {
	if !programs.MakesAccountOnRHEL(pkg) || !EnterpriseLinux(s.base.Distro, 8) || s.Tools["useradd"] || s.base.Tool("useradd") == imageinspect.Yes {
		return
	}
	for _, f := range programs.PrivilegedIn("shadow-utils", "rhel", s.base.Distro.VersionID) {
		if len(f.Caps) > 0 || s.base.Tool("find") == imageinspect.No {
			s.mayHold(in, f)
		}
	}
}

// numberedAccount adds the account that a package makes with a number of its own.
func (s *simulator) numberedAccount(in *dockerfile.Instruction, pkg string) {
	name, n, ok := programs.NumberedAccount(s.Family(), pkg)
	if _, there := s.Account(name); !ok || there {
		return
	}
	s.Accounts = append(s.Accounts, Account{Name: name, UID: Num(n), GID: Num(n), By: in, Program: pkg, System: true, Certain: true})
	if !slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Name == name }) {
		s.Groups = append(s.Groups, Group{Name: name, GID: Num(n), By: in, System: true})
	}
}

// basePackage adds the files with capabilities of shadow-utils where the base is known
// to have the package and not which of its files are privileged: in Enterprise Linux
// since 7.7, before which there were none. Fedora's images have lost them on the way
// (fedora-cloud/docker-brew-fedora#114), others may have (openshift/builder#256).
func (s *simulator) basePackage() {
	if s.base.Known.Privileged || s.base.Tool("useradd") != imageinspect.Yes || !EnterpriseLinux(s.base.Distro, 7) {
		return
	}
	for _, f := range programs.PrivilegedIn("shadow-utils", "rhel", s.base.Distro.VersionID) {
		if len(f.Caps) > 0 {
			s.mayHold(nil, f)
		}
	}
}

// EnterpriseLinux reports whether a distribution is Enterprise Linux of a release, 7 or 8, or
// a later one. There was no Rocky Linux and no AlmaLinux before 8.
func EnterpriseLinux(d imageinspect.Distro, since int) bool {
	switch d.ID {
	case "rocky", "almalinux":
		return true
	case "rhel", "centos", "ol":
		major, _, _ := strings.Cut(d.VersionID, ".")
		n, err := strconv.Atoi(major)
		return err == nil && n >= since
	}
	return false
}

// mayHold adds a privileged file that the image holds if it has it at all.
func (s *simulator) mayHold(in *dockerfile.Instruction, f programs.PrivilegedFile) {
	if slices.ContainsFunc(s.Privileged, func(p Privileged) bool { return p.Path == f.Path }) {
		return
	}
	p := Privileged{By: in, When: f.When}
	p.PrivilegedFile = imageinspect.PrivilegedFile{Path: f.Path, Mode: imageinspect.Mode(f.Mode), Capabilities: f.Caps, Effective: len(f.Caps) > 0}
	s.Privileged = append(s.Privileged, p)
}

// mergedUsr reports whether a Debian or Ubuntu base is known to have /bin as a
// link to /usr/bin: official images since Debian 12 (debuerreotype#143) and
// Ubuntu 20.04.
func (s *simulator) mergedUsr() bool {
	major, _, _ := strings.Cut(s.base.Distro.VersionID, ".")
	n, err := strconv.Atoi(major)
	return err == nil && (s.base.Distro.ID == "debian" && n >= 12 || s.base.Distro.ID == "ubuntu" && n >= 20)
}

// HasPackage reports whether a RUN installs a package whose name starts so.
func (s *State) HasPackage(prefix string) bool {
	return slices.ContainsFunc(s.Packages, func(p Package) bool { return strings.HasPrefix(p.Name, prefix) })
}

// uninstall forgets packages and the privileged files that came with them. The name may be
// the one under which apk keeps several together.
func (s *simulator) uninstall(names []string) {
	family := s.Family() // the packages may be all that tells
	for _, name := range names {
		gone := []string{name}
		s.Packages = slices.DeleteFunc(s.Packages, func(p Package) bool {
			if p.Virtual == name {
				gone = append(gone, p.Name)
			}
			return p.Name == name || p.Virtual == name
		})
		for _, pkg := range gone {
			if slices.ContainsFunc(s.Packages, func(p Package) bool { return p.Name == pkg }) {
				continue // it was asked for besides
			}
			s.toolsGone(pkg, family)
			for _, f := range programs.PrivilegedIn(pkg, family, "") {
				s.Privileged = slices.DeleteFunc(s.Privileged, func(p Privileged) bool { return p.Path == f.Path })
			}
		}
	}
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A helperHint tells from the steps of a file that it wants a privileged helper.
type helperHint struct {
	name string
	// words are looked for first, in lower case: expressions cost more. nil: the
	// packages alone say so.
	words []string
	re    *regexp.Regexp
	// packages install the helper, by their names in any distribution; nil where it
	// comes in other ways. To want it is not to have it: useradd -G sudo works
	// without sudo.
	packages *regexp.Regexp
}

var (
	sudoPackages = regexp.MustCompile(`^(sudo|sudo-(ldap|rs)|ubuntu-(minimal|server|standard))$`)
	// Those of google-chrome and its like are often files: ./google-chrome-stable.deb.
	chromePackages = regexp.MustCompile(`(^|/)(google-chrome|chromium|microsoft-edge|brave|opera|vivaldi|electron|code|slack)`)
	fusePackages   = regexp.MustCompile(`^(lib)?fuse3?$|^(sshfs|rclone|s3fs|gcsfuse|ntfs-3g|encfs|bindfs|mergerfs|gocryptfs|ceph-fuse|unionfs-fuse|fuse-[a-z0-9-]+)`)
	// The libraries (dbus-libs, libdbus) come without it, and Debian's other
	// packages depend on the one that has it. Fedora has it in dbus-daemon, RHEL up
	// to 7 in dbus.
	dbusPackages = regexp.MustCompile(`^(dbus|dbus-daemon|dbus-x11|dbus-user-session|dbus-1|dbus-1-daemon)$`)
)

// singularityPackages bring the setuid half of Singularity; Apptainer's is a package of its own
// (apptainer.org/docs/admin/main/installation.html).
var singularityPackages = regexp.MustCompile(`^(singularity(-ce|-container|-runtime)?|apptainer-suid)$`)

// setuidBubblewrap reports whether the release of the image has bwrap setuid: Debian up to 10
// and Enterprise Linux 7, whose kernels let nobody but root make user namespaces.
func (p *Pass) setuidBubblewrap() bool {
	d := p.Base.Distro
	switch d.ID {
	case "debian":
		return releasedBefore(d.VersionID, 11, 0)
	case "rhel", "centos", "ol":
		if d.ID == "centos" && d.VersionID == "" {
			return true // a tag that names no later release
		}
		return releasedBefore(d.VersionID, 8, 0)
	}
	return false
}

// downloaders fetch browsers whose sandbox has no bit until somebody sets it
// (pptr.dev/troubleshooting, setting up the Chrome Linux sandbox).
var downloaders = regexp.MustCompile(`\b(playwright|puppeteer)\b`)

var helperHints = []helperHint{
	{"sudo", []string{"/etc/sudoers", "nopasswd", "grant_sudo"}, nil, sudoPackages},
	{"sudo", []string{"usermod", "useradd", "adduser", "gpasswd"}, regexp.MustCompile(`\b(usermod|useradd)\b[^&;|\n]*(-[a-z]*g|--groups)[ =]?\S*\b(sudo|wheel)\b|\badduser \S+ (sudo|wheel)\b|\bgpasswd -a \S+ (sudo|wheel)\b`), sudoPackages},
	{"chrome-sandbox", []string{"chrome", "chromium", "puppeteer", "playwright", "electron"}, nil, chromePackages},
	// Unity's editor shows its windows by Chromium, and its installer sets the bit.
	{"chrome-sandbox", []string{"unitysetup", "unityhub", "unity-editor", "unityeditor"}, nil, chromePackages},
	{"userhelper", []string{"mock", "usermode"}, regexp.MustCompile(`\b(yum|dnf)\b[^&;|\n]*\s(mock|usermode)(\s|$)|-[aA]?G mock\b`), nil},
	{"s6-overlay-suexec", []string{"s6-overlay"}, nil, nil},
	{"fusermount3", []string{"fuse", "sshfs", "rclone", "s3fs"}, regexp.MustCompile(`\bfuse3?\b|sshfs|rclone|s3fs|gcsfuse`), fusePackages},
	{"fusermount", []string{"fuse", "sshfs", "rclone", "s3fs"}, regexp.MustCompile(`\bfuse\b|sshfs|rclone|s3fs|gcsfuse`), fusePackages},
	{"dbus-daemon-launch-helper", nil, nil, dbusPackages},
	{"starter-suid", nil, nil, singularityPackages},
	{"starter-suid", []string{"mconfig"}, regexp.MustCompile(`singularity|apptainer`), nil},
	{"bwrap", nil, nil, regexp.MustCompile(`^bubblewrap$`)},
	{"newuidmap", rootlessWords, nil, uidmapPackages},
	{"newgidmap", rootlessWords, nil, uidmapPackages},
}

// rootlessWords are what steps name that set up containers within the container, whose
// users newuidmap and newgidmap map (rootlesscontaine.rs, getting started).
var (
	rootlessWords  = []string{"rootlesskit", "dockerd-rootless", "podman", "buildah", "/etc/subuid"}
	uidmapPackages = regexp.MustCompile(`^(uidmap|shadow-uidmap|shadow-subids|shadow-utils(-subid)?|podman|buildah)$`)
)

// wantedHelpers returns the helpers that the steps of the file want and that the image
// has, or may have.
func (p *Pass) wantedHelpers() []string {
	var out []string
	for _, h := range helperHints {
		if (h.wantedBy(p.stepsText()) || h.wantedBy(p.scriptsText())) && p.mayHave(h) {
			out = append(out, h.name)
		}
	}
	return out
}

func (h helperHint) wantedBy(text string) bool {
	return h.words == nil || slices.ContainsFunc(h.words, func(w string) bool { return strings.Contains(text, w) }) && (h.re == nil || h.re.MatchString(text))
}

// mayHave reports whether the image may hold a helper: its base does or is not known
// not to, a step installs its package or packages that nobody can name, or a step that
// names it runs something that nobody can follow.
func (p *Pass) mayHave(h helperHint) bool {
	if slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool {
		return h.packages != nil && h.packages.MatchString(pkg.Name) || pkg.Name == "?" && h.words != nil
	}) {
		return true
	}
	if h.words == nil {
		return false
	}
	if h.packages == nil || !p.Base.Known.Privileged || p.holdsPrivileged(h.name) {
		return true
	}
	return slices.ContainsFunc(p.End.Installers, func(in *dockerfile.Instruction) bool {
		text := strings.ToLower(in.Original)
		return !slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool { return pkg.By == in }) && h.wantedBy(text) && !downloaders.MatchString(text)
	})
}

// usesFixuid are the base images that start by fixuid, by what they are called.
var usesFixuid = regexp.MustCompile(`fixuid|code-server|openvscode|ubuntu-tini`)

// spared returns the names that the strip leaves out because the base may start by them,
// where nothing is known of it but a name that says so, and the file goes on with an
// account of the base's: fixuid dies without its bit.
func (p *Pass) spared() []string {
	b, u := p.Base, p.End.User
	if b.Origin.Kind != imageinspect.FromNowhere || p.Chain[0].BaseWord == "scratch" || p.End.Entrypoint.Set() || u.By == nil || u.Root() || slices.Contains(p.keepNames(), "fixuid") {
		return nil
	}
	if a, ok := p.End.Account(u.Name); ok && a.By != nil || !usesFixuid.MatchString(p.stepsText()) {
		return nil
	}
	return []string{"fixuid"}
}

// pingers are programs that ask fping whether hosts are up.
var pingers = regexp.MustCompile(`\b(zabbix|smokeping|librenms|icinga|nagios|check_mk|observium|netdata)`)

// markPingers keeps fping's capability where such a program is in the image, or a step asks
// for fping by its name. Without it fping before 4.3 does not run, and before 5.2, which
// Debian 12 and 13 do not have, it hears no answer (schweikert/fping#248).
func (p *Pass) markPingers() {
	for i, f := range p.End.Privileged {
		if path.Base(f.Path) != "fping" || len(f.Capabilities) == 0 || f.By == nil {
			continue
		}
		name := pingers.FindString(p.stepsText() + "\n" + strings.ToLower(strings.Join(p.Entry.Argv, " ")))
		if name == "" && slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool { return pkg.Name == "fping" }) {
			name = "the program"
		}
		if name != "" {
			p.End.Privileged[i].Owner, p.End.Privileged[i].For = true, name
		}
	}
}

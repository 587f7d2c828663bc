package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// keeps reports whether a privileged file stays.
func (p *Pass) keeps(file string) bool {
	return slices.ContainsFunc(p.keepPaths(), func(kept string) bool { return kept == file || ownPattern(kept) && patternHas(kept, file) }) || slices.Contains(p.keepNames(), path.Base(file)) || strings.HasPrefix(file, "/run/wrappers/")
}

// desktop are packages that bring a whole desktop, or what locks its screen:
// its parts ask polkit and PAM, start services by way of the system bus, and
// depend on the packages that the helpers are in.
var desktop = regexp.MustCompile(`^(task-)?((x|k|l|ed)?ubuntu|ubuntu-(mate|budgie|unity)|ubuntustudio|budgie|cinnamon|deepin|gnome|kali|kde|lxde|lxqt|mate|pantheon|xfce4?|unity)-desktop(-environment|-core|-minimal)?$|^(kde-(full|standard|plasma-desktop)|plasma-(desktop|workspace|meta)|gnome(-core|-session|-shell)?|xfce4|mate-desktop-environment.*|cinnamon(-core)?|lxde(-core)?|lxqt(-core)?|kscreenlocker.*|xscreensaver|light-locker|i3lock|xfce4-screensaver|mate-screensaver)$`)

// desktopHelpers are privileged files that a desktop works with: the first checks the
// password of who unlocks the screen.
var desktopHelpers = []string{"unix_chkpwd", "dbus-daemon-launch-helper", "polkit-agent-helper-1", "pkexec"}

// daemonHelpers do something only for a daemon of root's, the system bus or polkitd, which
// in an image that starts as another user and has no sudo nobody can start (dbus-daemon(1),
// polkit(8)). The bus's helper is for its own group alone, besides.
var daemonHelpers = map[string]bool{"dbus-daemon-launch-helper": true, "polkit-agent-helper-1": true, "pkexec": true}

// sudoImages are families of images for jobs and for development, whose account
// may do everything with sudo and is expected to.
var sudoImages = regexp.MustCompile(`^(docker\.io/)?(circleci|cimg|gitpod)/|^mcr\.microsoft\.com/(vscode/)?devcontainers/|^ghcr\.io/(actions/actions-runner|devcontainers/)`)

// fixuidImages start by fixuid, and by sudo where they are told to rename their account
// (coder/code-server, ci/release-image).
var fixuidImages = regexp.MustCompile(`^(docker\.io/)?codercom/code-server\b`)

// browserImages are images that bring what a package of the file would be known by: a browser
// (cypress-io/cypress-docker-images, factory/installScripts).
var browserImages = regexp.MustCompile(`^(docker\.io/)?cypress/(browsers|included|factory)\b`)

// keepNames returns the base names of the files that must stay: what the
// image's own commands call, and helpers of what the file installs.
func (p *Pass) keepNames() []string {
	if !p.memo.kept {
		p.memo.keep, p.memo.kept = p.findKeepNames(), true
	}
	return p.memo.keep
}

func (p *Pass) findKeepNames() []string {
	out := p.calledNames()
	out = append(out, p.wantedHelpers()...)
	if fixuidImages.MatchString(p.Base.Reference) {
		out = append(out, "fixuid", "sudo")
	}
	if p.usesSudo() {
		out = append(out, "sudo")
	}
	if p.revokesSudo() && !p.Entry.Calls["sudo"] {
		out = slices.DeleteFunc(out, func(name string) bool { return name == "sudo" })
	}
	if browserImages.MatchString(p.Base.Reference) {
		out = append(out, "chrome-sandbox")
	}
	if slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool { return desktop.MatchString(pkg.Name) }) {
		out = append(out, desktopHelpers...)
	}
	// Who may start the daemons.
	root := p.startsAsRoot() || slices.ContainsFunc(out, func(name string) bool { return name == "sudo" || name == "doas" || name == "su" })
	out = slices.DeleteFunc(out, func(name string) bool {
		return daemonHelpers[name] && !root && !p.Entry.Calls[name] || name == "chrome-sandbox" && p.startsUnsandboxed() || name == "bwrap" && !p.setuidBubblewrap()
	})
	if slices.Contains(out, "su") && p.holdsPrivileged("bbsuid") {
		out = append(out, "bbsuid") // Alpine's su is a link to it
	}
	out = slices.DeleteFunc(out, func(name string) bool { return !p.mayHold(name) })
	for _, f := range p.End.Privileged {
		// A base that changes the user and has its tool for that setuid means it
		// for its other accounts.
		ownTool := f.By == nil && f.SetID() && entry.DropTools[path.Base(f.Path)] && path.Base(f.Path) != "su" && p.baseDrops() != nil
		if f.Owner && len(f.Capabilities) == 0 || ownTool {
			out = append(out, path.Base(f.Path))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// calledNames are the files of the keep list that the image's commands call.
// What root calls needs no bit: of an image that starts as root only the calls
// behind a change of user count.
func (p *Pass) calledNames() []string {
	var out []string
	calls := p.Entry.Calls
	if p.startsAsRoot() {
		calls = p.Entry.UserCalls
		for _, name := range []string{"sudo", "fixuid"} {
			if p.Entry.Calls[name] {
				out = append(out, name) // root has no use for it: it is there for --user
			}
		}
	}
	for name := range calls {
		// gosu and its kin work for root without the bit; as setuid files
		// only the file's own chmod makes them.
		if _, ok := programs.Keep(name); ok && !entry.DropTools[name] || name == "su" || name == "doas" {
			out = append(out, name)
		}
	}
	if p.startsAsRoot() {
		return out
	}
	for _, w := range p.healthCalls() {
		if _, ok := programs.Keep(w); ok {
			out = append(out, w)
		}
	}
	return out
}

// startsAsRoot reports whether the image keeps root at its start.
func (p *Pass) startsAsRoot() bool { return p.Keep != nil && p.End.User.Root() }

// usesSudo reports whether an account may use sudo without a password: steps of
// the file do so, or the base image is of a family that sets it up.
func (p *Pass) usesSudo() bool {
	if sudoImages.MatchString(p.Base.Reference) || callsSudo.MatchString(p.scriptsText()) {
		return true
	}
	if slices.ContainsFunc(p.End.BitCalls, func(c simulate.BitCall) bool { return c.Name == "sudo" }) {
		return true // by its installer, maybe
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword != "RUN" || !strings.Contains(in.Original, "sudo") {
				continue
			}
			// A root that calls a sudo which no step installs shows that the base has it.
			if p.End.Before[in].User.Root() && (p.Base.Origin.Kind != imageinspect.FromNowhere || p.bringsSudo()) {
				continue
			}
			sc, err := p.Doc.Script(in)
			if err != nil {
				continue
			}
			for _, c := range sc.Commands() {
				if slices.Contains(c.Via, "sudo") {
					return true
				}
			}
		}
	}
	return false
}

// bringsSudo reports whether a step installs sudo, be it for itself alone, or packages that
// nobody can name.
func (p *Pass) bringsSudo() bool {
	for _, in := range p.Doc.Instructions {
		if in.Keyword != "RUN" {
			continue
		}
		sc, err := p.Doc.Script(in)
		if err != nil {
			return true
		}
		for _, c := range sc.Commands() {
			if pkgs, _, ok := simulate.Installs(path.Base(c.Name), c.Args); ok && (slices.Contains(pkgs, "?") || slices.ContainsFunc(pkgs, func(pkg string) bool { return simulate.WithoutVersion(pkg) == "sudo" })) {
				return true
			}
		}
	}
	return false
}

// revokesSudo reports whether the last step that speaks of rules for sudo removes one: the
// steps needed it, what the image starts has no use for it.
func (p *Pass) revokesSudo() bool {
	if sudoImages.MatchString(p.Base.Reference) || callsSudo.MatchString(p.scriptsText()) {
		return false
	}
	for _, stage := range slices.Backward(p.Chain) {
		for _, in := range slices.Backward(stage.Instructions) {
			if !strings.Contains(in.Original, "/etc/sudoers") {
				continue
			}
			sc, err := p.Doc.Script(in)
			if in.Keyword != "RUN" || err != nil {
				return false
			}
			cmds := sc.Commands()
			return len(cmds) > 0 && !slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
				return path.Base(c.Name) != "rm" && (len(c.Redirects) > 0 || strings.Contains(strings.Join(shellcmd.Words(c.Args), " "), "/etc/sudoers"))
			})
		}
	}
	return false
}

// nixWrappers is where NixOS puts its setuid programs.
const nixWrappers = "/run/wrappers/*"

// keepPaths returns the files that must stay and whose names alone say too
// little, and what the configuration lists.
func (p *Pass) keepPaths() []string {
	out := slices.Clone(p.opts.KeepSetuid)
	calls := p.Entry.Calls
	if p.startsAsRoot() {
		calls = p.Entry.UserCalls
	}
	if calls["authbind"] {
		out = append(out, "/usr/lib/authbind/helper")
	}
	if strings.Contains(p.stepsText(), "/run/wrappers") {
		out = append(out, nixWrappers)
	}
	for _, f := range p.End.Privileged {
		if f.Owner && f.SetID() && ownPattern(f.Path) {
			out = append(out, f.Path)
		}
	}
	return out
}

// ownPattern reports whether the path of a file that the Dockerfile gives a set-id bit is a
// pattern, of which nobody knows what it matches, and can be written behind find's -path.
func ownPattern(name string) bool {
	return strings.ContainsAny(name, "*?") && !strings.HasPrefix(name, nixWrappers) && imagepath.Safe.MatchString(strings.NewReplacer("*", "", "?", "").Replace(name))
}

// patternHas reports whether find's -path or the shell takes the name for one of the pattern.
func patternHas(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// busyboxLinks are names that are links to busybox on Alpine, which no set-id
// bit can be on, unless one of these packages brings a program of its own.
var busyboxLinks = map[string][]string{
	"crontab": {"dcron", "cronie", "fcron"},
	"su":      {"shadow", "shadow-login", "util-linux", "util-linux-login"},
	"mount":   {"mount", "util-linux"},
	"umount":  {"umount", "util-linux"},
}

// mayHold reports whether the image may hold a privileged file of that name.
func (p *Pass) mayHold(name string) bool {
	packages, ok := busyboxLinks[name]
	if !ok || p.family() != "alpine" || !p.Base.Known.Privileged || p.holdsPrivileged(name) {
		return true
	}
	return slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool { return pkg.Name == "?" || slices.Contains(packages, pkg.Name) })
}

func (p *Pass) holdsPrivileged(name string) bool {
	return slices.ContainsFunc(p.End.Privileged, func(f simulate.Privileged) bool { return path.Base(f.Path) == name })
}

// keptInImage returns the names that the strip leaves out.
func (p *Pass) keptInImage() []string {
	out := slices.Concat(p.keepNames(), p.spared(), p.keepPaths())
	return slices.DeleteFunc(out, func(n string) bool { return n != nixWrappers && !ownPattern(n) && !imagepath.Safe.MatchString(n) })
}

package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// closedFiles returns what the file, or a package of a program that runs, makes
// unreadable for the user although the program reads it.
func (p *Pass) closedFiles() []simulate.ModeChange {
	var out []simulate.ModeChange
	for _, m := range p.End.Modes {
		if strings.ContainsAny(path.Base(m.Path), "*?[") {
			m.Path, m.Tree = path.Dir(m.Path), true
		}
		switch {
		case m.Tree && m.Added:
			// Others may read the files as before: what is started lacks the right to be run.
			for _, name := range p.startedPaths() {
				if imagepath.Below(name, m.Path) && imagepath.Safe.MatchString(name) && !p.othersRun(name) {
					out = append(out, simulate.ModeChange{Path: name, By: m.By})
				}
			}
			continue
		case m.Tree:
			if p.usesBelow(m.Path) || p.closedForUse(m) {
				out = append(out, m)
			}
			continue
		case p.closedForUse(m):
			out = append(out, m)
			continue
		}
		if m.Added && (!p.started(m.Path) || p.othersRun(m.Path)) {
			continue
		}
		if m.Mode&0o005 == 0o005 || !p.runtimeFile(m.Path) || m.Mode&0o004 != 0 && path.Ext(m.Path) != ".sh" && !(m.Mode&0o100 != 0 && p.started(m.Path)) {
			continue
		}
		out = append(out, m)
	}
	for _, r := range p.running() {
		for _, read := range r.variant.Reads {
			name := p.fill(read.Path, r)
			if read.Optional || name == "" || read.Owned && p.ownAccount(r) || !imagepath.Safe.MatchString(name) {
				continue
			}
			out = append(out, simulate.ModeChange{Path: name, By: r.by})
		}
	}
	return slices.CompactFunc(out, func(a, b simulate.ModeChange) bool { return a.Path == b.Path })
}

// closedToUser is closedFiles without what the user gets as its own.
func (p *Pass) closedToUser() []simulate.ModeChange {
	writes := p.writes()
	return slices.DeleteFunc(p.closedFiles(), func(m simulate.ModeChange) bool {
		return slices.ContainsFunc(writes, func(w writePath) bool {
			return w.path == m.Path && (!m.Tree || w.tree) || w.tree && !w.dirs && imagepath.Below(m.Path, w.path)
		})
	})
}

// rootsOwn are files that only root reads, and tools that want them closed.
var rootsOwn = []string{"/root", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/etc/shadow", "/etc/gshadow", "/etc/crontab", "/etc/cron.d", "/var/spool/cron",
	"/etc/doas.conf", "/etc/doas.d", "/etc/security", "/etc/pam.d", "/var/lib/apt", "/var/cache"}

// rootsAlone reports whether a path is for root to read, and for tools that refuse what
// belongs to somebody else.
func rootsAlone(name string) bool {
	return slices.ContainsFunc(rootsOwn, func(dir string) bool { return imagepath.Below(name, dir) })
}

// closedForUse reports whether the file shuts others out of what it copied or made for the
// program to read: keys, passwords. As root the program could.
func (p *Pass) closedForUse(m simulate.ModeChange) bool {
	if m.Mode&0o004 != 0 || m.Added || !imagepath.Safe.MatchString(m.Path) || imagepath.Standard[m.Path] || rootsAlone(m.Path) {
		return false
	}
	return m.Made || slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		if c.By.Index > m.By.Index || c.Opaque || p.givenAtStart(c) || c.UID.Known && c.UID.N != 0 || p.givenAfter(simulate.ModeChange{Path: m.Path, By: c.By}) {
			return false
		}
		dest := path.Clean(c.Dest)
		return slices.ContainsFunc(c.Sources, func(src string) bool { return c.Target(src) == m.Path }) || dest == m.Path || dest != "/" && imagepath.Below(m.Path, dest) && p.mayBring(c, m.Path)
	})
}

// keyDirs are directories for private keys that the distribution closes
// (packages.debian.org/openssl, ssl-cert).
var keyDirs = map[string]string{"/etc/ssl/private": "debian"}

// closedParents returns the directories that the user may not pass on the way to what the
// image starts, reads or writes.
func (p *Pass) closedParents() []simulate.ModeChange {
	if !p.shutsDirectory() && !slices.ContainsFunc(p.closedFiles(), func(m simulate.ModeChange) bool { return keyDirs[path.Dir(m.Path)] != "" }) {
		return nil
	}
	paths := p.startedPaths()
	for _, m := range p.closedFiles() {
		paths = append(paths, m.Path)
	}
	writes := p.writes()
	for _, w := range writes {
		paths = append(paths, w.path)
	}
	for _, c := range p.End.Copies {
		if c.By.Stage == p.Stage && !c.Opaque && p.closedCopy(c) {
			paths = append(paths, path.Clean(c.Dest))
		}
	}
	var out []simulate.ModeChange
	for _, name := range paths {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			m, shut := p.shutDirectory(dir)
			if shut && !slices.ContainsFunc(out, func(m simulate.ModeChange) bool { return m.Path == dir }) &&
				!slices.ContainsFunc(writes, func(w writePath) bool { return w.path == dir }) {
				out = append(out, m)
			}
		}
	}
	return out
}

// shutDirectory returns the mode with which the file keeps others out of one directory.
func (p *Pass) shutDirectory(dir string) (simulate.ModeChange, bool) {
	if !imagepath.Safe.MatchString(dir) || imagepath.Below(dir, "/root") {
		return simulate.ModeChange{}, false
	}
	if i := slices.IndexFunc(p.End.Modes, func(m simulate.ModeChange) bool { return m.Path == dir && m.Mode&0o001 == 0 && !m.Tree && !m.Added }); i >= 0 {
		return p.End.Modes[i], true
	}
	d := p.End.Dirs[dir]
	if family := keyDirs[dir]; family != "" && family == p.family() && (d == nil || !d.Mode.Known || d.MadeBy == nil) {
		by, there := p.keyDirectory(dir, d)
		return simulate.ModeChange{Path: dir, By: p.later(by, p.lastMention(dir))}, there
	}
	if d == nil || !d.Mode.Known || d.Mode.N&0o001 != 0 || d.MadeBy == nil || p.ownsDir(d) || d.UID.Known && d.UID.N != 0 {
		return simulate.ModeChange{}, false
	}
	return simulate.ModeChange{Path: dir, By: d.LastBy}, true
}

// keyDirectory reports whether the image has the directory for keys of its distribution, as
// its facts or a package tell, and the step that brings it: a COPY into one that is not there
// makes it open to all. An image that is more than its distribution mostly has it; where that
// is not known it is looked at behind the COPY that makes it if nothing else has.
func (p *Pass) keyDirectory(dir string, d *simulate.Dir) (*dockerfile.Instruction, bool) {
	for _, pkg := range p.End.Packages {
		if keyPackages[pkg.Name] {
			return pkg.By, true
		}
	}
	known := d != nil && d.MadeBy == nil && d.Mode.Known
	if !known && !p.Base.Seen() && !bareSystem[p.Repository()] {
		if by := p.copiedBelow(dir); by != nil {
			return by, true
		}
	}
	return nil, known && d.Mode.N&0o001 == 0 || !known && (p.Base.Tool("openssl") == imageinspect.Yes || p.End.Called["openssl"])
}

// bareSystem are the images of distributions that have a directory for keys, without openssl.
var bareSystem = map[string]bool{"debian": true, "ubuntu": true}

// copiedBelow returns the last COPY of the stage that brings something right into a
// directory.
func (p *Pass) copiedBelow(dir string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, c := range p.End.Copies {
		if c.By.Stage == p.Stage && !c.Opaque && imagepath.Below(path.Clean(c.Dest), dir) {
			last = p.later(last, c.By)
		}
	}
	return last
}

// keyPackages bring the directory for keys, themselves or by what they depend on
// (packages.debian.org).
var keyPackages = map[string]bool{"openssl": true, "ssl-cert": true, "ca-certificates": true, "apache2": true, "postgresql": true}

// shutsDirectory reports whether the file gives anything a mode that shuts others out.
func (p *Pass) shutsDirectory() bool {
	for _, d := range p.End.Dirs {
		if d.Mode.Known && d.Mode.N&0o001 == 0 {
			return true
		}
	}
	return slices.ContainsFunc(p.End.Modes, func(m simulate.ModeChange) bool { return m.Mode&0o001 == 0 })
}

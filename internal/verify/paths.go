package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// An observation is what a container did to its files.
type observation struct {
	tasks   []Task
	changes []Change // differs from the image
	entries []Entry  // opened for writing, or changed
	volumes []string // mount points with something in them
	facts   *imageinspect.Facts
	image   *Contents
	owned   []string // directories that the rules give to the user already
	user    int      // who the hardened image runs as
	how     string   // where this comes from; "" is the original at work
	socket  bool     // what was denied is a socket
	// ignoreOwner: that the user owns a path already does not settle it.
	ignoreOwner bool
	// mounts: what is wanted is the very directories that are written, to
	// mount something there, and not whose they are.
	mounts bool
}

// plainPath is what a path may look like to be written into a Dockerfile.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9_./@+:,=-]+$`)

// into turns the observation into what the user has to own.
//
// The lab showed what a list of changed files is worth as it stands: 3 of 9
// services ran. With the rules below it was 9 of 10. A service's whole directory
// is given away (/var/log/nginx, not its error.log), but in directories that
// services share (/run, /var/log) only the entry itself; anywhere else, the
// directory in which something appears, and the file that changes.
func (o *observation) into(l *Learned) {
	added := map[string]bool{}
	for _, c := range o.changes {
		if c.Added {
			added[c.Path] = true
		}
	}
	listed := map[string]bool{}
	for _, c := range o.changes {
		listed[c.Path] = true
	}
	dirs := map[string]bool{}
	for _, e := range o.entries {
		if e.Kind == Directory {
			dirs[e.Path] = true
		}
	}
	for _, c := range o.changes {
		switch {
		case c.Added:
			o.appeared(c.Path, added, dirs, l)
		case c.Deleted:
			o.touched(path.Dir(c.Path), l, "removes "+c.Path)
		}
	}
	for _, e := range o.entries {
		if e.Kind == Regular && !added[e.Path] {
			how := "opened for writing and left unchanged"
			if listed[e.Path] || o.how != "" {
				how = "changed"
			}
			o.changed(e, how, l)
		}
	}
	for _, v := range o.volumes {
		if o.needed(v) {
			l.Dirs = append(l.Dirs, v)
			l.explain(v, "a volume in which it writes")
		}
	}
	slices.Sort(l.Dirs)
	l.Dirs = slices.Compact(l.Dirs)
	slices.Sort(l.Trees)
	l.Trees = slices.Compact(l.Trees)
	slices.Sort(l.Files)
	l.Files = slices.Compact(l.Files)
	l.Dirs = slices.DeleteFunc(l.Dirs, func(d string) bool {
		return slices.ContainsFunc(l.Trees, func(t string) bool { return within(d, t) })
	})
	l.Files = slices.DeleteFunc(l.Files, func(f string) bool {
		return slices.ContainsFunc(l.Trees, func(t string) bool { return within(f, t) })
	})
}

// appeared handles a path that is not in the image.
func (o *observation) appeared(name string, added, dirs map[string]bool, l *Learned) {
	parent := path.Dir(name)
	if added[parent] {
		return // the topmost path that was made says it all
	}
	if !o.worth(name) {
		return
	}
	how := o.reason("made there while the probe ran: " + path.Base(name))
	if o.mounts && !sharedDir(parent) {
		if o.whole(parent, how, l) {
			return
		}
		l.Dirs = append(l.Dirs, parent)
		l.explain(parent, how)
		return
	}
	if svc := serviceDir(name); svc != "" && svc != name {
		o.tree(svc, how, l)
		return
	}
	if !sharedDir(parent) {
		o.touched(parent, l, "makes "+name)
		return
	}
	if !o.needed(parent) {
		return // anyone may write there
	}
	switch {
	case dirs[name]:
		o.tree(name, o.reason("made while the probe ran"), l)
	case o.isFile(name):
		l.Files = append(l.Files, name)
		l.explain(name, o.reason("made while the probe ran"))
	case o.how != "" && !o.socket:
		// Denied, so nobody knows what it would have been. A name without
		// an extension in a shared directory is mostly a directory.
		if path.Ext(name) != "" {
			l.Files = append(l.Files, name)
		} else {
			l.Trees = append(l.Trees, name)
		}
		l.explain(name, o.how)
	default:
		// A socket cannot be made beforehand, and its directory is shared.
		if o.mounts {
			l.explain(name, "a socket; under a read-only root it needs a tmpfs on "+parent)
		}
		l.Unfixable = append(l.Unfixable, name)
		l.explain(name, "a socket in a directory that others share; let the program use one of its own, such as "+ownDir(name))
	}
}

// isFile reports whether the layer holds a regular file at the path; it never
// holds sockets.
func (o *observation) isFile(name string) bool {
	return slices.ContainsFunc(o.entries, func(e Entry) bool { return e.Path == name && e.Kind == Regular })
}

// changed handles a file of the image that was opened for writing.
func (o *observation) changed(e Entry, how string, l *Learned) {
	if !o.worth(e.Path) || !o.ignoreOwner && !o.mounts && e.UID == o.user && o.user != 0 {
		return
	}
	if svc := serviceDir(e.Path); svc != "" && svc != e.Path && !o.mounts {
		o.tree(svc, o.reason(path.Base(e.Path)+" in it is "+how), l)
		return
	}
	if o.whole(path.Dir(e.Path), path.Base(e.Path)+" in it is "+how, l) {
		return
	}
	l.Files = append(l.Files, e.Path)
	l.explain(e.Path, o.reason(how+" while the probe ran"))
	if e.SQLite {
		o.journal(e.Path, l)
	}
}

// whole gives the tree that a step made, a repository for one, where a path in
// it is written: which of its directories a program writes next depends on what
// it is asked for.
func (o *observation) whole(dir, how string, l *Learned) bool {
	tree := o.image.treeOf(dir)
	if tree == "" {
		return false
	}
	o.tree(tree, o.reason(how), l)
	return true
}

// journal gives the directory of a database: SQLite makes a journal beside the
// file and removes it, mostly between two looks (sqlite.org/tempfiles).
func (o *observation) journal(file string, l *Learned) {
	dir := path.Dir(file)
	switch {
	case sharedDir(dir) || !o.needed(dir) || slices.Contains(o.owned, dir):
	case o.image.dataAlone(dir):
		o.touched(dir, l, "SQLite makes the journal of "+path.Base(file)+" there")
	default:
		l.Unfixable = append(l.Unfixable, file+"-journal")
		l.explain(file+"-journal", "SQLite makes it beside the database, where the program's own files lie; move the database to a directory of its own")
	}
}

// touched handles a directory of the image in which entries come or go.
func (o *observation) touched(dir string, l *Learned, what string) {
	if !o.worth(dir) || sharedDir(dir) || !o.needed(dir) {
		return
	}
	if svc := serviceDir(dir); svc != "" && !o.mounts {
		o.tree(svc, o.reason(what), l)
		return
	}
	if o.whole(dir, what, l) {
		return
	}
	l.Dirs = append(l.Dirs, dir)
	l.explain(dir, o.reason(what))
}

// denied handles a directory of the image that the program was denied.
func (o *observation) denied(dir string, l *Learned) {
	if sharedDir(dir) || !o.worth(dir) {
		return
	}
	if sharedDir(path.Dir(dir)) && strings.HasPrefix(dir, "/var/") {
		o.tree(dir, o.how, l)
		return
	}
	if o.whole(dir, "", l) {
		return
	}
	l.Dirs = append(l.Dirs, dir)
	l.explain(dir, o.how)
}

func (o *observation) tree(dir, how string, l *Learned) {
	if !plainPath.MatchString(dir) || forbidden(dir) {
		return
	}
	l.Trees = append(l.Trees, dir)
	l.explain(dir, how)
}

func (o *observation) reason(seen string) string {
	if o.how != "" {
		return o.how
	}
	return seen
}

// needed reports whether the user cannot write to the directory as it is.
func (o *observation) needed(dir string) bool {
	if o.facts == nil || o.mounts {
		return true
	}
	for _, d := range o.facts.Dirs {
		if d.Path != dir {
			continue
		}
		if d.Mode&0o002 != 0 || !o.ignoreOwner && o.user != 0 && d.UID == o.user && d.Mode&0o200 != 0 {
			return false
		}
	}
	return true
}

// worth reports whether a path says anything about what the program needs to
// write: not what the engine puts there, not scratch space that is open to all
// unless the image has something there, not caches that programs do without, and not what no user may ever own.
func (o *observation) worth(name string) bool {
	if !plainPath.MatchString(name) || forbidden(name) || engineFiles[name] {
		return false
	}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/root"} {
		if within(name, dir) {
			return false
		}
	}
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if within(name, dir) && !o.ofImage(name, dir) {
			return false
		}
	}
	return !strings.Contains(name, "/__pycache__") && path.Ext(name) != ".pyc"
}

// ofImage reports whether a path in scratch space lies in what the image has
// there: anybody may write to /tmp, but not to a directory of root's in it.
func (o *observation) ofImage(name, scratch string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, scratch), "/"), "/")
	return first != "" && o.image.has(scratch+"/"+first)
}

// engineFiles are those that the engine itself mounts or makes.
var engineFiles = map[string]bool{"/etc/hosts": true, "/etc/hostname": true, "/etc/resolv.conf": true, "/etc/mtab": true,
	"/.dockerenv": true, "/run/.containerenv": true, "/run/secrets": true}

// sharedDirs are directories that services share, or that hold the system: what
// is in them belongs to many.
var sharedDirs = map[string]bool{"/": true, "/run": true, "/var/run": true, "/run/lock": true, "/var/lock": true, "/var": true, "/var/log": true,
	"/var/lib": true, "/var/cache": true, "/var/spool": true, "/var/opt": true, "/var/mail": true, "/var/www": true, "/etc": true, "/opt": true,
	"/srv": true, "/home": true, "/mnt": true, "/media": true, "/usr": true, "/usr/local": true, "/usr/share": true, "/usr/src": true,
	"/usr/local/share": true, "/usr/local/etc": true, "/usr/local/var": true}

func sharedDir(dir string) bool { return sharedDirs[dir] }

// serviceDir returns the directory of a service that the path lies in, as the
// Filesystem Hierarchy Standard places them: /var/log/nginx for anything below
// it. "" elsewhere, and for what lies directly in the shared directory.
func serviceDir(name string) string {
	for _, root := range []string{"/run/lock", "/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/opt", "/run"} {
		rest, ok := strings.CutPrefix(name, root+"/")
		if !ok || rest == "lock" && root == "/run" {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if deeper {
			return root + "/" + first
		}
		return ""
	}
	return ""
}

// forbidden reports whether a path lies where the system's programs, libraries
// and accounts are. A user who may write there can replace them.
func forbidden(name string) bool {
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec",
		"/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/include", "/boot", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/rpm", "/lib/apk", "/var/cache/apt", "/var/cache/debconf"} {
		if within(name, dir) {
			return true
		}
	}
	// Directly in /etc stand the accounts and what decides about them.
	return path.Dir(name) == "/etc" || within(name, "/etc/pam.d") || within(name, "/etc/sudoers.d") || within(name, "/etc/ssh") || within(name, "/etc/ld.so.conf.d")
}

// within reports whether a path is dir or lies below it.
func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

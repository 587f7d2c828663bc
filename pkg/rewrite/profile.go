package rewrite

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A Profile is the least that a container of the image needs at run time: the
// second half of hardening, which no Dockerfile can say.
type Profile struct {
	User         string       // "10001:10001"; "" when the image starts as root
	FromRoot     bool         // its program is root's without the patch, so volumes may hold root's files
	Capabilities []Capability // to add after --cap-drop ALL; mostly none
	// Unsure reports whether it may need more of root's capabilities than
	// these, which nobody here can name.
	Unsure bool
	// NewPrivileges says why no-new-privileges cannot be set, "" when it can.
	NewPrivileges string
	// Sandbox says what Chromium's setuid helper, which stays, needs beside its bit, ""
	// when there is none or a Compose file gives it that.
	Sandbox  string
	Seccomp  string     // the seccomp profile that a Compose file names for it
	Writable []Writable // what has to be writable under a read-only root
	Volumes  []string   // paths that VOLUME declares, here or in the base image
	Mounted  []string   // paths where services of the repository mount named volumes
	Ports    []int      // that EXPOSE names
	LowPorts []int      // those below 1024
}

// A Capability is one that the container needs, and why.
type Capability struct {
	Name string // "NET_BIND_SERVICE", as docker run and Kubernetes take it
	Why  string
}

// A Writable is a path that the program writes.
type Writable struct {
	Path string
	Why  string
	File bool // one file in a directory of others
	Code bool // the program's own files lie in it: a tmpfs would hide them
}

// profile derives the runtime profile from what the image is after the patch.
func (p *Pass) profile() Profile {
	pr := Profile{Volumes: slices.Sorted(slices.Values(p.End.Volumes)), Ports: slices.Compact(slices.Sorted(slices.Values(p.End.Ports)))}
	for _, s := range p.opts.Siblings.Services {
		for _, m := range s.Volumes {
			if m.Source != "" && !m.ReadOnly {
				pr.Mounted = append(pr.Mounted, path.Clean(m.Target))
			}
		}
	}
	for _, port := range pr.Ports {
		if port < 1024 {
			pr.LowPorts = append(pr.LowPorts, port)
		}
	}
	root := p.Keep != nil && p.End.User.Root()
	if !root {
		pr.User, pr.FromRoot = p.User.today(), p.End.User.Root() && p.baseDrops() == nil && !p.droppedToUser()
		if p.User.How == ChoiceExisting && numericUser.MatchString(p.End.User.Spec) {
			pr.User = p.End.User.Spec // without a group on purpose, maybe
		}
	}
	pr.Capabilities = p.capabilities(root)
	pr.Unsure = root && p.unsure()
	for _, f := range p.End.Privileged {
		if f.Owner && f.SetID() || f.SetID() && p.keeps(f.Path) && !p.strippedAfter(f) {
			name := path.Base(f.Path)
			if strings.ContainsAny(name, "*?[") {
				name = f.Path // a pattern alone says nothing
			}
			pr.NewPrivileges = name + " is setuid on purpose"
		}
		// Under it the kernel gives a file no capabilities on exec
		// (prctl(2), PR_SET_NO_NEW_PRIVS). A low port takes none under Docker.
		if f.Owner && !root && slices.ContainsFunc(f.Capabilities, func(c string) bool { return c != "cap_net_bind_service" }) {
			pr.NewPrivileges = path.Base(f.Path) + " gets its capabilities from the file"
		}
	}
	if name := p.bitNeeded(); name != "" && pr.NewPrivileges == "" {
		pr.NewPrivileges = name + " stays, and does nothing under it"
	}
	if !root && slices.ContainsFunc(p.keepNames(), func(name string) bool { return worksForRoot[name] }) {
		pr.Unsure = true // whatever it is called for
	}
	for _, name := range p.keepNames() {
		if p.Entry.Calls[name] && (name == "sudo" || name == "su" || name == "doas") && !root {
			pr.NewPrivileges = "the command calls " + name
			pr.Unsure = true // root behind it has the capabilities of the bounding set (capabilities(7))
		}
	}
	p.sandbox(&pr)
	for _, w := range slices.Concat(p.writes(), p.existingWrites(), p.packagedWrites(), p.homeWrites()) {
		if root && p.User.How == ChoiceNew && imagepath.Below(w.path, p.User.Home) {
			continue // nobody makes the account
		}
		if !slices.ContainsFunc(pr.Writable, func(o Writable) bool { return o.Path == w.path }) {
			pr.Writable = append(pr.Writable, Writable{Path: w.path, Why: w.why, File: w.file, Code: p.holdsCode(w)})
		}
	}
	slices.SortFunc(pr.Writable, func(a, b Writable) int { return strings.Compare(a.Path, b.Path) })
	return pr
}

// worksForRoot are setuid programs that do as root what nobody here can name, with
// capabilities of the bounding set.
var worksForRoot = map[string]bool{"sudo": true, "starter-suid": true, "bwrap": true}

// sandboxes reports whether Chromium's setuid helper is wanted in the image.
func (p *Pass) sandboxes() bool {
	return (slices.Contains(p.wantedHelpers(), "chrome-sandbox") || browserImages.MatchString(p.Base.Reference)) && !p.startsUnsandboxed()
}

// sandbox adds what Chromium's setuid helper needs in a container: root behind a bit has no
// more than the bounding set, which --cap-drop ALL empties (chromium, docs/linux/
// sandboxing.md; docs.docker.com, Seccomp security profiles, for clone and unshare).
func (p *Pass) sandbox(pr *Profile) {
	if pr.User == "" || !slices.Contains(p.keepNames(), "chrome-sandbox") {
		return
	}
	given := false
	for _, s := range p.opts.Siblings.Services {
		if imagepath.Safe.MatchString(s.Seccomp) {
			pr.Seccomp, given = s.Seccomp, true
		}
		if addsSysAdmin(s) && !slices.ContainsFunc(pr.Capabilities, func(c Capability) bool { return c.Name == "SYS_ADMIN" }) {
			pr.Capabilities = append(pr.Capabilities, Capability{"SYS_ADMIN", fmt.Sprintf("%s:%d adds it, and Chromium's sandbox works by it", s.File, s.Line)})
			given = true
		}
	}
	if !given {
		pr.Sandbox = "chrome-sandbox gains nothing by its bit under --cap-drop ALL: allow user namespaces with --security-opt seccomp=PROFILE, or add --cap-add SYS_ADMIN"
	}
}

func addsSysAdmin(s Service) bool {
	return slices.ContainsFunc(s.CapAdd, func(c string) bool { return strings.TrimPrefix(strings.ToUpper(c), "CAP_") == "SYS_ADMIN" })
}

// bitNeeded returns a file that stays for its set-id bit, one that the image is known to
// hold before others, "" when there is none.
func (p *Pass) bitNeeded() string {
	names := slices.DeleteFunc(slices.Clone(p.keepNames()), p.onlyForUser)
	if i := slices.IndexFunc(names, p.holdsPrivileged); i >= 0 {
		return names[i]
	}
	return strings.Join(names[:min(1, len(names))], "")
}

// onlyForUser reports whether a file stays only for who starts the container with
// --user: the image starts as root, which needs no bit to call it.
func (p *Pass) onlyForUser(name string) bool {
	return p.startsAsRoot() && p.Entry.Calls[name] && !p.Entry.UserCalls[name]
}

// existingWrites is the write set of an image that was non-root before: its
// volumes, what its known programs write, and what the file gives to the user,
// since nobody knows what of that is needed.
func (p *Pass) existingWrites() []writePath {
	if p.User.How != ChoiceExisting && p.User.How != ChoiceInherited {
		return nil
	}
	var out []writePath
	for _, v := range p.End.Volumes {
		out = append(out, writePath{path: v, why: "volume"})
	}
	p.programSet(func(w writePath) { out = append(out, w) })
	for name, d := range p.End.Dirs {
		if d.MadeBy == nil || !p.ownsDir(d) || imagepath.Standard[name] || imagepath.Protected(name) || slices.ContainsFunc(out, func(o writePath) bool { return o.path == name }) {
			continue
		}
		out = append(out, writePath{path: name, why: "the file gives it to the user", tree: d.Tree, exist: true})
	}
	return dropNested(append(out, p.scriptWrites()...))
}

// scriptWrites is what start scripts write, be it configuration of the system that the image
// opens for the user: a read-only root would take that away.
func (p *Pass) scriptWrites() []writePath {
	var out []writePath
	for _, w := range p.Entry.Written {
		if imagepath.Standard[w] || !imagepath.Safe.MatchString(w) {
			continue
		}
		file := !p.Entry.Made[w] && (p.Entry.Files[w] || p.Entry.Removed[w] || path.Ext(w) != "")
		if dir := path.Dir(w); file && !imagepath.Standard[dir] && imagepath.ProtectedDir(w) == "" {
			w, file = dir, false // which holds nothing else, as far as anybody knows
		}
		out = append(out, writePath{path: w, why: "the start script", file: file, exist: true})
	}
	return out
}

// homeWrites is the home directory of a new account. Root had one that it could
// write to, and programs keep caches and settings there.
func (p *Pass) homeWrites() []writePath {
	if p.User.How != ChoiceNew || p.User.Home == "" || p.User.Home == "/" {
		return nil
	}
	return []writePath{{path: p.User.Home, why: "home"}}
}

// packagedWrites is what packages give to the accounts that they make for their
// programs, or leave open to all: no patch is needed for it, but a read-only
// root would take it away. A tree that is not always written may be
// configuration, and stays.
func (p *Pass) packagedWrites() []writePath {
	var out []writePath
	for _, r := range p.running() {
		for _, w := range r.variant.Writes {
			if name := p.fill(w.Path, r); name != "" && (w.Owned && !w.Optional || leftOpen(w)) {
				out = append(out, writePath{path: name, why: p.nameOf(r.Program), file: w.Kind == programs.File, tree: w.Recursive, exist: true})
			}
		}
	}
	return out
}

// leftOpen reports whether a directory of the system is written with some
// settings only, such as /var/lib/php/sessions.
func leftOpen(w programs.Path) bool {
	return w.Optional && !w.Owned && !w.Recursive && w.Kind == programs.Dir && strings.HasPrefix(w.Path, "/")
}

var numericUser = regexp.MustCompile(`^[0-9]+(:[0-9]+)?$`)

// holdsCode reports whether the image copies files into the path, which a tmpfs
// mounted there would hide.
func (p *Pass) holdsCode(w writePath) bool {
	for _, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		if imagepath.Below(dest, w.path) || dest != "/" && imagepath.Below(w.path, dest) && p.brings(c, strings.TrimPrefix(w.path, dest), w.tree) {
			return true
		}
	}
	for _, r := range p.running() {
		for _, o := range r.variant.Writes {
			if o.Recursive && o.Kind == programs.Dir && o.Path == w.path && strings.HasPrefix(w.path, "/var/lib/") {
				return true
			}
		}
	}
	return false
}

// brings reports whether a copy of directories brings files to a path below its
// destination. Files that only keep an empty directory in a repository, such as
// .gitkeep, do not count. Where the source cannot be read, unknown is the answer.
func (p *Pass) brings(c simulate.Copy, rel string, unknown bool) bool {
	if c.From != "" || c.Opaque || p.Context == nil {
		return unknown
	}
	for _, src := range c.Sources {
		name := path.Join(imagepath.InContext(src), rel)
		if !fs.ValidPath(name) {
			continue
		}
		entries, err := fs.ReadDir(p.Context, name)
		if err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") }) {
			return true
		}
	}
	return false
}

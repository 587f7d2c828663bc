// Package profile turns what is known of a hardened image into the settings
// that its containers need at run time, and no more: as a docker or podman
// command, a Compose service, a Kubernetes pod, JSON, or a patch to the Compose
// file or manifest that is there already.
//
// It is the second half of hardening. A Dockerfile says who the program is;
// capabilities, no-new-privileges and a read-only root can only be said by
// whoever starts the container.
package profile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// Options says what the result of rewrite.Run does not.
type Options struct {
	Path  string // of the Dockerfile, for comments
	Name  string // of the service, pod and container; "" is "app"
	Image string // reference of the built image; "" is a placeholder
	// ReadOnly asks for a read-only root even where the program may write to a
	// directory that holds its code.
	ReadOnly bool
	Services []rewrite.Service // that run the image, for their volumes
}

// A Profile is the least that a container of one image needs.
type Profile struct {
	Path, Name, Image string

	User     string // as for --user; "" when the image starts as root
	UID, GID int    // -1 when not known
	Root     string // why it starts as root, "" when it does not

	Add   []rewrite.Capability // to add after all are dropped
	Guess bool                 // nobody knows which of them are needed

	HostFiles     string  // which files of the host the user has to be allowed to read
	Sandbox       string  // what Chromium's sandbox needs beside
	Seccomp       string  // the seccomp profile that a Compose file names for it
	NewPrivileges string  // why no-new-privileges cannot be set; "" when it can
	ReadOnly      string  // why the root cannot be read-only anywhere; "" when it can
	Mounts        []Mount // what has to be writable then
	Volumes       []string

	LowPorts []int

	Migrations []Migration

	forced bool // a read-only root is wanted come what may
	chown  bool // the image can run chown
}

// A Kind is how a path is made writable under a read-only root.
type Kind string

// The kinds of mounts.
const (
	// Tmpfs is for what may be gone when the program starts again.
	Tmpfs Kind = "tmpfs"
	// Volume is for data, and for what has to start as a copy of what the
	// image has there.
	Volume Kind = "volume"
	// Declared is a VOLUME of the image: engines mount a volume there anyway.
	Declared Kind = "declared"
)

// A Mount is a directory that has to be writable.
type Mount struct {
	Path string
	Kind Kind
	Mode string // of a tmpfs, octal; "1777" when anybody may write
	Exec bool   // of a tmpfs: programs are run from it
	Code bool   // files of the image lie in it, and are needed
	Why  string
}

// PidsLimit is the number of processes and threads a container gets where the
// engine sets no limit itself. It is the default of Podman (containers.conf(5),
// pids_limit): far above what services need, far below what a fork bomb does.
const PidsLimit = 2048

// portSysctl opens ports below 1024 to every user of a network namespace.
// Kubernetes counts it among the safe ones since 1.22.
const portSysctl = "net.ipv4.ip_unprivileged_port_start"

// ErrWindows is the answer to Windows images.
var ErrWindows = errors.New("a Windows container has no capabilities, no setuid files and no read-only root; there is nothing to set")

// New returns the profile of the image that a Dockerfile builds once the patch
// of res is applied.
func New(res *rewrite.Result, opts Options) (*Profile, error) {
	if res.Reason == rewrite.Windows || res.Facts != nil && res.Facts.Config.OS == "windows" {
		return nil, ErrWindows
	}
	p := &Profile{
		Path: opts.Path, Name: opts.Name, Image: opts.Image, User: res.Profile.User, UID: -1, GID: -1,
		Add: res.Profile.Capabilities, NewPrivileges: res.Profile.NewPrivileges,
		Sandbox: res.Profile.Sandbox, Seccomp: res.Profile.Seccomp,
		Volumes: res.Profile.Volumes, LowPorts: res.Profile.LowPorts, forced: opts.ReadOnly,
	}
	p.HostFiles = hostFiles(opts.Services)
	if p.Name == "" {
		p.Name = "app"
	}
	if p.User == "" || isRoot(p.User) {
		p.stayRoot(res)
	} else {
		p.UID, p.GID = numbers(p.User, res.Facts)
		p.Mounts = mounts(res, p.UID)
		if res.Profile.Unsure {
			p.ReadOnly = "nobody knows what the image writes as root"
			p.guess(rootCapabilities)
		}
	}
	p.chown = res.Facts != nil && res.Facts.Tool("chown") == imageinspect.Yes
	p.Migrations = migrations(p, opts.Services)
	return p, nil
}

// isRoot reports whether a value for USER means root.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || strings.Trim(name, "0") == ""
}

// numbers returns the uid and gid of a value for USER, -1 for what is not
// known. A uid without a group has the one of its account: the engine looks
// into the image's /etc/passwd.
func numbers(user string, facts *imageinspect.Facts) (uid, gid int) {
	u, g, hasGroup := strings.Cut(user, ":")
	uid, gid = number(u), -1
	if hasGroup {
		return uid, number(g)
	}
	if facts != nil && uid >= 0 {
		if a, ok := facts.AccountByUID(uid); ok {
			gid = a.GID
		}
	}
	return uid, gid
}

func number(s string) int {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return int(n)
	}
	return -1
}

// Owner is the owner for chown: "10001:10001", or the user as it is when it
// has no number.
func (p *Profile) Owner() string {
	switch {
	case p.UID >= 0 && p.GID >= 0:
		return fmt.Sprintf("%d:%d", p.UID, p.GID)
	case p.UID >= 0:
		return strconv.Itoa(p.UID)
	}
	return p.User
}

// Group is a group for Kubernetes' fsGroup, which may be any number: the
// kubelet gives volumes to it and the program becomes a member. -1 when
// nothing is known.
func (p *Profile) Group() int {
	if p.GID > 0 {
		return p.GID
	}
	if p.UID > 0 {
		return p.UID
	}
	return -1
}

func (p *Profile) of(k Kind) []Mount {
	var out []Mount
	for _, m := range p.Mounts {
		if m.Kind == k {
			out = append(out, m)
		}
	}
	return out
}

// An engine is what the settings are for, as far as its volumes differ.
type engine int

const (
	onDocker     engine = iota // a new volume is a copy of the image's directory
	onCompose                  // the same, but "up" keeps it when there is a new image
	onKubernetes               // a new volume is empty
)

// readOnlyOn says why the root cannot be read-only there, "" when it can.
//
// Compose would go on running the code of an old image, which its anonymous
// volumes keep (docker compose up --renew-anon-volumes). Data is what volumes
// are for, wherever it came from first.
func (p *Profile) readOnlyOn(e engine) string {
	if p.ReadOnly != "" || p.forced || e == onDocker {
		return p.ReadOnly
	}
	var blocked []string
	for _, m := range p.Mounts {
		if m.Code && !m.copiedOn(e) {
			blocked = append(blocked, m.Path)
		}
	}
	if len(blocked) == 0 {
		return ""
	}
	return fmt.Sprintf("the program may write to %s, where files of the image lie", strings.Join(blocked, ", "))
}

// mountsOn returns what has to be mounted there.
func (p *Profile) mountsOn(e engine) []Mount {
	if p.readOnlyOn(e) != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Mounts), func(m Mount) bool { return m.Code && !m.copiedOn(e) })
}

// copiedOn reports whether a volume there starts as a copy of what the image
// has, and may stay that.
func (m Mount) copiedOn(e engine) bool {
	return e == onDocker || e == onCompose && (m.Kind == Declared || holdsData(m.Path))
}

// Mounts returns what has to be writable under a read-only root of the image
// that a Dockerfile builds once the patch of res is applied.
func Mounts(res *rewrite.Result, uid int) []Mount { return mounts(res, uid) }

// Scratch reports whether what is in a directory may be gone when the program
// starts again.
func Scratch(dir string) bool { return shortLived(dir) }

func mounts(res *rewrite.Result, uid int) []Mount {
	b := mountSet{res: res, uid: uid}
	b.add(Mount{Path: "/tmp", Kind: Tmpfs, Mode: "1777", Exec: runsJava(res.Facts), Why: "temporary files"})
	for _, v := range res.Profile.Volumes {
		b.add(Mount{Path: b.clean(v), Kind: Declared, Why: "VOLUME of the image"})
	}
	for _, w := range res.Profile.Writable {
		b.writable(w)
	}
	slices.SortFunc(b.set, func(a, c Mount) int { return strings.Compare(a.Path, c.Path) })
	return slices.DeleteFunc(b.set, b.superseded)
}

// superseded reports whether a mount is a mere guess, that the program writes
// to its working directory among its code, and what it writes there is known
// better: to directories below.
func (b *mountSet) superseded(m Mount) bool {
	return m.Code && m.Why == "working directory" && slices.ContainsFunc(b.set, func(o Mount) bool { return o.Path != m.Path && within(o.Path, m.Path) })
}

// runsJava reports whether the image is made for Java, whose libraries unpack
// native code into /tmp and load it from there (JNA, snappy, sqlite-jdbc …);
// Docker mounts tmpfs noexec.
func runsJava(f *imageinspect.Facts) bool {
	if f == nil {
		return false
	}
	return slices.ContainsFunc(f.Config.Env, func(kv string) bool {
		return strings.HasPrefix(kv, "JAVA_HOME=") || strings.HasPrefix(kv, "JAVA_VERSION=")
	})
}

// A mountSet collects mounts, one for each path.
type mountSet struct {
	res *rewrite.Result
	uid int
	set []Mount
}

func (b *mountSet) add(m Mount) {
	if m.Path == "/" || !path.IsAbs(m.Path) {
		return
	}
	i := slices.IndexFunc(b.set, func(o Mount) bool { return o.Path == m.Path })
	if i < 0 {
		b.set = append(b.set, m)
		return
	}
	if m.Kind == Volume && b.set[i].Kind == Tmpfs {
		b.set[i] = m
	}
}

// shared are directories of the distribution that hold nothing that a program
// needs before it starts, so that a tmpfs may cover them.
var shared = map[string]bool{"/run": true, "/run/lock": true, "/tmp": true, "/var/tmp": true, "/var/log": true, "/var/cache": true, "/var/run": true, "/var/lock": true}

// writable adds one member of the write set. One file in a shared directory,
// such as /run/nginx.pid, makes the whole directory a tmpfs: files are
// replaced and removed, which a mount on the file would not allow.
func (b *mountSet) writable(w rewrite.Writable) {
	m := Mount{Path: b.clean(w.Path), Kind: Tmpfs, Mode: b.mode(), Why: w.Why}
	if w.File {
		m.Why = path.Base(w.Path)
		if w.Why != "" {
			m.Why += " of " + w.Why
		}
		m.Path = path.Dir(m.Path)
	}
	m.Code = w.Code || w.File && !shared[m.Path]
	if m.Code || !shortLived(m.Path) && w.Why != "home" {
		m.Kind, m.Mode = Volume, ""
	}
	if i := slices.IndexFunc(b.set, func(o Mount) bool { return o.Kind == Declared && within(m.Path, o.Path) }); i >= 0 {
		b.set[i].Code = b.set[i].Code || m.Code
		return
	}
	if slices.ContainsFunc(b.set, func(o Mount) bool { return o.Path == m.Path && o.Mode == "1777" }) {
		return // anybody may write there, /tmp for one
	}
	b.add(m)
}

// shortLived reports whether what is in a directory may be gone when the
// program starts again, by its place (FHS 3.0, 3.15 and 5) or its name. The
// rest may be data, which a tmpfs would lose.
func shortLived(dir string) bool {
	for _, place := range []string{"/run", "/tmp", "/var/run", "/var/lock", "/var/log", "/var/cache", "/var/tmp"} {
		if within(dir, place) {
			return true
		}
	}
	switch path.Base(dir) {
	case "tmp", "temp", "cache", ".cache", "log", "logs", "run", "pids":
		return true
	}
	return false
}

// holdsData reports whether a directory is for the state of programs, not for
// their code (FHS 3.0, 5.8).
func holdsData(dir string) bool { return within(dir, "/var/lib") || within(dir, "/var/opt") }

// mode is that of the mount points: for the user alone to write, or for
// anybody where the user has no number to give them to.
func (b *mountSet) mode() string {
	if b.uid < 0 {
		return "1777"
	}
	return "0755"
}

// clean returns the path without the links that every distribution has: two
// mounts on one directory would hide each other (hier(7), FHS 3.0 section 5.13).
func (b *mountSet) clean(name string) string {
	name = path.Clean(name)
	if b.res.Facts == nil || b.res.Facts.Distro.ID == "" {
		return name
	}
	for _, link := range [][2]string{{"/var/run", "/run"}, {"/var/lock", "/run/lock"}} {
		if within(name, link[0]) {
			return link[1] + strings.TrimPrefix(name, link[0])
		}
	}
	return name
}

// within reports whether name is dir or below it.
func within(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

// oneLine makes text from strangers fit for a comment: what is not printable,
// line ends among them, becomes a replacement character.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

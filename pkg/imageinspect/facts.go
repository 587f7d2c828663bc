// Package imageinspect finds out what a base image holds: its configuration,
// distribution, accounts, tools and privileged files.
//
// A Source answers with Facts. The registry, the local engine, OCI layouts and
// saved tarballs are read in one streaming pass over the layers' tar headers;
// nothing is unpacked and nothing is run. What an image says about itself is
// hostile input: names and paths are checked before they are handed on,
// because they end up in the text of a Dockerfile.
package imageinspect

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
)

// A Tri is an answer that may be missing: what is not known is not absent.
type Tri int8

// The answers.
const (
	No      Tri = -1
	Unknown Tri = 0
	Yes     Tri = 1
)

func (t Tri) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// triOf is Yes for found, else No where the list looked at is complete.
func triOf(found, complete bool) Tri {
	switch {
	case found:
		return Yes
	case complete:
		return No
	}
	return Unknown
}

// Facts are what is known about one image for one platform.
type Facts struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest,omitempty"`   // of the manifest, "sha256:…"
	Platform  string `json:"platform,omitempty"` // "linux/amd64"
	Origin    Origin `json:"origin"`
	Known     Known  `json:"known"`
	Config    Config `json:"config"`
	Distro    Distro `json:"distro"`

	Accounts []Account `json:"accounts"`
	Groups   []Group   `json:"groups"`
	// ReservedUIDs and ReservedGIDs are numbers that belong to accounts and
	// groups left out because their names cannot be trusted.
	ReservedUIDs []int `json:"reserved_uids,omitempty"`
	ReservedGIDs []int `json:"reserved_gids,omitempty"`

	// Tools maps those of ToolNames that the image has to absolute paths.
	Tools map[string]string `json:"tools"`
	// Links maps those tools that are links to the path of what runs:
	// "adduser" → "/bin/busybox". See Flavour.
	Links map[string]string `json:"links,omitempty"`

	Privileged []PrivilegedFile  `json:"privileged"`
	Scripts    map[string]string `json:"scripts,omitempty"` // path → text of entry point scripts
	Dirs       []Dir             `json:"dirs,omitempty"`    // directories that are not root:root 0755, by path

	// RunsAs is the account that the image ships for its program or for its
	// users ("node", "nginx", "nonroot"), "" when there is none.
	RunsAs string `json:"runs_as,omitempty"`
	// Entrypoint says what the entry point does with its privileges, nil when
	// that is not known other than from Scripts.
	Entrypoint *EntrypointFacts `json:"entrypoint,omitempty"`

	Warnings []string `json:"warnings,omitempty"`
}

// An Origin says where facts come from.
type Origin struct {
	Kind    OriginKind `json:"kind"`
	Detail  string     `json:"detail,omitempty"`
	Sources []string   `json:"sources,omitempty"` // URLs
}

// An OriginKind is a kind of place that facts come from.
type OriginKind string

// The kinds of places.
const (
	FromRegistry  OriginKind = "registry"
	FromEngine    OriginKind = "engine"
	FromLayout    OriginKind = "layout"
	FromTarball   OriginKind = "tarball"
	FromFile      OriginKind = "file"
	FromCatalogue OriginKind = "catalogue"
	FromInference OriginKind = "inferred"
	FromNowhere   OriginKind = "none"
	FromScratch   OriginKind = "scratch"
	// FromDockerfile is the Dockerfile that builds the image, in the same run.
	FromDockerfile OriginKind = "dockerfile"
)

// Known says which parts of the facts are complete. In a part that is not,
// what is not listed is unknown rather than absent.
type Known struct {
	Config     bool `json:"config"`
	Accounts   bool `json:"accounts"`
	Tools      bool `json:"tools"`
	Privileged bool `json:"privileged"`
	// People says that no account or group from 1000 up is missing, the numbers
	// that useradd and adduser give to people (login.defs(5) UID_MIN,
	// adduser.conf(5) FIRST_UID), though accounts of the system may be.
	People bool `json:"people,omitempty"`
}

// A Config is the part of the image's configuration that matters here.
type Config struct {
	User         string   `json:"user,omitempty"`
	WorkingDir   string   `json:"working_dir,omitempty"`
	Env          []string `json:"env,omitempty"` // K=V
	Entrypoint   []string `json:"entrypoint,omitempty"`
	Cmd          []string `json:"cmd,omitempty"`
	Shell        []string `json:"shell,omitempty"`
	OnBuild      []string `json:"onbuild,omitempty"`
	Healthcheck  []string `json:"healthcheck,omitempty"`   // {"CMD", …}, {"CMD-SHELL", …}, {"NONE"}
	Volumes      []string `json:"volumes,omitempty"`       // sorted
	ExposedPorts []string `json:"exposed_ports,omitempty"` // sorted, "80/tcp"
	StopSignal   string   `json:"stop_signal,omitempty"`
	OS           string   `json:"os,omitempty"`
}

// An Account is a line of /etc/passwd.
type Account struct {
	Name  string `json:"name"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Home  string `json:"home,omitempty"`
	Shell string `json:"shell,omitempty"`
}

// A Group is a line of /etc/group.
type Group struct {
	Name    string   `json:"name"`
	GID     int      `json:"gid"`
	Members []string `json:"members,omitempty"`
}

// A Mode is the permission bits of a file, with setuid, setgid and sticky, as
// chmod takes them. Its JSON is an octal string: "4755".
type Mode uint32

func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || n > 0o7777 {
		return fmt.Errorf("mode %.20q is not an octal number up to 7777", text)
	}
	*m = Mode(n)
	return nil
}

// A PrivilegedFile is a regular file with a setuid or setgid bit or with file
// capabilities. Its path is absolute and without control characters, but may
// hold blanks and whatever else a shell would interpret: quote it.
type PrivilegedFile struct {
	Path string `json:"path"`
	Mode Mode   `json:"mode"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Size int64  `json:"size"`
	// Capabilities are those permitted or inheritable, "cap_net_raw".
	Capabilities []string `json:"capabilities,omitempty"`
	// Effective is the bit that raises them at exec, after which exec fails
	// where the bounding set lacks one of them (capabilities(7)).
	Effective bool `json:"effective,omitempty"`
}

// SetID reports whether the file has the setuid or setgid bit.
func (p PrivilegedFile) SetID() bool { return p.Mode&0o6000 != 0 }

// A Dir is a directory with its owner and mode.
type Dir struct {
	Path string `json:"path"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Mode Mode   `json:"mode"`
}

// Scratch returns the facts of the empty image: everything is known, and it is
// nothing.
func Scratch() *Facts {
	return &Facts{
		Reference: "scratch",
		Origin:    Origin{Kind: FromScratch},
		Known:     Known{Config: true, Accounts: true, Tools: true, Privileged: true, People: true},
	}
}

// Seen reports whether the facts are those of the image itself, as opposed to what is
// known or thought of its kind.
func (f *Facts) Seen() bool {
	switch f.Origin.Kind {
	case FromRegistry, FromEngine, FromLayout, FromTarball, FromFile:
		return true
	}
	return false
}

// UnknownImage returns the facts of an image of which nothing is known.
func UnknownImage(ref string) *Facts {
	return &Facts{Reference: ref, Origin: Origin{Kind: FromNowhere}}
}

// Tool reports whether the image has the named tool.
func (f *Facts) Tool(name string) Tri {
	_, ok := f.Tools[name]
	return triOf(ok, f.Known.Tools)
}

// Flavour returns whose implementation of a tool the image has: "busybox" or
// "toybox" when it is a link to that, "shadow" for useradd and what links to
// it (Red Hat's adduser), "debian" for Debian's adduser, a program of its own
// with other flags, and "" when it is absent or not known.
func (f *Facts) Flavour(tool string) string {
	if _, ok := f.Tools[tool]; !ok {
		return ""
	}
	target := path.Base(f.Links[tool])
	switch target {
	case "busybox", "toybox":
		return target
	case "useradd", "groupadd":
		return "shadow"
	}
	switch tool {
	case "useradd", "groupadd", "usermod":
		return "shadow"
	case "adduser", "addgroup":
		switch f.Distro.Family() {
		case "debian":
			return "debian"
		case "rhel":
			return "shadow"
		case "alpine", "wolfi", "busybox":
			return "busybox"
		}
	}
	return ""
}

// Account returns the account of that name.
func (f *Facts) Account(name string) (Account, bool) {
	i := slices.IndexFunc(f.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return f.Accounts[i], true
}

// AccountByUID returns the first account with that number, as getpwuid does.
func (f *Facts) AccountByUID(uid int) (Account, bool) {
	i := slices.IndexFunc(f.Accounts, func(a Account) bool { return a.UID == uid })
	if i < 0 {
		return Account{}, false
	}
	return f.Accounts[i], true
}

// Group returns the group of that name.
func (f *Facts) Group(name string) (Group, bool) {
	i := slices.IndexFunc(f.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return f.Groups[i], true
}

// GroupByGID returns the first group with that number, as getgrgid does.
func (f *Facts) GroupByGID(gid int) (Group, bool) {
	i := slices.IndexFunc(f.Groups, func(g Group) bool { return g.GID == gid })
	if i < 0 {
		return Group{}, false
	}
	return f.Groups[i], true
}

// UIDTaken reports whether an account of the image has that number, those with
// names that cannot be trusted included.
func (f *Facts) UIDTaken(uid int) Tri {
	_, ok := f.AccountByUID(uid)
	return triOf(ok || slices.Contains(f.ReservedUIDs, uid), f.Known.Accounts)
}

// GIDTaken reports whether a group of the image has that number, those with
// names that cannot be trusted included.
func (f *Facts) GIDTaken(gid int) Tri {
	_, ok := f.GroupByGID(gid)
	return triOf(ok || slices.Contains(f.ReservedGIDs, gid), f.Known.Accounts)
}

// Supplementary returns the groups that list name as a member, other than its
// primary group. "USER name:group" drops them, "USER name" keeps them.
func (f *Facts) Supplementary(name string) []Group {
	a, ok := f.Account(name)
	var groups []Group
	for _, g := range f.Groups {
		if slices.Contains(g.Members, name) && !(ok && g.GID == a.GID) {
			groups = append(groups, g)
		}
	}
	return groups
}

// SetID returns the files with a setuid or setgid bit.
func (f *Facts) SetID() []PrivilegedFile {
	var files []PrivilegedFile
	for _, p := range f.Privileged {
		if p.SetID() {
			files = append(files, p)
		}
	}
	return files
}

// FileCaps returns the files with capabilities.
func (f *Facts) FileCaps() []PrivilegedFile {
	var files []PrivilegedFile
	for _, p := range f.Privileged {
		if len(p.Capabilities) > 0 {
			files = append(files, p)
		}
	}
	return files
}

// Normalize brings lists whose order has no meaning into their one order, so
// that equal facts have equal JSON. Accounts and groups keep theirs: lookups
// by number find the first.
func (f *Facts) Normalize() {
	slices.SortFunc(f.Privileged, func(a, b PrivilegedFile) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(f.Dirs, func(a, b Dir) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(f.Config.Volumes)
	slices.Sort(f.Config.ExposedPorts)
	slices.Sort(f.ReservedUIDs)
	f.ReservedUIDs = slices.Compact(f.ReservedUIDs)
	slices.Sort(f.ReservedGIDs)
	f.ReservedGIDs = slices.Compact(f.ReservedGIDs)
}

package programs

import (
	"slices"
	"strings"
)

// A PrivilegedFile is a file that a package installs setuid, setgid or with
// file capabilities.
type PrivilegedFile struct {
	// Path is absolute. A * stands for Debian's directory of the
	// architecture, x86_64-linux-gnu, and works as it stands in a shell.
	Path string
	// Mode holds the permission bits with setuid and setgid, 0 when only Caps
	// matter.
	Mode uint32
	// Caps are its file capabilities: "cap_net_raw".
	Caps []string
	// When says under what condition it is so; "" for always.
	When string
	// Maybe: some releases, or some ways to install the package, go without
	// the file.
	Maybe bool
}

// A PrivilegedPackage is a package with privileged files.
type PrivilegedPackage struct {
	Package  string
	Families []string
	// NotIn are the releases that do without, by code name or number.
	NotIn []string
	Files []PrivilegedFile
	// Brings are packages of the table that it depends on, and so installs.
	Brings []string
	// Recommends: it only recommends those that it brings, and
	// --no-install-recommends leaves them out.
	Recommends bool
	Sources    []string
	// VerifiedLab lists the Debian releases in which the package has been
	// installed and looked at.
	VerifiedLab []string
}

// PrivilegedBy returns the privileged files that installing a package brings
// in, in any release of the distribution family. It is empty both for
// packages without any and for packages that the table does not know.
func PrivilegedBy(pkg, family string) []PrivilegedFile {
	return PrivilegedIn(pkg, family, "")
}

// PrivilegedIn is PrivilegedBy for one release, by code name ("bookworm") or
// number ("12"); "" stands for any.
func PrivilegedIn(pkg, family, release string) []PrivilegedFile {
	// apt takes pkg=version, pkg/release and pkg:arch.
	if i := strings.IndexAny(pkg, "=/:"); i > 0 {
		pkg = pkg[:i]
	}
	var files []PrivilegedFile
	for _, p := range privileged() {
		major, _, _ := strings.Cut(release, ".")
		if p.Package != pkg || !slices.Contains(p.Families, family) || slices.Contains(p.NotIn, release) || slices.Contains(p.NotIn, major) {
			continue
		}
		for _, f := range p.Files {
			if release != "" && (f.When == upTo8 || f.When == since9) {
				f.When = "" // the release is known, and this is what it has
			}
			files = append(files, f)
		}
		for _, dependency := range p.Brings {
			for _, f := range PrivilegedIn(dependency, family, release) {
				if p.Recommends {
					f.Maybe = true
					f.When = strings.TrimPrefix(f.When+"; if "+p.Package+" brings it along", "; ")
				}
				files = append(files, f)
			}
		}
	}
	return files
}

// PrivilegedPackages returns all packages that are known to install
// privileged files.
func PrivilegedPackages() []PrivilegedPackage {
	return slices.Clone(privileged())
}

// The releases of Enterprise Linux in which something is so.
const upTo8, since9 = "in releases up to 8", "since release 9"

// notIn names the releases that do without the files.
func (p PrivilegedPackage) notIn(releases ...string) PrivilegedPackage { p.NotIn = releases; return p }

// A KeptFile is a privileged file whose program cannot work without its bit.
type KeptFile struct {
	// Name is the file's base name; Path is set where only that path is meant.
	Name, Path string
	// Why is a clause that fits after "kept because".
	Why     string
	Sources []string
}

// Keep reports whether a privileged file must not be stripped when the image
// uses its program, and why. It takes a path or, where the name alone says enough, a
// base name.
func Keep(path string) (why string, ok bool) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	for _, k := range kept {
		if k.Name == base && (k.Path == "" || k.Path == path) {
			return k.Why, true
		}
	}
	return "", false
}

// Kept returns all files of the keep list.
func Kept() []KeptFile { return append([]KeptFile(nil), kept...) }

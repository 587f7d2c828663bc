package programs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// index maps executable names, and package names, to entries. It is built on
// first use: most runs of the tool need it, --version does not.
var index = sync.OnceValue(func() (ix struct {
	byName       map[string]*Program
	byPackage    map[string][]*Program
	byInvocation map[string][]invocation
	like         []pattern
}) {
	programs := table()
	ix.byName = make(map[string]*Program, 4*len(programs))
	ix.byPackage = make(map[string][]*Program, 2*len(programs))
	ix.byInvocation = map[string][]invocation{}
	for _, p := range programs {
		ix.byName[p.Name] = p
		for _, a := range p.Aliases {
			ix.byName[a] = p
		}
		for _, l := range p.Like {
			ix.like = append(ix.like, pattern{l, p})
		}
		for _, i := range p.Invocations {
			ix.byInvocation[i.Name] = append(ix.byInvocation[i.Name], invocation{i, p})
		}
		for _, v := range p.Variants {
			for _, pkg := range v.Packages {
				pkg = withoutVersion(pkg)
				if !slices.Contains(ix.byPackage[pkg], p) {
					ix.byPackage[pkg] = append(ix.byPackage[pkg], p)
				}
			}
		}
	}
	return ix
})

// A pattern is one of Program.Like.
type pattern struct {
	pattern string
	program *Program
}

// All returns the programs of the table, sorted by name. The caller must not
// change them.
func All() []*Program {
	all := slices.Clone(table())
	slices.SortFunc(all, func(a, b *Program) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup returns the program with an executable of this name, which may be a
// path and may carry a version: /usr/lib/postgresql/15/bin/postgres,
// php-fpm8.2, python3.11.
func Lookup(name string) (*Program, bool) {
	p, _, ok := lookup(name)
	return p, ok
}

// NameIn returns what the program is called where one of the packages or images brings
// it.
func (p *Program) NameIn(origins []string) string {
	for _, o := range origins {
		for prefix, name := range p.Forks {
			if strings.HasPrefix(o, prefix) {
				return name
			}
		}
	}
	return p.Name
}

// Version returns the version in an executable's name or path, or in the name
// of a package, "" if there is none: "8.2" for php-fpm8.2 and php8.2-fpm, "15"
// for /usr/lib/postgresql/15/bin/postgres, "10" for tomcat10.
func Version(name string) string {
	if len(name) > maxName {
		return ""
	}
	if _, version, ok := lookup(name); ok && version != "" {
		return version
	}
	dir, base := path.Split(name)
	for _, part := range strings.Split(dir, "/") {
		if isVersion(part) {
			return part
		}
		if _, version, ok := lookup(part); ok && version != "" {
			return version
		}
	}
	if dir == "" {
		return strings.TrimPrefix(versions.FindString(base), "-")
	}
	return ""
}

// maxName is more than any path of a program takes.
const maxName = 4096

// versions are the parts of a package's name that change with its version:
// 8.2 in php8.2-fpm, -15 in postgresql-15.
var versions = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)*`)

func withoutVersion(pkg string) string { return versions.ReplaceAllString(pkg, "") }

func lookup(name string) (p *Program, version string, ok bool) {
	if len(name) > maxName {
		return nil, "", false
	}
	byName := index().byName
	// s6-overlay's /init and /sbin/init are told apart by their paths.
	if p, ok = byName[name]; ok {
		return p, "", true
	}
	base := path.Base(name)
	// bin/console is Symfony's, a console in another place is not.
	if p, ok = byName[path.Join(path.Base(path.Dir(name)), base)]; ok {
		return p, "", true
	}
	if p, ok = byName[base]; ok && (base == name || !placeMatters[base]) {
		return p, "", true
	}
	stem := strings.TrimRight(base, "0123456789.")
	version = base[len(stem):]
	if version == "" || !isVersion(version) {
		p, ok = like(base)
		return p, "", ok
	}
	if p, ok = byName[stem]; !ok {
		p, ok = byName[strings.TrimRight(stem, "-_")]
	}
	return p, version, ok
}

// like returns the program of which a name is one by its pattern.
func like(base string) (*Program, bool) {
	if strings.Contains(base, ".") {
		return nil, false
	}
	for _, l := range index().like {
		if ok, _ := path.Match(l.pattern, base); ok {
			return l.program, true
		}
	}
	return nil, false
}

// placeMatters are names that mean a program of the table only in the places
// that it names, or without one: an /app/init is somebody's own.
var placeMatters = map[string]bool{"init": true}

// isVersion reports whether s is digits with single dots between them.
func isVersion(s string) bool {
	for _, part := range strings.Split(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

// ByPackage returns the programs that a package installs, by the package's
// name in any distribution: nginx-light, postgresql-15, php8.3-fpm. What apt
// allows behind the name (=1.2, :amd64, /backports) is ignored.
func ByPackage(pkg string) []*Program {
	if len(pkg) > maxName {
		return nil
	}
	if i := strings.IndexAny(pkg, "=/:"); i > 0 {
		pkg = pkg[:i]
	}
	return slices.Clone(index().byPackage[withoutVersion(pkg)])
}

// shortName removes what Docker Hub adds to the names of official images.
func shortName(repository string) string {
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"} {
		repository = strings.TrimPrefix(repository, prefix)
	}
	return repository
}

// A Place fills the blanks in a variant's paths.
type Place struct {
	// Version is the program's, from Version or a package's name; "" stands
	// for the one of the release that the variant was verified in.
	Version string
	// Home is the home directory of the account that the program runs as.
	Home string
	// Workdir is the image's working directory.
	Workdir string
}

// At returns the variant with the blanks in its paths filled in. Paths below
// a place that is not known are left out.
func (v Variant) At(place Place) Variant {
	if place.Version == "" {
		place.Version = v.Version
	}
	blanks := []struct{ name, value string }{
		{"{version}", place.Version},
		{"{home}", place.Home},
		{"{workdir}", strings.TrimSuffix(place.Workdir, "/")},
	}
	fill := func(s string) string {
		for _, b := range blanks {
			if strings.Contains(s, b.name) {
				if b.value == "" {
					return ""
				}
				s = strings.ReplaceAll(s, b.name, b.value)
			}
		}
		return s
	}
	fillPaths := func(paths []Path) []Path {
		var filled []Path
		for _, p := range paths {
			if p.Path = fill(p.Path); p.Path != "" {
				filled = append(filled, p)
			}
		}
		return filled
	}
	v.Writes, v.Reads = fillPaths(v.Writes), fillPaths(v.Reads)
	v.Pid = fill(v.Pid)
	v.Sockets = slices.DeleteFunc(mapped(v.Sockets, fill), func(s string) bool { return s == "" })
	v.Needs = slices.Clone(v.Needs)
	for i := range v.Needs {
		v.Needs[i].File = fill(v.Needs[i].File)
	}
	return v
}

func mapped(in []string, f func(string) string) []string {
	var out []string
	for _, s := range in {
		out = append(out, f(s))
	}
	return out
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// dataRoots are where the Filesystem Hierarchy Standard and custom put data
// that changes.
var dataRoots = []string{"/data", "/var/lib", "/var/log", "/var/cache", "/var/run", "/run", "/srv", "/app", "/var/opt", "/config", "/logs", "/storage", "/cache", "/var/spool", "/var/www", "/usr/src/app"}

// dataNames are last components of paths that hold data wherever they are.
var dataNames = map[string]bool{"data": true, "logs": true, "log": true, "cache": true, "tmp": true, "temp": true, "run": true, "uploads": true, "upload": true,

	"spool": true, "storage": true, "db": true, "database": true, "media": true, "state": true, "downloads": true, "output": true, "results": true, "sessions": true, "backups": true, "backup": true, "work": true, "var": true,
	"pids": true, "sockets": true}

// buildDirs belong to package managers, cron and sshd, whose programs are root's.
var buildDirs = []string{"/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg", "/var/cache/apk", "/var/cache/yum", "/var/cache/dnf", "/run/apt", "/var/log/apt", "/var/cache/debconf", "/var/lib/rpm", "/run/sshd", "/var/run/sshd", "/var/spool/cron"}

func (p *Pass) madeSet(add func(writePath)) {
	for _, name := range p.madeDirs() {
		if isData(name) {
			w := writePath{path: name, why: madeByFile, exist: p.End.Dirs[name].Made(), after: p.inStage(p.End.Dirs[name].MadeBy)}
			if by := p.seededBy(name); by != nil {
				w.tree, w.after = true, p.later(w.after, by)
			}
			add(w)
		}
	}
}

// isData reports whether a directory is one for data, by where it is or what it is called.
func isData(name string) bool {
	return dataNames[path.Base(name)] || slices.ContainsFunc(dataRoots, func(r string) bool { return imagepath.Below(name, r) })
}

// madeDirs returns the directories that steps make for root, without those of the system
// and those that are filled with code, as far as anybody knows. What is made under a
// condition is not in every image: it counts where a script that is read writes there.
func (p *Pass) madeDirs() []string {
	var out []string
	for name, d := range p.End.Dirs {
		if d.When == "" && p.madeForRoot(name, d) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// madeForRoot reports whether a step makes a directory for root that is not filled with code.
func (p *Pass) madeForRoot(name string, d *simulate.Dir) bool {
	if d.MadeBy == nil || d.MadeBy.Keyword != "RUN" || !d.UID.Known || d.UID.N != 0 {
		return false
	}
	if imagepath.Standard[name] || imagepath.Protected(name) || p.onPath(name) || slices.ContainsFunc(buildDirs, func(b string) bool { return imagepath.Below(name, b) }) {
		return false
	}
	return p.End.Filled[name] == nil || name == p.End.Workdir || dataNames[path.Base(name)]
}

// sourceFile is the name of a file that a build reads: touch makes it newer there.
var sourceFile = regexp.MustCompile(`\.(rs|go|c|cc|cpp|h|hpp|java|kt|scala|py|rb|js|jsx|ts|tsx|css|html?|vue|php|ex|exs|erl|hs|lock|toml|mod|sum|sh|xml|gradle|md)$|^(Makefile|__init__\.py|[A-Z_]+)$|stamp`)

// touchedSet adds the files that a step makes empty: they are there to be written.
func (p *Pass) touchedSet(add func(writePath)) {
	for name, in := range p.End.Touched {
		if in.Stage != p.Stage || imagepath.Protected(name) || imagepath.Standard[name] || sourceFile.MatchString(name) || strings.HasPrefix(path.Base(name), ".") && path.Dir(name) != p.End.Workdir ||
			slices.ContainsFunc(buildDirs, func(b string) bool { return imagepath.Below(name, b) }) || p.CopiedFile(name) != nil || !p.End.Before[in].User.Root() {
			continue
		}
		if d := p.End.Dirs[name]; d != nil && (d.MadeBy != nil || d.OwnedBy != nil) || slices.ContainsFunc(p.End.Modes, func(m simulate.ModeChange) bool { return m.Path == name && m.Mode&0o002 != 0 }) {
			continue
		}
		add(writePath{path: name, why: "a step makes it empty", file: true, exist: true, after: in})
	}
}

// onPath reports whether a directory holds a program that a link or PATH makes a
// command: who may write there can replace it.
func (p *Pass) onPath(dir string) bool {
	if v, ok := p.End.Env.Get("PATH"); ok && slices.Contains(strings.Split(v, ":"), dir) {
		return true
	}
	for link, target := range p.End.Links {
		if path.Dir(target) == dir && slices.Contains(p.End.SearchPath(), path.Dir(link)) {
			return true
		}
	}
	return false
}

package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

// A serverBuild is a web server that people build from its sources, which then has a
// directory of its own for all that it writes.
type serverBuild struct {
	program string         // its name in the table
	name    string         // what its executable is called
	archive *regexp.Regexp // its sources, by which a step is told from one that only mentions it
	step    *regexp.Regexp // a step that builds it
	prefix  string         // where it goes without --prefix
	bin     string         // where its executables are below that
	itself  bool           // it makes directories in the prefix itself
}

var serverBuilds = []serverBuild{
	// nginx.org/en/docs/configure.html: logs/ holds the pid, too, and *_temp are beside it.
	{"nginx", "nginx", regexp.MustCompile(`\bnginx-[$0-9]`), nginxBuild, "/usr/local/nginx", "sbin", true},
	// httpd.apache.org/docs/2.4/install.html; DEFAULT_REL_RUNTIMEDIR is logs.
	{"apache2", "httpd", regexp.MustCompile(`\bhttpd-[$0-9]`), regexp.MustCompile(`\b(httpd|apache2?)\b[\s\S]*\bmake\b`), "/usr/local/apache2", "bin", false},
}

// builtServerSet adds what a server writes that the file builds itself and starts.
func (p *Pass) builtServerSet(add func(writePath)) {
	for _, c := range p.Entry.Programs {
		for _, b := range serverBuilds {
			prefix := p.builtPrefix(c, b)
			if prefix == "" {
				p.inPlaceSet(c, b, add)
				continue
			}
			why := programName(c) + ", which was built with that prefix"
			add(writePath{path: prefix + "/logs", why: why, after: p.lastFiles()})
			if b.itself {
				add(writePath{path: prefix, why: why, exist: true, after: p.lastFiles()})
			}
		}
	}
}

// inPlaceSet adds what an nginx writes below its prefix that a step builds in the place of
// the base's: what its options of configure do not name.
func (p *Pass) inPlaceSet(c programs.Command, b serverBuild, add func(writePath)) {
	if c.Program == nil || c.Program.Name != b.program || !b.itself || len(c.Args) == 0 {
		return
	}
	build := p.buildOf(b)
	if build.in == nil || !p.sameServer(p.executable(c.Args[0], b), build) {
		return
	}
	why := fmt.Sprintf("nginx, which line %d builds with that prefix", build.in.Line)
	for _, option := range []string{"--pid-path", "--error-log-path", "--http-log-path"} {
		if !strings.Contains(build.options, option) {
			add(writePath{path: build.prefix + "/logs", why: why, after: build.in})
		}
	}
	for _, kind := range []string{"client-body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		if !strings.Contains(build.options, "--http-"+kind+"-temp-path") && !strings.Contains(build.options, "--without-http_"+kind) {
			add(writePath{path: build.prefix + "/" + strings.ReplaceAll(kind, "-", "_") + "_temp", why: why, after: build.in})
		}
	}
}

// builtPrefix returns the directory that a server which the file builds keeps its logs, its
// pid and its temporary directories in, as without other options of configure; "" for one of
// a package.
func (p *Pass) builtPrefix(c programs.Command, b serverBuild) string {
	if c.Program == nil || c.Program.Name != b.program || len(c.Args) == 0 {
		return ""
	}
	name := p.executable(c.Args[0], b)
	prefix := path.Dir(path.Dir(name))
	if !path.IsAbs(name) || path.Base(path.Dir(name)) != b.bin || prefix == "/" || prefix == "/usr" || prefix == "/usr/local" || !p.RootRuns(b.step) {
		return ""
	}
	return prefix
}

// executable returns the file that a server is started from, through the links that the file
// makes, and the name alone where nobody knows.
func (p *Pass) executable(name string, b serverBuild) string {
	if strings.Contains(name, "/") {
		return p.End.Real(name)
	}
	for _, dir := range p.End.SearchPath() {
		file := path.Join(dir, name)
		if real := p.End.Real(file); real != file {
			return real
		}
		if strings.HasSuffix(dir, "/"+path.Base(b.prefix)+"/"+b.bin) {
			return file
		}
	}
	return name
}

var (
	configures   = regexp.MustCompile(`\bconfigure\b([^&|;]*)`)
	configured   = regexp.MustCompile(`(^|\s)["']?\$`)
	configPrefix = regexp.MustCompile(`--prefix[= ]["']?([^\s"']+)`)
	configBinary = regexp.MustCompile(`--sbin-path[= ]["']?([^\s"']+)`)
)

// A build is a server that a step builds: its executable, its prefix, and what configure is
// told. in is nil for none.
type build struct {
	in                    *dockerfile.Instruction
	file, prefix, options string
}

// reportSecondServer names a server that the file builds where the image starts another of
// the same name, as that of its base.
func (p *Pass) reportSecondServer() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	for _, b := range serverBuilds {
		build := p.buildOf(b)
		if build.in == nil || p.mayBeRemoved(build.prefix) {
			continue
		}
		for _, c := range p.Entry.Programs {
			if c.Program == nil || c.Program.Name != b.program || len(c.Args) == 0 || p.sameServer(p.executable(c.Args[0], b), build) {
				continue
			}
			p.report(Finding{Line: build.in.Line,
				Message: fmt.Sprintf("this step builds %s into %s, and the image starts another %s: what the one of %s writes stays root's", b.name, build.prefix, b.name, build.prefix),
				Hint:    fmt.Sprintf("If that one is started after all, list %s/logs and %s under writable: in .harden.yaml.", build.prefix, build.prefix)})
			return
		}
	}
}

// buildOf returns how a step builds and installs a server.
func (p *Pass) buildOf(b serverBuild) build {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" || !b.step.MatchString(in.Original) || !makeInstall.MatchString(in.Original) {
			continue
		}
		m := configures.FindStringSubmatch(in.Original)
		if m == nil || !b.archive.MatchString(in.Original) {
			continue
		}
		prefix, options := b.prefix, m[1]
		if configured.MatchString(options) {
			if options = in.Original; !strings.Contains(options, "--prefix") {
				continue // in a variable that is set elsewhere
			}
		}
		if f := configPrefix.FindStringSubmatch(options); f != nil {
			prefix = path.Clean(f[1])
		}
		file := path.Join(prefix, b.bin, b.name)
		if f := configBinary.FindStringSubmatch(options); f != nil {
			file = path.Clean(f[1])
		}
		if !strings.Contains(prefix+file, "$") && path.IsAbs(prefix) {
			return build{in, file, prefix, options}
		}
	}
	return build{}
}

// sameServer reports whether what is started is the executable that a step builds.
func (p *Pass) sameServer(started string, b build) bool {
	if strings.Contains(started, "/") {
		return started == b.file || strings.HasPrefix(started, b.prefix+"/")
	}
	for _, dir := range p.End.SearchPath() {
		if dir == path.Dir(b.file) {
			return true // or that one comes first
		}
	}
	return false
}

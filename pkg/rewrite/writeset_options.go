package rewrite

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
)

var (
	// toldDir and toldFile match options that name what a program writes, by the words that
	// they consist of; toldBeside those whose file the program has to make itself.
	toldDir  = regexp.MustCompile(`^--?(?:(?:[a-z0-9]+[-_.])*(?:data|db|storage|state|cache|te?mp|logs?|uploads?|work|spool|tsdb|wal|downloads?|out|outputs?|reports?)[-_.]?(?:dir|directory|path|folder)|spool|(?:default-)?artifacts?-(?:root|destination)|(?:backend|registry)-store-uri)$`)
	toldFile = regexp.MustCompile(`^--?(?:[a-z0-9]+[-_.])*(?:log[-_]?file(?:[-_]?path)?|logto|access-?log|error-?log|log)$`)
	// toldOutput are options whose value is a file or a directory that the program makes.
	toldOutput = regexp.MustCompile(`^(?:--output|-o)$`)
	toldBeside = regexp.MustCompile(`^--?(?:[a-z0-9]+[-_.])*(?:pid|pid-?file|pidfilepath|socket|unix-?socket|uds|statedb|state-?file|schedule)$`)
	// toldReport matches options of test and load tools for a report, which they make, and
	// toldReportDir those of a directory of them.
	toldReport    = regexp.MustCompile(`^--?(?:[a-z0-9]+[-_.])*(?:junit(?:-?xml)?|html|csv|report|report-file|json-report-file|output-file|results-file|outputfile)$`)
	toldReportDir = regexp.MustCompile(`^--?(?:[a-z0-9]+[-_.])*(?:allure-?dir|output-?dir|report-?dir|results?-?dir|reports-?dir|export-?dir)$`)
	// toldJava matches the system properties of Java and of Spring Boot's logging
	// (docs.spring.io/spring-boot, Log Levels and File Output).
	toldJava = regexp.MustCompile(`^-D(java\.io\.tmpdir|logging\.file\.path|logging\.path|logging\.file\.name|logging\.file|derby\.system\.home)=(/.+)$`)
	// sqliteURL matches the beginning of a URL of SQLite, behind which the path is.
	sqliteURL = regexp.MustCompile(`^sqlite3?(?:\+\w+)?:///`)
	// camel is where a word of an option ends and the next begins: storageDataPath.
	camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// toldShort are short options of programs that name a file they make themselves, and
// touchedShort those whose file they leave alone where it is there already.
var (
	toldShort    = map[string][]string{"celery": {"-s"}, "gunicorn": {"-p"}, "puma": {"-S"}, "uwsgi": {"-s"}, "spawn-fcgi": {"-s", "-P"}, "fcgiwrap": {"-s"}, "memcached": {"-s"}, "snmpd": {"-p"}, "jmeter": {"-l", "-j", "-o"}, "robot": {"-o", "-l", "-r", "-x"}}
	touchedShort = map[string][]string{
		"prefork":  {"-P"}, // Mojolicious, Mojo::Server::Prefork, ensure_pid_file
		"varnishd": {"-P"}, "haproxy": {"-p"}, "snmpd": {"-Lf"}, "turnserver": {"-l"}, "dnsmasq": {"-8", "--log-facility"},
		"inotifywait": {"-o", "--outfile"}, "inotifywatch": {"-o", "--outfile"},
	}
)

// pidOption matches the options for a pid file.
var pidOption = regexp.MustCompile(`(^|-)pid(-?file(path)?)?$`)

// isKnown reports whether the table of programs has one of that name.
func isKnown(tool string) bool {
	_, known := programs.Lookup(tool)
	return known
}

// writesInPlace are programs that open their pid file in place, where one made beforehand
// will do (uwsgi's core/utils.c, Puma's launcher.rb; the others were seen to on Debian 12), as
// those do that nobody knows: few write another file first and rename it.
var writesInPlace = map[string]bool{"uwsgi": true, "puma": true, "haproxy": true, "privoxy": true, "transmission-daemon": true, "turnserver": true}

// argvs returns the commands that the image starts, as far as their words are known.
func (p *Pass) argvs() [][]string {
	var out [][]string
	for _, c := range slices.Concat(p.Entry.Programs, p.Entry.Beside) {
		if len(c.Args) > 0 {
			out = append(out, c.Args)
		}
	}
	if argv := p.Entry.Argv; len(argv) > 0 && !shellcmd.IsShell(argv[0]) {
		out = append(out, argv)
	}
	return append(out, p.Entry.Told...)
}

// toldByArguments reads the options of one command. Where somebody else than the image
// gives them, where says who: " by compose.yaml:3".
func (p *Pass) toldByArguments(argv []string, where string) []toldPath {
	var out []toldPath
	tool := path.Base(argv[0])
	for i, w := range argv[1:] {
		option, value, assigned := strings.Cut(w, "=")
		if !assigned && i+2 < len(argv) {
			value = argv[i+2]
		}
		by := fmt.Sprintf("%s is told %s%s", tool, option, where)
		if tool == "java" {
			if t, ok := p.toldByJava(w, "java is told "); ok {
				t.by += where
				out = append(out, t)
				continue
			}
		}
		value = strings.TrimPrefix(value, "file://")
		socket, unix := strings.CutPrefix(value, "unix:")
		words := strings.ToLower(camel.ReplaceAllString(option, "$1-$2"))
		switch {
		case unix && (option == "-b" || option == "--bind" || option == "--control" || slices.Contains(toldShort[tool], option)):
			out = append(out, toldPath{path: "/" + strings.TrimLeft(socket, "/"), by: by, beside: true})
		case sqliteURL.MatchString(value):
			out = append(out, toldPath{path: imagepath.Abs(p.End.Workdir, sqliteURL.ReplaceAllString(value, "")), by: by, beside: true})
		case !path.IsAbs(value):
		case p.reports(words, value):
			out = append(out, toldPath{path: value, by: by, dir: toldReportDir.MatchString(words)})
		case toldDir.MatchString(words):
			out = append(out, p.toldPlace(words, value, by))
		case toldOutput.MatchString(option) && !imagepath.Below(value, "/dev") && !imagepath.Below(value, "/proc") && (option != "-o" || ownPlace(value)):
			out = append(out, toldPath{path: value, by: by, dir: !fileEnding.MatchString(value), beside: fileEnding.MatchString(value)})
		case p.touchedShort(argv, option) && !ownPlace(value):
			out = append(out, toldPath{path: value, by: by})
		case (writesInPlace[tool] || !isKnown(tool)) && pidOption.MatchString(words):
			out = append(out, toldPath{path: value, by: by})
		case toldBeside.MatchString(words) || slices.Contains(toldShort[tool], option):
			out = append(out, toldPath{path: value, by: by, beside: true})
		case toldFile.MatchString(words) || p.touchedShort(argv, option) || pidEnding(option, value):
			out = append(out, toldPath{path: value, by: by})
		}
	}
	for i, t := range out {
		// The name is not known before the program completes it: celery-%n.log, access-%Y.log.
		out[i].beside = t.beside || !t.dir && strings.Contains(path.Base(t.path), "%")
	}
	return slices.Concat(out, p.toldByHypnotoad(argv, where), p.toldByScrapy(argv, where))
}

// reports reports whether an option is for a report that nothing in the image has yet: what
// is copied may as well be read.
func (p *Pass) reports(words, value string) bool {
	return (toldReport.MatchString(words) || toldReportDir.MatchString(words)) && p.CopiedFile(path.Clean(value)) == nil && !p.copied(path.Clean(value))
}

// toldPlace reads the value of an option that names where something is kept. One that ends
// in path may mean a file: it does where the value has an ending, and where it is a state
// that nothing in the image makes a directory. A directory in the place of the file would
// stop the program; the directory above is enough for it to make either.
func (p *Pass) toldPlace(words, value, by string) toldPath {
	t := toldPath{path: value, by: by, dir: true}
	if !strings.HasSuffix(words, "path") || p.End.Dirs[path.Clean(value)] != nil {
		return t
	}
	above := path.Dir(path.Clean(value))
	if !fileEnding.MatchString(value) && (!strings.Contains(words, "state") || imagepath.Standard[above]) {
		return t
	}
	t.dir, t.beside = false, !strings.Contains(words, "log")
	return t
}

// ownPlace reports whether a path is in no directory of the system.
func ownPlace(name string) bool {
	name = path.Clean(name)
	return !imagepath.Standard[name] && !imagepath.Standard[path.Dir(name)] && imagepath.ProtectedDir(name) == ""
}

// fileEnding matches the name of a file: notes.json, but not releases/1.2 or conf.d.
var fileEnding = regexp.MustCompile(`[^/]\.[a-zA-Z][a-zA-Z0-9]{1,7}$`)

// pidEnding reports whether -p or -P of a program whose options nobody knows names a pid file.
func pidEnding(option, value string) bool {
	return strings.EqualFold(option, "-p") && strings.HasSuffix(value, ".pid") && (imagepath.Below(value, "/run") || imagepath.Below(value, "/var/run"))
}

// touchedShort reports whether an option names a file that the command, or the one that
// follows the script in front, only makes where it is missing.
func (p *Pass) touchedShort(argv []string, option string) bool {
	return slices.ContainsFunc(argv[:min(3, len(argv))], func(w string) bool {
		return slices.Contains(touchedShort[path.Base(w)], option)
	})
}

// toldByHypnotoad returns the pid file that hypnotoad has beside the application's script
// where the application does not say otherwise (Mojo::Server::Hypnotoad, pid_file).
func (p *Pass) toldByHypnotoad(argv []string, where string) []toldPath {
	if path.Base(argv[0]) != "hypnotoad" {
		return nil
	}
	i := slices.IndexFunc(argv[1:], func(w string) bool { return !strings.HasPrefix(w, "-") })
	if i < 0 {
		return nil
	}
	dir := path.Dir(imagepath.Abs(p.End.Workdir, argv[1+i]))
	return []toldPath{{path: path.Join(dir, "hypnotoad.pid"), by: "hypnotoad makes its pid file beside the script" + where, beside: true}}
}

// toldByServices returns what the services that Compose runs of the image are told, as CMD
// and ENV of the file would tell it.
func (p *Pass) toldByServices() []toldPath {
	var out []toldPath
	for _, svc := range p.opts.Siblings.Services {
		where := fmt.Sprintf(" by %s:%d", svc.File, svc.Line)
		for _, c := range p.commandsOf(svc) {
			out = append(out, p.toldByArguments(c, where)...)
		}
		for _, key := range slices.Sorted(maps.Keys(svc.Environment)) {
			out = append(out, p.toldByJavaOptions(key, svc.Environment[key], fmt.Sprintf(" of %s:%d", svc.File, svc.Line))...)
			if t, ok := p.toldByVariable(key, svc.Environment[key]); ok {
				t.by = fmt.Sprintf("%s of %s:%d names it", key, svc.File, svc.Line)
				out = append(out, t)
			}
		}
	}
	return out
}

// commandsOf returns the commands that a service runs where it does not leave that to the
// image. entrypoint takes the image's CMD away, too (compose-spec, 05-services.md).
func (p *Pass) commandsOf(svc Service) [][]string {
	argv := slices.Clone(svc.Entrypoint)
	if len(argv) == 0 {
		if p.End.Entrypoint.Text != "" {
			return nil // the shell form takes no command
		}
		argv = slices.Clone(p.End.Entrypoint.Words)
	}
	if len(svc.Entrypoint) == 0 && len(svc.Command) == 0 {
		return nil
	}
	var out [][]string
	for _, c := range dockerfile.ExecCommands(append(argv, svc.Command...)) {
		if c.Path != "" {
			out = append(out, append([]string{c.Path}, shellcmd.Words(c.Args)...))
		}
	}
	return out
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// nginxDirs are where images put the configuration of nginx.
var nginxDirs = []string{"/etc/nginx", nginxConf, "/etc/nginx/http.d", "/etc/nginx/sites-enabled", "/etc/nginx/sites-available", "/etc/nginx/snippets",
	"/etc/nginx/conf", "/etc/nginx/modules-enabled", "/etc/nginx/stream.d", nginxTemplates}

const nginxLogs = "/var/log/nginx"

// nginxWrites matches the directives that name what nginx writes
// (nginx.org/en/docs/dirindex.html): log files, the pid, and directories of caches and
// bodies, on a line of which nothing before is a comment.
var nginxWrites = regexp.MustCompile(`(?m)^[^#\n]*?\b(access_log|error_log|pid|(?:proxy|fastcgi|uwsgi|scgi)_(?:cache|temp)_path|client_body_temp_path)[ \t]+["']?([^\s;"']+)`)

// nginxSet adds what the file's own configuration of nginx names: nginx opens all of its
// logs before it serves, and stops at one that it may not write.
func (p *Pass) nginxSet(add func(writePath)) {
	if !slices.ContainsFunc(p.running(), func(r running) bool { return r.Program.Name == "nginx" }) {
		return
	}
	files, unread := p.nginxFiles()
	for _, file := range files {
		text, _ := p.FileOf(file)
		for _, m := range nginxWrites.FindAllStringSubmatch(text, -1) {
			p.nginxPath(m[1], m[2], path.Base(file), add)
		}
	}
	if unread {
		// Most configurations that name a log put it here.
		add(writePath{path: nginxLogs, why: "logs, where the configuration, which was not read, has its own", exist: true})
	}
}

// nginxBuild matches a step that builds nginx.
var nginxBuild = regexp.MustCompile(`\bnginx\b[\s\S]*(\bmake\b|passenger-install-nginx-module)|passenger-install-nginx-module`)

// nginxPath adds what one directive names.
func (p *Pass) nginxPath(directive, value, file string, add func(writePath)) {
	if value == "off" || value == "stderr" || value == "on" || strings.ContainsAny(value, "$:") {
		return // no file, syslog:server=…, memory:…, or one for every request
	}
	name := imagepath.Abs("/etc/nginx", value)
	if imagepath.Below(name, "/dev") || imagepath.Below(name, "/proc") {
		return
	}
	w := writePath{path: name, why: directive + " in " + file}
	if !strings.HasSuffix(directive, "_path") {
		dir := path.Dir(name)
		switch {
		case p.End.Real(name) != name, p.Repository() == "nginx" && (name == nginxLogs+"/access.log" || name == nginxLogs+"/error.log"):
			return // a link to the container's output, as those are in the official image
		case imagepath.Standard[dir] && (dir == "/run" || dir == "/var/run" || dir == "/var/log" || dir == "/var"):
			w.file = true
		case imagepath.Standard[dir] || imagepath.Protected(dir):
			return
		default:
			w.path = dir
		}
	}
	w.exist = w.path == nginxLogs // every package and image has it
	add(w)
}

// nginxFiles returns the files of the file's own that configure nginx. unread says that
// there are some that nobody here can read.
func (p *Pass) nginxFiles() (files []string, unread bool) {
	for _, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		if !imagepath.Below(dest, "/etc/nginx") && !imagepath.Below("/etc/nginx", dest) {
			continue
		}
		for _, dir := range nginxDirs {
			names, ok := p.CopiedInto(c, dir)
			unread = unread || !ok && imagepath.Below(dest, "/etc/nginx")
			for _, name := range names {
				if _, ok := p.FileOf(name); ok {
					files = append(files, name)
				}
			}
		}
	}
	for name := range p.End.Texts {
		if imagepath.Below(name, "/etc/nginx") {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), unread
}

// hintIPv6 says what is lost where nginx serves by the configuration of its own image: one
// of that image's scripts adds the listener for IPv6 at every start, and leaves it out where
// it may not write the file (docker-nginx, 10-listen-on-ipv6-by-default.sh).
func (p *Pass) hintIPv6() {
	const site = nginxConf + "/default.conf"
	// The entry point runs its scripts for a command that is nginx, and for no other.
	if argv := p.Entry.Argv; !p.NginxImage() || len(argv) < 2 || argv[1] != "nginx" && argv[1] != "nginx-debug" {
		return
	}
	if p.replaces(site) || p.replaces(nginxTemplates+"/default.conf.template") || p.replaces("/etc/nginx/nginx.conf") || strings.Contains(p.stepsText(), "/etc/nginx") {
		return
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: "the image's start script can no longer add listen [::]:80 to " + site + ": the server answers over IPv4 alone",
		Hint: "Where IPv6 matters, copy a configuration that listens on it."})
}

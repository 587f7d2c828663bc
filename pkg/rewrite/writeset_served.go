package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
)

// fileServers are servers that read what they serve and write nothing there, those with a name
// in the table of programs and those without.
var fileServers = map[string]bool{"nginx": true, "lighttpd": true, "httpd": true, "apache2": true, "caddy": true,
	"h2o": true, "darkhttpd": true, "thttpd": true, "static-web-server": true}

// documentRoots are where the images and packages of such servers have what they serve.
var documentRoots = map[string]bool{"/usr/share/nginx/html": true, "/var/www/html": true, "/var/www": true, "/usr/local/apache2/htdocs": true,
	"/var/www/localhost/htdocs": true, "/usr/share/caddy": true, "/srv/www": true}

// servedWrites matches settings by which such a server writes to what it serves, or starts
// programs that may.
var servedWrites = regexp.MustCompile(`(?im)^[^#\n]*\b(dav_methods|dav\s+on|webdav|cgi|scriptalias|upload|mod_perl|wsgi|passenger|mruby|proxy_store|content_by_lua|access_by_lua|js_content)\b`)

// onlyServed reports whether a directory is there for a server of static files to read: who
// takes that over should not be able to change what it serves.
func (p *Pass) onlyServed(dir string) bool {
	if !p.startsFileServer() || p.End.HasPackage("php") || strings.Contains(p.Repository(), "php") {
		return false
	}
	text := p.serverSettings()
	return !servedWrites.MatchString(text) && (documentRoots[dir] || namesDocumentRoot(text, dir))
}

// startsFileServer reports whether all that the image starts is one of these servers.
func (p *Pass) startsFileServer() bool {
	e := p.Entry
	if len(e.Programs) == 0 && len(e.Argv) == 0 || len(e.Beside) > 0 || len(e.Unread) > 0 || len(e.Told) > 0 || e.Opaque != "" || e.Supervisor != nil {
		return false
	}
	if len(e.Programs) == 0 {
		return fileServers[path.Base(e.Argv[0])]
	}
	return !slices.ContainsFunc(e.Programs, func(c programs.Command) bool {
		return c.Program != nil && !fileServers[c.Program.Name] || c.Program == nil && (len(c.Args) == 0 || !fileServers[path.Base(c.Args[0])])
	})
}

// serverSettings returns the configuration of the server, as far as the file brings it: what
// nginx includes, what the command names, and what is copied to a directory of settings.
func (p *Pass) serverSettings() string {
	files, _ := p.nginxFiles()
	for _, argv := range p.argvs() {
		for _, w := range argv[1:] {
			if path.IsAbs(w) && !slices.Contains(files, w) {
				files = append(files, w)
			}
		}
	}
	for _, f := range p.configFiles() {
		if imagepath.Below(f.name, "/etc") || imagepath.Below(f.name, "/usr/local") {
			files = append(files, f.name)
		}
	}
	var b strings.Builder
	for _, name := range files {
		if text, ok := p.FileOf(name); ok {
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}

// namesDocumentRoot reports whether a configuration names a directory as what it serves:
// nginx's root and alias, lighttpd's server.document-root, Apache's DocumentRoot, h2o's
// file.dir, Caddy's root.
func namesDocumentRoot(text, dir string) bool {
	if !strings.Contains(text, dir) {
		return false
	}
	root := regexp.MustCompile(`(?m)^[^#\n]*\b(root|alias|document-root|DocumentRoot|file\.dir)\b[\s=:*"']+` + regexp.QuoteMeta(dir) + `/?["']?\s*[;}]?\s*$`)
	return root.MatchString(text)
}

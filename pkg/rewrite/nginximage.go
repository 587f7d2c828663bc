package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// What the entry point of the official nginx image does before it starts nginx
// (github.com/nginx/docker-nginx, entrypoint/): it runs the scripts in one directory
// and fills in the templates of another.
const (
	nginxScripts   = "/docker-entrypoint.d"
	nginxTemplates = "/etc/nginx/templates"
	nginxConf      = "/etc/nginx/conf.d"
)

// nginxImage reports whether the image starts by the entry point of nginx's own image.
func (p *Pass) nginxImage() bool {
	return p.Repository() == "nginx" && p.inheritsEntrypoint()
}

// templateSet adds the directory that nginx's entry point fills templates into. Where
// it cannot write there it says so in its log, and nginx starts without a server.
func (p *Pass) templateSet(add func(writePath)) {
	if _, elsewhere := p.End.Env.Get("NGINX_ENVSUBST_OUTPUT_DIR"); elsewhere || !p.nginxImage() {
		return
	}
	if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return imagepath.Below(path.Clean(c.Dest), nginxTemplates) }) {
		add(writePath{path: nginxConf, why: "the image fills its templates in there when it starts", tree: true, exist: true, after: p.lastCopyOver(nginxConf)})
	}
}

// startScripts follows the scripts that the file copies into a directory from which the
// base's entry point runs them.
func (r *entryReader) startScripts(dir string) {
	for _, c := range r.End.Copies {
		dest := path.Clean(c.Dest)
		switch {
		case path.Dir(dest) == dir && strings.HasSuffix(dest, ".sh"):
			r.script(dest, dest, reach{}, 1)
		case dest == dir:
			for _, src := range c.Sources {
				if name := path.Join(dir, path.Base(src)); strings.HasSuffix(name, ".sh") {
					r.script(name, name, reach{}, 1)
				}
			}
		}
	}
}

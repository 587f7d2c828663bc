package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// The entry point of the official nginx image fills in the templates of one directory before
// it starts nginx (github.com/nginx/docker-nginx, entrypoint/).
const (
	nginxTemplates = "/etc/nginx/templates"
	nginxConf      = "/etc/nginx/conf.d"
)

// templateSet adds the directory that nginx's entry point fills templates into. Where
// it cannot write there it says so in its log, and nginx starts without a server.
func (p *Pass) templateSet(add func(writePath)) {
	if _, elsewhere := p.End.Env.Get("NGINX_ENVSUBST_OUTPUT_DIR"); elsewhere || !p.NginxImage() {
		return
	}
	if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return imagepath.Below(path.Clean(c.Dest), nginxTemplates) }) {
		add(writePath{path: nginxConf, why: "the image fills its templates in there when it starts", tree: true, exist: true, after: p.lastCopyOver(nginxConf)})
	}
}

package entry

import (
	"path"
	"strings"
)

// nginxScripts is the directory whose scripts the entry point of the official nginx image runs
// before it starts nginx (github.com/nginx/docker-nginx, entrypoint/).
const nginxScripts = "/docker-entrypoint.d"

// startScripts follows the scripts that the file copies into a directory from which the
// base's entry point runs them.
func (r *Reader) startScripts(dir string) {
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

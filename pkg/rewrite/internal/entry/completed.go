package entry

import (
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
)

// completed returns the directory of a file whose name a command gives, "$OUT/$(basename
// "$t")": the name is not known and the directory is, with the files that are in it already.
func (r *Reader) completed(target dockerfile.Word) (written, bool) {
	i := strings.Index(target.Value, "$(")
	if target.Static || i < 1 || target.Value[i-1] != '/' {
		return written{}, false
	}
	before := strings.TrimPrefix(target.Value[:i-1], `"`)
	dir, ok := r.name(dockerfile.Word{Value: before, Static: !strings.ContainsAny(before, "$`\"'~")})
	if !ok || strings.ContainsAny(dir, "*?[") {
		return written{}, false
	}
	p := r.at(dir, false)
	if p == "" || p == r.End.Workdir || imagepath.Standard[p] || imagepath.ProtectedDir(p+"/file") != "" {
		return written{}, false
	}
	return written{path: p, below: true, tree: true}, true
}

package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
)

// linkSet adds the directory in which artisan storage:link makes a link when the image starts:
// public/storage (laravel.com/docs/filesystem, The Public Disk). It stops where it cannot.
func (p *Pass) linkSet(add func(writePath)) {
	for _, argv := range p.argvs() {
		i := slices.IndexFunc(argv, func(w string) bool { return path.Base(w) == "artisan" })
		if i < 0 || i+1 >= len(argv) || argv[i+1] != "storage:link" {
			continue
		}
		dir := path.Join(path.Dir(imagepath.Abs(p.End.Workdir, argv[i])), "public")
		if !imagepath.Standard[dir] && imagepath.ProtectedDir(path.Join(dir, "file")) == "" {
			add(writePath{path: dir, why: "artisan storage:link makes a link in it", after: p.lastCopyOver(dir)})
		}
	}
}

package rewrite

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// notebookDir matches the options that name where Jupyter has its notebooks, which people open
// to save them (jupyter-server.readthedocs.io, Config file and command line options).
var notebookDir = regexp.MustCompile(`^--(?:notebook-dir|notebook_dir|(?:ServerApp|LabApp|NotebookApp|ContentsManager|FileContentsManager)\.(?:root_dir|notebook_dir))$`)

// notebookSet adds the notebooks that Jupyter is told to serve, with all that is in their
// directory.
func (p *Pass) notebookSet(add func(writePath)) {
	for _, argv := range p.argvs() {
		if !strings.HasPrefix(path.Base(argv[0]), "jupyter") {
			continue
		}
		for i, w := range argv[1:] {
			option, value, assigned := strings.Cut(w, "=")
			if !assigned && i+2 < len(argv) {
				value = argv[i+2]
			}
			if !notebookDir.MatchString(option) || value == "" {
				continue
			}
			dir := imagepath.Abs(p.End.Workdir, value)
			if !imagepath.Standard[dir] && imagepath.ProtectedDir(path.Join(dir, "file")) == "" {
				add(writePath{path: dir, why: path.Base(argv[0]) + " saves to " + option, tree: true, exist: p.there(dir) && p.End.Dirs[dir] != nil, after: p.lastCopyOver(dir)})
			}
		}
	}
}

package content

import (
	"io/fs"
	"path"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// An AppDir is a directory of the build context that becomes one of the image.
type AppDir struct {
	Context string // slash-separated, "." for the whole context
	Image   string // absolute
	Copy    simulate.Copy
	Built   bool // it comes by way of another stage, which may have added to it
	Beside  bool // what that stage has made beside it comes, and not the directory itself
}

// AppDirs returns the directories of the build context that a copy brings.
func (im *Image) AppDirs(c simulate.Copy) []AppDir {
	dest := path.Clean(c.Dest)
	if dest == "/" {
		return nil
	}
	var out []AppDir
	for _, src := range c.Sources {
		if c.From == "" {
			if info, err := fs.Stat(im.Context, imagepath.InContext(src)); err == nil && info.IsDir() {
				app := AppDir{Context: imagepath.InContext(src), Image: dest, Copy: c}
				if c.Parents {
					app.Image = c.Target(src)
				}
				out = append(out, app)
			}
			continue
		}
		if !c.Into && dest != im.End.Workdir {
			continue
		}
		for _, origin := range im.stageCopies(c) {
			from := path.Clean(origin.Dest)
			for _, dir := range []string{path.Clean(src), path.Dir(path.Clean(src))} {
				if origin.From == "" && len(origin.Sources) > 0 && imagepath.Below(dir, from) {
					out = append(out, AppDir{Context: imagepath.InContext(path.Join(origin.Sources[0], strings.TrimPrefix(dir, from))), Image: dest, Copy: c, Built: true, Beside: dir != path.Clean(src)})
				}
			}
		}
	}
	return out
}

// stageCopies returns the copies of the stage that a COPY --from names.
func (im *Image) stageCopies(c simulate.Copy) []simulate.Copy {
	st := im.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil {
		return nil
	}
	return im.EndOf(st).Copies
}

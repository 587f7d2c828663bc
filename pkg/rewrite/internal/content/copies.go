package content

import (
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// BringsDirectory reports whether a source of a copy is a directory of the build context.
func (im *Image) BringsDirectory(c simulate.Copy) bool {
	if c.From != "" || im.Context == nil {
		return false
	}
	return slices.ContainsFunc(im.Sources(c), func(src string) bool {
		if !fs.ValidPath(src) {
			return false
		}
		info, err := fs.Stat(im.Context, src)
		return err == nil && info.IsDir()
	})
}

// BringsFiles reports whether all sources of a copy are plain files of the build context, by
// their names where they are not there, and none of them an archive that ADD unpacks.
func (im *Image) BringsFiles(c simulate.Copy) bool {
	if c.From != "" || c.By.Keyword != "COPY" {
		return false
	}
	sources := c.Sources
	if im.Context != nil {
		sources = im.Sources(c)
	}
	return !slices.ContainsFunc(sources, func(src string) bool { return !im.isFile(src) })
}

func (im *Image) isFile(src string) bool {
	if im.Context != nil && fs.ValidPath(src) {
		if info, err := fs.Stat(im.Context, src); err == nil {
			return info.Mode().IsRegular()
		}
	}
	return fileName.MatchString(src)
}

// fileName is what no directory is called.
var fileName = regexp.MustCompile(`\.(sh|bash|py|pl|rb|js|php|jar|war|json|ya?ml|toml|xml|conf|cfg|ini|properties|txt|md|html)$`)

// MayCopy reports whether a COPY or ADD may bring a file, by where it puts things.
func (im *Image) MayCopy(file string) bool {
	return slices.ContainsFunc(im.End.Copies, func(c simulate.Copy) bool {
		dest := path.Clean(c.Dest)
		return c.Opaque || imagepath.Below(file, dest) || dest == path.Dir(file)
	})
}

// RootRuns reports whether a step that root runs has such a text.
func (im *Image) RootRuns(text *regexp.Regexp) bool {
	for _, stage := range im.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && text.MatchString(in.Original) && im.End.Before[in].User.Root() {
				return true
			}
		}
	}
	return false
}

// moduleTools matches the managers of Node's packages.
var moduleTools = regexp.MustCompile(`\b(npm|yarn|pnpm|bun)\b`)

// BringsModules reports whether the image comes with the packages of the application,
// in a directory that root owns.
func (im *Image) BringsModules(dir string) bool {
	return im.RootRuns(moduleTools) || slices.ContainsFunc(im.End.Copies, func(c simulate.Copy) bool { return c.From != "" && imagepath.Below(dir, path.Clean(c.Dest)) })
}

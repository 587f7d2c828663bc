package rewrite

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// Incremental static regeneration of Next.js: the server puts a page that it makes anew in
// the place of the one that next build has made, and what it has fetched into its cache
// (nextjs.org/docs/app/guides/incremental-static-regeneration, self-hosting). Without the
// right to, it logs EACCES at each revalidation, and a restart brings the old page back.

var (
	// regenerates matches sources of pages that are made anew at run time: of a time, on
	// demand, or for parameters that the build did not know.
	regenerates = regexp.MustCompile(`\brevalidate(?:Path|Tag)?\b|\bunstable_cache\b|\bunstable_revalidate\b|["']use cache["']|\bgenerateStaticParams\b|\bgetStaticPaths\b`)
	pageSource  = regexp.MustCompile(`\.(js|jsx|ts|tsx|mjs|mdx)$`)
)

// Bounds for what is read of the pages of an application.
const (
	maxPages     = 300
	maxPageDepth = 10
)

// nextPages adds where the server of Next.js keeps the pages that it makes anew, where the
// sources have such.
func (p *Pass) nextPages(app content.AppDir, sub fs.FS, add func(writePath)) {
	if sub == nil {
		sub = p.builtFrom(app.Copy)
	}
	if sub == nil {
		return
	}
	const why = "pages that Next.js makes anew"
	for _, of := range []string{"app", "pages"} {
		if !regeneratesIn(sub, of) {
			continue
		}
		names := []string{".next/server/" + of}
		if !app.Built { // what another stage has built gets its cache whole
			names = append(names, ".next/cache/fetch-cache")
		}
		for _, name := range names {
			w := writePath{path: path.Join(app.Image, name), why: why, tree: true, after: p.lastWorkIn(app.Image)}
			if app.Built {
				w.after = p.later(p.lastCopyOver(w.path), w.after)
			}
			add(w)
		}
	}
}

// regeneratesIn reports whether one of the routers of Next.js, app or pages, has pages that
// are made anew.
func regeneratesIn(sub fs.FS, router string) bool {
	left := maxPages
	for _, root := range []string{router, "src/" + router} {
		if walksPages(sub, root, 0, &left) {
			return true
		}
	}
	return false
}

// walksPages looks for such a page below a directory.
func walksPages(sub fs.FS, dir string, depth int, left *int) bool {
	entries, err := fs.ReadDir(sub, dir)
	if err != nil || depth > maxPageDepth {
		return false
	}
	for _, e := range entries {
		if *left--; *left < 0 {
			return false
		}
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if walksPages(sub, name, depth+1, left) {
				return true
			}
		case pageSource.MatchString(e.Name()):
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.Size() > maxSourceSize {
				continue
			}
			if text, err := fs.ReadFile(sub, name); err == nil && regenerates.Match(text) {
				return true
			}
		}
	}
	return false
}

// builtFrom returns the directory of the build context of which another stage has built what
// a copy brings: that of the application above .next. It is nil where it is not known.
func (p *Pass) builtFrom(c simulate.Copy) fs.FS {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil || p.Context == nil {
		return nil
	}
	for _, src := range c.Sources {
		root, _, ok := strings.Cut(path.Clean("/"+src), "/.next")
		if !ok {
			continue
		}
		for _, origin := range slices.Backward(p.EndOf(st).Copies) {
			dest := path.Clean(origin.Dest)
			if origin.From != "" || origin.Opaque || len(origin.Sources) == 0 || !imagepath.Below(root, dest) {
				continue
			}
			dir := path.Join(imagepath.InContext(origin.Sources[0]), strings.TrimPrefix(strings.TrimPrefix(root, dest), "/"))
			if info, err := fs.Stat(p.Context, dir); err == nil && info.IsDir() && fs.ValidPath(dir) {
				if sub, err := fs.Sub(p.Context, dir); err == nil {
					return sub
				}
			}
		}
	}
	return nil
}

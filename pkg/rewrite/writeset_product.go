package rewrite

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// readProduct reads the sources of an application for Node.js of which another stage brings
// only what it has built: dist, .next/standalone. What they write by absolute paths, and from
// the working directory, the product writes.
func (p *Pass) readProduct(c simulate.Copy) {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if c.From == "" || st == nil || st.Index >= c.By.Stage.Index || p.servesFiles() || !p.startsBelow(c) {
		return
	}
	tree := content.StageTree{Image: p.Image, Stage: st}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		if path.Base(src) == "node_modules" || tree.Source(src) != "" {
			continue // what comes as it is, is read where it lies
		}
		if project := projectAbove(tree, src); project != "" {
			left := maxAppEntries
			p.readProject(project, 0, &left)
		}
	}
}

// startsBelow reports whether the image starts something that a copy brings.
func (p *Pass) startsBelow(c simulate.Copy) bool {
	dest := path.Clean(c.Dest)
	return slices.ContainsFunc(p.argvs(), func(argv []string) bool {
		return slices.ContainsFunc(argv[1:], func(w string) bool {
			return !strings.HasPrefix(w, "-") && imagepath.Below(imagepath.Abs(p.End.Workdir, w), dest)
		})
	})
}

// maxAbove bounds how far a product lies below its project.
const maxAbove = 3

// projectAbove returns the directory of the build context with the project that something was
// built of, "" where that is not known.
func projectAbove(tree content.StageTree, src string) string {
	for dir, n := path.Dir(src), 0; dir != "/" && n < maxAbove; dir, n = path.Dir(dir), n+1 {
		if manifest := tree.Source(path.Join(dir, "package.json")); manifest != "" {
			return path.Dir(manifest)
		}
	}
	return ""
}

// readProject reads the sources in a directory of the build context that is not in the image.
func (p *Pass) readProject(dir string, depth int, left *int) {
	entries, err := fs.ReadDir(p.Context, dir)
	if *left -= len(entries); err != nil || *left < 0 {
		return
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && depth < maxAppDepth && !aside[strings.ToLower(e.Name())] && !strings.HasPrefix(e.Name(), "."):
			p.readProject(name, depth+1, left)
		case !e.IsDir() && sourceCode.MatchString(e.Name()) && !notRunning.MatchString(e.Name()):
			p.readSource(source{name: name})
		}
	}
}

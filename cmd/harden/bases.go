package main

import (
	"context"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/rewrite"
)

// maxBases bounds how many Dockerfiles are followed from an image to its base and on.
const maxBases = 8

// A base is a Dockerfile of the run that others are FROM. Its text is read before the
// first file is written.
type base struct {
	file *workspace.File
	src  []byte
}

// readBases reads the Dockerfiles of the run that make what others of it are FROM.
func (s *surroundings) readBases(files []*workspace.File) {
	byPath := make(map[string]*workspace.File, len(files))
	for _, f := range files {
		byPath[f.Abs] = f
	}
	s.bases = map[string]*base{}
	for f, out := range s.outlines {
		for _, ref := range out.from {
			m, ok := s.repo.Maker(f.Abs, ref, s.inCatalogue)
			if !ok || byPath[m.Dockerfile] == nil || s.bases[m.Dockerfile] != nil {
				continue
			}
			if src, err := byPath[m.Dockerfile].Read(); err == nil {
				s.bases[m.Dockerfile] = &base{byPath[m.Dockerfile], src}
			}
		}
	}
}

// basesOf returns what answers for the images that other Dockerfiles of the run make, as
// a Dockerfile sees them.
func (r *runner) basesOf(f *workspace.File) func(context.Context, string) *rewrite.Image {
	if len(r.around.bases) == 0 {
		return nil
	}
	return (&baseFinder{r, []string{f.Abs}}).find
}

// A baseFinder goes from a Dockerfile to that of its base, and on.
type baseFinder struct {
	*runner
	path []string // Dockerfiles on the way
}

func (b *baseFinder) find(ctx context.Context, ref string) *rewrite.Image {
	child := b.path[len(b.path)-1]
	m, ok := b.around.repo.Maker(child, ref, b.around.inCatalogue)
	made := b.around.bases[m.Dockerfile]
	if !ok || made == nil || slices.Contains(b.path, m.Dockerfile) || len(b.path) > maxBases {
		return nil
	}
	if len(b.path) > 1 { // where the way goes in a circle, the answer depends on its start
		return b.describe(ctx, ref, m, made)
	}
	type key struct {
		siblings.Maker
		ref string
	}
	once, _ := b.around.images.LoadOrStore(key{m, ref}, sync.OnceValue(func() *rewrite.Image { return b.describe(ctx, ref, m, made) }))
	return once.(func() *rewrite.Image)()
}

// describe returns nil for a Dockerfile that cannot be used, which is reported when its
// own turn comes.
func (b *baseFinder) describe(ctx context.Context, ref string, m siblings.Maker, made *base) *rewrite.Image {
	cfg, err := b.configs.For(made.file.Dir())
	if err != nil {
		return nil
	}
	rel, err := filepath.Rel(cfg.Dir, made.file.Abs)
	if err != nil {
		rel = made.file.Path
	}
	settings := b.opts.settings(cfg, filepath.ToSlash(rel))
	opts, err := b.rewriteOptions(&settings, cfg)
	if err != nil {
		return nil
	}
	opts.Path, opts.Target = made.file.Path, m.Target
	b.around.describe(&opts, made.file, made.src, settings.Context)
	opts.Bases = (&baseFinder{b.runner, append(slices.Clip(b.path), m.Dockerfile)}).find
	img, err := rewrite.Describe(ctx, ref, made.src, opts)
	if err != nil {
		return nil
	}
	return img
}

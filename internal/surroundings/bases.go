package surroundings

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/rewrite"
)

// maxBases bounds how many Dockerfiles are followed from an image to its base and on.
const maxBases = 8

// A maker is a Dockerfile whose image others are FROM. Its text is read before the
// first file is written.
type maker struct {
	file *workspace.File
	src  []byte
}

// readMakers reads the Dockerfiles that make what others are FROM.
func (s *Surroundings) readMakers(files []*workspace.File) {
	byPath := make(map[string]*workspace.File, len(files))
	for _, f := range files {
		byPath[f.Abs] = f
	}
	s.makers = map[string]*maker{}
	for f, out := range s.outlines {
		for _, ref := range out.from {
			m, ok := s.makerOf(f.Abs, ref)
			if !ok || byPath[m.Dockerfile] == nil || s.makers[m.Dockerfile] != nil {
				continue
			}
			if src, err := byPath[m.Dockerfile].Read(); err == nil {
				s.makers[m.Dockerfile] = &maker{byPath[m.Dockerfile], src}
			}
		}
	}
}

// makerOf returns what makes the image that a Dockerfile is FROM. A build argument that
// the bases of its Dockerfile may depend on makes another image of it.
func (s *Surroundings) makerOf(child, ref string) (siblings.Maker, bool) {
	m, ok := s.repo.Maker(child, ref, s.inCatalogue)
	if !ok || m.Args == "" {
		return m, ok
	}
	out := s.byPath[m.Dockerfile]
	return m, out != nil && !slices.ContainsFunc(strings.Split(m.Args, ","), func(arg string) bool {
		return strings.Contains(arg, "$") || slices.Contains(out.args, arg)
	})
}

// Settings returns the options for a Dockerfile before its surroundings are known, and
// the build context that its owner has set, "" for none. It fails for one that cannot be used.
type Settings func(*workspace.File) (rewrite.Options, string, error)

// Bases returns what answers for the images that other Dockerfiles make, as a
// Dockerfile sees them: nil when none do.
func (s *Surroundings) Bases(f *workspace.File, settings Settings) func(context.Context, string) *rewrite.Image {
	if len(s.makers) == 0 {
		return nil
	}
	return (&baseFinder{s, settings, []string{f.Abs}}).find
}

// A baseFinder goes from a Dockerfile to that of its base, and on.
type baseFinder struct {
	*Surroundings
	settings Settings
	path     []string // Dockerfiles on the way
}

func (b *baseFinder) find(ctx context.Context, ref string) *rewrite.Image {
	child := b.path[len(b.path)-1]
	m, ok := b.makerOf(child, ref)
	made := b.makers[m.Dockerfile]
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
	once, _ := b.images.LoadOrStore(key{m, ref}, sync.OnceValue(func() *rewrite.Image { return b.describe(ctx, ref, m, made) }))
	return once.(func() *rewrite.Image)()
}

// describe returns nil for a Dockerfile that cannot be used, which is reported when its
// own turn comes.
func (b *baseFinder) describe(ctx context.Context, ref string, m siblings.Maker, made *maker) *rewrite.Image {
	opts, contextDir, err := b.settings(made.file)
	if err != nil {
		return nil
	}
	opts.Path, opts.Target = made.file.Path, m.Target
	b.Describe(&opts, made.file, made.src, contextDir)
	opts.Bases = (&baseFinder{b.Surroundings, b.settings, append(slices.Clip(b.path), m.Dockerfile)}).find
	img, err := rewrite.Describe(ctx, ref, made.src, opts)
	if err != nil {
		return nil
	}
	return img
}

package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/surroundings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// checkouts are repositories with the files of the corpus in them.
type checkouts struct {
	places map[string]place // by path in the corpus
}

// A place is what surrounds a Dockerfile. The zero value is nothing.
type place struct {
	around *surroundings.Surroundings
	file   *workspace.File
	source []byte
}

// newCheckouts looks at the repositories that the paths are in.
func newCheckouts(ctx context.Context, f flags, paths []string) *checkouts {
	c := &checkouts{places: map[string]place{}}
	if f.context == "" {
		return c
	}
	var repositories []string
	in := map[string][]string{}
	for _, name := range paths {
		repo, _, _ := strings.Cut(name, "/")
		if in[repo] == nil {
			repositories = append(repositories, repo)
		}
		in[repo] = append(in[repo], name)
	}
	found := each(repositories, func(repo string) []place { return look(ctx, f, repo, in[repo]) })
	for i, repo := range repositories {
		for j, p := range found[i] {
			c.places[in[repo][j]] = p
		}
	}
	return c
}

// look returns the places of files of one repository. They are found as files that are
// named: the others lie around them.
func look(ctx context.Context, f flags, repo string, names []string) []place {
	places := make([]place, len(names))
	root, err := filepath.Abs(filepath.Join(f.context, repo))
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return places // it is not at hand
	}
	var args []string
	for _, name := range names {
		args = append(args, inCheckout(root, name))
	}
	set, err := workspace.Find(args, workspace.Options{All: true, Wanted: siblings.Wanted, Root: root, MaxAround: f.others})
	if err != nil {
		return places
	}
	byPath := map[string]*workspace.File{}
	for _, file := range set.Files {
		byPath[file.Abs] = file
	}
	if set.Cut {
		// With a part of the Dockerfiles of its name, the one that makes an image
		// would be the wrong one: none are linked.
		set.Files = nil
		set.Around = slices.DeleteFunc(set.Around, func(f *workspace.File) bool { return !siblings.Wanted(f.Abs) })
	}
	set.Base = root
	for _, file := range slices.Concat(set.Files, set.Others, set.Around) {
		if rel, err := filepath.Rel(root, file.Abs); err == nil {
			file.Path = filepath.ToSlash(rel)
		}
	}
	around, err := surroundings.Look(ctx, set)
	if err != nil {
		return places
	}
	for i, arg := range args {
		if file := byPath[arg]; file != nil {
			places[i] = place{around: around, file: file}
		}
	}
	return places
}

// inCheckout returns the path of a file of the corpus in its checkout.
func inCheckout(root, name string) string {
	_, rest, _ := strings.Cut(name, "/")
	return filepath.Join(root, filepath.FromSlash(rest))
}

// place returns the place of a file of the corpus.
func (c *checkouts) place(name string, src []byte) place {
	p := c.places[name]
	p.source = src
	return p
}

// describe fills in what surrounds the file.
func (p place) describe(opts *rewrite.Options) {
	if p.around == nil {
		return
	}
	p.around.Describe(opts, p.file, p.source, "")
	opts.Bases = p.around.Bases(p.file, func(*workspace.File) (rewrite.Options, string, error) {
		return rewrite.Options{Source: imageinspect.DefaultCatalog()}, "", nil
	})
}

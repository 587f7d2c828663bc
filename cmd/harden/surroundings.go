package main

import (
	"context"
	"path/filepath"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// surroundings is what lies around the Dockerfiles of a run.
type surroundings struct {
	repo *siblings.Repository
	base string // directory that paths are shown relative to
}

// look reads the Compose files and their like, and which Dockerfiles of the run are
// FROM which.
func (r *runner) look(ctx context.Context, set *workspace.Set) (*surroundings, error) {
	files := make([]siblings.File, len(set.Others))
	for i, f := range set.Others {
		files[i] = siblings.File{Path: f.Path, Abs: f.Abs, Read: f.Read}
	}
	s := &surroundings{repo: siblings.Read(files), base: set.Base}
	for _, note := range s.repo.Notes() {
		r.sources.tell(note)
	}
	if len(set.Files) < 2 {
		return s, nil
	}
	type link struct {
		file *workspace.File
		from []string
	}
	return s, ordered(ctx, set.Files, r.opts.jobs, func(f *workspace.File) link { return link{f, bases(f)} },
		func(l link) error {
			s.repo.Link(l.file.Abs, l.from)
			return nil
		})
}

// bases returns the images that the stages of a Dockerfile are FROM. A file
// that does not parse is reported when its turn comes.
func bases(f *workspace.File) []string {
	src, err := f.Read()
	if err != nil {
		return nil
	}
	doc, err := dockerfile.Parse(src)
	if err != nil {
		return nil
	}
	var refs []string
	resolver := doc.Resolver(nil, "linux/amd64")
	for _, stage := range doc.Stages {
		if base, err := resolver.Base(stage); err == nil && base.Ref != "" {
			refs = append(refs, base.Ref)
		}
	}
	return refs
}

// describe fills in what the surroundings say about one file, below what the
// configuration and the flags say. It returns what the report should mention.
func (s *surroundings) describe(opts *rewrite.Options, f *workspace.File, src []byte, contextDir string) (notes []string) {
	doc, err := dockerfile.Parse(src)
	if err != nil {
		return nil // rewrite.Run reports it
	}
	about := s.repo.About(f.Abs, opts.Target, stages(doc))
	if opts.Target == "" || about.Target != "" {
		opts.Target = about.Target
	}
	if opts.Platform == (imageinspect.Platform{}) {
		opts.Platform, _ = platformOf(about.Platform) // one that is not a platform says nothing
	}
	for name, value := range opts.BuildArgs {
		about.Args[name] = value
	}
	opts.BuildArgs = about.Args
	opts.Siblings = s.siblings(f, about)
	opts.Source = builtHere{opts.Source, s.repo}

	if contextDir == "" {
		contextDir = about.Context
	}
	if contextDir == "" {
		contextDir = f.FindContext(doc)
	}
	if contextDir != "" {
		opts.Context = f.OpenContext(contextDir)
	}
	return about.Notes
}

func stages(doc *dockerfile.Document) []siblings.Stage {
	out := make([]siblings.Stage, len(doc.Stages))
	resolver := doc.Resolver(nil, "linux/amd64")
	for i, stage := range doc.Stages {
		out[i].Name = stage.Name
		if base, err := resolver.Base(stage); err == nil && base.Stage != nil {
			out[base.Stage.Index].Parent = true
		}
	}
	return out
}

// inCatalogue reports whether an image is a well-known one, which this repository is
// not likely to make.
func inCatalogue(ref string) bool {
	_, err := imageinspect.DefaultCatalog().Inspect(context.Background(), ref, imageinspect.Platform{OS: "linux", Architecture: "amd64"})
	return err == nil
}

func (s *surroundings) siblings(f *workspace.File, about *siblings.About) rewrite.Siblings {
	out := rewrite.Siblings{GitHubAction: about.Action}
	children := s.repo.Children(f.Abs)
	if len(children) == 0 {
		children = s.repo.Namesakes(f.Abs, inCatalogue)
	}
	for _, child := range children {
		if rel, err := filepath.Rel(s.base, child); err == nil {
			child = filepath.ToSlash(rel)
		}
		out.Children = append(out.Children, child)
	}
	for _, b := range about.Services {
		svc := b.Service
		out.Services = append(out.Services, rewrite.Service{
			File: b.File, Line: b.Line, Name: svc.Name, User: svc.User, Privileged: svc.Privileged, CapAdd: svc.CapAdd,
			BindMounts: mounts(svc.Binds), Volumes: mounts(svc.Volumes),
			Entrypoint: svc.Entrypoint, Command: svc.Command, Ports: svc.Ports,
		})
	}
	return out
}

func mounts(in []siblings.Mount) []rewrite.Mount {
	var out []rewrite.Mount
	for _, m := range in {
		out = append(out, rewrite.Mount{Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	return out
}

// builtHere is a source that does not insist on a registry having an image
// that the repository itself builds.
type builtHere struct {
	imageinspect.Source
	repo *siblings.Repository
}

// Inspect implements imageinspect.Source.
func (b builtHere) Inspect(ctx context.Context, ref string, p imageinspect.Platform) (*imageinspect.Facts, error) {
	f, err := b.Source.Inspect(ctx, ref, p)
	switch imageinspect.KindOf(err) {
	case imageinspect.NotFound, imageinspect.Unauthorized, imageinspect.RateLimited:
		if b.repo.Builds(ref) {
			return nil, &imageinspect.Error{Kind: imageinspect.NotKnown, Ref: ref}
		}
	}
	return f, err
}

package main

import (
	"context"
	"path/filepath"
	"strings"
	"sync"

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
	// outlines are of the files of the run, where there are several. Parsing is
	// what most of a run's time goes to.
	outlines map[*workspace.File]*outline
	known    sync.Map // image reference to whether the catalogue has it

	bases  map[string]*base // by absolute path
	images sync.Map         // what they build, as functions that find out once
}

// An outline is what the surroundings of a Dockerfile need to know of it.
type outline struct {
	from    []string // images that its stages are FROM
	stages  []siblings.Stage
	sources []string // files that it copies from its context
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
	type read struct {
		file *workspace.File
		out  *outline
	}
	s.outlines = map[*workspace.File]*outline{}
	err := ordered(ctx, set.Files, r.opts.jobs, func(f *workspace.File) read { return read{f, outlineOfFile(f)} },
		func(in read) error {
			if in.out != nil {
				s.outlines[in.file] = in.out
				s.repo.Link(in.file.Abs, in.out.from)
			}
			return nil
		})
	s.readBases(set.Files)
	return s, err
}

// outlineOfFile returns nil for a file that cannot be read or does not parse, which is
// reported when its turn comes.
func outlineOfFile(f *workspace.File) *outline {
	src, err := f.Read()
	if err != nil {
		return nil
	}
	return outlineOf(src)
}

func outlineOf(src []byte) *outline {
	doc, err := dockerfile.Parse(src)
	if err != nil {
		return nil
	}
	out := &outline{stages: stages(doc)}
	for _, name := range workspace.CopySources(doc) {
		out.sources = append(out.sources, strings.Clone(name)) // not the whole file with it
	}
	resolver := doc.Resolver(nil, "linux/amd64")
	for _, stage := range doc.Stages {
		if base, err := resolver.Base(stage); err == nil && base.Ref != "" {
			out.from = append(out.from, strings.Clone(base.Ref))
		}
	}
	return out
}

// describe fills in what the surroundings say about one file, below what the
// configuration and the flags say. It returns what the report should mention.
func (s *surroundings) describe(opts *rewrite.Options, f *workspace.File, src []byte, contextDir string) (notes []string) {
	out := s.outlines[f]
	if out == nil {
		if out = outlineOf(src); out == nil {
			return nil // rewrite.Run reports it
		}
	}
	about := s.repo.About(f.Abs, opts.Target, out.stages)
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
		contextDir = f.FindContext(out.sources)
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
		out[i].Name = strings.Clone(stage.Name)
		if base, err := resolver.Base(stage); err == nil && base.Stage != nil {
			out[base.Stage.Index].Parent = true
		}
	}
	return out
}

// inCatalogue reports whether an image is a well-known one, which this repository is
// not likely to make.
func (s *surroundings) inCatalogue(ref string) bool {
	if known, ok := s.known.Load(ref); ok {
		return known.(bool)
	}
	_, err := imageinspect.DefaultCatalog().Inspect(context.Background(), ref, imageinspect.Platform{OS: "linux", Architecture: "amd64"})
	s.known.Store(ref, err == nil)
	return err == nil
}

func (s *surroundings) siblings(f *workspace.File, about *siblings.About) rewrite.Siblings {
	out := rewrite.Siblings{GitHubAction: about.Action}
	children := s.repo.Children(f.Abs)
	if len(children) == 0 {
		children = s.repo.Namesakes(f.Abs, s.inCatalogue)
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

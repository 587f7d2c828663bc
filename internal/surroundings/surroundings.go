// Package surroundings is what lies around the Dockerfiles of a run: it reads the
// Compose files and their like, links the Dockerfiles that are FROM each other, and
// brings what they say about one Dockerfile into the options of its rewriting.
package surroundings

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// Surroundings is what lies around the Dockerfiles of a run.
type Surroundings struct {
	repo *siblings.Repository
	base string // directory that paths are shown relative to
	// outlines are of the files of the run and of those around it. Parsing is what
	// most of a run's time goes to.
	outlines map[*workspace.File]*outline
	byPath   map[string]*outline
	known    sync.Map // image reference to whether the catalogue has it

	makers map[string]*maker // by absolute path
	images sync.Map          // what they build, as functions that find out once
}

// An outline is what the surroundings of a Dockerfile need to know of it.
type outline struct {
	from    []string // images that its stages are FROM
	stages  []siblings.Stage
	sources []string // files that it copies from its context
	labels  []string // repositories on Docker Hub that its labels name
	args    []string // build arguments that its bases may depend on
}

// Look reads the Compose files and their like, and which Dockerfiles of the run and
// around it are FROM which. It ends early with the context's error.
func Look(ctx context.Context, set *workspace.Set) (*Surroundings, error) {
	var files []siblings.File
	for _, f := range set.Others {
		files = append(files, siblings.File{Path: f.Path, Abs: f.Abs, Read: f.Read})
	}
	dockerfiles := set.Files
	for _, f := range set.Around {
		if siblings.Wanted(f.Abs) {
			files = append(files, siblings.File{Path: f.Path, Abs: f.Abs, Read: f.Read, Quiet: true})
			continue
		}
		dockerfiles = append(dockerfiles[:len(dockerfiles):len(dockerfiles)], f)
	}
	s := &Surroundings{repo: siblings.Read(files), base: set.Base, outlines: map[*workspace.File]*outline{}, byPath: map[string]*outline{}}
	outlines := outlinesOf(ctx, dockerfiles)
	for i, f := range dockerfiles {
		if outlines[i] != nil {
			s.outlines[f], s.byPath[f.Abs] = outlines[i], outlines[i]
			s.repo.Link(f.Abs, outlines[i].from)
			for _, repo := range outlines[i].labels {
				s.repo.Label(f.Abs, repo)
			}
		}
	}
	s.readMakers(dockerfiles)
	return s, ctx.Err()
}

// Notes returns what could not be read.
func (s *Surroundings) Notes() []string { return s.repo.Notes() }

// outlinesOf reads the files side by side, until the context ends.
func outlinesOf(ctx context.Context, files []*workspace.File) []*outline {
	out := make([]*outline, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				out[i] = outlineOfFile(files[i])
			}
		})
	}
	for i := range files {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return out
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
	for _, in := range doc.Instructions {
		if in.Keyword == "FROM" {
			break
		}
		for _, arg := range in.Args {
			name, _, _ := strings.Cut(arg, "=")
			out.args = append(out.args, strings.Clone(name))
		}
	}
	if n := len(doc.Stages); n > 0 {
		out.labels = labels(doc.Stages[n-1])
	}
	resolver := doc.Resolver(nil, "linux/amd64")
	for _, stage := range doc.Stages {
		if base, err := resolver.Base(stage); err == nil && base.Ref != "" {
			out.from = append(out.from, strings.Clone(base.Ref))
		}
	}
	return out
}

// hubLabel is an annotation that tells people where the image is
// (github.com/opencontainers/image-spec, annotations.md).
var hubLabel = regexp.MustCompile(`org\.opencontainers\.image\.(?:url|documentation)"?[= ]\s*["']?https?://hub\.docker\.com/r/([a-z0-9_.-]+/[a-z0-9_.-]+)`)

// labels returns the repositories that the labels of a stage name.
func labels(stage *dockerfile.Stage) []string {
	var out []string
	for _, in := range stage.Instructions {
		if in.Keyword != "LABEL" {
			continue
		}
		for _, m := range hubLabel.FindAllStringSubmatch(in.Original, 4) {
			out = append(out, strings.Clone(m[1]))
		}
	}
	return out
}

// Describe fills in what the surroundings say about one file, below what the
// configuration and the flags say. It returns what the report should mention.
func (s *Surroundings) Describe(opts *rewrite.Options, f *workspace.File, src []byte, contextDir string) (notes []string) {
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
		opts.Platform, _ = imageinspect.ParsePlatform(about.Platform) // one that is not a platform says nothing
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

// Context returns the directory of the build context that the repository names for a
// Dockerfile, "" when nothing does.
func (s *Surroundings) Context(f *workspace.File, doc *dockerfile.Document, target string) string {
	return s.repo.About(f.Abs, target, stages(doc)).Context
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
func (s *Surroundings) inCatalogue(ref string) bool {
	if known, ok := s.known.Load(ref); ok {
		return known.(bool)
	}
	_, err := imageinspect.DefaultCatalog().Inspect(context.Background(), ref, imageinspect.Platform{OS: "linux", Architecture: "amd64"})
	s.known.Store(ref, err == nil)
	return err == nil
}

func (s *Surroundings) siblings(f *workspace.File, about *siblings.About) rewrite.Siblings {
	out := rewrite.Siblings{GitHubAction: about.Action, Template: about.Template, Generator: about.Generator, BaseBy: baseBy(about)}
	for _, child := range s.repo.BuiltOn(f.Abs, s.inCatalogue) {
		if rel, err := filepath.Rel(s.base, child); err == nil {
			child = filepath.ToSlash(rel)
		}
		out.Children = append(out.Children, child)
	}
	for _, b := range about.Differ {
		out.Builds = append(out.Builds, rewrite.Build{File: b.File, Line: b.Line, Args: b.Args})
	}
	for _, y := range about.Syncs {
		out.Syncs = append(out.Syncs, rewrite.Sync{File: y.File, Line: y.Line, Tool: y.Tool, Target: y.Target})
	}
	for _, e := range about.Examples {
		out.Examples = append(out.Examples, rewrite.Example{File: e.File, Line: e.Line, Target: e.Target, Named: e.Named, AsCaller: e.AsCaller})
	}
	for _, e := range about.Homes {
		if e.Named || !s.inCatalogue(e.Image()) {
			out.Homes = append(out.Homes, rewrite.Example{File: e.File, Line: e.Line, Target: e.Target, Named: e.Named})
		}
	}
	for _, b := range about.Services {
		if b.Named != "" && s.inCatalogue(b.Named) {
			continue
		}
		svc := b.Service
		out.Services = append(out.Services, rewrite.Service{
			File: b.File, Line: b.Line, Name: svc.Name, User: svc.User, Privileged: svc.Privileged, CapAdd: svc.CapAdd,
			Seccomp: svc.Seccomp, Devices: svc.Devices, Syncs: svc.Syncs,
			BindMounts: mounts(svc.Binds), OtherBinds: svc.OtherBinds, Volumes: mounts(svc.Volumes), HostFiles: hostFiles(svc.HostFiles),
			Entrypoint: svc.Entrypoint, Command: svc.Command, Environment: svc.Environment, Ports: svc.Ports,
		})
	}
	return out
}

// baseBy says what shows that others build on an image, "" where nothing does.
func baseBy(about *siblings.About) string {
	switch {
	case about.Base.File != "":
		return fmt.Sprintf("%s:%d shows how to build on this image", about.Base.File, about.Base.Line)
	case about.Official != "":
		return about.Official + " publishes this as an official image, and others build on those"
	}
	return ""
}

func mounts(in []siblings.Mount) []rewrite.Mount {
	var out []rewrite.Mount
	for _, m := range in {
		out = append(out, rewrite.Mount{Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	return out
}

func hostFiles(in []siblings.HostFile) []rewrite.HostFile {
	var out []rewrite.HostFile
	for _, f := range in {
		out = append(out, rewrite.HostFile(f))
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

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// mirrorVariable is the environment variable beside --registry-mirror.
const mirrorVariable = "HARDEN_REGISTRY_MIRROR"

// sourceOptions says where facts of base images come from.
type sourceOptions struct {
	facts   []string
	offline bool
	mirror  string
}

func (o *sourceOptions) register(f *pflag.FlagSet) {
	f.StringArrayVar(&o.facts, "facts", nil, "`FILE` with facts of base images, as harden inspect --json prints them; may be repeated")
	f.BoolVar(&o.offline, "offline", false, "ask no registry and no engine; go by --facts, the embedded catalogue and the Dockerfile")
	f.StringVar(&o.mirror, "registry-mirror", "", "`URL` of a pull-through mirror for Docker Hub (default $"+mirrorVariable+")")
}

// validate checks the mirror and takes it from the environment when no flag
// gives it.
func (o *sourceOptions) validate() error {
	if o.mirror != "" {
		return flagProblem("registry-mirror", config.CheckMirror, o.mirror)
	}
	o.mirror = os.Getenv(mirrorVariable)
	if o.mirror == "" {
		return nil
	}
	if msg, hint := config.CheckMirror(o.mirror); msg != "" {
		return fmt.Errorf("%s: %s; %s", mirrorVariable, msg, hint)
	}
	return nil
}

// sources answers for the base images of a run, from the best place down:
// given facts, the registry behind its cache, the catalogue.
type sources struct {
	opts  *sourceOptions
	given imageinspect.Static
	cache *imageinspect.Cache
	out   *terminal

	mu       sync.Mutex
	byMirror map[string]imageinspect.Source
	told     map[string]bool // what was said on stderr, once
}

func newSources(opts *sourceOptions, out *terminal) (*sources, error) {
	s := &sources{opts: opts, out: out, byMirror: map[string]imageinspect.Source{}, told: map[string]bool{}}
	var facts []*imageinspect.Facts
	for _, name := range opts.facts {
		read, err := readFacts(name)
		if err != nil {
			return nil, err
		}
		facts = append(facts, read...)
	}
	s.given = imageinspect.NewStatic(facts)
	dir, err := imageinspect.DefaultCacheDir()
	if err == nil {
		s.cache, err = imageinspect.OpenCache(dir)
	}
	if err != nil {
		s.tell("no cache of image layers: " + err.Error())
	}
	_, err = s.with("") // a mirror from flag or environment that cannot be one
	return s, err
}

func readFacts(name string) ([]*imageinspect.Facts, error) {
	f, err := os.Open(name)
	if err != nil {
		if pe := new(fs.PathError); errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("%s: %w; --facts needs what harden inspect --json prints", name, err)
	}
	defer f.Close()
	facts, err := imageinspect.ReadFacts(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return facts, nil
}

// with returns the source for files whose configuration names a mirror. Flag
// and environment beat it.
func (s *sources) with(mirror string) (imageinspect.Source, error) {
	if s.opts.mirror != "" {
		mirror = s.opts.mirror
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byMirror[mirror]; r != nil {
		return r, nil
	}
	r, err := imageinspect.NewRegistry(s.options(mirror))
	if err != nil {
		return nil, err
	}
	// Remembered, so that a base is looked up once and not for each file.
	s.byMirror[mirror] = imageinspect.Cached(&source{s, r, imageinspect.NewEngine(s.options(""))})
	return s.byMirror[mirror], nil
}

func (s *sources) options(mirror string) imageinspect.Options {
	return imageinspect.Options{Cache: s.cache, Progress: s.progress, Offline: s.opts.offline, Mirror: mirror}
}

// A source is the sources with one mirror.
type source struct {
	*sources
	registry, engine imageinspect.Source
}

// Inspect implements imageinspect.Source. An image that the registry does not
// have or does not give out may have been built here, so the local engine is
// asked. If it does not have it either, the registry's answer is an error for
// the files that need the image. A registry that cannot be reached is not: the
// catalogue, or what the Dockerfile says, has to do.
func (s *source) Inspect(ctx context.Context, ref string, p imageinspect.Platform) (*imageinspect.Facts, error) {
	f, err := s.given.Inspect(ctx, ref, p)
	if imageinspect.KindOf(err) != imageinspect.NotKnown {
		return f, err
	}
	f, err = s.registry.Inspect(ctx, ref, p)
	switch imageinspect.KindOf(err) {
	case imageinspect.NotFound, imageinspect.Unauthorized, imageinspect.RateLimited, imageinspect.Unreachable:
		if local, engineErr := s.engine.Inspect(ctx, ref, p); engineErr == nil {
			return local, nil
		}
	case imageinspect.NotKnown:
	default:
		return f, err
	}
	switch imageinspect.KindOf(err) {
	case imageinspect.Unreachable:
		s.unreachable(ref, err)
	case imageinspect.NotKnown:
	default:
		return nil, err
	}
	return imageinspect.DefaultCatalog().Inspect(ctx, ref, p)
}

// unreachable says once for each registry that it does not answer.
func (s *sources) unreachable(ref string, err error) {
	host, _, _ := strings.Cut(imageinspect.NormalizeRef(ref), "/")
	if !s.once(host) {
		return
	}
	cause := err
	if e, ok := errors.AsType[*imageinspect.Error](err); ok && e.Unwrap() != nil {
		cause = e.Unwrap()
	}
	s.tell(fmt.Sprintf("%v; going on with the embedded catalogue and what the Dockerfiles say", cause))
}

// once reports whether it is called with key for the first time.
func (s *sources) once(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.told[key]
	s.told[key] = true
	return first
}

func (s *sources) tell(message string) {
	_, _ = io.WriteString(s.out.err, "harden: "+report.Printable(message)+"\n")
}

// progress shows on the terminal which layer is being read.
func (s *sources) progress(e imageinspect.Event) {
	if e.Cached || e.Done {
		s.out.progress.clear()
		return
	}
	line := fmt.Sprintf("reading %s: layer %d", report.Printable(e.Ref), e.Layer)
	if e.Layers > 0 {
		line += fmt.Sprintf(" of %d", e.Layers)
	}
	if e.Total > 0 {
		line += fmt.Sprintf(", %d of %d MB", e.Bytes>>20, e.Total>>20)
	}
	s.out.progress.show(line)
}

// inspect answers for one argument of harden inspect: a file of facts, a layout
// or a tarball that is there, or else a reference.
func (s *sources) inspect(ctx context.Context, arg string, p imageinspect.Platform) ([]*imageinspect.Facts, error) {
	if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() && strings.HasSuffix(arg, ".json") {
		return readFacts(arg)
	}
	source, ref, err := imageinspect.Open(arg, s.options(""))
	if _, ok := source.(*imageinspect.Registry); ok {
		source, err = s.with("")
	}
	if err != nil {
		return nil, err
	}
	f, err := source.Inspect(ctx, ref, p)
	if e, ok := errors.AsType[*imageinspect.Error](err); ok && e.Kind == imageinspect.NotKnown {
		return nil, fmt.Errorf("nothing is known of image %q; let harden reach its registry, or name an OCI layout, a tarball of docker save or a file of facts", arg)
	}
	return []*imageinspect.Facts{f}, err
}

package imageinspect

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// A Source knows facts about images. What it returns is shared: read it, or
// change a copy. Its errors are of type *Error, or the context's.
type Source interface {
	Inspect(ctx context.Context, ref string, p Platform) (*Facts, error)
}

// A ConfigSource can answer with the configuration alone, which costs some
// requests where the files cost every layer.
type ConfigSource interface {
	Source
	InspectConfig(ctx context.Context, ref string, p Platform) (*Facts, error)
}

// Static is a Source of facts at hand, by reference. References are looked up
// in their normal form: "debian:12" finds "docker.io/library/debian:12".
type Static map[string]*Facts

// NewStatic returns the Static that ReadFacts' result stands for.
func NewStatic(facts []*Facts) Static {
	s := make(Static, len(facts))
	for _, f := range facts {
		s[f.Reference] = f
	}
	return s
}

// Inspect implements Source.
func (s Static) Inspect(_ context.Context, ref string, p Platform) (*Facts, error) {
	f, ok := s[ref]
	if !ok {
		f, ok = s[s.find(ref)]
	}
	if !ok {
		return nil, &Error{Kind: NotKnown, Ref: ref, err: errors.New("it is not among the given facts")}
	}
	if err := f.Validate(); err != nil {
		return nil, &Error{Kind: Invalid, Ref: ref, err: err}
	}
	if f.Platform != "" && !p.IsZero() {
		if have, err := ParsePlatform(f.Platform); err != nil || variantRank(p, have) < 0 {
			return nil, &Error{Kind: NotKnown, Ref: ref, err: errors.New("the given facts are of platform " + f.Platform)}
		}
	}
	return f, nil
}

// find returns the least key that names the same image as ref.
func (s Static) find(ref string) string {
	want := NormalizeRef(ref)
	var found []string
	for key := range s {
		if NormalizeRef(key) == want {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

// NormalizeRef returns the normal form of a reference:
// "docker.io/library/debian:12" for "debian:12" and "index.docker.io/debian:12".
// With a tag and a digest, the digest alone counts, as for every puller. What
// is not a reference comes back as it is.
func NormalizeRef(ref string) string {
	r, err := name.ParseReference(ref, name.WithDefaultRegistry("docker.io"))
	if err != nil {
		return ref
	}
	host := r.Context().RegistryStr()
	repo := r.Context().RepositoryStr()
	if dockerHub[host] {
		host = "docker.io"
		if !strings.Contains(repo, "/") {
			repo = "library/" + repo
		}
	}
	sep := ":"
	if _, ok := r.(name.Digest); ok {
		sep = "@"
	}
	return host + "/" + repo + sep + r.Identifier()
}

// dockerHub are the names under which Docker Hub's images are known.
var dockerHub = map[string]bool{"docker.io": true, "index.docker.io": true, "registry-1.docker.io": true, "registry.hub.docker.com": true}

// Chain returns a Source that asks one after the other. It goes on only where
// a source does not know the image, cannot find it or cannot be reached; why
// it did goes into the warnings of the answer, unless the source just did not
// know.
func Chain(sources ...Source) Source { return chain(sources) }

type chain []Source

func (c chain) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	var first error
	for _, s := range c {
		if s == nil {
			continue
		}
		f, err := s.Inspect(ctx, ref, p)
		if err == nil {
			if first != nil && KindOf(first) != NotKnown {
				f = f.withWarning(first.Error())
			}
			return f, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		switch KindOf(err) {
		case NotKnown, NotFound, Unreachable:
		default:
			return nil, err
		}
		if first == nil || KindOf(first) == NotKnown {
			first = err
		}
	}
	if first == nil {
		first = &Error{Kind: NotKnown, Ref: ref, err: errors.New("there is nobody to ask")}
	}
	return nil, first
}

// withWarning returns a copy of the facts that carries one more warning.
func (f *Facts) withWarning(text string) *Facts {
	c := *f
	c.Warnings = append(slices.Clip(c.Warnings), plainText(text, maxWarning))
	return &c
}

const maxWarning = 1000

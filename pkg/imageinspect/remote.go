package imageinspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A Registry reads images from container registries, anonymously or with the
// credentials that "docker login" left. It keeps to http for loopback
// addresses and the mirror.
type Registry struct {
	in      *inspector
	offline bool
	puller  *remote.Puller
	mirror  *name.Registry
	flight  flight[*Facts]
}

// NewRegistry returns a Registry. It fails if the URL of the mirror is not one.
func NewRegistry(o Options) (*Registry, error) {
	mirror, plainHTTP, err := parseMirror(o.Mirror)
	if err != nil {
		return nil, err
	}
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	puller, err := remote.NewPuller(
		remote.WithTransport(newGuard(o.Transport, plainHTTP)),
		remote.WithAuthFromKeychain(keychain{o.Keychain}),
		remote.WithJobs(4*parallel),
		remote.WithUserAgent("harden"),
		// One second try for what passes by itself. A 429 does not.
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 2}),
		remote.WithRetryStatusCodes(http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
		remote.WithRetryPredicate(passesByItself),
	)
	if err != nil {
		return nil, fmt.Errorf("preparing to read registries: %w", err)
	}
	return &Registry{in: newInspector(o), offline: o.Offline, puller: puller, mirror: mirror}, nil
}

// passesByItself reports whether a failure is one that the next try may not
// meet: a connection that broke, or a gateway's hiccup.
func passesByItself(err error) bool {
	var temporary interface{ Temporary() bool }
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return true
	}
	return !isConnectError(err) && errors.As(err, &temporary) && temporary.Temporary() && !errors.Is(err, context.DeadlineExceeded)
}

// parseMirror reads the URL of a mirror as the engine does: scheme and host,
// no path, no user (moby, registry.ValidateMirror).
func parseMirror(raw string) (*name.Registry, string, error) {
	if raw == "" {
		return nil, "", nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", fmt.Errorf("registry mirror %.200q is not of the form https://HOST[:PORT]", withoutSecrets(raw))
	}
	var opts []name.Option
	var plainHTTP string
	if u.Scheme == "http" {
		opts, plainHTTP = append(opts, name.Insecure), u.Host
	}
	reg, err := name.NewRegistry(u.Host, opts...)
	if err != nil {
		return nil, "", fmt.Errorf("registry mirror %.200q: %w", raw, err)
	}
	return &reg, plainHTTP, nil
}

// Inspect implements Source.
func (r *Registry) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	return r.inspect(ctx, ref, p, true)
}

// InspectConfig implements ConfigSource.
func (r *Registry) InspectConfig(ctx context.Context, ref string, p Platform) (*Facts, error) {
	return r.inspect(ctx, ref, p, false)
}

func (r *Registry) inspect(ctx context.Context, ref string, p Platform, files bool) (*Facts, error) {
	if ref == "scratch" {
		return Scratch(), nil // reserved: no registry may have it
	}
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, &Error{Kind: Invalid, Ref: ref, Hint: "a reference looks like debian:bookworm-slim", err: errors.New("it is not an image reference")}
	}
	key := fmt.Sprintf("%s %s %t %t", ref, p, p.IsZero(), files)
	f, err := r.flight.do(ctx, key, func(ctx context.Context) (*Facts, error) {
		return r.read(ctx, request{ref: ref, platform: p, files: files, offline: r.offline}, parsed)
	})
	return f, withRef(err, ref)
}

// A request is one call of Inspect.
type request struct {
	ref      string
	platform Platform
	files    bool
	offline  bool
}

// read asks the mirror and then the registry itself. Where neither can be
// reached, what the tag stood for when it was last seen is better than
// nothing, and is said.
func (r *Registry) read(ctx context.Context, req request, ref name.Reference) (*Facts, error) {
	f, err := r.readOnline(ctx, req, ref)
	if KindOf(err) != Unreachable || req.offline || ctx.Err() != nil {
		return f, err
	}
	req.offline = true
	if f, offlineErr := r.readOnline(ctx, req, ref); offlineErr == nil {
		return f.withWarning(err.Error() + "; these facts are from the cache"), nil
	}
	return nil, err
}

// readOnline goes through the endpoints. Whatever a mirror fails with, the
// registry itself is asked next, as Docker's engine does (moby,
// distribution/pull.go); only what the image itself is ends the search.
func (r *Registry) readOnline(ctx context.Context, req request, ref name.Reference) (*Facts, error) {
	var mirrorErr error
	if r.mirror != nil && dockerHub[ref.Context().RegistryStr()] {
		f, err := r.readFrom(ctx, req, onRegistry(ref, *r.mirror))
		if err == nil || ctx.Err() != nil {
			return f, err
		}
		switch KindOf(err) {
		case PlatformMissing, Unsupported, TooLarge:
			return nil, err
		}
		mirrorErr = err
	}
	f, err := r.readFrom(ctx, req, ref)
	if e, ok := errors.AsType[*Error](err); ok && mirrorErr != nil && !req.offline {
		c := *e
		c.err = fmt.Errorf("%w (and the mirror: %s)", e.err, cause(mirrorErr))
		return nil, &c
	}
	return f, err
}

// onRegistry returns the same reference on another registry.
func onRegistry(ref name.Reference, reg name.Registry) name.Reference {
	repo := reg.Repo(ref.Context().RepositoryStr())
	if d, ok := ref.(name.Digest); ok {
		return repo.Digest(d.DigestStr())
	}
	return repo.Tag(ref.Identifier())
}

// readFrom reads the image from one endpoint.
func (r *Registry) readFrom(ctx context.Context, req request, ref name.Reference) (*Facts, error) {
	s := &registryStore{r: r, repo: ref.Context(), offline: req.offline}
	raw, d, seen, err := s.top(ctx, ref, NormalizeRef(req.ref))
	if err != nil {
		return nil, err
	}
	img, err := resolveImage(ctx, s, raw, d, req.platform)
	if err != nil {
		return nil, err
	}
	img.ref, img.digest = req.ref, d.Digest.String()
	img.origin = Origin{Kind: FromRegistry, Detail: s.host()}
	if !seen.IsZero() {
		img.warnings = append(img.warnings, fmt.Sprintf("the tag was last looked up on %s", seen.Format(time.DateOnly)))
	}
	return r.in.facts(ctx, img, req.files)
}

// A registryStore is a repository on a registry, behind the cache.
type registryStore struct {
	r       *Registry
	repo    name.Repository
	offline bool
}

func (s *registryStore) host() string {
	if host := s.repo.RegistryStr(); !dockerHub[host] {
		return host
	}
	return "docker.io"
}

func (s *registryStore) missing(what string) error {
	return failf(NotKnown, "leave out --offline", "the cache has no %s of it", what)
}

// top returns what a reference stands for: a manifest or an index. A tag is
// always looked up, by a HEAD request where the manifest may be in the cache,
// which is not counted against Docker Hub's limit. seen is set when it was not.
func (s *registryStore) top(ctx context.Context, ref name.Reference, key string) (raw []byte, d v1.Descriptor, seen time.Time, err error) {
	if digest, ok := ref.(name.Digest); ok {
		if d.Digest, err = v1.NewHash(digest.DigestStr()); err != nil {
			return nil, d, seen, failf(Invalid, "", "its digest is malformed")
		}
		raw, err = s.manifest(ctx, d)
		return raw, d, seen, err
	}
	if s.offline {
		e, ok := s.r.in.cache.tag(key)
		if !ok {
			return nil, d, seen, s.missing("manifest")
		}
		if d.Digest, err = v1.NewHash(e.Digest); err != nil {
			return nil, d, seen, s.missing("manifest")
		}
		raw, err = s.manifest(ctx, d)
		return raw, d, e.Seen, err
	}
	if s.r.in.cache != nil {
		if head, err := s.r.puller.Head(ctx, ref); err == nil {
			d = *head
			raw, err = s.manifest(ctx, d)
			if err == nil {
				s.r.in.cache.putTag(key, d.Digest)
			}
			return raw, d, seen, err
		} else if err := remoteError(ctx, err, s.host()); KindOf(err) != Unsupported {
			return nil, d, seen, err
		}
		// Some registries do not know HEAD, or leave the digest out.
	}
	raw, d, err = s.get(ctx, ref)
	if err == nil {
		s.r.in.cache.putTag(key, d.Digest)
	}
	return raw, d, seen, err
}

func (s *registryStore) get(ctx context.Context, ref name.Reference) ([]byte, v1.Descriptor, error) {
	desc, err := s.r.puller.Get(ctx, ref)
	if err != nil {
		return nil, v1.Descriptor{}, remoteError(ctx, err, s.host())
	}
	s.r.in.cache.putBlob(cacheManifests, desc.Digest, desc.Manifest)
	return desc.Manifest, desc.Descriptor, nil
}

func (s *registryStore) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if raw := s.r.in.cache.blob(cacheManifests, d.Digest); raw != nil {
		return raw, nil
	}
	if s.offline {
		return nil, s.missing("manifest")
	}
	raw, _, err := s.get(ctx, s.repo.Digest(d.Digest.String()))
	return raw, err
}

func (s *registryStore) config(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if raw := s.r.in.cache.blob(cacheConfigs, d.Digest); raw != nil {
		return raw, nil
	}
	blob, err := s.open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	raw, err := readBounded(blob, maxConfig, "configuration")
	if err != nil {
		return nil, remoteError(ctx, err, s.host())
	}
	s.r.in.cache.putBlob(cacheConfigs, d.Digest, raw)
	return raw, nil
}

func (s *registryStore) layer(d v1.Descriptor) layer {
	return layer{digest: d.Digest.String(), size: max(d.Size, 0), open: func(ctx context.Context) (io.ReadCloser, error) {
		return s.open(ctx, d)
	}}
}

// open starts to read a blob. Its end is verified by the puller.
func (s *registryStore) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if s.offline {
		return nil, s.missing("layer")
	}
	l, err := s.r.puller.Layer(ctx, s.repo.Digest(d.Digest.String()))
	if err != nil {
		return nil, remoteError(ctx, err, s.host())
	}
	blob, err := l.Compressed()
	if err != nil {
		err = remoteError(ctx, err, s.host())
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == NotFound {
			return nil, failf(Corrupt, "push the image again", "%s has the image but not its blob %s", s.host(), d.Digest)
		}
		return nil, err
	}
	return &remoteBlob{blob, ctx, s.host()}, nil
}

// A remoteBlob fails with Errors.
type remoteBlob struct {
	io.ReadCloser
	ctx  context.Context
	host string
}

func (b *remoteBlob) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = remoteError(b.ctx, err, b.host)
	}
	return n, err
}

// keychain marks the errors of looking up credentials, which are not the
// registry's.
type keychain struct{ inner authn.Keychain }

type keychainError struct{ err error }

func (e *keychainError) Error() string { return "looking up credentials" }

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), r)
}

// ResolveContext implements authn.ContextKeychain.
func (k keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	auth, err := authn.Resolve(ctx, k.inner, r)
	if err != nil {
		return nil, &keychainError{err}
	}
	return auth, nil
}

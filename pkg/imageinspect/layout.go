package imageinspect

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A Layout reads images from a directory in the OCI image layout, as buildx
// (--output type=oci,tar=false), skopeo and crane write them.
type Layout struct {
	in  *inspector
	dir string
}

// NewLayout returns the Layout in a directory.
func NewLayout(dir string, o Options) *Layout { return &Layout{in: newInspector(o), dir: dir} }

// Inspect implements Source. The reference is a tag or a whole image name that
// the layout's index gives, or a digest in it; "" is the only image.
func (l *Layout) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	return l.inspect(ctx, ref, p, true)
}

// InspectConfig implements ConfigSource.
func (l *Layout) InspectConfig(ctx context.Context, ref string, p Platform) (*Facts, error) {
	return l.inspect(ctx, ref, p, false)
}

func (l *Layout) inspect(ctx context.Context, ref string, p Platform, files bool) (*Facts, error) {
	shown := "oci:" + l.dir
	if ref != "" {
		shown += ":" + ref
	}
	f, err := l.read(ctx, shown, ref, p, files)
	return f, withRef(err, shown)
}

func (l *Layout) read(ctx context.Context, shown, ref string, p Platform, files bool) (*Facts, error) {
	// Within a root no link leads out of the directory.
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return nil, fileError(err)
	}
	defer root.Close()
	s := &layoutStore{root: root}
	index, err := s.file("index.json")
	if err != nil {
		return nil, err
	}
	raw, d, err := chooseRef(ctx, s, index, ref)
	if err != nil {
		return nil, err
	}
	img, err := resolveImage(ctx, s, raw, d, p)
	if err != nil {
		return nil, err
	}
	img.ref, img.digest = plainText(shown, maxPathBytes), digestText(d)
	img.origin = Origin{Kind: FromLayout, Detail: plainText(l.dir, maxShortText)}
	return l.in.facts(ctx, img, files)
}

// chooseRef finds the entry of a layout's index.json that a reference means.
func chooseRef(ctx context.Context, s store, index []byte, ref string) ([]byte, v1.Descriptor, error) {
	var m v1.IndexManifest
	if err := json.Unmarshal(index, &m); err != nil {
		return nil, v1.Descriptor{}, failf(Corrupt, "", "its index.json cannot be read: %v", jsonProblem(err))
	}
	if ref == "" && len(m.Manifests) != 1 {
		// Several entries may be one image for several platforms.
		if !slices.ContainsFunc(m.Manifests, func(d v1.Descriptor) bool { return len(refNames(d)) > 0 }) {
			return index, v1.Descriptor{MediaType: "application/vnd.oci.image.index.v1+json"}, nil
		}
		return nil, v1.Descriptor{}, failf(NotFound, "say which, as in oci:DIR:TAG: "+strings.Join(refsOf(m), ", "), "it holds %d images", len(m.Manifests))
	}
	for _, d := range m.Manifests {
		if ref == "" || slices.Contains(refNames(d), ref) || d.Digest.String() == ref {
			if d.Digest.Hex == "" {
				return nil, d, failf(Corrupt, "", "its index.json names a manifest without a digest")
			}
			raw, err := s.manifest(ctx, d)
			return raw, d, err
		}
	}
	return nil, v1.Descriptor{}, failf(NotFound, "it holds: "+strings.Join(refsOf(m), ", "), "it holds no image %.100q", ref)
}

// digestText returns the digest of what a reference meant, "" when that was an
// index.json as a whole.
func digestText(d v1.Descriptor) string {
	if d.Digest.Hex == "" {
		return ""
	}
	return d.Digest.String()
}

// refNames returns the names of an index entry: the tag (OCI image
// specification, annotations.md) and the whole name that containerd adds.
func refNames(d v1.Descriptor) []string {
	var names []string
	for _, key := range []string{"org.opencontainers.image.ref.name", "io.containerd.image.name"} {
		if n := plainText(d.Annotations[key], 300); n != "" {
			names = append(names, n)
		}
	}
	return names
}

func refsOf(m v1.IndexManifest) []string {
	var refs []string
	for _, d := range m.Manifests[:min(len(m.Manifests), 20)] {
		if names := refNames(d); len(names) > 0 {
			refs = append(refs, names[0])
		} else {
			refs = append(refs, d.Digest.String())
		}
	}
	return refs
}

// fileError is a failure to read from the local file system.
func fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failf(NotFound, "", "%w", err)
	}
	return failf(Unreachable, "", "%w", err)
}

// A layoutStore holds blobs in files named by their digests.
type layoutStore struct{ root *os.Root }

func (s *layoutStore) file(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	return readBounded(f, maxManifest, name)
}

func (s *layoutStore) open(d v1.Descriptor) (io.ReadCloser, error) {
	f, err := s.root.Open(filepath.Join("blobs", d.Digest.Algorithm, d.Digest.Hex))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf(Corrupt, "write the layout again", "the layout lacks the blob %s", d.Digest)
	}
	if err != nil {
		return nil, fileError(err)
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, failf(Corrupt, "", "the blob %s is not a regular file", d.Digest)
	}
	return f, nil
}

func (s *layoutStore) read(d v1.Descriptor, limit int64, what string) ([]byte, error) {
	blob, err := s.open(d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	v, err := newVerifier(blob, d.Digest, -1)
	if err != nil {
		return nil, err
	}
	return readBounded(v, limit, what)
}

func (s *layoutStore) manifest(_ context.Context, d v1.Descriptor) ([]byte, error) {
	return s.read(d, maxManifest, "manifest")
}

func (s *layoutStore) config(_ context.Context, d v1.Descriptor) ([]byte, error) {
	return s.read(d, maxConfig, "configuration")
}

func (s *layoutStore) layer(d v1.Descriptor) layer {
	return blobLayer(d, func(context.Context) (io.ReadCloser, error) { return s.open(d) })
}

// isLayout reports whether a directory says that it is an OCI image layout.
func isLayout(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil && st.Mode().IsRegular()
}

// splitLayout splits DIR[:TAG], where the directory may hold colons itself.
func splitLayout(arg string) (dir, tag string, err error) {
	if isLayout(arg) {
		return arg, "", nil
	}
	for i := strings.LastIndexByte(arg, ':'); i > 0; i = strings.LastIndexByte(arg[:i], ':') {
		if isLayout(arg[:i]) {
			return arg[:i], arg[i+1:], nil
		}
	}
	return "", "", failf(NotFound, "", "there is no OCI image layout at %.300q", arg)
}

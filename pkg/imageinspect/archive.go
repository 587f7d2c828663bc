package imageinspect

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	maxArchiveEntries = 10_000
	maxArchiveJSON    = 64 << 20 // of all manifests and configurations together
)

// An archive is what one pass over a saved image yields: the small files as
// they are, and of each layer its record. "docker save" writes layers before
// the manifest that names them, so that whatever looks like a layer is read as
// one; nothing is kept on disk and nothing is read twice.
type archive struct {
	in    *inspector
	ev    Event
	small map[string][]byte
	total int
	items map[string]archiveLayer // by entry name
	links map[string]string
}

// An archiveLayer is an entry that was read as a layer.
type archiveLayer struct {
	record *record
	err    error  // why it could not be read; it matters only if it is one
	digest string // of the entry's bytes
	diffID string // of the bytes unpacked
}

// readArchive reads a "docker save" tarball or an OCI layout in a tar, plain or
// compressed.
func readArchive(ctx context.Context, in *inspector, r io.Reader, ev Event) (*archive, error) {
	a := &archive{in: in, ev: ev, small: map[string][]byte{}, items: map[string]archiveLayer{}, links: map[string]string{}}
	stream := bufio.NewReaderSize(ctxReader{ctx, r}, 64<<10)
	plain, done, err := decompress(stream)
	if err != nil {
		return nil, a.broken(err)
	}
	defer done()
	tr := tar.NewReader(plain)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return nil, a.broken(err)
		}
		if n == maxArchiveEntries {
			return nil, failf(TooLarge, "", "the archive has more than %d entries", maxArchiveEntries)
		}
		if err := a.entry(ctx, tr, h); err != nil {
			return nil, a.broken(err)
		}
	}
}

func (a *archive) broken(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return failf(Corrupt, "save the image again", "the archive is truncated")
	}
	return failf(Corrupt, "save the image again", "the archive cannot be read: %s", safeText(err.Error()))
}

func (a *archive) entry(ctx context.Context, r io.Reader, h *tar.Header) error {
	name := path.Clean("/" + h.Name)
	switch h.Typeflag {
	case tar.TypeSymlink:
		a.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		a.links[name] = path.Clean("/" + h.Linkname)
	case tar.TypeReg:
		in := bufio.NewReaderSize(r, 64<<10)
		start, err := in.Peek(512)
		if err != nil && err != io.EOF {
			return err
		}
		if looksLikeJSON(start) {
			return a.keep(name, in)
		}
		if looksLikeLayer(start) {
			return a.readLayer(ctx, name, in, h.Size)
		}
	}
	return nil
}

func looksLikeJSON(start []byte) bool {
	start = bytes.TrimLeft(start, " \t\r\n")
	return bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("["))
}

// looksLikeLayer reports whether a stream is compressed or a tar. An empty tar
// is a block of zeros; others carry "ustar" at 257 (pax(1)) or, from before,
// a header checksum, which archive/tar checks.
func looksLikeLayer(start []byte) bool {
	if isCompressed(start) {
		return true
	}
	return len(start) == 512 && (bytes.Equal(start, make([]byte, 512)) || bytes.HasPrefix(start[257:], []byte("ustar")))
}

func (a *archive) keep(name string, r io.Reader) error {
	b, err := readBounded(r, maxConfig, "archive's "+safeText(name))
	if err != nil {
		return err
	}
	if a.total += len(b); a.total > maxArchiveJSON {
		return failf(TooLarge, "", "the archive's manifests have more than %d bytes", maxArchiveJSON)
	}
	a.small[name] = b
	return nil
}

// readLayer reads an entry as a layer. An error in it is kept until it is known
// whether the image has this layer at all.
func (a *archive) readLayer(ctx context.Context, name string, in *bufio.Reader, size int64) error {
	ev := a.ev
	ev.Layer, ev.Total = len(a.items)+1, size
	stored, unpacked := sha256.New(), sha256.New()
	if start, _ := in.Peek(4); !isCompressed(start) {
		unpacked = stored
	}
	blob := &meter{r: io.TeeReader(in, stored), in: a.in, ev: ev}
	rec, err := readHashedLayer(ctx, blob, stored, unpacked)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, derr := io.Copy(io.Discard, blob); derr != nil {
		return derr
	}
	ev.Bytes, ev.Done = size, true
	a.in.report(ev)
	a.items[name] = archiveLayer{record: rec, err: err, digest: hexDigest(stored), diffID: hexDigest(unpacked)}
	return nil
}

// readHashedLayer is readLayer that also hashes the whole unpacked stream,
// unless that is the stored one, which is hashed already.
func readHashedLayer(ctx context.Context, blob io.Reader, stored, unpacked hash.Hash) (*record, error) {
	plain, done, err := decompress(bufio.NewReaderSize(ctxReader{ctx, blob}, 64<<10))
	if err != nil {
		return nil, corrupt(err)
	}
	defer done()
	if unpacked != stored {
		plain = io.TeeReader(plain, unpacked)
	}
	rec, err := readTar(ctx, plain)
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	if err != nil {
		return nil, corrupt(err)
	}
	return rec, nil
}

func hexDigest(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// A savedImage is an entry of manifest.json (moby, image/tarexport).
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// image returns the image that ref means, "" for the only one.
func (a *archive) image(ctx context.Context, ref string, p Platform) (*image, error) {
	if raw, ok := a.small["/manifest.json"]; ok {
		var saved []savedImage
		if err := json.Unmarshal(raw, &saved); err != nil {
			return nil, failf(Corrupt, "", "its manifest.json cannot be read: %v", jsonProblem(err))
		}
		s, err := chooseSaved(saved, ref)
		if err != nil {
			return nil, err
		}
		return a.saved(s, p)
	}
	if index, ok := a.small["/index.json"]; ok {
		raw, d, err := chooseRef(ctx, a, index, ref)
		if err != nil {
			return nil, err
		}
		img, err := resolveImage(ctx, a, raw, d, p)
		if err == nil {
			img.digest = digestText(d)
		}
		return img, err
	}
	for name := range a.items {
		if strings.HasPrefix(name, "/blobs/") || path.Base(name) == "layer.tar" {
			return nil, failf(Corrupt, "save the image again", "the archive is truncated: its layers are there, its manifest is not")
		}
	}
	return nil, failf(Unsupported, "write it with docker save", "it is no saved image: there is neither manifest.json nor index.json in it")
}

func chooseSaved(saved []savedImage, ref string) (savedImage, error) {
	var tags []string
	for _, s := range saved {
		for _, t := range s.RepoTags {
			if ref != "" && NormalizeRef(t) == NormalizeRef(ref) {
				return s, nil
			}
			tags = append(tags, plainText(t, 300))
		}
	}
	if ref == "" && len(saved) == 1 {
		return saved[0], nil
	}
	tags = tags[:min(len(tags), 20)]
	if ref == "" {
		return savedImage{}, failf(NotFound, "say which, as in tarball:FILE#NAME: "+strings.Join(tags, ", "), "it holds %d images", len(saved))
	}
	return savedImage{}, failf(NotFound, "it holds: "+strings.Join(tags, ", "), "it holds no image %.100q", ref)
}

// saved puts together an image that manifest.json describes.
func (a *archive) saved(s savedImage, p Platform) (*image, error) {
	raw, ok := a.small[a.follow(s.Config)]
	if !ok {
		return nil, failf(Corrupt, "save the image again", "the archive lacks the configuration %.100q", s.Config)
	}
	c, err := parseConfig(raw)
	if err != nil {
		return nil, err
	}
	if len(c.RootFS.DiffIDs) != len(s.Layers) {
		return nil, failf(Corrupt, "save the image again", "it has %d layers, its configuration says %d", len(s.Layers), len(c.RootFS.DiffIDs))
	}
	img := &image{config: c, platform: platformOf(c.Platform())}
	if err := img.setPlatform(p); err != nil {
		return nil, err
	}
	for i, name := range s.Layers {
		item, ok := a.items[a.follow(name)]
		diffID := c.RootFS.DiffIDs[i].String()
		switch {
		case !ok:
			return nil, failf(Corrupt, "save the image again", "the archive lacks the layer %.100q", name)
		case item.err != nil:
			return nil, item.err
		case item.diffID != diffID:
			return nil, digestError("layer %d does not match its digest: it is %s, not %s", i+1, item.diffID, diffID)
		}
		item.record.Digest = diffID
		a.in.cache.putLayer(item.record)
		img.layers = append(img.layers, layer{digest: diffID, record: item.record})
	}
	return img, nil
}

// follow returns the entry that a name leads to.
func (a *archive) follow(name string) string {
	name = path.Clean("/" + name)
	for range 10 {
		target, ok := a.links[name]
		if !ok {
			break
		}
		name = target
	}
	return name
}

// The methods below make an archive a store, for an OCI layout in a tar.

func (a *archive) blob(d v1.Descriptor, what string) ([]byte, error) {
	raw, ok := a.small[blobName(d)]
	if !ok {
		return nil, failf(Corrupt, "write the archive again", "the archive lacks the %s %s", what, d.Digest)
	}
	v, err := newVerifier(io.NopCloser(bytes.NewReader(raw)), d.Digest, -1)
	if err != nil {
		return nil, err
	}
	return readBounded(v, maxConfig, what)
}

func blobName(d v1.Descriptor) string {
	return path.Join("/blobs", d.Digest.Algorithm, d.Digest.Hex)
}

func (a *archive) manifest(_ context.Context, d v1.Descriptor) ([]byte, error) {
	return a.blob(d, "manifest")
}

func (a *archive) config(_ context.Context, d v1.Descriptor) ([]byte, error) {
	return a.blob(d, "configuration")
}

func (a *archive) layer(d v1.Descriptor) layer {
	item, ok := a.items[blobName(d)]
	fail := func(err error) layer {
		return layer{digest: d.Digest.String(), open: func(context.Context) (io.ReadCloser, error) { return nil, err }}
	}
	switch {
	case !ok:
		return fail(failf(Corrupt, "write the archive again", "the archive lacks the layer %s", d.Digest))
	case item.err != nil:
		return fail(item.err)
	case item.digest != d.Digest.String():
		return fail(digestError("layer does not match its digest: it is %s, not %s", item.digest, d.Digest))
	}
	item.record.Digest = item.digest
	a.in.cache.putLayer(item.record)
	return layer{digest: item.digest, record: item.record}
}

package imageinspect

import (
	"context"
	"io"
	"os"
	"strings"
)

// A Tarball reads an image from what "docker save" writes, or from an OCI
// layout in a tar; both may be compressed.
type Tarball struct {
	in   *inspector
	file string
}

// NewTarball returns the Tarball in a file.
func NewTarball(file string, o Options) *Tarball { return &Tarball{in: newInspector(o), file: file} }

// Inspect implements Source. The reference is one of the names that the image
// was saved by; "" is the only image.
func (t *Tarball) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	shown := "tarball:" + t.file
	if ref != "" {
		shown += "#" + ref
	}
	f, err := t.read(ctx, shown, ref, p)
	return f, withRef(err, shown)
}

func (t *Tarball) read(ctx context.Context, shown, ref string, p Platform) (*Facts, error) {
	f, err := os.Open(t.file)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fileError(err)
	}
	if st.IsDir() {
		return nil, failf(Unsupported, "", "%.300q is a directory without an OCI image layout", t.file)
	}
	return inspectArchive(ctx, t.in, io.Reader(f), archiveRequest{
		shown: shown, ref: ref, platform: p,
		origin: Origin{Kind: FromTarball, Detail: plainText(t.file, maxShortText)},
	})
}

// An archiveRequest says which image of an archive is wanted.
type archiveRequest struct {
	shown, ref string
	platform   Platform
	origin     Origin
	digest     string
}

func inspectArchive(ctx context.Context, in *inspector, r io.Reader, req archiveRequest) (*Facts, error) {
	a, err := readArchive(ctx, in, r, Event{Ref: req.shown})
	if err != nil {
		return nil, err
	}
	img, err := a.image(ctx, req.ref, req.platform)
	if err != nil {
		return nil, err
	}
	img.ref, img.origin = plainText(req.shown, maxPathBytes), req.origin
	if req.digest != "" {
		img.digest = req.digest
	}
	return in.facts(ctx, img, true)
}

// isTarballName reports whether a file name is one of an archive.
func isTarballName(name string) bool {
	for _, suffix := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst"} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

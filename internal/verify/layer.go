package verify

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/moby/moby/client"
)

const (
	maxEntries  = 200_000  // of one layer
	maxManifest = 16 << 20 // of manifest.json
)

// Layer implements Engine. The engine has no request for one layer; the
// container is committed, and of the saved image the last layer is read.
func (d *Docker) Layer(ctx context.Context, id string) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	name := d.Name("seen")
	track(d, &d.images, name)
	if _, err := d.api.ContainerCommit(ctx, id, client.ContainerCommitOptions{Reference: name, NoPause: true}); err != nil {
		return nil, classify(ctx, "committing a container", err)
	}
	defer d.removeImage(name)
	stream, err := d.api.ImageSave(ctx, []string{name})
	if err != nil {
		return nil, classify(ctx, "reading a committed container", err)
	}
	defer stream.Close()
	entries, err := lastLayer(stream)
	if err != nil {
		return nil, classify(ctx, "reading a committed container", err)
	}
	return entries, nil
}

// lastLayer reads a "docker save" tarball. The manifest that says which layer is
// the last may come after it, so the entries of all layers are kept.
func lastLayer(r io.Reader) ([]Entry, error) {
	layers := map[string][]Entry{}
	var manifest []struct{ Layers []string }
	links := map[string]string{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(h.Name)
		switch {
		case h.Typeflag == tar.TypeSymlink:
			links[name] = path.Join(path.Dir(name), h.Linkname)
		case name == "manifest.json":
			b, err := io.ReadAll(io.LimitReader(tr, maxManifest))
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(b, &manifest); err != nil {
				return nil, fmt.Errorf("reading manifest.json: %w", err)
			}
		case h.Typeflag == tar.TypeReg:
			entries, err := layerEntries(tr)
			if err != nil {
				return nil, err
			}
			layers[name] = entries
		}
	}
	if len(manifest) != 1 || len(manifest[0].Layers) == 0 {
		return nil, errors.New("the saved image has no manifest")
	}
	last := path.Clean(manifest[0].Layers[len(manifest[0].Layers)-1])
	if to, ok := links[last]; ok {
		last = to
	}
	entries, ok := layers[last]
	if !ok {
		return nil, errors.New("the saved image lacks its last layer")
	}
	return entries, nil
}

// layerEntries lists what a layer holds; nothing when the file is no layer.
func layerEntries(r io.Reader) ([]Entry, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	plain, done, err := unpacked(in)
	if err != nil || plain == nil {
		return nil, err
	}
	defer done()
	var out []Entry
	tr := tar.NewReader(plain)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, nil // not a layer
		}
		if len(out) == maxEntries {
			return nil, fmt.Errorf("the container wrote more than %d files", maxEntries)
		}
		e := Entry{Path: path.Clean("/" + h.Name), UID: h.Uid, GID: h.Gid, Kind: OtherKind}
		switch h.Typeflag {
		case tar.TypeReg:
			e.Kind = Regular
		case tar.TypeDir:
			e.Kind = Directory
		}
		// Whiteouts say that something was deleted (OCI image spec, layer.md).
		if !strings.HasPrefix(path.Base(e.Path), ".wh.") {
			out = append(out, e)
		}
	}
}

// unpacked returns the tar in a stream, nil when there is none.
func unpacked(in *bufio.Reader) (io.Reader, func(), error) {
	start, err := in.Peek(512)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		return z, func() {}, err
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case len(start) == 512 && (bytes.HasPrefix(start[257:], []byte("ustar")) || bytes.Equal(start, make([]byte, 512))):
		return in, func() {}, nil
	}
	return nil, nil, nil
}

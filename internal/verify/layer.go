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
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/moby/moby/client"
)

const (
	maxEntries  = 200_000  // of one layer
	maxManifest = 16 << 20 // of a JSON file
	maxTexts    = 64       // of these
)

// Layer implements Engine. The engine has no request for one layer; the
// container is committed, and of the saved image the last layer is read. The
// others, which come along, tell what the image has.
func (d *Docker) Layer(ctx context.Context, id string) ([]Entry, *Contents, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	name := d.Name("seen")
	track(d, &d.images, name)
	if _, err := d.api.ContainerCommit(ctx, id, client.ContainerCommitOptions{Reference: name, NoPause: true}); err != nil {
		return nil, nil, classify(ctx, "committing a container", err)
	}
	defer d.removeImage(name)
	stream, err := d.api.ImageSave(ctx, []string{name})
	if err != nil {
		return nil, nil, classify(ctx, "reading a committed container", err)
	}
	defer stream.Close()
	entries, image, err := lastLayer(stream)
	if err != nil {
		return nil, nil, classify(ctx, "reading a committed container", err)
	}
	return entries, image, nil
}

// A manifest is that of a "docker save" tarball.
type manifest []struct {
	Config string
	Layers []string
}

// saved is what a "docker save" tarball holds, by name.
type saved struct {
	layers map[string][]Entry
	texts  map[string][]byte // JSON
	links  map[string]string
}

// lastLayer reads a "docker save" tarball: what its last layer holds, and what
// lies below that. The manifest that says which layer is the last may come
// after it, so the entries of all layers are kept.
func lastLayer(r io.Reader) ([]Entry, *Contents, error) {
	s, err := readSaved(r)
	if err != nil {
		return nil, nil, err
	}
	var m manifest
	if text, ok := s.texts["manifest.json"]; ok {
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, nil, fmt.Errorf("reading manifest.json: %w", err)
		}
	}
	if len(m) != 1 || len(m[0].Layers) == 0 {
		return nil, nil, errors.New("the saved image has no manifest")
	}
	var all [][]Entry
	for _, name := range m[0].Layers {
		name = path.Clean(name)
		if to, ok := s.links[name]; ok {
			name = to
		}
		entries, ok := s.layers[name]
		if !ok {
			return nil, nil, errors.New("the saved image lacks its last layer")
		}
		all = append(all, entries)
	}
	last := len(all) - 1
	image := newContents(all[:last], stepsOf(s.texts[path.Clean(m[0].Config)]))
	// Whiteouts say that something was deleted.
	return slices.DeleteFunc(slices.Clone(all[last]), func(e Entry) bool { return e.Kind == whiteout }), image, nil
}

func readSaved(r io.Reader) (saved, error) {
	s := saved{layers: map[string][]Entry{}, texts: map[string][]byte{}, links: map[string]string{}}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeSymlink:
			s.links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeReg:
			if err := s.file(name, tr); err != nil {
				return s, err
			}
		}
	}
}

// file reads one file of the tarball: a layer, or JSON, which may be an image's
// configuration.
func (s *saved) file(name string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	start, _ := in.Peek(1)
	if name == "manifest.json" || bytes.Equal(start, []byte("{")) && len(s.texts) < maxTexts {
		text, err := io.ReadAll(io.LimitReader(in, maxManifest))
		s.texts[name] = text
		return err
	}
	entries, err := layerEntries(in)
	s.layers[name] = entries
	return err
}

// layerEntries lists what a layer holds; nothing when the file is no layer.
func layerEntries(in *bufio.Reader) ([]Entry, error) {
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
		out = append(out, entryOf(h, tr))
	}
}

// whiteout is the kind of an entry that deletes (OCI image spec, layer.md).
const whiteout FileKind = -1

// sqliteMagic begins every database of SQLite 3 (sqlite.org/fileformat).
const sqliteMagic = "SQLite format 3\x00"

func entryOf(h *tar.Header, r io.Reader) Entry {
	e := Entry{Path: path.Clean("/" + h.Name), UID: h.Uid, GID: h.Gid, Kind: OtherKind, Mode: h.Mode, Size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg:
		e.Kind = Regular
		start := make([]byte, len(sqliteMagic))
		if _, err := io.ReadFull(r, start); err == nil {
			e.SQLite = string(start) == sqliteMagic
		}
	case tar.TypeDir:
		e.Kind = Directory
	}
	switch dir, base := path.Split(e.Path); {
	case base == ".wh..wh..opq":
		e = Entry{Path: path.Clean(dir), Kind: whiteout} // which the layer lists, too
	case strings.HasPrefix(base, ".wh."):
		e = Entry{Path: path.Join(dir, strings.TrimPrefix(base, ".wh.")), Kind: whiteout}
	}
	return e
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

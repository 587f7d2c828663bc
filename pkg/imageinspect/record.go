package imageinspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// recordVersion changes whenever a record says something else about the same
// layer. Cached records of other versions are read again.
const recordVersion = 1

// A record is what is kept of one layer. It does not depend on the image that
// the layer is part of, so it can be kept by the layer's digest and serve
// every image that shares the layer.
type record struct {
	Digest  string `json:"digest"` // of the blob as stored
	Size    int64  `json:"size"`   // unpacked
	Entries int    `json:"entries"`

	// What the layer holds and thereby hides below it, as hashes of absolute
	// paths: files (everything but directories), directories that have an
	// entry, parents that have none, whiteouts, and opaque directories.
	Files   hashes `json:"files,omitempty"`
	Dirs    hashes `json:"dirs,omitempty"`
	Parents hashes `json:"parents,omitempty"`
	Gone    hashes `json:"gone,omitempty"`
	Opaque  hashes `json:"opaque,omitempty"`

	Links      map[string]string `json:"links,omitempty"`      // symlinks that lookups may pass: path → target as written
	Hardlinks  map[string]string `json:"hardlinks,omitempty"`  // of tools: path → path of the entry linked to
	Tools      []string          `json:"tools,omitempty"`      // executables and links named like a tool
	Privileged []PrivilegedFile  `json:"privileged,omitempty"` // see PrivilegedFile
	Owned      []Dir             `json:"owned,omitempty"`      // directories other than root:root 0755
	Scripts    map[string]string `json:"scripts,omitempty"`    // shell scripts that may be entry points

	Passwd    *passwdFile        `json:"passwd,omitempty"`
	Group     *groupFile         `json:"group,omitempty"`
	OSRelease map[string]*Distro `json:"os_release,omitempty"` // by path

	// Incomplete names what ran into a bound.
	Incomplete []string `json:"incomplete,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
}

// hashes is a sorted set of path hashes.
type hashes []uint64

// hashPath returns the hash of an absolute, clean path: the first 64 bits of
// its SHA-256. Somebody who wants to hide a given path from these facts needs
// a second preimage, 2⁶⁴ attempts.
func hashPath(p string) uint64 {
	sum := sha256.Sum256([]byte(p))
	return binary.BigEndian.Uint64(sum[:])
}

func (h hashes) has(x uint64) bool {
	_, ok := slices.BinarySearch(h, x)
	return ok
}

func (h hashes) sorted() hashes {
	slices.Sort(h)
	return slices.Clip(slices.Compact(h))
}

// MarshalText implements encoding.TextMarshaler: base64 of big-endian numbers.
func (h hashes) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 8*len(h))
	for _, x := range h {
		raw = binary.BigEndian.AppendUint64(raw, x)
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hashes) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(raw)%8 != 0 || len(raw)/8 > maxEntries {
		return errors.New("odd number of bytes in a set of hashes")
	}
	*h = make(hashes, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		x := binary.BigEndian.Uint64(raw)
		if n := len(*h); n > 0 && (*h)[n-1] >= x {
			return errors.New("set of hashes is not sorted")
		}
		*h = append(*h, x)
	}
	return nil
}

// encode returns the record as it is kept on disk: a line with the version and
// the SHA-256 of the rest, then JSON.
func (r *record) encode() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return seal(body), nil
}

func seal(body []byte) []byte {
	return append(fmt.Appendf(nil, "harden layer %d %x\n", recordVersion, sha256.Sum256(body)), body...)
}

// decodeRecord is the inverse of encode. It refuses whatever a reader of this
// version would not have written about the layer.
func decodeRecord(data []byte, digest string) (*record, error) {
	_, body, _ := bytes.Cut(data, []byte("\n"))
	if !bytes.Equal(data, seal(body)) {
		return nil, errors.New("decoding layer record: wrong version or checksum")
	}
	r := &record{}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("decoding layer record: %w", err)
	}
	if r.Digest != digest {
		return nil, fmt.Errorf("decoding layer record: it is of another layer")
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("decoding layer record: %w", err)
	}
	return r, nil
}

// check reports what in a record would mislead the merge.
func (r *record) check() error {
	var paths []string
	for p := range r.Links {
		paths = append(paths, p)
	}
	for p, target := range r.Hardlinks {
		paths = append(paths, p, target)
	}
	for p := range r.Scripts {
		paths = append(paths, p)
	}
	for p, d := range r.OSRelease {
		if d == nil {
			return errors.New("empty os-release")
		}
		paths = append(paths, p)
	}
	paths = append(paths, r.Tools...)
	for _, p := range r.Privileged {
		paths = append(paths, p.Path)
	}
	for _, d := range r.Owned {
		paths = append(paths, d.Path)
	}
	for _, p := range paths {
		if !path.IsAbs(p) || path.Clean(p) != p {
			return fmt.Errorf("path %.60q is not absolute and clean", p)
		}
	}
	if r.Size < 0 || r.Entries < 0 {
		return errors.New("negative size")
	}
	return nil
}

// ancestors yields the directories above p, nearest first, "/" excluded.
func ancestors(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(p, '/'); i > 0; i = strings.LastIndexByte(p[:i], '/') {
			if !yield(p[:i]) {
				return
			}
		}
	}
}

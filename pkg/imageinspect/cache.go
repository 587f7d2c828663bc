package imageinspect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// maxCacheBytes is the size of the cache after which the entries that
	// were not used for longest go. An image of ten layers and 50,000 files
	// takes about 1 MB.
	maxCacheBytes = 512 << 20
	// maxCacheEntry is the size of an entry that is worth keeping, and the
	// most that is read back.
	maxCacheEntry = 64 << 20
)

// A Cache keeps on disk what was read from images, by digest: a record of each
// layer, manifests and configurations. Entries that are damaged or of another
// version are ignored and written anew. Several processes may use one cache
// at a time. A nil Cache keeps nothing.
type Cache struct {
	dir   string
	limit int64
	prune sync.Once
}

// The kinds of entries, each a folder of the cache.
const (
	cacheLayers    = "layers"
	cacheManifests = "manifests"
	cacheConfigs   = "configs"
	cacheTags      = "tags"
)

// DefaultCacheDir returns the folder "harden" of the user's cache directory.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache directory: %w", err)
	}
	return filepath.Join(dir, "harden"), nil
}

// OpenCache returns the cache in dir, which is made if need be and is for the
// user alone: what images one works with is nobody else's business.
func OpenCache(dir string) (*Cache, error) {
	for _, kind := range []string{cacheLayers, cacheManifests, cacheConfigs, cacheTags} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o700); err != nil {
			return nil, fmt.Errorf("opening the cache: %w", err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	return &Cache{dir: dir, limit: maxCacheBytes}, nil
}

// file returns the place of an entry. Digests are checked where they come in;
// this only keeps a mistake there from reaching other folders.
func (c *Cache) file(kind, digest string) string {
	return filepath.Join(c.dir, kind, strings.NewReplacer(":", "-", "/", "_", `\`, "_").Replace(digest))
}

// get returns the bytes of an entry, or nil.
func (c *Cache) get(kind, digest string) []byte {
	if c == nil {
		return nil
	}
	name := c.file(kind, digest)
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxCacheEntry {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCacheEntry))
	if err != nil {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // what is used stays longest; see shrink
	return b
}

// put writes an entry as a whole or not at all. That it cannot be written, on
// a full disk say, costs time on the next run and is no error.
func (c *Cache) put(kind, digest string, data []byte) {
	if c == nil || len(data) > maxCacheEntry {
		return
	}
	c.prune.Do(c.shrink)
	if err := c.write(kind, digest, data); err != nil {
		return
	}
}

func (c *Cache) write(kind, digest string, data []byte) error {
	f, err := os.CreateTemp(filepath.Join(c.dir, kind), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = f.Write(data)
	if err := cmp.Or(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.file(kind, digest))
}

// layer returns the record of a layer, or nil.
func (c *Cache) layer(digest string) *record {
	b := c.get(cacheLayers, digest)
	if b == nil {
		return nil
	}
	r, err := decodeRecord(b, digest)
	if err != nil {
		return nil // it is read again, and written over
	}
	return r
}

func (c *Cache) putLayer(r *record) {
	if c == nil {
		return
	}
	if b, err := r.encode(); err == nil {
		c.put(cacheLayers, r.Digest, b)
	}
}

// blob returns a manifest or a configuration by digest, or nil.
func (c *Cache) blob(kind string, digest v1.Hash) []byte {
	b := c.get(kind, digest.String())
	if b == nil || digest.Algorithm != "sha256" {
		return nil
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != digest.Hex {
		return nil
	}
	return b
}

func (c *Cache) putBlob(kind string, digest v1.Hash, data []byte) {
	c.put(kind, digest.String(), data)
}

// A tagEntry is what a tag stood for when it was last asked for.
type tagEntry struct {
	Ref    string    `json:"ref"`
	Digest string    `json:"digest"`
	Seen   time.Time `json:"seen"`
}

func tagKey(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return hex.EncodeToString(sum[:])
}

// tag returns what ref, in normal form, stood for when it was last seen.
func (c *Cache) tag(ref string) (tagEntry, bool) {
	var e tagEntry
	if err := json.Unmarshal(c.get(cacheTags, tagKey(ref)), &e); err != nil || e.Ref != ref {
		return e, false
	}
	_, err := v1.NewHash(e.Digest)
	return e, err == nil
}

func (c *Cache) putTag(ref string, digest v1.Hash) {
	b, err := json.Marshal(tagEntry{Ref: ref, Digest: digest.String(), Seen: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		c.put(cacheTags, tagKey(ref), b)
	}
}

// shrink removes what was not used for longest until three quarters of the
// limit remain, and what a process that died left behind. It runs once in a
// process, before the first write.
func (c *Cache) shrink() {
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	_ = filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) || err != nil {
			return nil
		}
		if strings.HasPrefix(d.Name(), ".new-") {
			if time.Since(st.ModTime()) > time.Hour {
				_ = os.Remove(name)
			}
			return nil
		}
		entries = append(entries, entry{name, st.Size(), st.ModTime()})
		total += st.Size()
		return nil
	})
	if total <= c.limit {
		return
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total <= c.limit/4*3 {
			return
		}
		if os.Remove(e.name) == nil {
			total -= e.size
		}
	}
}

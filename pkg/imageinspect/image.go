package imageinspect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

const (
	maxManifest = 8 << 20 // the OCI distribution specification asks for 4 MiB
	maxConfig   = 16 << 20
	maxLayers   = 512 // Docker's engine stops at 127
	parallel    = 4   // layers read at a time
)

// Options are what the sources that read images have in common. The zero
// value works: no cache, no progress, no mirror.
type Options struct {
	Cache    *Cache
	Progress func(Event) // called from several goroutines, one at a time
	Offline  bool        // only what the cache and local files hold

	// Mirror is the URL of a pull-through cache for Docker Hub's names, with
	// scheme and host only, as in the engine's "registry-mirrors". http is
	// accepted if it is given.
	Mirror    string
	Keychain  authn.Keychain    // nil is authn.DefaultKeychain: ~/.docker/config.json and its helpers
	Transport http.RoundTripper // nil is one with short time limits
}

// An Event says how far the reading of an image is.
type Event struct {
	Ref    string
	Layer  int   // 1-based
	Layers int   // 0 when not known beforehand
	Bytes  int64 // read of this layer, as stored
	Total  int64 // size of this layer as stored; 0 when not known
	Cached bool  // the layer need not be read
	Done   bool  // the layer is finished
}

// An inspector turns images into facts.
type inspector struct {
	cache    *Cache
	progress func(Event)
	mu       sync.Mutex // one progress call at a time
	layers   flight[*record]
	slots    chan struct{} // bounds the layers read at a time, of all images
}

func newInspector(o Options) *inspector {
	return &inspector{cache: o.Cache, progress: o.Progress, slots: make(chan struct{}, parallel)}
}

// An image is what there is to read, wherever it is stored.
type image struct {
	ref      string
	digest   string
	platform Platform
	origin   Origin
	config   *v1.ConfigFile
	layers   []layer
	warnings []string
}

// A layer is a blob that can be read, or whose record is already there.
type layer struct {
	digest string
	size   int64
	open   func(context.Context) (io.ReadCloser, error) // verifies the digest at its end
	record *record
}

// facts reads the image, the layers too if files is set.
func (in *inspector) facts(ctx context.Context, img *image, files bool) (*Facts, error) {
	f := &Facts{
		Reference: img.ref, Digest: img.digest, Platform: img.platform.String(), Origin: img.origin,
		Known: Known{Config: true}, Config: configOf(img.config), Warnings: img.warnings,
	}
	switch {
	case f.Config.OS == "windows":
		// Accounts and tools of Windows are not files of this kind.
		f.Distro = Distro{ID: "windows"}
		f.Known.Privileged = true
	case files:
		records, err := in.records(ctx, img)
		if err != nil {
			return nil, err
		}
		f.fill(merge(records))
	}
	f.Normalize()
	if err := f.Validate(); err != nil {
		return nil, failf(Unsupported, "", "the image says something that cannot be: %v", err)
	}
	return f, nil
}

// records returns the records of all layers, lowest first.
func (in *inspector) records(ctx context.Context, img *image) ([]*record, error) {
	if len(img.layers) > maxLayers {
		return nil, failf(TooLarge, "", "it has %d layers, more than %d", len(img.layers), maxLayers)
	}
	records := make([]*record, len(img.layers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, l := range img.layers {
		if l.record != nil {
			records[i] = l.record
			continue
		}
		g.Go(func() error {
			ev := Event{Ref: img.ref, Layer: i + 1, Layers: len(img.layers), Total: l.size}
			r, err := in.layer(ctx, l, ev)
			records[i] = r
			return err
		})
	}
	return records, g.Wait()
}

// layer returns the record of a layer: from the cache, from whoever reads it
// at the moment, or by reading it.
func (in *inspector) layer(ctx context.Context, l layer, ev Event) (*record, error) {
	r, err := in.layers.do(ctx, l.digest, func(ctx context.Context) (*record, error) {
		if r := in.cache.layer(l.digest); r != nil {
			ev.Cached = true
			return r, nil
		}
		select {
		case in.slots <- struct{}{}:
			defer func() { <-in.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		r, err := in.read(ctx, l, ev)
		if isBroken(err) {
			// A connection may break in the middle of a large layer.
			r, err = in.read(ctx, l, ev)
		}
		if err == nil {
			r.Digest = l.digest
			in.cache.putLayer(r)
		}
		return r, err
	})
	if err == nil {
		ev.Bytes, ev.Done = ev.Total, true
		in.report(ev)
	}
	return r, err
}

func (in *inspector) read(ctx context.Context, l layer, ev Event) (*record, error) {
	blob, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return readLayer(ctx, &meter{r: blob, in: in, ev: ev})
}

func (in *inspector) report(ev Event) {
	if in.progress == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.progress(ev)
}

// A meter reports how much was read, every megabyte.
type meter struct {
	r    io.Reader
	in   *inspector
	ev   Event
	next int64
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.ev.Bytes += int64(n)
	if m.ev.Bytes >= m.next {
		m.in.report(m.ev)
		m.next = m.ev.Bytes + 1<<20
	}
	return n, err
}

// fill takes over what the layers amount to.
func (f *Facts) fill(t *tree) {
	f.Known = Known{Config: true, Accounts: true, People: true, Tools: !t.incomplete["tools"] && !t.incomplete["links"], Privileged: !t.incomplete["privileged"]}
	f.Warnings = append(f.Warnings, t.warnings...)
	f.fillAccounts(t)
	f.findTools(t)
	f.Distro = t.distro()
	if f.Distro.ID == "" && f.Links["sh"] != "" && strings.HasSuffix(f.Links["sh"], "/busybox") {
		f.Distro.ID = "busybox" // the image of that name has no os-release
	}
	f.Privileged = mapValues(t.privileged)
	f.Dirs = shallowest(mapValues(t.owned), maxDirs)
	f.findScripts(t)
	f.RunsAs = f.runsAs()
}

// fillAccounts takes over passwd and group. An image without them has no
// accounts; one in which they are links, or too large, has unknown ones.
func (f *Facts) fillAccounts(t *tree) {
	switch {
	case !t.present["/etc/passwd"]:
	case t.passwd == nil:
		f.Known.Accounts = false
		f.Warnings = append(f.Warnings, "/etc/passwd is a link or no regular file; it is not read")
	default:
		f.Accounts, f.ReservedUIDs = slices.Clone(t.passwd.Accounts), slices.Clone(t.passwd.Reserved)
		f.Warnings = append(f.Warnings, t.passwd.Warnings...)
		f.Known.Accounts = f.Known.Accounts && !t.passwd.TooLarge
	}
	switch {
	case !t.present["/etc/group"]:
	case t.group == nil:
		f.Known.Accounts = false
		f.Warnings = append(f.Warnings, "/etc/group is a link or no regular file; it is not read")
	default:
		f.Groups, f.ReservedGIDs = slices.Clone(t.group.Groups), slices.Clone(t.group.Reserved)
		f.Warnings = append(f.Warnings, t.group.Warnings...)
		f.Known.Accounts = f.Known.Accounts && !t.group.TooLarge
	}
}

// distro returns what os-release says, the one in /etc first (os-release(5)).
func (t *tree) distro() Distro {
	for _, p := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if d, ok := t.osRelease[t.resolve(p)]; ok {
			return *d
		}
	}
	return Distro{}
}

// configOf takes over the part of the configuration that matters. Texts in it
// are the image's; Validate bounds them.
func configOf(c *v1.ConfigFile) Config {
	out := Config{
		User: c.Config.User, WorkingDir: c.Config.WorkingDir, Env: c.Config.Env,
		Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd, Shell: c.Config.Shell,
		OnBuild: c.Config.OnBuild, StopSignal: c.Config.StopSignal, OS: c.OS,
		Volumes: sortedKeys(c.Config.Volumes), ExposedPorts: sortedKeys(c.Config.ExposedPorts),
	}
	if c.Config.Healthcheck != nil {
		out.Healthcheck = c.Config.Healthcheck.Test
	}
	return out
}

// parseConfig reads an image configuration.
func parseConfig(raw []byte) (*v1.ConfigFile, error) {
	c := &v1.ConfigFile{}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(c); err != nil {
		return nil, failf(Corrupt, "", "its configuration is not JSON of an image: %v", jsonProblem(err))
	}
	return c, nil
}

// jsonProblem cuts what a JSON decoder quotes from the text to a fair length.
func jsonProblem(err error) error { return fmt.Errorf("%s", plainText(err.Error(), 200)) }

package imageinspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A testRegistry is a registry in memory that counts requests and can be told
// to misbehave.
type testRegistry struct {
	*httptest.Server
	host string

	mu       sync.Mutex
	requests []string                                          // "GET manifests", "HEAD manifests", "GET blobs", "GET v2"
	answer   func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func newTestRegistry(t testing.TB) *testRegistry {
	t.Helper()
	tr := &testRegistry{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	tr.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := "v2"
		for _, k := range []string{"manifests", "blobs"} {
			if strings.Contains(r.URL.Path, "/"+k+"/") {
				kind = k
			}
		}
		tr.mu.Lock()
		tr.requests = append(tr.requests, r.Method+" "+kind)
		misbehave := tr.answer
		tr.mu.Unlock()
		if misbehave == nil || !misbehave(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(tr.Close)
	tr.host = strings.TrimPrefix(tr.URL, "http://")
	return tr
}

func (tr *testRegistry) misbehave(f func(w http.ResponseWriter, r *http.Request) bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.answer = f
	tr.requests = nil
}

// count returns the number of requests of a kind since the last reset.
func (tr *testRegistry) count(kind string) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	n := 0
	for _, r := range tr.requests {
		if r == kind {
			n++
		}
	}
	return n
}

func (tr *testRegistry) push(t testing.TB, ref string, img v1.Image) {
	t.Helper()
	if err := remote.Write(parseRef(t, tr.host+"/"+ref), img); err != nil {
		t.Fatal(err)
	}
}

func parseRef(t testing.TB, ref string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// imageOf makes an image of layers as they are stored.
func imageOf(t testing.TB, platform string, mt types.MediaType, layers ...[]byte) v1.Image {
	t.Helper()
	os, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	cf := &v1.ConfigFile{OS: os, Architecture: arch, Variant: variant, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: "app", Env: []string{"PATH=/bin"}, Cmd: []string{"/bin/sh"}, Volumes: map[string]struct{}{"/b": {}, "/a": {}}}}
	img, err := mutate.ConfigFile(img, cf)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		var layer v1.Layer = static.NewLayer(l, mt)
		if isCompressed(l) { // a static layer takes the stored digest for that of the content
			layer, err = tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l)), nil }, tarball.WithMediaType(mt))
			if err != nil {
				t.Fatal(err)
			}
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// baseLayer has an account, a setuid file and a file with a capability.
func baseLayer(t testing.TB) []byte {
	return layerOf(t,
		ent{name: "etc/passwd", body: "root:x:0:0::/root:/bin/sh\napp:x:10:10::/:/bin/sh\n"},
		ent{name: "bin/su", mode: 0o4755}, ent{name: "bin/ping", caps: "cap_net_raw"}, ent{name: "bin/sh"})
}

func newRegistry(t testing.TB, o Options) *Registry {
	t.Helper()
	if o.Keychain == nil {
		o.Keychain = authn.NewMultiKeychain() // nobody's ~/.docker/config.json
	}
	r, err := NewRegistry(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegistryInspect(t *testing.T) {
	tr := newTestRegistry(t)
	plain := baseLayer(t)
	upper := layerOf(t, ent{name: "bin/.wh.su"}, ent{name: "bin/mount", mode: 0o4755})
	for _, how := range []string{"gzip", "zstd", "plain"} {
		mt := map[string]types.MediaType{"gzip": types.OCILayer, "zstd": types.OCILayerZStd, "plain": types.OCIUncompressedLayer}[how]
		tr.push(t, "app:"+how, imageOf(t, "linux/amd64", mt, compressed(t, how, plain), compressed(t, how, upper)))
		f, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/app:"+how, Platform{})
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if got := fmt.Sprint(f.privileged()); got != "[4755 /bin/mount 0755 /bin/ping cap_net_raw]" {
			t.Errorf("%s: privileged %s", how, got)
		}
		if f.Platform != "linux/amd64" || f.Config.User != "app" || fmt.Sprint(f.Config.Volumes) != "[/a /b]" || f.RunsAs != "app" ||
			f.Origin.Kind != FromRegistry || f.Known != (Known{Config: true, Accounts: true, Tools: true, Privileged: true, People: true}) || !strings.HasPrefix(f.Digest, "sha256:") {
			t.Errorf("%s: %+v", how, f)
		}
		byDigest, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/app@"+f.Digest, Platform{})
		if err != nil || byDigest.Digest != f.Digest {
			t.Errorf("%s: by digest: %v", how, err)
		}
	}
}

func TestRandomImages(t *testing.T) {
	tr := newTestRegistry(t)
	for i := range 5 {
		img, err := random.Image(20_000, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		tr.push(t, fmt.Sprintf("random:%d", i), img)
		f, err := newRegistry(t, Options{}).Inspect(context.Background(), fmt.Sprintf("%s/random:%d", tr.host, i), Platform{})
		if err != nil || !f.Known.Privileged || len(f.Privileged) > 0 {
			t.Errorf("random image of %d layers: %+v, %v", i, f, err)
		}
	}
}

func TestInspectConfigReadsNoLayers(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
	tr.misbehave(nil)
	f, err := newRegistry(t, Options{}).InspectConfig(context.Background(), tr.host+"/app:1", Platform{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Known != (Known{Config: true}) || f.Config.User != "app" || f.Tool("sh") != Unknown {
		t.Errorf("%+v", f)
	}
	if n := tr.count("GET blobs"); n != 1 {
		t.Errorf("%d blobs read, want the configuration alone", n)
	}
}

func TestPlatforms(t *testing.T) {
	tr := newTestRegistry(t)
	var index v1.ImageIndex = empty.Index
	for _, platform := range []string{"linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/amd64", "unknown/unknown"} {
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        imageOf(t, platform, types.OCIUncompressedLayer, layerOf(t, ent{name: "x", body: platform})),
			Descriptor: v1.Descriptor{Platform: p},
		})
	}
	if err := remote.WriteIndex(parseRef(t, tr.host+"/multi:1"), index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		"": "linux/amd64", "linux/amd64": "linux/amd64", "linux/arm64": "linux/arm64", "linux/arm64/v8": "linux/arm64",
		"linux/arm": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6", "linux/arm/v8": "linux/arm/v7", "linux/amd64/v3": "linux/amd64",
		"linux/arm/v5": "", "linux/s390x": "", "windows/amd64": "", "unknown/unknown": "",
	} {
		p, err := ParsePlatform(asked)
		if err != nil {
			t.Fatal(err)
		}
		f, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/multi:1", p)
		if want == "" {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != PlatformMissing || fmt.Sprint(e.Platforms) != "[linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64]" || !strings.Contains(err.Error(), "no image for "+asked) {
				t.Errorf("%s: %v, want those present", asked, err)
			}
			continue
		}
		if err != nil || f.Platform != want || f.Digest != digest.String() {
			t.Errorf("%s: %+v, %v; want %s", asked, f, err, want)
		}
	}
	// A single image is taken as it is, unless a platform is asked for.
	tr.push(t, "single:1", imageOf(t, "linux/arm64", types.OCIUncompressedLayer, baseLayer(t)))
	if f, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/single:1", Platform{}); err != nil || f.Platform != "linux/arm64" {
		t.Errorf("single image: %+v, %v", f, err)
	}
	if _, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/single:1", Platform{OS: "linux", Architecture: "amd64"}); KindOf(err) != PlatformMissing {
		t.Errorf("single image of another platform: %v", err)
	}
}

func TestRegistryFailures(t *testing.T) {
	status := func(code int, header ...string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, `{"errors":[{"code":"X","message":"see https://u:hunter2@h/p?token=hunter2 \u001b[31m"}]}`)
			return true
		}
	}
	blob := func(change func(w http.ResponseWriter, body []byte)) func(w http.ResponseWriter, r *http.Request) bool {
		layer := baseLayer(t)
		h, _, _ := v1.SHA256(bytes.NewReader(layer))
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+h.String()) {
				change(w, layer)
				return true
			}
			return false
		}
	}
	manifest := func(mediaType, body string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", mediaType)
			fmt.Fprint(w, body)
			return true
		}
	}
	tests := []struct {
		name      string
		misbehave func(w http.ResponseWriter, r *http.Request) bool
		kind      Kind
		text      string // part of the message
		wait      time.Duration
	}{
		{"401", status(401), Unauthorized, "docker login", 0},
		{"403", status(403), Unauthorized, "docker login", 0},
		{"404", status(404), NotFound, "check the name and the tag", 0},
		{"429 in seconds", status(429, "Retry-After", "120"), RateLimited, "try again in 2m0s", 2 * time.Minute},
		{"429 with a date", status(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), RateLimited, "try again in ", time.Hour},
		{"429 without a word", status(429), RateLimited, "try again in 1m0s", time.Minute},
		{"503", status(503), Unreachable, "out of order (503 Service Unavailable)", 0},
		{"400", status(400), Unsupported, "answers 400", 0},
		{"truncated layer", blob(func(w http.ResponseWriter, body []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			w.Write(body[:len(body)/2])
		}), Corrupt, "truncated", 0},
		{"layer cut short", blob(func(w http.ResponseWriter, body []byte) { w.Write(body[:len(body)-512]) }), Corrupt, "does not match its digest", 0},
		{"layer of other content", blob(func(w http.ResponseWriter, body []byte) {
			w.Write(bytes.Replace(body, []byte("root:x"), []byte("toor:x"), 1))
		}), Corrupt, "does not match its digest", 0},
		{"layer lost", blob(func(w http.ResponseWriter, _ []byte) { w.WriteHeader(404) }), Corrupt, "has the image but not its blob", 0},
		{"schema 1", manifest(string(types.DockerManifestSchema1Signed), `{"schemaVersion":1,"name":"x","fsLayers":[]}`), Unsupported, "schema 1", 0},
		{"artifact", manifest(string(types.OCIManifestSchema1), `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`), Unsupported, "artifact of type application/vnd.cncf.helm.config.v1+json", 0},
		{"web page", manifest("text/html", "<html>"), Unsupported, "no image manifest but text/html", 0},
		{"other kind", manifest("application/json", `{"schemaVersion":2,"mediaType":"application/vnd.example"}`), Unsupported, "no container image but application/vnd.example", 0},
		{"huge manifest", manifest(string(types.OCIManifestSchema1), strings.Repeat(" ", maxManifest+1)), TooLarge, "more than", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr := newTestRegistry(t)
			tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
			for _, cache := range []bool{false, true} {
				tr.misbehave(test.misbehave)
				var o Options
				if cache {
					o.Cache = openCache(t)
				}
				start := time.Now()
				r := newRegistry(t, o)
				_, err := r.Inspect(context.Background(), tr.host+"/app:1", Platform{})
				if KindOf(err) != test.kind || !strings.Contains(fmt.Sprint(err), test.text) {
					t.Fatalf("cache %t: %v (%v), want %q, kind %v", cache, err, KindOf(err), test.text, test.kind)
				}
				if !strings.HasPrefix(err.Error(), fmt.Sprintf("reading image %q: ", tr.host+"/app:1")) || strings.Contains(err.Error(), "hunter2") || !cleanText(err.Error()) {
					t.Errorf("message %q", err)
				}
				e, _ := errors.AsType[*Error](err)
				if (test.wait - e.RetryAfter).Abs() > 2*time.Second {
					t.Errorf("RetryAfter %v, want %v", e.RetryAfter, test.wait)
				}
				if d := time.Since(start); d > 3*time.Second {
					t.Errorf("it took %v", d)
				}
				if test.kind == RateLimited {
					before := tr.count("GET manifests") + tr.count("HEAD manifests")
					_, err := r.Inspect(context.Background(), tr.host+"/other:1", Platform{})
					after := tr.count("GET manifests") + tr.count("HEAD manifests")
					if KindOf(err) != RateLimited || before != 1 || after != 1 {
						t.Errorf("%d requests, then %d: it is hammered (%v)", before, after, err)
					}
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(closed.URL, "http://")
	closed.Close()
	for ref, text := range map[string]string{
		host + "/x":      "cannot be reached",
		"name.invalid/x": "name.invalid",
		"[::1]:1/x":      "cannot be reached",
		"127.0.0.1:1/u/x@sha256:" + strings.Repeat("0", 64): "cannot be reached",
	} {
		start := time.Now()
		o := Options{}
		if strings.HasPrefix(ref, "name.invalid") {
			// No resolver of this machine is asked.
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, dnsError() })
		}
		_, err := newRegistry(t, o).Inspect(context.Background(), ref, Platform{})
		if KindOf(err) != Unreachable || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "--offline") {
			t.Errorf("%s: %v (%v)", ref, err, KindOf(err))
		}
		if time.Since(start) > 2*time.Second {
			t.Errorf("%s took %v", ref, time.Since(start))
		}
	}
}

func TestUnreachableIsAskedOnce(t *testing.T) {
	dials := 0
	r := newRegistry(t, Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) { dials++; return nil, dnsError() })})
	for i := range 5 {
		if _, err := r.Inspect(context.Background(), fmt.Sprintf("example.com/x:%d", i), Platform{}); KindOf(err) != Unreachable {
			t.Errorf("%v", err)
		}
	}
	if dials != 1 {
		t.Errorf("%d attempts to connect, want 1", dials)
	}
}

func TestSlowRegistry(t *testing.T) {
	tr := newTestRegistry(t)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	tr.misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
		return true
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := newRegistry(t, Options{}).Inspect(ctx, tr.host+"/x:1", Platform{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestInvalidReferences(t *testing.T) {
	for _, ref := range []string{"", "UPPER", "a b", "x:y:z", "$(id)", "user:hunter2@example.com/x", "https://user:hunter2@example.com/x"} {
		_, err := newRegistry(t, Options{}).Inspect(context.Background(), ref, Platform{})
		if KindOf(err) != Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", ref, err)
		}
	}
	f, err := newRegistry(t, Options{}).Inspect(context.Background(), "scratch", Platform{})
	if err != nil || f.Origin.Kind != FromScratch || f.Tool("sh") != No {
		t.Errorf("scratch: %+v, %v", f, err)
	}
}

func TestNoPlainHTTPBeyondLoopback(t *testing.T) {
	var schemes []string
	o := Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		schemes = append(schemes, r.URL.Scheme)
		return nil, errors.New("http: server gave HTTP response to HTTPS client")
	})}
	for _, host := range []string{"10.1.2.3:5000", "registry.local:5000", "192.168.1.1"} {
		if _, err := newRegistry(t, o).Inspect(context.Background(), host+"/x", Platform{}); KindOf(err) != Unreachable {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, s := range schemes {
		if s != "https" {
			t.Errorf("asked by %s: %q", s, schemes)
		}
	}
	if len(schemes) == 0 {
		t.Error("nothing was asked")
	}
}

func TestCredentials(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
	tr.misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, ok := r.BasicAuth(); ok && password == "hunter2" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(401)
		return true
	})
	if _, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/app:1", Platform{}); KindOf(err) != Unauthorized {
		t.Errorf("anonymous: %v", err)
	}
	if _, err := newRegistry(t, Options{Keychain: loginKeychain{"u", "hunter2", nil}}).Inspect(context.Background(), tr.host+"/app:1", Platform{}); err != nil {
		t.Errorf("logged in: %v", err)
	}
	_, err := newRegistry(t, Options{Keychain: loginKeychain{"u", "hunter3", nil}}).Inspect(context.Background(), tr.host+"/app:1", Platform{})
	if KindOf(err) != Unauthorized || strings.Contains(err.Error(), "hunter") {
		t.Errorf("wrong password: %v", err)
	}
	_, err = newRegistry(t, Options{Keychain: loginKeychain{err: errors.New("helper: https://u:hunter2@x/?t=hunter2 failed")}}).Inspect(context.Background(), tr.host+"/app:1", Platform{})
	if KindOf(err) != Unauthorized || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "credential helpers") {
		t.Errorf("broken helper: %v", err)
	}
}

type loginKeychain struct {
	user, password string
	err            error
}

func (l loginKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: l.user, Password: l.password}), l.err
}

// TestMirror stands in for Docker Hub by the transport: what goes to the
// mirror's host is served, what goes to index.docker.io is counted.
func TestMirror(t *testing.T) {
	mirror := newTestRegistry(t)
	mirror.push(t, "library/debian:12", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
	hub := newTestRegistry(t)
	for _, ref := range []string{"library/debian:12", "library/debian:13"} {
		hub.push(t, ref, imageOf(t, "linux/amd64", types.OCIUncompressedLayer, layerOf(t, ent{name: "hub", mode: 0o4755})))
	}
	newMirrored := func() *Registry {
		mirror.misbehave(mirror.answer)
		hub.misbehave(hub.answer)
		return newRegistry(t, Options{Mirror: "http://" + mirror.host, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			to := r.Clone(r.Context())
			if r.URL.Host == "index.docker.io" {
				to.URL.Scheme, to.URL.Host = "http", hub.host
			}
			resp, err := http.DefaultTransport.RoundTrip(to)
			if err == nil {
				resp.Request = r
			}
			return resp, err
		})})
	}
	ctx := context.Background()
	f, err := newMirrored().Inspect(ctx, "debian:12", Platform{})
	if err != nil || f.Origin.Detail != mirror.host || len(f.Accounts) != 2 || hub.count("GET v2") != 0 {
		t.Errorf("on the mirror: %+v, %v", f, err)
	}
	f, err = newMirrored().Inspect(ctx, "docker.io/library/debian:13", Platform{})
	if err != nil || f.Origin.Detail != "docker.io" || fmt.Sprint(f.privileged()) != "[4755 /hub]" {
		t.Errorf("not on the mirror: %+v, %v", f, err)
	}
	mirror.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(403); return true }
	if f, err = newMirrored().Inspect(ctx, "debian:12", Platform{}); err != nil || f.Origin.Detail != "docker.io" {
		t.Errorf("the mirror refuses: %+v, %v", f, err)
	}
	hub.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	_, err = newMirrored().Inspect(ctx, "debian:12", Platform{})
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "docker.io is out of order") || !strings.Contains(err.Error(), "and the mirror: ") {
		t.Errorf("both fail: %v", err)
	}
	mirror.answer = nil
	if _, err := newMirrored().Inspect(ctx, "ghcr.io.invalid/debian:12", Platform{}); KindOf(err) == "" || mirror.count("HEAD manifests")+mirror.count("GET manifests") > 0 {
		t.Errorf("the mirror was asked for an image of another registry: %v", err)
	}
	for _, url := range []string{"ftp://x", "example.com", "https://u:hunter2@example.com", "https://example.com/path", "https://example.com/?q", "://"} {
		if _, err := NewRegistry(Options{Mirror: url}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("mirror %q: %v", url, err)
		}
	}
}

func TestRetriesOnce(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
	failed := map[string]bool{}
	tr.misbehave(func(w http.ResponseWriter, r *http.Request) bool {
		if failed[r.URL.Path] {
			return false
		}
		failed[r.URL.Path] = true
		w.WriteHeader(503)
		return true
	})
	if _, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/app:1", Platform{}); err != nil {
		t.Errorf("every path answers 503 once: %v", err)
	}
}

func TestWindowsImage(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "win:1", imageOf(t, "windows/amd64", types.OCIUncompressedLayer, layerOf(t, ent{name: "Files/x"})))
	tr.misbehave(nil)
	f, err := newRegistry(t, Options{}).Inspect(context.Background(), tr.host+"/win:1", Platform{})
	if err != nil || f.Distro.Family() != "windows" || f.Known.Tools || tr.count("GET blobs") != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestHeadWithoutDigest(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t)))
	for _, code := range []int{200, 405} {
		tr.misbehave(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(code)
			}
			return r.Method == http.MethodHead
		})
		if _, err := newRegistry(t, Options{Cache: openCache(t)}).Inspect(context.Background(), tr.host+"/app:1", Platform{}); err != nil {
			t.Errorf("HEAD answers %d: %v", code, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "5": 5 * time.Second, " 7 ": 7 * time.Second, "-3": 0, "soon": 0, "999999999": maxRetryAfter, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0, "Friday, 02-Jan-26 03:05:05 GMT": time.Minute,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	tr := newTestRegistry(t)
	tr.push(t, "app:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, baseLayer(t), layerOf(t, ent{name: "x"})))
	cache := openCache(t)
	for _, cached := range []bool{false, true} {
		var events []Event
		r := newRegistry(t, Options{Cache: cache, Progress: func(e Event) { events = append(events, e) }})
		if _, err := r.Inspect(context.Background(), tr.host+"/app:1", Platform{}); err != nil {
			t.Fatal(err)
		}
		done := 0
		for _, e := range events {
			if e.Layers != 2 || e.Layer < 1 || e.Layer > 2 || e.Bytes > e.Total || e.Total == 0 {
				t.Errorf("event %+v", e)
			}
			if e.Done {
				done++
				if e.Cached != cached {
					t.Errorf("cached %t: %+v", cached, e)
				}
			}
		}
		if done != 2 {
			t.Errorf("%d layers done: %+v", done, events)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestManifestKinds(t *testing.T) {
	config := `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:` + strings.Repeat("0", 64) + `","size":1}`
	for raw, want := range map[string]string{
		`{"schemaVersion":2,` + config + `,"layers":[]}`:                                           "image",
		`{"schemaVersion":2,"manifests":[]}`:                                                       "index",
		`{"mediaType":"` + string(types.OCIImageIndex) + `","manifests":[]}`:                       "index",
		`{"mediaType":"` + string(types.DockerManifestSchema2) + `",` + config + `}`:               "image",
		`{"mediaType":"application/vnd.oci.artifact.manifest.v1+json",` + config + `}`:             "",
		`{"artifactType":"application/x",` + strings.Replace(config, "image.config", "y", 1) + `}`: "",
		`{}`: "", `[]`: "", `null`: "", ``: "", `{"config":null}`: "",
	} {
		got, err := manifestKind([]byte(raw), "application/octet-stream")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", raw, got, err, want)
		}
	}
	if _, err := choosePlatform([]byte(`{"manifests":[{"platform":{"os":"linux","architecture":"amd64"}}]}`), Platform{}); KindOf(err) != Corrupt {
		t.Errorf("entry without a digest: %v", err)
	}
	var m v1.Manifest
	if err := json.Unmarshal([]byte(`{"config":{"digest":"sha256:../../etc"}}`), &m); err == nil {
		t.Error("a digest that is a path was taken")
	}
}

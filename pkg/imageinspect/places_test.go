package imageinspect

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const wantBase = "[0755 /bin/ping cap_net_raw 4755 /bin/su]"

func testImage(t testing.TB) v1.Image {
	return imageOf(t, "linux/amd64", types.OCILayer, compressed(t, "gzip", baseLayer(t)), compressed(t, "gzip", layerOf(t, ent{name: "x"})))
}

func layoutOf(t *testing.T, images map[string]v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range sortedKeys(images) {
		var opts []layout.Option
		if tag != "" {
			opts = append(opts, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag}))
		}
		if err := p.AppendImage(images[tag], opts...); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLayout(t *testing.T) {
	ctx := context.Background()
	one := layoutOf(t, map[string]v1.Image{"": testImage(t)})
	two := layoutOf(t, map[string]v1.Image{"a": testImage(t), "b": imageOf(t, "linux/arm64", types.OCILayer, compressed(t, "gzip", layerOf(t, ent{name: "b", mode: 0o4755})))})
	for arg, want := range map[string]string{one: wantBase, "oci:" + one: wantBase, two + ":a": wantBase, "oci:" + two + ":b": "[4755 /b]", "oci-layout:" + two + ":b": "[4755 /b]"} {
		f, err := Inspect(ctx, arg, Platform{}, Options{})
		if err != nil || fmt.Sprint(f.privileged()) != want || f.Origin.Kind != FromLayout {
			t.Errorf("%s: %v, %v; want %s", arg, f, err, want)
		}
	}
	for arg, want := range map[string]Kind{"oci:" + two: NotFound, two + ":c": NotFound, "oci:/does/not/exist": NotFound, t.TempDir(): Unsupported} {
		if _, err := Inspect(ctx, arg, Platform{}, Options{}); KindOf(err) != want || !strings.Contains(fmt.Sprint(err), "reading image ") {
			t.Errorf("%s: %v, want %v", arg, err, want)
		}
	}
	if f, err := NewLayout(one, Options{}).InspectConfig(ctx, "", Platform{}); err != nil || f.Known.Tools || f.Config.User != "app" {
		t.Errorf("configuration alone: %+v, %v", f, err)
	}
}

func TestDamagedLayout(t *testing.T) {
	img := testImage(t)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	h, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(file string) error{
		"truncated layer": func(file string) error { return os.Truncate(file, 100) },
		"lost layer":      os.Remove,
		"changed layer": func(file string) error {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(file, b, 0o600)
		},
		"longer layer": func(file string) error {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, append(b, 0), 0o600)
		},
		"link out of the layout": func(file string) error {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			outside := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(outside, b, 0o600); err != nil {
				return err
			}
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Symlink(outside, file)
		},
	} {
		dir := layoutOf(t, map[string]v1.Image{"": img})
		file := filepath.Join(dir, "blobs", "sha256", h.Hex)
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := damage(file); err != nil {
			t.Fatal(err)
		}
		want := Corrupt
		if strings.HasPrefix(name, "link") {
			want = Unreachable
		}
		if _, err := Inspect(context.Background(), dir, Platform{}, Options{}); KindOf(err) != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// savedTarball writes images as "docker save" did before version 25.
func savedTarball(t *testing.T, images map[string]v1.Image) []byte {
	t.Helper()
	m := map[name.Reference]v1.Image{}
	for ref, img := range images {
		m[parseRef(t, ref)] = img
	}
	var b bytes.Buffer
	if err := tarball.MultiRefWrite(m, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// dockerSave writes an image as the engine does since version 25: an OCI layout
// with a manifest.json, the layers not compressed and before all else.
func dockerSave(t *testing.T, change func(config *v1.ConfigFile), layers ...[]byte) []byte {
	t.Helper()
	var entries []ent
	config := &v1.ConfigFile{OS: "linux", Architecture: "amd64"}
	saved := savedImage{RepoTags: []string{"app:1"}}
	for _, l := range layers {
		h, _, err := v1.SHA256(bytes.NewReader(l))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, ent{name: "blobs/sha256/" + h.Hex, body: string(l)})
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, h)
		saved.Layers = append(saved.Layers, "blobs/sha256/"+h.Hex)
	}
	if change != nil {
		change(config)
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	saved.Config = "blobs/sha256/" + hex.EncodeToString(sum[:])
	manifest, err := json.Marshal([]savedImage{saved})
	if err != nil {
		t.Fatal(err)
	}
	return layerOf(t, append(entries, ent{name: saved.Config, body: string(raw)}, ent{name: "manifest.json", body: string(manifest)})...)
}

func TestTarball(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var ociTar bytes.Buffer
	w := tar.NewWriter(&ociTar)
	if err := w.AddFS(os.DirFS(layoutOf(t, map[string]v1.Image{"": testImage(t)}))); err != nil {
		t.Fatal(err)
	}
	w.Close()
	plain := dockerSave(t, nil, baseLayer(t), layerOf(t, ent{name: "x"}))
	old := savedTarball(t, map[string]v1.Image{"app:1": testImage(t)})
	two := savedTarball(t, map[string]v1.Image{"app:1": testImage(t), "app:2": imageOf(t, "linux/amd64", types.OCILayer, compressed(t, "gzip", layerOf(t, ent{name: "b", mode: 0o4755})))})
	files := map[string]string{
		write("plain.tar", plain):                                                      wantBase,
		write("plain.tar.gz", compressed(t, "gzip", plain)):                            wantBase,
		write("plain.tar.zst", compressed(t, "zstd", plain)):                           wantBase,
		"tarball:" + write("no-suffix", plain):                                         wantBase,
		write("old.tar", old):                                                          wantBase,
		write("oci.tar", ociTar.Bytes()):                                               wantBase,
		"tarball:" + write("two.tar", two) + "#app:2":                                  "[4755 /b]",
		"docker-archive:" + filepath.Join(dir, "two.tar") + "#docker.io/library/app:1": wantBase,
	}
	for arg, want := range files {
		f, err := Inspect(context.Background(), arg, Platform{}, Options{})
		if err != nil || fmt.Sprint(f.privileged()) != want || f.Origin.Kind != FromTarball {
			t.Errorf("%s: %+v, %v; want %s", arg, f, err, want)
		}
	}
	for arg, want := range map[string]Kind{
		filepath.Join(dir, "two.tar"):                                                                      NotFound,
		"tarball:" + filepath.Join(dir, "two.tar") + "#app:3":                                              NotFound,
		"tarball:/does/not/exist":                                                                          NotFound,
		"tarball:" + dir:                                                                                   Unsupported,
		write("cut.tar", plain[:len(plain)/2]):                                                             Corrupt,
		write("cut.tar.gz", compressed(t, "gzip", plain)[:500]):                                            Corrupt,
		write("text.tar", []byte(strings.Repeat("text ", 1000))):                                           Corrupt,
		write("other.tar", layerOf(t, ent{name: "x"})):                                                     Unsupported,
		write("changed.tar", bytes.Replace(plain, []byte("root:x"), []byte("toor:x"), 1)):                  Corrupt,
		write("fewer.tar", dockerSave(t, func(c *v1.ConfigFile) { c.RootFS.DiffIDs = nil }, baseLayer(t))): Corrupt,
		write("lost.tar", layerOf(t, ent{name: "c", body: `{"rootfs":{"diff_ids":["sha256:` + strings.Repeat("0", 64) + `"]}}`},
			ent{name: "manifest.json", body: `[{"Config":"c","Layers":["gone"]}]`})): Corrupt,
	} {
		if _, err := Inspect(context.Background(), arg, Platform{}, Options{}); KindOf(err) != want {
			t.Errorf("%s: %v, want %v", arg, err, want)
		}
	}
	if _, err := Inspect(context.Background(), filepath.Join(dir, "plain.tar"), Platform{OS: "linux", Architecture: "arm64"}, Options{}); KindOf(err) != PlatformMissing {
		t.Errorf("other platform: %v", err)
	}
}

func TestIndexWithoutNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "multi")
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"amd64", "arm64"} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        imageOf(t, "linux/"+arch, types.OCIUncompressedLayer, layerOf(t, ent{name: arch, mode: 0o4755})),
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	f, err := Inspect(context.Background(), dir, Platform{OS: "linux", Architecture: "arm64"}, Options{})
	if err != nil || fmt.Sprint(f.privileged()) != "[4755 /arm64]" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("debian", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("node", 0o700); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"debian": "*imageinspect.Registry debian", "node": "*imageinspect.Registry node", "docker:24-dind": "*imageinspect.Registry docker:24-dind",
		"registry:2": "*imageinspect.Registry registry:2", "docker://ghcr.io/a/b": "*imageinspect.Registry ghcr.io/a/b", "localhost:5000/x": "*imageinspect.Registry localhost:5000/x",
		"engine:app:1": "*imageinspect.Engine app:1", "docker-daemon:app": "*imageinspect.Engine app", "tarball:x": "*imageinspect.Tarball ", "scratch": "imageinspect.Static scratch",
		"./debian": "*imageinspect.Tarball ",
	} {
		src, ref, err := Open(arg, Options{})
		if got := fmt.Sprintf("%T %s", src, ref); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", arg, got, err, want)
		}
	}
	for _, arg := range []string{"./nothing", "/does/not/exist.tar", "./node", "oci:node"} {
		if src, _, err := Open(arg, Options{}); err == nil || !strings.Contains(err.Error(), "reading image") {
			t.Errorf("%s: %T, %v; want an error", arg, src, err)
		}
	}
}

// fakeEngine answers like Docker's API about one image.
func fakeEngine(t *testing.T, saved []byte, inspect map[string]any) (saves *int) {
	t.Helper()
	saves = new(int)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.45")
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
		case strings.HasSuffix(r.URL.Path, "/images/app:1/json"):
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(inspect)
		case strings.HasSuffix(r.URL.Path, "/images/get"):
			*saves++
			_, _ = w.Write(saved)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(404)
			fmt.Fprint(w, `{"message":"No such image"}`)
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(srv.URL, "http://"))
	return saves
}

func TestEngine(t *testing.T) {
	base := baseLayer(t)
	h, _, err := v1.SHA256(bytes.NewReader(base))
	if err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + strings.Repeat("b", 64)
	saves := fakeEngine(t, dockerSave(t, nil, base), map[string]any{
		"Id": "sha256:" + strings.Repeat("a", 64), "Os": "linux", "Architecture": "amd64", "RepoDigests": []string{"other@sha256:" + strings.Repeat("c", 64), "app@" + digest},
		"RootFS": map[string]any{"Type": "layers", "Layers": []string{h.String()}},
		"Config": map[string]any{"User": "app", "Env": []string{"A=b"}, "Healthcheck": map[string]any{"Test": []string{"CMD", "x"}}},
	})
	ctx := context.Background()
	cache := openCache(t)
	for i := range 2 {
		f, err := NewEngine(Options{Cache: cache}).Inspect(ctx, "app:1", Platform{})
		if err != nil || fmt.Sprint(f.privileged()) != wantBase || f.Digest != digest || f.Origin.Kind != FromEngine || f.Reference != "app:1" {
			t.Errorf("%d: %+v, %v", i, f, err)
		}
		if *saves != 1 {
			t.Errorf("%d: the image was saved %d times, want once", i, *saves)
		}
	}
	f, err := NewEngine(Options{}).InspectConfig(ctx, "app:1", Platform{})
	if err != nil || *saves != 1 || f.Config.User != "app" || len(f.Config.Healthcheck) != 2 {
		t.Errorf("configuration alone: %+v, %v, %d saves", f, err, *saves)
	}
	if _, err := NewEngine(Options{}).Inspect(ctx, "other:1", Platform{}); KindOf(err) != NotFound {
		t.Errorf("missing: %v", err)
	}
	if _, err := NewEngine(Options{}).Inspect(ctx, "app:1", Platform{OS: "linux", Architecture: "arm64"}); KindOf(err) != PlatformMissing {
		t.Errorf("other platform: %v", err)
	}
	t.Setenv("DOCKER_HOST", "unix:///does/not/exist.sock")
	if _, err := NewEngine(Options{}).Inspect(ctx, "app:1", Platform{}); KindOf(err) != Unreachable || !strings.Contains(err.Error(), "DOCKER_HOST") {
		t.Errorf("no engine: %v", err)
	}
}

func TestDockerContext(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_CONTEXT", "")
	if host, err := contextHost(); host != "" || err != nil {
		t.Errorf("no configuration: %q, %v", host, err)
	}
	for name, host := range map[string]string{"colima": "unix:///home/u/.colima/docker.sock", "far": "ssh://u@h"} {
		sum := sha256.Sum256([]byte(name))
		meta := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]))
		if err := os.MkdirAll(meta, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(meta, "meta.json"), fmt.Appendf(nil, `{"Name":%q,"Endpoints":{"docker":{"Host":%q}}}`, name, host), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"currentContext":"colima"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if host, err := contextHost(); host != "unix:///home/u/.colima/docker.sock" || err != nil {
		t.Errorf("current context: %q, %v", host, err)
	}
	for name, text := range map[string]string{"far": "over ssh", "none": "cannot be read"} {
		t.Setenv("DOCKER_CONTEXT", name)
		if host, err := contextHost(); KindOf(err) != Unreachable || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %q, %v", name, host, err)
		}
	}
}

package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"
)

// startRegistry starts a registry in memory and sets $REGISTRY to its address.
// It holds base:1, which it also writes to the directory layout and the file
// image.tar. Other repositories misbehave: locked wants credentials, busy has
// had too many requests, slow answers nobody and leaves the file asked, and gone
// is not there.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/locked/"):
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/v2/slow/"):
			ts.Check(os.WriteFile(ts.MkAbs("asked"), nil, 0o644))
			<-r.Context().Done()
		case strings.HasPrefix(r.URL.Path, "/v2/busy/"):
			w.Header().Set("Retry-After", "60")
			http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`, http.StatusTooManyRequests)
		default:
			images.ServeHTTP(w, r)
		}
	}))
	ts.Defer(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	ts.Setenv("REGISTRY", host)

	img, err := testImage()
	ts.Check(err)
	ref, err := name.ParseReference(host + "/base:1")
	ts.Check(err)
	ts.Check(remote.Write(ref, img))
	mirrored, err := name.ParseReference(host + "/library/debian:bookworm-slim")
	ts.Check(err)
	ts.Check(remote.Write(mirrored, img))
	dir, err := layout.Write(ts.MkAbs("layout"), empty.Index)
	ts.Check(err)
	ts.Check(dir.AppendImage(img))
	tag, err := name.NewTag("base:1")
	ts.Check(err)
	ts.Check(tarball.WriteToFile(ts.MkAbs("image.tar"), tag, img))
}

// testImage is a small Debian: accounts, a shell, and su with its setuid bit.
func testImage() (v1.Image, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name, content string
		mode          int64
	}{
		{"etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n", 0o644},
		{"etc/group", "root:x:0:\nwww-data:x:33:\n", 0o644},
		{"usr/lib/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n", 0o644},
		{"bin/sh", "", 0o755}, {"usr/sbin/useradd", "", 0o755}, {"usr/sbin/groupadd", "", 0o755},
		{"usr/bin/find", "", 0o755}, {"usr/bin/chmod", "", 0o755}, {"usr/bin/chown", "", 0o755},
		{"usr/bin/mkdir", "", 0o755}, {"usr/bin/install", "", 0o755},
		{"usr/bin/su", "binary", 0o4755},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", RootFS: rootFS(img),
		Config: v1.Config{Cmd: []string{"bash"}, Env: []string{"PATH=/usr/sbin:/usr/bin:/bin"}},
	})
}

func rootFS(img v1.Image) v1.RootFS {
	cfg, err := img.ConfigFile()
	if err != nil {
		return v1.RootFS{}
	}
	return cfg.RootFS
}

// checkJSON checks values of the JSON document on the last command's stdout:
// json .files[0].outcome hardened
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args)%2 != 0 || neg {
		ts.Fatalf("usage: json PATH VALUE...")
	}
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	for i := 0; i < len(args); i += 2 {
		got, err := json.Marshal(lookup(doc, args[i]))
		ts.Check(err)
		if s := strings.Trim(string(got), `"`); s != args[i+1] {
			ts.Fatalf("%s is %s, want %s", args[i], got, args[i+1])
		}
	}
}

// lookup follows a path such as .files[0].outcome.
func lookup(v any, path string) any {
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var n int
			if err := json.Unmarshal([]byte(key), &n); err != nil || n >= len(x) {
				return nil
			}
			v = x[n]
		default:
			return nil
		}
	}
	return v
}

package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestFileChanges changes a file while harden waits for its registry.
func TestFileChanges(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("DOCKER_CONFIG", filepath.Join(dir, "docker"))

	const meanwhile = "FROM debian:bookworm\n"
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	pulling := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pulling {
			if err := os.WriteFile("Dockerfile", []byte(meanwhile), 0o644); err != nil {
				t.Error(err)
			}
		}
		images.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	img, err := testImage()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	pulling = true

	from := "FROM " + host + "/base:1\nCMD [\"sleep\", \"1\"]\n"
	for file, content := range map[string]string{"Dockerfile": from, "other.Dockerfile": from} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-w", "--jobs=1", "."}, nil, &stdout, &stderr); code != exitError {
		t.Errorf("exit status %d, want %d", code, exitError)
	}
	if want := "Dockerfile: the file changed while it was processed and was left alone; run harden again\n"; !strings.Contains(stderr.String(), want) {
		t.Errorf("stderr lacks %q:\n%s", want, &stderr)
	}
	if got, err := os.ReadFile("Dockerfile"); err != nil || string(got) != meanwhile {
		t.Errorf("Dockerfile holds %q, %v", got, err)
	}
	if got, err := os.ReadFile("other.Dockerfile"); err != nil || !strings.Contains(string(got), "USER 10001:10001") {
		t.Errorf("other.Dockerfile holds %q, %v", got, err)
	}
}

// TestFullOutput holds that a report that cannot be written is an error.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	defer full.Close()
	for _, format := range []string{"text", "json"} {
		var stderr bytes.Buffer
		code := run([]string{"--offline", "--format", format, "-"}, strings.NewReader("FROM debian:12\nCMD [\"x\"]\n"), full, &stderr)
		if code != exitError || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("format %s: exit status %d, stderr %s", format, code, &stderr)
		}
	}
}

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hits serves on port 8000 and counts what it served in a file below its directory.
const hits = `import http.server, os

class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        with open("data/hits", "a") as f:
            f.write(self.path + "\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"counted\n")

http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
`

// TestBaseOfTheSameRun hardens an image whose base nobody can ask for, because the
// same repository makes it: its Dockerfile says what the program there writes.
func TestBaseOfTheSameRun(t *testing.T) {
	needEngine(t)
	t.Parallel()
	dir, base := t.TempDir(), unique("image")+":1"
	for _, sub := range []string{"site", "page"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "services:\n  site: {image: \""+base+"\", build: site}\n", dir, "compose.yaml")
	write(t, "FROM python:3.13-slim\nWORKDIR /srv/site\nRUN mkdir data\nCOPY serve.py .\nCMD [\"python3\", \"serve.py\"]\n", dir, "site", "Dockerfile")
	write(t, hits, dir, "site", "serve.py")
	write(t, "FROM "+base+"\nCOPY page.html /srv/site/pages/\n", dir, "page", "Dockerfile")
	write(t, "page\n", dir, "page", "page.html")

	report := harden(t, dir, "--offline", "-w", ".")
	for _, want := range []string{
		"page/Dockerfile: hardened and written – runs as a new account, appuser (10001:10001); facts: the Dockerfile of its base, site/Dockerfile",
		"site/Dockerfile: refused (base-image) – page/Dockerfile is built FROM this image",
	} {
		if !strings.Contains(report, want) {
			t.Fatalf("the report does not say %q:\n%s", want, report)
		}
	}
	docker(t, "tag", build(t, filepath.Join(dir, "site")), base)
	t.Cleanup(func() { _, _ = try(context.Background(), "rmi", "-f", base) })
	image := build(t, filepath.Join(dir, "page"))
	container := start(t, image, strict...)
	if err := eventually(t, container, 20*time.Second, func() error {
		_, err := get(t, container, 8000)
		return err
	}); err != nil {
		t.Fatalf("%v\nDockerfile:\n%s", err, read(t, dir, "page", "Dockerfile"))
	}
	if out := docker(t, "exec", container, "cat", "/srv/site/data/hits"); !strings.Contains(out, "/") {
		t.Errorf("what it served was not written: %q", out)
	}
	statusOf(t, container).mustBeLocked(t)
	if tr := treeOf(t, image); len(tr.privileged) > 0 {
		t.Errorf("privileged files are left: %q", tr.privileged)
	}
}

// TestStripInParentStage holds that one RUN before the USER of an earlier stage leaves
// no privileged file in the image, though later stages install as another user.
func TestStripInParentStage(t *testing.T) {
	needEngine(t)
	t.Parallel()
	dir := t.TempDir()
	write(t, `FROM debian:bookworm-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client && useradd --uid 1500 --create-home app
USER app
WORKDIR /home/app

FROM base AS prod
RUN mkdir state
CMD ["sh", "-c", "touch state/up && ssh -V 2>&1; echo ready; exec sleep 600"]
`, dir, "Dockerfile")
	harden(t, dir, "-w", "Dockerfile")
	text := read(t, dir, "Dockerfile")
	if strings.Contains(text, "USER 0:0") {
		t.Errorf("the final stage goes back to root:\n%s", text)
	}
	image := build(t, dir)
	container := start(t, image, strict...)
	if _, err := says(t, container, false); err != nil {
		t.Fatalf("%v\nDockerfile:\n%s", err, text)
	}
	statusOf(t, container).mustBeLocked(t)
	if tr := treeOf(t, image); len(tr.privileged) > 0 {
		t.Errorf("privileged files are left: %q", tr.privileged)
	}
}

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// greeter answers what its build argument says, and needs a secret to build.
func greeter(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
ARG GREETING
ENV GREETING=$GREETING
RUN --mount=type=secret,id=token grep -q open /run/secrets/token
WORKDIR /app
COPY app.py .
EXPOSE 8000
CMD ["python3", "app.py"]
`, dir, "web", "Dockerfile")
	write(t, `import http.server, os, socket
if "CACHE" in os.environ:
    socket.create_connection((os.environ["CACHE"], 6379), 5).close()
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["GREETING"].encode())
http.server.HTTPServer(("", 8000), H).serve_forever()
`, dir, "web", "app.py")
	write(t, "open\n", dir, "token.txt")
	return dir
}

const greets = `curl -fsS "http://$HARDEN_PORT_8000/" | grep -qx hi`

// TestVerifyBake takes the build argument and the secret from the Bake file, and
// probes at the published port.
func TestVerifyBake(t *testing.T) {
	needEngine(t)
	dir := greeter(t)
	write(t, "target \"web\" {\n  context = \"web\"\n  args = { GREETING = \"hi\" }\n  secret = [\"id=token,src=token.txt\"]\n}\n", dir, "docker-bake.hcl")
	if v := verify(t, dir, "--bake", "docker-bake.hcl", "--bake-target", "web", "--probe", greets, "web"); v.status != 0 {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	v := verify(t, dir, "--build-arg", "GREETING=hi", "--secret", "id=token,src=token.txt", "--probe", greets, "web")
	if v.status != 0 {
		t.Errorf("with flags: exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	// The Bake file beside it gives the argument, with which the step is in the cache; the
	// secret is no part of the cache's key.
	if v := verify(t, dir, "--build-arg", "GREETING=ho", "web"); v.status != 2 || !strings.Contains(v.stderr, "does not build") {
		t.Errorf("without the secret: exit %d\n%s", v.status, v.stderr)
	}
}

// TestVerifyCompose proves a service that does not start without its neighbour.
func TestVerifyCompose(t *testing.T) {
	needEngine(t)
	if !hasCompose(t) {
		t.Skip("no docker compose in the lab")
	}
	dir := greeter(t)
	if err := os.MkdirAll(filepath.Join(dir, "cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, read(t, "services", "redis", "Dockerfile"), dir, "cache", "Dockerfile")
	write(t, `services:
  web:
    build:
      context: web
      args: {GREETING: hi}
      secrets: [token]
    environment: {CACHE: cache}
    depends_on: [cache]
    ports: ["127.0.0.1:1:8000"]
  cache:
    build: cache
    container_name: mine
    ports: ["127.0.0.1:2:6379"]
    volumes: ["data:/data"]
secrets:
  token: {file: ./token.txt}
volumes:
  data:
`, dir, "compose.yaml")
	before := inventoryOf(inventory(t))
	args := []string{"--compose", "compose.yaml", "--service", "web", "--probe", `curl -fsS "http://$HARDEN_ADDRESS:8000/" | grep -qx hi`, "web"}
	if v := verify(t, dir, args...); v.status != 0 {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	before.mustBe(t)
	if v := verify(t, dir, "--compose", "compose.yaml", "--service", "nobody", "web"); v.status != 2 || !strings.Contains(v.stderr, `has no service "nobody"; it has cache, web`) {
		t.Errorf("exit %d\n%s", v.status, v.stderr)
	}
}

func hasCompose(t *testing.T) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, argv := range [][]string{{"docker", "compose", "version"}, {"docker-compose", "version"}} {
		if command(ctx, lab.env, argv[0], argv[1:]...).Run() == nil {
			return true
		}
	}
	return false
}

// TestVerifyWithoutDocker builds through the API alone, as Podman is used.
func TestVerifyWithoutDocker(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	write(t, "FROM debian:bookworm-slim\nCOPY . /srv/\nHEALTHCHECK CMD test -e /srv/Dockerfile && ! test -e /srv/left-out\nCMD [\"sleep\", \"1000\"]\n", dir, "Dockerfile")
	write(t, "left-out\n", dir, ".dockerignore")
	write(t, "x", dir, "left-out")
	// The engine's own builder keeps a base that it has to pull, which BuildKit does not.
	docker(t, "pull", "--quiet", "debian:bookworm-slim")
	before := inventoryOf(inventory(t))
	cmd := verifyCommand(t, t.Context(), dir)
	empty := t.TempDir()
	for _, tool := range []string{"ps"} {
		if p, err := exec.LookPath(tool); err == nil {
			if err := os.Symlink(p, filepath.Join(empty, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Env = append(cmd.Env, "PATH="+empty)
	if v := finish(t, cmd); v.status != 0 || !strings.Contains(v.stdout, "probe: HEALTHCHECK") {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	before.mustBe(t)
}

// TestVerifyPodman runs against "podman system service" at HARDEN_E2E_PODMAN.
func TestVerifyPodman(t *testing.T) {
	host := os.Getenv("HARDEN_E2E_PODMAN")
	if host == "" {
		t.Skip("HARDEN_E2E_PODMAN names no socket of podman system service")
	}
	s := service{name: "python"}
	cmd := verifyCommand(t, t.Context(), s.context(t), "--probe-http", "/", "--format", "json")
	cmd.Env = append(cmd.Env, "DOCKER_HOST="+host)
	v := finish(t, cmd)
	if p := v.proof(t); v.status != 0 || !p.After.ok("read-only") || len(p.After.SetID) > 0 {
		t.Errorf("exit %d, %q, %+v\n%s", v.status, p.Less, p.After.Runs, v.stderr)
	}
}

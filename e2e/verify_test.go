package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A proof is what "harden verify --format json" says of one file.
type proof struct {
	Verdict string
	Outcome string
	Reason  string
	Less    []string
	Before  side
	After   side
	Learned struct {
		Writable     []string
		Trees        []string `json:"writable_trees"`
		Files        []string `json:"writable_files"`
		Capabilities []string
		Privileged   []struct{ Path string }
		Account      *struct{ Name string }
	}
	Left    []struct{ Path string }
	Rounds  int
	Seconds float64
	Error   *struct{ Kind, Message, Hint, Log string }
}

type side struct {
	Process *struct{ UID int }
	SetID   []struct{ Path string }
	Caps    []struct{ Path string } `json:"file_capabilities"`
	Build   float64                 `json:"build_seconds"`
	Runs    []struct {
		Name, Why, Log string
		OK             bool
	}
}

func (s side) ok(run string) bool {
	for _, r := range s.Runs {
		if r.Name == run {
			return r.OK
		}
	}
	return false
}

// A verification is one finished run of harden verify.
type verification struct {
	status         int
	stdout, stderr string
}

func (v verification) proof(t *testing.T) proof {
	t.Helper()
	var doc struct{ Files []proof }
	if err := json.Unmarshal([]byte(v.stdout), &doc); err != nil || len(doc.Files) != 1 {
		t.Fatalf("exit %d, %v in %s\n%s", v.status, err, v.stdout, v.stderr)
	}
	return doc.Files[0]
}

// verifyCommand prepares harden verify in dir.
func verifyCommand(t *testing.T, ctx context.Context, dir string, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := hardenBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(ctx, append(lab.env[:len(lab.env):len(lab.env)], "XDG_CACHE_HOME="+filepath.Join(lab.bin, "cache")), bin, append([]string{"verify"}, args...)...)
	cmd.Dir = dir
	return cmd
}

func verify(t *testing.T, dir string, args ...string) verification {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	return finish(t, verifyCommand(t, ctx, dir, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) verification {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return verification{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestVerifyServices proves each service, under its own probe, down to no
// capability and no new privileges, or learns what it needs instead.
func TestVerifyServices(t *testing.T) {
	needEngine(t)
	var mu sync.Mutex
	var table []string
	t.Run("group", func(t *testing.T) {
		for _, s := range services(t) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				probe, err := filepath.Abs(filepath.Join("services", s.name, "probe"))
				if err != nil {
					t.Fatal(err)
				}
				v := verify(t, s.context(t), "--learn", "--format", "json", "--probe", probe+` "$HARDEN_CONTAINER"`)
				p := v.proof(t)
				mu.Lock()
				table = append(table, fmt.Sprintf("%-16s %-8s %-26s cap-drop %-5v no-new-privileges %-5v read-only %-5v needs %q %4.1fs", s.name, p.Verdict, p.Outcome+" "+p.Reason,
					p.After.ok("cap-drop"), p.After.ok("no-new-privileges"), p.After.ok("read-only"), p.Learned.Capabilities, p.Seconds-p.Before.Build-p.After.Build))
				mu.Unlock()
				s.checkProof(t, v, p)
			})
		}
	})
	slices.Sort(table)
	t.Logf("proofs, with the seconds beyond the two builds:\n%s", strings.Join(table, "\n"))
}

func (s service) checkProof(t *testing.T, v verification, p proof) {
	if v.status != 0 || p.Verdict != "proven" {
		t.Fatalf("exit %d, %s: %q\n%s", v.status, p.Verdict, p.Less, v.stderr)
	}
	for _, run := range []string{"plain", "cap-drop", "no-new-privileges"} {
		if !p.After.ok(run) {
			t.Errorf("does not work under %s: %+v", run, p.After.Runs)
		}
	}
	if s.refused != "" {
		if p.Outcome != "refused" || p.Reason != s.refused {
			t.Errorf("%s %s, want it refused: %s", p.Outcome, p.Reason, s.refused)
		}
		return
	}
	if p.Outcome != "hardened" || p.After.Process == nil || p.After.Process.UID == 0 {
		t.Errorf("%s, runs as %+v", p.Outcome, p.After.Process)
	}
	if n := len(p.After.SetID) + len(p.After.Caps); n > 0 {
		t.Errorf("%d privileged files are left", n)
	}
	if !p.After.ok("read-only") {
		t.Errorf("does not work with a read-only root: %+v", p.After.Runs)
	}
}

// TestVerifyNamesCapability wants to hear what haproxy's chroot needs.
func TestVerifyNamesCapability(t *testing.T) {
	needEngine(t)
	s := service{name: "haproxy"}
	dir := s.context(t)
	probe, _ := filepath.Abs("services/haproxy/probe")
	v := verify(t, dir, "--learn", "-w", "--probe", probe+` "$HARDEN_CONTAINER"`)
	if v.status != 0 || !strings.Contains(v.stdout, "needs SYS_CHROOT: haproxy's setting chroot") || !strings.Contains(v.stdout, "needs SETUID: without it: ") {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	if settings := read(t, dir, ".harden.yaml"); !strings.Contains(settings, "SETUID: ") {
		t.Errorf("settings:\n%s", settings)
	}
}

// stubborn writes where nobody expects it, in a directory that the image has
// and that the file does not show.
const stubborn = `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY setup.sh server.py /usr/local/share/app/
RUN sh /usr/local/share/app/setup.sh
EXPOSE 8000
CMD ["python3", "/usr/local/share/app/server.py"]
`

func stubbornContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, stubborn, dir, "Dockerfile")
	write(t, "mkdir -p /opt/oddity/spool\necho 0 > /opt/oddity/count\n", dir, "setup.sh")
	write(t, `import http.server, os
n = int(open("/opt/oddity/count").read())
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global n
        n += 1
        open("/opt/oddity/count", "w").write(str(n))
        open("/opt/oddity/spool/%d" % n, "w").write("x")
        open("/run/oddity.last", "w").write("x")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello %d" % n)
http.server.HTTPServer(("", 8000), H).serve_forever()
`, dir, "server.py")
	return dir
}

// TestVerifyLearns has a Dockerfile whose hardened form is broken: verify sees
// it, --learn repairs it, and what was learned is enough without an engine.
func TestVerifyLearns(t *testing.T) {
	needEngine(t)
	dir := stubbornContext(t)
	v := verify(t, dir, "--probe-http", "/", "--format", "json")
	if p := v.proof(t); v.status != 1 || p.Verdict != "less" || len(p.Less) == 0 || !strings.Contains(p.Less[0], "Permission denied") {
		t.Fatalf("exit %d, %s %q; want 1 and the line that says why", v.status, p.Verdict, p.Less)
	}
	if read(t, dir, "Dockerfile") != stubborn {
		t.Fatal("the Dockerfile was changed without -w")
	}
	v = verify(t, dir, "-w", "--probe-http", "/", "--format", "json")
	if read(t, dir, "Dockerfile") != stubborn || v.status != 1 {
		t.Fatalf("exit %d; what is not proven was written", v.status)
	}
	v = verify(t, dir, "-w", "--learn", "--probe-http", "/", "--format", "json")
	p := v.proof(t)
	if v.status != 0 || p.Verdict != "proven" || !p.After.ok("no-new-privileges") || p.After.Process.UID != 10001 {
		t.Fatalf("exit %d, %s %q, runs %+v\n%s", v.status, p.Verdict, p.Less, p.After.Runs, v.stderr)
	}
	if !slices.Contains(p.Learned.Trees, "/opt/oddity") || !slices.Contains(p.Learned.Files, "/run/oddity.last") {
		t.Errorf("learned %+v", p.Learned)
	}
	changed, settings := read(t, dir, "Dockerfile"), read(t, dir, ".harden.yaml")
	if !strings.Contains(settings, "# Found by harden verify --learn") || !strings.Contains(settings, "- /opt/oddity # makes /opt/oddity/spool/1") {
		t.Errorf("settings:\n%s", settings)
	}
	write(t, stubborn, dir, "Dockerfile")
	harden(t, dir, "-w", "--offline", "Dockerfile")
	for line := range strings.Lines(changed) {
		if strings.Contains(line, "/opt/oddity") && !strings.Contains(read(t, dir, "Dockerfile"), line) {
			t.Errorf("without an engine, %q is missing", line)
		}
	}
}

// TestVerifyFeedsBackPrivilegedFiles has files that only the built image shows.
func TestVerifyFeedsBackPrivilegedFiles(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	write(t, `FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends libcap2-bin
COPY setup.sh /
RUN sh /setup.sh

FROM debian:bookworm-slim
COPY --from=build /out/ /opt/tools/
CMD ["sleep", "1000"]
`, dir, "Dockerfile")
	write(t, "mkdir /out\ncp /bin/true /out/setuid\ncp /bin/true /out/capable\nchmod 4755 /out/setuid\nsetcap cap_net_raw+ep /out/capable\n", dir, "setup.sh")
	v := verify(t, dir, "--learn", "--format", "json", "--exec", "true")
	p := v.proof(t)
	if v.status != 0 || len(p.Left) > 0 || len(p.After.SetID)+len(p.After.Caps) > 0 {
		t.Errorf("exit %d, left %+v, %+v, %+v\n%s", v.status, p.Left, p.After.SetID, p.After.Caps, v.stderr)
	}
	if len(p.Before.Caps) != 1 || !slices.ContainsFunc(p.Learned.Privileged, func(f struct{ Path string }) bool { return f.Path == "/opt/tools/capable" }) {
		t.Errorf("before %+v, learned %+v", p.Before.Caps, p.Learned)
	}
}

func TestVerifyOneShot(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	write(t, "FROM debian:bookworm-slim\nCOPY job.sh /\nCMD [\"sh\", \"/job.sh\"]\n", dir, "Dockerfile")
	write(t, "echo made; $(echo dG91Y2ggL29wdC94 | base64 -d)\n", dir, "job.sh")
	v := verify(t, dir)
	if v.status != 1 || !strings.Contains(v.stdout, "exit status 1, the original with 0") || !strings.Contains(v.stderr, "this executes its code") {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
	write(t, "echo made; cat /etc/hostname > /dev/null\n", dir, "job.sh")
	v = verify(t, dir, "--format", "markdown")
	if v.status != 0 || !strings.Contains(v.stdout, "| starts and stays up; probe passes | yes | yes |") {
		t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
	}
}

// inventory lists what the engine holds, but for the builder's cache.
func inventory(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	for _, list := range [][]string{{"ps", "-aq", "--no-trunc"}, {"images", "-q", "--no-trunc"}, {"network", "ls", "-q"}, {"volume", "ls", "-q"}} {
		for _, id := range strings.Fields(docker(t, list...)) {
			have[list[0]+" "+id] = true
		}
	}
	return have
}

// mustBe fails the test when the engine holds anything that it did not before.
func (before inventoryOf) mustBe(t *testing.T) {
	t.Helper()
	var more []string
	for range 20 {
		more = nil
		for thing := range inventory(t) {
			if !before[thing] {
				more = append(more, thing)
			}
		}
		if len(more) == 0 {
			return
		}
		time.Sleep(500 * time.Millisecond) // somebody else may be using the engine
	}
	t.Errorf("left behind: %q", more)
}

type inventoryOf map[string]bool

// TestVerifyLeavesNothing counts what is in the engine after every way to end.
func TestVerifyLeavesNothing(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	base := "FROM debian:bookworm-slim\nVOLUME /data\n"
	tests := []struct {
		name, dockerfile string
		args             []string
		status           int
		message          string
	}{
		{"success", base + "CMD [\"sleep\", \"1000\"]\n", []string{"--exec", "true"}, 0, ""},
		{"build fails", base + "RUN echo no >&2; false\nCMD [\"sleep\", \"1000\"]\n", nil, 2, "does not build, so there is nothing to compare"},
		{"does not start", base + "CMD [\"/no/such/program\"]\n", nil, 2, "does not start, so there is nothing to compare"},
		{"ends", base + "CMD [\"sh\", \"-c\", \"echo no database; exit 3\"]\n", nil, 2, "exit status 3"},
		{"probe fails", base + "CMD [\"sleep\", \"1000\"]\n", []string{"--start-timeout", "2s", "--exec", "false"}, 2, "does not pass the probe"},
		{"probe hangs", base + "CMD [\"sleep\", \"1000\"]\n", []string{"--start-timeout", "2s", "--probe-timeout", "1s", "--probe", "sleep 100 | sleep 100"}, 2, "the probe hangs"},
		{"less", base + "CMD [\"sh\", \"-c\", \"$(echo dG91Y2ggL29wdC94 | base64 -d) && sleep 1000\"]\n", []string{"--stay", "500ms"}, 1, ""},
	}
	before := inventoryOf(inventory(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, tt.dockerfile, dir, "Dockerfile")
			v := verify(t, dir, tt.args...)
			if v.status != tt.status || !strings.Contains(v.stderr, tt.message) {
				t.Errorf("exit %d, want %d and %q in\n%s\n%s", v.status, tt.status, tt.message, v.stdout, v.stderr)
			}
			before.mustBe(t)
		})
	}
	for _, after := range []time.Duration{300 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second} {
		t.Run(fmt.Sprint("interrupted after ", after), func(t *testing.T) {
			write(t, base+fmt.Sprintf("RUN sleep 1; echo %d\nCMD [\"sleep\", \"1000\"]\n", time.Now().UnixNano()), dir, "Dockerfile")
			cmd := verifyCommand(t, t.Context(), dir, "--exec", "false")
			time.AfterFunc(after, func() { _ = cmd.Process.Signal(os.Interrupt) })
			if v := finish(t, cmd); v.status != 2 || !strings.Contains(v.stderr, "interrupted") {
				t.Errorf("exit %d\n%s", v.status, v.stderr)
			}
			before.mustBe(t)
		})
	}
}

// TestVerifySideBySide runs two proofs of one Dockerfile at the same time.
func TestVerifySideBySide(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	write(t, "FROM debian:bookworm-slim\nCMD [\"sleep\", \"1000\"]\n", dir, "Dockerfile")
	before := inventoryOf(inventory(t))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if v := verify(t, dir, "--exec", "true"); v.status != 0 {
				t.Errorf("exit %d\n%s\n%s", v.status, v.stdout, v.stderr)
			}
		})
	}
	wg.Wait()
	before.mustBe(t)
}

// TestVerifyEngineStops talks to the engine through a door that falls shut.
func TestVerifyEngineStops(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	write(t, "FROM debian:bookworm-slim\nCMD [\"sleep\", \"1000\"]\n", dir, "Dockerfile")
	door := openDoor(t)
	cmd := verifyCommand(t, t.Context(), dir, "--exec", "false")
	cmd.Env = append(cmd.Env, "DOCKER_HOST=unix://"+door.path)
	time.AfterFunc(4*time.Second, door.shut)
	v := finish(t, cmd)
	if v.status != 2 || !strings.Contains(v.stderr, "container engine failed while") || strings.Contains(v.stderr, "panic") {
		t.Errorf("exit %d\n%s", v.status, v.stderr)
	}
	// Nobody could remove these through a door that is shut.
	for _, id := range strings.Fields(docker(t, "ps", "-aq", "--filter", "label=dev.harden.run")) {
		docker(t, "rm", "-fv", id)
	}
	for _, id := range strings.Fields(docker(t, "images", "-q", "--filter", "label=dev.harden.run")) {
		docker(t, "rmi", "-f", id)
	}
	// And one that was never open.
	if v := finish(t, func() *exec.Cmd {
		cmd := verifyCommand(t, t.Context(), dir)
		cmd.Env = append(cmd.Env, "DOCKER_HOST=unix://"+door.path)
		return cmd
	}()); v.status != 2 || !strings.Contains(v.stderr, "the container engine cannot be reached") {
		t.Errorf("exit %d\n%s", v.status, v.stderr)
	}
}

// A door forwards connections to the engine until it is shut.
type door struct {
	path  string
	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
}

func openDoor(t *testing.T) *door {
	t.Helper()
	var socket string
	for _, kv := range lab.env {
		if host, ok := strings.CutPrefix(kv, "DOCKER_HOST=unix://"); ok {
			socket = host
		}
	}
	d := &door{path: filepath.Join(t.TempDir(), "s")}
	var err error
	if d.l, err = net.Listen("unix", d.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.shut)
	go func() {
		for {
			in, err := d.l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("unix", socket)
			if err != nil {
				in.Close()
				continue
			}
			d.mu.Lock()
			d.conns = append(d.conns, in, out)
			d.mu.Unlock()
			go pump(in, out)
			go pump(out, in)
		}
	}()
	return d
}

// pump copies one direction and hands on its end, as hijacked connections need.
func pump(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if c, ok := to.(*net.UnixConn); ok && err == nil {
		_ = c.CloseWrite()
	}
}

func (d *door) shut() {
	d.l.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
	_ = syscall.Unlink(d.path)
}

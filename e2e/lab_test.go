// Package e2e proves harden in containers: it runs the command as a user would,
// builds what comes out, starts it with nothing left to give up, and looks
// whether it still does its work. The engine and the images are those of lab/.
package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lab is what TestMain found: how to reach the engine, or why that cannot be.
var lab struct {
	env     []string
	missing string
	bin     string // folder for the command under test
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if lab.bin, err = os.MkdirTemp("", "harden-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(lab.bin)
		lab.env, lab.missing = findLab()
		defer sweep()
		return m.Run()
	}())
}

// findLab returns the environment that lab/env makes, or says what is missing.
func findLab() (env []string, missing string) {
	out, err := exec.Command("sh", "-c", ". ./lab/env && env -0").Output()
	if err != nil {
		return nil, "reading lab/env: " + err.Error()
	}
	env = strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := command(ctx, env, "docker", "version", "--format", "{{.Server.Version}}")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Sprintf("no container engine in the lab (%s); \"make lab\" starts one, as root on Debian", firstLine(out, err))
	}
	return env, ""
}

func firstLine(out []byte, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
		return line
	}
	return err.Error()
}

// command is exec.Command with env, in which the program is looked up too.
func command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	path := name
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok || strings.Contains(name, "/") {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if p := filepath.Join(dir, name); isExecutable(p) {
				path = p
				break
			}
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = env
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// needEngine skips the test where there is no lab; in CI that is a failure.
func needEngine(t *testing.T) {
	t.Helper()
	switch {
	case lab.missing == "":
	case os.Getenv("CI") == "true":
		t.Fatal(lab.missing)
	default:
		t.Skip(lab.missing)
	}
}

// label marks everything that this run of the tests makes in the engine.
var label = fmt.Sprintf("harden-e2e=%d", os.Getpid())

var serial atomic.Int64

func unique(kind string) string {
	return fmt.Sprintf("harden-e2e-%d-%s-%d", os.Getpid(), kind, serial.Add(1))
}

// sweep removes what the cleanups of the tests did not get to.
func sweep() {
	if lab.missing != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, kind := range [][]string{{"ps", "-aq"}, {"images", "-q"}} {
		out, err := command(ctx, lab.env, "docker", append(kind, "--filter", "label="+label)...).Output()
		ids := strings.Fields(string(out))
		if err != nil || len(ids) == 0 {
			continue
		}
		remove := []string{"rm", "-fv"}
		if kind[0] == "images" {
			remove = []string{"rmi", "-f"}
		}
		_ = command(ctx, lab.env, "docker", append(remove, ids...)...).Run() // nothing can be done about a failure here
	}
}

// try runs docker and returns what it wrote to its standard output; the error
// holds what it wrote to its standard error.
func try(ctx context.Context, args ...string) (string, error) {
	cmd := command(ctx, lab.env, "docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("docker %s: %w\n%s%s", strings.Join(args, " "), err, tail(stdout.String()), tail(stderr.String()))
	}
	return stdout.String(), nil
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// docker runs docker, fails the test when that fails, and returns its output.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := try(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// build builds the Dockerfile in dir and returns the image's name.
func build(t *testing.T, dir string) string {
	t.Helper()
	name := unique("image")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	t.Cleanup(func() { _, _ = try(context.Background(), "rmi", "-f", name) })
	// The label goes to docker build, not into the file under test.
	if _, err := try(ctx, "build", "--progress=plain", "--provenance=false", "--label", label, "-t", name, dir); err != nil {
		t.Fatal(err)
	}
	return name
}

// strict is the least privilege a container can be started with.
var strict = []string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}

// run runs a command in a new container of image to its end and returns what
// it wrote to both outputs, and how it ended.
func run(t *testing.T, image string, flags []string, args ...string) (string, error) {
	t.Helper()
	name := unique("run")
	t.Cleanup(func() { _, _ = try(context.Background(), "rm", "-fv", name) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := append([]string{"run", "--rm", "--name", name, "--label", label}, flags...)
	cmd := command(ctx, lab.env, "docker", append(append(all, image), args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// output is run that has to end well.
func output(t *testing.T, image string, flags []string, args ...string) string {
	t.Helper()
	out, err := run(t, image, flags, args...)
	if err != nil {
		t.Fatalf("docker run %s %s: %v\n%s", strings.Join(flags, " "), strings.Join(args, " "), err, out)
	}
	return out
}

// start starts image in the background and returns the container's id.
func start(t *testing.T, image string, flags ...string) string {
	t.Helper()
	args := append([]string{"run", "-d", "--name", unique("container"), "--label", label}, flags...)
	t.Cleanup(func() { _, _ = try(context.Background(), "rm", "-fv", args[3]) })
	return strings.TrimSpace(docker(t, append(args, image)...))
}

// running reports whether the container's program still runs; when it does
// not, the second result is the end of its log.
func running(t *testing.T, container string) (bool, string) {
	t.Helper()
	if strings.TrimSpace(docker(t, "inspect", "-f", "{{.State.Running}}", container)) == "true" {
		return true, ""
	}
	return false, logs(container)
}

func logs(container string) string {
	out, _ := command(context.Background(), lab.env, "docker", "logs", "--tail", "30", container).CombinedOutput()
	return string(out)
}

// eventually calls try until it returns nil, the container has stopped or the time is over.
func eventually(t *testing.T, container string, limit time.Duration, try func() error) error {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if up, log := running(t, container); !up {
			return fmt.Errorf("the container has stopped: %w; its log:\n%s", err, log)
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v: %w; the container's log:\n%s", limit, err, logs(container))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// A status is /proc/PID/status of a container's first process, seen from the host.
type status map[string]string

func statusOf(t *testing.T, container string) status {
	t.Helper()
	pid := strings.TrimSpace(docker(t, "inspect", "-f", "{{.State.Pid}}", container))
	data, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatalf("%v; the container's log:\n%s", err, logs(container))
	}
	s := status{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		s[key] = strings.TrimSpace(value)
	}
	return s
}

// id is the effective id in the line Uid or Gid.
func (s status) id(key string) int {
	fields := strings.Fields(s[key])
	if len(fields) < 2 {
		return -1
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return -1
	}
	return n
}

// mustBeLocked fails the test unless the process has no capability and cannot get any.
func (s status) mustBeLocked(t *testing.T) {
	t.Helper()
	for key, want := range map[string]string{"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1"} {
		if s[key] != want {
			t.Errorf("first process has %s %s, want %s", key, s[key], want)
		}
	}
	if s.id("Uid") == 0 || s.id("Gid") == 0 {
		t.Errorf("first process runs as %d:%d", s.id("Uid"), s.id("Gid"))
	}
}

// A tree is what an image's file system holds, read from outside of it: an
// image needs no tools for this, and nothing is hidden by who looks.
type tree struct {
	privileged []string // "4755 /usr/bin/su", "capability /usr/bin/ping"
	passwd     string   // "" where there is no /etc/passwd
}

func treeOf(t *testing.T, image string) tree {
	t.Helper()
	// A command is needed to create a container; it never runs.
	container := strings.TrimSpace(docker(t, "create", "--label", label, "--entrypoint", "", image, "/none"))
	t.Cleanup(func() { _, _ = try(context.Background(), "rm", "-fv", container) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := command(ctx, lab.env, "docker", "export", container)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	result, err := readTree(pipe)
	if err == nil {
		_, err = io.Copy(io.Discard, pipe)
	}
	if err = errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("reading the file system of %s: %v", image, err)
	}
	return result
}

func readTree(r io.Reader) (tree, error) {
	var result tree
	files := tar.NewReader(r)
	for {
		h, err := files.Next()
		if err == io.EOF {
			return result, nil
		}
		if err != nil {
			return tree{}, err
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeLink {
			continue
		}
		name := filepath.Join("/", h.Name)
		if h.Mode&0o6000 != 0 {
			result.privileged = append(result.privileged, fmt.Sprintf("%04o %s", h.Mode&0o7777, name))
		}
		// Where tar keeps extended attributes, see the pax format of GNU tar and bsdtar.
		if h.PAXRecords["SCHILY.xattr.security.capability"] != "" {
			result.privileged = append(result.privileged, "capability "+name)
		}
		if name == "/etc/passwd" && h.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(io.LimitReader(files, 1<<20))
			if err != nil {
				return tree{}, err
			}
			result.passwd = string(data)
		}
	}
}

// hasAccount reports whether some line of the tree's /etc/passwd has the uid.
func (tr tree) hasAccount(uid int) bool {
	for line := range strings.Lines(tr.passwd) {
		if f := strings.Split(line, ":"); len(f) == 7 && f[2] == strconv.Itoa(uid) {
			return true
		}
	}
	return false
}

// account returns the uid and gid of an account by name, -1 for both where there is none.
func (tr tree) account(name string) (uid, gid int) {
	for line := range strings.Lines(tr.passwd) {
		if f := strings.Split(line, ":"); len(f) == 7 && f[0] == name {
			uid, err := strconv.Atoi(f[2])
			gid, err2 := strconv.Atoi(f[3])
			if err == nil && err2 == nil {
				return uid, gid
			}
		}
	}
	return -1, -1
}

// hardenBinary compiles the command, once per run of the tests; HARDEN_E2E_BIN
// names a binary, of a release for example, to be tested instead.
var hardenBinary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("HARDEN_E2E_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	bin := filepath.Join(lab.bin, "harden")
	cmd := exec.Command("go", "build", "-o", bin, "../cmd/harden")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building harden: %w\n%s", err, out)
	}
	return bin, nil
})

// harden runs the command in dir as a user would, with the lab's registry in
// place of the public one, and returns its standard error. It has to exit 0.
func harden(t *testing.T, dir string, args ...string) string {
	t.Helper()
	bin, err := hardenBinary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := command(ctx, append(lab.env[:len(lab.env):len(lab.env)], "XDG_CACHE_HOME="+filepath.Join(lab.bin, "cache")), bin, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("harden %s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stderr.String()
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, text string, elem ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elem...), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

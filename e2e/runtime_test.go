package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runtimeServices are run as harden runtime says. Refused ones keep root, with
// fewer capabilities.
var runtimeServices = []string{
	"nginx", "phpfpm", "postgres", "redis", "rails", "laravel", "node", "java", "distroless", "gostatic",
	"gosu-unguarded", "haproxy", "cron",
}

// TestRuntimeProfile starts the hardened services with the very command that
// harden runtime prints, and wants their probes to pass.
func TestRuntimeProfile(t *testing.T) {
	needEngine(t)
	all := services(t)
	for _, name := range runtimeServices {
		i := slices.IndexFunc(all, func(s service) bool { return s.name == name })
		if i < 0 {
			t.Errorf("no service %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all[i].testRuntime(t)
		})
	}
}

func (s service) testRuntime(t *testing.T) {
	dir := s.context(t)
	harden(t, dir, "-w", "Dockerfile")
	image := build(t, dir)
	text := runtimeOutput(t, dir, "--image", image, "Dockerfile")
	container := startCommand(t, text)
	if err := s.probe(t, container); err != nil {
		t.Fatalf("%v\nstarted with\n%s\nDockerfile:\n%s", err, text, read(t, dir, "Dockerfile"))
	}
	state := statusOf(t, container)
	if state["NoNewPrivs"] != "1" || state["CapBnd"] == dockerDefault {
		t.Errorf("first process has NoNewPrivs %s and CapBnd %s, started with\n%s", state["NoNewPrivs"], state["CapBnd"], text)
	}
	if s.refused != "" {
		return
	}
	state.mustBeLocked(t)
	if readOnly := docker(t, "inspect", "-f", "{{.HostConfig.ReadonlyRootfs}}", container); strings.TrimSpace(readOnly) != "true" {
		t.Errorf("the root is not read-only, started with\n%s", text)
	}
}

// runtimeOutput is what harden runtime writes to its standard output.
func runtimeOutput(t *testing.T, dir string, args ...string) string {
	t.Helper()
	bin, err := hardenBinary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := command(ctx, append(lab.env[:len(lab.env):len(lab.env)], "XDG_CACHE_HOME="+filepath.Join(lab.bin, "cache")), bin, append([]string{"runtime"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			t.Fatalf("harden runtime: %v\n%s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

// startCommand runs a printed docker command through a shell, in the
// background, and returns the container's id.
func startCommand(t *testing.T, text string) string {
	t.Helper()
	const run = "docker run --rm "
	if strings.Count(text, run) != 1 {
		t.Fatalf("not one %q in\n%s", run, text)
	}
	name := unique("container")
	// Without --rm the log of one that stops at once can still be read.
	line := strings.Replace(text, run, "docker run -d --name "+name+" --label "+label+" ", 1)
	t.Cleanup(func() { _, _ = try(context.Background(), "rm", "-fv", name) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := command(ctx, lab.env, "/bin/sh", "-c", line)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	return name
}

// TestVolumeMigration fills a volume as root, and wants the hardened image to
// be able to write to it after the command of the note, and not before.
func TestVolumeMigration(t *testing.T) {
	needEngine(t)
	t.Parallel()
	const dockerfile = `FROM debian:bookworm-slim
VOLUME /data
CMD ["sh", "-c", "mkdir -p /data/sub && echo again >> /data/sub/log && cat /data/sub/log"]
`
	dir := t.TempDir()
	write(t, dockerfile, dir, "Dockerfile")
	volume := unique("volume")
	docker(t, "volume", "create", "--label", label, volume)
	t.Cleanup(func() { _, _ = try(context.Background(), "volume", "rm", "-f", volume) })
	mount := []string{"-v", volume + ":/data"}
	output(t, build(t, dir), mount)

	report := func() string {
		bin, err := hardenBinary()
		if err != nil {
			t.Fatal(err)
		}
		cmd := command(t.Context(), append(lab.env[:len(lab.env):len(lab.env)], "XDG_CACHE_HOME="+filepath.Join(lab.bin, "cache")), bin, "runtime", "--image", "HARDENED", "Dockerfile")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}()
	harden(t, dir, "-w", "Dockerfile")
	image := build(t, dir)
	strictMount := append(slices.Clone(mount), strict...)
	if out, err := run(t, image, strictMount); err == nil {
		t.Fatalf("the volume of root could be written before:\n%s", out)
	}
	line := ""
	for l := range strings.Lines(report) {
		if strings.Contains(l, "docker run --rm -u 0") {
			line = strings.TrimSpace(l)
		}
	}
	if line == "" {
		t.Fatalf("no command in\n%s", report)
	}
	line = strings.NewReplacer("VOLUME:", volume+":", "HARDENED", image).Replace(line)
	if out, err := command(t.Context(), lab.env, "/bin/sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	if got := output(t, image, strictMount); got != "again\nagain\n" {
		t.Errorf("after %s the volume holds %q", line, got)
	}
}

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// ping is what the demonstration is about: Debian's package gives it a file
// capability, it is the textbook reason not to drop privileges, and it does
// not need any.
const pingDockerfile = `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libcap2-bin iputils-ping && rm -rf /var/lib/apt/lists/*
CMD ["sleep", "infinity"]
`

// dockerDefault is the set of capabilities that Docker gives a root container:
// https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
const dockerDefault = "00000000a80425fb"

func TestFoundingDemonstration(t *testing.T) {
	needEngine(t)
	t.Parallel()
	dir := t.TempDir()
	write(t, pingDockerfile, dir, "Dockerfile")

	before := build(t, dir)
	if got := output(t, before, nil, "getpcaps", "1"); !strings.Contains(got, "cap_setuid") || !strings.Contains(got, "cap_net_raw") {
		t.Errorf("before: getpcaps 1 = %q, want the capabilities of a root container", got)
	}
	asUser := []string{"--user", "1000"}
	got := output(t, before, asUser, "sh", "-c", "grep -E '^Cap(Eff|Bnd)' /proc/self/status && ping -c 1 -q 127.0.0.1")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t" + dockerDefault, "1 received"} {
		if !strings.Contains(got, want) {
			t.Errorf("before: as user 1000 got\n%swant %q in it", got, want)
		}
	}
	if out, err := run(t, before, append(asUser, "--cap-drop", "ALL"), "ping", "-c", "1", "-q", "127.0.0.1"); err == nil {
		t.Errorf("before: ping has a file capability, but starts under --cap-drop ALL:\n%s", out)
	}
	if tr := treeOf(t, before); !slices.Contains(tr.privileged, "capability /usr/bin/ping") || !slices.Contains(tr.privileged, "4755 /usr/bin/su") {
		t.Errorf("before: privileged files are %q, want su and ping among them", tr.privileged)
	}

	report := harden(t, dir, "-w", "Dockerfile")
	hardened := read(t, dir, "Dockerfile")
	t.Logf("report:\n%s\nDockerfile:\n%s", report, hardened)
	after := build(t, dir)

	if got := strings.TrimSpace(output(t, after, nil, "id", "-u")); got != "10001" {
		t.Errorf("after: id -u = %q, want 10001", got)
	}
	// As root, so that no folder is closed to find and getcap.
	asRoot := []string{"--user", "0:0"}
	if got := output(t, after, asRoot, "find", "/", "-xdev", "-perm", "/6000", "-type", "f"); got != "" {
		t.Errorf("after: setuid and setgid files:\n%s", got)
	}
	if got := output(t, after, asRoot, "sh", "-c", "getcap -r / 2>/dev/null"); got != "" {
		t.Errorf("after: file capabilities:\n%s", got)
	}
	if tr := treeOf(t, after); len(tr.privileged) != 0 {
		t.Errorf("after: privileged files %q", tr.privileged)
	}
	readOnly := append([]string{"--read-only"}, strict...)
	container := start(t, after, readOnly...)
	statusOf(t, container).mustBeLocked(t)
	if up, log := running(t, container); !up {
		t.Errorf("after: stopped under %s:\n%s", strings.Join(readOnly, " "), log)
	}
	if got := output(t, after, readOnly, "ping", "-c", "1", "-q", "127.0.0.1"); !strings.Contains(got, "1 received") {
		t.Errorf("after: ping as non-root with nothing to give up:\n%s", got)
	}

	harden(t, dir, "-w", "Dockerfile")
	if again := read(t, dir, "Dockerfile"); again != hardened {
		t.Errorf("a second run changed the file to:\n%s", again)
	}
}

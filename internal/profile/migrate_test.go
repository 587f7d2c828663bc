package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/pkg/rewrite"
)

func TestMigrations(t *testing.T) {
	const src = "FROM debian:bookworm-slim\nVOLUME /data /cache\nCMD [\"server\"]\n"
	services := []rewrite.Service{
		{File: "compose.yaml", Name: "web", Volumes: []rewrite.Mount{
			{Source: "data", Target: "/data"}, {Source: "ro", Target: "/etc/x", ReadOnly: true}, {Target: "/anonymous"},
		}, BindMounts: []rewrite.Mount{{Source: "./it's here", Target: "/up"}, {Source: "/var/run/docker.sock", Target: "/var/run/docker.sock"}}},
		{File: "deploy/prod.yaml", Name: "own", User: "5:6", Volumes: []rewrite.Mount{{Source: "own", Target: "/data"}}},
		{File: "compose.yaml", Name: "root", User: "root", Volumes: []rewrite.Mount{{Source: "root", Target: "/data"}}},
	}
	var got []string
	ms := Migrations(run(t, []byte(src)), services)
	for _, m := range ms {
		got = append(got, m.Command())
	}
	want := []string{
		"docker compose run --rm --no-deps -u 0 --cap-add CHOWN --entrypoint chown web -R 10001:10001 /data",
		`sudo chown -R 10001:10001 './it'\''s here'`,
		"docker compose -f deploy/prod.yaml run --rm --no-deps -u 0 --cap-add CHOWN --entrypoint chown own -R 5:6 /data",
		"docker run --rm -u 0 -v VOLUME:/p --entrypoint chown IMAGE -R 10001:10001 /p",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	text := MigrationMarkdown(ms)
	for _, want := range []string{"10001:10001", "web-owner:", "condition: service_completed_successfully", "fsGroup: 10001"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// An image without chown, of which Compose mounts a volume.
func TestMigrationWithoutTools(t *testing.T) {
	res := run(t, []byte("FROM gcr.io/distroless/static\nCOPY server /\nCMD [\"/server\"]\n"))
	ms := Migrations(res, []rewrite.Service{{File: "compose.yaml", Name: "web", Volumes: []rewrite.Mount{{Source: "data", Target: "/data"}}}})
	if len(ms) != 1 {
		t.Fatalf("%d migrations of %s %s", len(ms), res.Outcome, res.Why)
	}
	const want = "docker run --rm -u 0 -v PROJECT_data:/p busybox:stable chown -R 65532:65532 /p"
	if got := ms[0].Command(); got != want {
		t.Errorf("command %q, want %q", got, want)
	}
}

func TestNoMigration(t *testing.T) {
	for name, src := range map[string]string{
		"already non-root": "FROM debian:bookworm-slim\nRUN useradd -u 5000 app\nVOLUME /data\nUSER 5000:5000\nCMD [\"a\"]\n",
		"stays root":       "FROM debian:bookworm-slim\nRUN apt-get install -y cron\nVOLUME /data\nCMD [\"cron\", \"-f\"]\n",
		"no volumes":       "FROM debian:bookworm-slim\nCMD [\"a\"]\n",
	} {
		if ms := Migrations(run(t, []byte(src)), nil); len(ms) != 0 {
			t.Errorf("%s: %d migrations, want none", name, len(ms))
		}
	}
}

func TestQuoting(t *testing.T) {
	for _, s := range []string{"", "yes", "NO", "~", "null", "10001:10001", "1e3", "0x1", "a: b", "a #b", "- a", "é", "\u202e", "a\nb", "\"'\\", "#", "*a", "&a", "!a", "{", "a:", "true", "y", "/run:mode=0755,uid=1", "NET_RAW", "@x", "`", "%a", "=", "<<", ".5", "\x7f\u0085\u2028\ufeff", "😀"} {
		for _, inFlow := range []bool{false, true} {
			checkScalar(t, s, scalar(s, "!!str", inFlow), inFlow)
		}
		checkScalar(t, s, quoted(s), false)
	}
}

func checkScalar(t *testing.T, s, written string, inFlow bool) {
	t.Helper()
	src := "a: " + written + " # c\n"
	if inFlow {
		src = "{b: [" + written + ", x], a: " + written + "}\n"
	}
	f, err := parseYAML([]byte(src))
	if err != nil {
		t.Errorf("%q is written as %s: %v", s, written, err)
		return
	}
	if v := lookup(f.docs[0], "a"); v == nil || !text(s).is(v) {
		t.Errorf("%q is written as %s and read as %+v", s, written, v)
	}
}

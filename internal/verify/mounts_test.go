package verify

import (
	"archive/tar"
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/pkg/rewrite"
)

// TestMounts holds that data survives a restart, that nothing of the image is
// hidden, and that no volume holds the program's own files.
func TestMounts(t *testing.T) {
	tests := map[string]struct {
		set   []rewrite.Writable
		vols  []string
		holds map[string]Holding
		flags string
		code  []string
		guess []string
	}{
		"scratch": {
			set:   []rewrite.Writable{{Path: "/run/x.pid", File: true}, {Path: "/var/cache/x"}, {Path: "/home/appuser", Why: "home"}},
			flags: "--tmpfs /home/appuser:O --tmpfs /run:O --tmpfs /tmp:mode=1777 --tmpfs /var/cache/x:O",
		},
		"data":           {set: []rewrite.Writable{{Path: "/srv/influx"}}, flags: "--tmpfs /tmp:mode=1777 --volume web-srv-influx:/srv/influx"},
		"data that came": {set: []rewrite.Writable{{Path: "/srv/svn"}}, holds: map[string]Holding{"/srv/svn": Data}, flags: "--tmpfs /tmp:mode=1777 --volume web-srv-svn:/srv/svn"},
		"data in data":   {set: []rewrite.Writable{{Path: "/srv/svn"}, {Path: "/srv/svn/repo"}}, flags: "--tmpfs /tmp:mode=1777 --volume web-srv-svn:/srv/svn"},
		"scratch of the image": {
			set: []rewrite.Writable{{Path: "/var/log/nginx"}, {Path: "/app/tmp"}}, holds: map[string]Holding{"/var/log/nginx": Data, "/app/tmp": Code, "/tmp": Data},
			flags: "--volume /app/tmp --volume /tmp --volume /var/log/nginx",
		},
		"code that may be written": {
			set: []rewrite.Writable{{Path: "/app", Why: "working directory", Code: true}}, holds: map[string]Holding{"/app": Code},
			flags: "--tmpfs /tmp:mode=1777", guess: []string{"/app"},
		},
		"code that is written": {
			set: []rewrite.Writable{{Path: "/app/app.db", File: true}}, holds: map[string]Holding{"/app": Code},
			flags: "--tmpfs /tmp:mode=1777", code: []string{"/app"},
		},
		"subdirectory of the code": {
			set:   []rewrite.Writable{{Path: "/app", Why: "working directory", Code: true}, {Path: "/app/data"}},
			holds: map[string]Holding{"/app": Code}, flags: "--tmpfs /tmp:mode=1777 --volume web-app-data:/app/data",
		},
		"volume of the image": {set: []rewrite.Writable{{Path: "/data/sub"}}, vols: []string{"/data/"}, flags: "--tmpfs /tmp:mode=1777"},
		"configuration":       {set: []rewrite.Writable{{Path: "/etc/x/conf.d"}}, holds: map[string]Holding{"/etc/x/conf.d": Data}, flags: "--tmpfs /tmp:mode=1777 --volume /etc/x/conf.d"},
		"system's data":       {set: []rewrite.Writable{{Path: "/var/lib/x"}}, holds: map[string]Holding{"/var/lib/x": Code}, flags: "--tmpfs /tmp:mode=1777 --volume web-var-lib-x:/var/lib/x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			res := &rewrite.Result{Profile: rewrite.Profile{Writable: tt.set, Volumes: tt.vols}}
			got := mountsFor(profile.Mounts(res, 5), tt.holds, "O")
			if d := cmp.Diff("--read-only "+tt.flags, strings.Join(got.flags("web"), " ")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if !slices.Equal(got.code, tt.code) || !slices.Equal(got.guessed, tt.guess) {
				t.Errorf("code %q, guessed %q", got.code, got.guessed)
			}
		})
	}
}

// TestNoMountIsPossible holds that the row about a read-only root is not tried,
// with the reason, and that this is no loss.
func TestNoMountIsPossible(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) {
			return fake{uid: 10001}
		}
		return fake{}
	})
	e.held = map[string]Holding{"/app": Code}
	j := job()
	harden := j.Rewrite
	j.Rewrite = func(ctx context.Context, l Learned) (*rewrite.Result, error) {
		res, err := harden(ctx, l)
		res.Profile.Writable = []rewrite.Writable{{Path: "/app/app.db", File: true}}
		return res, err
	}
	r, err := Run(t.Context(), e, j, quick())
	if err != nil || !r.Proven() {
		t.Fatalf("%v, less %q", err, r.Less)
	}
	if rung := r.After.Rung(ReadOnly); rung.OK || rung.Skipped != NotPossible || !strings.Contains(rung.Why, "writes to /app, where its own files lie") {
		t.Errorf("%+v", rung)
	}
}

func TestHolding(t *testing.T) {
	reg := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }
	dir := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }
	for name, tt := range map[string]struct {
		at      string
		entries []tar.Header
		want    Holding
	}{
		"empty":           {"/srv/x", []tar.Header{dir("./")}, Nothing},
		"data":            {"/srv/x", []tar.Header{dir("./"), reg("./a.db")}, Data},
		"code":            {"/srv/x", []tar.Header{dir("./"), reg("./a.txt"), reg("./lib/b.py")}, Code},
		"program":         {"/srv/x", []tar.Header{{Name: "./run", Typeflag: tar.TypeReg, Mode: 0o755}}, Code},
		"repository":      {"/srv/x", []tar.Header{{Name: "./hooks/update.sample", Typeflag: tar.TypeReg, Mode: 0o755}, reg("./conf/hooks-env.tmpl")}, Data},
		"directories":     {"/app/tmp", []tar.Header{dir("./"), dir("./pids")}, Data},
		"run":             {"/run", []tar.Header{dir("./"), dir("./lock"), reg("./systemd/container"), reg("./adduser")}, Nothing},
		"log":             {"/var/log/nginx", []tar.Header{{Name: "./access.log", Typeflag: tar.TypeSymlink, Linkname: "/dev/stdout"}}, Data},
		"home":            {"/home/node", []tar.Header{reg("./.bashrc")}, Nothing},
		"not a directory": {"/srv/x", nil, Nothing},
	} {
		if got := holding(bytes.NewReader(tarOf(t, tt.entries...)), tt.at); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

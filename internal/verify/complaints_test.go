package verify

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// TestPlace holds what a path on a line about permissions is worth.
func TestPlace(t *testing.T) {
	const denied = ": Permission denied"
	for name, tt := range map[string]struct {
		c    complaint
		want Learned
	}{
		"data":                          {complaint{line: "open /srv/a.db" + denied, path: "/srv/a.db", kind: Regular, mode: 0o644}, Learned{Files: []string{"/srv/a.db"}}},
		"configuration":                 {complaint{line: "in /usr/local/etc/h/h.cfg" + denied, path: "/usr/local/etc/h/h.cfg", kind: Regular, mode: 0o644}, Learned{}},
		"configuration elsewhere":       {complaint{line: "from /app/app.yaml" + denied, path: "/app/app.yaml", kind: Regular, mode: 0o644}, Learned{}},
		"configuration nobody may read": {complaint{line: "/etc/x/x.conf" + denied, path: "/etc/x/x.conf", kind: Regular, mode: 0o600}, Learned{Files: []string{"/etc/x/x.conf"}}},
		"directory of it":               {complaint{line: "/etc/x" + denied, path: "/etc/x", kind: Directory, mode: fs.ModeDir | 0o755}, Learned{}},
		"missing there":                 {complaint{line: "/etc/x/y" + denied, path: "/etc/x/y", kind: Missing}, Learned{}},
		"program":                       {complaint{line: "/app/run" + denied, path: "/app/run", kind: Regular, mode: 0o755}, Learned{}},
		"only read":                     {complaint{line: "reading /app/a.txt, writing /x" + denied, path: "/app/a.txt", kind: Regular, mode: 0o644}, Learned{}},
		"socket":                        {complaint{line: "bind /run/x.sock" + denied, path: "/run/x.sock", kind: Missing, socket: true}, Learned{Unfixable: []string{"/run/x.sock"}}},
		"socket that is there":          {complaint{line: "bind /run/x.sock" + denied, path: "/run/x.sock", kind: OtherKind, socket: true}, Learned{Unfixable: []string{"/run/x.sock"}}},
		"socket in its directory":       {complaint{line: "bind /srv/x/x.sock" + denied, path: "/srv/x/x.sock", kind: Missing, socket: true}, Learned{Dirs: []string{"/srv/x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProver(nil, job(), quick())
			p.report.Result, _ = p.job.Rewrite(t.Context(), Learned{})
			var got Learned
			p.place(tt.c, &got)
			got.How = nil
			if d := cmp.Diff(clean(tt.want), clean(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestComplaintAboutSocket holds that neither the configuration in which the
// socket is named nor a file in its place is given away.
func TestComplaintAboutSocket(t *testing.T) {
	e := newFake(func(_ Spec, d string) fake {
		if nonroot(d) {
			return fake{ended: true, status: 1, log: "Binding [/usr/local/etc/h/h.cfg:2] cannot bind UNIX socket (Permission denied) [/var/run/h.sock]", uid: 10001}
		}
		return fake{}
	})
	e.existing = map[string]FileKind{"/usr/local/etc/h/h.cfg": Regular}
	e.modes = map[string]fs.FileMode{"/usr/local/etc/h/h.cfg": 0o644}
	e.changes = []Change{{Path: "/run/h.sock", Added: true}}
	j := job()
	j.Images = images{&imageinspect.Facts{Distro: imageinspect.Distro{ID: "debian"}}}
	opts := quick()
	opts.Learn = true
	r, err := Run(t.Context(), e, j, opts)
	if err != nil || r.Proven() || r.Learned == nil {
		t.Fatalf("%v, %+v", err, r)
	}
	if len(r.Learned.Files) > 0 || !slices.Equal(r.Learned.Unfixable, []string{"/run/h.sock"}) || !strings.Contains(r.Learned.How["/run/h.sock"], "/run/h/h.sock") {
		t.Errorf("%+v", r.Learned)
	}
}

// TestTakeBack holds that a pid file which is in the way when it is made
// beforehand is not made, and said; and that one which only cannot be removed
// is no loss.
func TestTakeBack(t *testing.T) {
	const pid = "/run/x.pid"
	made := func(d string) bool { return strings.Contains(d, "# owns "+pid) }
	for name, tt := range map[string]struct {
		behave    func(s Spec, d string) fake
		proven    bool
		unfixable bool
	}{
		"insists on making it": {func(_ Spec, d string) fake {
			switch {
			case made(d):
				return fake{ended: true, status: 1, log: "x: " + pid + ": File exists", uid: 10001}
			case nonroot(d) && !strings.Contains(d, "# owns /srv"):
				return fake{ended: true, status: 1, log: "x", uid: 10001}
			case nonroot(d):
				return fake{uid: 10001}
			}
			return fake{}
		}, true, true},
		"says nothing": {func(s Spec, d string) fake {
			if made(d) && !s.ReadOnly {
				return fake{ended: true, status: 1, uid: 10001}
			}
			if nonroot(d) && !s.ReadOnly {
				return fake{ended: true, status: 1, log: "I want my pid file", uid: 10001}
			}
			return fake{uid: 10001}
		}, false, true},
		"cannot remove it": {func(_ Spec, d string) fake {
			if made(d) {
				return fake{log: "cannot delete /var/run/x.pid: Permission denied", uid: 10001}
			}
			if nonroot(d) {
				return fake{ended: true, status: 1, uid: 10001}
			}
			return fake{}
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newFake(tt.behave)
			e.health = nil
			e.changes = []Change{{Path: pid, Added: true}, {Path: "/srv/x/y", Added: true}}
			e.layer = []Entry{{Path: pid, Kind: Regular}}
			opts := quick()
			opts.Learn = true
			j := job()
			harden := j.Rewrite
			j.Rewrite = func(ctx context.Context, l Learned) (*rewrite.Result, error) {
				res, err := harden(ctx, l)
				for _, f := range l.Files {
					res.Profile.Writable = append(res.Profile.Writable, rewrite.Writable{Path: f, File: true})
				}
				return res, err
			}
			r, err := Run(t.Context(), e, j, opts)
			if err != nil || r.Proven() != tt.proven {
				t.Fatalf("%v, less %q", err, r.Less)
			}
			if got := slices.Contains(r.Learned.Unfixable, pid); got != tt.unfixable || slices.Contains(r.Learned.Files, pid) == got {
				t.Errorf("%+v", r.Learned)
			}
			if !tt.unfixable && len(r.Warnings) == 0 {
				t.Error("it is not said that the file stays")
			}
		})
	}
}

package verify

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/pkg/imageinspect"
)

func TestObservation(t *testing.T) {
	added := func(p string) Change { return Change{Path: p, Added: true} }
	file := func(p string) Entry { return Entry{Path: p, Kind: Regular} }
	dir := func(p string) Entry { return Entry{Path: p, Kind: Directory} }
	tests := map[string]struct {
		seen observation
		want Learned
	}{
		"whole service directory": {observation{
			changes: []Change{{Path: "/var/log/nginx/access.log"}, added("/var/lib/nginx/body")},
			entries: []Entry{file("/var/log/nginx/access.log"), dir("/var/lib/nginx/body")},
		}, Learned{Trees: []string{"/var/lib/nginx", "/var/log/nginx"}}},
		"opened and left unchanged": {observation{entries: []Entry{file("/var/log/nginx/error.log")}}, Learned{Trees: []string{"/var/log/nginx"}}},
		"only the entry in shared directories": {observation{
			changes: []Change{added("/run/nginx.pid"), added("/run/php"), added("/run/php/fpm.sock"), added("/var/log/app.log")},
			entries: []Entry{file("/run/nginx.pid"), dir("/run/php"), file("/var/log/app.log")},
		}, Learned{Trees: []string{"/run/php"}, Files: []string{"/run/nginx.pid", "/var/log/app.log"}}},
		"socket in a shared directory": {observation{changes: []Change{added("/run/app.sock")}}, Learned{Unfixable: []string{"/run/app.sock"}}},
		"directory of the application": {observation{
			changes: []Change{added("/app/data/1.db"), added("/app/data/2.db"), {Path: "/app/conf/x.ini"}},
			entries: []Entry{file("/app/data/1.db"), file("/app/data/2.db"), file("/app/conf/x.ini")},
		}, Learned{Dirs: []string{"/app/data"}, Files: []string{"/app/conf/x.ini"}}},
		"topmost of what is made": {observation{
			changes: []Change{added("/app/a"), added("/app/a/b"), added("/app/a/b/c")},
			entries: []Entry{dir("/app/a"), dir("/app/a/b"), file("/app/a/b/c")},
		}, Learned{Dirs: []string{"/app"}}},
		"directory below the root": {observation{changes: []Change{added("/data"), added("/data/x")}, entries: []Entry{dir("/data"), file("/data/x")}},
			Learned{Trees: []string{"/data"}}},
		"what is nobody's business": {observation{
			changes: []Change{added("/tmp/x"), {Path: "/etc/passwd"}, added("/usr/lib/python3/__pycache__"), added("/root/.cache"), {Path: "/etc/hosts"}, added("/usr/local/bin/x"), added("/app/x'; rm")},
			entries: []Entry{file("/etc/passwd"), file("/etc/hosts"), file("/etc/sudoers.d/x"), file("/bin/sh")},
		}, Learned{}},
		"open to all, or the user's already": {observation{
			changes: []Change{added("/run/lock/x/y"), added("/srv/mine/x"), added("/srv/open/y")},
			entries: []Entry{{Path: "/srv/own.txt", Kind: Regular, UID: 33}},
			user:    33,
			facts:   &imageinspect.Facts{Dirs: []imageinspect.Dir{{Path: "/srv/mine", UID: 33, Mode: 0o755}, {Path: "/srv/open", Mode: 0o1777}}},
		}, Learned{Trees: []string{"/run/lock/x"}}},
		"volume":  {observation{volumes: []string{"/data"}}, Learned{Dirs: []string{"/data"}}},
		"deleted": {observation{changes: []Change{{Path: "/app/lock/x", Deleted: true}}}, Learned{Dirs: []string{"/app/lock"}}},
		"repository that a step made": {observation{
			changes: []Change{added("/srv/git/app.git/objects/01"), added("/srv/git/app.git/refs/x"), {Path: "/srv/git/app.git/HEAD"}},
			entries: []Entry{dir("/srv/git/app.git/objects/01"), file("/srv/git/app.git/HEAD")}, image: repository(),
		}, Learned{Trees: []string{"/srv/git"}}},
		"code beside it": {observation{
			changes: []Change{added("/app/git/objects/01")}, entries: []Entry{dir("/app/git/objects/01")}, image: repository(),
		}, Learned{Dirs: []string{"/app/git/objects"}}},
		"copied tree": {observation{changes: []Change{added("/opt/seed/sub/x")}, entries: []Entry{file("/opt/seed/sub/x")}, image: repository()},
			Learned{Dirs: []string{"/opt/seed/sub"}}},
		"scratch that the image has": {observation{
			changes: []Change{added("/tmp/uploads/x"), added("/tmp/other/x"), added("/var/tmp/nginx/body/1"), added("/tmp/y")},
			entries: []Entry{file("/tmp/uploads/x"), file("/tmp/y")}, image: repository(),
		}, Learned{Dirs: []string{"/tmp/uploads", "/var/tmp/nginx/body"}}},
		"database alone": {observation{entries: []Entry{{Path: "/opt/seed/sub/a.db", Kind: Regular, SQLite: true}}, image: repository()},
			Learned{Dirs: []string{"/opt/seed/sub"}, Files: []string{"/opt/seed/sub/a.db"}}},
		"database among code": {observation{entries: []Entry{{Path: "/app/a.db", Kind: Regular, SQLite: true}}, image: repository()},
			Learned{Files: []string{"/app/a.db"}, Unfixable: []string{"/app/a.db-journal"}}},
		"database in the user's directory": {observation{entries: []Entry{{Path: "/app/a.db", Kind: Regular, SQLite: true}}, image: repository(), owned: []string{"/app"}},
			Learned{Files: []string{"/app/a.db"}}},
		"mounts": {observation{mounts: true, changes: []Change{added("/var/lib/php/sessions/s1")}, entries: []Entry{file("/var/lib/php/sessions/s1")},
			facts: &imageinspect.Facts{Dirs: []imageinspect.Dir{{Path: "/var/lib/php/sessions", Mode: 0o1733}}}},
			Learned{Dirs: []string{"/var/lib/php/sessions"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got Learned
			tt.seen.into(&got)
			for _, p := range slices.Concat(got.Dirs, got.Trees, got.Files, got.Unfixable) {
				if got.How[p] == "" {
					t.Errorf("%s is not explained", p)
				}
			}
			got.How = nil
			if d := cmp.Diff(clean(tt.want), clean(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// repository is an image with git repositories, copied files, and an application
// with a repository among its files.
func repository() *Contents {
	dir := func(p string) Entry { return Entry{Path: p, Kind: Directory, Mode: 0o755} }
	file := func(p string) Entry { return Entry{Path: p, Kind: Regular, Mode: 0o644} }
	return newContents([][]Entry{
		{dir("/srv"), dir("/opt"), dir("/tmp"), dir("/var/tmp")},
		{dir("/srv"), dir("/srv/git"), dir("/srv/git/app.git"), file("/srv/git/app.git/HEAD"), dir("/srv/git/app.git/objects"), dir("/srv/git/app.git/refs"),
			{Path: "/srv/git/app.git/hooks/update.sample", Kind: Regular, Mode: 0o755}, dir("/app"), dir("/app/git"), dir("/app/git/objects"),
			{Path: "/app/git/run", Kind: Regular, Mode: 0o755}, dir("/tmp/uploads"), dir("/var/tmp/nginx"), dir("/var/tmp/nginx/body")},
		{dir("/opt/seed"), dir("/opt/seed/sub"), file("/opt/seed/sub/a.db"), file("/opt/seed/a.txt"), dir("/app"), file("/app/main.py"), file("/app/a.db")},
	}, []string{"", "RUN /bin/sh -c git init", "COPY . . # buildkit"})
}

func TestContents(t *testing.T) {
	file := func(p string) Entry { return Entry{Path: p, Kind: Regular} }
	c := newContents([][]Entry{
		{{Path: "/a", Kind: Directory}, file("/a/x"), file("/a/y"), {Path: "/b", Kind: Directory}, file("/b/x")},
		{{Path: "/a/x", Kind: whiteout}, {Path: "/b", Kind: whiteout}, {Path: "/b", Kind: Directory}, file("/b/y"), file("/a/y")},
	}, []string{"COPY a /a", "RUN make"})
	if got := strings.Join(c.paths, " "); got != "/a /a/y /b /b/y" {
		t.Errorf("%q", got)
	}
	if c.files["/a/y"].run || !c.files["/b/y"].run {
		t.Errorf("a copied file that a step changes is the step's: %+v", c.files)
	}
	var many []Entry
	for i := range maxTreeFiles + 1 {
		many = append(many, file(fmt.Sprint("/data/", i)))
	}
	many = append(many, Entry{Path: "/data", Kind: Directory})
	if got := newContents([][]Entry{many}, []string{"RUN x"}).treeOf("/data"); got != "" {
		t.Errorf("%q is too much to give away", got)
	}
	for step, want := range map[string]bool{"RUN x": true, "RUN |1 A=b /bin/sh -c x": true, "/bin/sh -c x": true, "|1 A=b /bin/sh -c x": true,
		"COPY a b": false, "/bin/sh -c #(nop) COPY dir:1 in /": false, "WORKDIR /a": false} {
		if ranCommand(step) != want {
			t.Error(step)
		}
	}
}

// clean makes empty lists equal to missing ones.
func clean(l Learned) Learned {
	for _, list := range []*[]string{&l.Dirs, &l.Trees, &l.Files, &l.Unfixable} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return l
}

func TestMergeLearned(t *testing.T) {
	var l Learned
	if !l.Merge(Learned{Dirs: []string{"/a"}, How: map[string]string{"/a": "seen"}}) || l.Merge(Learned{Dirs: []string{"/a"}}) {
		t.Error("news are not told from what is known")
	}
	if !l.Merge(Learned{Trees: []string{"/a"}}) || len(l.Dirs) != 0 || l.Merge(Learned{Dirs: []string{"/a"}}) {
		t.Errorf("a tree does not replace its directory: %+v", l)
	}
	if l.Merge(Learned{Unfixable: []string{"/run/x"}}) || len(l.Unfixable) != 1 {
		t.Error("what cannot be fixed counts as news")
	}
}

func TestPathsIn(t *testing.T) {
	for line, want := range map[string]string{
		`nginx: [emerg] open() "/var/x/y.log" failed (13: Permission denied)`:                                                                                   "/var/x/y.log",
		`PermissionError: [Errno 13] Permission denied: '/srv/app/state'`:                                                                                       "/srv/app/state",
		`mkdir: cannot create directory '/data': Permission denied`:                                                                                             "/data",
		`/app/start.sh: line 3: /var/run/x.pid: Permission denied`:                                                                                              "/var/run/x.pid",
		`java.io.FileNotFoundException: /logs/app.log (Permission denied)`:                                                                                      "/logs/app.log",
		`Error: EACCES: permission denied, open '/usr/src/app/../app/cache/x.js'`:                                                                               "/usr/src/app/cache/x.js",
		`nothing here, not even http://example.com/x`:                                                                                                           "",
		`[ALERT] (1) : Binding [/usr/local/etc/haproxy/haproxy.cfg:2] for frontend GLOBAL: cannot bind UNIX socket (Permission denied) [/var/run/haproxy.sock]`: "/var/run/haproxy.sock",
		`Warning: fopen(/data/x): Failed to open stream: Permission denied in /app/index.php on line 3`:                                                         "/data/x",
		"`/a b/../$(x)'": "/a",
	} {
		if got := strings.Join(pathsIn(line), " "); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	p := parseStatus(statusText(33))
	if p == nil || p.UID != 33 || !p.NoNewPrivs || !slices.Equal(p.CapEff, []string{"cap_sys_chroot"}) || len(p.CapBnd) != 0 || !slices.Equal(p.Groups, []int{7}) {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{"", "Uid:\tx\n", "Uid:\t0\t0\nGid:\t0\t0\nCapEff:\tzz\nCapBnd:\t0\n"} {
		if p := parseStatus(bad); p != nil {
			t.Errorf("%q: %+v", bad, p)
		}
	}
	if !isFirst(statusText(1)) || isFirst("NSpid:\t1\n") || isFirst("NSpid:\t5\t4\n") {
		t.Error("the first process of a namespace is not told from others")
	}
}

func TestParseSockets(t *testing.T) {
	text := `  sl  local_address rem_address   st tx_queue
   0: 00000000:0050 00000000:0000 0A 00000000:00000000
   1: 0100007F:1F90 00000000:0000 01 00000000:00000000
   2: 00000000000000000000000000000000:1F90 0:0 0A 0
   3: garbage 0A 0A 0A
   0: 0B00007F:9C40 00000000:0000 0A 0
  sl  local_address rem_address   st tx_queue
   4: 00000000:0202 00000000:0000 07 0
   5: 0200000A:BEEF 0100000A:0035 01 0
   6: 0200000A:BEEE 0100000A:0035 07 0
   7: 0B00007F:9C41 00000000:0000 07 0
`
	if got := parseSockets(text); !slices.Equal(got.tcp, []int{80, 8080}) || !slices.Equal(got.udp, []int{514}) {
		t.Errorf("%+v", got)
	}
}

func tarOf(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLastLayer(t *testing.T) {
	first := tarOf(t, tar.Header{Name: "etc/passwd", Typeflag: tar.TypeReg})
	second := tarOf(t, tar.Header{Name: "./run/x.pid", Typeflag: tar.TypeReg, Uid: 5}, tar.Header{Name: "run/.wh.y", Typeflag: tar.TypeReg}, tar.Header{Name: "srv/", Typeflag: tar.TypeDir})
	manifest, _ := json.Marshal([]map[string]any{{"Config": "config.json", "Layers": []string{"a/layer.tar", "b/layer.tar"}}})
	config := []byte(`{"history":[{"created_by":"RUN /bin/sh -c useradd x # buildkit"},{"created_by":"EXPOSE 80","empty_layer":true},{"created_by":"server"}]}`)
	var saved bytes.Buffer
	w := tar.NewWriter(&saved)
	for name, content := range map[string][]byte{"a/layer.tar": first, "c/layer.tar": second, "config.json": config, "manifest.json": manifest} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	// Engines write a layer that occurs twice as a link to the first.
	if err := w.WriteHeader(&tar.Header{Name: "b/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../c/layer.tar"}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got, image, err := lastLayer(bytes.NewReader(saved.Bytes()))
	want := []Entry{{Path: "/run/x.pid", Kind: Regular, UID: 5}, {Path: "/srv", Kind: Directory}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	if f := image.files["/etc/passwd"]; !f.run || image.has("/srv") {
		t.Errorf("the image has %+v", image.files)
	}
	for _, bad := range [][]byte{nil, first, saved.Bytes()[:saved.Len()/2]} {
		if _, _, err := lastLayer(bytes.NewReader(bad)); err == nil {
			t.Errorf("no error for %d bytes", len(bad))
		}
	}
}

func TestWriteContext(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a.txt": "a", "skip/b.txt": "b", "skip/keep.txt": "c", ".dockerignore": "skip\n!skip/keep.txt\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writeContext(&out, Build{Context: dir, Path: filepath.Join(dir, "Dockerfile"), Dockerfile: []byte("FROM x\n")}, ".D"); err != nil {
		t.Fatal(err)
	}
	var names []string
	tr := tar.NewReader(&out)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Name == "link" && h.Linkname != "/etc/passwd" {
			t.Errorf("%+v", h)
		}
		names = append(names, h.Name)
	}
	slices.Sort(names)
	if want := []string{".D", ".dockerignore", "a.txt", "link", "skip/keep.txt"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestExecWords(t *testing.T) {
	if got := execWords("redis-cli -p 6379 ping"); len(got) != 4 {
		t.Errorf("%q", got)
	}
	if got := execWords("a | b"); !slices.Equal(got, []string{"/bin/sh", "-c", "a | b"}) {
		t.Errorf("%q", got)
	}
}

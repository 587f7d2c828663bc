package imageinspect

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// An ent is an entry of a hand-made layer. Without a type it is a regular
// file, a directory if the name ends in a slash.
type ent struct {
	name string
	mode int64 // 0 is 0755
	uid  int
	body string
	link string // target of a symlink, or of a hard link if it starts with "="
	caps string // name of a capability
}

func layerOf(t testing.TB, ents ...ent) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range ents {
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.uid, Gid: e.uid, Size: int64(len(e.body)), Typeflag: tar.TypeReg}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		switch {
		case strings.HasSuffix(e.name, "/"):
			h.Typeflag = tar.TypeDir
		case strings.HasPrefix(e.link, "="):
			h.Typeflag, h.Linkname = tar.TypeLink, e.link[1:]
		case e.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		}
		if e.caps != "" {
			h.PAXRecords = map[string]string{capabilityXattr: rawCapability(e.caps)}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// factsOf returns the facts of an image of these layers, without a
// configuration. Records go through their encoding, as from the cache.
func factsOf(t testing.TB, layers ...[]byte) *Facts {
	t.Helper()
	var records []*record
	for i, l := range layers {
		r, err := readLayer(context.Background(), bytes.NewReader(l))
		if err != nil {
			t.Fatalf("layer %d: %v", i, err)
		}
		r.Digest = fmt.Sprint(i)
		data, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if r, err = decodeRecord(data, r.Digest); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	f := &Facts{Reference: "test"}
	f.fill(merge(records))
	f.Normalize()
	if err := f.Validate(); err != nil {
		t.Fatalf("facts are not valid: %v", err)
	}
	return f
}

// privileged lists privileged files as "4755 /bin/su cap_net_raw".
func (f *Facts) privileged() []string {
	var list []string
	for _, p := range f.Privileged {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Mode, p.Path, strings.Join(p.Capabilities, ","))))
	}
	return list
}

func (f *Facts) dirPaths() []string {
	var list []string
	for _, d := range f.Dirs {
		list = append(list, fmt.Sprintf("%s %d %s", d.Mode, d.UID, d.Path))
	}
	return list
}

func TestPrivilegedAcrossLayers(t *testing.T) {
	su := ent{name: "usr/bin/su", mode: 0o4755, body: "x"}
	tests := []struct {
		name   string
		layers [][]ent
		want   []string
	}{
		{"one layer", [][]ent{{su}}, []string{"4755 /usr/bin/su"}},
		{"./ names and absolute ones", [][]ent{{{name: "./usr/bin/su", mode: 0o4755}, {name: "/sbin/x", mode: 0o2755}}}, []string{"2755 /sbin/x", "4755 /usr/bin/su"}},
		{"replaced", [][]ent{{su}, {{name: "./usr/bin/su", body: "y"}}}, nil},
		{"chmod in a later layer", [][]ent{{{name: "bin/a"}}, {{name: "bin/a", mode: 0o4755}}}, []string{"4755 /bin/a"}},
		{"whiteout", [][]ent{{su}, {{name: "usr/bin/.wh.su"}}}, nil},
		{"whiteout of a directory above", [][]ent{{su}, {{name: ".wh.usr"}}}, nil},
		{"whiteout of another file", [][]ent{{su}, {{name: "usr/bin/.wh.s"}, {name: "usr/.wh.bi"}}}, []string{"4755 /usr/bin/su"}},
		{"whiteout and a new file in one layer", [][]ent{{su}, {{name: "usr/.wh.bin"}, {name: "usr/bin/"}, {name: "usr/bin/mount", mode: 0o4755}}}, []string{"4755 /usr/bin/mount"}},
		{"whiteout in the lowest layer", [][]ent{{{name: "usr/bin/.wh.su"}, su}}, []string{"4755 /usr/bin/su"}},
		{"opaque", [][]ent{{su}, {{name: "usr/.wh..wh..opq"}, {name: "usr/lib/x", mode: 0o2755}}}, []string{"2755 /usr/lib/x"}},
		{"opaque root", [][]ent{{su}, {{name: ".wh..wh..opq"}, {name: "x", mode: 0o4755}}}, []string{"4755 /x"}},
		{"opaque comes last in its layer", [][]ent{{su}, {{name: "usr/bin/new", mode: 0o4755}, {name: "usr/.wh..wh..opq"}}}, []string{"4755 /usr/bin/new"}},
		{"back after a whiteout", [][]ent{{su}, {{name: "usr/bin/.wh.su"}}, {su}}, []string{"4755 /usr/bin/su"}},
		{"aufs metadata is no whiteout", [][]ent{{su}, {{name: ".wh..wh.plnk/"}, {name: "usr/bin/.wh..wh.su"}}}, []string{"4755 /usr/bin/su"}},
		{"directory becomes a file", [][]ent{{su}, {{name: "usr/bin", body: "x"}}}, nil},
		{"directory becomes a symlink", [][]ent{{su}, {{name: "usr/bin", link: "/x"}}}, nil},
		{"file becomes a directory", [][]ent{{su}, {{name: "usr/bin/su/"}}}, nil},
		{"directory entry alone changes nothing below", [][]ent{{su}, {{name: "usr/"}, {name: "usr/bin/"}}}, []string{"4755 /usr/bin/su"}},
		{"second entry of a name in one layer", [][]ent{{su, {name: "usr/bin/su", body: "y"}}}, nil},
		{"written through a symlinked directory", [][]ent{
			{{name: "usr/bin/"}, su, {name: "bin", link: "usr/bin"}},
			{{name: "bin/mount", mode: 0o4755}, {name: "bin/su"}},
		}, []string{"4755 /usr/bin/mount"}},
		{"whiteout through a symlinked directory", [][]ent{{su, {name: "bin", link: "usr/bin"}}, {{name: "bin/.wh.su"}}}, nil},
		{"an entry for the directory replaces the symlink", [][]ent{
			{su, {name: "bin", link: "usr/bin"}},
			{{name: "bin/"}, {name: "bin/mount", mode: 0o4755}, {name: "bin/su"}},
		}, []string{"4755 /bin/mount", "4755 /usr/bin/su"}},
		{"hard link has its own mode", [][]ent{{{name: "a", mode: 0o4755}, {name: "b", mode: 0o4755, link: "=a"}}, {{name: "a"}}}, []string{"4755 /b"}},
		{"hard link shares capabilities", [][]ent{{{name: "a", caps: "cap_net_raw"}, {name: "b", link: "=./a"}}}, []string{"0755 /a cap_net_raw", "0755 /b cap_net_raw"}},
		{"capability", [][]ent{{{name: "usr/bin/ping", caps: "cap_net_raw"}}}, []string{"0755 /usr/bin/ping cap_net_raw"}},
		{"capability gone with a rewrite", [][]ent{{{name: "usr/bin/ping", caps: "cap_net_raw"}}, {{name: "usr/bin/ping"}}}, nil},
		{"setgid directories and symlinks are not files", [][]ent{{{name: "var/mail/", mode: 0o2775}, {name: "l", mode: 0o4777, link: "x"}}}, nil},
		{"names that climb out", [][]ent{{{name: "../../usr/bin/su", mode: 0o4755}, {name: "a/../../b", mode: 0o4755}}}, []string{"4755 /b", "4755 /usr/bin/su"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var layers [][]byte
			for _, ents := range test.layers {
				layers = append(layers, layerOf(t, ents...))
			}
			f := factsOf(t, layers...)
			if d := cmp.Diff(test.want, f.privileged()); d != "" {
				t.Errorf("privileged files (-want +got):\n%s", d)
			}
			if !f.Known.Privileged {
				t.Errorf("the list is complete, but is not said to be")
			}
		})
	}
}

func TestPrivilegedDetails(t *testing.T) {
	f := factsOf(t, layerOf(t,
		ent{name: "a", mode: 0o4755, uid: 7, body: "12345"},
		ent{name: "b", mode: 0o4755, link: "=a"},
		ent{name: "c", caps: "cap_bpf", body: "1"},
	))
	want := []PrivilegedFile{
		{Path: "/a", Mode: 0o4755, UID: 7, GID: 7, Size: 5},
		{Path: "/b", Mode: 0o4755, Size: 5},
		{Path: "/c", Mode: 0o755, Size: 1, Capabilities: []string{"cap_bpf"}, Effective: true},
	}
	if d := cmp.Diff(want, f.Privileged); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(f.SetID()) != 2 || len(f.FileCaps()) != 1 {
		t.Errorf("SetID() %v, FileCaps() %v", f.SetID(), f.FileCaps())
	}
}

func TestPrivilegedOddities(t *testing.T) {
	odd := layerOf(t,
		ent{name: "bin/a\nUSER root", mode: 0o4755},
		ent{name: "bin/\xff", mode: 0o4755},
		ent{name: "bin/a b$(id)", mode: 0o4755},
		ent{name: "bin/neg", mode: 0o4755, uid: -1},
	)
	f := factsOf(t, odd)
	if d := cmp.Diff([]string{"4755 /bin/a b$(id)"}, f.privileged()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if f.Known.Privileged || len(f.Warnings) != 3 {
		t.Errorf("complete: %t, warnings: %q", f.Known.Privileged, f.Warnings)
	}

	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "x", PAXRecords: map[string]string{capabilityXattr: "rubbish"}}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if f := factsOf(t, b.Bytes()); f.Known.Privileged || len(f.Warnings) != 1 {
		t.Errorf("malformed capability: complete: %t, warnings: %q", f.Known.Privileged, f.Warnings)
	}
}

func TestTools(t *testing.T) {
	debian := []ent{
		{name: "usr/bin/"}, {name: "usr/sbin/"}, {name: "bin", link: "usr/bin"}, {name: "sbin", link: "usr/sbin"},
		{name: "usr/bin/dash"}, {name: "usr/bin/sh", link: "dash"}, {name: "usr/bin/bash"}, {name: "usr/bin/perl"},
		{name: "usr/sbin/useradd"}, {name: "usr/sbin/groupadd"}, {name: "usr/sbin/adduser", body: "#!/usr/bin/perl"},
		{name: "usr/bin/awk", link: "/etc/alternatives/awk"}, {name: "etc/alternatives/awk", link: "/usr/bin/mawk"}, {name: "usr/bin/mawk"},
		{name: "usr/share/bash-completion/completions/useradd", mode: 0o644}, {name: "usr/bin/find", mode: 0o644},
		{name: "etc/os-release", link: "../usr/lib/os-release"}, {name: "usr/lib/os-release", mode: 0o644, body: "ID=debian\n"},
	}
	alpine := []ent{
		{name: "bin/busybox"}, {name: "bin/sh", link: "/bin/busybox"}, {name: "usr/sbin/adduser", link: "/bin/busybox"},
		{name: "usr/sbin/addgroup", link: "../../bin/busybox"}, {name: "usr/bin/find", link: "/bin/busybox"},
		{name: "etc/os-release", mode: 0o644, body: "ID=alpine\n"},
	}
	busybox := []ent{
		{name: "bin/["}, {name: "bin/adduser", link: "=bin/["}, {name: "bin/busybox", link: "=bin/["}, {name: "bin/sh", link: "=bin/["},
		{name: "usr/bin/find", link: "=./bin/["},
	}
	rhel := []ent{
		{name: "usr/sbin/useradd"}, {name: "usr/sbin/adduser", link: "useradd"}, {name: "usr/bin/sh", link: "bash"}, {name: "usr/bin/bash"},
		{name: "bin", link: "usr/bin"}, {name: "etc/os-release", body: "ID=\"rhel\"\n"},
	}
	tests := []struct {
		name      string
		layers    [][]ent
		paths     map[string]string // "" for absent
		flavours  map[string]string
		family    string
		wantLinks map[string]string
	}{
		{"merged /usr, alternatives", [][]ent{debian},
			map[string]string{"sh": "/bin/sh", "bash": "/bin/bash", "useradd": "/usr/sbin/useradd", "perl": "/usr/bin/perl", "awk": "/usr/bin/awk", "find": "", "apk": ""},
			map[string]string{"useradd": "shadow", "adduser": "debian", "sh": "", "apk": ""}, "debian", map[string]string{"sh": "/usr/bin/dash"}},
		{"busybox by symlinks", [][]ent{alpine},
			map[string]string{"sh": "/bin/sh", "adduser": "/usr/sbin/adduser", "useradd": ""},
			map[string]string{"adduser": "busybox", "addgroup": "busybox", "find": "busybox", "useradd": ""}, "alpine",
			map[string]string{"sh": "/bin/busybox", "adduser": "/bin/busybox", "addgroup": "/bin/busybox", "find": "/bin/busybox"}},
		{"busybox by hard links", [][]ent{busybox}, map[string]string{"adduser": "/bin/adduser", "find": "/usr/bin/find"},
			map[string]string{"adduser": "busybox", "find": "busybox"}, "busybox",
			map[string]string{"sh": "/bin/busybox", "adduser": "/bin/busybox", "find": "/bin/busybox"}},
		{"adduser is useradd", [][]ent{rhel}, map[string]string{"adduser": "/usr/sbin/adduser"},
			map[string]string{"adduser": "shadow", "useradd": "shadow"}, "rhel", map[string]string{"adduser": "/usr/sbin/useradd", "sh": "/usr/bin/bash"}},
		{"shadow added to alpine", [][]ent{alpine, {{name: "usr/sbin/useradd"}}}, map[string]string{"useradd": "/usr/sbin/useradd"},
			map[string]string{"useradd": "shadow", "adduser": "busybox"}, "alpine",
			map[string]string{"sh": "/bin/busybox", "adduser": "/bin/busybox", "addgroup": "/bin/busybox", "find": "/bin/busybox"}},
		{"links that lead nowhere", [][]ent{alpine, {{name: "bin/"}, {name: "bin/.wh.busybox"}}}, map[string]string{"sh": "", "adduser": "", "busybox": ""}, nil, "alpine", nil},
		{"links in a circle", [][]ent{{{name: "bin/sh", link: "bash"}, {name: "bin/bash", link: "sh"}, {name: "sbin", link: "/sbin"}}}, map[string]string{"sh": "", "bash": ""}, nil, "", nil},
		{"removed by an opaque directory", [][]ent{debian, {{name: "usr/sbin/.wh..wh..opq"}}}, map[string]string{"useradd": "", "sh": "/bin/sh"}, nil, "debian", map[string]string{"sh": "/usr/bin/dash"}},
		{"nothing", nil, map[string]string{"sh": ""}, nil, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var layers [][]byte
			for _, ents := range test.layers {
				layers = append(layers, layerOf(t, ents...))
			}
			f := factsOf(t, layers...)
			for tool, want := range test.paths {
				if f.Tools[tool] != want {
					t.Errorf("%s is at %q, want %q", tool, f.Tools[tool], want)
				}
				if got := f.Tool(tool); got != triOf(want != "", true) {
					t.Errorf("Tool(%q) = %v", tool, got)
				}
			}
			for tool, want := range test.flavours {
				if got := f.Flavour(tool); got != want {
					t.Errorf("Flavour(%q) = %q, want %q", tool, got, want)
				}
			}
			if got := f.Distro.Family(); got != test.family {
				t.Errorf("family %q, want %q", got, test.family)
			}
			if d := cmp.Diff(test.wantLinks, f.Links); d != "" {
				t.Errorf("links (-want +got):\n%s", d)
			}
		})
	}
}

func TestToolsOnPath(t *testing.T) {
	r, err := readLayer(context.Background(), bytes.NewReader(layerOf(t,
		ent{name: "opt/java/bin/java"}, ent{name: "usr/bin/java"}, ent{name: "opt/$(id)/bin/node"}, ent{name: "srv/bin/ruby"}, ent{name: "tini"})))
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{Config: Config{Env: []string{"PATH=/x", "PATH=/opt/java/bin/:/opt/$(id)/bin:relative:/usr/bin"}}}
	f.fill(merge([]*record{r}))
	want := map[string]string{"java": "/opt/java/bin/java", "tini": "/tini"}
	if d := cmp.Diff(want, f.Tools); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestAccountsAcrossLayers(t *testing.T) {
	base := layerOf(t, ent{name: "etc/passwd", mode: 0o644, body: "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/x\n"}, ent{name: "etc/group", body: "root:x:0:\nwww-data:x:33:\nssl:x:9:www-data\n"})
	tests := []struct {
		name  string
		upper []ent
		uid   Tri // is 33 taken?
		known bool
	}{
		{"untouched", nil, Yes, true},
		{"replaced", []ent{{name: "./etc/passwd", body: "root:x:0:0:::\n"}}, No, true},
		{"hostile name", []ent{{name: "etc/passwd", body: "$(id):x:33:33:::\n"}}, Yes, true},
		{"whiteout", []ent{{name: "etc/.wh.passwd"}}, No, true},
		{"opaque /etc", []ent{{name: "etc/.wh..wh..opq"}}, No, true},
		{"symlink", []ent{{name: "etc/passwd", link: "/nix/store/x"}}, Unknown, false},
		{"directory", []ent{{name: "etc/passwd/"}}, No, true},
		{"hard link", []ent{{name: "etc/other", body: "app:x:33:33:::\n"}, {name: "etc/passwd", link: "=etc/other"}}, Unknown, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := factsOf(t, base, layerOf(t, test.upper...))
			if got := f.UIDTaken(33); got != test.uid || f.Known.Accounts != test.known {
				t.Errorf("uid 33 taken: %v, want %v; known %t, want %t; %q", got, test.uid, f.Known.Accounts, test.known, f.Warnings)
			}
		})
	}
	f := factsOf(t, base)
	if got := f.Supplementary("www-data"); len(got) != 1 || got[0].Name != "ssl" {
		t.Errorf("Supplementary = %v", got)
	}
	if a, ok := f.AccountByUID(33); !ok || a.Name != "www-data" {
		t.Errorf("AccountByUID(33) = %v, %t", a, ok)
	}
	if g, ok := f.GroupByGID(9); !ok || g.Name != "ssl" || f.GIDTaken(9) != Yes || f.GIDTaken(10) != No {
		t.Errorf("GroupByGID(9) = %v, %t", g, ok)
	}
}

func TestDirs(t *testing.T) {
	f := factsOf(t,
		layerOf(t, ent{name: "tmp/", mode: 0o1777}, ent{name: "var/www/", uid: 33}, ent{name: "var/lib/x/", uid: 7}, ent{name: "usr/share/x/", uid: 7},
			ent{name: "srv/", mode: 0o755}, ent{name: "home/app/", uid: 1000, mode: 0o700}, ent{name: "opt/gone/", uid: 1}, ent{name: "data/", uid: 5}),
		layerOf(t, ent{name: "var/lib/x/"}, ent{name: "opt/.wh.gone"}, ent{name: "data/", mode: 0o770, uid: 6}))
	want := []string{"0770 6 /data", "0700 1000 /home/app", "1777 0 /tmp", "0755 33 /var/www"}
	if d := cmp.Diff(want, f.dirPaths()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDirsBound(t *testing.T) {
	var ents []ent
	for i := range 3 * maxOwned {
		ents = append(ents, ent{name: fmt.Sprintf("srv/a/b/c%05d/", i), uid: 1})
	}
	f := factsOf(t, layerOf(t, append(ents, ent{name: "srv/z/", uid: 1})...))
	if len(f.Dirs) != maxDirs || f.Dirs[len(f.Dirs)-1].Path != "/srv/z" {
		t.Errorf("%d directories, last %v; want %d and the shallowest", len(f.Dirs), f.Dirs[len(f.Dirs)-1], maxDirs)
	}
}

func TestScripts(t *testing.T) {
	big := "#!/bin/sh\n" + strings.Repeat("#", maxScriptBytes)
	l := layerOf(t,
		ent{name: "usr/local/bin/docker-entrypoint.sh", body: "#!/bin/sh\nexec \"$@\"\n"},
		ent{name: "entrypoint.sh", link: "usr/local/bin/docker-entrypoint.sh"},
		ent{name: "usr/sbin/apachectl", body: "#! /bin/bash\n"},
		ent{name: "usr/bin/zgrep", body: "#!/bin/sh\n"},
		ent{name: "usr/bin/prog", body: "#!/usr/bin/perl\n"},
		ent{name: "opt/app/bin/start", body: "#!/usr/bin/env -S bash -e\n"},
		ent{name: "usr/bin/binary", body: "\x7fELF rubbish"},
		ent{name: "docker-entrypoint.d/10-x.sh", body: "#!/bin/sh\n#x"},
		ent{name: "big-entrypoint.sh", body: big},
		ent{name: "nul-entrypoint.sh", body: "#!/bin/sh\n\x00"},
		ent{name: "not-executable-entrypoint.sh", mode: 0o644, body: "#!/bin/sh\n"},
	)
	r, err := readLayer(context.Background(), bytes.NewReader(l))
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{Config: Config{Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"/bin/sh", "-c", "cd /x; apachectl -k; exec bin/start"}, WorkingDir: "/opt/app"}}
	f.fill(merge([]*record{r}))
	want := []string{"/docker-entrypoint.d/10-x.sh", "/entrypoint.sh", "/opt/app/bin/start", "/usr/local/bin/docker-entrypoint.sh", "/usr/sbin/apachectl"}
	if d := cmp.Diff(want, sortedKeys(f.Scripts)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if f.Scripts["/entrypoint.sh"] != "#!/bin/sh\nexec \"$@\"\n" {
		t.Errorf("text %q", f.Scripts["/entrypoint.sh"])
	}
}

func TestRunsAs(t *testing.T) {
	passwd := "root:x:0:0:::\nwww-data:x:33:33:::\nnode:x:1000:1000:::\napp:x:1654:1654:::\npostgres:x:70:70:::\n"
	tests := []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{Env: []string{"NODE_VERSION=20"}}, "node"},
		{Config{Env: []string{"APP_UID=1654"}}, "app"},
		{Config{Env: []string{"APP_UID=1655"}}, ""},
		{Config{Env: []string{"PG_MAJOR=16"}}, "postgres"},
		{Config{Cmd: []string{"apache2-foreground"}}, "www-data"},
		{Config{User: "app:app", Env: []string{"NODE_VERSION=20"}}, "app"},
		{Config{User: "1000"}, "node"},
		{Config{User: "0", Env: []string{"NODE_VERSION=20"}}, "node"},
	}
	for _, test := range tests {
		f := &Facts{Config: test.config, Accounts: parsePasswd(passwd).Accounts}
		if got := f.runsAs(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.config, got, test.want)
		}
	}
}

func compressed(t testing.TB, how string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		var err error
		if w, err = zstd.NewWriter(&b); err != nil {
			t.Fatal(err)
		}
	default:
		return data
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressions(t *testing.T) {
	plain := layerOf(t, ent{name: "stargz.index.json", body: "{}"}, ent{name: ".prefetch.landmark", body: "x"}, ent{name: "bin/su", mode: 0o4755})
	half := bytes.LastIndex(plain[:len(plain)-1024], []byte("bin/su"))
	// eStargz is gzip in several members (stargz-snapshotter, docs/estargz.md);
	// zstd:chunked has skippable frames (RFC 8878, 3.1.2).
	estargz := append(compressed(t, "gzip", plain[:half]), compressed(t, "gzip", plain[half:])...)
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, compressed(t, "zstd", plain)...)
	for name, data := range map[string][]byte{
		"plain": plain, "gzip": compressed(t, "gzip", plain), "zstd": compressed(t, "zstd", plain), "estargz": estargz, "zstd:chunked": skippable,
	} {
		f := factsOf(t, data)
		if d := cmp.Diff([]string{"4755 /bin/su"}, f.privileged()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestDamagedLayers(t *testing.T) {
	plain := layerOf(t, ent{name: "a", body: strings.Repeat("x", 5000)}, ent{name: "b"})
	for _, how := range []string{"plain", "gzip", "zstd"} {
		data := compressed(t, how, plain)
		cut := len(data) / 2
		if how == "plain" {
			cut = 1000
		}
		if _, err := readLayer(context.Background(), bytes.NewReader(data[:cut])); KindOf(err) != Corrupt {
			t.Errorf("%s, truncated: %v, want Corrupt", how, err)
		}
	}
	if _, err := readLayer(context.Background(), strings.NewReader(strings.Repeat("rubbish", 1000))); KindOf(err) != Corrupt {
		t.Errorf("rubbish: %v, want Corrupt", err)
	}
	broken := errors.New("x")
	if _, err := readLayer(context.Background(), io.MultiReader(bytes.NewReader(plain[:600]), errReader{broken})); !strings.Contains(err.Error(), "x") {
		t.Errorf("failing reader: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := readLayer(ctx, bytes.NewReader(plain)); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestHugePasswd(t *testing.T) {
	// The content is made while it is read: nothing of that size is kept.
	stream := &syntheticLayer{content: zeros{}, entries: []syntheticEntry{
		{"etc/passwd", 0o644, 10 << 30, "root:x:0:0::/root:/bin/sh\n"}, {"etc/group", 0o644, 5, "g:x:1"}, {"bin/su", 0o4755, 1, ""},
	}}
	r, err := readTar(context.Background(), stream)
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{Reference: "x"}
	f.fill(merge([]*record{r}))
	if f.Known.Accounts || len(f.Accounts) != 0 || f.UIDTaken(0) != Unknown {
		t.Errorf("accounts known: %t, %v", f.Known.Accounts, f.Accounts)
	}
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "/etc/passwd is too large: ") {
		t.Errorf("warnings %q", f.Warnings)
	}
	if d := cmp.Diff([]string{"4755 /bin/su"}, f.privileged()); d != "" {
		t.Errorf("what comes after it is not read (-want +got):\n%s", d)
	}
}

func TestLayerBounds(t *testing.T) {
	long := strings.Repeat("d/", maxDepth+1) + "x"
	f := factsOf(t, layerOf(t, ent{name: long, mode: 0o4755}, ent{name: strings.Repeat("n", maxPathBytes+1), mode: 0o4755}, ent{name: "ok", mode: 0o4755}))
	if !slices.Equal(f.privileged(), []string{"4755 /ok"}) || len(f.Warnings) != 2 {
		t.Errorf("%q, warnings %.300q", f.privileged(), f.Warnings)
	}
	for _, name := range []string{"f%d", "d%d/f"} {
		for count, want := range map[int]Kind{100: "", 101: TooLarge} {
			l := &syntheticLayer{repeat: syntheticEntry{name: name, mode: 0o644}, count: count}
			limits := [2]int{100, 1000}
			if name == "d%d/f" {
				limits = [2]int{1000, 100}
			}
			if _, err := readTarWithin(context.Background(), l, limits[0], limits[1]); KindOf(err) != want {
				t.Errorf("%d of %s: %v, want %q", count, name, err, want)
			}
		}
	}
}

func FuzzReadLayer(f *testing.F) {
	seed := layerOf(f, ent{name: "etc/passwd", body: "root:x:0:0:::\n"}, ent{name: "usr/bin/.wh.su"}, ent{name: "bin", link: "usr/bin"},
		ent{name: "usr/bin/ping", caps: "cap_net_raw", body: "#!"}, ent{name: "b", link: "=usr/bin/ping"}, ent{name: "../x", mode: 0o4755})
	f.Add(seed, layerOf(f, ent{name: "bin/sh"}, ent{name: "etc/.wh..wh..opq"}))
	f.Add(compressed(f, "gzip", seed), []byte{})
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		var records []*record
		for _, data := range [][]byte{lower, upper} {
			r, err := readLayer(context.Background(), bytes.NewReader(data))
			if err != nil {
				return
			}
			encoded, err := r.encode()
			if err != nil {
				t.Fatalf("encoding: %v", err)
			}
			if r, err = decodeRecord(encoded, ""); err != nil {
				t.Fatalf("decoding what was encoded: %v", err)
			}
			records = append(records, r)
		}
		facts := &Facts{Reference: "x"}
		facts.fill(merge(records))
		if err := facts.Validate(); err != nil {
			t.Errorf("facts are not valid: %v", err)
		}
	})
}

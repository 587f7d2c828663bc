package imageinspect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fullFacts has every field set.
func fullFacts() *Facts {
	return &Facts{
		Reference: "debian:12", Digest: "sha256:" + strings.Repeat("a", 64), Platform: "linux/amd64",
		Origin: Origin{Kind: FromCatalogue, Detail: "x <y> & z", Sources: []string{"https://example.com/?a&b"}},
		Known:  Known{Config: true, Accounts: true, Tools: true, Privileged: true},
		Config: Config{
			User: "app", WorkingDir: "/srv", Env: []string{"A=1\n2"}, Entrypoint: []string{"/e"}, Cmd: []string{"c"}, Shell: []string{"/bin/bash", "-c"},
			OnBuild: []string{"COPY . ."}, Healthcheck: []string{"CMD", "true"}, Volumes: []string{"/v"}, ExposedPorts: []string{"80/tcp"}, StopSignal: "SIGINT", OS: "linux",
		},
		Distro:   Distro{ID: "debian", VersionID: "12", PrettyName: "Debian", IDLike: []string{"x"}},
		Accounts: []Account{{"root", 0, 0, "/root", "/bin/sh"}, {"app", 10, 11, "", ""}}, Groups: []Group{{"root", 0, nil}, {"ssl", 9, []string{"app"}}},
		ReservedUIDs: []int{7}, ReservedGIDs: []int{8},
		Tools: map[string]string{"adduser": "/usr/sbin/adduser"}, Links: map[string]string{"adduser": "/bin/busybox"},
		Privileged: []PrivilegedFile{{Path: "/bin/a b", Mode: 0o4755, UID: 1, GID: 2, Size: 3, Capabilities: []string{"cap_bpf"}, Effective: true}},
		Scripts:    map[string]string{"/e": "#!/bin/sh\n"}, Dirs: []Dir{{"/srv", 1, 2, 0o1770}}, RunsAs: "app",
		Entrypoint: &EntrypointFacts{Drops: "gosu", Guarded: true, Account: "app", Chowns: []string{"/data"}, Writes: []string{"/run/x"}},
		Warnings:   []string{"w"},
	}
}

func TestFactsRoundTrip(t *testing.T) {
	f := fullFacts()
	for i, v := range reflect.ValueOf(*f).Fields() {
		if v.IsZero() {
			t.Errorf("fullFacts leaves out %s", i.Name)
		}
	}
	for _, facts := range [][]*Facts{{f}, {f, UnknownImage("other:1")}, {Scratch()}} {
		var b bytes.Buffer
		if err := WriteFacts(&b, facts...); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFacts(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		var again bytes.Buffer
		if err := WriteFacts(&again, got...); err != nil || again.String() != b.String() {
			t.Errorf("printed, read and printed again (-first +again):\n%s%v", cmp.Diff(b.String(), again.String()), err)
		}
		if len(facts) == 1 && facts[0] == f {
			if d := cmp.Diff(f, got[0]); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if !strings.Contains(b.String(), `"mode": "4755"`) || !strings.Contains(b.String(), "x <y> & z") {
				t.Errorf("printed as %s", b.String())
			}
		}
	}
}

func TestReadFactsRefuses(t *testing.T) {
	base := func(change func(f *Facts)) string {
		f := fullFacts()
		change(f)
		type plain Facts
		b, err := json.Marshal((*plain)(f))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	many := make([]Account, maxAccounts+1)
	for i := range many {
		many[i] = Account{Name: fmt.Sprintf("u%d", i), UID: i}
	}
	tests := []struct{ name, text, want string }{
		{"unknown field", "{\n\"reference\":\"x\",\n\"acounts\":[]}", `line 3: unknown field "acounts"; did you mean "accounts"?`},
		{"unknown nested field", `{"reference":"x","known":{"tool":true}}`, `did you mean "tools"?`},
		{"unknown and unlike any", `{"reference":"x","zzzzzzzzzz":1}`, `unknown field "zzzzzzzzzz"`},
		{"no reference", `{}`, "it says which image the facts are of"},
		{"null", `[null]`, "entry 1 is null"},
		{"empty", "", "it is empty"},
		{"not JSON", "FROM debian", "line 1: invalid character 'F'"},
		{"cut off", `{"reference":"x"`, "unexpected EOF"},
		{"two values", "{\"reference\":\"x\"}\n{}", "there is more after the first value"},
		{"twice", `[{"reference":"debian"},{"reference":"docker.io/library/debian:latest"}]`, "is there twice"},
		{"wrong type", `{"reference":"x","accounts":[{"name":"a","uid":"0"}]}`, "uid is string where a whole number is expected"},
		{"mode beyond", `{"reference":"x","privileged":[{"path":"/a","mode":"9999"}]}`, "mode \"9999\" is not an octal number"},
		{"negative uid", base(func(f *Facts) { f.Accounts[1].UID = -1 }), "uid of app: -1 is not between 0"},
		{"shell text as a user", base(func(f *Facts) { f.Accounts[1].Name = "$(id)" }), `name "$(id)" is not of the form`},
		{"line break in a group", base(func(f *Facts) { f.Groups[1].Name = "a\nUSER root" }), "is not of the form"},
		{"shell text as a member", base(func(f *Facts) { f.Groups[1].Members = []string{"a;b"} }), "is not of the form"},
		{"shell text as a home", base(func(f *Facts) { f.Accounts[1].Home = "/$(id)" }), "is not a plain absolute path"},
		{"shell text as a tool's path", base(func(f *Facts) { f.Tools["sh"] = "/bin/sh -c id" }), "is not plain"},
		{"unknown tool", base(func(f *Facts) { f.Tools["aduser"] = "/x" }), `did you mean "adduser"?`},
		{"relative link", base(func(f *Facts) { f.Links["adduser"] = "busybox" }), "is not an absolute, clean path"},
		{"line break in a privileged path", base(func(f *Facts) { f.Privileged[0].Path = "/a\nRUN x" }), "holds control characters"},
		{"direction override", base(func(f *Facts) { f.Privileged[0].Path = "/a\u202eb" }), "holds control characters"},
		{"path that climbs", base(func(f *Facts) { f.Privileged[0].Path = "/a/../b" }), "is not an absolute, clean path"},
		{"no privileges", base(func(f *Facts) { f.Privileged[0].Mode, f.Privileged[0].Capabilities = 0o755, nil }), "has neither setuid"},
		{"unknown capability", base(func(f *Facts) { f.Privileged[0].Capabilities = []string{"cap_net_row"} }), `did you mean "cap_net_raw"?`},
		{"negative size", base(func(f *Facts) { f.Privileged[0].Size = -1 }), "is negative"},
		{"giant list", base(func(f *Facts) { f.Accounts = many }), "at most 10000 make sense"},
		{"giant text", base(func(f *Facts) { f.Config.Env = []string{strings.Repeat("x", maxText+1)} }), "bytes, at most"},
		{"giant script", base(func(f *Facts) { f.Scripts["/e"] = strings.Repeat("x", 4*maxScriptBytes) }), "bytes, at most"},
		{"NUL in the configuration", base(func(f *Facts) { f.Config.User = "a\x00" }), "is not text"},
		{"odd runs_as", base(func(f *Facts) { f.RunsAs = "a b" }), "runs_as"},
		{"odd distro", base(func(f *Facts) { f.Distro.ID = "$(id)" }), "distro.id"},
		{"odd origin", base(func(f *Facts) { f.Origin.Kind = "x" }), "origin.kind"},
		{"odd digest", base(func(f *Facts) { f.Digest = "sha256:x" }), "digest"},
		{"line break in an entry point's path", base(func(f *Facts) { f.Entrypoint.Chowns[0] = "/a\nRUN x" }), "holds control characters"},
		{"account twice", base(func(f *Facts) { f.Accounts[1].Name = "root" }), "root is there twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadFacts(strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if !strings.HasPrefix(err.Error(), "reading facts: ") || len(err.Error()) > 600 || !cleanText(err.Error()) {
				t.Errorf("message %q", err)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	arm := UnknownImage("ghcr.io/o/app:1")
	arm.Platform = "linux/arm64"
	s := NewStatic([]*Facts{UnknownImage("docker.io/library/debian:12"), UnknownImage("alpine"), arm, UnknownImage("my-stage")})
	for ref, want := range map[string]string{
		"debian:12": "docker.io/library/debian:12", "index.docker.io/library/debian:12": "docker.io/library/debian:12",
		"alpine:latest": "alpine", "docker.io/alpine": "alpine", "my-stage": "my-stage", "debian:13": "", "ghcr.io/library/debian:12": "", "Bad Ref": "",
	} {
		f, err := s.Inspect(context.Background(), ref, Platform{})
		switch {
		case want == "":
			if KindOf(err) != NotKnown {
				t.Errorf("%s: %v, %v; want NotKnown", ref, f, err)
			}
		case err != nil || f.Reference != want:
			t.Errorf("%s: %v, %v; want %s", ref, f, err, want)
		}
	}
	if _, err := s.Inspect(context.Background(), "ghcr.io/o/app:1", Platform{OS: "linux", Architecture: "amd64"}); KindOf(err) != NotKnown {
		t.Errorf("other platform: %v", err)
	}
	bad := UnknownImage("bad")
	bad.RunsAs = "$(id)"
	if _, err := (Static{"bad": bad}).Inspect(context.Background(), "bad", Platform{}); KindOf(err) != Invalid {
		t.Errorf("facts that are not valid: %v", err)
	}
}

func TestNormalizeRef(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for ref, want := range map[string]string{
		"debian": "docker.io/library/debian:latest", "o/app:1": "docker.io/o/app:1", "index.docker.io/debian:1": "docker.io/library/debian:1",
		"debian:12" + digest: "docker.io/library/debian" + digest, "localhost:5000/x": "localhost:5000/x:latest", "ghcr.io/a/b/c:t": "ghcr.io/a/b/c:t", "NOT A REF": "NOT A REF",
	} {
		if got := NormalizeRef(ref); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
}

func TestChain(t *testing.T) {
	answer := func(kind Kind) Source {
		return sourceFunc(func(_ context.Context, ref string, _ Platform) (*Facts, error) {
			if kind == "" {
				return UnknownImage(ref), nil
			}
			return nil, &Error{Kind: kind, Ref: ref}
		})
	}
	tests := []struct {
		kinds    []Kind
		want     Kind
		warnings int
	}{
		{[]Kind{"", Corrupt}, "", 0},
		{[]Kind{NotKnown, ""}, "", 0},
		{[]Kind{NotKnown, Unreachable, NotFound, ""}, "", 1},
		{[]Kind{NotFound, ""}, "", 1},
		{[]Kind{Unauthorized, ""}, Unauthorized, 0},
		{[]Kind{RateLimited, ""}, RateLimited, 0},
		{[]Kind{Corrupt, ""}, Corrupt, 0},
		{[]Kind{PlatformMissing, ""}, PlatformMissing, 0},
		{[]Kind{NotKnown, Unreachable, NotKnown}, Unreachable, 0},
		{[]Kind{NotKnown, NotKnown}, NotKnown, 0},
		{nil, NotKnown, 0},
	}
	for _, test := range tests {
		var sources []Source
		for _, k := range test.kinds {
			sources = append(sources, answer(k))
		}
		f, err := Chain(append(sources, nil)...).Inspect(context.Background(), "x", Platform{})
		if KindOf(err) != test.want || (err == nil) != (test.want == "") {
			t.Errorf("%v: %v, want %q", test.kinds, err, test.want)
		}
		if err == nil && len(f.Warnings) != test.warnings {
			t.Errorf("%v: warnings %q, want %d", test.kinds, f.Warnings, test.warnings)
		}
	}
}

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]string{"": "linux/amd64", "linux/arm/v7": "linux/arm/v7", "windows/amd64": "windows/amd64"} {
		if p, err := ParsePlatform(text); err != nil || p.String() != want {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"linux", "linux/", "/amd64", "a/b/c/d", "linux/$(id)", "linux /amd64"} {
		if p, err := ParsePlatform(text); err == nil {
			t.Errorf("%q: %v, want an error", text, p)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for text, want := range map[string]string{
		"GET https://u:p@h/x?sig=s&t=u: no":     "GET https://…@h/x no",
		"a\nb\x1b[31m":                          "a b[31m",
		"user:pw@host/app":                      "…@host/app",
		"host:5000/app@sha256:aa":               "host:5000/app@sha256:aa",
		"app@sha256:aa":                         "app@sha256:aa",
		"host/app:tag@sha256:aa":                "host/app:tag@sha256:aa",
		`Get "http://h/v2/?x=y": dial tcp: bad`: `Get "http://h/v2/": dial tcp: bad`,
	} {
		if got := safeText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestImports holds the arrow of the architecture: this package reads images
// and knows nothing of Dockerfiles.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "google/go-containerregistry/pkg/v1/remote") {
		t.Fatalf("go list -deps says\n%s", out)
	}
	for _, banned := range []string{"github.com/moby/buildkit", "github.com/dockharden/harden/pkg/rewrite", "github.com/spf13/cobra", "mvdan.cc/sh"} {
		if strings.Contains(string(out), banned) {
			t.Errorf("imports %s", banned)
		}
	}
}

func FuzzReadFacts(f *testing.F) {
	good, err := json.Marshal(fullFacts())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`[{"reference":"x","privileged":[{"path":"/a","mode":"4755"}]}]`))
	f.Add([]byte(`{"reference":"x","tools":{"sh":"/bin/sh"},"accounts":[{"name":"a","uid":-1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := ReadFacts(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteFacts(&b, facts...); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFacts(&b); err != nil {
			t.Errorf("what was read and printed is refused: %v", err)
		}
	})
}

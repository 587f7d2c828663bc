package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// hostile holds what a Dockerfile or an image may try on a terminal: an ANSI
// sequence, an 8-bit one, reordered text, a line end, a byte that is no UTF-8.
const hostile = "a\x1b[31m\u009b2J\u202eb\nc\xff\x7f"

func hardened(path string) *File {
	res := &rewrite.Result{
		Source: []byte("FROM a\n"), Output: []byte("FROM a\nUSER 10001:10001\n"),
		Outcome: rewrite.Hardened, Why: "runs as a new account", User: "10001:10001", Stage: "0", Base: "a",
		Facts: &imageinspect.Facts{Origin: imageinspect.Origin{Kind: imageinspect.FromRegistry, Detail: "docker.io"}},
		Findings: []rewrite.Finding{
			{Rule: "nonroot", Line: 1, Message: "the image starts as root", Fix: &rewrite.Fix{Message: "makes an account"}},
			{Rule: "setid", Line: 1, Message: "there is su", Reason: rewrite.RuleOff, Hint: "switch it on"},
		},
	}
	return &File{Path: path, Result: res, Diff: "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n FROM a\n+USER 10001:10001\n"}
}

func refused(path string) *File {
	res := &rewrite.Result{Source: []byte("x"), Output: []byte("x"), Outcome: rewrite.Refused, Reason: rewrite.BaseImage, Why: "others build on it",
		Profile:  rewrite.Profile{Capabilities: []rewrite.Capability{{Name: "SETUID"}}, NewPrivileges: "it calls sudo"},
		Findings: []rewrite.Finding{{Rule: "nonroot", Line: 3, Message: "the user stays as it is: others build on it", Reason: rewrite.BaseImage, Hint: "Harden those."}}}
	return &File{Path: path, Result: res}
}

func render(t *testing.T, f Format, o Options, files ...*File) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	o.Out, o.Err = &out, &err
	r := f.New(o)
	for _, file := range files {
		if err := r.File(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), err.String()
}

func TestText(t *testing.T) {
	broken := &File{Path: "c", Problem: NewProblem("c", &rewrite.Error{Line: 7, Err: &dockerfile.Error{Line: 7, Msg: "what", Hint: "do"}})}
	stdout, stderr := render(t, text, Options{Diff: true}, hardened("a"), refused("b"), broken, hardened("d"))
	if want := hardened("").Diff + hardened("").Diff; stdout != want {
		t.Errorf("stdout (-want +got):\n%s", cmp.Diff(want, stdout))
	}
	// What a rule is about, and how to say no, is told once.
	want := `a: hardened – runs as a new account; facts: registry, docker.io
  a:1: nonroot: the image starts as root
      why: ` + reasonFor("nonroot") + `
      fix: makes an account
      say no: # harden: ignore=nonroot REASON
  a:1: setid: there is su
      why: ` + reasonFor("setid") + `
      no fix: rule-off: the rule is switched off
      advice: switch it on
  run with: --cap-drop ALL --security-opt no-new-privileges
b: refused (base-image) – others build on it
  advice: Harden those.
c:7: what; do
d: hardened – runs as a new account; facts: registry, docker.io
  d:1: nonroot: the image starts as root
      fix: makes an account
  d:1: setid: there is su
      no fix: rule-off: the rule is switched off
      advice: switch it on
  run with: --cap-drop ALL --security-opt no-new-privileges
4 files: 2 hardened, 1 refused (1 base-image), 1 error
`
	if d := cmp.Diff(want, stderr); d != "" {
		t.Errorf("stderr (-want +got):\n%s", d)
	}

	stdout, stderr = render(t, text, Options{Quiet: true}, hardened("a"), broken)
	if stdout != "" || stderr != "c:7: what; do\n" {
		t.Errorf("quiet: stdout %q, stderr %q", stdout, stderr)
	}
}

func TestReasonFor(t *testing.T) {
	for _, r := range rewrite.Suite {
		if why := reasonFor(r.Name); !strings.HasSuffix(why, ".") && !strings.HasSuffix(why, ".)") || strings.Contains(why, "\n") {
			t.Errorf("rule %s: %q is not the first sentence of its explanation", r.Name, why)
		}
	}
}

// TestHostile holds that no output passes on what a terminal would interpret,
// and that a patch for a program is not touched.
func TestHostile(t *testing.T) {
	f := hardened("p" + hostile)
	f.Result.Why, f.Note, f.Result.Warnings = hostile, hostile, []string{hostile}
	f.Result.Facts.Origin.Detail = hostile
	f.Result.Findings = []rewrite.Finding{{Rule: "nonroot", Message: hostile, Hint: hostile, Fix: &rewrite.Fix{Message: hostile}}}
	f.Diff = "+" + hostile + "\n"
	problem := &File{Path: hostile, Problem: NewProblem(hostile, errors.New(hostile))}
	for _, format := range Formats {
		stdout, stderr := render(t, format, Options{Diff: true, OutTerminal: true}, f, problem)
		for i, r := range stdout + stderr {
			if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u202e' || r == '\ufffd' && format.Name != "json" {
				t.Errorf("%s: %q at %d of the output", format.Name, r, i)
			}
		}
	}
	if stdout, _ := render(t, text, Options{Diff: true}, f); stdout != f.Diff {
		t.Errorf("the patch became %q", stdout)
	}
}

func TestColor(t *testing.T) {
	stdout, stderr := render(t, text, Options{Diff: true, OutColor: true, ErrColor: true, OutTerminal: true}, hardened("a"))
	if !strings.Contains(stdout, "\x1b[32m+USER 10001:10001\x1b[0m\n") || !strings.Contains(stderr, "\x1b[32mhardened\x1b[0m") {
		t.Errorf("stdout %q\nstderr %q", stdout, stderr)
	}
	plain, _ := render(t, text, Options{Diff: true}, hardened("a"))
	if got := stripANSI(stdout); got != plain {
		t.Errorf("colored diff is %q without its colors, want %q", got, plain)
	}
}

func stripANSI(s string) string {
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return s
		}
		s = s[:i] + s[i+strings.IndexByte(s[i:], 'm')+1:]
	}
}

func TestJSON(t *testing.T) {
	binary := hardened("b")
	binary.Diff = "+\xff\n"
	stdout, stderr := render(t, jsonFormat, Options{Version: "v1"}, hardened("a"), binary, refused("c"), &File{Path: "d", Problem: NewProblem("d", errors.New("boom"))})
	if stderr != "" {
		t.Errorf("stderr %q", stderr)
	}
	var doc struct {
		SchemaVersion int    `json:"schema_version"`
		Harden        string `json:"harden"`
		Files         []jsonFile
		Summary       jsonSummary
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, stdout)
	}
	if doc.SchemaVersion != 1 || doc.Harden != "v1" || len(doc.Files) != 4 {
		t.Fatalf("got %+v", doc)
	}
	if doc.Files[0].Diff != hardened("").Diff || doc.Files[0].Findings[0].Fix != "makes an account" || !doc.Files[0].Changed {
		t.Errorf("first file %+v", doc.Files[0])
	}
	if raw, err := base64.StdEncoding.DecodeString(doc.Files[1].DiffBase64); err != nil || string(raw) != binary.Diff {
		t.Errorf("diff of a file that is not UTF-8: %q, %v", raw, err)
	}
	if rt := doc.Files[2].Runtime; rt == nil || rt.NoNewPrivileges || rt.CapAdd[0].Name != "SETUID" || doc.Files[3].Runtime != nil {
		t.Errorf("runtime %+v", rt)
	}
	if e := doc.Files[3].Error; doc.Files[3].Outcome != "error" || e == nil || e.Message != "boom" {
		t.Errorf("error %+v", doc.Files[3])
	}
	if rt := doc.Files[2].Runtime; rt == nil || len(rt.CapAdd) == 0 || !rt.CapAddGuessed {
		t.Errorf("an image that keeps root needs %+v", rt)
	}
	want := jsonSummary{Files: 4, Hardened: 2, Refused: 1, Errors: 1, Reasons: map[rewrite.Reason]int{rewrite.BaseImage: 1}}
	if d := cmp.Diff(want, doc.Summary); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}

	stdout, _ = render(t, jsonFormat, Options{})
	if !json.Valid([]byte(stdout)) {
		t.Errorf("an empty run is no JSON: %s", stdout)
	}
}

// TestJSONRoundTrip holds that escaping beyond JSON's own changes no value.
func TestJSONRoundTrip(t *testing.T) {
	for _, s := range []string{"plain", "ümläut 日本 😀", "\u009b\u202e\U000e0001\x7f\x1b<&>", "a\\u009b"} {
		var b bytes.Buffer
		if err := EncodeJSON(&b, s, ""); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != s {
			t.Errorf("%q became %s and then %q, %v", s, &b, back, err)
		}
	}
}

func TestNewProblem(t *testing.T) {
	image := imageinspect.NewStatic(nil)
	_, notKnown := image.Inspect(t.Context(), "x", imageinspect.Platform{})
	for _, tt := range []struct {
		err  error
		want string
		kind string
	}{
		{&rewrite.Error{Line: 3, Err: &dockerfile.Error{Line: 3, Msg: "m", Hint: "h"}}, "p:3: m; h", kindDockerfile},
		{&rewrite.Error{Line: 4, Err: notKnown}, `p:4: reading image "x": it is not among the given facts`, kindImage},
		{&rewrite.Error{Err: &dockerfile.Error{Msg: "internal error: m", Hint: "h"}}, "p: internal error: m; h", kindInternal},
		{&config.Error{File: ".harden.yaml", Line: 2, Msg: "m", Hint: "h"}, ".harden.yaml:2: m; h", kindConfig},
		{&workspace.Error{Path: "elsewhere", Msg: "m", Hint: "h"}, "p: m; h", kindFile},
		{fmt.Errorf("wrapped: %w", &workspace.Error{Msg: "m"}), "p: m", kindFile},
		{errors.New("m"), "p: m", kindFile},
	} {
		p := NewProblem("p", tt.err)
		if p.String() != tt.want || p.Kind != tt.kind {
			t.Errorf("%v: %s (%s), want %s (%s)", tt.err, p, p.Kind, tt.want, tt.kind)
		}
	}
}

func TestFailed(t *testing.T) {
	accepted := refused("a")
	accepted.Accepted = true
	clean := &File{Result: &rewrite.Result{Outcome: rewrite.Clean}}
	for i, tt := range []struct {
		file *File
		want bool
	}{{hardened("a"), true}, {refused("a"), true}, {accepted, false}, {clean, false}} {
		if tt.file.Failed() != tt.want {
			t.Errorf("%d: Failed is %v", i, !tt.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":        "plain",
		"ümläut 日本 😀":  "ümläut 日本 😀",
		"tab\tline\n":  `tab\tline\n`,
		"\x1b[31m":     `\x1b[31m`,
		"\u009b\u202e": `\u009b\u202e`,
		"\xff'\"\\":    `\xff'"\`,
		"\x00\x7f":     `\x00\x7f`,
		"quote '":      "quote '",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := printableLines("+a\tb\r\n"); got != "+a\tb\\r\n" {
		t.Errorf("printableLines: %q", got)
	}
}

func TestFactsText(t *testing.T) {
	f := &imageinspect.Facts{
		Reference: "debian:12", Digest: "sha256:abc", Platform: "linux/amd64",
		Origin:     imageinspect.Origin{Kind: imageinspect.FromRegistry, Detail: hostile},
		Known:      imageinspect.Known{Config: true, Accounts: true},
		Config:     imageinspect.Config{Cmd: []string{"bash"}},
		Distro:     imageinspect.Distro{PrettyName: "Debian"},
		Accounts:   []imageinspect.Account{{Name: "root"}, {Name: "www-data", UID: 33, GID: 33}},
		Tools:      map[string]string{"sh": "/bin/sh"},
		Privileged: []imageinspect.PrivilegedFile{{Path: "/bin/su", Mode: 0o4755, Size: 10}, {Path: "/bin/ping", Mode: 0o755, Capabilities: []string{"cap_net_raw"}, Effective: true}},
	}
	var b bytes.Buffer
	if err := FactsText(&b, []*imageinspect.Facts{f, {Reference: "x"}}, false); err != nil {
		t.Fatal(err)
	}
	want := `debian:12
  facts from   registry, ` + Printable(hostile) + `
  digest       sha256:abc
  platform     linux/amd64
  system       Debian
  user         root (none is set)
  command      ["bash"]
  accounts     root(0:0) www-data(33:33)
  tools        sh and maybe more
  setuid       1 file, maybe more
               4755     0:0            10  /bin/su
  capabilities 1 file, maybe more
               /bin/ping  cap_net_raw (effective)

x
  user         not known
  accounts     not known
  tools        not known
  setuid       not known
  capabilities not known
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

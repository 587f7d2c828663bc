package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

const strange = "boom \x1b[31m|`<script>` *x*\n# y @team"

// broken is a proof that failed, with everything a stranger can put into it.
func broken() *verify.Report {
	rung := func(name string, ok bool) verify.Rung {
		r := verify.Rung{Name: name, Title: "same under " + name, OK: ok, Flags: []string{"--cap-drop", "ALL"}, Took: time.Second}
		if !ok {
			r.Why, r.Line = "it ended with exit status 1", strange
		}
		return r
	}
	return &verify.Report{
		Path: "web/Dockerfile", Engine: "Docker 1", Probe: "HTTP GET /" + strange,
		Result: &rewrite.Result{Source: []byte("a"), Output: []byte("b"), Outcome: rewrite.Hardened, Why: "runs as x"},
		Before: verify.Side{Built: true, Size: 122_100_000, Layers: 2, Inspected: true, BuildTook: 1234 * time.Millisecond,
			Process: &verify.Process{CapEff: []string{"cap_chown", "cap_kill"}, CapBnd: []string{"a", "b", "c", "d", "e"}},
			SetID:   []imageinspect.PrivilegedFile{{Path: "/bin/" + strange, Mode: 0o4755}},
			Rungs:   []verify.Rung{rung(verify.Plain, true), rung(verify.CapDrop, false)}},
		After: verify.Side{Built: true, Size: 122_700_000, Layers: 3, User: "1:1", Rungs: []verify.Rung{rung(verify.Plain, false), rung(verify.CapDrop, false)}},
		Less:  []string{"it ended; its log says: " + strange},
		Left:  []imageinspect.PrivilegedFile{{Path: "/opt/x", Mode: 0o4755}},
		Learned: &verify.Learned{Dirs: []string{"/data"}, Account: &rewrite.BuiltAccount{Name: "web", UID: 3, GID: 4},
			How: map[string]string{"/data": strange}, Unfixable: []string{"/run/x.sock"}},
		Warnings: []string{strange},
	}
}

func TestVerifyText(t *testing.T) {
	var b bytes.Buffer
	if err := VerifyText(&b, broken(), false); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		"web/Dockerfile: the hardened image does less than the original\n",
		"yes, in 1.2s", "122.7 MB (+600.0 kB in 1 more layer)", "cap_chown, cap_kill", "not known",
		"less than before: it ended; its log says: boom \\x1b[31m", "still privileged: /opt/x (mode 4755)",
		"learned: account web (3:4)", "learned: writes /data: boom", "not fixed: /run/x.sock",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
	if strings.ContainsAny(got, "\x1b\r") || strings.Contains(got, "\n# y") {
		t.Errorf("a log line reaches the terminal as it is:\n%q", got)
	}
}

func TestVerifyMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := VerifyMarkdown(&b, broken()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 4 {
			t.Errorf("not a row of three cells: %s", line)
		}
		if strings.Contains(line, "<script>") || strings.Contains(line, " @team") || strings.HasPrefix(line, "# y") {
			t.Errorf("a log line is interpreted: %s", line)
		}
	}
}

func TestVerifyJSON(t *testing.T) {
	var b bytes.Buffer
	all := []Verified{{Report: broken(), Written: true}, {Report: &verify.Report{Path: "x"}, Err: &verify.Error{Kind: verify.DiskFull, Msg: "full", Log: strange}}}
	if err := VerifyJSON(&b, all, "v1"); err != nil {
		t.Fatal(err)
	}
	var doc verifyDocument
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	first, second := doc.Files[0], doc.Files[1]
	if first.Verdict != "less" || !first.Written || !first.Changed || first.Learned.Account.Name != "web" || len(first.After.Runs) != 2 || first.After.Runs[0].Log != strange {
		t.Errorf("%+v", first)
	}
	if second.Verdict != "error" || second.Error.Kind != "disk" || second.Before != nil {
		t.Errorf("%+v", second)
	}
	if bytes.ContainsRune(b.Bytes(), 0x1b) {
		t.Error("an escape character is in the document")
	}
}

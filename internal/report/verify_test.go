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

// TestHeadlines holds that the first line claims no more than what was compared.
func TestHeadlines(t *testing.T) {
	proven := func(change func(*verify.Report)) string {
		r := broken()
		r.Less, r.Does = nil, "starts and stays up for 10s"
		r.After.Rungs = []verify.Rung{{Name: verify.CapDrop, OK: true}}
		change(r)
		var b bytes.Buffer
		if err := VerifyText(&b, r, false); err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(b.String(), "\n")
		return line
	}
	root := func(r *verify.Report) {
		r.Result.Outcome = rewrite.Refused
		r.Result.Profile.Capabilities = []rewrite.Capability{{Name: "SETUID"}, {Name: "SYS_CHROOT"}}
	}
	for want, change := range map[string]func(*verify.Report){
		"proven – like the original, the hardened image starts and stays up for 10s; no probe was given": func(*verify.Report) {},
		"proven – like the original, the hardened image passes the probe":                                func(r *verify.Report) { r.Does, r.Given = "passes the probe", true },
		"proven – like the original, the hardened image ends with exit status 0": func(r *verify.Report) {
			r.Does, r.Ends = "ends with exit status 0", true
		},
		"stays root – with SETUID, SYS_CHROOT, the least that it needs, it passes the probe": func(r *verify.Report) {
			root(r)
			r.Does, r.Given = "passes the probe", true
		},
		"stays root – with no capabilities but SETUID, SYS_CHROOT, perhaps fewer, it starts and stays up for 10s; no probe was given": func(r *verify.Report) {
			root(r)
			r.Idle = []string{"SETUID"}
		},
	} {
		if got := proven(change); got != "web/Dockerfile: "+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNotesAreNotRepeated holds that a note which every run gives is one line,
// and that a builder's log shows what failed without escaped line ends.
func TestNotesAreNotRepeated(t *testing.T) {
	r := broken()
	r.After = verify.Side{BuildLog: "#2 [internal] load metadata\n#2 DONE 0.0s\n\n#6 1.7 useradd: group '999' does not exist\r\n------\nDockerfile:3\n",
		Rungs: []verify.Rung{{Name: "a", OK: true, Note: "12:01 denied"}, {Name: "b", OK: true, Note: "12:02 denied"}}}
	var b bytes.Buffer
	if err := VerifyText(&b, r, false); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	if strings.Count(got, "denied") != 1 || strings.Contains(got, `\n`+"\n") || strings.Contains(got, `\r`) || strings.Contains(got, "metadata") ||
		!strings.Contains(got, "build log: #6 1.7 useradd: group '999' does not exist\n") || !strings.Contains(got, "build log: Dockerfile:3\n") {
		t.Errorf("%s", got)
	}
}

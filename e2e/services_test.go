package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// A service is a folder of services/: a Dockerfile as developers write it, a
// probe, and what harden is expected to make of it.
type service struct {
	name    string
	refused string // the reason code, "" when it is to be hardened
}

func services(t *testing.T) []service {
	t.Helper()
	files, err := filepath.Glob("services/*/expect.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no services/*/expect.txt (%v)", err)
	}
	var list []service
	for _, file := range files {
		s := service{name: filepath.Base(filepath.Dir(file))}
		outcome, _, _ := strings.Cut(read(t, file), "\n")
		switch word, reason, _ := strings.Cut(outcome, " "); {
		case word == "hardened" && reason == "":
		case word == "refused" && reason != "":
			s.refused = reason
		default:
			t.Fatalf("%s:1: %q is neither \"hardened\" nor \"refused REASON\"", file, outcome)
		}
		list = append(list, s)
	}
	return list
}

// TestServiceFolders needs no engine: a service without a probe that can be
// started would only be noticed there.
func TestServiceFolders(t *testing.T) {
	for _, s := range services(t) {
		dir := filepath.Join("services", s.name)
		if !isExecutable(filepath.Join(dir, "probe")) {
			t.Errorf("%s/probe is not an executable file", dir)
		}
		if users(read(t, dir, "Dockerfile")) != "" {
			t.Errorf("%s/Dockerfile has a USER already", dir)
		}
	}
}

// TestServices hardens each service with the tool alone and probes it with
// every privilege gone, or wants the reason why it stays as it is.
func TestServices(t *testing.T) {
	needEngine(t)
	var table results
	t.Run("group", func(t *testing.T) {
		for _, s := range services(t) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				row := table.row(s.name)
				s.test(t, row)
			})
		}
	})
	t.Logf("services:\n%s", table.String())
}

func (s service) test(t *testing.T, row *result) {
	dir := s.context(t)
	original := read(t, dir, "Dockerfile")

	row.before = "fails"
	image := build(t, dir)
	if err := s.probe(t, start(t, image)); err != nil {
		t.Fatalf("before, as root: %v", err)
	}
	row.before = "works"

	row.outcome = "error"
	report := harden(t, dir, "-w", "Dockerfile")
	changed := read(t, dir, "Dockerfile")
	defer func() {
		if t.Failed() {
			t.Logf("report:\n%s\nDockerfile:\n%s", report, changed)
		}
	}()
	if s.refused != "" {
		s.testRefused(t, row, dir, original, changed, report)
	} else {
		s.testHardened(t, row, dir, original, changed)
	}
	harden(t, dir, "-w", "Dockerfile")
	if again := read(t, dir, "Dockerfile"); again != changed {
		t.Errorf("a second run changed the file to:\n%s", again)
	}
}

func (s service) testHardened(t *testing.T, row *result, dir, original, changed string) {
	if users(changed) == users(original) {
		row.outcome = "user unchanged"
		t.Fatal("no USER was written; want it hardened")
	}
	row.outcome = "hardened"
	row.after = "fails"
	image := build(t, dir)
	container := start(t, image, strict...)
	if err := s.probe(t, container); err != nil {
		t.Fatalf("after, under %s: %v", strings.Join(strict, " "), err)
	}
	state := statusOf(t, container)
	state.mustBeLocked(t)
	row.user = fmt.Sprintf("%d:%d", state.id("Uid"), state.id("Gid"))
	row.after = "works"
	tr := treeOf(t, image)
	row.privileged = fmt.Sprint(len(tr.privileged))
	if len(tr.privileged) > 0 {
		t.Errorf("privileged files are left: %q", tr.privileged)
	}
	if tr.passwd != "" && !tr.hasAccount(state.id("Uid")) {
		t.Errorf("uid %d has no entry in /etc/passwd", state.id("Uid"))
	}
}

// testRefused wants the reason in the report and the user left as it was. The
// rules decide independently: privileged files may be gone, and the service
// has to work as before.
func (s service) testRefused(t *testing.T, row *result, dir, original, changed, report string) {
	if users(changed) != users(original) {
		row.outcome = "hardened"
		t.Fatalf("the user was changed; want it refused: %s", s.refused)
	}
	row.outcome = "refused"
	if !strings.Contains(report, s.refused) {
		t.Errorf("the report does not give the reason %s", s.refused)
	} else {
		row.outcome += " " + s.refused
	}
	if missing := missingLines(original, changed); missing != "" {
		t.Errorf("lines are gone:\n%s", missing)
	}
	if changed == original {
		row.after = "unchanged"
		return
	}
	row.after = "fails"
	image := build(t, dir)
	if err := s.probe(t, start(t, image)); err != nil {
		t.Fatalf("after, as root without privileged files: %v", err)
	}
	row.after = "works"
	row.privileged = fmt.Sprint(len(treeOf(t, image).privileged))
}

// context copies the service's build context to a folder of the test's own.
func (s service) context(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("services", s.name))); err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"probe", "expect.txt"} {
		if err := os.Remove(filepath.Join(dir, ours)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// probe waits until the service answers, and wants its program to be still running then.
func (s service) probe(t *testing.T, container string) error {
	t.Helper()
	script := filepath.Join("services", s.name, "probe")
	err := eventually(t, container, 40*time.Second, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		out, err := command(ctx, lab.env, script, container).CombinedOutput()
		if err != nil {
			return fmt.Errorf("probe: %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if up, log := running(t, container); !up {
		return fmt.Errorf("the container stopped after the probe; its log:\n%s", log)
	}
	return nil
}

// users returns the USER instructions of a Dockerfile.
func users(dockerfile string) string {
	var list []string
	for line := range strings.Lines(dockerfile) {
		if f := strings.Fields(line); len(f) > 1 && strings.EqualFold(f[0], "USER") {
			list = append(list, f[1])
		}
	}
	return strings.Join(list, " ")
}

// missingLines returns the lines of a that are not, in this order, in b.
func missingLines(a, b string) string {
	var missing strings.Builder
	rest := strings.SplitAfter(b, "\n")
next:
	for line := range strings.Lines(a) {
		for i, l := range rest {
			if l == line {
				rest = rest[i+1:]
				continue next
			}
		}
		missing.WriteString(line)
	}
	return missing.String()
}

// results is the table of what happened, for the log.
type results struct {
	mu   sync.Mutex
	rows []*result
}

type result struct{ name, before, outcome, after, user, privileged string }

func (r *results) row(name string) *result {
	r.mu.Lock()
	defer r.mu.Unlock()
	row := &result{name, "-", "-", "-", "-", "-"}
	r.rows = append(r.rows, row)
	return row
}

func (r *results) String() string {
	slices.SortFunc(r.rows, func(a, b *result) int { return strings.Compare(a.name, b.name) })
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "service\tbefore\toutcome\tafter\tuser\tprivileged files left")
	for _, row := range r.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", row.name, row.before, row.outcome, row.after, row.user, row.privileged)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return text.String()
}

package rewrite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

var update = flag.Bool("update", false, "write the want files of the fixtures")

const fixtures = "../../fixtures"

// A fixture is a folder fixtures/RULE/CASE:
//
//	Dockerfile       what a user has
//	images.json      facts of its base images; the catalogue answers without it
//	options.json     Options that differ from the default
//	context/         the build context
//	want.Dockerfile  the result, absent when nothing changes
//	want.txt         outcome, user and findings, or the error
type fixture struct{ rule, name, dir string }

func allFixtures(t testing.TB) []fixture {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(fixtures, "*", "*", "Dockerfile"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var out []fixture
	for _, f := range files {
		dir := filepath.Dir(f)
		out = append(out, fixture{rule: filepath.Base(filepath.Dir(dir)), name: filepath.Base(dir), dir: dir})
	}
	return out
}

// fixtureOptions is what options.json may say.
type fixtureOptions struct {
	Target                          string
	BuildArgs                       map[string]string
	User                            string
	UID, GID                        int
	Rules                           map[string]bool
	KeepSetuid, Writable            []string
	WritableTrees, WritableFiles    []string
	RunAs                           *BuiltAccount
	Privileged                      []imageinspect.PrivilegedFile
	Capabilities                    []Capability
	OwnAll, OpenShift, IncludeBases bool
	Path                            string
	Siblings                        Siblings
	// Modes are those of files and directories of the context that git does not keep.
	Modes map[string]string
}

func (f fixture) options(t testing.TB) Options {
	t.Helper()
	var o fixtureOptions
	if text, err := os.ReadFile(filepath.Join(f.dir, "options.json")); err == nil {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&o); err != nil {
			t.Fatalf("options.json: %v", err)
		}
	}
	opts := Options{Target: o.Target, BuildArgs: o.BuildArgs, User: o.User, UID: o.UID, GID: o.GID, Rules: o.Rules, KeepSetuid: o.KeepSetuid,
		Writable: o.Writable, WritableTrees: o.WritableTrees, WritableFiles: o.WritableFiles, RunAs: o.RunAs, Privileged: o.Privileged, Capabilities: o.Capabilities, OwnAll: o.OwnAll, OpenShift: o.OpenShift, IncludeBases: o.IncludeBases, Path: o.Path, Siblings: o.Siblings}
	if info, err := os.Stat(filepath.Join(f.dir, "context")); err == nil && info.IsDir() {
		opts.Context = os.DirFS(filepath.Join(f.dir, "context"))
		if len(o.Modes) > 0 {
			opts.Context = withModes(t, opts.Context, o.Modes)
		}
	}
	if file, err := os.Open(filepath.Join(f.dir, "images.json")); err == nil {
		defer file.Close()
		all, err := imageinspect.ReadFacts(file)
		if err != nil {
			t.Fatalf("images.json: %v", err)
		}
		static := imageinspect.Static{}
		for _, facts := range all {
			static[facts.Reference] = facts
		}
		opts.Source = imageinspect.Chain(static, imageinspect.DefaultCatalog())
	}
	return opts
}

// withModes returns the files with other modes, because git keeps only 0644 and 0755.
func withModes(t testing.TB, fsys fs.FS, modes map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		file := &fstest.MapFile{Mode: info.Mode()}
		if octal, ok := modes[name]; ok {
			mode, err := strconv.ParseUint(octal, 8, 32)
			if err != nil {
				return err
			}
			file.Mode = info.Mode().Type() | fs.FileMode(mode)
		}
		if info.Mode().IsRegular() {
			file.Data, err = fs.ReadFile(fsys, name)
		}
		out[name] = file
		return err
	})
	if err != nil {
		t.Fatalf("context: %v", err)
	}
	return out
}

func TestFixtures(t *testing.T) {
	for _, f := range allFixtures(t) {
		t.Run(f.rule+"/"+f.name, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join(f.dir, "Dockerfile"))
			if err != nil {
				t.Fatal(err)
			}
			opts := f.options(t)
			res, err := Run(context.Background(), src, opts)
			if err != nil {
				f.compare(t, "want.txt", []byte(errorText(err)))
				return
			}
			f.compare(t, "want.txt", []byte(resultText(res)))
			if !res.Changed() {
				f.compare(t, "want.Dockerfile", nil)
				return
			}
			f.compare(t, "want.Dockerfile", res.Output)
			again, err := Run(context.Background(), res.Output, opts)
			if err != nil {
				t.Fatalf("running on the result: %v", err)
			}
			if again.Changed() {
				t.Errorf("not idempotent; the second run makes of it\n%s", again.Output)
			}
			if want := res.Outcome; want == Hardened && again.Outcome != Clean {
				t.Errorf("the result is %s (%s), want clean", again.Outcome, again.Why)
			}
		})
	}
}

func (f fixture) compare(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join(f.dir, name)
	if *update {
		if got == nil {
			os.Remove(file)
			return
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && got == nil {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func errorText(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Sprintf("error in line %d: %v\n", e.Line, err)
	}
	return fmt.Sprintf("error: %v\n", err)
}

func resultText(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", r.Outcome)
	if r.Reason != "" {
		fmt.Fprintf(&b, " %s", r.Reason)
	}
	fmt.Fprintf(&b, ": %s\n", r.Why)
	if r.User != "" {
		fmt.Fprintf(&b, "user %s\n", r.User)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%d: %s: %s\n", f.Line, f.Rule, f.Message)
		if f.Fix != nil {
			fmt.Fprintf(&b, "   fix: %s\n", f.Fix.Message)
		} else if f.Reason != "" {
			fmt.Fprintf(&b, "   reason: %s\n", f.Reason)
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "   hint: %s\n", f.Hint)
		}
	}
	return b.String()
}

// TestRulesHaveFixtures keeps the five steps of adding a rule honest.
func TestRulesHaveFixtures(t *testing.T) {
	cases := map[string][]fixture{}
	for _, f := range allFixtures(t) {
		cases[f.rule] = append(cases[f.rule], f)
	}
	for _, r := range Suite {
		fires, silent := false, false
		for _, f := range cases[r.Name] {
			want, err := os.ReadFile(filepath.Join(f.dir, "want.txt"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(want), ": "+r.Name+": ") {
				fires = true
			} else {
				silent = true
			}
		}
		if !fires {
			t.Errorf("rule %s has no fixture in which it reports something", r.Name)
		}
		if !silent {
			t.Errorf("rule %s has no fixture in which it stays silent", r.Name)
		}
		title := r.Title()
		if title == "" || strings.HasSuffix(title, ".") || len(title) > 60 {
			t.Errorf("rule %s: title %q: want up to 60 characters without a full stop", r.Name, title)
		}
		if !strings.HasPrefix(r.Doc, title+"\n\n") || !strings.Contains(r.Doc, "is silent") {
			t.Errorf("rule %s: the documentation needs a blank line behind the title and has to say when the rule is silent", r.Name)
		}
	}
}

func FuzzRun(f *testing.F) {
	for _, fx := range allFixtures(f) {
		src, err := os.ReadFile(filepath.Join(fx.dir, "Dockerfile"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkRun(t, src, Options{}) })
}

// checkRun holds what is true of every run, whatever the base says: no bug shows, the
// result parses, and a second run leaves it as it is.
func checkRun(t *testing.T, src []byte, opts Options) {
	t.Helper()
	res, err := Run(context.Background(), src, opts)
	if err != nil {
		if strings.Contains(err.Error(), "internal error") {
			t.Fatal(err)
		}
		return // an error of the file's
	}
	if _, err := dockerfile.Parse(res.Output); err != nil {
		t.Fatalf("the result does not parse: %v", err)
	}
	again, err := Run(context.Background(), res.Output, opts)
	if err != nil {
		t.Fatalf("running on the result: %v", err)
	}
	if again.Changed() {
		t.Fatalf("not idempotent:\n%s\nbecomes\n%s", res.Output, again.Output)
	}
}

// FuzzBase is FuzzRun for what an image says of itself: its settings are hostile, too.
func FuzzBase(f *testing.F) {
	for _, fx := range allFixtures(f) {
		src, err := os.ReadFile(filepath.Join(fx.dir, "Dockerfile"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, "/srv/app", "/data", "python3 run.py", "33:33")
		f.Add(src, "app", "/srv/app/", "/app/../my;id app/run.py", "a b")
		f.Add(src, "/srv", "/data", "sh", "app\nRUN id")
	}
	f.Fuzz(func(t *testing.T, src []byte, workdir, volume, command, user string) {
		if !utf8.ValidString(workdir + volume + command + user) {
			t.Skip() // facts are JSON
		}
		doc, err := dockerfile.Parse(src)
		if err != nil {
			return
		}
		source := imageinspect.Static{}
		for _, st := range doc.Stages {
			facts := imageinspect.UnknownImage(st.BaseWord)
			facts.Origin.Kind = imageinspect.FromRegistry
			facts.Config = imageinspect.Config{OS: "linux", WorkingDir: workdir, Volumes: []string{volume}, Cmd: strings.Fields(command), User: user}
			if facts.Validate() == nil {
				source[st.BaseWord] = facts
			}
		}
		checkRun(t, src, Options{Source: source})
	})
}

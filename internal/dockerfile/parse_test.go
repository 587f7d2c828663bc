package dockerfile

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the want.txt files")

// cases returns the files of testdata/<kind>/*/<name>, by case.
func cases(tb testing.TB, kind, name string) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*", name))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no test data in %s: %v", kind, err)
	}
	out := make(map[string][]byte, len(files))
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(f))] = src
	}
	return out
}

// golden compares got with a want.txt file.
func golden(t *testing.T, kind, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", kind, name, "want.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestParse(t *testing.T) {
	for name, src := range cases(t, "parse", "Dockerfile") {
		t.Run(name, func(t *testing.T) {
			d, err := Parse(src)
			if strings.HasPrefix(name, "err-") != (err != nil) {
				t.Fatalf("error: %v", err)
			}
			if err != nil {
				golden(t, "parse", name, dumpError(err))
				return
			}
			checkInvariants(t, d, src)
			golden(t, "parse", name, dump(d))
		})
	}
}

func dumpError(err error) string {
	e := err.(*Error)
	return fmt.Sprintf("%d: %s\n", e.Line, e)
}

// dump writes everything that Parse found out, one line for each thing.
func dump(d *Document) string {
	var b strings.Builder
	fmt.Fprintf(&b, "escape %c syntax %q foreign %v\n", d.Escape, d.Syntax, d.ForeignSyntax())
	for _, c := range d.Comments {
		fmt.Fprintf(&b, "comment %d %q directive=%v inside=%v\n", c.Line, c.Text, c.Directive, c.Inside)
	}
	for _, in := range d.Instructions {
		stage := "-"
		if in.Stage != nil {
			stage = fmt.Sprint(in.Stage.Index)
		}
		fmt.Fprintf(&b, "%d-%d stage=%s %q\n", in.Line, in.EndLine, stage, d.Src[in.Span.Start:in.Span.End])
		dumpWords(&b, d, in)
		if in.OnBuild != nil {
			b.WriteString("  onbuild\n")
			dumpWords(&b, d, in.OnBuild)
		}
	}
	for _, st := range d.Stages {
		fmt.Fprintf(&b, "stage %d name=%q base=%q platform=%q instructions=%d\n", st.Index, st.Name, st.BaseWord, st.PlatformWord, len(st.Instructions))
	}
	return b.String()
}

func dumpWords(b *strings.Builder, d *Document, in *Instruction) {
	fmt.Fprintf(b, "  %s text=%q args=%q", in.Keyword, in.Text, in.Args)
	if in.JSON {
		b.WriteString(" json")
	}
	if d.Dangling(in) {
		b.WriteString(" dangling")
	}
	for _, f := range in.Flags {
		fmt.Fprintf(b, " %s=%q", f.Name, f.Value)
	}
	for _, kv := range in.KeyValues() {
		fmt.Fprintf(b, " {%q %q %v}", kv.Key, kv.Value, kv.HasValue)
	}
	for _, h := range in.Heredocs {
		fmt.Fprintf(b, " heredoc{%s expand=%v chomp=%v %q}", h.Name, h.Expand, h.Chomp, h.Content)
	}
	b.WriteByte('\n')
}

// checkInvariants checks what holds for every document.
func checkInvariants(t *testing.T, d *Document, src []byte) {
	t.Helper()
	if !bytes.Equal(d.Src, src) {
		t.Fatal("the document changed its text")
	}
	last := 0
	for i, in := range d.Instructions {
		if in.Index != i || in.Span.Start < last || in.Span.End < in.Span.Start || in.Span.End > len(src) {
			t.Fatalf("instruction %d: index %d, span %v after %d", i, in.Index, in.Span, last)
		}
		last = in.Span.End
		if n := 1 + bytes.Count(src[:in.Span.Start], []byte("\n")); n != in.Line {
			t.Fatalf("instruction %d: line %d, its span starts in %d", i, in.Line, n)
		}
		if n := 1 + bytes.Count(src[:in.Span.End], []byte("\n")); n != in.EndLine {
			t.Fatalf("instruction %d: end line %d, its span ends in %d", i, in.EndLine, n)
		}
		checkOffsets(t, in, src)
		if in.OnBuild != nil {
			checkOffsets(t, in.OnBuild, src)
		}
		for _, h := range in.Heredocs {
			if string(src[h.Body.Start:h.Body.End]) != h.Content {
				t.Fatalf("instruction %d: heredoc body %v", i, h.Body)
			}
		}
	}
	for _, c := range d.Comments {
		if text := string(src[c.Span.Start:c.Span.End]); !strings.HasPrefix(strings.TrimSpace(text), "#") {
			t.Fatalf("comment in line %d is %q", c.Line, text)
		}
	}
}

func checkOffsets(t *testing.T, in *Instruction, src []byte) {
	t.Helper()
	if in.Original[in.TextStart:] != in.Text {
		t.Fatalf("line %d: text %q starts at %d of %q", in.Line, in.Text, in.TextStart, in.Original)
	}
	// BuildKit hands on the trimmed text of these as one word.
	switch in.Keyword {
	case "RUN", "CMD", "ENTRYPOINT", "USER", "WORKDIR", "STOPSIGNAL":
		if !in.JSON && len(in.Args) == 1 && in.Args[0] != strings.TrimSpace(in.Text) {
			t.Fatalf("line %d: text %q, for BuildKit %q", in.Line, in.Text, in.Args[0])
		}
	}
	for i := range len(in.Original) {
		if src[in.Offset(i)] != in.Original[i] {
			t.Fatalf("line %d: offset of byte %d of %q is %d", in.Line, i, in.Original, in.Offset(i))
		}
	}
	if n := len(in.Original); n > 0 && in.Offset(n) != in.Offset(n-1)+1 {
		t.Fatalf("line %d: end offset %d", in.Line, in.Offset(n))
	}
}

// TestParseLimits feeds texts that make a naive use of the parser take minutes
// or run out of stack.
func TestParseLimits(t *testing.T) {
	tests := map[string]struct{ src, err string }{
		"size":            {strings.Repeat("#", MaxSize+1), "more than"},
		"long line":       {"FROM a\nRUN " + strings.Repeat("x", 70_000), "line greater than max"},
		"nested defaults": {"FROM a\nRUN <<E " + strings.Repeat("${a:-\\\n", 100_000), "more than can be expanded safely"},
		"nested onbuild":  {"FROM a\n" + strings.Repeat("ONBUILD \\\n", 90_000), "ONBUILD triggers"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.src))
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// TestParseErrorLine checks the line of an overlong line, which BuildKit counts
// from 0.
func TestParseErrorLine(t *testing.T) {
	_, err := Parse([]byte("FROM a\nUSER b\nRUN " + strings.Repeat("x", 70_000) + "\n"))
	if e, ok := err.(*Error); !ok || e.Line != 3 {
		t.Errorf("got %#v, want line 3", err)
	}
}

// TestParseKeepsNothing checks that the document does not share its bytes with
// the caller.
func TestParseKeepsNothing(t *testing.T) {
	src := []byte("FROM a\n")
	d, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	src[0] = 'X'
	if string(d.Src) != "FROM a\n" {
		t.Errorf("got %q", d.Src)
	}
}

// TestForeignSyntax checks which frontends are Docker's own.
func TestForeignSyntax(t *testing.T) {
	for syntax, want := range map[string]bool{
		"":                                       false,
		"docker/dockerfile":                      false,
		"docker/dockerfile:1":                    false,
		"docker.io/docker/dockerfile:1.7":        false,
		"docker/dockerfile@sha256:00":            false,
		"docker/dockerfile-upstream:master-labs": false,
		"mirror.example.com:5000/docker/dockerfile:1": false,
		"r2d4/mockerfile":                  true,
		"example.com/docker/dockerfiles:1": true,
	} {
		if got := foreignSyntax(syntax); got != want {
			t.Errorf("foreignSyntax(%q) = %v", syntax, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range cases(f, "parse", "Dockerfile") {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Parse(src)
		if err != nil {
			e, ok := err.(*Error)
			if !ok || e.Line < 1 || e.Line > 1+bytes.Count(src, []byte("\n")) {
				t.Fatalf("error %#v", err)
			}
			if strings.Contains(e.Msg, "internal error") || strings.ContainsAny(e.Error(), "\x1b\n\x00") {
				t.Fatalf("error %q", e)
			}
			return
		}
		checkInvariants(t, d, src)
		r := d.Resolver(nil, "")
		env := r.Env(nil)
		for _, st := range d.Stages {
			if _, _, err := r.Chain(st); err == nil && st.BaseWord == "" {
				t.Fatal("a stage FROM nothing")
			}
		}
		for _, in := range d.Instructions {
			env.Apply(in)
			checkScript(t, d, in)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	src, err := os.ReadFile("testdata/typical/Dockerfile")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}

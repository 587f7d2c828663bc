package diff

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the want.diff files")

// TestUnified compares the diffs of testdata/*/{old,new} with want.diff.
func TestUnified(t *testing.T) {
	files, err := filepath.Glob("testdata/*/old")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			old, new := read(t, dir, "old"), read(t, dir, "new")
			got := Unified("a/Dockerfile", "b/Dockerfile", old, new)
			want := filepath.Join(dir, "want.diff")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if w := string(read(t, dir, "want.diff")); got != w {
				t.Errorf("got:\n%s\nwant:\n%s", got, w)
			}
			applyBoth(t, "Dockerfile", old, new)
		})
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnifiedNames checks how names are written, and that both tools find the
// file by them.
func TestUnifiedNames(t *testing.T) {
	tests := []struct{ name, want string }{
		{"Dockerfile", "a/Dockerfile\n"},
		{"my app/Dockerfile", "a/my app/Dockerfile\t\n"},
		{"{{x}} (before)/Dockerfile", "a/{{x}} (before)/Dockerfile\t\n"},
		{"größe/Dockerfile", "\"a/gr\\303\\266\\303\\237e/Dockerfile\"\n"},
		{`a"b\c d`, "\"a/a\\\"b\\\\c d\"\n"},
		{"tab\there", "\"a/tab\\there\"\n"},
		{"line\nbreak", "\"a/line\\nbreak\"\n"},
		{"esc\x1b[31m", "\"a/esc\\033[31m\"\n"},
		{"latin\xe9", "\"a/latin\\351\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			old, new := []byte("FROM a\n"), []byte("FROM a\nUSER 1\n")
			d := Unified("a/"+tt.name, "b/"+tt.name, old, new)
			if !strings.HasPrefix(d, "--- "+tt.want) {
				t.Errorf("got %q, want %q", d, "--- "+tt.want)
			}
			applyBoth(t, tt.name, old, new)
		})
	}
}

// TestUnifiedIsLineMode guards the use of go-diff: its line mode was broken
// before v1.4.0 for texts with more than nine distinct lines
// (github.com/sergi/go-diff/issues/140), and module resolution may bring an
// older one back.
func TestUnifiedIsLineMode(t *testing.T) {
	for _, n := range []int{5, 9, 10, 11, 100, 60_000} {
		var old, new strings.Builder
		for i := range n {
			fmt.Fprintf(&old, "line %d\n", i)
			fmt.Fprintf(&new, "line %d\n", i)
			if i == n/2 {
				new.WriteString("added\n")
			}
		}
		added, removed := Stat([]byte(old.String()), []byte(new.String()))
		if added != 1 || removed != 0 {
			t.Errorf("%d lines: +%d -%d, want +1 -0", n, added, removed)
		}
	}
}

// TestUnifiedRandom pipes random changes of random texts through patch and
// git apply.
func TestUnifiedRandom(t *testing.T) {
	cases := 100
	if testing.Short() {
		cases = 5
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range cases {
		old := randomText(r)
		new := mutate(r, old)
		t.Run(fmt.Sprint(i), func(t *testing.T) { applyBoth(t, "Dockerfile", old, new) })
	}
}

// randomText returns up to 40 lines from a small set, with all line endings
// and sometimes none at the end.
func randomText(r *rand.Rand) []byte {
	var b bytes.Buffer
	for range 1 + r.IntN(40) {
		b.WriteString(randomLine(r))
	}
	if r.IntN(3) == 0 {
		return bytes.TrimRight(b.Bytes(), "\n")
	}
	return b.Bytes()
}

func randomLine(r *rand.Rand) string {
	words := []string{"FROM a", "RUN x", "", " ", "# c", "\xff\xfe", "USER 0", "-- a", "++ b", "@@ -1 +1 @@", "\\ No newline", fmt.Sprint(r.IntN(30))}
	return words[r.IntN(len(words))] + []string{"\n", "\n", "\r\n"}[r.IntN(3)]
}

func mutate(r *rand.Rand, text []byte) []byte {
	var out []byte
	for l := range bytes.Lines(text) {
		switch r.IntN(8) {
		case 0:
		case 1:
			out = append(append(out, randomLine(r)...), l...)
		case 2:
			out = append(out, randomLine(r)...)
		default:
			out = append(out, l...)
		}
	}
	if r.IntN(3) == 0 {
		out = append(out, "last"...)
	}
	return out
}

// applyBoth applies the diff of old and new with patch and with git apply.
func applyBoth(t *testing.T, name string, old, new []byte) {
	t.Helper()
	d := Unified("a/"+name, "b/"+name, old, new)
	if (d == "") != bytes.Equal(old, new) {
		t.Fatalf("diff %q of %q and %q", d, old, new)
	}
	if d == "" {
		return
	}
	// --posix would remove empty files; a text that becomes empty stays.
	for _, args := range [][]string{
		{"patch", "-p1", "--binary", "--no-backup-if-mismatch", "--fuzz=0"},
		{"git", "apply", "--whitespace=nowarn"},
	} {
		if _, err := exec.LookPath(args[0]); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI needs %s: %v", args[0], err)
			}
			t.Skipf("%s is not installed", args[0])
		}
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, old, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(d)
		// Outside of a repository, whatever is above the temporary directory.
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s\n%s", args[0], err, out, d)
		}
		got, err := os.ReadFile(path)
		if err != nil && len(new) > 0 {
			t.Fatal(err)
		}
		if !bytes.Equal(got, new) {
			t.Fatalf("%s made %q, want %q\n%s", args[0], got, new, d)
		}
	}
}

// FuzzUnified checks the diff with a small reader of its own.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n")
	f.Add("", "a")
	f.Add("a", "")
	f.Add("a\r\nb", "a\r\nb\n")
	f.Add("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n")
	f.Fuzz(func(t *testing.T, old, new string) {
		d := Unified("a/f", "b/f", []byte(old), []byte(new))
		if got := patched(t, old, d); got != new {
			t.Errorf("diff of %q and %q makes %q:\n%s", old, new, got, d)
		}
	})
}

// patched applies a unified diff strictly: every line where it says.
func patched(t *testing.T, old, d string) string {
	if d == "" {
		return old
	}
	lines := strings.SplitAfter(d, "\n")[2:]
	rest := strings.SplitAfter(old, "\n")
	var out strings.Builder
	at := 1
	for i := 0; i < len(lines) && lines[i] != ""; {
		var start, n, newStart, newN int
		h := strings.Fields(lines[i])
		start, n = parseRange(t, h[1])
		newStart, newN = parseRange(t, h[2])
		if n == 0 {
			start++
		}
		for ; at < start; at++ {
			out.WriteString(rest[0])
			rest = rest[1:]
		}
		if newN == 0 {
			newStart++
		}
		if lineNumber := 1 + strings.Count(out.String(), "\n"); lineNumber != newStart {
			t.Fatalf("hunk %q is at line %d of the new text", lines[i], lineNumber)
		}
		for i++; n > 0 || newN > 0; i++ {
			op, text := lines[i][0], lines[i][1:]
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], `\ `) {
				text = strings.TrimSuffix(text, "\n")
			}
			if op != '+' {
				if rest[0] != text {
					t.Fatalf("line %d is %q, the diff says %q", at, rest[0], text)
				}
				rest, at, n = rest[1:], at+1, n-1
			}
			if op != '-' {
				out.WriteString(text)
				newN--
			}
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], `\ `) {
				i++
			}
		}
	}
	return out.String() + strings.Join(rest, "")
}

func parseRange(t *testing.T, s string) (start, n int) {
	if c, err := fmt.Sscanf(s[1:], "%d,%d", &start, &n); c == 2 && err == nil {
		return start, n
	}
	if _, err := fmt.Sscanf(s[1:], "%d", &start); err != nil {
		t.Fatalf("range %q: %v", s, err)
	}
	return start, 1
}

func BenchmarkUnified(b *testing.B) {
	var old bytes.Buffer
	for i := range 60 {
		fmt.Fprintf(&old, "RUN step %d\n", i)
	}
	new, err := Apply(old.Bytes(), []Edit{{100, 100, "RUN useradd app\n"}, {old.Len(), old.Len(), "USER 10001:10001\n"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Unified("a/Dockerfile", "b/Dockerfile", old.Bytes(), new)
	}
}

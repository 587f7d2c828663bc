package dockerfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/diff"
)

func parse(t *testing.T, src string) *Document {
	t.Helper()
	d, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func apply(t *testing.T, d *Document, e diff.Edit) string {
	t.Helper()
	out, err := diff.Apply(d.Src, []diff.Edit{e})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestInsert(t *testing.T) {
	tests := []struct {
		name   string
		src    string
		at     int // instruction
		before bool
		want   string
	}{
		{name: "after", src: "FROM a\nCMD b\n", want: "FROM a\n# why\nUSER 1\nCMD b\n"},
		{name: "before", src: "FROM a\nCMD b\n", at: 1, before: true, want: "FROM a\n# why\nUSER 1\nCMD b\n"},
		{name: "after the last line", src: "FROM a\n", want: "FROM a\n# why\nUSER 1\n"},
		{name: "no final newline stays", src: "FROM a\nCMD b", at: 1, want: "FROM a\nCMD b\n# why\nUSER 1"},
		{name: "before an unterminated line", src: "FROM a\nCMD b", at: 1, before: true, want: "FROM a\n# why\nUSER 1\nCMD b"},
		{name: "crlf", src: "FROM a\r\nCMD b\r\n", want: "FROM a\r\n# why\r\nUSER 1\r\nCMD b\r\n"},
		{name: "crlf without final newline", src: "FROM a\r\nCMD b", at: 1, want: "FROM a\r\nCMD b\r\n# why\r\nUSER 1"},
		{name: "mixed: as the neighbour", src: "FROM a\r\nCMD b\n", want: "FROM a\r\n# why\r\nUSER 1\r\nCMD b\n"},
		{name: "mixed: as the other neighbour", src: "FROM a\r\nCMD b\n", at: 1, before: true, want: "FROM a\r\n# why\nUSER 1\nCMD b\n"},
		{name: "single unterminated line", src: "FROM a", want: "FROM a\n# why\nUSER 1"},
		{name: "indentation", src: "FROM a\n\tRUN b \\\n\t\tc\n", at: 1, want: "FROM a\n\tRUN b \\\n\t\tc\n\t# why\n\tUSER 1\n"},
		{name: "above the comment", src: "FROM a\n\n# one\n# two\nCMD b\n", at: 1, before: true, want: "FROM a\n\n# why\nUSER 1\n# one\n# two\nCMD b\n"},
		{name: "a blank line ends the comment", src: "FROM a\n# one\n\nCMD b\n", at: 1, before: true, want: "FROM a\n# one\n\n# why\nUSER 1\nCMD b\n"},
		{name: "a comment inside of the one above", src: "FROM a\nRUN b \\\n# c\n\nCMD d\n", at: 0, before: false, want: "FROM a\n# why\nUSER 1\nRUN b \\\n# c\n\nCMD d\n"},
		{name: "below directives", src: "# syntax=x\n# about\nFROM a\n", before: true, want: "# syntax=x\n# why\nUSER 1\n# about\nFROM a\n"},
		{name: "below a shebang", src: "#!/bin/x\nFROM a\n", before: true, want: "#!/bin/x\n# why\nUSER 1\nFROM a\n"},
		{name: "after the byte order mark", src: "\ufeff# about\nFROM a\n", before: true, want: "\ufeff# why\nUSER 1\n# about\nFROM a\n"},
		{name: "after a heredoc", src: "FROM a\nRUN <<EOF\nb\nEOF\nCMD c\n", at: 1, want: "FROM a\nRUN <<EOF\nb\nEOF\n# why\nUSER 1\nCMD c\n"},
		{name: "after an unterminated heredoc line", src: "FROM a\nRUN <<EOF\nb\nEOF", at: 1, want: "FROM a\nRUN <<EOF\nb\nEOF\n# why\nUSER 1"},
		{name: "after a comment that ends in a backslash", src: "FROM a\n# b \\\nCMD c\n", at: 1, want: "FROM a\n# b \\\nCMD c\n# why\nUSER 1\n"},
		{name: "after a step that was commented out", src: "FROM a\nRUN b\n#  && c\n# about d\nCMD d\n", at: 1, want: "FROM a\nRUN b\n#  && c\n# why\nUSER 1\n# about d\nCMD d\n"},
		{name: "trailing blank lines stay", src: "FROM a\n\n\n", want: "FROM a\n# why\nUSER 1\n\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.src)
			e := d.InsertAfter(d.Instructions[tt.at], "# why", "USER 1")
			if tt.before {
				e = d.InsertBefore(d.Instructions[tt.at], "# why", "USER 1")
			}
			if got := apply(t, d, e); got != tt.want {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestInsertAfterDangling checks that text cannot be put where the instruction
// above would swallow it.
func TestInsertAfterDangling(t *testing.T) {
	for _, src := range []string{"FROM a\nCMD b \\", "FROM a\nCMD b \\\n", "FROM a\nRUN b && \\\n\n# c\n", "FROM a \\\n"} {
		d := parse(t, src)
		last := d.Instructions[len(d.Instructions)-1]
		if !d.Dangling(last) {
			t.Errorf("%q: not dangling", src)
		}
		if out, err := diff.Apply(d.Src, []diff.Edit{d.InsertAfter(last, "USER 1")}); err == nil {
			t.Errorf("%q: became %q", src, out)
		}
		if first := d.Instructions[0]; first != last && d.Dangling(first) {
			t.Errorf("%q: the first instruction is dangling", src)
		}
	}
}

func TestReplace(t *testing.T) {
	tests := []struct{ name, src, old, new, want string }{
		{"word", "FROM a\nUSER app\n", "app", "1:1", "FROM a\nUSER 1:1\n"},
		{"crlf", "FROM a\r\nUSER app\r\n", "app", "1:1", "FROM a\r\nUSER 1:1\r\n"},
		{"on a continuation line", "FROM a\nRUN b \\\n  && c \\\n  && d\n", "c", "x", "FROM a\nRUN b \\\n  && x \\\n  && d\n"},
		{"at the end of a line", "FROM a\nRUN b\\\n c\n", "b", "x", "FROM a\nRUN x\\\n c\n"},
		{"at the start of a line", "FROM a\nRUN b \\\nc d\n", "c", "x", "FROM a\nRUN b \\\nx d\n"},
		{"split over lines", "FROM a\nRUN apt-\\\nget x \\\n y\n", "apt-get", "apk", "FROM a\nRUN apk x \\\n y\n"},
		{"over a comment", "FROM a\nUSER ap\\\n# why\np\nCMD b\n", "app", "1", "FROM a\nUSER 1\nCMD b\n"},
		{"last line becomes blank", "FROM a\nRUN b \\\n  c\nCMD d\n", "c", "", "FROM a\nRUN b   \nCMD d\n"},
		{"becomes a comment", "FROM a\nRUN b \\\n  c\nCMD d\n", "c", "#x", "FROM a\nRUN b   #x\nCMD d\n"},
		{"middle line becomes blank", "FROM a\nRUN b \\\n  c \\\n e\nCMD d\n", "c ", "", "FROM a\nRUN b   \\\n e\nCMD d\n"},
		{"insertion", "FROM a\nCOPY b c\n", "", "--chown=1:1 ", "FROM a\nCOPY --chown=1:1 b c\n"},
		{"insertion on a continuation line", "FROM a\nCOPY \\\n  b c\n", "", "--chown=1:1 ", "FROM a\nCOPY \\\n  --chown=1:1 b c\n"},
		{"onbuild", "FROM a\nONBUILD USER \\\n  app\n", "app", "1", "FROM a\nONBUILD USER \\\n  1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.src)
			in := d.Instructions[1]
			from := strings.Index(in.Original, tt.old)
			if tt.old == "" {
				from = in.TextStart
			}
			if in.OnBuild != nil {
				in = in.OnBuild
				from = strings.Index(in.Original, tt.old)
			}
			got := apply(t, d, d.Replace(in, from, from+len(tt.old), tt.new))
			if got != tt.want {
				t.Fatalf("got %q\nwant %q", got, tt.want)
			}
			if n := parse(t, got); len(n.Instructions) != len(d.Instructions) {
				t.Errorf("%d instructions, before %d", len(n.Instructions), len(d.Instructions))
			}
		})
	}
}

func TestKeywordCase(t *testing.T) {
	for src, want := range map[string]string{
		"FROM a\nRUN b\n":        "USER",
		"from a\nrun b\n":        "user",
		"from a\nRUN b\nCMD c\n": "USER",
		"from a\nrun b\nCMD c\n": "user",
		"From a\nRun b\n":        "USER",
		"  from a\n  run b\n":    "user",
	} {
		if got := parse(t, src).KeywordCase("User"); got != want {
			t.Errorf("%q: %s, want %s", src, got, want)
		}
	}
}

func TestContinuation(t *testing.T) {
	if got := parse(t, "FROM a\n").Continuation(); got != " \\" {
		t.Errorf("got %q", got)
	}
	if got := parse(t, "# escape=`\nFROM a\n").Continuation(); got != " `" {
		t.Errorf("got %q", got)
	}
}

// TestInsertPredicted inserts at every place of every test file and checks that
// BuildKit then reads what was there, and the new instruction in its place.
func TestInsertPredicted(t *testing.T) {
	for name, src := range cases(t, "parse", "Dockerfile") {
		if d, err := Parse(src); err == nil {
			t.Run(name, func(t *testing.T) { checkInsertions(t, d) })
		}
	}
}

func checkInsertions(t *testing.T, d *Document) {
	t.Helper()
	// ARG may stand anywhere, before the first FROM too.
	const line = "ARG HARDEN=1"
	for i, in := range d.Instructions {
		checkPrediction(t, d, d.InsertBefore(in, "# why", line), i, line)
		if !d.Dangling(in) {
			checkPrediction(t, d, d.InsertAfter(in, "# why", line), i+1, line)
		}
	}
}

func checkPrediction(t *testing.T, d *Document, e diff.Edit, at int, line string) {
	t.Helper()
	var want, got []string
	for _, in := range d.Instructions {
		want = append(want, key(in))
	}
	want = slices.Insert(want, at, line)
	out := apply(t, d, e)
	n, err := Parse([]byte(out))
	if err != nil {
		t.Fatalf("%q does not parse: %v", out, err)
	}
	for _, in := range n.Instructions {
		got = append(got, key(in))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q reads as %q, want %q", out, got, want)
	}
}

// key is what must not change about an instruction.
func key(in *Instruction) string {
	s := in.Original
	for _, h := range in.Heredocs {
		s += "\n" + h.Content
	}
	return strings.TrimSpace(s)
}

func FuzzEdit(f *testing.F) {
	for _, src := range cases(f, "parse", "Dockerfile") {
		f.Add(src, uint(5), uint(3), "1:1")
		f.Add(src, uint(9), uint(30), "")
	}
	f.Fuzz(func(t *testing.T, src []byte, from, length uint, text string) {
		d, err := Parse(src)
		if err != nil || len(src) > 4<<10 {
			return
		}
		checkInsertions(t, d)
		if strings.ContainsAny(text, "\r\n\x00\\`#<\"'[${") || !validWord(text) {
			return
		}
		for _, in := range d.Instructions {
			checkReplace(t, d, in, from, length, text)
		}
	})
}

func validWord(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// checkReplace replaces a range of the text of an instruction and checks that
// the logical line is the predicted one.
func checkReplace(t *testing.T, d *Document, in *Instruction, from, length uint, text string) {
	if len(in.Text) == 0 {
		return
	}
	lo := in.TextStart + int(from%uint(len(in.Text)))
	hi := lo + int(length%uint(len(in.Original)-lo+1))
	want := in.Original[:lo] + text + in.Original[hi:]
	out := apply(t, d, d.Replace(in, lo, hi, text))
	n, err := Parse([]byte(out))
	if err != nil || len(n.Instructions) <= in.Index {
		return // the new text is no valid instruction
	}
	// An escape character that ends up at the end of a line is a
	// continuation: a caller must not make one.
	if strings.IndexByte(in.Original, d.Escape) >= 0 {
		return
	}
	if got := n.Instructions[in.Index].Original; strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Fatalf("%q: replacing %d:%d of %q by %q gave %q, want %q", d.Src, lo, hi, in.Original, text, got, want)
	}
}

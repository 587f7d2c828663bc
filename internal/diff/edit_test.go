package diff

import (
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	const src = "FROM a\nUSER b\n"
	tests := []struct {
		name  string
		edits []Edit
		want  string
		err   string
	}{
		{name: "none", want: src},
		{name: "insert at start", edits: []Edit{{0, 0, "# x\n"}}, want: "# x\n" + src},
		{name: "insert at end", edits: []Edit{{14, 14, "CMD c\n"}}, want: src + "CMD c\n"},
		{name: "any order", edits: []Edit{{12, 13, "c"}, {5, 6, "d"}}, want: "FROM d\nUSER c\n"},
		{name: "insertions keep their order", edits: []Edit{{7, 7, "1\n"}, {7, 7, "2\n"}}, want: "FROM a\n1\n2\nUSER b\n"},
		{name: "insertion before a replacement", edits: []Edit{{7, 11, "RUN"}, {7, 7, "# x\n"}}, want: "FROM a\n# x\nRUN b\n"},
		{name: "neighbours touch", edits: []Edit{{0, 4, "from"}, {4, 5, "\t"}}, want: "from\ta\nUSER b\n"},
		{name: "overlap", edits: []Edit{{0, 5, ""}, {4, 6, ""}}, err: "overlaps"},
		{name: "insertion inside of a replacement", edits: []Edit{{0, 5, ""}, {2, 2, "x"}}, err: "overlaps"},
		{name: "twice the same", edits: []Edit{{0, 4, "x"}, {0, 4, "x"}}, err: "overlaps"},
		{name: "beyond the end", edits: []Edit{{14, 15, ""}}, err: "outside"},
		{name: "before the start", edits: []Edit{{-1, -1, ""}}, err: "outside"},
		{name: "backwards", edits: []Edit{{4, 2, ""}}, err: "outside"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Apply([]byte(src), tt.edits)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzApply checks that Apply never panics, and that what it accepts has the
// length that the edits add up to.
func FuzzApply(f *testing.F) {
	f.Add("FROM a\nUSER b\n", 0, 4, "from", 7, 7, "RUN x\n")
	f.Add("FROM a", 0, 5, "", 2, 2, "x")
	f.Add("", -1, 0, "x", 9, 3, "")
	f.Fuzz(func(t *testing.T, src string, s1, e1 int, n1 string, s2, e2 int, n2 string) {
		edits := []Edit{{s1, e1, n1}, {s2, e2, n2}}
		got, err := Apply([]byte(src), edits)
		if err != nil {
			return
		}
		want := len(src) + len(n1) + len(n2) - (e1 - s1) - (e2 - s2)
		if len(got) != want {
			t.Errorf("%d bytes, want %d", len(got), want)
		}
		if n1+n2 == "" && !isSubsequence(string(got), src) {
			t.Errorf("%q is not what is left of %q", got, src)
		}
	})
}

func isSubsequence(s, of string) bool {
	for i := 0; i < len(of) && s != ""; i++ {
		if of[i] == s[0] {
			s = s[1:]
		}
	}
	return s == ""
}

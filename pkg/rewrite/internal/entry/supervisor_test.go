package entry

import (
	"slices"
	"testing"
)

func TestSplitCommand(t *testing.T) {
	tests := []struct {
		text string
		want []string
		ok   bool
	}{
		{`nginx -g "daemon off;"`, []string{"nginx", "-g", "daemon off;"}, true},
		{`sh -c 'a "b" \n' x\ y`, []string{"sh", "-c", `a "b" \n`, "x y"}, true},
		{`a "" b`, []string{"a", "", "b"}, true},
		{`a "b`, []string{"a", "b"}, false},
		{``, nil, true},
	}
	for _, test := range tests {
		got, ok := splitCommand(test.text)
		if ok != test.ok || !slices.Equal(got, test.want) {
			t.Errorf("splitCommand(%q) = %q, %v, want %q, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func TestParseSupervisor(t *testing.T) {
	lines := parseSupervisor("f", "; a comment\n[supervisord]\nnodaemon = true ; stay\n\n[program:web]\ncommand: run\n  --port 80 ; x\nuser=\n#user=www\n[broken\n")
	want := []supervisorLine{
		{"supervisord", "", "", "f", 2}, {"supervisord", "nodaemon", "true", "f", 3},
		{"program:web", "", "", "f", 5}, {"program:web", "command", "run\n--port 80", "f", 6}, {"program:web", "user", "", "f", 8},
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %+v\nwant %+v", lines, want)
	}
	if got := parseSupervisor("f", " indented\n=\n"); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

package content

import (
	"testing"
	"testing/fstest"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// open returns the image of the last stage of a Dockerfile, on a base of which nothing is known.
func open(t *testing.T, file string, context fstest.MapFS) *Image {
	t.Helper()
	doc, err := dockerfile.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	resolver := doc.Resolver(nil, "linux/amd64")
	chain, _, err := resolver.Chain(doc.Stages[len(doc.Stages)-1])
	if err != nil {
		t.Fatal(err)
	}
	base := imageinspect.UnknownImage("base")
	end := simulate.Run(doc, resolver, chain, simulate.NewState(base), nil)
	return &Image{Doc: doc, Chain: chain, Base: base, End: end, Context: Seen(context), Resolver: resolver}
}

func TestFileOf(t *testing.T) {
	context := fstest.MapFS{
		"start.sh":      {Data: []byte("start"), Mode: 0o755},
		"conf/app.conf": {Data: []byte("conf"), Mode: 0o644},
		"src/main.js":   {Data: []byte("main"), Mode: 0o644},
		"big":           {Data: make([]byte, maxScript+1), Mode: 0o644},
	}
	tests := []struct {
		name, file, path, want string
		missing                bool
	}{
		{"into a directory", "FROM base\nCOPY start.sh /usr/local/bin/\n", "/usr/local/bin/start.sh", "start", false},
		{"under another name", "FROM base\nCOPY start.sh /entry\n", "/entry", "start", false},
		{"with its directory", "FROM base\nWORKDIR /etc/app\nCOPY conf .\n", "/etc/app/app.conf", "conf", false},
		{"by a pattern", "FROM base\nCOPY conf/*.conf /etc/\n", "/etc/app.conf", "conf", false},
		{"with its parents", "# syntax=docker/dockerfile:1\nFROM base\nCOPY --parents src/main.js /app/\n", "/app/src/main.js", "main", false},
		{"a here-document", "FROM base\nCOPY <<E /x\ntext\nE\n", "/x", "text\n", false},
		{"printed", "FROM base\nRUN echo text > /x\n", "/x", "text\n", false},
		{"through a stage", "FROM base AS one\nCOPY start.sh /s\nFROM base\nCOPY --from=one /s /t\n", "/t", "start", false},
		{"changed in that stage", "FROM base AS one\nCOPY start.sh /s\nRUN sed -i s/a/b/ /s\nFROM base\nCOPY --from=one /s /t\n", "/t", "", true},
		{"moved by a step", "FROM base\nCOPY start.sh /tmp/\nRUN mv /tmp/start.sh /usr/bin/run\n", "/usr/bin/run", "start", false},
		{"the last copy counts", "FROM base\nCOPY start.sh /x\nCOPY conf/app.conf /x\n", "/x", "conf", false},
		{"of another image", "FROM base\nCOPY --from=other /x /x\n", "/x", "", true},
		{"from an unknown source", "FROM base\nARG F\nCOPY $F /x\n", "/x", "", true},
		{"larger than what is read", "FROM base\nCOPY big /x\n", "/x", "", true},
		{"out of the context", "FROM base\nCOPY ../start.sh /x\n", "/x", "start", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			im := open(t, test.file, context)
			text, ok := im.FileOf(test.path)
			if !ok {
				text, ok = im.MovedFile(test.path)
			}
			if ok == test.missing || text != test.want {
				t.Errorf("FileOf(%q) = %q, %v", test.path, text, ok)
			}
		})
	}
}

// TestSeen: what is remembered of a context is what it says.
func TestSeen(t *testing.T) {
	context := fstest.MapFS{"a/b": {Data: []byte("b"), Mode: 0o644}}
	for range 2 {
		if err := fstest.TestFS(Seen(context), "a/b"); err != nil {
			t.Error(err)
		}
	}
	if Seen(nil) != nil {
		t.Error("no context: want none")
	}
}

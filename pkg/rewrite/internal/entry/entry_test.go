package entry

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var update = flag.Bool("update", false, "write what is found into testdata/*.txtar")

// TestRead reads what the Dockerfile of each testdata/NAME.txtar starts, on a base of which
// nothing is known, and compares it with the file want. Other files are the build context.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			context, want := fstest.MapFS{}, -1
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = i
				} else {
					context[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
				}
			}
			if want < 0 {
				t.Fatal("no file want")
			}
			got := describe(read(t, context))
			if *update {
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if string(archive.Files[want].Data) != got {
				t.Errorf("got\n%s\nwant\n%s", got, archive.Files[want].Data)
			}
		})
	}
}

func read(t *testing.T, context fstest.MapFS) *Entry {
	t.Helper()
	doc, err := dockerfile.Parse(context["Dockerfile"].Data)
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
	return Read(&content.Image{Doc: doc, Chain: chain, Base: base, End: end, Context: context, Resolver: resolver})
}

// describe writes down an entry, what is said alone.
func describe(e *Entry) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, c := range e.Programs {
		name := "unknown"
		if c.Program != nil {
			name = c.Program.Name
		}
		line("program %s: %s", name, strings.Join(c.Args, " "))
	}
	line("scripts %s", strings.Join(e.Scripts, " "))
	if len(e.Unread) > 0 {
		line("unread %s", strings.Join(e.Unread, " "))
	}
	if e.Opaque != "" {
		line("opaque %s", e.Opaque)
	}
	for _, d := range e.Drops {
		line("drop %s to %q%s", d.Tool, d.User, mark(d.Guarded, "where it is root"))
	}
	for _, a := range e.RootActs {
		line("needs root: %s%s", a.Text, mark(a.Stops, "stops"))
	}
	for _, p := range e.Owned {
		line("root gives away %s%s", p, mark(e.OwnedTree[p], "tree"))
	}
	for _, p := range slices.Sorted(maps.Keys(e.WrittenBy)) {
		line("writes %s%s%s%s%s%s", p, mark(e.Files[p], "file"), mark(e.Made[p], "made"), mark(e.Asked[p], "if not there"), mark(e.Trees[p], "tree"), mark(!e.Needed[p], "does without"))
	}
	for _, u := range e.Unsaid {
		line("unsaid %+v", u)
	}
	return b.String()
}

func mark(is bool, text string) string {
	if is {
		return " (" + text + ")"
	}
	return ""
}

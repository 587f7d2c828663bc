package simulate

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

var update = flag.Bool("update", false, "write what is found into testdata/*.txtar")

// TestRun follows the Dockerfile of each testdata/NAME.txtar to its end and compares what is
// known there with the file want. base.json holds the facts of the base; without it nothing is
// known of that.
func TestRun(t *testing.T) {
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
			got := describe(run(t, archive))
			want := section(archive, "want")
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if string(want.Data) != got {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

// section returns a file of an archive, which gets an empty one where it has none.
func section(a *txtar.Archive, name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name})
	return &a.Files[len(a.Files)-1]
}

func run(t *testing.T, a *txtar.Archive) *State {
	t.Helper()
	doc, err := dockerfile.Parse(section(a, "Dockerfile").Data)
	if err != nil {
		t.Fatal(err)
	}
	facts := imageinspect.UnknownImage("base")
	if data := section(a, "base.json").Data; len(data) > 0 {
		all, err := imageinspect.ReadFacts(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		facts = all[0]
	} else {
		a.Files = a.Files[:len(a.Files)-1]
	}
	resolver := doc.Resolver(nil, "linux/amd64")
	chain, _, err := resolver.Chain(doc.Stages[len(doc.Stages)-1])
	if err != nil {
		t.Fatal(err)
	}
	return Run(doc, resolver, chain, NewState(facts), nil)
}

// describe writes down a state, what the file says alone.
func describe(s *State) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("user %q %s workdir %s", s.User.Spec, owner(s.User.UID, s.User.GID, ""), s.Workdir)
	for _, a := range s.Accounts {
		if a.By != nil || a.Program != "" {
			line("account %s %s home %s%s", a.Name, owner(a.UID, a.GID, ""), a.Home, mark(!a.Certain, "uncertain"))
		}
	}
	for _, g := range s.Groups {
		if g.By != nil {
			line("group %s %s%s", g.Name, number(g.GID), mark(len(g.Members) > 0, strings.Join(g.Members, ",")))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s.Dirs)) {
		d := s.Dirs[p]
		if d.MadeBy != nil || d.OwnedBy != nil || d.Volume {
			line("directory %s %s%s%s%s%s", p, owner(d.UID, d.GID, d.Owner), mark(d.Mode.Known, fmt.Sprintf("%#o", d.Mode.N)), mark(d.Tree, "tree"), mark(d.Volume, "volume"), mark(d.Unsure, "unsure"))
		}
	}
	for _, c := range s.Copies {
		line("copy %s to %s %s%s%s", strings.Join(c.Sources, " "), c.Dest, owner(c.UID, c.GID, ""), mark(c.From != "", "from "+c.From), mark(c.Opaque, "opaque"))
	}
	for _, p := range s.Packages {
		line("package %s", p.Name)
	}
	for _, f := range s.Privileged {
		line("privileged %s %#o%s%s", f.Path, int(f.Mode), mark(len(f.Capabilities) > 0, strings.Join(f.Capabilities, ",")), mark(!f.Certain, "may be"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Texts)) {
		line("text %s %q", name, s.Texts[name])
	}
	return b.String()
}

func mark(is bool, text string) string {
	if is {
		return " (" + text + ")"
	}
	return ""
}

func number(n Number) string {
	if !n.Known {
		return "?"
	}
	return fmt.Sprint(n.N)
}

func owner(uid, gid Number, name string) string {
	if name != "" && !uid.Known {
		return name
	}
	return number(uid) + ":" + number(gid)
}

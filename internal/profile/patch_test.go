package profile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/pkg/rewrite"
)

// TestPatch merges the profile of each Dockerfile of testdata/patch into the
// file beside it. The comment of an archive holds Where, as "name: web"; its
// files are Dockerfile, in.yaml, what becomes of that, and the notes.
func TestPatch(t *testing.T) {
	files, err := filepath.Glob("testdata/patch/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := map[string][]byte{}
			for _, f := range ar.Files {
				in[f.Name] = f.Data
			}
			src := decode(in["in.yaml"])
			p, err := New(run(t, in["Dockerfile"]), Options{Name: "app"})
			if err != nil {
				t.Fatal(err)
			}
			patch, err := p.Apply(src, where(t, string(ar.Comment)))
			out, notes := src, ""
			if err != nil {
				notes = "error: " + err.Error() + "\n"
			} else {
				out, notes = patch.Output, notesText(patch)
				again, err := p.Apply(out, where(t, string(ar.Comment)))
				if err != nil {
					t.Fatalf("a second time: %v", err)
				}
				if d := diff.Unified("once", "twice", out, again.Output); d != "" {
					t.Errorf("not the same a second time:\n%s", d)
				}
				checkKept(t, src, out)
				checkPaths(t, src, out)
			}
			ar.Files = []txtar.File{{Name: "Dockerfile", Data: in["Dockerfile"]}, {Name: "in.yaml", Data: in["in.yaml"]},
				{Name: "notes", Data: []byte(notes)}, {Name: "out.yaml", Data: encode(out)}}
			golden(t, name, txtar.Format(ar))
		})
	}
}

// decode lets the archives hold what they otherwise could not: CR as "^M" and
// a byte order mark as "<BOM>" at the ends of lines and of the file.
func decode(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("^M\n"), []byte("\r\n"))
	b = bytes.Replace(b, []byte("<BOM>"), []byte("\ufeff"), 1)
	return bytes.TrimSuffix(b, []byte("<EOF>\n"))
}

func encode(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("^M\n"))
	b = bytes.Replace(b, []byte("\ufeff"), []byte("<BOM>"), 1)
	if !bytes.HasSuffix(b, []byte("\n")) {
		b = append(b, "<EOF>\n"...)
	}
	return b
}

func where(t *testing.T, comment string) Where {
	t.Helper()
	w := Where{File: "/repo/deploy.yaml", Dockerfile: "/repo/Dockerfile", Only: true}
	for line := range strings.Lines(comment) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case !ok:
		case key == "name":
			w.Name = value
		case key == "image":
			w.Image = value
		case key == "dockerfile":
			w.Dockerfile = value
		case key == "only":
			w.Only = value == "true"
		}
	}
	return w
}

func notesText(p *Patch) string {
	text := p.Target + "\n"
	for _, n := range p.Notes {
		text += fmt.Sprintf("%d: %s\n", n.Line, n.Text)
	}
	return text
}

// checkKept wants every byte of before in after, in its order: a patch inserts
// and removes at most blanks and a null.
func checkKept(t *testing.T, before, after []byte) {
	t.Helper()
	i := 0
	for _, c := range after {
		if i < len(before) && before[i] == c {
			i++
		}
	}
	rest := bytes.Trim(before[i:], " \n")
	if len(rest) > 0 && !bytes.Contains(before, []byte("null")) && !bytes.Contains(before, []byte("~")) {
		t.Errorf("not all of the file is there any more, beginning with %q", rest)
	}
}

func TestNotYAMLToPatch(t *testing.T) {
	p, err := New(run(t, []byte("FROM debian:12\nCMD [\"a\"]\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		"":                             "neither",
		"a: b\n":                       "neither",
		"services: [a]\n":              "neither",
		"\x00":                         "control characters",
		"kind: Pod\nspec: {}\n":        "neither",
		"a: {{ .Values.x }}\n":         "template",
		"a: b\n c: d\n":                "mapping values",
		"kind: Secret\ndata: {}\n":     "neither",
		strings.Repeat("a", maxYAML+1): "more than 4 MiB",
	} {
		if _, err := p.Apply([]byte(src), Where{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Apply(%.20q) = %v, want %q in it", src, err, want)
		}
	}
}

// FuzzApply merges a profile into whatever comes. Apply proves its own result,
// so what is left to want is that it does not crash, that bytes stay, and that
// a second time changes nothing.
func FuzzApply(f *testing.F) {
	files, _ := filepath.Glob("testdata/patch/*.txtar")
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(decode(file.Data))
			}
		}
	}
	src, err := os.ReadFile("testdata/format/volume/Dockerfile")
	if err != nil {
		f.Fatal(err)
	}
	res, err := rewrite.Run(f.Context(), src, rewrite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	p, err := New(res, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		w := Where{File: "/repo/deploy.yaml", Dockerfile: "/repo/Dockerfile", Only: true}
		patch, err := p.Apply(in, w)
		if err != nil {
			return
		}
		checkKept(t, in, patch.Output)
		checkPaths(t, in, patch.Output)
		again, err := p.Apply(patch.Output, w)
		if errors.Is(err, errNoPlace) {
			return
		}
		if err != nil {
			t.Fatalf("a second time: %v\n%s", err, patch.Output)
		}
		if d := diff.Unified("once", "twice", patch.Output, again.Output); d != "" {
			t.Errorf("not the same a second time:\n%s", d)
		}
	})
}

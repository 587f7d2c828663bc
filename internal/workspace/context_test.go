package workspace

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/dockerfile"
)

func TestFindContext(t *testing.T) {
	dir := tree(t, `
-- app/Dockerfile --
FROM scratch
-- app/package.json --
-- app/conf/a.conf --
-- src/main.go --
-- go.mod --
`)
	for name, test := range map[string]struct {
		copies, want string
	}{
		"nothing copied":           {"", "app"},
		"only everything":          {"COPY . .", "app"},
		"a file beside it":         {"COPY package.json ./", "app"},
		"a directory above it":     {"COPY src src", "."},
		"most of the sources":      {"COPY src/main.go go.mod ./\nCOPY package.json ./", "."},
		"nothing that is there":    {"COPY nowhere /", "none"},
		"a pattern that matches":   {"COPY package*.json ./\nCOPY . .", "app"},
		"a pattern further up":     {"COPY go.* ./\nCOPY . .", "."},
		"a pattern in a directory": {"COPY conf/*.conf /etc/", "app"},
		"a pattern for nothing":    {"COPY *.jar /app.jar", "none"},
		"a pattern for all":        {"COPY * ./", "app"},
		"only in parts of a name":  {"COPY */*.conf /etc/", "app"},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := dockerfile.Parse([]byte("FROM scratch\n" + test.copies + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			f := &File{Abs: filepath.Join(dir, "app", "Dockerfile"), tree: dir}
			got := "none"
			if found := f.FindContext(CopySources(doc)); found != "" {
				got = strings.TrimPrefix(strings.TrimPrefix(found, dir), "/")
				if got == "" {
					got = "."
				}
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

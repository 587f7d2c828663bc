package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/diff"
)

// TestDocs keeps what README.md and docs/rules.md say about rules, reasons and
// the quick start equal to what the code says. -update writes them.
func TestDocs(t *testing.T) {
	readme := "../../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text = section(t, text, "quickstart", quickstart(t))
	text = section(t, text, "rules", ruleTable())
	text = section(t, text, "reasons", reasonTable())
	compareDoc(t, readme, text)
	compareDoc(t, "../../docs/rules.md", rulesDoc())
}

func compareDoc(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date; run make fixtures", file)
	}
}

// section replaces what stands between <!-- name --> and <!-- /name -->.
func section(t *testing.T, text []byte, name, body string) []byte {
	t.Helper()
	open, end := fmt.Sprintf("<!-- %s -->\n", name), fmt.Sprintf("<!-- /%s -->", name)
	before, rest, ok := bytes.Cut(text, []byte(open))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("README.md has no section %s", name)
	}
	return []byte(string(before) + open + body + end + string(after))
}

// quickstart is the diff that the first command of the README prints.
func quickstart(t *testing.T) string {
	t.Helper()
	const file = "examples/quickstart/Dockerfile"
	src, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), src, Options{Context: os.DirFS("../../examples/quickstart"), Path: file})
	if err != nil {
		t.Fatal(err)
	}
	return "```diff\n" + diff.Unified("a/"+file, "b/"+file, res.Source, res.Output) + "```\n"
}

func ruleTable() string {
	var b strings.Builder
	b.WriteString("| rule | |\n|---|---|\n")
	for _, r := range Suite {
		fmt.Fprintf(&b, "| [`%s`](docs/rules.md#%s) | %s |\n", r.Name, r.Name, r.Title())
	}
	return b.String()
}

func reasonTable() string {
	var b strings.Builder
	b.WriteString("| reason | when |\n|---|---|\n")
	for _, d := range Reasons {
		fmt.Fprintf(&b, "| [`%s`](docs/rules.md#%s) | %s |\n", d.Code, d.Code, d.Title)
	}
	return b.String()
}

func rulesDoc() []byte {
	var b strings.Builder
	b.WriteString("# Rules and reasons\n\nMade from the code by `make fixtures`; `harden rules NAME` and `harden explain REASON` print the same.\n\n## Rules\n")
	for _, r := range Suite {
		_, text, _ := strings.Cut(r.Doc, "\n\n")
		fmt.Fprintf(&b, "\n### %s\n\n**%s.** %s\n", r.Name, r.Title(), strings.TrimSpace(text))
	}
	b.WriteString("\n## Reasons\n\nWhy an image keeps its user, or a finding has no fix. The codes are stable.\n")
	for _, d := range Reasons {
		fmt.Fprintf(&b, "\n### %s\n\nWhen %s. %s\n\n*Instead:* %s\n", d.Code, d.Title, d.Text, d.Advice)
	}
	return []byte(b.String())
}

package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// FactsJSON writes facts as --facts reads them: one object, or an array of
// several.
func FactsJSON(w io.Writer, facts []*imageinspect.Facts) error {
	if len(facts) == 1 {
		return EncodeJSON(w, facts[0], "")
	}
	return EncodeJSON(w, facts, "")
}

// FactsText writes facts for people.
func FactsText(w io.Writer, facts []*imageinspect.Facts, color bool) error {
	var b strings.Builder
	for i, f := range facts {
		if i > 0 {
			b.WriteByte('\n')
		}
		t := factsText{&b, painter(color), f}
		t.write()
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type factsText struct {
	*strings.Builder
	painter
	*imageinspect.Facts
}

func (t *factsText) write() {
	f := t.Facts
	fmt.Fprintf(t, "%s\n", t.paint(bold, Printable(f.Reference)))
	from := originText[f.Origin.Kind]
	if from == "" {
		from = string(f.Origin.Kind)
	}
	t.line("facts from", join(from, f.Origin.Detail))
	for _, url := range f.Origin.Sources {
		t.line("", url)
	}
	t.line("digest", f.Digest)
	t.line("platform", f.Platform)
	t.line("system", f.Distro.PrettyName)
	t.config()
	t.accounts()
	t.tools()
	t.privileged()
	for _, w := range f.Warnings {
		t.line("note", w)
	}
}

func (t *factsText) config() {
	c := t.Facts.Config
	user := c.User
	switch {
	case user == "" && t.Known.Config:
		user = "root (none is set)"
	case user == "":
		user = "not known"
	}
	t.line("user", user)
	if t.RunsAs != "" {
		t.line("ships user", t.RunsAs)
	}
	t.line("workdir", c.WorkingDir)
	t.line("entrypoint", argv(c.Entrypoint))
	t.line("command", argv(c.Cmd))
	t.line("volumes", strings.Join(c.Volumes, " "))
	t.line("ports", strings.Join(c.ExposedPorts, " "))
}

func (t *factsText) accounts() {
	var names []string
	for _, a := range t.Accounts {
		names = append(names, fmt.Sprintf("%s(%d:%d)", a.Name, a.UID, a.GID))
	}
	t.list("accounts", names, t.Known.Accounts)
}

func (t *factsText) tools() {
	t.list("tools", slices.Sorted(maps.Keys(t.Tools)), t.Known.Tools)
}

func (t *factsText) privileged() {
	set, caps := t.SetID(), t.FileCaps()
	t.line("setuid", t.count(len(set)))
	for _, p := range set {
		t.line("", fmt.Sprintf("%s %5d:%-5d %9d  %s", p.Mode, p.UID, p.GID, p.Size, p.Path))
	}
	t.line("capabilities", t.count(len(caps)))
	for _, p := range caps {
		effective := ""
		if p.Effective {
			effective = " (effective)"
		}
		t.line("", p.Path+"  "+strings.Join(p.Capabilities, ",")+effective)
	}
}

// count says how many files there are, or that nobody knows.
func (t *factsText) count(n int) string {
	switch {
	case n == 0 && !t.Known.Privileged:
		return "not known"
	case n == 0:
		return "no file"
	}
	s := fmt.Sprintf("%d files", n)
	if n == 1 {
		s = "1 file"
	}
	if !t.Known.Privileged {
		s += ", maybe more"
	}
	return s
}

func (t *factsText) list(label string, words []string, complete bool) {
	switch {
	case len(words) == 0 && complete:
		t.line(label, "none")
		return
	case len(words) == 0:
		t.line(label, "not known")
		return
	case !complete:
		words = append(words, "and maybe more")
	}
	const width = 64
	line := ""
	for _, w := range words {
		if line != "" && len(line)+1+len(w) > width {
			t.line(label, line)
			label, line = "", ""
		}
		line = join(line, w, " ")
	}
	t.line(label, line)
}

// line writes a label and its value. Without a value it writes nothing.
func (t *factsText) line(label, value string) {
	if value != "" {
		fmt.Fprintf(t, "  %s %s\n", t.paint(dim, fmt.Sprintf("%-12s", label)), Printable(value))
	}
}

func argv(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if len(quoted) == 0 {
		return ""
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// join puts a separator, a comma unless another is given, between two words
// that are both there.
func join(a, b string, sep ...string) string {
	switch {
	case a == "" || b == "":
		return a + b
	case len(sep) > 0:
		return a + sep[0] + b
	}
	return a + ", " + b
}

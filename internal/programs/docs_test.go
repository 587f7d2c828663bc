package programs

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/programs.md from the table")

// TestDocs keeps docs/programs.md what the table says.
func TestDocs(t *testing.T) {
	const file = "../../docs/programs.md"
	want := document()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says; run go test ./internal/programs -run TestDocs -update", file)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`# Known programs

<!-- Made from internal/programs by go test ./internal/programs -run TestDocs -update. -->

What harden knows of programs that images run: the account each wants, what it
writes and reads, what in its configuration stands in the way, and whether it
can do without root. "Given by the package" means that the account owns it
already. An entry marked with a Debian release was run there: as root, unless
it refuses that, and then as the account it names, or one of no meaning where
it names none, with all capabilities dropped and no-new-privileges.

`)
	b.WriteString("| program | also | as root | account | seen to run |\n|---|---|---|---|---|\n")
	for _, p := range All() {
		if p.Wrapper != nil && len(p.Variants[0].Writes) == 0 && p.Root == CanRoot && p.Variants[0].VerifiedLab == "" {
			continue
		}
		v := p.Variants[0]
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s |\n", p.Name, anchor(p.Name), strings.Join(slices.Concat(p.Aliases, p.Like), ", "), rootWord(p), accountWord(v.Account), v.VerifiedLab)
	}
	for _, p := range All() {
		if p.Wrapper != nil && len(p.Variants[0].Writes) == 0 && p.Root == CanRoot && p.Variants[0].VerifiedLab == "" {
			continue
		}
		section(&b, p)
	}
	b.WriteString("\n## Seen through\n\nThese start the program in their arguments.\n\n| wrapper | also | changes accounts |\n|---|---|---|\n")
	for _, p := range All() {
		if p.Wrapper != nil {
			drops := ""
			if p.Wrapper.Drops {
				drops = "yes"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", p.Name, strings.Join(p.Aliases, ", "), drops)
		}
	}
	b.WriteString("\n## Frameworks\n\nRecognised in the build context, with what they write below the application.\n\n| framework | writes | |\n|---|---|---|\n")
	for _, f := range frameworks {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.Name, pathsWord(f.State), f.Note)
	}
	b.WriteString("\n## Packages with privileged files\n\n| package | in | files |\n|---|---|---|\n")
	for _, p := range privileged() {
		var files []string
		for _, f := range p.Files {
			s := "`" + f.Path + "`"
			if f.Mode != 0 {
				s += fmt.Sprintf(" %04o", f.Mode)
			}
			if len(f.Caps) > 0 {
				s += " " + strings.Join(f.Caps, ",")
			}
			if f.When != "" {
				s += " (" + f.When + ")"
			}
			files = append(files, s)
		}
		where := strings.Join(p.Families, ", ")
		if len(p.NotIn) > 0 {
			where += " but " + strings.Join(p.NotIn, ", ")
		}
		if len(p.Brings) > 0 {
			files = append(files, "those of "+strings.Join(p.Brings, ", "))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.Package, where, strings.Join(files, "; "))
	}
	b.WriteString("\n## Privileged files that are kept where their program is used\n\n| file | because |\n|---|---|\n")
	for _, k := range kept {
		fmt.Fprintf(&b, "| %s | %s |\n", k.Name, k.Why)
	}
	return b.String()
}

func section(b *strings.Builder, p *Program) {
	fmt.Fprintf(b, "\n## %s\n\n%s", p.Name, p.Why)
	if p.Instead != "" {
		fmt.Fprintf(b, " Instead: %s.", p.Instead)
	}
	b.WriteString("\n")
	for _, v := range p.Variants {
		var lines []string
		add := func(label, text string) {
			if text != "" {
				lines = append(lines, fmt.Sprintf("  - %s: %s", label, text))
			}
		}
		add("account", accountWord(v.Account))
		add("account where it is told so", accountWord(v.Offers))
		add("writes", pathsWord(v.Writes))
		add("reads", pathsWord(v.Reads))
		for _, n := range v.Needs {
			setting := "`" + n.Setting + "`"
			if n.File != "" {
				setting += " in " + n.File
			}
			fix := n.Fix
			if n.Capability != "" {
				fix += " (" + n.Capability + ")"
			}
			add(setting, n.Effect+"; "+fix)
		}
		add("note", v.Note)
		add("seen to run", v.VerifiedLab)
		if len(lines) > 0 {
			fmt.Fprintf(b, "\n- %s\n%s\n", whereWord(v), strings.Join(lines, "\n"))
		}
	}
	if u := p.Unpacked; u != nil {
		fmt.Fprintf(b, "\n- from its archive, in a directory that %s or the path of the program names\n  - writes: %s\n", strings.Join(u.Env, ", "), pathsWord(u.Writes))
	}
	fmt.Fprintf(b, "\nSources: %s\n", strings.Join(p.Sources, ", "))
}

func anchor(name string) string {
	keep := func(r rune) rune {
		if r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(name))
}

func rootWord(p *Program) string {
	switch p.Root {
	case NeverRoot:
		return "refuses"
	case NeedsRoot:
		return "needs it (" + p.Reason + ")"
	}
	return "may"
}

func accountWord(a Account) string {
	if a.Name == "" {
		return ""
	}
	s := fmt.Sprintf("%s %d:%d", a.Name, a.UID, a.GID)
	if a.Made == MadeByPackage {
		s += ", to be made before the package is installed"
	}
	if len(a.Groups) > 0 {
		s += ", also in " + strings.Join(a.Groups, ", ")
	}
	if a.Insists {
		s += "; no other"
	}
	return s
}

func whereWord(v Variant) string {
	var words []string
	if len(v.Images) > 0 {
		words = append(words, "images "+strings.Join(v.Images, ", "))
	}
	if len(v.Packages) > 0 {
		words = append(words, "packages "+strings.Join(v.Packages, ", "))
	}
	if len(v.Families) > 0 {
		words = append(words, "on "+strings.Join(v.Families, ", "))
	}
	if words == nil {
		return "anywhere"
	}
	return strings.Join(words, " ")
}

func pathsWord(paths []Path) string {
	var words []string
	for _, p := range paths {
		s := "`" + p.Path + "`"
		var notes []string
		if p.Recursive {
			notes = append(notes, "with content")
		}
		if p.Kind == File {
			notes = append(notes, "file")
		}
		if p.Mode != 0 {
			notes = append(notes, fmt.Sprintf("mode %04o", p.Mode))
		}
		if p.Owned {
			notes = append(notes, "given by the package")
		}
		if p.Optional {
			notes = append(notes, "if used")
		}
		if p.Why != "" {
			notes = append(notes, p.Why)
		}
		if notes != nil {
			s += " (" + strings.Join(notes, ", ") + ")"
		}
		words = append(words, s)
	}
	return strings.Join(words, ", ")
}

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/dockharden/harden/internal/verify"
)

// VerifyMarkdown writes the proof for the body of a pull request.
func VerifyMarkdown(w io.Writer, r *verify.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s. Checked with `harden verify` on %s; probe: %s.\n\n", markdown(r.Path), upperFirst(verdict(r, false)), markdown(r.Engine), markdown(r.Probe))
	b.WriteString("| | before | after |\n|---|---|---|\n")
	for _, row := range verifyRows(r) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown(row[0]), markdown(row[1]), markdown(row[2]))
	}
	notes := verifyNotes(r)
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	for _, n := range notes {
		if n[0] == "run it with" {
			fmt.Fprintf(&b, "- %s: `%s`\n", n[0], strings.ReplaceAll(Printable(n[1]), "`", "'"))
			continue
		}
		fmt.Fprintf(&b, "- %s: %s\n", markdown(n[0]), markdown(n[1]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// markdown escapes what Markdown or HTML would interpret: names and log lines
// come from images.
func markdown(s string) string {
	return markdownEscaper.Replace(Printable(s))
}

var markdownEscaper = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"|", `\|`, "#", `\#`, "~", `\~`, "@", "&#64;")

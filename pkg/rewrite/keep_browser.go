package rewrite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

var (
	// withoutSandbox are the switches under which Chromium does not call its setuid helper
	// (chromium, sandbox/policy/switches.cc).
	withoutSandbox = regexp.MustCompile(`--no-sandbox\b|--disable-setuid-sandbox\b`)

	// startsBrowser matches a shell command that starts a browser by its name.
	startsBrowser = regexp.MustCompile(`(?m)(?:^|[;&|(]|\b(?:exec|then|do|nohup|xvfb-run(?:\s+-\S+)*)\s)\s*(?:/\S*/)?(?:google-chrome|chromium|chrome|microsoft-edge|brave-browser|vivaldi|opera|headless_shell)(?:-stable|-browser|-beta)?\s[^;&|\n]*`)

	comment = regexp.MustCompile(`(?m)^\s*(#|//).*$`)
)

// startsUnsandboxed reports whether the starts of the browser that can be read, in the
// command, in shell scripts and in the code that the image starts, are all without its
// sandbox: its setuid helper is of no use then.
func (p *Pass) startsUnsandboxed() bool {
	texts := []string{strings.Join(p.Entry.Argv, " "), p.stepsText(), p.scriptsText()}
	for _, w := range p.Entry.Argv[min(1, len(p.Entry.Argv)):] {
		if text, ok := p.FileOf(p.End.Resolve(imagepath.Abs(p.End.Workdir, w))); ok && len(text) < maxScriptsText {
			texts = append(texts, text)
		}
	}
	found := false
	for _, text := range texts {
		text = comment.ReplaceAllString(text, "")
		if slices.ContainsFunc(startsBrowser.FindAllString(text, -1), sandboxed) {
			return false
		}
		found = found || withoutSandbox.MatchString(text)
	}
	return found
}

// sandboxed reports whether a command starts a browser with its sandbox, rather than asks it
// for its version. Its switches may be in variables.
func sandboxed(command string) bool {
	return !withoutSandbox.MatchString(command) && !strings.Contains(command, "--version") && !strings.Contains(command, "$")
}

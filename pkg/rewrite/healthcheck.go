package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// grantsSudo matches steps that give an account a rule for sudo, in lower case.
var grantsSudo = regexp.MustCompile(`sudoers|nopasswd|\b(usermod|useradd|adduser|gpasswd)\b[^&;|\n]*\b(sudo|wheel)\b`)

// healthSudo matches a call of sudo in a health check or its script.
var healthSudo = regexp.MustCompile(`(?m)(^|[;&|({!` + "`" + `]|\bthen\b|\bdo\b|\bif\b|\belse\b)\s*(/usr/bin/)?sudo\s`)

// reportHealth says of a health check that calls sudo that the new user may not: root could,
// and the container would turn unhealthy without a word.
func (p *Pass) reportHealth() {
	h := p.End.Healthcheck
	if len(h.Words) == 0 || grantsSudo.MatchString(p.stepsText()) || p.usesSudo() || !p.healthCallsSudo() {
		return
	}
	p.report(Finding{Line: p.at(h.By), Message: fmt.Sprintf("HEALTHCHECK calls sudo, and %s has no rule for it: the container would turn unhealthy", p.User.Label()),
		Hint: "Drop sudo from the check where what it calls needs no root; or give the account a rule in /etc/sudoers.d."})
}

// healthCallsSudo reports whether the health check, or a script that it runs, calls sudo.
func (p *Pass) healthCallsSudo() bool {
	words := p.End.Healthcheck.Words
	if text, ok := shellcmd.ShellText(words); ok {
		if healthSudo.MatchString(text) {
			return true
		}
		words = strings.Fields(text)
	} else if path.Base(words[0]) == "sudo" {
		return true
	}
	for _, w := range words {
		if w = strings.Trim(w, `"';&|`); !strings.Contains(w, "/") && !isShellScript(w) {
			continue
		}
		if text, ok := p.FileOf(p.End.Resolve(imagepath.Abs(p.End.Workdir, w))); ok && healthSudo.MatchString(text) {
			return true
		}
	}
	return false
}

package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// keptHint names the files that stay, and why.
func (p *Pass) keptHint() string {
	var why []string
	for _, name := range append(slices.Clone(p.keepNames()), p.keepPaths()...) {
		if reason, ok := programs.Keep(name); ok {
			why = append(why, name+" stays: "+reason)
		}
	}
	for _, name := range p.spared() {
		if reason, ok := programs.Keep(name); ok {
			why = append(why, name+" stays if the base image has it: "+reason)
		}
	}
	return strings.Join(append(why, nonEmpty(p.sudoHint())...), "; ")
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// sudoHint says what it means that sudo stays where it asks for no password.
func (p *Pass) sudoHint() string {
	if p.startsAsRoot() || !slices.Contains(p.keepNames(), "sudo") || !p.sudoWithoutPassword() {
		return ""
	}
	hint := "sudo asks for no password, so whoever runs in the container is one command away from root"
	if !slices.Contains(p.calledNames(), "sudo") && !callsSudo.MatchString(p.scriptsText()) {
		hint += "; where only build steps need it, remove its rule from /etc/sudoers, or the package, behind the last of them"
	}
	return hint
}

// sudoWithoutPassword reports whether sudo asks the image's account for no password, whatever
// it is to run: a rule says so, or, where none is in sight, a step calls it, which has no
// terminal to ask at.
func (p *Pass) sudoWithoutPassword() bool {
	text := p.stepsText() + p.scriptsText()
	if sudoImages.MatchString(p.Base.Reference) || everything.MatchString(text) {
		return true
	}
	return !strings.Contains(text, "nopasswd") && slices.ContainsFunc(p.End.BitCalls, func(c simulate.BitCall) bool {
		return c.Name == "sudo" && !asksPassword.MatchString(c.By.Original)
	})
}

// everything is a rule of sudoers(5) that lets an account run all commands, in lower case.
var everything = regexp.MustCompile(`\bnopasswd:(\s*[a-z_]+:)*\s*all\b`)

// asksPassword is a sudo that reads a password from its standard input (sudo(8), -S).
var asksPassword = regexp.MustCompile(`\bsudo\s+(-\S+\s+)*(-[A-Za-z]*S|--stdin)\b`)

// knownKept returns the files that stay and that the image is known to hold, each with why.
func (p *Pass) knownKept() []string {
	var out []string
	said := map[string]bool{}
	add := func(file string) {
		name := path.Base(file)
		if reason, ok := programs.Keep(file); ok && !said[name] {
			said[name] = true
			out = append(out, file+", because "+reason)
		}
	}
	for _, f := range p.End.Privileged {
		if f.SetID() && p.keeps(f.Path) && !p.strippedAfter(f) {
			add(f.Path)
		}
	}
	for _, c := range p.End.BitCalls {
		if slices.Contains(p.keepNames(), c.Name) {
			add(c.Name) // a step works by it
		}
	}
	return out
}

// sudoBases have sudo on purpose: their start scripts give it to the account on demand
// (jupyter/docker-stacks, images/docker-stacks-foundation/start.sh, GRANT_SUDO; rocker-org/
// rocker-versions2, scripts/default_user.sh; coder/enterprise-images).
var sudoBases = regexp.MustCompile(`^((docker\.io/)?(jupyter|rocker)/|quay\.io/jupyter/|(docker\.io/)?codercom/enterprise-)`)

// strippedHint names what stays, and says so where sudo, which stops working, may be wanted.
func (p *Pass) strippedHint(files []simulate.Privileged) string {
	return strings.Join(append(nonEmpty(p.keptHint()), nonEmpty(p.lostSudo(files))...), "; ")
}

// lostSudo says that sudo stops working for the user of an image whose base ships it on
// purpose, or that installs it while what starts the image is not known.
func (p *Pass) lostSudo(files []simulate.Privileged) string {
	i := slices.IndexFunc(files, func(f simulate.Privileged) bool { return path.Base(f.Path) == "sudo" })
	ships := sudoBases.MatchString(p.Base.Reference)
	switch {
	case p.startsAsRoot() || p.User.How == ChoiceNew || slices.Contains(p.keepNames(), "sudo") || p.revokesSudo():
		return ""
	case i < 0 && (!ships || p.Base.Known.Privileged || p.Base.Tool("sudo") == imageinspect.No):
		return ""
	case i >= 0 && files[i].By != nil && len(p.Entry.Unread) == 0:
		return ""
	}
	hint := "sudo stops working for the user"
	if strings.Contains(p.Base.Reference, "jupyter/") {
		hint += ", also where GRANT_SUDO asks for it"
	}
	return hint + "; keep_setuid: [/usr/bin/sudo] keeps it"
}

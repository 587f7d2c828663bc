package rewrite

import (
	"fmt"
	"regexp"
	"strings"
)

var numeric = &Rule{
	Name: "numeric",
	Doc: `USER is a number

Kubernetes cannot tell whether a name is root: with runAsNonRoot it refuses to
start an image whose USER is one (kubernetes/kubernetes#56503). The rule replaces
the name by the account's uid:gid and keeps the name in a comment. Where the
account has further groups the uid stands alone, because a group in USER drops
them. An account that the file makes without a number is given the one that it gets
today, so that both stay the same.

The rule is silent for numbers, and for build arguments, which somebody else may
set.
When the number cannot be known without building the image, it says so and leaves
the name.`,
	run: runNumeric,
}

func runNumeric(p *Pass) {
	u := p.End.User
	if p.Keep != nil || p.User.How != ChoiceExisting || u.Name == "" || u.By.Stage != p.Stage {
		return
	}
	if strings.Contains(u.By.Text, "$") && p.fromArg(u.By.Text) {
		return
	}
	if p.User.FromArg {
		p.report(Finding{Line: u.By.Line, Message: fmt.Sprintf("USER %s is a name, and a build argument sets its number", u.Spec),
			Hint: "Write that argument here, USER ${NAME}, so that Kubernetes' runAsNonRoot gets a number."})
		return
	}
	if !u.UID.Known {
		p.report(Finding{Line: u.By.Line,
			Message: fmt.Sprintf("USER %s is a name, and its number is not known", u.Spec),
			Hint:    "Give the account a number where it is made (useradd --uid, adduser -u), and write that here."})
		return
	}
	spec := p.User.Spec()
	p.report(Finding{Line: u.By.Line,
		Message: fmt.Sprintf("USER %s is a name; Kubernetes' runAsNonRoot accepts only numbers", u.Spec),
		Fix: &Fix{Message: p.numericFix(spec), Changes: append([]Change{{
			kind: replaceText, at: u.By, from: u.By.TextStart, to: len(u.By.Original), text: spec, comment: "# " + u.Name}}, p.User.Pins...)}})
}

func (p *Pass) numericFix(spec string) string {
	fix := "writes " + spec + " and keeps the name in a comment"
	if len(p.User.Pins) > 0 {
		fix += "; the account is made with that number, the one it gets today"
	}
	return fix
}

var variable = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// fromArg reports whether a word uses a build argument.
func (p *Pass) fromArg(word string) bool {
	for _, m := range variable.FindAllStringSubmatch(word, -1) {
		for _, in := range p.Doc.Instructions {
			if in.Keyword != "ARG" {
				continue
			}
			for _, kv := range in.KeyValues() {
				if kv.Key == m[1] {
					return true
				}
			}
		}
	}
	return false
}

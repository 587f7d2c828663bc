package rewrite

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
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

The rule is silent for numbers. A name that a build argument sets stays, unless the file
gives that account one number whatever it is called; a number that a build argument
sets is written as that argument.

When the number cannot be known without building the image, it says so and leaves
the name.`,
	run: runNumeric,
}

func runNumeric(p *Pass) {
	u := p.End.User
	p.reportNobody(u)
	if p.Keep != nil || p.User.How != ChoiceExisting || u.Name == "" || u.By.Stage != p.Stage {
		return
	}
	if p.User.FromArg {
		p.reportArg(u)
		return
	}
	if a, ok := p.End.Account(u.Name); p.fromArg(u.By.Text) && !(ok && a.By != nil && a.Command != "" && a.UID.Known && a.Certain) {
		// Somebody else may name another account, which has another number.
		p.report(Finding{Line: u.By.Line, Message: fmt.Sprintf("USER %s is a name that a build argument sets", u.Spec),
			Hint: "Give the account a number that does not depend on its name, and write that here: Kubernetes' runAsNonRoot accepts only numbers."})
		return
	}
	if !u.UID.Known {
		p.report(Finding{Line: u.By.Line,
			Message: fmt.Sprintf("USER %s is a name, and its number is not known", u.Spec),
			Hint:    p.numberHint(u.Name)})
		return
	}
	spec := p.User.Spec()
	p.report(Finding{Line: u.By.Line,
		Message: fmt.Sprintf("USER %s is a name; Kubernetes' runAsNonRoot accepts only numbers", u.Spec),
		Fix: &Fix{Message: p.numericFix(spec), Changes: append([]Change{{
			kind: replaceText, at: u.By, from: u.By.TextStart, to: len(u.By.Original), text: spec, comment: p.nameComment(u)}}, p.User.Pins...)}})
}

// reportNobody says of a number without a group that no account has what the engine then
// takes: group 0 and the home / (BuildKit reference, USER). Where nothing can run that is
// how images are made.
func (p *Pass) reportNobody(u simulate.User) {
	if p.Keep != nil || u.By == nil || u.By.Stage != p.Stage || u.Name != "" || !u.UID.Known || u.Root() || u.GID.Known || u.Group != "" || !p.canRun() || p.fromArg(u.By.Text) {
		return
	}
	if p.User.How != ChoiceExisting || !p.knownWithout(u.By, u.UID.N) || p.givesToRootsGroup() {
		return
	}
	if _, ok := p.End.AccountByUID(u.UID.N); ok {
		return
	}
	home := " and HOME /"
	if _, set := p.End.Env.Get("HOME"); set {
		home = ""
	}
	p.report(Finding{Line: u.By.Line, Message: fmt.Sprintf("no account that is known here has number %d: without one the process has group root%s", u.UID.N, home),
		Why:  "Group root has files that nobody else was to change, and programs that look up their own account fail.",
		Hint: fmt.Sprintf("Make an account with that number, or write USER %d:%d.", u.UID.N, u.UID.N)})
}

// rootsGroup is a step that gives files to the group of root: OpenShift runs images as
// numbers without an account, which have that group, and so do those who follow it.
var rootsGroup = regexp.MustCompile(`\bchgrp\s+(-\S+\s+)*(0|root)\s|\bchown\s+(-\S+\s+)*([^\s:]*[^\s:0]|[^\s:]+0):(0|root)\s|\bchmod\s+(-\S+\s+)*\S*\bg=u\b|\bfix-permissions\s`)

// givesToRootsGroup reports whether the file relies on group 0 for its user.
func (p *Pass) givesToRootsGroup() bool {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && rootsGroup.MatchString(in.Original+"\n"+simulate.HeredocText(in)) {
				return true
			}
		}
	}
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.GID == simulate.Num(0) && c.UID.Known && c.UID.N > 0
	})
}

// knownWithout reports whether no step up to an instruction may make an account of a number
// that is not known here. Packages make those of the system, below 1000, and with busybox
// from 100 up.
func (p *Pass) knownWithout(by *dockerfile.Instruction, n int) bool {
	system := n < 1000 && !(p.End.Busybox() && n >= 500)
	known := p.Base.Known.Accounts || p.Base.Known.People && n >= 1000
	return known && !(system && p.End.PackagesMayMakeAccounts(by)) &&
		!slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Keyword == "RUN" && makesAccounts.MatchString(in.Original)
		}) &&
		!slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
			return p.mayBringAccounts(c)
		})
}

// numberHint says where the number of an account can come from.
func (p *Pass) numberHint(name string) string {
	if a, ok := p.End.Account(name); !p.Base.Known.Accounts && !ok && (len(p.End.Packages) == 0 || p.Base.RunsAs == name) || ok && a.By == nil {
		return p.factsHint()
	}
	hint := "Give the account a number where it is made (useradd --uid, adduser -u), and write that here"
	if _, ok := p.End.Account(name); !ok && !p.Base.Known.Accounts && simulate.ValidName(name) {
		hint += fmt.Sprintf(", or write the base's number here: id -u %s in it tells", name)
	}
	return hint + "."
}

func (p *Pass) numericFix(spec string) string {
	fix := "writes " + spec + " and keeps the name in a comment"
	if len(p.User.Pins) > 0 {
		fix += "; the account is made with that number, the one it gets today"
	}
	return fix
}

// reportArg writes the build argument that sets the account's number in place of the
// name: today's value would be wrong with another.
func (p *Pass) reportArg(u simulate.User) {
	f := Finding{Line: u.By.Line, Message: fmt.Sprintf("USER %s is a name, and a build argument sets its number", u.Spec)}
	if p.User.Arg == "" {
		f.Hint = "Write that argument in USER, too, so that Kubernetes' runAsNonRoot gets a number."
	} else {
		spec := p.User.Spec()
		f.Fix = &Fix{Message: "writes " + spec + ", the number that the account is made with, and keeps the name in a comment",
			Changes: []Change{{kind: replaceText, at: u.By, from: u.By.TextStart, to: len(u.By.Original), text: spec, comment: p.nameComment(u)}}}
	}
	p.report(f)
}

// nameComment keeps the names that numbers take the place of. A group that has the name of
// the account says nothing more.
func (p *Pass) nameComment(u simulate.User) string {
	if p.User.InGroup && u.Group != u.Name {
		return "# " + u.Name + ":" + u.Group
	}
	return "# " + u.Name
}

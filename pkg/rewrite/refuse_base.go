package rewrite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// commandNotKnown reports whether the image starts what its base starts, of which
// more is known than nothing, but not that.
func (p *Pass) commandNotKnown() bool {
	return p.Base.Origin.Kind != "none" && !p.Base.Known.Config && p.inheritsCommand()
}

func unknownBase(p *Pass) *Refusal {
	if p.commandNotKnown() {
		return &Refusal{Reason: NoBaseFacts, Line: p.Chain[0].From.Line, Whole: true,
			Message: fmt.Sprintf("what is known of %s does not say what program it starts and as whom, and neither does this file", p.baseName()),
			Hint:    p.factsHint()}
	}
	if p.Base.Origin.Kind != "none" || p.Base.Distro.ID != "" {
		return nil
	}
	if p.Entry.By != nil && p.hasShell() {
		return nil
	}
	msg := fmt.Sprintf("nothing is known of %s: neither who it runs as nor what is in it", p.baseName())
	if p.Entry.By == nil {
		msg = fmt.Sprintf("nothing is known of %s, and this file does not say what program runs", p.baseName())
	}
	return &Refusal{Reason: NoBaseFacts, Line: p.Chain[0].From.Line, Whole: true, Message: msg,
		Hint: p.factsHint()}
}

// writableUser is what USER of an image may look like to be written into a Dockerfile: a
// name or number, and a group. It is wider than the names that tools make, and holds
// nothing that means something to the parser.
var writableUser = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@+-]*(:[A-Za-z0-9_][A-Za-z0-9_.@+-]*)?$`)

// unwritableUser refuses an image whose base says that it runs as something that is no
// name: no engine starts it, and the text must not get into the file.
func unwritableUser(p *Pass) *Refusal {
	u := p.End.User
	if u.By != nil || u.Spec == "" || writableUser.MatchString(u.Spec) {
		return nil
	}
	return &Refusal{Reason: NoBaseFacts, Line: p.Chain[0].From.Line, Whole: true,
		Message: fmt.Sprintf("%s says that it runs as %.60q, which is no name of a user", p.baseName(), u.Spec),
		Hint:    "Write USER by hand."}
}

// unknownOwner refuses a new account in an image whose base has one for its program
// that nobody here knows.
func unknownOwner(p *Pass) *Refusal {
	if by := p.End.Sudoer; by != nil && p.End.User.By == nil {
		return &Refusal{Reason: NoBaseFacts, Line: by.Line, Whole: true,
			Message: fmt.Sprintf("nothing is known of %s, and sudo in line %d says that it has a user of its own", p.baseName(), by.Line), Hint: p.factsHint()}
	}
	if prog, foreign := p.notInstalled(); prog != "" && p.choose().How == ChoiceNew {
		why := fmt.Sprintf(", and no step installs the package of %s, which says who it runs as and what it writes", prog)
		if foreign != "" {
			why = fmt.Sprintf(", nor of the package of %s that %s installs, which says who it runs as and what it writes", prog, foreign)
		}
		return &Refusal{Reason: NoBaseFacts, Line: p.at(p.Entry.By), Whole: true,
			Message: "nothing is known of " + p.baseName() + why, Hint: p.factsHint()}
	}
	if script, by := p.baseStartScript(); by != nil {
		return &Refusal{Reason: NoBaseFacts, Line: by.Line, Whole: true,
			Message: fmt.Sprintf("nothing is known of %s, and line %d runs %s, which comes with it: the image seems to start by that", p.baseName(), by.Line, script), Hint: p.factsHint()}
	}
	if name := p.forcesRoot(); name != "" && p.Base.Origin.Kind == imageinspect.FromNowhere && p.choose().How == ChoiceNew {
		return &Refusal{Reason: NoBaseFacts, Line: p.at(p.Entry.By), Whole: true,
			Message: fmt.Sprintf("nothing is known of %s, and %s says that its program runs as root", p.baseName(), name), Hint: p.factsHint()}
	}
	if prog := p.olderThanKnown(); prog != "" && p.choose().How == ChoiceNew {
		return &Refusal{Reason: NoBaseFacts, Line: p.Chain[0].From.Line, Whole: true,
			Message: fmt.Sprintf("%s is older than the versions of %s whose account and directories are known", p.baseName(), prog), Hint: p.factsHint()}
	}
	if by := p.returnsToRoot(); by != nil && p.choose().How == ChoiceNew {
		return &Refusal{Reason: NoBaseFacts, Line: by.Line, Whole: true,
			Message: fmt.Sprintf("nothing is known of %s, and USER %s says that it has a user of its own", p.baseName(), strings.TrimSpace(by.Text)),
			Hint:    p.factsHint()}
	}
	if !p.baseIsRoot() && p.returnsToRoot() == nil && p.choose().How == ChoiceNew {
		return &Refusal{Reason: NoBaseFacts, Line: p.Chain[0].From.Line, Whole: true,
			Message: fmt.Sprintf("nothing is known of %s, and no step of this file shows that it starts as root", p.baseName()), Hint: p.factsHint()}
	}
	return nil
}

// startScript is what people call the script at the top that an image starts by.
var startScript = regexp.MustCompile(`(^|[\s;&|(])(/(docker-)?entry-?point(\.sh)?|/(start|run|init)\.sh)($|[\s;&|)])`)

// baseStartScript returns a start script that a step runs and that only the base can
// have brought, where the image starts by the base's entry point; nil when none does.
func (p *Pass) baseStartScript() (string, *dockerfile.Instruction) {
	if p.Base.Origin.Kind != imageinspect.FromNowhere || p.End.Entrypoint.Set() {
		return "", nil
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword != "RUN" {
				continue
			}
			if m := startScript.FindStringSubmatch(in.Original[in.TextStart:]); m != nil && !p.MayCopy(m[2]) && p.End.Texts[m[2]] == "" {
				return m[2], in
			}
		}
	}
	return "", nil
}

// rootAllowed are settings with which a program is told that it may run as root.
var rootAllowed = regexp.MustCompile(`^(C_FORCE_ROOT|.*_(ALLOW|FORCE)_(RUN_AS_)?ROOT|(ALLOW_)?RUN_AS_ROOT)$`)

// forcesRoot returns the setting with which the file tells a program to run as root,
// "" when there is none.
func (p *Pass) forcesRoot() string {
	for _, name := range p.End.Env.Keys() {
		if v, _ := p.End.Env.Get(name); rootAllowed.MatchString(name) && v != "" && v != "0" && v != "false" {
			return name + "=" + v
		}
	}
	return ""
}

// olderThanKnown returns the program of an official image that this tag of it has no
// account for: it is older than the versions whose directories are known.
func (p *Pass) olderThanKnown() string {
	if p.Base.Origin.Kind != imageinspect.FromCatalogue {
		return ""
	}
	for _, r := range p.running() {
		a := r.variant.Account
		if !r.variant.Official() || a.Name == "" || systemAccount[a.Name] || p.Base.RunsAs != "" {
			continue
		}
		if _, ok := p.End.Account(a.Name); !ok && slices.ContainsFunc(r.variant.Writes, func(w programs.Path) bool { return w.Owned }) {
			return called(r.Command)
		}
	}
	return ""
}

// notInstalled returns the program that the image starts, if it is one that
// distributions package with an account of its own and no step of the file installs, or
// one with a package manager of whose packages nothing is known.
func (p *Pass) notInstalled() (prog, foreign string) {
	cmd, ok := p.Entry.Main()
	if !ok || p.Base.Origin.Kind != "none" || cmd.Program == nil {
		return "", ""
	}
	packaged := false
	for _, v := range cmd.Program.Variants {
		if v.Official() || len(v.Packages) == 0 || v.Account.Name == "" {
			continue
		}
		packaged = true
		if pkg, installed := p.installs(v.Packages); installed {
			if foreign = pkg.Foreign; foreign == "" {
				return "", ""
			}
		}
	}
	if _, unpacked := p.unpacked(cmd); unpacked || !packaged || p.End.HasPackage("?") {
		return "", ""
	}
	return called(cmd), foreign
}

// returnsToRoot returns the USER with which the file makes root the user of a base
// image of which nothing is known: nobody writes that for an image that starts as
// root. It is nil when there is none.
func (p *Pass) returnsToRoot() *dockerfile.Instruction {
	if p.Base.Known.Config || p.Base.Config.User != "" || p.End.RootShown != nil {
		return nil
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "USER" {
				if u, ok := p.End.After[in]; ok && u.Root() {
					return in
				}
				return nil
			}
		}
	}
	return nil
}

// rootImages start as root, by their Dockerfiles (cypress-io/cypress-docker-images, factory).
var rootImages = regexp.MustCompile(`^(docker\.io/)?cypress/(base|browsers|included|factory)\b`)

// baseIsRoot reports whether the steps before the first USER are root's, as far as is known:
// nothing speaks for a user of the base's own, and of a base that nobody knows a step shows
// that it has none.
func (p *Pass) baseIsRoot() bool {
	if p.returnsToRoot() != nil || p.End.Sudoer != nil {
		return false
	}
	return p.Base.Origin.Kind != imageinspect.FromNowhere || p.Base.Known.Config || p.Chain[0].BaseWord == "scratch" ||
		p.End.RootShown != nil || rootImages.MatchString(p.Base.Reference)
}

// factsHint says how harden gets to know the base image.
func (p *Pass) factsHint() string {
	if p.Base.Reference == "" || p.Chain[0].BaseWord == "scratch" {
		return "Start from an image that has a name, or write USER by hand."
	}
	return fmt.Sprintf("Let harden reach the registry, or pass --facts FILE made with: harden inspect --json %s", p.Base.Reference)
}

func (p *Pass) baseName() string {
	if p.End.Tree != nil && p.Chain[0].BaseWord == "scratch" {
		return fmt.Sprintf("the file system that line %d unpacks", p.End.Tree.Line)
	}
	if p.Base.Reference != "" {
		return p.Base.Reference
	}
	return "the base image"
}

// hasShell reports whether the file itself shows that the image has a shell: a RUN of the
// shell form, or over the empty image a command that is started by one.
func (p *Pass) hasShell() bool {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && !in.JSON {
				return true
			}
		}
	}
	if p.Chain[0].BaseWord != "scratch" {
		return false // of an image that nobody knows it says nothing of the user
	}
	for _, a := range []simulate.Argv{p.End.Entrypoint, p.End.Cmd} {
		if a.Text != "" || len(a.Words) > 0 && (shellcmd.IsShell(a.Words[0]) || isShellScript(a.Words[0])) {
			return true
		}
	}
	return false
}

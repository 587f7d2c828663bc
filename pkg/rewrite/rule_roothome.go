package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var roothome = &Rule{
	Name: "roothome",
	Doc: `The program needs nothing under /root

/root belongs to root and has mode 0700: another user cannot look inside, and a
container whose working directory lies there does not even start. Programs and
data get there by WORKDIR /root, COPY, pip install --user, rustup, nvm, uv,
pipx, playwright and others that install below $HOME.

The rule moves them: HOME is set to the user's home before the first step, and the
literal /root in WORKDIR, COPY, ENV, CMD and the other instructions of the stage
becomes that home. Where that cannot be done safely, because an earlier stage or a
heredoc is involved or the user has no home, the image keeps its user. A start
script that lies there alone goes to /usr/local/bin where the user has no home.

A start script that names a path under /root keeps the user, too: nothing here
rewrites scripts, and what they look for may come from the base image or a mount.

The rule is silent when nothing that runs is under /root; what a build step leaves
there for itself stays.`,
	run: runRootHome,
}

// rootPath matches /root as a whole path component in a line of a Dockerfile.
var rootPath = regexp.MustCompile(`(^|[^A-Za-z0-9_./~-])/root(/|[^A-Za-z0-9_.-]|$)`)

// namesRoot reports whether a text names /root or something in it.
func namesRoot(text string) bool {
	return strings.Contains(text, "/root") && rootPath.MatchString(text)
}

// rootUse is one thing under /root that the running program may need.
type rootUse struct {
	in   *dockerfile.Instruction
	what string
	soft bool   // the program does without it, slower
	hint string // what the owner can do where it cannot be moved, "" for the advice of the reason
}

// rootUses returns what the image has under /root that matters when it runs.
func (p *Pass) rootUses() []rootUse {
	if !p.memo.rooted {
		p.memo.roots, p.memo.rooted = p.findRootUses(), true
		if !slices.ContainsFunc(p.memo.roots, func(u rootUse) bool { return !u.soft }) && len(p.memo.roots) > 0 && p.cannotMove() != "" {
			p.memo.left, p.memo.roots = p.memo.roots, nil
		}
	}
	return p.memo.roots
}

func (p *Pass) findRootUses() []rootUse {
	var out []rootUse
	if imagepath.Below(p.End.Workdir, "/root") {
		out = append(out, rootUse{in: p.lastOfKind("WORKDIR"), what: "the working directory is " + p.End.Workdir})
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if what := p.rootUse(in); what != "" {
				use := rootUse{in: in, what: what}
				if h := p.homeInstall(in); h != nil {
					use.soft, use.hint = h.soft, h.instead
				}
				out = append(out, use)
			}
		}
	}
	return out
}

func (p *Pass) rootUse(in *dockerfile.Instruction) string {
	switch in.Keyword {
	case "ENV", "CMD", "ENTRYPOINT", "HEALTHCHECK", "VOLUME":
		if namesRoot(in.Text) && p.effective(in) {
			return in.Keyword + " names a path under /root"
		}
	case "COPY", "ADD":
		for _, c := range p.End.Copies {
			if c.By == in && imagepath.Below(path.Clean(c.Dest), "/root") && !loginFile(c.Dest, c.Sources) && !removedLater(c) {
				return "it copies to " + path.Clean(c.Dest)
			}
		}
	case "RUN":
		if h := p.homeInstall(in); h != nil {
			return h.what
		}
	}
	return ""
}

// removedLater reports whether a later step deletes the one file that a copy brings.
func removedLater(c simulate.Copy) bool {
	if len(c.Sources) != 1 {
		return false
	}
	file := c.Target(c.Sources[0])
	removes := regexp.MustCompile(`\brm (-[a-zA-Z]+ )*([^;&|\n]* )?` + regexp.QuoteMeta(file) + `(\s|;|&|$)`)
	return c.StepAfter(file, removes)
}

// loginFile reports whether a copy brings settings of interactive shells and
// editors, which no service reads.
func loginFile(dest string, sources []string) bool {
	names := map[string]bool{".bashrc": true, ".bash_profile": true, ".bash_aliases": true, ".profile": true, ".zshrc": true, ".vimrc": true, ".inputrc": true, ".tmux.conf": true, ".screenrc": true}
	for _, src := range sources {
		if !names[path.Base(src)] && !names[path.Base(dest)] {
			return false
		}
	}
	return true
}

// effective reports whether an instruction still counts at the end: of several
// CMD or ENTRYPOINT only the last does.
func (p *Pass) effective(in *dockerfile.Instruction) bool {
	switch in.Keyword {
	case "CMD":
		return p.End.Cmd.By == in
	case "ENTRYPOINT":
		return p.End.Entrypoint.By == in
	case "HEALTHCHECK":
		return p.End.Healthcheck.By == in
	}
	return true
}

// redirected reports whether a variable sends an installer elsewhere than $HOME,
// in the environment or on the command line.
func (p *Pass) redirected(in *dockerfile.Instruction, names []string) bool {
	if strings.Contains(in.Original, "AllUsers") {
		return true // Install-Module -Scope AllUsers
	}
	env := p.End.Before[in].Env
	for _, n := range append(names, "HOME") {
		if v, ok := env.Get(n); ok && v != "" && !imagepath.Below(path.Clean(v), "/root") {
			return true
		}
		if strings.Contains(in.Original, n+"=/") && !strings.Contains(in.Original, n+"=/root") {
			return true
		}
	}
	return false
}

func (p *Pass) lastOfKind(keyword string) *dockerfile.Instruction {
	for i := len(p.Stage.Instructions) - 1; i >= 0; i-- {
		if p.Stage.Instructions[i].Keyword == keyword {
			return p.Stage.Instructions[i]
		}
	}
	return nil
}

// rootHome refuses images whose program needs /root and that cannot be moved.
func rootHome(p *Pass) *Refusal {
	uses := p.rootUses()
	if len(uses) == 0 {
		return scriptInRootHome(p)
	}
	why := p.cannotMove()
	if why == "" {
		return nil
	}
	hint := uses[0].hint
	if hint == "" && strings.Contains(why, ".ssh") {
		hint = "Put known hosts into /etc/ssh/ssh_known_hosts and options into /etc/ssh/ssh_config, which hold for every user, and mount keys as secrets."
	}
	if hint == "" && strings.HasSuffix(why, bothStages) {
		hint = p.writtenElsewhere()
	}
	if hint == "" && strings.HasSuffix(why, staysRoots) {
		hint = "Bring them to a directory outside /root, and list it under writable_trees: in .harden.yaml."
	}
	return &Refusal{Reason: RootHome, Line: p.at(uses[0].in), Hint: hint, Message: uses[0].what + ", where only root can look, and it cannot be moved: " + why}
}

// scriptInRootHome refuses images whose start script names what is under /root,
// whoever put it there: the base image, or a mount.
func scriptInRootHome(p *Pass) *Refusal {
	for _, u := range p.Entry.InRoot {
		return &Refusal{Reason: RootHome, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s has %q, and only root can look into /root", u.Where, dockerfile.Clip(u.Text, 60))}
	}
	for _, c := range p.End.Copies {
		if src := p.configInRoot(c); src != "" {
			return &Refusal{Reason: RootHome, Line: p.at(c.By),
				Message: fmt.Sprintf("%s, which line %d copies to %s, names a path under /root, where only root can look", src, c.By.Line, c.Dest)}
		}
	}
	return nil
}

var (
	// configName is what configuration files are called.
	configName = regexp.MustCompile(`(?i)(\.(conf|cfg|cnf|ini|toml|properties)|[-_.]config\.(py|js|json|ya?ml|rb))$`)
	// valueInRoot is a value under /root, or /root itself.
	valueInRoot = regexp.MustCompile(`(?m)^[^#;/\n]*[\s"'=:(,]/root(/[^\s"']*)?["'\s,;)]*$`)
)

// configInRoot returns the configuration file of a copy from the build context that
// names a path under /root, "" when none does.
func (p *Pass) configInRoot(c simulate.Copy) string {
	if c.From != "" || c.Opaque || p.Context == nil || imagepath.Below(path.Clean(c.Dest), "/root") {
		return ""
	}
	for _, src := range c.Sources {
		if !configName.MatchString(src) {
			continue
		}
		if text, ok := p.ContextFile(strings.TrimPrefix(path.Clean("/"+src), "/")); ok && valueInRoot.MatchString(text) {
			return src
		}
	}
	return ""
}

func runRootHome(p *Pass) {
	if p.Keep != nil || p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	if !p.moves() {
		for _, u := range p.memo.left {
			p.report(Finding{Line: p.at(u.in), Message: u.what + ", where only root can look, and cannot be moved: " + p.cannotMove(),
				Hint: "The program still works, but fetches it again at each start, for which it needs the network."})
			break
		}
		return
	}
	uses, home := p.rootUses(), p.canMoveTo()
	if home == "" {
		p.report(Finding{Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look",
			Fix: &Fix{Message: "moves it to " + commandsDir, Changes: p.moveScript()}})
		return
	}
	changes := p.moveHome(home)
	p.report(Finding{Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look", Hint: p.hintMoved(home),
		Fix: &Fix{Message: "moves it to " + home, Changes: changes, Steps: p.ownMoved(home)}})
}

package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var nonroot = &Rule{
	Name: "nonroot",
	Doc: `The image starts as a user other than root

An attacker who takes over a process that runs as root has the host's kernel as
the next target, and every mistake in a mount or a capability works in the
attacker's favour. The rule makes the image start as another user, by number,
because Kubernetes' runAsNonRoot accepts no names.

Whose user, in this order: the one the file or its base already has; the
account that the program is told to change to, by an option or in its
configuration; one that the file switches to and leaves again; the account a
known program insists on; one that the file creates and never uses; one that the
base image ships for the purpose (node, nginx, www-data, nonroot …); a new account, appuser 10001:10001.
Accounts of the distribution (daemon, nobody …) are never used.

USER goes behind the last build step, so that no step changes identity and
everything builds as before. A user that is inherited from the base image is
stated explicitly, because most scanners read the file only.

A last stage called test or lint that has no command only tries the image out
while it is built: the image is then the stage below it. Stages that are built on
the image get USER 0:0 below their FROM, and so build and run as before.

The rule is silent when the stage that becomes the image ends with a USER other
than root. It refuses, with a reason, where a program needs root, and where nobody
knows the base image and no step of the file, such as the installation of a package,
shows that it starts as root.`,
	run: runNonroot,
}

func runNonroot(p *Pass) {
	p.reportBroken()
	p.reportCollisions()
	if p.Keep != nil && p.Keep.Nothing {
		return
	}
	if p.Keep != nil {
		p.report(Finding{Line: p.Keep.Line, Reason: p.Keep.Reason, Hint: p.keepHint(),
			Message: fmt.Sprintf("the user stays as it is: %s", p.Keep.Message)})
		return
	}
	switch p.User.How {
	case ChoiceExisting:
		return
	case ChoiceInherited:
		p.stateInherited()
		return
	}
	who := "root"
	if p.windows() {
		who = "ContainerAdministrator"
	}
	msg := "the image starts as " + who
	line := p.Stage.From.Line
	if by := p.End.User.By; by != nil && by.Stage == p.Stage {
		line = by.Line
		msg += ": this is its last USER"
		if p.End.User.Spec == "" {
			msg += ", and nobody sets its variable"
		}
	}
	if p.User.How == ChoiceMissing {
		msg = fmt.Sprintf("the image has no account %s, and does not start without", p.End.User.Name)
	}
	changes := append([]Change{p.setUser()}, p.User.Pins...)
	if p.User.Ahead != nil {
		changes = append(changes, *p.User.Ahead)
	}
	steps := p.User.Make
	if early, ok := p.earlyAccount(); ok {
		changes, steps = append(changes, early), nil
	}
	changes = append(changes, p.keepChildren()...)
	p.report(Finding{Line: line, Message: msg, Hint: p.userHint(),
		Fix: &Fix{Message: p.userFix() + p.childrenFix(), Changes: changes, Steps: steps}})
	p.reportHealth()
	p.hintMounts()
	p.hintSecrets()
	p.hintOutput()
	p.hintGiven()
	p.hintHome()
	p.hintDevices()
	p.hintSyncs()
	p.hintLogs()
	p.hintHDFS()
	p.hintIPv6()
	p.unreadFinding()
}

// reportBroken names a command that cannot start, whoever runs it.
func (p *Pass) reportBroken() {
	for _, a := range []simulate.Argv{p.End.Entrypoint, p.End.Cmd} {
		if a.Broken {
			p.report(Finding{Line: a.By.Line, Message: a.By.Keyword + " looks like the exec form and is not JSON, so the shell gets the brackets and cannot start it",
				Hint: "Write double quotes, with commas between the words."})
		}
	}
}

// stateInherited adds the USER that the image already has from its base or from
// an earlier stage.
func (p *Pass) stateInherited() {
	from := "the base image"
	if by := p.End.User.By; by != nil {
		from = fmt.Sprintf("line %d", by.Line)
	}
	if !p.User.UID.Known && !p.windows() {
		f := Finding{Line: p.Stage.From.Line,
			Message: fmt.Sprintf("the image runs as %s, which comes from %s; its number is not known", p.End.User.Spec, from),
			Hint:    "Write the account's number, so that Kubernetes' runAsNonRoot can tell."}
		if simulate.ValidName(p.End.User.Spec) {
			f.Fix = &Fix{Message: "states it by name: most scanners read only the file", Changes: []Change{p.setUser()}}
		}
		p.report(f)
		return
	}
	p.report(Finding{Line: p.Stage.From.Line,
		Message: fmt.Sprintf("the image runs as %s, which comes from %s and is not stated in its stage", p.User.Label(), from),
		Fix:     &Fix{Message: "states it: most scanners read only the file", Changes: append(append([]Change{p.setUser()}, p.User.Pins...), p.stateTest()...)}})
}

// keepHint says what can be done about an image that keeps root.
func (p *Pass) keepHint() string {
	hint := p.Keep.Hint
	if hint == "" {
		if doc, ok := p.Keep.Reason.Explain(); ok {
			hint = doc.Advice
		}
	}
	if !p.End.User.Root() {
		return hint
	}
	switch p.Keep.Reason {
	case DropsPrivilegesItself:
		if p.Keep.Hint == "" {
			return "Keep root at the start and give it little: " + p.least()
		}
		return hint + " To keep root: " + p.least()
	case EntrypointNeedsRoot:
		return hint + " To keep root: " + p.least()
	}
	return hint
}

// least is the advice that the runtime profile gives, in one sentence.
func (p *Pass) least() string {
	var names []string
	for _, c := range p.capabilities(true) {
		names = append(names, c.Name)
	}
	text := "--cap-drop ALL"
	if len(names) > 0 {
		text += " with --cap-add " + enumerate(names)
	}
	text += "."
	if p.unsure() {
		text += " Whether it needs more is not known; harden verify --learn finds out."
	}
	return text
}

// enumerate joins words as a sentence does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// namesUser reports whether the file has a USER of its own that is not root.
func (p *Pass) namesUser() bool {
	return slices.ContainsFunc(p.Chain, func(stage *dockerfile.Stage) bool {
		return slices.ContainsFunc(stage.Instructions, func(in *dockerfile.Instruction) bool {
			after, ok := p.End.After[in]
			return in.Keyword == "USER" && ok && !after.Root()
		})
	})
}

// userFix says which user the image gets, and why that one.
func (p *Pass) userFix() string {
	who := p.User.Label()
	switch p.User.How {
	case ChoiceSwitched:
		if !p.namesUser() {
			return fmt.Sprintf("runs as %s, the user of the base image, which the file leaves for root", who)
		}
		return fmt.Sprintf("runs as %s, the user that the file had before it went back to root", who)
	case ChoiceGiven:
		return fmt.Sprintf("runs as %s, the account of the image that was asked for", who)
	case ChoiceFile:
		return fmt.Sprintf("runs as %s, the account that the file makes", who)
	case ChoiceMissing:
		if p.User.Make == nil {
			return fmt.Sprintf("runs as %s, which needs no account", who)
		}
		return fmt.Sprintf("makes the account, %s", who)
	case ChoiceOwner:
		return fmt.Sprintf("runs as %s, to whom the file gives its directories", who)
	case ChoiceBase:
		return fmt.Sprintf("runs as %s, the account that the base image ships for it", who)
	case ChoiceProgram:
		if p.User.Told != "" {
			return fmt.Sprintf("runs as %s, the account that %s is told to change to (%s)", who, p.nameOf(p.User.Program), p.User.Told)
		}
		return fmt.Sprintf("runs as %s, the account of %s", who, p.nameOf(p.User.Program))
	case ChoiceBuilt:
		return fmt.Sprintf("runs as %s, the account that the built image has for it", who)
	case ChoiceNumber:
		why := "the image has no shell to make one with"
		if p.End.Tree != nil {
			why = "no step of the file shows a shell to make one with"
		}
		return fmt.Sprintf("runs as %s, a number without an account: %s", who, why)
	}
	return fmt.Sprintf("runs as a new account, %s", who)
}

// startsAtTheTop reports whether it is known that the image starts in /. The catalogue does
// not know where the images of others start.
func (p *Pass) startsAtTheTop() bool {
	return p.End.Workdir == "/" && p.Base.Known.Config && (p.Base.Seen() || !strings.Contains(p.Repository(), "/") || strings.HasPrefix(path.Base(p.Repository()), "ubi"))
}

func (p *Pass) userHint() string {
	if p.User.FromArg && p.User.Arg == "" {
		return fmt.Sprintf("A build argument sets the number of %s, so that its name has to stand here, and Kubernetes' runAsNonRoot accepts no names: give it a fixed number where it is made, and write that in USER.", p.User.Name)
	}
	if !p.User.UID.Known && !p.windows() {
		if a, ok := p.End.Account(p.User.Name); !p.Base.Seen() && (!ok || a.By == nil && a.Program == "") {
			return fmt.Sprintf("The number of %s is not known, and Kubernetes' runAsNonRoot accepts no names. %s.", p.User.Name, p.factsHint())
		} else if a.Asked {
			return fmt.Sprintf("The base image may have %s with another number, and Kubernetes' runAsNonRoot accepts no names. %s.", p.User.Name, p.factsHint())
		}
		or := ""
		if _, ok := p.End.Account(p.User.Name); !ok && !p.Base.Known.Accounts && simulate.ValidName(p.User.Name) {
			or = fmt.Sprintf(" or write the base's number (id -u %s in it)", p.User.Name)
		}
		return fmt.Sprintf("The number of %s is not known; give it one where it is made%s, so that Kubernetes' runAsNonRoot can tell that it is not root.", p.User.Name, or)
	}
	if _, lambda := p.End.Env.Get("LAMBDA_TASK_ROOT"); lambda {
		// docs.aws.amazon.com/lambda/latest/dg/images-create.html, Requirements for container images.
		return "AWS Lambda runs the image as a user of its own, whatever USER says: there only what that user may read matters."
	}
	if p.User.How == ChoiceNew && p.startsAtTheTop() && p.runsAnything() && len(p.writeSet()) == 0 {
		return "It starts in /, where only root may write: set WORKDIR to a directory of its own if it makes files by relative names."
	}
	if _, set := p.End.Env.Get("HOME"); p.User.How == ChoiceNumber && !set && !p.windows() {
		return "Without an account its HOME is /, where it may not write: set ENV HOME to a directory of its own if the program keeps files there."
	}
	return ""
}

// interpreters are the runtimes that are not in the table of programs, and toolInstall matches
// steps that install the tools of a language.
var (
	interpreters = map[string]bool{"bun": true, "deno": true, "tsx": true, "ts-node": true, "Rscript": true, "julia": true, "lua": true, "luajit": true, "elixir": true, "erl": true, "groovy": true, "clojure": true}
	toolInstall  = regexp.MustCompile(`\b(pip3?|pipx|uv|gem|cargo)\b[^&;|]*\binstall\b|\bnpm\b[^&;|]*\s(-g|--global)\b|\byarn\s+global\b`)
)

// runsAnything reports whether the image starts an interpreter, or a tool of a language that
// a step installs and nobody knows.
func (p *Pass) runsAnything() bool {
	if cmd, ok := p.Entry.Main(); ok {
		return programs.Runtimes[cmd.Program.Name]
	}
	if len(p.Entry.Argv) == 0 {
		return false
	}
	name := p.Entry.Argv[0]
	return interpreters[path.Base(name)] || !strings.Contains(name, "/") && !shellcmd.IsShell(name) && toolInstall.MatchString(p.stepsText())
}

// setUser replaces a last USER that nothing but settings follows, or adds one
// behind the last build step.
func (p *Pass) setUser() Change {
	keyword := p.Doc.KeywordCase("USER")
	line := keyword + " " + p.User.Spec()
	comment := ""
	if p.User.Name != "" && p.User.UID.Known && p.User.Spec() != p.User.Name {
		comment = "# " + p.User.Name
	}
	if by := p.End.User.By; by != nil && by.Stage == p.Stage && !p.buildsAfter(by) {
		return Change{kind: replaceText, at: by, from: by.TextStart, to: len(by.Original), text: p.User.Spec(), comment: comment}
	}
	return p.atEnd(comment, line)
}

// canRun reports whether a RUN can be inserted at all.
func (p *Pass) canRun() bool { return p.tool("sh") != imageinspect.No }

// hintLogs says of a program for the logs of others that the host's belong to root.
func (p *Pass) hintLogs() {
	for _, c := range p.Entry.Programs {
		if c.Program != nil && c.Program.ReadsLogs {
			p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("%s reads the logs of others, and those of the host belong to root", c.Program.Name),
				Hint: "Where it reads /var/log or /var/lib/docker/containers of the host, give it their group with --group-add, or run it as root with --cap-drop ALL --cap-add DAC_READ_SEARCH."})
			return
		}
	}
}

// hintMounts says whose files a bind mount brings: the host's, whatever the image
// owns.
func (p *Pass) hintMounts() {
	svc, m := p.hostMount()
	if svc == nil {
		return
	}
	more := ""
	if n := len(slices.DeleteFunc(slices.Clone(svc.BindMounts), func(m Mount) bool { return m.ReadOnly })) - 1 + svc.OtherBinds; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	or := "run the service with user: set"
	if svc.Name == "" {
		or = "docker run --user set"
	}
	p.report(Finding{Line: p.Stage.From.Line,
		Message: fmt.Sprintf("%s:%d mounts %s of the host at %s%s, where %s can write only what the host lets it", svc.File, svc.Line, m.Source, m.Target, more, p.User.Label()),
		Hint:    fmt.Sprintf("chown %s on the host, or %s to the owner of the directory.", p.User.Owner(), or)})
}

// runsAsAnother reports whether Compose says who the service runs as, and did before.
func (s Service) runsAsAnother() bool {
	user, _, _ := strings.Cut(s.User, ":")
	return user != "" && user != "root" && user != "0"
}

// openDevice matches devices that every user may open: udev gives them mode 0666
// (systemd, rules.d/50-udev-default.rules).
var openDevice = regexp.MustCompile(`^/dev/(null|zero|full|random|urandom|tty|fuse|net/tun|nvidia[a-z0-9-]*)$`)

// hintDevices says that the devices of the host belong to root and a group there.
func (p *Pass) hintDevices() {
	for _, svc := range p.opts.Siblings.Services {
		i := slices.IndexFunc(svc.Devices, func(d string) bool { return !openDevice.MatchString(d) })
		if i < 0 || svc.runsAsAnother() {
			continue
		}
		where := "in group_add"
		if svc.Name == "" {
			where = "with docker run --group-add"
		}
		p.report(Finding{Line: p.Stage.From.Line,
			Message: fmt.Sprintf("%s:%d gives %s the device %s, which on most hosts only root and a group of its own may open", svc.File, svc.Line, svc.title(), svc.Devices[i]),
			Hint:    fmt.Sprintf("Give it the number of that group %s, which stat -c %%g %s says on the host.", where, svc.Devices[i])})
		return
	}
}

// hintSyncs says that docker compose watch and skaffold dev copy files as the container's user
// (Docker docs, Use Compose Watch: the USER has to be able to write to the target;
// skaffold.dev/docs/filesync). Nobody is given a directory of the system for that.
func (p *Pass) hintSyncs() {
	for _, s := range p.syncs() {
		if d := p.End.Dirs[s.Target]; d != nil && d.Tree && p.ownsDir(d) {
			continue
		}
		hint := fmt.Sprintf("Have the files there belong to it in the stage that is developed with: COPY --chown=%s.", p.User.Owner())
		if imagepath.Standard[s.Target] || s.Target == "/" || imagepath.Protected(s.Target) {
			hint = fmt.Sprintf("Only root may write there: set a WORKDIR of the program's own, and have the files in it belong to the user: COPY --chown=%s.", p.User.Owner())
		}
		p.report(Finding{Line: p.Stage.From.Line, Hint: hint,
			Message: fmt.Sprintf("%s:%d has %s copy changed files to %s, which it does as %s", s.File, s.Line, s.Tool, s.Target, p.User.Label())})
		return
	}
}

// syncs returns where tools copy changed files to, by absolute paths.
func (p *Pass) syncs() (out []Sync) {
	for _, svc := range p.opts.Siblings.Services {
		for _, target := range svc.Syncs {
			if !svc.runsAsAnother() {
				out = append(out, Sync{File: svc.File, Line: svc.Line, Tool: "docker compose watch", Target: target})
			}
		}
	}
	for _, s := range p.opts.Siblings.Syncs {
		s.Target = imagepath.Abs(p.End.Workdir, s.Target)
		if !strings.ContainsAny(s.Target, "{$") {
			out = append(out, s)
		}
	}
	return out
}

// hostMount returns the mount of the host that the report names: that of the sources
// over the working directory, where a command writes first, or else the first.
func (p *Pass) hostMount() (*Service, Mount) {
	var first *Service
	var mount Mount
	for i := range p.opts.Siblings.Services {
		svc := &p.opts.Siblings.Services[i]
		if svc.runsAsAnother() {
			continue
		}
		for _, m := range svc.BindMounts {
			switch {
			case m.ReadOnly:
			case m.Target == p.End.Workdir:
				return svc, m
			case first == nil:
				first, mount = svc, m
			}
		}
	}
	return first, mount
}

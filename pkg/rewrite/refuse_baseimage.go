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
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

func baseImage(p *Pass) *Refusal {
	if p.opts.IncludeBases {
		return nil
	}
	if by := p.Entry.By; by != nil && p.onlyShell() {
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true,
			Message: "the image starts a shell and no program, so others build on it or run commands in it"}
	}
	if p.opts.Target == "" && asideStage[p.Stage.Name] && len(p.Chain) > 1 {
		ships := stageLabel(p.Chain[len(p.Chain)-2])
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true,
			Message: fmt.Sprintf("the last stage, %s, looks like one that checks or develops stage %s and does not ship", p.Stage.Name, ships),
			Hint:    fmt.Sprintf("Pass --target %s for the image that ships, or --target %s for this one.", ships, p.Stage.Name)}
	}
	if r := p.forOthers(); r != nil {
		// --include-bases would only lead to what the program itself needs.
		for _, check := range []func(*Pass) *Refusal{dropsPrivileges, needsRoot} {
			if own := check(p); own != nil && ofProgram[own.Reason] && !own.guess {
				own.Whole = true // its files are those of its children, too
				return own
			}
		}
		return r
	}
	if by := p.emptied(); by != nil {
		why := "the file takes that of the base away"
		if p.End.Entrypoint.Set() || p.End.Cmd.Set() {
			why = fmt.Sprintf("the one of line %d is empty and starts nothing", by.Line)
		}
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true, Message: "the image has no command: " + why + ", so others build on it or run commands in it"}
	}
	if p.Base.Known.Config && p.inheritsCommand() {
		if p.Base.Origin.Kind == imageinspect.FromScratch {
			return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Nothing: true,
				Message: "the image starts no program: it only holds files for others to take"}
		}
		if svc, m := p.worksForService(); svc != nil {
			return p.onMountOf(svc, m)
		}
		what := "it starts no program"
		if p.Entry.Set() {
			what = "it only starts the base's " + p.lastWord()
		}
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: "the image has no command of its own, " + what + ", so others build on it or run commands in it"}
	}
	if by := p.onlyPrompt(); by != nil {
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true, Message: "the image starts a language's prompt and no program, so others build on it or run commands in it"}
	}
	if by := p.onlyPasses(); by != nil {
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true,
			Message: "the image has no command, and its start script only starts what it is given, so others build on it or run commands in it"}
	}
	if by := p.End.Cmd.By; by != nil && by.Stage == p.Stage && p.shellBehindScript() {
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true,
			Message: "the image starts a shell behind its start script, so others build on it or run commands in it"}
	}
	return nil
}

// worksForService returns the service that gives an image without a command of its own one,
// over whose working directory it mounts a directory of the host; nil when none does.
func (p *Pass) worksForService() (*Service, Mount) {
	for i := range p.opts.Siblings.Services {
		svc := &p.opts.Siblings.Services[i]
		if len(svc.Command) == 0 || svc.runsAsAnother() || p.End.Workdir == "/" {
			continue
		}
		for _, m := range svc.BindMounts {
			if !m.ReadOnly && imagepath.Below(p.End.Workdir, path.Clean(m.Target)) {
				return svc, m
			}
		}
	}
	return nil, Mount{}
}

// onMountOf refuses a tool for the files of the host, nil where somebody names a user for it.
func (p *Pass) onMountOf(svc *Service, m Mount) *Refusal {
	if p.opts.User != "" || p.opts.UID != 0 {
		return nil
	}
	return &Refusal{Reason: CommandLineTool, Line: p.Stage.From.Line,
		Message: fmt.Sprintf("the image has no command of its own: %s:%d gives it one, which works on %s of the host at %s, where another user cannot write", svc.File, svc.Line, m.Source, m.Target),
		Hint:    "Set user: of the service to the owner of that directory, which needs no USER. To give the image a user all the same, name one with --user or user: in .harden.yaml."}
}

// repls are the programs that, without an argument, open a prompt.
var repls = map[string]bool{"python": true, "pypy": true, "node": true, "irb": true, "pry": true, "jshell": true, "R": true, "julia": true, "ghci": true,
	"iex": true, "erl": true, "lua": true, "scala": true, "swift": true, "groovysh": true, "ipython": true, "gjs": true, "racket": true, "sbcl": true}

// onlyPrompt returns the CMD with which the file starts a prompt and nothing else, nil
// when it does not.
func (p *Pass) onlyPrompt() *dockerfile.Instruction {
	words := p.End.Cmd.Words
	if text, ok := shellcmd.ShellText(words); ok {
		words = strings.Fields(text)
	}
	by := p.End.Cmd.By
	if by == nil || by.Stage != p.Stage || len(words) != 1 || !repls[strings.TrimRight(path.Base(words[0]), "0123456789.")] {
		return nil
	}
	if p.End.Entrypoint.Set() && !p.passes() && !p.End.InheritsEntrypoint() {
		return nil
	}
	return by
}

var (
	// passesOn is the last line of a start script that starts what it is given.
	passesOn = regexp.MustCompile(`(?m)^\s*exec\s+(\S+\s+--\s+)?"?\$(@|\{@\})"?\s*\z`)
	// setsDefault is where it gives itself something to start.
	setsDefault = regexp.MustCompile(`(?m)^[^#\n]*\bset\s+--\s`)
)

// passes reports whether the file's ENTRYPOINT is one script that was read, starts what
// it is given and nothing else.
func (p *Pass) passes() bool {
	if p.End.Entrypoint.By == nil || p.End.Entrypoint.Text != "" || len(p.Entry.Scripts) == 0 || len(p.Entry.Unread) > 0 || len(p.Entry.Drops) > 0 {
		return false
	}
	text, ok := p.FileOf(p.End.Resolve(p.Entry.Scripts[0]))
	words := p.End.Entrypoint.Words
	return ok && path.Base(words[len(words)-1]) == path.Base(p.Entry.Scripts[0]) && passesOn.MatchString(strings.TrimSpace(text)) && !setsDefault.MatchString(text)
}

// onlyPasses returns the ENTRYPOINT of an image that starts only what it is given, and
// that neither the file nor Compose gives anything; nil otherwise.
func (p *Pass) onlyPasses() *dockerfile.Instruction {
	by := p.End.Entrypoint.By
	if by == nil || by.Stage != p.Stage || p.End.Cmd.Set() || len(p.Entry.Programs) > 0 || !p.passes() {
		return nil
	}
	if slices.ContainsFunc(p.opts.Siblings.Services, func(s Service) bool { return len(s.Command) > 0 }) {
		return nil
	}
	return by
}

// emptied returns the instruction with which the file leaves the image without a
// command, nil when it does not.
func (p *Pass) emptied() *dockerfile.Instruction {
	if p.Entry.Set() {
		return nil
	}
	for _, a := range []simulate.Argv{p.End.Entrypoint, p.End.Cmd} {
		if a.By != nil {
			return a.By
		}
	}
	return nil
}

// forOthers returns what shows that other images are built on this one.
func (p *Pass) forOthers() *Refusal {
	if p.opts.IncludeBases {
		return nil
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "ONBUILD" && (in.OnBuild == nil || isBuild(in.OnBuild) || in.OnBuild.Keyword == "USER") {
			return &Refusal{Reason: BaseImage, Line: in.Line, Whole: true, Message: "ONBUILD makes this a base for other images, whose steps would run as the new user"}
		}
	}
	if kids := p.opts.Siblings.Children; len(kids) > 0 {
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: fmt.Sprintf("%s is built FROM this image", kids[0])}
	}
	if by := p.opts.Siblings.BaseBy; by != "" {
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: by}
	}
	return nil
}

// inheritsCommand reports whether the image starts what its base starts, and
// that is no program as far as is known.
func (p *Pass) inheritsCommand() bool {
	return p.Entry.By == nil && !p.replacesEntrypoint() && p.bareShell() && !p.servesAsUser()
}

// servesAsUser reports whether the base image has a user of its own and a start script
// without a command: nobody gives a shell such a user, so the script starts a service.
func (p *Pass) servesAsUser() bool {
	user := p.Base.Config.User
	return user != "" && !(&simulate.State{}).ResolveUser(user, nil).Root() && len(p.Base.Config.Cmd) == 0 &&
		slices.ContainsFunc(p.Base.Config.Entrypoint, entry.LooksLikeScript)
}

// replacesEntrypoint reports whether the file copies a script over the one that the
// base image starts.
func (p *Pass) replacesEntrypoint() bool {
	if len(p.Entry.Argv) == 0 {
		return false
	}
	name := path.Base(p.Entry.Argv[0])
	return strings.Contains(name, ".") && slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return slices.ContainsFunc(c.Sources, func(src string) bool { return path.Base(src) == name })
	})
}

// lastWord is the last word of the command that is no option.
func (p *Pass) lastWord() string {
	for _, w := range slices.Backward(p.Entry.Argv) {
		if !strings.HasPrefix(w, "-") {
			return path.Base(w)
		}
	}
	return "command"
}

// onlyShell reports whether the command is nothing but a shell.
func (p *Pass) onlyShell() bool {
	argv := p.Entry.Argv
	if text, ok := shellcmd.ShellText(argv); ok {
		argv = strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(text))
	}
	for _, w := range argv {
		if !strings.HasPrefix(w, "-") && !opensShell(w) && w != "/usr/bin/env" && w != "exec" && !powerShellSettings.MatchString(w) {
			return false
		}
	}
	return len(argv) > 0
}

// shellBehindScript reports whether what a start script is given to start is a shell,
// and the script starts nothing else.
func (p *Pass) shellBehindScript() bool {
	words := p.End.Cmd.Words
	if p.End.Cmd.Text != "" {
		words = strings.Fields(p.End.Cmd.Text)
	}
	starts := p.End.Entrypoint.Words
	if len(starts) == 0 || p.End.Entrypoint.Text != "" || !entry.LooksLikeScript(starts[len(starts)-1]) && starts[len(starts)-1] != "--" {
		return false
	}
	if len(words) == 0 || len(words) > 2 || !opensShell(words[0]) || len(words) == 2 && !strings.HasPrefix(words[1], "-") {
		return false
	}
	return !slices.ContainsFunc(p.Entry.Programs, func(c programs.Command) bool { return c.Program != nil && len(c.Program.Ports) > 0 })
}

// opensShell reports whether a command is a shell of any kind, POSIX or not.
func opensShell(name string) bool {
	switch path.Base(name) {
	case "pwsh", "powershell", "fish", "csh", "tcsh", "nu", "xonsh", "elvish", "rbash":
		return true
	}
	return shellcmd.IsShell(name)
}

// powerShellSettings is what stands behind -Command in Microsoft's images before the
// command itself, which is still to come.
var powerShellSettings = regexp.MustCompile(`^(\s*\$\w+\s*=\s*('[^']*'|"[^"]*")\s*;?)+$`)

// bareShell reports whether the command that the base image gives is none, a
// shell, or a language's prompt.
func (p *Pass) bareShell() bool {
	for _, w := range p.Entry.Argv {
		if strings.HasPrefix(w, "-") {
			continue
		}
		name := path.Base(w)
		if !opensShell(name) && !prompts[strings.TrimRight(name, "0123456789.")] {
			return false
		}
	}
	return true
}

// prompts are the commands of language images that only open a prompt, and the
// entry points that these images put before them.
var prompts = map[string]bool{"python": true, "pypy": true, "node": true, "irb": true, "php": true, "jshell": true, "R": true, "julia": true,

	"ghci": true, "iex": true, "erl": true, "perl": true, "swift": true, "lua": true, "scala": true, "sbt": true, "clojure": true, "groovysh": true,
	"docker-entrypoint.sh": true, "docker-php-entrypoint": true, "mvn-entrypoint.sh": true, "mvn": true, "gradle": true, "__cacert_entrypoint.sh": true,
	"bun": true, "deno": true, "uv": true, "entrypoint.sh": true, "nvidia_entrypoint.sh": true, "_entrypoint.sh": true, "tini": true, "lein": true, "rebar": true, "dumb-init": true, "exec": true, "env": true}

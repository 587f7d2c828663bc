package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A Refusal says why the image keeps its user.
type Refusal struct {
	Reason  Reason
	Line    int
	Message string
	Hint    string // overrides the advice of the reason when set
	Whole   bool   // nothing in the file may change, not even privileged files
}

// refusal returns the reason why the image must keep its user, nil when there
// is none. The checks stand in the order in which a reader would ask.
func (p *Pass) refusal() *Refusal {
	for _, check := range []func(*Pass) *Refusal{
		foreignSyntax, windowsImage, danglingEnd, ownerOptedOut,
		gitHubAction, devContainer, unresolvedUser,
	} {
		if r := check(p); r != nil {
			return r
		}
	}
	if !p.End.User.Root() || p.windows() {
		return nil
	}
	for _, check := range []func(*Pass) *Refusal{
		dockerSocket, baseImage, unknownBase, privilegedService, dropsPrivileges, needsRoot, needsCapability, seenCapability, startsAsRoot, fillsInAtStart,
	} {
		if r := check(p); r != nil {
			return r
		}
	}
	return nil
}

func (p *Pass) at(in *dockerfile.Instruction) int {
	if in == nil {
		return p.Stage.From.Line
	}
	return in.Line
}

func foreignSyntax(p *Pass) *Refusal {
	s := p.Doc.Syntax
	if s == "" {
		return nil
	}
	ref := strings.TrimPrefix(strings.TrimPrefix(s, "docker.io/"), "index.docker.io/")
	repo, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(repo, ':'); i > strings.LastIndexByte(repo, '/') {
		repo = repo[:i]
	}
	switch repo {
	case "docker/dockerfile", "docker/dockerfile-upstream", "moby/dockerfile":
		return nil
	}
	// A copy of Docker's frontend in another registry keeps its name.
	if strings.HasSuffix(repo, "/docker/dockerfile") || strings.HasSuffix(repo, "/docker/dockerfile-upstream") {
		return nil
	}
	return &Refusal{Reason: ForeignSyntax, Line: 1, Whole: true,
		Message: fmt.Sprintf("# syntax=%s may give the instructions another meaning", s)}
}

func danglingEnd(p *Pass) *Refusal {
	ends := []*dockerfile.Instruction{lastIn(p.Stage), lastIn(p.Doc.Stages[len(p.Doc.Stages)-1])}
	for _, child := range p.children() {
		ends = append(ends, child.From)
	}
	for _, last := range ends {
		if p.Doc.Dangling(last) {
			return &Refusal{Reason: DanglingContinuation, Line: last.EndLine, Whole: true,
				Message: "the stage ends in an open line continuation, and what is written after it would become part of that instruction"}
		}
	}
	return nil
}

// lastIn returns the last instruction of a stage, FROM when it has no other.
func lastIn(stage *dockerfile.Stage) *dockerfile.Instruction {
	if n := len(stage.Instructions); n > 0 {
		return stage.Instructions[n-1]
	}
	return stage.From
}

func gitHubAction(p *Pass) *Refusal {
	if p.opts.Siblings.GitHubAction == "" || !p.End.User.Root() {
		return nil
	}
	return &Refusal{Reason: GitHubAction, Line: p.Stage.From.Line, Whole: true,
		Message: fmt.Sprintf("%s runs this image as a GitHub Action, which has to start as root", p.opts.Siblings.GitHubAction)}
}

func devContainer(p *Pass) *Refusal {
	for _, part := range strings.Split(p.opts.Path, "/") {
		if part == ".devcontainer" {
			return &Refusal{Reason: DevContainer, Line: p.Stage.From.Line, Whole: true, Message: "the file stands below .devcontainer"}
		}
	}
	return nil
}

func unresolvedUser(p *Pass) *Refusal {
	u := p.End.User
	if len(u.Missing) == 0 {
		return nil
	}
	return &Refusal{Reason: UnresolvedArg, Line: p.at(u.By), Whole: true,
		Message: fmt.Sprintf("USER %s depends on %s, which has no value here and none that is known in the base image", u.Spec, strings.Join(u.Missing, ", ")),
		Hint:    p.missingHint(u.Missing[0])}
}

// missingHint says where a value can come from. A --build-arg that no ARG declares
// changes nothing.
func (p *Pass) missingHint(name string) string {
	for _, in := range p.Doc.Instructions {
		if in.Keyword != "ARG" {
			continue
		}
		for _, kv := range in.KeyValues() {
			if kv.Key == name {
				return fmt.Sprintf("Pass --build-arg %s=VALUE, or give the ARG a default.", name)
			}
		}
	}
	return fmt.Sprintf("No ARG or ENV of this file sets %s; set it here, or write the user itself.", name)
}

func dockerSocket(p *Pass) *Refusal {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if strings.Contains(in.Original, "docker.sock") {
				return &Refusal{Reason: DockerSocket, Line: in.Line, Message: "the image uses the Docker socket, which belongs to root and the host's docker group"}
			}
			if strings.Contains(in.Original, "get.docker.com") {
				return &Refusal{Reason: DockerSocket, Line: in.Line, Message: "the image installs Docker, whose socket belongs to root and the host's docker group"}
			}
		}
	}
	for _, svc := range p.opts.Siblings.Services {
		for _, m := range svc.BindMounts {
			if strings.HasSuffix(m.Source, "docker.sock") || strings.HasSuffix(m.Target, "docker.sock") {
				return &Refusal{Reason: DockerSocket, Line: p.Stage.From.Line,
					Message: fmt.Sprintf("%s mounts the Docker socket into service %s", svc.File, svc.Name)}
			}
		}
	}
	return nil
}

func baseImage(p *Pass) *Refusal {
	if p.opts.IncludeBases {
		return nil
	}
	if p.opts.Target == "" && asideStage[p.Stage.Name] && len(p.Chain) > 1 {
		ships := stageLabel(p.Chain[len(p.Chain)-2])
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true,
			Message: fmt.Sprintf("the last stage, %s, looks like one that checks or develops stage %s and does not ship", p.Stage.Name, ships),
			Hint:    fmt.Sprintf("Pass --target %s for the image that ships, or --target %s for this one.", ships, p.Stage.Name)}
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "ONBUILD" {
			return &Refusal{Reason: BaseImage, Line: in.Line, Whole: true, Message: "ONBUILD makes this a base for other images, whose steps would run as the new user"}
		}
	}
	if kids := p.opts.Siblings.Children; len(kids) > 0 {
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: fmt.Sprintf("%s is built FROM this image", kids[0])}
	}
	if p.Entry.By == nil && !p.replacesEntrypoint() && (p.Base.Known.Config || p.Base.Origin.Kind != "none") && p.bareShell() {
		what := "it starts no program"
		if !p.Base.Known.Config {
			what = "it is not known to start a program"
		}
		if p.Entry.Set() {
			what = "it only starts the base's " + p.lastWord()
		}
		return &Refusal{Reason: BaseImage, Line: p.Stage.From.Line, Whole: true, Message: "the image has no command of its own, " + what + ", so others build on it or run commands in it"}
	}
	if by := p.Entry.By; by != nil && by.Stage == p.Stage && p.onlyShell() {
		return &Refusal{Reason: BaseImage, Line: by.Line, Whole: true,
			Message: "the image starts a shell and no program, so others build on it or run commands in it"}
	}
	return nil
}

// replacesEntrypoint reports whether the file copies a script over the one that the
// base image starts.
func (p *Pass) replacesEntrypoint() bool {
	if len(p.Entry.Argv) == 0 {
		return false
	}
	name := path.Base(p.Entry.Argv[0])
	return strings.Contains(name, ".") && slices.ContainsFunc(p.End.Copies, func(c Copy) bool {
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
	if text, ok := shellText(argv); ok {
		argv = strings.Fields(text)
	}
	for _, w := range argv {
		if !strings.HasPrefix(w, "-") && !isShell(w) && w != "/usr/bin/env" && w != "exec" {
			return false
		}
	}
	return len(argv) > 0
}

// bareShell reports whether the command that the base image gives is none, a
// shell, or a language's prompt.
func (p *Pass) bareShell() bool {
	for _, w := range p.Entry.Argv {
		if strings.HasPrefix(w, "-") {
			continue
		}
		name := path.Base(w)
		if !isShell(name) && !prompts[strings.TrimRight(name, "0123456789.")] {
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
	"bun": true, "deno": true, "entrypoint.sh": true, "nvidia_entrypoint.sh": true, "_entrypoint.sh": true, "tini": true, "lein": true, "rebar": true, "dumb-init": true, "exec": true, "env": true}

func unknownBase(p *Pass) *Refusal {
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
		Hint: fmt.Sprintf("Let harden reach the registry, or pass --facts FILE made with: harden inspect --json %s", p.baseName())}
}

func (p *Pass) baseName() string {
	if p.Base.Reference != "" {
		return p.Base.Reference
	}
	return "the base image"
}

// hasShell reports whether the file itself shows that the image has a shell: a
// RUN of the shell form.
func (p *Pass) hasShell() bool {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && !in.JSON {
				return true
			}
		}
	}
	return false
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && !(s[1] >= 'A' && s[1] <= 'Z') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func clip(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

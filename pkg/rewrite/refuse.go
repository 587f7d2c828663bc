package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A Refusal says why the image keeps its user.
type Refusal struct {
	Reason  Reason
	Line    int
	Message string
	Hint    string   // overrides the advice of the reason when set
	Whole   bool     // nothing in the file may change, not even privileged files
	Missing []string // build arguments without a value
	Nothing bool     // there is nothing to do: no process runs in the image
	guess   bool     // from what stands around a script that could not be read
}

// refusal returns the reason why the image must keep its user, nil when there
// is none. The checks stand in the order in which a reader would ask.
func (p *Pass) refusal() *Refusal {
	for _, check := range []func(*Pass) *Refusal{
		foreignSyntax, windowsImage, danglingEnd, ownerOptedOut,
		gitHubAction, devContainer, unresolvedUser, unwritableUser,
	} {
		if r := check(p); r != nil {
			return r
		}
	}
	if !p.End.User.Root() || p.windows() {
		return nil
	}
	for _, check := range []func(*Pass) *Refusal{
		dockerDaemon, dockerPlugin, dockerSocket, startsClientOfDocker, serviceFiles, keptByBase, baseImage, besideDocker, installsDocker, unknownBase, privilegedService, dropsPrivileges, asksRoot, needsRoot, documentedPrivileges, worksAtTheTop,
		accountFlag, needsCapability, shippedSetting, seenCapability, commandLineTool, startsAsRoot, mountedHome, toldBesideRoot, ownerExplains, fillsInAtStart, buildsInSDK, opaqueProgram, baseScript, setsUpAnother, clientOfDocker, unknownOwner,
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

// whateverTheBase returns the reason that the file's own command gives where a build
// argument leaves the base open: the argument would only lead to it.
func (p *Pass) whateverTheBase(keep *Refusal) *Refusal {
	if p.Entry.By == nil || !p.End.User.Root() {
		return keep
	}
	for _, check := range []func(*Pass) *Refusal{dropsPrivileges, needsRoot} {
		if r := check(p); r != nil && (r.Reason == InitSystem || r.Reason == NeedsRootDaemon || r.Reason == DropsPrivilegesItself) {
			r.Whole = true
			return r
		}
	}
	return keep
}

// lineOf names the instruction in a sentence, nil is one of the Dockerfile of the base.
func (p *Pass) lineOf(in *dockerfile.Instruction) string {
	if in == nil {
		return "the Dockerfile of its base"
	}
	return fmt.Sprintf("line %d", in.Line)
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
	r := &Refusal{Reason: UnresolvedArg, Line: p.at(u.By), Missing: u.Missing,
		Message: fmt.Sprintf("USER %s depends on %s, which has no value here and none that is known in the base image", u.Spec, strings.Join(u.Missing, ", ")),
		Hint:    p.missingHint(u.Missing[0])}
	if !p.Base.Known.Config && !p.declares(u.Missing[0]) {
		r.Reason, r.Hint = NoBaseFacts, p.factsHint()
		r.Message = fmt.Sprintf("USER %s depends on %s, which only the base image can set, and nothing is known of %s", u.Spec, u.Missing[0], p.baseName())
	}
	return r
}

// declares reports whether an ARG of the file names a variable.
func (p *Pass) declares(name string) bool {
	return slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "ARG" && slices.ContainsFunc(in.KeyValues(), func(kv dockerfile.KeyValue) bool { return kv.Key == name })
	})
}

// missingHint says where a value can come from. A --build-arg that no ARG declares
// changes nothing.
func (p *Pass) missingHint(name string) string {
	if p.declares(name) {
		return fmt.Sprintf("Pass --build-arg %s=VALUE, or give the ARG a default.", name)
	}
	return fmt.Sprintf("No ARG or ENV of this file sets %s; set it here, or write the user itself.", name)
}

func dockerSocket(p *Pass) *Refusal {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if strings.Contains(in.Original, "docker.sock") {
				return &Refusal{Reason: DockerSocket, Line: in.Line, Message: "the image uses the Docker socket, which belongs to root and the host's docker group"}
			}
		}
	}
	if r := p.socketOfBase(); r != nil {
		return r
	}
	if r := p.socketOfRunner(); r != nil {
		return r
	}
	for _, svc := range p.opts.Siblings.Services {
		for _, m := range svc.BindMounts {
			if strings.HasSuffix(m.Source, "docker.sock") || strings.HasSuffix(m.Target, "docker.sock") {
				return &Refusal{Reason: DockerSocket, Line: p.Stage.From.Line,
					Message: fmt.Sprintf("%s:%d mounts the Docker socket into %s", svc.File, svc.Line, svc.title())}
			}
		}
	}
	return nil
}

// installsDocker refuses images with Docker's client, which is there for its
// socket.
func installsDocker(p *Pass) *Refusal {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if strings.Contains(in.Original, "get.docker.com") {
				return &Refusal{Reason: DockerSocket, Line: in.Line, Message: "the image installs Docker, whose socket belongs to root and the host's docker group"}
			}
		}
	}
	return nil
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && !(s[1] >= 'A' && s[1] <= 'Z') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A gate is one check of a scanner whose verdict users live with, rewritten
// from its source so that thousands of files can be asked in a second. Each
// does what the original does, blind spots included: the question is what its
// users will see, not what would be right.
type gate struct {
	name   string
	source string // where the original stands
	check  func(*subject) []complaint
}

// A subject is what a gate looks at: the text of a Dockerfile, and the user in
// the configuration of the image that it builds.
type subject struct {
	doc  *dockerfile.Document
	user string
}

// A complaint is one finding of a gate.
type complaint struct {
	line  int
	final bool // about the image itself; false: about another stage, or a USER that a later one overrides
}

var gates = []gate{
	{"hadolint DL3002", "hadolint, src/Hadolint/Rule/DL3002.hs", lastUserOfEachStage},
	{"hadolint DL3066", "hadolint, src/Hadolint/Rule/DL3066.hs, narrowed by hadolint#1239", nonNumericUser},
	{"hadolint DL3046", "hadolint, src/Hadolint/Rule/DL3046.hs", useraddWithoutNoLogInit},
	{"hadolint DL3004", "hadolint, src/Hadolint/Rule/DL3004.hs", sudoInRun},
	{"Trivy DS-0002", "trivy-checks, checks/docker/root_user.rego", trivyRootUser},
	{"Checkov CKV_DOCKER_3", "checkov, checkov/dockerfile/checks/UserExists.py", checkovUserExists},
	{"Checkov CKV_DOCKER_8", "checkov, checkov/dockerfile/checks/RootUser.py", checkovRootUser},
	{"KICS missing_user", "kics, assets/queries/dockerfile/missing_user_instruction/query.rego", kicsMissingUser},
	{"KICS last_user_is_root", "kics, assets/queries/dockerfile/last_user_is_root/query.rego", kicsLastUserIsRoot},
	{"Semgrep missing-user", "semgrep-rules, dockerfile/security/missing-user.yaml and missing-user-entrypoint.yaml", semgrepMissingUser},
	{"Semgrep last-user-is-root", "semgrep-rules, dockerfile/security/last-user-is-root.yaml", semgrepLastUserIsRoot},
	{"Dockle CIS-DI-0001", "dockle, pkg/assessor/manifest/manifest.go", dockleUser},
	{"docker-bench 4.1", "docker-bench-security, tests/4_container_images.sh, with docker-bench-security#358", dockerBench},
	{"OpenRewrite FindRootUser", "rewrite-docker, search/FindRootUser.java", openRewriteRootUser},
	{"kubelet runAsNonRoot", "kubernetes, pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot", kubeletNonRoot},
}

// users returns the USER instructions of a list.
func users(list []*dockerfile.Instruction) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, in := range list {
		if in.Keyword == "USER" {
			out = append(out, in)
		}
	}
	return out
}

func lastUser(list []*dockerfile.Instruction) *dockerfile.Instruction {
	if u := users(list); len(u) > 0 {
		return u[len(u)-1]
	}
	return nil
}

// value is the operand of USER as the parser hands it to the scanners.
func value(in *dockerfile.Instruction) string { return strings.TrimSpace(in.Text) }

func (s *subject) finalStage() *dockerfile.Stage { return s.doc.Stages[len(s.doc.Stages)-1] }

// complain makes a complaint about a USER. It is final when that USER is the
// one the image starts with.
func (s *subject) complain(in *dockerfile.Instruction) complaint {
	return complaint{in.Line, in == lastUser(s.finalStage().Instructions)}
}

// lastUserOfEachStage is DL3002: the last USER of any stage is root. A stage
// without USER is fine with it.
func lastUserOfEachStage(s *subject) (out []complaint) {
	for _, st := range s.doc.Stages {
		in := lastUser(st.Instructions)
		if in == nil {
			continue
		}
		v := value(in)
		if v == "root" || v == "0" || strings.HasPrefix(v, "root:") || strings.HasPrefix(v, "0:") {
			out = append(out, s.complain(in))
		}
	}
	return out
}

// nonNumericUser is DL3066 as hadolint#1239 has it: the last USER of the last
// stage is neither made of digits nor of a declared build argument.
func nonNumericUser(s *subject) []complaint {
	in := lastUser(s.finalStage().Instructions)
	if in == nil {
		return nil
	}
	uid, _, _ := strings.Cut(value(in), ":")
	if strings.Trim(uid, "0123456789") == "" {
		return nil
	}
	for _, arg := range s.doc.Instructions {
		if arg.Index > in.Index || arg.Keyword != "ARG" {
			continue
		}
		for _, kv := range arg.KeyValues() {
			if strings.Contains(value(in), "${"+kv.Key+"}") || strings.Contains(value(in), "$"+kv.Key) {
				return nil
			}
		}
	}
	return []complaint{s.complain(in)}
}

// commands calls f with the words of every simple command of the RUNs, those
// deferred by ONBUILD included, as hadolint's shell parser sees them: sudo is a
// command, and what it runs is its arguments.
func (s *subject) commands(f func(in *dockerfile.Instruction, words []string)) {
	for _, in := range s.doc.Instructions {
		run := in
		if in.OnBuild != nil {
			run = in.OnBuild
		}
		if run.Keyword != "RUN" {
			continue
		}
		script, err := s.doc.Script(in)
		if run.JSON {
			script, err = dockerfile.ParseScript([]byte(strings.Join(run.Args, " ")))
		}
		if err != nil {
			continue
		}
		syntax.Walk(script.File, func(n syntax.Node) bool {
			if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
				words := make([]string, len(call.Args))
				for i, w := range call.Args {
					words[i] = w.Lit()
				}
				f(in, words)
			}
			return true
		})
	}
}

// useraddWithoutNoLogInit is DL3046: useradd with a number of more than five
// digits after -u, and without -l. The long form --uid is not looked at.
func useraddWithoutNoLogInit(s *subject) (out []complaint) {
	s.commands(func(in *dockerfile.Instruction, words []string) {
		if words[0] != "useradd" {
			return
		}
		noLogInit, long, number := false, false, false
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") && w != "-" {
				name := strings.TrimLeft(w, "-")
				short := !strings.HasPrefix(w, "--")
				noLogInit = noLogInit || name == "no-log-init" || short && strings.Contains(name, "l")
				number = short && strings.Contains(name, "u")
				continue
			}
			long = long || number && len(w) > 5
		}
		if long && !noLogInit {
			out = append(out, complaint{in.Line, in.Stage == s.finalStage()})
		}
	})
	return out
}

// sudoInRun is DL3004: a RUN that calls sudo.
func sudoInRun(s *subject) (out []complaint) {
	s.commands(func(in *dockerfile.Instruction, words []string) {
		if words[0] == "sudo" {
			out = append(out, complaint{in.Line, in.Stage == s.finalStage()})
		}
	})
	return out
}

var trivyRoot = regexp.MustCompile(`^(root|0)(:.+){0,1}$`)

// trivyRootUser is DS-0002: no USER at all, or the last one of the file is
// root, whichever stage it stands in.
func trivyRootUser(s *subject) []complaint {
	in := lastUser(s.doc.Instructions)
	if in == nil {
		return []complaint{{s.finalStage().From.Line, true}}
	}
	if trivyRoot.MatchString(value(in)) {
		return []complaint{s.complain(in)}
	}
	return nil
}

// checkovUserExists is CKV_DOCKER_3: there is a USER somewhere.
func checkovUserExists(s *subject) []complaint {
	if lastUser(s.doc.Instructions) == nil {
		return []complaint{{s.finalStage().From.Line, true}}
	}
	return nil
}

// checkovRootUser is CKV_DOCKER_8: the last USER of the file is the word root.
func checkovRootUser(s *subject) []complaint {
	if in := lastUser(s.doc.Instructions); in != nil && value(in) == "root" {
		return []complaint{s.complain(in)}
	}
	return nil
}

// kicsStages groups the instructions as KICS does: by the text after FROM, so
// that two stages with the same text are one.
func (s *subject) kicsStages() (names []string, byName map[string][]*dockerfile.Instruction) {
	byName = map[string][]*dockerfile.Instruction{}
	for _, st := range s.doc.Stages {
		name := strings.TrimPrefix(st.From.Original, "FROM ")
		if _, ok := byName[name]; !ok {
			names = append(names, name)
		}
		byName[name] = append(byName[name], append([]*dockerfile.Instruction{st.From}, st.Instructions...)...)
	}
	return names, byName
}

// kicsMissingUser wants a USER in every stage that is not FROM scratch, builder
// stages included.
func kicsMissingUser(s *subject) (out []complaint) {
	names, byName := s.kicsStages()
	for _, name := range names {
		ins := byName[name]
		if name == "scratch" || lastUser(ins) != nil {
			continue
		}
		out = append(out, complaint{ins[0].Line, slices.Contains(ins, s.finalStage().From)})
	}
	return out
}

// kicsLastUserIsRoot looks at the last USER of every stage for the word root.
func kicsLastUserIsRoot(s *subject) (out []complaint) {
	names, byName := s.kicsStages()
	for _, name := range names {
		if in := lastUser(byName[name]); in != nil && value(in) == "root" {
			out = append(out, s.complain(in))
		}
	}
	return out
}

// semgrepMissingUser wants a USER before each CMD and ENTRYPOINT. To semgrep
// the file is one list: a USER of an earlier stage does.
func semgrepMissingUser(s *subject) (out []complaint) {
	for _, in := range s.doc.Instructions {
		switch in.Keyword {
		case "USER":
			return out
		case "CMD", "ENTRYPOINT":
			out = append(out, complaint{in.Line, in.Stage == s.finalStage()})
		}
	}
	return out
}

// semgrepLastUserIsRoot matches USER root without a later USER of another name.
func semgrepLastUserIsRoot(s *subject) (out []complaint) {
	all := users(s.doc.Instructions)
	for i := len(all) - 1; i >= 0 && value(all[i]) == "root"; i-- {
		out = append(out, s.complain(all[i]))
	}
	slices.Reverse(out)
	return out
}

// dockleUser is CIS-DI-0001: no user in the image's configuration, or the word
// root.
func dockleUser(s *subject) []complaint {
	if s.user == "" || s.user == "root" {
		return s.image()
	}
	return nil
}

// dockerBench is check 4.1: no user in the configuration, or root by name or
// number.
func dockerBench(s *subject) []complaint {
	if s.user == "" || s.user == "root" || s.user == "0" {
		return s.image()
	}
	return nil
}

// openRewriteRootUser marks a final stage without USER, and every USER root or
// USER 0 of the file even where a later one follows. The group is not part of
// the name it compares.
func openRewriteRootUser(s *subject) (out []complaint) {
	for _, in := range users(s.doc.Instructions) {
		if name, _, _ := strings.Cut(value(in), ":"); name == "root" || name == "0" {
			out = append(out, s.complain(in))
		}
	}
	if lastUser(s.finalStage().Instructions) == nil {
		out = append(out, s.image()...)
	}
	return out
}

// kubeletNonRoot is what happens to a pod with runAsNonRoot: true. The kubelet
// cannot resolve names, and takes no user for root (kubernetes#56503).
func kubeletNonRoot(s *subject) []complaint {
	name, _, _ := strings.Cut(s.user, ":")
	if uid, err := strconv.ParseInt(name, 10, 64); err != nil || uid == 0 {
		return s.image()
	}
	return nil
}

// image is the complaint about the image as a whole.
func (s *subject) image() []complaint {
	return []complaint{{s.finalStage().From.Line, true}}
}

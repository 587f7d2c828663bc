package rewrite

import (
	"maps"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// testStage are names of last stages that try out an image while it is built.
var testStage = map[string]bool{"test": true, "tests": true, "testing": true, "lint": true, "check": true, "unittest": true, "unit-test": true}

// asideStage are names of last stages that check an image, or are for work on it.
var asideStage = func() map[string]bool {
	m := map[string]bool{"dev": true, "dev-env": true, "dev-envs": true, "devel": true, "development": true, "debug": true}
	maps.Copy(m, testStage)
	return m
}()

// ships returns the stage whose image runs somewhere: the target, and when nobody
// names one the last, or where the last only tries another one out, that other.
func ships(doc *dockerfile.Document, resolver *dockerfile.Resolver, target string) (*dockerfile.Stage, error) {
	stage, err := doc.Stage(target)
	if err != nil || target != "" {
		return stage, err
	}
	for onlyTests(stage) {
		base, err := resolver.Base(stage)
		if err != nil || base.Stage == nil {
			break
		}
		stage = base.Stage
	}
	if last := doc.Stages[len(doc.Stages)-1]; stage != last {
		if other := otherShip(doc, resolver, stage); other != nil {
			stage = other
		}
	}
	return stage, nil
}

// otherShip returns the last stage with a command that no stage is built on and that neither
// tests nor is for work on the image, where the one that the tests are built on only has
// others built on it or copied from: nil when there is none behind it.
func otherShip(doc *dockerfile.Document, resolver *dockerfile.Resolver, tested *dockerfile.Stage) *dockerfile.Stage {
	parents := map[*dockerfile.Stage]bool{}
	for _, st := range doc.Stages {
		if base, err := resolver.Base(st); err == nil && base.Stage != nil {
			parents[base.Stage] = true
		}
	}
	for _, st := range slices.Backward(doc.Stages) {
		name := st.Name[strings.LastIndexAny(st.Name, "-_.")+1:]
		if st.Index <= tested.Index || parents[st] || asideStage[st.Name] || asideStage[name] {
			continue
		}
		if slices.ContainsFunc(st.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "CMD" || in.Keyword == "ENTRYPOINT" }) {
			return st
		}
	}
	return nil
}

// onlyTests reports whether a stage does its work while it is built and is no
// image to run: it is named like that and has no command.
func onlyTests(stage *dockerfile.Stage) bool {
	return testStage[stage.Name] && !slices.ContainsFunc(stage.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "CMD" || in.Keyword == "ENTRYPOINT" || in.Keyword == "ONBUILD"
	})
}

// crossBuilt reports whether the file compiles for other platforms on the builder's own,
// and runs nothing in the image itself, so that it builds without emulation
// (docs.docker.com, Multi-platform builds, "Cross-compilation").
func (p *Pass) crossBuilt() bool {
	for _, stage := range p.Chain {
		if slices.ContainsFunc(stage.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "RUN" }) {
			return false
		}
	}
	return slices.ContainsFunc(p.Doc.Stages, func(st *dockerfile.Stage) bool {
		platform, ok := st.From.Flag("platform")
		return ok && strings.Contains(platform, "BUILDPLATFORM") && !slices.Contains(p.Chain, st)
	})
}

// target is what --target has to name for a build of the image, "" when it is
// the last stage anyway.
func (p *Pass) target() string {
	if p.Stage == p.Doc.Stages[len(p.Doc.Stages)-1] {
		return ""
	}
	return stageLabel(p.Stage)
}

// children are the stages of the file that are FROM the image and would inherit
// its user: those with no USER of their own before the first step that runs as
// one, or before their end.
func (p *Pass) children() []*dockerfile.Stage {
	var out []*dockerfile.Stage
	for _, st := range p.Doc.Stages {
		if base, err := p.Resolver.Base(st); err != nil || base.Stage != p.Stage || len(st.Instructions) == 0 {
			continue
		}
		i := slices.IndexFunc(st.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Keyword == "USER" || in.Keyword == "RUN" || in.Keyword == "WORKDIR"
		})
		if i < 0 || st.Instructions[i].Keyword != "USER" {
			out = append(out, st)
		}
	}
	return out
}

// keepChildren puts the stages that are built on the image back to root, so that
// they build and run as before. Only a last stage that does nothing but test ends
// as the new user: it is the image of a build without --target, and nobody runs it.
func (p *Pass) keepChildren() []Change {
	var out []Change
	keyword := p.Doc.KeywordCase("USER")
	for _, st := range p.children() {
		out = append(out, Change{kind: insertAfter, at: st.From, comment: "# The steps of this stage run as root, as before.", lines: []string{keyword + " 0:0"}})
	}
	return append(out, p.stateTest()...)
}

// stateTest states the user at the end of a last stage that does nothing but test.
func (p *Pass) stateTest() []Change {
	last := p.Doc.Stages[len(p.Doc.Stages)-1]
	if last == p.Stage || !p.testedBy(last) {
		return nil
	}
	return []Change{{kind: insertAfter, at: lastIn(last), lines: []string{p.Doc.KeywordCase("USER") + " " + p.User.Spec()}}}
}

// childrenFix says in the fix's sentence for which stages' steps root stays.
func (p *Pass) childrenFix() string {
	var names []string
	for _, st := range p.children() {
		names = append(names, stageLabel(st))
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ", and keeps root for the steps of stage " + names[0] + ", which is built on it"
	}
	return ", and keeps root for the steps of stages " + list(names, 6) + ", which are built on it"
}

// testedBy reports whether a stage does nothing but test the image, and sets no
// user of its own on the way.
func (p *Pass) testedBy(stage *dockerfile.Stage) bool {
	for stage != p.Stage {
		base, err := p.Resolver.Base(stage)
		if err != nil || base.Stage == nil || !onlyTests(stage) || len(stage.Instructions) == 0 ||
			slices.ContainsFunc(stage.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "USER" }) {
			return false
		}
		stage = base.Stage
	}
	return true
}

// builtOn reports whether a stage is FROM the image, or from one that is.
func (p *Pass) builtOn(stage *dockerfile.Stage) bool {
	for stage != nil {
		base, err := p.Resolver.Base(stage)
		if err != nil || base.Stage == p.Stage {
			return err == nil
		}
		stage = base.Stage
	}
	return false
}

// Package rewrite takes root out of the image that a Dockerfile builds.
//
// Run is the whole of it: it parses the Dockerfile, asks a Source for the facts
// of the base image, simulates the stage that becomes the image, lets each Rule
// of the Suite look at the result, and applies their fixes as one patch.
package rewrite

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// Run hardens one Dockerfile. The error, if any, is an *Error that wraps a
// *dockerfile.Error or an *imageinspect.Error; a file that cannot be hardened is
// no error but has the outcome Refused.
func Run(ctx context.Context, src []byte, opts Options) (*Result, error) {
	opts.Context = content.Seen(opts.Context)
	p, err := plan(ctx, src, opts)
	if err != nil {
		return nil, err
	}
	if p.Keep != nil && p.Keep.Reason == UnresolvedArg {
		if res := p.forEachBuild(ctx, src); res != nil {
			return res, nil
		}
	}
	p.check()
	out, err := p.apply()
	if err != nil {
		return nil, &Error{Err: err}
	}
	slices.SortStableFunc(p.findings, func(a, b Finding) int { return a.Line - b.Line })
	return p.result(out), nil
}

// plan parses the file, asks for the facts of its base image, and decides
// whether and as whom the image can run without root.
func plan(ctx context.Context, src []byte, opts Options) (*Pass, error) {
	doc, err := dockerfile.Parse(src)
	if err != nil {
		return nil, atLine(err, 0)
	}
	platform := opts.Platform
	if platform == (imageinspect.Platform{}) {
		platform = imageinspect.Platform{OS: "linux", Architecture: "amd64"}
	}
	resolver := doc.Resolver(opts.BuildArgs, platform.String())
	stage, err := ships(doc, resolver, opts.Target)
	if err != nil {
		return nil, atLine(err, 0)
	}
	chain, base, err := resolver.Chain(stage)
	if err != nil {
		return nil, atLine(err, stage.From.Line)
	}
	p := &Pass{Image: &content.Image{Doc: doc, Chain: chain, Context: opts.Context, Resolver: resolver}, Stage: stage, opts: &opts}
	if base.Scratch {
		chain, base = p.unsquash(chain, base)
	}
	if len(base.Missing) > 0 && base.Ref == "" {
		p.Base = imageinspect.UnknownImage("")
		p.Keep = unresolvedFrom(chain[0], base)
	} else if p.Base, p.built, err = opts.facts(ctx, base, platform); err != nil {
		return nil, atLine(err, chain[0].From.Line)
	}
	p.End = simulate.Run(doc, resolver, chain, p.start(), p.squash)
	if p.End.Contradicted || base.Scratch && p.End.Tree != nil {
		p.Base, p.built = p.unknownBase(base), nil
		p.End = simulate.Run(doc, resolver, chain, p.start(), p.squash)
	}
	p.addBuilt()
	p.Entry = entry.Read(p.Image)
	p.markPingers()
	if u := p.End.User; p.Keep != nil && u.By != nil && u.By.Stage == p.Stage && len(u.Missing) == 0 && !u.Root() {
		// Whatever the base is, this is not root.
		p.Base.Warnings = append(p.Base.Warnings, p.Keep.Message+", so that nothing is known of the base image. "+p.Keep.Hint)
		p.Keep = nil
	}
	switch {
	case p.Keep == nil:
		p.Keep = p.refusal()
	case p.Keep.Reason == UnresolvedArg:
		p.Keep = p.whateverTheBase(p.Keep)
	}
	p.User = p.choose()
	if p.Keep == nil && !p.User.UID.Known && p.User.Name != "" {
		if changes, ok := p.pin(p.User.Name, p.End.User.Root() && !p.runsAsToday(p.User.Name)); ok {
			p.User = p.choose()
			if !p.User.FromArg { // where a build argument sets the number, the name stands in USER
				p.User.Pins = changes
			}
		}
	}
	if r := p.cannotWrite(); r != nil {
		p.Keep = r
	}
	return p, nil
}

// check runs the rules.
func (p *Pass) check() {
	for _, r := range Suite {
		if p.applies(r) {
			p.rule = r
			r.run(p)
		}
	}
}

// applies reports whether a rule is for the image and neither switched off nor ignored.
func (p *Pass) applies(r *Rule) bool {
	if on, set := p.opts.Rules[r.Name]; set && !on {
		return false
	}
	// Numbers, modes and capabilities are Linux's.
	return r.Name == "nonroot" || !p.windows() && p.ignored(r.Name) == nil
}

func atLine(err error, line int) error {
	var parse *dockerfile.Error
	if errors.As(err, &parse) && parse.Line > 0 {
		line = parse.Line
	}
	return &Error{Line: line, Err: err}
}

// facts asks for the facts of the base image. An image that no source knows has
// unknown facts, which is no error. What a registry or an engine holds comes first, as
// it does for the builder; then the Dockerfile that makes the image, then the catalogue.
func (o *Options) facts(ctx context.Context, base dockerfile.Base, platform imageinspect.Platform) (*imageinspect.Facts, *Image, error) {
	if base.Scratch {
		return imageinspect.Scratch(), nil, nil
	}
	source := o.Source
	if source == nil {
		source = imageinspect.DefaultCatalog()
	}
	f, err := source.Inspect(ctx, base.Ref, platform)
	none := false
	switch imageinspect.KindOf(err) {
	case imageinspect.NotKnown:
		f, err = imageinspect.UnknownImage(base.Ref), nil
	case imageinspect.NotFound, imageinspect.Unauthorized, imageinspect.RateLimited:
		none = true
	}
	if o.Bases != nil && (none || err == nil && !f.Seen()) {
		if img := o.Bases(ctx, base.Ref); img != nil && (none || img.Facts.Known.Config || !f.Known.Config) {
			return img.Facts, img, nil
		}
	}
	return f, nil, err
}

// start returns the image at the start of the first stage.
func (p *Pass) start() *simulate.State {
	s := simulate.NewState(p.Base)
	if p.built != nil {
		s.Inherit(p.built.end)
	}
	return s
}

// unsquash sees through FROM scratch and COPY --from=STAGE / /, with which people
// make one layer of an image: its files are those of the stage, its
// configuration is empty.
func (p *Pass) unsquash(chain []*dockerfile.Stage, base dockerfile.Base) ([]*dockerfile.Stage, dockerfile.Base) {
	for _, in := range chain[0].Instructions {
		if in.Keyword != "COPY" {
			continue
		}
		from, _ := in.Flag("from")
		if len(in.Args) != 2 || path.Clean(in.Args[0]) != "/" || path.Clean(in.Args[1]) != "/" {
			continue
		}
		st := p.Doc.CopyFrom(in.Stage, from)
		if st == nil {
			continue
		}
		files, origin, err := p.Resolver.Chain(st)
		if err != nil {
			continue
		}
		p.squash = in
		p.Chain = append(slices.Clone(files), chain...)
		return p.Chain, origin
	}
	return chain, base
}

func unresolvedFrom(stage *dockerfile.Stage, base dockerfile.Base) *Refusal {
	return &Refusal{Reason: UnresolvedArg, Line: stage.From.Line, Whole: true, Missing: base.Missing,
		Message: fmt.Sprintf("FROM %s depends on %s without a value", stage.BaseWord, strings.Join(base.Missing, " and ")),
		Hint:    fmt.Sprintf("Pass --build-arg %s=VALUE, or give the ARG a default.", base.Missing[len(base.Missing)-1])}
}

func (p *Pass) result(out []byte) *Result {
	r := &Result{Source: p.Doc.Src, Output: out, Findings: p.findings, Warnings: p.Base.Warnings,
		Stage: stageLabel(p.Stage), Target: p.target(), Base: p.Base.Reference, Facts: p.Base}
	if g := p.generated(); g != "" && r.Changed() {
		r.Warnings = append(slices.Clip(r.Warnings), g)
	}
	if p.insertsRun && p.crossBuilt() {
		r.Warnings = append(slices.Clip(r.Warnings), "the image ran nothing while it was built so far; the inserted RUN needs emulation where it is built for another platform than the builder's")
	}
	off := p.opts.Rules["nonroot"]
	_, offSet := p.opts.Rules["nonroot"]
	r.Profile, r.Kept = p.profile(), p.kept()
	if unwritableUser(p) == nil {
		r.User = p.End.User.Spec
	}
	if r.User == "" && (p.Keep == nil || p.Keep.Reason != NoBaseFacts) {
		r.User = p.withoutUser()
	}
	switch {
	case p.Keep != nil && p.Keep.Nothing:
		r.Outcome, r.User, r.Why = Clean, "", p.Keep.Message
	case p.Keep != nil:
		r.Outcome, r.Reason, r.Why = Refused, p.Keep.Reason, p.Keep.Message
	case offSet && !off && p.End.User.Root():
		r.Outcome, r.Reason, r.Why = Refused, RuleOff, "the rule nonroot is switched off"
	case r.Changed():
		r.Outcome, r.User, r.Why = Hardened, p.User.today(), p.why()
	default:
		r.Outcome, r.User, r.Why = Clean, p.User.today(), p.why()
	}
	return r
}

// stageLabel is what --target takes for a stage: its name, or its number.
func stageLabel(st *dockerfile.Stage) string {
	if st.Name != "" {
		return st.Name
	}
	return fmt.Sprint(st.Index)
}

// why says in one sentence who the image runs as.
func (p *Pass) why() string {
	switch p.User.How {
	case ChoiceExisting:
		return "runs as " + p.User.Label()
	case ChoiceInherited:
		return "runs as " + p.User.Label() + ", which comes from its base"
	}
	return p.userFix()
}

// family is the distribution family of the base image, or what the package
// managers that the file calls give away.
func (p *Pass) family() string { return p.End.Family() }

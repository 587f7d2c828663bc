// Package verify proves that a hardened image still works.
//
// It builds the Dockerfile as it is and as harden rewrites it, runs both images
// under the same probe with less and less privilege, looks into what came out,
// and compares. With Learn it watches the original at work, hands what it saw
// to the rules, and tries again until the proof holds or nothing new is learned.
//
// It executes the Dockerfile's code. Nothing here runs unless the user asks.
package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A Job is one Dockerfile to prove.
type Job struct {
	Path   string // for people
	Dir    string // where a probe on the host runs
	Source []byte
	Build  Build // without Tag, Dockerfile and Log
	Run    Spec  // without Image and privileges
	// Shared says that containers meet each other (a Compose project), so
	// that only one of them may run at a time.
	Shared bool
	// Rewrite hardens the Dockerfile with what was learned so far.
	Rewrite func(ctx context.Context, l Learned) (*rewrite.Result, error)
	// Composed says that the run comes from a Compose file, and Notes what of
	// it is not as it is there.
	Composed bool
	Notes    []string
	// Images looks into built images.
	Images imageinspect.Source
}

// Options says how to prove.
type Options struct {
	Command string // probe on the host
	HTTP    string // path to GET
	Port    int    // for HTTP; 0 is what EXPOSE names
	Exec    string // probe in the container
	OneShot bool   // the command ends by itself, with whatever status

	Start time.Duration // for the original to pass the probe
	Each  time.Duration // for one run of a probe
	Stay  time.Duration // to keep running after the probe; 0 is by kind of probe
	Build time.Duration // for one build

	Memory int64 // bytes, of one container
	Pids   int64
	Jobs   int // containers at the same time

	Learn    bool
	Progress func(string) // what is being done; nil says nothing
	BuildLog io.Writer    // the builder's output; nil drops it
}

// Defaults fills in what is not set.
func (o Options) Defaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&o.Start, time.Minute)
	set(&o.Each, 10*time.Second)
	set(&o.Build, 30*time.Minute)
	if o.Memory <= 0 {
		o.Memory = 2 << 30
	}
	if o.Pids <= 0 {
		o.Pids = 2048
	}
	if o.Jobs <= 0 {
		o.Jobs = 4
	}
	return o
}

// A prover is one proof under way.
type prover struct {
	eng  Engine
	info Info
	job  *Job
	opts Options
	proc string // "/proc"; tests have their own

	slots         chan struct{} // one for each container that may run
	mu            sync.Mutex    // guards report.Warnings
	serial        int
	before        Image
	beforeTag     string
	facts         *imageinspect.Facts // of the original image; nil when unreadable
	probe         []check
	ports         []int              // that the container has to listen on
	udp           []int              // that it has to bind
	denied        map[string]bool    // lines about permissions that the original writes
	vigil         *vigil             // nil until there is one
	short, margin time.Duration      // instead of the usual times to stay up; tests have their own
	idle          []string           // capabilities that nothing showed a need of
	baseline      *Attempt           // the original as it is; nil while it runs
	contents      *Contents          // of the image that was watched; nil before that
	ruled         []string           // files that the rules make beforehand, without anything learned
	holds         map[string]Holding // directories of the original
	varies        bool               // two runs of the original have different output
	report        *Report
}

// A namer is an Engine that gives unique names.
type namer interface{ Name(what string) string }

// Run proves one Dockerfile. The error, an *Error, says why nothing could be
// proven; what the hardened image no longer does is in the Report.
func Run(ctx context.Context, eng Engine, job *Job, opts Options) (*Report, error) {
	p := newProver(eng, job, opts)
	begin := time.Now()
	err := p.run(ctx)
	p.report.Took = time.Since(begin)
	if err == nil {
		return p.report, nil
	}
	if ctx.Err() != nil {
		err = &Error{Kind: Interrupted, Msg: "interrupted; everything that was started is removed again", Err: ctx.Err()}
	}
	if e := new(Error); !errors.As(err, &e) {
		err = classify(ctx, "running containers", err)
	}
	return p.report, err
}

func newProver(eng Engine, job *Job, opts Options) *prover {
	p := &prover{eng: eng, job: job, opts: opts.Defaults(), proc: "/proc", report: &Report{Path: job.Path, Warnings: slices.Clone(job.Notes)}}
	if job.Shared {
		p.opts.Jobs = 1
	}
	p.slots = make(chan struct{}, p.opts.Jobs)
	return p
}

func (p *prover) run(ctx context.Context) (err error) {
	if p.info, err = p.eng.Info(ctx); err != nil {
		return err
	}
	p.report.Engine = p.info.Name
	learned := Learned{}
	res, err := p.rewrite(ctx, learned)
	if err != nil {
		return err
	}
	if p.job.Build.Target == "" {
		p.job.Build.Target = res.Target // where the last stage only tests the image
	}
	if err := p.original(ctx); err != nil {
		return err
	}
	p.ruled = madeBeforehand(res.Profile.Writable)
	for round := 1; ; round++ {
		p.report.Rounds, p.report.Result = round, res
		if err := p.lookAtMounts(ctx, res); err != nil {
			return err
		}
		if err := p.least(ctx, res); err != nil {
			return err
		}
		if err := p.round(ctx, round, res); err != nil {
			return err
		}
		job, err := p.wasJob(ctx)
		if err == nil && job {
			err = p.round(ctx, 1, res)
		}
		if err != nil {
			return err
		}
		p.judge(res)
		if !p.opts.Learn || round == maxRounds {
			return nil
		}
		seen, err := p.learn(ctx, round, learned)
		if err != nil {
			return err
		}
		news := learned.Merge(seen)
		if news || len(learned.Unfixable) > 0 {
			p.report.Learned = &learned // what cannot be repaired is worth a line, too
		}
		if !news {
			return nil
		}
		if res, err = p.rewrite(ctx, learned); err != nil {
			return err
		}
	}
}

// round builds the hardened image and runs both sides. The two images have
// nothing to do with each other: while the one runs, the other is built.
func (p *prover) round(ctx context.Context, round int, res *rewrite.Result) error {
	same := bytes.Equal(res.Output, p.job.Source)
	watch := func() error { return nil }
	if !same {
		var err error
		if watch, err = p.keepVigil(ctx); err != nil {
			return err
		}
	}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(watch)
	if round == 1 && same {
		if err := p.beforeLadder(ctx, res); err != nil {
			return err
		}
	} else if round == 1 {
		group.Go(func() error { return p.beforeLadder(gctx, res) })
	}
	group.Go(func() error { return p.hardened(gctx, res) })
	return group.Wait()
}

// maxRounds bounds how often what was learned is tried: writes and account,
// what the logs of the second try name, capabilities, and once more.
const maxRounds = 5

func (p *prover) rewrite(ctx context.Context, l Learned) (*rewrite.Result, error) {
	res, err := p.job.Rewrite(ctx, l)
	if err != nil {
		return nil, &Error{Kind: NotHardened, Msg: err.Error(), Err: err}
	}
	return res, nil
}

func (p *prover) tell(format string, args ...any) {
	if p.opts.Progress != nil {
		p.opts.Progress(fmt.Sprintf(format, args...))
	}
}

// build builds one Dockerfile and returns the image's tag.
func (p *prover) build(ctx context.Context, what string, dockerfile []byte) (string, time.Duration, error) {
	p.tell("building the %s image", what)
	p.serial++
	tag := fmt.Sprintf("harden-%s-%d", what, p.serial)
	if n, ok := p.eng.(namer); ok {
		tag = n.Name(what)
	}
	limited, cancel := context.WithTimeout(ctx, p.opts.Build)
	defer cancel()
	b := p.job.Build
	b.Tag, b.Dockerfile, b.Log = tag, dockerfile, p.opts.BuildLog
	begin := time.Now()
	err := p.eng.Build(limited, b)
	if limited.Err() != nil && ctx.Err() == nil {
		err = &BuildError{Msg: fmt.Sprintf("the build took longer than %v", p.opts.Build)}
	}
	return tag, time.Since(begin), err
}

// original builds the Dockerfile as it is and runs it once: what it does then is
// what the hardened image has to do.
func (p *prover) original(ctx context.Context) error {
	tag, took, err := p.build(ctx, "original", p.job.Source)
	if fault := new(BuildError); errors.As(err, &fault) {
		return &Error{Kind: BuildFailed, Msg: "the original Dockerfile does not build, so there is nothing to compare: " + fault.Msg,
			Hint: "make docker build work first; --build-arg, --secret, --ssh and --context are passed on", Log: fault.Log}
	}
	if err != nil {
		return classify(ctx, "building", err)
	}
	p.beforeTag = tag
	side := &p.report.Before
	side.Built, side.BuildTook = true, took
	if p.before, err = p.eng.Image(ctx, tag); err != nil {
		return err
	}
	side.Size, side.Layers, side.User = p.before.Size, p.before.Layers, p.before.User
	p.probe = p.checks()
	p.ports = slices.Sorted(slices.Values(p.before.Ports))
	p.tell("running the original")
	a, err := p.attempt(ctx, p.spec(tag), p.opts.Start, nil)
	if err != nil {
		return err
	}
	if err := p.setBaseline(a); err != nil {
		return err
	}
	if a.Ended {
		return p.repeat(ctx, tag)
	}
	return nil
}

// setBaseline takes what the original did as what is wanted, or says why there
// is nothing to compare.
func (p *prover) setBaseline(a *Attempt) error {
	switch {
	case p.oneShot() && !a.Ended && a.Started:
		return &Error{Kind: NothingToCompare, Msg: fmt.Sprintf("the original does not end by itself within %v, so there is no status to compare", p.opts.Start),
			Hint: "raise --start-timeout, or leave --one-shot out", Log: lastLines(a.Output.Text(), 20)}
	case a.OK && a.Ended:
		p.report.Probe = fmt.Sprintf("the command ends with exit status %d and the same output", a.Status)
	case a.OK && len(p.probe) > 0:
		p.report.Probe = join(p.probe)
		if !p.given() {
			p.wantUDP(a)
			p.report.Probe = p.report.Probe + strings.TrimPrefix(p.without(nil, a), "starts") + ", no new permission errors in its log"
		}
	case a.OK:
		p.wantPorts(a)
	case a.Ended && a.Status == 0 && len(p.probe) == 0:
		a.OK, a.Why = true, ""
		p.report.Probe = "the command ends with exit status 0 and the same output"
	case a.Hung:
		return &Error{Kind: ProbeFailed, Msg: fmt.Sprintf("the probe hangs on the original: %s (limit %v)", a.Why, p.opts.Each),
			Hint: "give it a time limit of its own, or raise --probe-timeout", Log: lastLines(a.Output.Text(), 10)}
	case !a.Ended && len(p.probe) == 0 && a.Started:
		// Some images inherit an EXPOSE that nothing of theirs uses.
		p.warn("the original %s within %v, although EXPOSE names the port; only what it does listen on is compared", "does not listen", p.opts.Start)
		a.OK, a.Why = true, ""
		p.wantPorts(a)
	default:
		return p.nothingToCompare(a)
	}
	p.baseline = a
	p.deniedBefore(a)
	p.report.Before.Process = a.Process
	p.report.Before.Rungs = []Rung{rungOf(ladder[0], a)}
	return nil
}

func (p *prover) nothingToCompare(a *Attempt) error {
	what, hint := "does not pass the probe", "make it work first; docker run shows the same"
	if a.Ended || !a.Started {
		what = "does not start"
		hint = "give it what it needs: --env, --compose, or arguments after --; if it is meant to end like that, --one-shot"
		if p.job.Composed {
			hint = strings.Join(append(slices.Clone(p.job.Notes), "docker compose run shows whether it does there, and --env adds variables"), "; ")
		}
	}
	return &Error{Kind: NothingToCompare, Msg: fmt.Sprintf("the original image itself %s, so there is nothing to compare: %s", what, a.Why),
		Hint: hint, Log: lastLines(a.Output.Text(), 20)}
}

// wantPorts takes the ports that the original listens on. Those that the kernel
// picks for a program (ip_local_port_range begins at 32768) differ each time.
func (p *prover) wantPorts(a *Attempt) {
	p.ports = slices.DeleteFunc(slices.Clone(a.Ports), func(n int) bool { return n >= ephemeral })
	p.wantUDP(a)
	p.report.Probe = p.without(p.ports, a) + ", no new permission errors in its log"
}

// wantUDP takes the UDP ports that the original has bound: those that EXPOSE
// names, and well-known ones. Others may be the sockets of its own questions.
func (p *prover) wantUDP(a *Attempt) {
	for _, n := range a.UDP {
		if n < 1024 || slices.Contains(p.before.UDP, n) {
			p.udp = append(p.udp, n)
		}
	}
	for _, n := range p.before.UDP {
		if !slices.Contains(p.udp, n) {
			p.warn("UDP port %d, which EXPOSE names, is not compared: the original has not bound it, or it cannot be seen", n)
		}
	}
}

// without says what is compared where nobody has given a probe.
func (p *prover) without(ports []int, a *Attempt) string {
	parts := []string{"starts"}
	if len(ports) > 0 {
		parts = append(parts, "listens on "+numbers(ports))
	}
	if len(p.udp) > 0 {
		parts = append(parts, "has bound UDP "+numbers(p.udp))
	}
	for _, w := range a.Web {
		parts = append(parts, fmt.Sprintf("answers GET / on port %d (%d)", w.port, w.status))
	}
	return strings.Join(append(parts, "stays up"), ", ")
}

// repeat runs a command that ended once more: its output may hold times. Two
// runs that differ are decided by a third, since a log can be cut short.
func (p *prover) repeat(ctx context.Context, tag string) error {
	first := p.baseline.Output
	var seen []Output
	for range 2 {
		a, err := p.attempt(ctx, p.spec(tag), max(p.opts.Start, p.limit()), nil)
		if err != nil {
			return err
		}
		if !a.Ended || a.Status != p.baseline.Status {
			return &Error{Kind: NothingToCompare, Msg: fmt.Sprintf("two runs of the original end differently, with exit status %d and %d, so there is nothing to compare", p.baseline.Status, a.Status), Hint: "give a probe with --probe or --exec"}
		}
		p.deniedBefore(a)
		if a.Output == first || slices.Contains(seen, a.Output) {
			p.baseline.Output = a.Output
			return nil
		}
		seen = append(seen, a.Output)
	}
	p.varies = true
	p.warn("runs of the original have different output; only the exit status is compared, and whether lines about missing permissions are new")
	p.report.Probe = fmt.Sprintf("the command ends with exit status %d, no new permission errors in its output", p.baseline.Status)
	return nil
}

// hardened builds the rewritten Dockerfile and runs it.
func (p *prover) hardened(ctx context.Context, res *rewrite.Result) error {
	tag := p.beforeTag
	side := &p.report.After
	*side = Side{Built: true}
	p.report.Same = bytes.Equal(res.Output, p.job.Source)
	if !p.report.Same {
		var err error
		tag, side.BuildTook, err = p.build(ctx, "hardened", res.Output)
		if fault := new(BuildError); errors.As(err, &fault) {
			p.report.After = Side{BuildTook: side.BuildTook, BuildMsg: fault.Msg, BuildLog: fault.Log}
			return nil
		}
		if err != nil {
			return classify(ctx, "building", err)
		}
	}
	img, err := p.eng.Image(ctx, tag)
	if err != nil {
		return err
	}
	side.tag, side.Size, side.Layers, side.User = tag, img.Size, img.Layers, img.User
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.lookInto(ctx, tag) })
	group.Go(func() error { return p.afterLadder(ctx, tag, res) })
	return group.Wait()
}

// lookInto reads what the images hold: the hardened one, and the first time the
// original. One after the other: the second has most layers of the first, which
// are in the cache then.
func (p *prover) lookInto(ctx context.Context, tag string) error {
	look := func(tag string, side *Side) (*imageinspect.Facts, error) {
		facts, err := p.job.Images.Inspect(ctx, tag, imageinspect.Platform{})
		if err != nil {
			p.warn("the image cannot be looked into: %v", err)
			return nil, ctx.Err()
		}
		side.Inspected = true
		side.SetID, side.FileCaps = facts.SetID(), facts.FileCaps()
		return facts, nil
	}
	facts, err := look(tag, &p.report.After)
	if err != nil || p.facts != nil {
		return err
	}
	if tag == p.beforeTag {
		p.facts = facts
		b, a := &p.report.Before, &p.report.After
		b.Inspected, b.SetID, b.FileCaps = a.Inspected, a.SetID, a.FileCaps
		return nil
	}
	p.facts, err = look(p.beforeTag, &p.report.Before)
	return err
}

// spec is the container as the user would run it, under limits.
func (p *prover) spec(tag string) Spec {
	s := p.job.Run
	s.Image, s.Memory, s.Pids = tag, p.opts.Memory, p.opts.Pids
	if s.Network == "" {
		s.Publish = p.before.Ports
	}
	return s
}

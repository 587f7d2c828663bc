package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An Attempt is one container that was run under the probe.
type Attempt struct {
	OK      bool
	Started bool
	Why     string // it is not
	Line    string // of the log, that shows why
	Took    time.Duration
	Ready   time.Duration // until the probe passed
	Ended   bool          // by itself
	Status  int           // exit status, when it ended
	Output  Output
	Process *Process // nil when it could not be read
	Ports   []int    // that it listened on
	UDP     []int    // ports that it has bound
	Web     []answer // to GET / on the ports it listened on
	Denied  []string // lines of the log that speak of missing permissions
	Hung    bool     // the probe did not end
}

// denied recognises what programs print upon EACCES, EPERM and EROFS
// (strerror(3) of glibc and musl, and the names that runtimes print).
var denied = regexp.MustCompile(`(?i)permission denied|operation not permitted|read-only file system|\b(EACCES|EPERM|EROFS)\b|\[?errno (13|1|30)\]|AccessDenied(Exception)?|insufficient permission|not writable|is not readable`)

// attempt runs one container until the probe passes or the time is over. Then,
// while the container still runs, it calls then.
func (p *prover) attempt(ctx context.Context, s Spec, limit time.Duration, then func(id string, a *Attempt) error) (*Attempt, error) {
	return p.attemptFor(ctx, s, limit, p.stay(), then)
}

// attemptFor is attempt with a time of its own to stay up.
func (p *prover) attemptFor(ctx context.Context, s Spec, limit, stay time.Duration, then func(id string, a *Attempt) error) (*Attempt, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p.container(ctx, s, limit, stay, then)
}

// container is attemptFor for who has a slot.
func (p *prover) container(ctx context.Context, s Spec, limit, stay time.Duration, then func(id string, a *Attempt) error) (a *Attempt, err error) {
	begin := time.Now()
	a = &Attempt{}
	id, err := p.eng.Start(ctx, s)
	if id != "" {
		defer func() {
			if rerr := p.eng.Remove(ctx, id); err == nil && ctx.Err() == nil {
				err = rerr
			}
		}()
	}
	if fault := new(StartError); errors.As(err, &fault) {
		a.Why = fault.Msg
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	a.Started = true
	if err := p.watch(ctx, id, begin, limit, stay, a); err != nil {
		return nil, err
	}
	a.Took = time.Since(begin)
	if then != nil {
		return a, then(id, a)
	}
	return a, nil
}

// watch follows one container.
func (p *prover) watch(ctx context.Context, id string, begin time.Time, limit, stay time.Duration, a *Attempt) error {
	var last error
	deadline := begin.Add(limit)
	delay := 20 * time.Millisecond
	for {
		st, err := p.eng.State(ctx, id)
		if err != nil {
			return err
		}
		if !st.Running {
			return p.ended(ctx, id, st, a)
		}
		if a.Process == nil {
			a.Process = p.process(ctx, id, st, false)
		}
		if p.oneShot() {
			last = fmt.Errorf("it does not end within %v", limit.Round(time.Second))
		} else if last = p.works(ctx, id, st); last == nil {
			a.Ready = time.Since(begin)
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return p.tooLate(ctx, id, st, a, last)
		}
		pause(ctx, delay)
		delay = min(delay*3/2, 250*time.Millisecond)
	}
	return p.stays(ctx, id, stay, a)
}

// stays sees whether the container keeps running, and takes stock of it.
func (p *prover) stays(ctx context.Context, id string, stay time.Duration, a *Attempt) error {
	var st State
	for end := time.Now().Add(stay); ; {
		var err error
		if st, err = p.eng.State(ctx, id); err != nil {
			return err
		}
		if !st.Running {
			return p.ended(ctx, id, st, a)
		}
		left := time.Until(end)
		if left <= 0 {
			break
		}
		pause(ctx, min(left, 100*time.Millisecond))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	// Who it is counts once it works: an entry point may have changed the user.
	if now := p.process(ctx, id, st, true); now != nil {
		a.Process = now
	}
	a.take(p.listening(ctx, id, st))
	// Last of all: some programs serve one request and end.
	a.Web = p.ask(ctx, st, a)
	if err := p.readLog(ctx, id, a); err != nil {
		return err
	}
	if a.Why = p.worseAnswer(a.Web); a.Why != "" {
		a.Line = tellingLine(a)
		return nil
	}
	a.OK = true
	if !p.given() {
		return p.quiet(ctx, a)
	}
	return nil
}

// quiet fails an attempt whose log speaks of permissions where the original's
// does not. A probe of the user's says what matters; a HEALTHCHECK mostly asks
// whether anything answers at all.
func (p *prover) quiet(ctx context.Context, a *Attempt) error {
	if p.newlyDenied(a) == "" {
		return nil
	}
	if err := p.vigilOver(ctx); err != nil {
		return err
	}
	if line := p.newlyDenied(a); line != "" {
		a.OK, a.Why, a.Line = false, "its log speaks of missing permissions", line
	}
	return nil
}

func (a *Attempt) take(s sockets, _ bool) { a.Ports, a.UDP = s.tcp, s.udp }

// stay is how long a container has to stay up. A probe that passed has shown
// that it works; without one, time is all there is.
func (p *prover) stay() time.Duration {
	switch {
	case p.opts.Stay > 0:
		return p.opts.Stay
	case p.short > 0:
		return p.short
	}
	if len(p.probe) > 0 {
		return 500 * time.Millisecond
	}
	if len(p.ports) > 0 {
		return time.Second
	}
	return 3 * time.Second
}

// ended judges a container that stopped by itself.
func (p *prover) ended(ctx context.Context, id string, st State, a *Attempt) error {
	a.Ended, a.Status = true, st.ExitCode
	if err := p.wholeLog(ctx, id, a); err != nil {
		return err
	}
	a.Line = tellingLine(a)
	switch {
	case st.OOMKilled:
		a.Why = fmt.Sprintf("it was killed because it used more than %d MB of memory", p.opts.Memory>>20)
	case p.oneShot():
		p.sameResult(a)
	default:
		a.Why = fmt.Sprintf("it ended with exit status %d", st.ExitCode)
	}
	if st.Error != "" {
		a.Why += ": " + oneLine(st.Error)
	}
	return nil
}

func (p *prover) oneShot() bool {
	return len(p.probe) == 0 && (p.opts.OneShot || p.baseline != nil && p.baseline.Ended)
}

// sameResult compares a command that ended with what the original made.
func (p *prover) sameResult(a *Attempt) {
	switch b := p.baseline; {
	case b == nil:
		a.OK = true
	case a.Status != b.Status:
		a.Why = fmt.Sprintf("it ended with exit status %d, the original with %d", a.Status, b.Status)
	case p.varies && p.newlyDenied(a) != "":
		a.Why, a.Line = "its output speaks of missing permissions", p.newlyDenied(a)
	case !p.varies && a.Output != b.Output:
		a.Why = "its output differs from the original's"
		if a.Line = differingLine(b.Output.Text(), a.Output.Text()); a.Line == "" {
			a.Line = tellingLine(a)
		}
	default:
		a.OK = true
	}
}

// differingLine returns the first line of b that a does not have.
func differingLine(a, b string) string {
	have := strings.Split(a, "\n")
	for line := range strings.SplitSeq(b, "\n") {
		if !slices.Contains(have, line) {
			return oneLine(line)
		}
	}
	return ""
}

func (p *prover) tooLate(ctx context.Context, id string, st State, a *Attempt, last error) error {
	a.Hung = errors.Is(last, errHangs)
	a.Why = last.Error()
	a.take(p.listening(ctx, id, st))
	if err := p.readLog(ctx, id, a); err != nil {
		return err
	}
	a.Line = tellingLine(a)
	return nil
}

// How long to wait for what a container that ended may still have to say, how
// often at most, and how often when it said nothing so far.
const (
	logPause   = 150 * time.Millisecond
	logTries   = 10
	logSilence = 4
)

// wholeLog reads the log of a container that ended. The engine copies what comes
// through a pipe and may not be done with it, above all under load: it is read
// until it does not change any more.
func (p *prover) wholeLog(ctx context.Context, id string, a *Attempt) error {
	for try := 1; ; try++ {
		before := a.Output
		if err := p.readLog(ctx, id, a); err != nil || try == logTries {
			return err
		}
		settled := try > 1 && a.Output == before
		if settled && (a.Output != Output{} || try >= logSilence) {
			return nil
		}
		pause(ctx, min(logPause, p.opts.Each/10))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (p *prover) readLog(ctx context.Context, id string, a *Attempt) error {
	out, err := p.eng.Logs(ctx, id)
	if err != nil {
		return err
	}
	a.Output, a.Denied = out, nil
	for line := range strings.Lines(out.Text()) {
		if denied.MatchString(line) && len(a.Denied) < 100 {
			a.Denied = append(a.Denied, oneLine(line))
		}
	}
	return nil
}

// tellingLine is the line of the log that most likely says what went wrong: the
// last that speaks of permissions, else the last.
func tellingLine(a *Attempt) string {
	if n := len(a.Denied); n > 0 {
		reversed := slices.Clone(a.Denied)
		slices.Reverse(reversed)
		return withPath(reversed)
	}
	return oneLine(lastLines(strings.TrimSpace(a.Output.Text()), 1))
}

// withPath is the first line that names a path, else the first: Node prints an
// error's message, which does, and then its properties one by one.
func withPath(lines []string) string {
	if i := slices.IndexFunc(lines, func(line string) bool { return len(pathsIn(line)) > 0 }); i >= 0 {
		return lines[i]
	}
	return lines[0]
}

// newlyDenied returns a line about permissions that the original did not write.
func (p *prover) newlyDenied(a *Attempt) string {
	if p.baseline == nil {
		return ""
	}
	unknown := slices.DeleteFunc(slices.Clone(a.Denied), func(line string) bool { return p.deniedTo(line) || p.leavesBehind(line) })
	if len(unknown) == 0 {
		return ""
	}
	return withPath(unknown)
}

// deniedTo reports whether the original writes such a line, too.
func (p *prover) deniedTo(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.denied[withoutDigits(line)]
}

// deniedBefore remembers the lines about permissions that the original writes.
func (p *prover) deniedBefore(a *Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.denied == nil {
		p.denied = map[string]bool{}
	}
	for _, line := range a.Denied {
		p.denied[withoutDigits(line)] = true
	}
}

var digits = regexp.MustCompile(`[0-9]+`)

// withoutDigits makes lines comparable that differ in times and numbers.
func withoutDigits(s string) string { return digits.ReplaceAllString(s, "0") }

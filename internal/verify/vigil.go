package verify

import (
	"context"
	"time"
)

// How long an image stays up is watched in one container of each side, while
// the others go on: a proof of a service takes little longer for it.
const (
	margin   = 6 * time.Second  // beyond the time it took to become ready
	jobStay  = 10 * time.Second // of what listens on nothing: it may be a job
	longStay = 30 * time.Second // at most
)

// long is how long the container without flags has to stay up. A program that
// only notices after its start what it lacks mostly does so about as late as it
// needs to start at all.
func (p *prover) long() time.Duration {
	switch {
	case p.given() || p.opts.Stay > 0 || p.baseline.Ended:
		return p.stay()
	case p.margin > 0: // tests
		return p.margin
	}
	d := min(p.baseline.Ready+margin, longStay)
	if len(p.probe) == 0 && len(p.ports)+len(p.udp) == 0 {
		d = max(d, jobStay)
	}
	return d
}

// A vigil is a second run of the original that is watched for longer than the
// first: it may write lines about permissions later, and it may be a job that
// ends by itself.
type vigil struct {
	over chan struct{}
	got  *Attempt
}

// keepVigil starts it, and returns what waits for its end. With one container
// at a time it is over at once, since nothing else can run meanwhile.
func (p *prover) keepVigil(ctx context.Context) (wait func() error, err error) {
	none := func() error { return nil }
	if p.vigil != nil || p.long() == p.stay() {
		return none, nil
	}
	p.vigil = &vigil{over: make(chan struct{})}
	v, stay := p.vigil, p.long()
	// Its slot is taken before any other: others wait for it.
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	keep := func() (err error) {
		defer close(v.over)
		defer func() { <-p.slots }()
		if v.got, err = p.container(ctx, p.spec(p.beforeTag), p.opts.Start, stay, nil); err == nil {
			p.deniedBefore(v.got)
		}
		return err
	}
	if p.opts.Jobs == 1 {
		return none, keep()
	}
	return keep, nil
}

// vigilOver waits until the vigil is over, if there is one.
func (p *prover) vigilOver(ctx context.Context) error {
	if p.vigil == nil {
		return nil
	}
	select {
	case <-p.vigil.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wasJob takes what the vigil saw: an original that ended by itself is a job,
// and what it did until then is what counts from now on. It reports whether
// what was compared so far has to be compared anew.
func (p *prover) wasJob(ctx context.Context) (bool, error) {
	if p.vigil == nil || p.vigil.got == nil || !p.vigil.got.Ended {
		return false, nil
	}
	a := p.vigil.got
	p.vigil.got = nil
	if a.Status != 0 || len(p.probe) > 0 {
		return false, p.nothingToCompare(a)
	}
	p.baseline = nil
	if err := p.setBaseline(a); err != nil {
		return false, err
	}
	return true, p.repeat(ctx, p.beforeTag)
}

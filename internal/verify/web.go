package verify

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An answer is what GET / got on a port. Where nobody has said what has to work,
// it is asked of everything that listens: a program that cannot write its data
// often starts and listens as before, and fails with the first request.
type answer struct{ port, status int } // status 0 is none

const (
	maxAsked  = 4 // ports
	askLimit  = 3 * time.Second
	askAgain  = 5 * time.Second // for a program that is not quite ready
	askPause  = 250 * time.Millisecond
	ephemeral = 32768 // ip_local_port_range begins there
)

// ask sends GET / to the original's ports, and later to those that answered. A
// status that is worse than it should be is given some time to get better.
func (p *prover) ask(ctx context.Context, st State, a *Attempt) []answer {
	if p.given() {
		return nil
	}
	want := p.toAsk(a)
	var got []answer
	for _, w := range want {
		status := p.get(ctx, st, w.port)
		for end := time.Now().Add(min(askAgain, 10*p.opts.Each)); worse(w.status, status) && (status > 0 || p.baseline != nil) && time.Now().Before(end) && ctx.Err() == nil; {
			pause(ctx, askPause)
			status = p.get(ctx, st, w.port)
		}
		if status > 0 || p.baseline != nil {
			got = append(got, answer{w.port, status})
		}
	}
	return got
}

// toAsk returns the ports to ask, with the status that is hoped for.
func (p *prover) toAsk(a *Attempt) []answer {
	if p.baseline != nil {
		return p.baseline.Web
	}
	ports := a.Ports
	if len(ports) == 0 {
		ports = p.before.Ports // what it listens on could not be read
	}
	var out []answer
	for _, n := range ports {
		if n < ephemeral && len(out) < maxAsked {
			out = append(out, answer{n, 499}) // a server error may be one of the start
		}
	}
	return out
}

// get returns the status of GET /, 0 when nothing that speaks HTTP answers.
func (p *prover) get(ctx context.Context, st State, port int) int {
	ctx, cancel := context.WithTimeout(ctx, min(askLimit, p.opts.Each))
	defer cancel()
	hosts := endpoints(st, []int{port})
	slices.Reverse(hosts) // an engine in a virtual machine is only reached at the published port
	for _, host := range hosts {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/", nil)
		if err != nil {
			continue
		}
		if res, err := webClient().Do(req); err == nil {
			res.Body.Close()
			return res.StatusCode
		}
	}
	return 0
}

// worse reports whether a status is of a class behind that of the other.
func worse(before, after int) bool { return after == 0 || after/100 > before/100 }

// worseAnswer says which answer is worse than the original's.
func (p *prover) worseAnswer(got []answer) string {
	if p.baseline == nil {
		return ""
	}
	for _, b := range p.baseline.Web {
		i := slices.IndexFunc(got, func(a answer) bool { return a.port == b.port })
		switch {
		case i < 0 || !worse(b.status, got[i].status):
		case got[i].status == 0:
			return fmt.Sprintf("GET / on port %d is not answered, the original answers %d", b.port, b.status)
		default:
			return fmt.Sprintf("GET / on port %d is answered with %d, the original answers %d", b.port, got[i].status, b.status)
		}
	}
	return ""
}

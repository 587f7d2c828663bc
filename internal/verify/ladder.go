package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/pkg/rewrite"
)

// The rungs of the ladder, each with less privilege than the one before.
const (
	Plain           = "plain"
	CapDrop         = "cap-drop"
	NoNewPrivileges = "no-new-privileges"
	ReadOnly        = "read-only"
	LowPorts        = "low-ports"
)

// NotPossible is why a rung was not tried that no mount could make work.
const NotPossible = "not possible"

type step struct{ name, title string }

var ladder = []step{
	{Plain, "starts and stays up; probe passes"},
	{CapDrop, "same under --cap-drop ALL"},
	{NoNewPrivileges, "… and --security-opt no-new-privileges"},
	{ReadOnly, "… and --read-only with mounts on the write set"},
	{LowPorts, "… and ip_unprivileged_port_start=1024"},
}

// A privilege is how much a rung leaves to the container.
type privilege struct {
	step
	flags     []string // of docker run, for people
	apply     func(*Spec)
	skip      string     // why it is not tried, "" when it is
	note      string     // what to know of it
	otherwise *privilege // another way, where this one does not work; nil for none
}

// rungs returns the rungs for an image that runs as uid:gid and needs what the
// profile says. Ports is a rung only where a port below 1024 is used.
func (p *prover) rungs(res *rewrite.Result, uid, gid int) []privilege {
	pr := res.Profile
	drop := func(s *Spec) {
		s.CapDrop = []string{"ALL"}
		for _, c := range pr.Capabilities {
			s.CapAdd = append(s.CapAdd, c.Name)
		}
	}
	flags := []string{"--cap-drop", "ALL"}
	for _, c := range pr.Capabilities {
		flags = append(flags, "--cap-add", c.Name)
	}
	nnp := func(s *Spec) { drop(s); s.NoNewPrivileges = true }
	strict := append(slices.Clone(flags), "--security-opt", "no-new-privileges")
	own := fmt.Sprintf("uid=%d,gid=%d,mode=0755", uid, gid)
	if p.info.Podman {
		own = "" // it takes owner and mode from the image (podman-run(1), tmpcopyup)
	}
	over := mountsFor(profile.Mounts(res, uid), p.holds, own)
	readOnly := func(over mounts) privilege {
		r := privilege{step: ladder[3], flags: append(slices.Clone(strict), over.flags(p.project())...), skip: over.impossible(), note: over.unmounted()}
		r.apply = func(s *Spec) {
			nnp(s)
			s.ReadOnly, s.Tmpfs = true, over.tmpfs
			s.Volumes = append(slices.Clone(s.Volumes), over.volumes...)
		}
		return r
	}
	first := readOnly(over)
	if all, more := over.everywhere(); more {
		second := readOnly(all)
		first.otherwise = &second
	}
	out := []privilege{
		{step: ladder[0], apply: func(*Spec) {}},
		{step: ladder[1], flags: flags, apply: drop},
		{step: ladder[2], flags: strict, apply: nnp},
		first,
	}
	if slices.ContainsFunc(slices.Concat(pr.LowPorts, p.ports, p.udp), func(n int) bool { return n < 1024 }) {
		out = append(out, privilege{step: ladder[4], flags: append(slices.Clone(strict), "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"), apply: func(s *Spec) {
			nnp(s)
			s.Sysctls = map[string]string{"net.ipv4.ip_unprivileged_port_start": "1024"}
		}})
	}
	return out
}

// limit is how long a rung may take: much longer than the original took when it
// ran alone, since several run at the same time.
func (p *prover) limit() time.Duration {
	least := 8 * time.Second
	if p.short > 0 {
		least = p.opts.Start
	}
	return min(max(least, 6*p.baseline.Took), max(p.opts.Start, least))
}

// beforeLadder runs the original with less and less privilege. Where it already
// fails, less privilege does not help it.
func (p *prover) beforeLadder(ctx context.Context, res *rewrite.Result) error {
	uid, gid := 0, 0
	if pr := p.report.Before.Process; pr != nil {
		uid, gid = pr.UID, pr.GID
	}
	rungs := p.rungs(res, uid, gid)[1:]
	p.tell("running the original with less privilege")
	limit := p.limit()
	first, err := p.climb(ctx, p.beforeTag, rungs[:1], limit)
	if err != nil {
		return err
	}
	p.report.Before.Rungs = append(p.report.Before.Rungs, first...)
	if !first[0].OK {
		for _, r := range rungs[1:] {
			p.report.Before.Rungs = append(p.report.Before.Rungs, Rung{Name: r.name, Title: r.title, Flags: r.flags, Skipped: "fails before that", Why: first[0].Why, Line: first[0].Line})
		}
		return nil
	}
	rest, err := p.climb(ctx, p.beforeTag, rungs[1:], limit)
	p.report.Before.Rungs = append(p.report.Before.Rungs, rest...)
	return err
}

// afterLadder runs the hardened image on every rung.
func (p *prover) afterLadder(ctx context.Context, tag string, res *rewrite.Result) error {
	p.tell("running the hardened image with less and less privilege")
	uid, gid := numericUser(res.User)
	rungs := p.rungs(res, uid, gid)
	limit := p.limit()
	side := &p.report.After
	var err error
	if p.report.Same && p.report.Rounds == 1 {
		// The same image, but the flags are those of its own user.
		side.Rungs = p.report.Before.Rungs // the same image under the same flags
		side.Process = p.report.Before.Process
		return nil
	}
	if side.Rungs, err = p.climb(ctx, tag, rungs, limit); err != nil {
		return err
	}
	if err = p.again(ctx, tag, rungs, side.Rungs, limit); err != nil {
		return err
	}
	if err = p.otherwise(ctx, tag, rungs, side.Rungs, limit); err != nil {
		return err
	}
	side.Process = side.Rungs[0].Process
	return nil
}

// otherwise tries a rung that did not work the other way that there is.
func (p *prover) otherwise(ctx context.Context, tag string, rungs []privilege, got []Rung, limit time.Duration) error {
	for i, r := range rungs {
		if r.otherwise == nil || got[i].OK || got[i].Skipped != "" || !got[0].OK {
			continue
		}
		second, err := p.climb(ctx, tag, []privilege{*r.otherwise}, limit)
		if err != nil {
			return err
		}
		if second[0].OK {
			second[0].Note = "with a volume over files of the program: a new image needs a new volume"
			got[i] = second[0]
		}
	}
	return nil
}

// again repeats what did not work, in place, before it counts: under load
// programs are slow and logs are cut short. Where even no flags do not work the
// flags change nothing.
func (p *prover) again(ctx context.Context, tag string, rungs []privilege, got []Rung, limit time.Duration) error {
	for _, part := range [][2]int{{0, 1}, {1, len(rungs)}} {
		if !got[0].OK && part[0] > 0 {
			return nil
		}
		var failed []int
		var once []privilege
		for i := part[0]; i < part[1]; i++ {
			if !got[i].OK && got[i].Skipped == "" {
				failed, once = append(failed, i), append(once, rungs[i])
			}
		}
		second, err := p.climb(ctx, tag, once, limit)
		if err != nil {
			return err
		}
		for n, i := range failed {
			if second[n].OK {
				second[n].Note = "only the second try passed; in the first, " + got[i].Why
			}
			got[i] = second[n]
		}
	}
	return nil
}

// climb runs an image on several rungs side by side.
func (p *prover) climb(ctx context.Context, tag string, rungs []privilege, limit time.Duration) ([]Rung, error) {
	out := make([]Rung, len(rungs))
	group, ctx := errgroup.WithContext(ctx)
	for i, r := range rungs {
		if r.skip != "" {
			out[i] = Rung{Name: r.name, Title: r.title, Skipped: NotPossible, Why: r.skip}
			continue
		}
		group.Go(func() error {
			s := p.spec(tag)
			r.apply(&s)
			stay := p.stay()
			if r.name == Plain {
				stay = p.long()
			}
			a, err := p.attemptFor(ctx, s, limit, stay, nil)
			if err != nil {
				return err
			}
			out[i] = rungOf(r.step, a)
			out[i].Flags = r.flags
			out[i].Note = r.note
			if line := p.newlyDenied(a); line != "" && p.given() && a.OK {
				out[i].Note = line
			}
			return nil
		})
	}
	return out, group.Wait()
}

func rungOf(s step, a *Attempt) Rung {
	return Rung{Name: s.name, Title: s.title, OK: a.OK, Why: a.Why, Line: a.Line, Took: a.Took, Process: a.Process, Hung: a.Hung, attempt: a}
}

package verify

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dockharden/harden/pkg/rewrite"
)

// least finds the fewest capabilities under which an image that stays root
// works: the rules name what a program may need, this run of it may need less.
// What a probe does without is left out; without a probe it is only said, since
// a server needs some of them for nothing but a request.
func (p *prover) least(ctx context.Context, res *rewrite.Result) error {
	p.idle = nil
	caps := res.Profile.Capabilities
	if res.Outcome != rewrite.Refused || len(caps) == 0 {
		return nil
	}
	p.tell("finding out which capabilities it does without")
	var names []string
	for _, c := range caps {
		names = append(names, c.Name)
	}
	idle, err := p.idleOf(ctx, names)
	if err != nil || len(idle) == 0 {
		return err
	}
	if !p.given() && !p.baseline.Ended {
		p.idle = idle
		return nil
	}
	res.Profile.Capabilities = slices.DeleteFunc(slices.Clone(caps), func(c rewrite.Capability) bool { return slices.Contains(idle, c.Name) })
	return nil
}

// idleOf returns those of the capabilities that the original does without, each
// alone and all together; none where one may stand in for another.
func (p *prover) idleOf(ctx context.Context, names []string) ([]string, error) {
	works := func(ctx context.Context, names []string) (bool, error) {
		s := p.spec(p.beforeTag)
		s.CapDrop, s.CapAdd = []string{"ALL"}, names
		a, err := p.attempt(ctx, s, p.limit(), nil)
		return err == nil && a.OK, err
	}
	if all, err := works(ctx, names); err != nil || !all {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	spared := make([]bool, len(names))
	for i, name := range names {
		group.Go(func() (err error) {
			spared[i], err = works(groupCtx, without(names, []string{name}))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var idle []string
	for i, name := range names {
		if spared[i] {
			idle = append(idle, name)
		}
	}
	if len(idle) > 1 {
		if ok, err := works(ctx, without(names, idle)); err != nil || !ok {
			return nil, err
		}
	}
	return idle, nil
}

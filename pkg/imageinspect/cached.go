package imageinspect

import (
	"context"
	"fmt"
	"sync"
)

// Cached returns a Source that asks src once for each image and platform, and
// remembers answers and failures. In a run over many Dockerfiles each base is
// looked up once, also when several ask at the same time. What it remembers
// lives as long as it does; OpenCache keeps layers beyond that.
func Cached(src Source) Source { return &cached{src: src, answers: map[string]answer{}} }

type cached struct {
	src    Source
	flight flight[*Facts]

	mu      sync.Mutex
	answers map[string]answer
}

type answer struct {
	facts *Facts
	err   error
}

func (c *cached) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	key := fmt.Sprintf("%t %s %s", p.IsZero(), p, ref)
	if a, ok := c.lookup(key); ok {
		return a.facts, a.err
	}
	return c.flight.do(ctx, key, func(ctx context.Context) (*Facts, error) {
		if a, ok := c.lookup(key); ok {
			return a.facts, a.err
		}
		f, err := c.src.Inspect(ctx, ref, p)
		if ctx.Err() == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.answers[key] = answer{f, err}
		}
		return f, err
	})
}

func (c *cached) lookup(key string) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[key]
	return a, ok
}

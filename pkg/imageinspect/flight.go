package imageinspect

import (
	"context"
	"sync"
)

// A flight makes callers that want the same thing at the same time wait for
// one of them to fetch it. The work goes on as long as anybody waits for it,
// whoever asked first. The zero value is ready.
type flight[T any] struct {
	mu    sync.Mutex
	calls map[string]*flightCall[T]
}

type flightCall[T any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	value   T
	err     error
}

func (f *flight[T]) do(ctx context.Context, key string, fetch func(context.Context) (T, error)) (T, error) {
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		c = f.start(ctx, key, fetch)
	}
	c.waiters++
	f.mu.Unlock()

	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.waiters--; c.waiters == 0 {
		c.cancel()
		if f.calls[key] == c {
			delete(f.calls, key)
		}
	}
	var zero T
	return zero, ctx.Err()
}

// start begins a call. f.mu is held.
func (f *flight[T]) start(ctx context.Context, key string, fetch func(context.Context) (T, error)) *flightCall[T] {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &flightCall[T]{done: make(chan struct{}), cancel: cancel}
	if f.calls == nil {
		f.calls = map[string]*flightCall[T]{}
	}
	f.calls[key] = c
	go func() {
		defer cancel()
		c.value, c.err = fetch(work)
		f.mu.Lock()
		if f.calls[key] == c {
			delete(f.calls, key)
		}
		f.mu.Unlock()
		close(c.done)
	}()
	return c
}

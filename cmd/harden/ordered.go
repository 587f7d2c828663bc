package main

import (
	"context"
	"sync"
)

// ordered does work for every item, n at a time, and hands the results to emit
// in the order of the items. Only a few results per worker are held back while
// an earlier item takes its time, however many items there are. It stops when
// the context ends or emit fails.
func ordered[T, R any](ctx context.Context, items []T, n int, work func(T) R, emit func(R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	queue := make(chan chan R, 4*n)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	workers.Go(func() {
		defer close(queue)
		slots := make(chan struct{}, n)
		for _, item := range items {
			result := make(chan R, 1)
			select {
			case queue <- result:
			case <-ctx.Done():
				return
			}
			slots <- struct{}{}
			workers.Go(func() {
				result <- work(item)
				<-slots
			})
		}
	})
	for result := range queue {
		select {
		case r := <-result:
			if err := emit(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

func numbers(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

func TestOrdered(t *testing.T) {
	for _, jobs := range []int{1, 3, 16} {
		var running, most atomic.Int32
		next := 0
		err := ordered(t.Context(), numbers(300), jobs, func(i int) int {
			n := running.Add(1)
			defer running.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
			return i
		}, func(i int) error {
			if i != next {
				t.Fatalf("jobs %d: got %d, want %d", jobs, i, next)
			}
			next++
			return nil
		})
		if err != nil || next != 300 {
			t.Errorf("jobs %d: %d results, error %v", jobs, next, err)
		}
		if int(most.Load()) > jobs {
			t.Errorf("jobs %d: %d at the same time", jobs, most.Load())
		}
	}
}

// TestOrderedHoldsLittle holds that the first item being slow does not make
// the results of all others pile up.
func TestOrderedHoldsLittle(t *testing.T) {
	var done atomic.Int32
	release := make(chan struct{})
	err := ordered(t.Context(), numbers(10_000), 2, func(i int) int {
		if i == 0 {
			<-release
		}
		if done.Add(1) == 5 {
			time.AfterFunc(20*time.Millisecond, func() {
				if n := done.Load(); n > 30 {
					t.Errorf("%d results are waiting for the first", n)
				}
				close(release)
			})
		}
		return i
	}, func(int) error { return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestOrderedStops(t *testing.T) {
	failure := errors.New("disk full")
	emitted := 0
	err := ordered(t.Context(), numbers(1000), 4, func(i int) int { return i }, func(i int) error {
		if emitted++; i == 3 {
			return failure
		}
		return nil
	})
	if !errors.Is(err, failure) || emitted != 4 {
		t.Errorf("error %v after %d results", err, emitted)
	}

	ctx, cancel := context.WithCancel(t.Context())
	err = ordered(ctx, numbers(1000), 4, func(i int) int { return i }, func(i int) error {
		if i == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the context ended", err)
	}
}

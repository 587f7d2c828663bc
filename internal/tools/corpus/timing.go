package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/dockharden/harden/pkg/rewrite"
)

// A timing is how long the tool took for a corpus, and how much memory.
type timing struct {
	Files     int     `json:"files"`
	Procs     int     `json:"procs"`
	Seconds   float64 `json:"seconds"`
	CPU       float64 `json:"cpu_seconds"` // what counts where others use the machine, too
	PerSecond float64 `json:"files_per_second"`
	PeakRSS   int64   `json:"peak_rss_bytes"` // of the process so far
}

func (t timing) String() string {
	return fmt.Sprintf("%d files in %.2f s (%.2f s of processor time) on %d processors: %.0f files/s, peak RSS %d MB", t.Files, t.Seconds, t.CPU, t.Procs, t.PerSecond, t.PeakRSS>>20)
}

// timeOnly prints how long the corpus takes, and profiles that if asked to.
func timeOnly(ctx context.Context, dir string, paths []string, profile string) error {
	if profile != "" {
		out, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(measure(ctx, dir, paths))
	return nil
}

// measure reads and rewrites every file and throws the result away, as a run
// without any of this tool's checks would.
func measure(ctx context.Context, dir string, paths []string) timing {
	start, before := time.Now(), usage()
	each(paths, func(name string) struct{} {
		defer func() { _ = recover() }() // counted by the run that examines
		src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil {
			_, _ = rewrite.Run(ctx, src, options(name, place{}))
		}
		return struct{}{}
	})
	seconds, after := time.Since(start).Seconds(), usage()
	return timing{
		Files: len(paths), Procs: runtime.GOMAXPROCS(0), Seconds: seconds, PerSecond: float64(len(paths)) / seconds,
		CPU: processor(after) - processor(before), PeakRSS: after.Maxrss << 10, // Linux counts kilobytes (getrusage(2))
	}
}

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return u
}

func processor(u syscall.Rusage) float64 {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

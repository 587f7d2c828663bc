package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkTree hardens a tree of 1,000 Dockerfiles with facts from the
// catalogue: discovery, configuration, surroundings, rules, diff and report.
func BenchmarkTree(b *testing.B) {
	const files = 1000
	dir := b.TempDir()
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	for i := range files {
		sub := filepath.Join(dir, fmt.Sprintf("%02d", i%40), fmt.Sprint(i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		src := fmt.Sprintf("FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y curl\nWORKDIR /srv\nCOPY app%d /usr/local/bin/app\nEXPOSE 80\nCMD [\"app\"]\n", i)
		if err := os.WriteFile(filepath.Join(sub, "Dockerfile"), []byte(src), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if code := run([]string{"--offline", dir}, nil, io.Discard, io.Discard); code != exitDone {
			b.Fatalf("exit status %d", code)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*files), "µs/file")
}

package rewrite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/dockerfile"
)

// benchFiles are the Dockerfiles of the fixtures, without folders that bring
// facts or a build context of their own.
func benchFiles(b *testing.B) [][]byte {
	b.Helper()
	var out [][]byte
	for _, f := range allFixtures(b) {
		src, err := os.ReadFile(filepath.Join(f.dir, "Dockerfile"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := dockerfile.Parse(src); err == nil {
			out = append(out, src)
		}
	}
	return out
}

// BenchmarkRun measures one Dockerfile from bytes to patched bytes, with facts
// from the embedded catalogue: parse, plan, apply and the safety net.
func BenchmarkRun(b *testing.B) {
	files := benchFiles(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := Run(context.Background(), files[i%len(files)], Options{}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkRunAndDiff adds the unified diff, which is what a preview costs.
func BenchmarkRunAndDiff(b *testing.B) {
	files := benchFiles(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		res, err := Run(context.Background(), files[i%len(files)], Options{})
		if err != nil {
			b.Fatal(err)
		}
		diff.Unified("a/Dockerfile", "b/Dockerfile", res.Source, res.Output)
		i++
	}
}

// BenchmarkApply measures the last step alone: edits, new bytes, proof.
func BenchmarkApply(b *testing.B) {
	src, err := os.ReadFile(filepath.Join(fixtures, "nonroot", "python-slim", "Dockerfile"))
	if err != nil {
		b.Fatal(err)
	}
	p, err := plan(context.Background(), src, Options{})
	if err != nil {
		b.Fatal(err)
	}
	p.check()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.apply(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLong measures files of which each line repeats what once took time for every
// other: the figures for 500 and 1,000 lines tell whether they still do.
func BenchmarkLong(b *testing.B) {
	for _, c := range []struct{ name, line string }{
		{"volumes", "VOLUME /srv/app/%d\n"},
		{"script-in-root", "RUN chmod +x /root/start.sh # %d\n"},
	} {
		for _, n := range []int{500, 1000} {
			var src strings.Builder
			src.WriteString("FROM debian:bookworm-slim\nCOPY start.sh /root/start.sh\n")
			for i := range n {
				fmt.Fprintf(&src, c.line, i)
			}
			src.WriteString("CMD [\"/root/start.sh\"]\n")
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := Run(context.Background(), []byte(src.String()), Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

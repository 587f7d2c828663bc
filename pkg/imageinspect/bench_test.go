package imageinspect

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// imageLikeLayer is a layer as real ones are: most files small, most bytes in
// few of them. What is in them is cut from this test's own binary, so that it
// compresses as programs do.
func imageLikeLayer(t testing.TB) []byte {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	cut := func(n int) string {
		if at+n > len(program) {
			at = 0
		}
		at += n
		return string(program[at-n : at])
	}
	var ents []ent
	for i := range 6000 {
		ents = append(ents, ent{name: fmt.Sprintf("./usr/lib/python3/dist-packages/package%d/module_%d.py", i/40, i), mode: 0o644, body: cut(400 + i*i%12000)})
	}
	for i := range 60 {
		ents = append(ents, ent{name: fmt.Sprintf("./usr/bin/program%d", i), body: cut(1 << 20)})
	}
	return layerOf(t, ents...)
}

// discard decompresses a layer with the same library and throws it away.
func discard(how string, blob []byte) error {
	in := bufio.NewReaderSize(bytes.NewReader(blob), 64<<10)
	var r io.Reader = in
	switch how {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

// BenchmarkWalk reads layers and verifies their digests, and in turn
// decompresses the same bytes and throws them away. "x-discard" is the ratio
// of the two times.
func BenchmarkWalk(b *testing.B) {
	plain := imageLikeLayer(b)
	for _, how := range []string{"gzip", "zstd"} {
		blob := compressed(b, how, plain)
		digest, size, err := v1.SHA256(bytes.NewReader(blob))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(how, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			var walk, base time.Duration
			for b.Loop() {
				start := time.Now()
				r, err := newVerifier(io.NopCloser(bytes.NewReader(blob)), digest, size)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := readLayer(context.Background(), r); err != nil {
					b.Fatal(err)
				}
				walk += time.Since(start)
				b.StopTimer()
				start = time.Now()
				if err := discard(how, blob); err != nil {
					b.Fatal(err)
				}
				base += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(float64(walk)/float64(base), "x-discard")
		})
	}
}

// BenchmarkMerge lays the records of an image with twenty layers upon each
// other.
func BenchmarkMerge(b *testing.B) {
	var records []*record
	for i := range 20 {
		var ents []ent
		for j := range 2000 {
			ents = append(ents, ent{name: fmt.Sprintf("srv/app%d/dir%d/", i%5, j), uid: i}, ent{name: fmt.Sprintf("usr/bin/p%d", i*j), mode: 0o4755})
		}
		r, err := readLayer(context.Background(), bytes.NewReader(layerOf(b, ents...)))
		if err != nil {
			b.Fatal(err)
		}
		records = append(records, r)
	}
	for b.Loop() {
		f := &Facts{Reference: "x"}
		f.fill(merge(records))
	}
}

const residentEnv = "HARDEN_TEST_RESIDENT"

// TestResidentMemory reads a layer of 2 GB, in a process of its own, within
// 64 MB of resident memory.
func TestResidentMemory(t *testing.T) {
	if how := os.Getenv(residentEnv); how != "" {
		readTwoGigabytes(t, how)
		return
	}
	if raceEnabled() {
		t.Skip("the race detector has memory of its own")
	}
	for _, how := range []string{"plain", "gzip"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestResidentMemory$", "-test.v")
		cmd.Env = append(os.Environ(), residentEnv+"="+how)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", how, err, out)
		}
		_, rest, ok := strings.Cut(string(out), "peak kB: ")
		if !ok {
			t.Skipf("no figure of resident memory on this system:\n%s", out)
		}
		number, _, _ := strings.Cut(rest, "\n")
		peak, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: peak of resident memory %d kB", how, peak)
		if peak > 64<<10 {
			t.Errorf("%s: %d kB resident, want at most 64 MB", how, peak)
		}
	}
}

func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func readTwoGigabytes(t *testing.T, how string) {
	debug.SetGCPercent(100)
	const files = 2048
	layer := &syntheticLayer{content: zeros{}, repeat: syntheticEntry{name: "srv/data/%d", mode: 0o644, size: 1 << 20}, count: files}
	var blob io.Reader = layer
	if how == "gzip" {
		// Compressed while it is read; a pipe holds nothing.
		r, w := io.Pipe()
		go func() {
			z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			_, err := io.Copy(z, layer)
			if err == nil {
				err = z.Close()
			}
			w.CloseWithError(err)
		}()
		blob = r
	}
	rec, err := readLayer(context.Background(), blob)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Size != files<<20 || rec.Entries != files {
		t.Fatalf("%d entries of %d bytes", rec.Entries, rec.Size)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Printf("peak kB: %s\n", strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
		}
	}
}

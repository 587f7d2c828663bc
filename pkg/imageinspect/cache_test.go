package imageinspect

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func dnsError() error {
	return &net.DNSError{Err: "no such host", Name: "name.invalid", IsNotFound: true}
}

func openCache(t testing.TB) *Cache {
	t.Helper()
	c, err := OpenCache(filepath.Join(t.TempDir(), "harden"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sharedBase pushes two images that share a layer and returns their names.
func sharedBase(t *testing.T, tr *testRegistry) (a, b string) {
	t.Helper()
	base := baseLayer(t)
	tr.push(t, "a:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, base, layerOf(t, ent{name: "a", mode: 0o4755})))
	tr.push(t, "b:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, base, layerOf(t, ent{name: "b", mode: 0o4755})))
	tr.misbehave(nil)
	return tr.host + "/a:1", tr.host + "/b:1"
}

func TestSharedLayerIsReadOnce(t *testing.T) {
	tr := newTestRegistry(t)
	a, b := sharedBase(t, tr)
	cache := openCache(t)
	ctx := context.Background()
	first, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{})
	if err != nil {
		t.Fatal(err)
	}
	if n := tr.count("GET blobs"); n != 3 {
		t.Errorf("first image: %d blobs read, want configuration and 2 layers", n)
	}
	if _, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, b, Platform{}); err != nil {
		t.Fatal(err)
	}
	if n := tr.count("GET blobs"); n != 5 {
		t.Errorf("second image: %d blobs read in all, want 2 more", n)
	}
	tr.misbehave(nil)
	again, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("from the cache (-first +again):\n%s", d)
	}
	if tr.count("GET blobs")+tr.count("GET manifests") != 0 || tr.count("HEAD manifests") != 1 {
		t.Errorf("again: %q, want the tag looked up and nothing else", tr.requests)
	}
	tr.misbehave(nil)
	if _, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, strings.TrimSuffix(a, ":1")+"@"+first.Digest, Platform{}); err != nil || len(tr.requests) != 0 {
		t.Errorf("by digest: %v, %q", err, tr.requests)
	}
}

func TestSameLayerInFlightIsReadOnce(t *testing.T) {
	tr := newTestRegistry(t)
	a, b := sharedBase(t, tr)
	tr.misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			time.Sleep(20 * time.Millisecond)
		}
		return false
	})
	r := newRegistry(t, Options{Cache: openCache(t)})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := r.Inspect(context.Background(), []string{a, b}[i%2], Platform{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := tr.count("GET blobs"); n != 5 {
		t.Errorf("%d blobs read, want 2 configurations and 3 layers", n)
	}
}

func TestMovedTag(t *testing.T) {
	tr := newTestRegistry(t)
	cache := openCache(t)
	ref := tr.host + "/a:1"
	for i, file := range []string{"old", "new"} {
		tr.push(t, "a:1", imageOf(t, "linux/amd64", types.OCIUncompressedLayer, layerOf(t, ent{name: file, mode: 0o4755})))
		f, err := newRegistry(t, Options{Cache: cache}).Inspect(context.Background(), ref, Platform{})
		if err != nil || fmt.Sprint(f.privileged()) != "[4755 /"+file+"]" {
			t.Errorf("push %d: %v, %v", i, f.privileged(), err)
		}
	}
}

func TestOffline(t *testing.T) {
	tr := newTestRegistry(t)
	a, _ := sharedBase(t, tr)
	cache := openCache(t)
	ctx := context.Background()
	if _, err := newRegistry(t, Options{Cache: cache, Offline: true}).Inspect(ctx, a, Platform{}); KindOf(err) != NotKnown {
		t.Errorf("never seen: %v, want NotKnown", err)
	}
	if _, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{}); err != nil {
		t.Fatal(err)
	}
	tr.misbehave(nil)
	f, err := newRegistry(t, Options{Cache: cache, Offline: true}).Inspect(ctx, a, Platform{})
	if err != nil || len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "last looked up on") || len(tr.requests) != 0 {
		t.Errorf("seen before: %+v, %v, %q", f, err, tr.requests)
	}
	tr.Close()
	f, err = newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{})
	if err != nil || len(f.Warnings) != 2 || !strings.Contains(f.Warnings[1], "these facts are from the cache") {
		t.Errorf("unreachable: %+v, %v", f, err)
	}
	if _, err := newRegistry(t, Options{}).Inspect(ctx, a, Platform{}); KindOf(err) != Unreachable {
		t.Errorf("unreachable, no cache: %v", err)
	}
}

func TestDamagedCache(t *testing.T) {
	tr := newTestRegistry(t)
	a, _ := sharedBase(t, tr)
	cache := openCache(t)
	ctx := context.Background()
	want, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{})
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(b []byte) []byte{
		"emptied": func([]byte) []byte { return nil },
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"one bit": func(b []byte) []byte { b[len(b)*3/4] ^= 1; return b },
		"other version": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "harden layer 1", "harden layer 0", 1))
		},
		"rubbish": func([]byte) []byte { return []byte("{}\n") },
	}
	for name, damage := range damages {
		files := cacheFiles(t, cache)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		tr.misbehave(nil)
		if _, err := newRegistry(t, Options{Cache: cache}).Inspect(ctx, a, Platform{}); err != nil || tr.count("GET blobs") > 0 {
			t.Errorf("%s: the entry was not written anew: %v, %q", name, err, tr.requests)
		}
	}
}

func cacheFiles(t *testing.T, c *Cache) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("files of the cache: %q, %v", files, err)
	}
	return files
}

func TestCachePermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions")
	}
	tr := newTestRegistry(t)
	a, _ := sharedBase(t, tr)
	dir := filepath.Join(t.TempDir(), "harden")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cache, err := OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRegistry(t, Options{Cache: cache}).Inspect(context.Background(), a, Platform{}); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		st, serr := d.Info()
		if serr == nil && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCacheShrinks(t *testing.T) {
	c := openCache(t)
	old := time.Now().Add(-time.Hour)
	for i := range 10 {
		c.put(cacheLayers, fmt.Sprint(i), make([]byte, 100))
		if err := os.Chtimes(c.file(cacheLayers, fmt.Sprint(i)), old, old.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if b := c.get(cacheLayers, "0"); len(b) != 100 { // now the last one used
		t.Fatalf("%d bytes", len(b))
	}
	left := filepath.Join(c.dir, cacheLayers, ".new-left")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, old.Add(-time.Hour), old.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	c.limit = 800
	c.shrink()
	var kept []string
	for _, f := range cacheFiles(t, c) {
		kept = append(kept, filepath.Base(f))
	}
	if got := strings.Join(kept, " "); got != "0 5 6 7 8 9" {
		t.Errorf("kept %s", got)
	}
	c.put(cacheLayers, "big", make([]byte, maxCacheEntry+1))
	if c.get(cacheLayers, "big") != nil {
		t.Error("an entry beyond the limit was kept")
	}
}

func TestUnwritableCache(t *testing.T) {
	tr := newTestRegistry(t)
	a, _ := sharedBase(t, tr)
	c := openCache(t)
	if err := os.RemoveAll(c.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := newRegistry(t, Options{Cache: c}).Inspect(context.Background(), a, Platform{}); err != nil {
		t.Errorf("a cache that cannot be written: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCache(filepath.Join(file, "x")); err == nil {
		t.Error("a cache below a file was opened")
	}
}

const (
	cacheDirEnv = "HARDEN_TEST_CACHE"
	cacheRefEnv = "HARDEN_TEST_REF"
)

// TestProcessesShareACache runs processes that read and write the same cache
// at a time, one of them damaging it all the while.
func TestProcessesShareACache(t *testing.T) {
	if dir := os.Getenv(cacheDirEnv); dir != "" {
		inspectRepeatedly(t, dir, os.Getenv(cacheRefEnv))
		return
	}
	tr := newTestRegistry(t)
	a, b := sharedBase(t, tr)
	cache := openCache(t)
	want := map[string]string{}
	for _, ref := range []string{a, b} {
		f, err := newRegistry(t, Options{}).Inspect(context.Background(), ref, Platform{})
		if err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		want[ref] = string(j)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		ref := []string{a, b}[i%2]
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProcessesShareACache$", "-test.v")
			cmd.Env = append(os.Environ(), cacheDirEnv+"="+cache.dir, cacheRefEnv+"="+ref)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if got, ok := strings.CutPrefix(line, "facts: "); ok && strings.TrimSpace(got) != want[ref] {
					t.Errorf("facts differ:\n%s\n%s", got, want[ref])
				}
			}
			if strings.Count(string(out), "facts: ") != rounds {
				t.Errorf("too few answers:\n%s", out)
			}
		})
	}
	wg.Wait()
}

const rounds = 15

func inspectRepeatedly(t *testing.T, dir, ref string) {
	for i := range rounds {
		cache, err := OpenCache(dir)
		if err != nil {
			t.Fatal(err)
		}
		if i%5 == 4 {
			for _, file := range cacheFiles(t, cache) {
				_ = os.Truncate(file, 100) // gone already, perhaps
			}
		}
		f, err := newRegistry(t, Options{Cache: cache}).Inspect(context.Background(), ref, Platform{})
		if err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("facts: %s\n", j)
	}
}

func TestCachedSource(t *testing.T) {
	var asked atomic.Int32
	src := sourceFunc(func(_ context.Context, ref string, _ Platform) (*Facts, error) {
		asked.Add(1)
		time.Sleep(10 * time.Millisecond)
		if ref == "missing" {
			return nil, &Error{Kind: NotFound, Ref: ref}
		}
		return UnknownImage(ref), nil
	})
	c := Cached(src)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			ref := []string{"a", "b", "missing"}[i%3]
			f, err := c.Inspect(context.Background(), ref, Platform{})
			if ref == "missing" != (err != nil) || err == nil && f.Reference != ref {
				t.Errorf("%s: %v, %v", ref, f, err)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestFlightSurvivesTheFirstCaller(t *testing.T) {
	var f flight[string]
	started, release := make(chan struct{}), make(chan struct{})
	fetch := func(ctx context.Context) (string, error) {
		close(started)
		select {
		case <-release:
			return "x", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() { _, err := f.do(ctx, "k", fetch); first <- err }()
	<-started
	second := make(chan string)
	go func() {
		v, err := f.do(context.Background(), "k", func(context.Context) (string, error) { return "second call", nil })
		if err != nil {
			v = err.Error()
		}
		second <- v
	}()
	for waiting := 0; waiting < 2; {
		f.mu.Lock()
		waiting = f.calls["k"].waiters
		f.mu.Unlock()
		runtime.Gosched()
	}
	cancel()
	if err := <-first; err != context.Canceled {
		t.Errorf("first caller: %v", err)
	}
	close(release)
	if v := <-second; v != "x" {
		t.Errorf("second caller: %q", v)
	}
}

type sourceFunc func(context.Context, string, Platform) (*Facts, error)

func (f sourceFunc) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	return f(ctx, ref, p)
}

func FuzzDecodeRecord(f *testing.F) {
	r := &record{Digest: "d", Files: hashes{1, 2}, Links: map[string]string{"/a": "b"}, Tools: []string{"/bin/sh"}, Passwd: &passwdFile{}}
	good, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := strings.Cut(string(good), "\n")
	f.Add(body)
	f.Add(`{"digest":"d","os_release":{"/x":null}}`)
	f.Add(`{"digest":"d","privileged":[{"path":"relative"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := decodeRecord([]byte(body), "d"); err == nil {
			t.Error("taken without a checksum")
		}
		r, err := decodeRecord(seal([]byte(body)), "d")
		if err != nil {
			return
		}
		facts := &Facts{Reference: "x"}
		facts.fill(merge([]*record{r, r}))
		_ = facts.Validate() // a forged record may be refused here
	})
}

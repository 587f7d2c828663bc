package main

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// maxFile is more than any Dockerfile has.
const maxFile = 1 << 20

// collect returns the slash-separated paths of the files below dir that may be
// Dockerfiles: all but those whose name says otherwise. A corpus names its
// files in every odd way, so there is no list of good names.
func collect(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || notDockerfile[strings.ToLower(path.Ext(d.Name()))]:
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxFile {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	return paths, err
}

var notDockerfile = map[string]bool{".md": true, ".dockerignore": true, ".json": true, ".yml": true, ".yaml": true, ".tsv": true, ".gz": true, ".png": true}

// sample picks n of the paths, the same ones for the same seed.
func sample(paths []string, n int, seed uint64) []string {
	if n <= 0 || n >= len(paths) {
		return paths
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	paths = paths[:n]
	slices.Sort(paths)
	return paths
}

// each calls work for every path on as many goroutines as there are processors,
// and returns the results in the order of the paths.
func each[R any](paths []string, work func(path string) R) []R {
	out := make([]R, len(paths))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				out[i] = work(paths[i])
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

// examineAll examines every file of the corpus.
func examineAll(ctx context.Context, dir string, around *checkouts, paths []string) []*record {
	return each(paths, func(name string) *record {
		src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return &record{Path: name, Error: err.Error(), Cause: "reading the file"}
		}
		return examine(ctx, name, src, around.place(name, src))
	})
}

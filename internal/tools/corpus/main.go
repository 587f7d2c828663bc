// Command corpus runs the rewriting over a directory of Dockerfiles and prints
// what became of them: how many parse, are hardened, clean or refused and why,
// whether every patch applies, parses and is idempotent, what scanners say
// before and after, and how long it took.
//
//	go run ./internal/tools/corpus [flags] DIR
//
// Facts come from the embedded catalogue only. With -context each file is measured as
// "harden ." over its repository sees it: with the Compose files and their like, and
// the Dockerfiles beside it. It is no part of the program.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

type flags struct {
	json, timeOnly bool
	list, outcome  string
	show, sample   int
	seed           uint64
	context        string
	others         int
	profile        string
}

func main() {
	var f flags
	flag.BoolVar(&f.json, "json", false, "print the table as JSON, with every file of every list")
	flag.BoolVar(&f.timeOnly, "time", false, "measure the speed and do nothing else")
	flag.StringVar(&f.list, "list", "", "print the paths of `OUTCOME[/REASON]`, where OUTCOME may also be error, internal or panic")
	flag.IntVar(&f.show, "show", 0, "print `N` random files with their reports and patches")
	flag.StringVar(&f.outcome, "outcome", "hardened", "`OUTCOME[/REASON]` that -show picks from")
	flag.IntVar(&f.sample, "sample", 0, "look at `N` random files only")
	flag.Uint64Var(&f.seed, "seed", 1, "seed of -show and -sample")
	flag.StringVar(&f.context, "context", "", "`directory` of checkouts with the same paths as DIR, whose first component is the repository, for build contexts and what lies around")
	flag.IntVar(&f.others, "others", 1000, "with -context, read at most `N` files around those of a repository that are in DIR; where it has more, which takes too long, none are known to be FROM each other")
	flag.StringVar(&f.profile, "cpuprofile", "", "with -time, write a profile to `file`")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: corpus [flags] DIR")
		flag.PrintDefaults()
		os.Exit(2)
	}
	if err := corpus(flag.Arg(0), f); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(2)
	}
}

func corpus(dir string, f flags) error {
	ctx := context.Background()
	files, err := collect(dir)
	if err != nil {
		return err
	}
	files = sample(files, f.sample, f.seed)
	if f.list != "" || f.show > 0 {
		return pick(examineAll(ctx, dir, newCheckouts(ctx, f, files), files), f)
	}
	if f.timeOnly {
		return timeOnly(ctx, dir, files, f.profile)
	}
	speed := measure(ctx, dir, files)
	records := examineAll(ctx, dir, newCheckouts(ctx, f, files), files)
	if err := tryPatches(records); err != nil {
		return err
	}
	s := summarise(records)
	s.Timing = speed
	if f.json {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	s.write(os.Stdout)
	return nil
}

// pick serves -list and -show.
func pick(records []*record, f flags) error {
	if f.list == "" {
		show(os.Stdout, matching(records, f.outcome), f.show, f.seed)
		return nil
	}
	for _, r := range matching(records, f.list) {
		fmt.Printf("%s\t%s%s\n", r.Path, r.Why, r.Error)
	}
	return nil
}

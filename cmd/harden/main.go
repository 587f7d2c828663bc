// Harden rewrites Dockerfiles so that their images run as a non-root user,
// with nothing left in them to become root again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/dockharden/harden/internal/report"
)

// Exit codes.
const (
	exitDone   = 0 // also for a preview with a diff
	exitFailed = 1 // --check found something
	exitError  = 2
)

func main() {
	// A run makes much garbage and keeps little: a larger heap, still small, saves a
	// tenth of the time (docs/benchmarks.md).
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	code := exitDone
	switch e := new(exitCode); {
	case err == nil:
	case errors.As(err, e):
		code = int(*e)
	default:
		code = exitError
		fmt.Fprintln(stderr, "harden: "+report.Printable(err.Error()))
	}
	return code
}

// An exitCode ends the program where everything there is to say has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

package main

import (
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A terminal is the two output streams and what they can show.
type terminal struct {
	out, err           io.Writer
	outTerminal        bool
	outColor, errColor bool
	progress           *progress
}

func newTerminal(cmd *cobra.Command, color string) *terminal {
	t := &terminal{outTerminal: isTerminal(cmd.OutOrStdout())}
	errTerminal := isTerminal(cmd.ErrOrStderr())
	t.outColor = colored(color, t.outTerminal)
	t.errColor = colored(color, errTerminal)
	t.progress = &progress{w: cmd.ErrOrStderr(), on: errTerminal}
	t.err = clearing{cmd.ErrOrStderr(), t.progress}
	t.out = cmd.OutOrStdout()
	if t.outTerminal {
		t.out = clearing{t.out, t.progress}
	}
	return t
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored decides about color. NO_COLOR counts when it is not empty
// (no-color.org); a flag beats it.
func colored(when string, terminal bool) bool {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// A progress is one line at the bottom of the terminal that says what takes
// the time. It is empty, and stays empty, where nobody watches.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	on    bool
	shown string
}

// show replaces the line. Errors do not matter here.
func (p *progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on && line != p.shown {
		_, _ = io.WriteString(p.w, "\r\x1b[K"+line)
		p.shown = line
	}
}

func (p *progress) clear() { p.show("") }

// A clearing writer takes the progress line away before it writes.
type clearing struct {
	io.Writer
	progress *progress
}

func (c clearing) Write(b []byte) (int, error) {
	c.progress.clear()
	return c.Writer.Write(b)
}

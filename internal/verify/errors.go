package verify

import (
	"context"
	"errors"
	"strings"
)

// A Kind is why nothing could be proven.
type Kind string

// The kinds of failures. None of them says anything about the hardened image.
const (
	EngineDown       Kind = "engine"     // the engine cannot be reached, or went away
	BuildFailed      Kind = "build"      // the original does not build
	NothingToCompare Kind = "original"   // the original itself does not work
	ProbeFailed      Kind = "probe"      // the probe cannot be run, or hangs
	DiskFull         Kind = "disk"       // no space left where the engine stores
	Interrupted      Kind = "interrupt"  // the user stopped it
	BadRequest       Kind = "usage"      // flags that do not fit together
	NotHardened      Kind = "dockerfile" // harden itself failed on the file
)

// An Error says why nothing could be proven, and what to do.
type Error struct {
	Kind Kind
	Msg  string
	Hint string
	Log  string // the end of the log that shows why, "" when there is none
	Err  error
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// classify turns an error of the engine into an Error.
func classify(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if e := new(Error); errors.As(err, &e) {
		return err
	}
	text := oneLine(err.Error())
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Kind: Interrupted, Msg: "interrupted while " + doing, Err: err}
	case noSpace(text):
		return diskFull(doing, "")
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: EngineDown, Msg: "the container engine did not answer in time while " + doing, Hint: "look at the engine's log, and run it again", Err: err}
	}
	return &Error{Kind: EngineDown, Msg: "the container engine failed while " + doing + ": " + text, Hint: "check that the engine runs, and run it again", Err: err}
}

func diskFull(doing, log string) *Error {
	return &Error{Kind: DiskFull, Msg: "no space is left where the container engine stores images, while " + doing,
		Hint: "docker system df shows what takes it", Log: log}
}

// noSpace recognises ENOSPC and EDQUOT in what an engine or a builder says.
func noSpace(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "no space left on device") || strings.Contains(text, "disk quota exceeded")
}

func oneLine(s string) string {
	const most = 400
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

package imageinspect

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Kind says why an image could not be read.
type Kind string

// The kinds of failures.
const (
	NotKnown        Kind = "not known"        // this source knows nothing of it; ask another
	NotFound        Kind = "not found"        // there is no such image
	Unauthorized    Kind = "unauthorized"     // the registry wants other credentials
	RateLimited     Kind = "rate limited"     // asked too often; see RetryAfter
	Unreachable     Kind = "unreachable"      // no answer
	PlatformMissing Kind = "platform missing" // see Platforms
	Corrupt         Kind = "corrupt"          // truncated, or not what its digest says
	TooLarge        Kind = "too large"        // beyond a bound
	Unsupported     Kind = "unsupported"      // not a container image
	Invalid         Kind = "invalid"          // the reference, or a facts file, is malformed
)

// An Error is a failure to learn the facts of an image.
type Error struct {
	Kind       Kind
	Ref        string
	RetryAfter time.Duration // of RateLimited; 0 when the registry did not say
	Platforms  []string      // of PlatformMissing: those present
	Hint       string        // what to do
	err        error         // what is wrong
}

// Error returns `reading image "x": what is wrong; what to do`.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Ref != "" {
		fmt.Fprintf(&b, "reading image %.300q: ", e.Ref)
	}
	if e.err != nil {
		b.WriteString(e.err.Error())
	} else {
		b.WriteString(string(e.Kind))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.err }

// KindOf returns the Kind of an error in whose chain there is an Error, else "".
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// failf makes an Error without a reference; withRef adds it on the way out.
func failf(kind Kind, hint, format string, args ...any) *Error {
	return &Error{Kind: kind, Hint: hint, err: fmt.Errorf(format, args...)}
}

// withRef says of which image err is.
func withRef(err error, ref string) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Ref == "" {
		c := *e
		c.Ref = ref
		return &c
	}
	return err
}

package imageinspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
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
		fmt.Fprintf(&b, "reading image %.300q: ", withoutSecrets(e.Ref))
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

// cause is what is wrong, without what to do about it.
func cause(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.err != nil {
		err = e.err
	}
	return safeText(err.Error())
}

// errTruncated is what a stream that ends too early comes out as.
var errTruncated = errors.New("it is truncated")

// isBroken reports whether reading again may help: the connection broke.
func isBroken(err error) bool {
	return errors.Is(err, errTruncated) || errors.Is(err, syscall.ECONNRESET)
}

// corrupt turns an error of reading a layer into one that says so.
func corrupt(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	const again = "pull or build the image again"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: Corrupt, Hint: again, err: fmt.Errorf("reading a layer: %w", errTruncated)}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return failf(TooLarge, "compress it with a smaller window", "reading a layer: its zstd window is larger than %d bytes", maxWindow)
	case errors.Is(err, syscall.ECONNRESET):
		return &Error{Kind: Unreachable, Hint: "try again", err: fmt.Errorf("reading a layer: %w", err)}
	}
	return &Error{Kind: Corrupt, Hint: again, err: fmt.Errorf("reading a layer: %s", safeText(err.Error()))}
}

var (
	userinfo = regexp.MustCompile(`//[^/@\s]*@`)
	query    = regexp.MustCompile(`\?[^\s"'<>]*`)
	login    = regexp.MustCompile(`^[^/@]*:[^/]*@([^/]+/|[^/:]+$)`)
)

// withoutSecrets takes what may be a password out of a reference or a text:
// the user part of URLs, and of references that somebody wrote like URLs.
func withoutSecrets(s string) string {
	s = userinfo.ReplaceAllString(s, "//…@")
	return login.ReplaceAllString(s, "…@$1")
}

// safeText makes what a server or a library says fit for an error message:
// without user parts, without queries of URLs (which carry signatures and
// tokens), on one line, and short.
func safeText(s string) string {
	s = query.ReplaceAllString(withoutSecrets(s), "")
	return plainText(strings.Join(strings.Fields(s), " "), 300)
}

package imageinspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// remoteError turns what a request to a registry failed with into an Error.
func remoteError(ctx context.Context, err error, host string) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if limited, ok := errors.AsType[*rateLimited](err); ok {
		return rateLimitError(limited)
	}
	if kerr, ok := errors.AsType[*keychainError](err); ok {
		return failf(Unauthorized, "check ~/.docker/config.json and its credential helpers", "the credentials for %s cannot be read: %s", host, safeText(kerr.err.Error()))
	}
	if terr, ok := errors.AsType[*transport.Error](err); ok {
		return statusError(terr, host)
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "does not match requested digest"), strings.Contains(text, "error verifying"), strings.Contains(text, "does not match expected size"):
		return &Error{Kind: Corrupt, Hint: "the registry, or something on the way to it, damages images", err: fmt.Errorf("what %s sent does not match its digest", host)}
	case strings.Contains(text, "response did not include"):
		return failf(Unsupported, "", "%s does not answer as a registry does: %s", host, safeText(text))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: Corrupt, Hint: "try again", err: fmt.Errorf("what %s sent ends too early: %w", host, errTruncated)}
	case errors.Is(err, syscall.ECONNRESET):
		return &Error{Kind: Unreachable, Hint: "try again", err: fmt.Errorf("%s broke the connection: %w", host, syscall.ECONNRESET)}
	}
	return connectionError(err, host)
}

func rateLimitError(limited *rateLimited) error {
	wait := max(time.Until(limited.until).Round(time.Second), time.Second)
	return &Error{
		Kind: RateLimited, RetryAfter: wait,
		Hint: fmt.Sprintf("try again in %s, or docker login for a higher limit, or use a mirror", wait),
		err:  limited,
	}
}

// statusError is what an HTTP status of a registry means.
func statusError(terr *transport.Error, host string) error {
	var said string
	if len(terr.Errors) > 0 {
		said = ": " + safeText(string(terr.Errors[0].Code)+" "+terr.Errors[0].Message)
	}
	switch code := terr.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return failf(Unauthorized, "check the name, or docker login "+host, "%s does not allow it (%d)%s", host, code, said)
	case code == http.StatusNotFound:
		return failf(NotFound, "check the name and the tag", "%s has no such image%s", host, said)
	case code >= 500:
		return failf(Unreachable, "try again later", "%s is out of order (%d %s)", host, code, http.StatusText(code))
	default:
		return failf(Unsupported, "", "%s answers %d %s%s", host, code, http.StatusText(code), said)
	}
}

// connectionError is a failure to get any answer.
func connectionError(err error, host string) error {
	// The URL is left out: its query may carry tokens.
	if uerr, ok := errors.AsType[*url.Error](err); ok {
		err = uerr.Err
	}
	hint := "check the network, or work with --offline"
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errPlainHTTP):
		return failf(Unreachable, "serve it with TLS, or give it as --registry-mirror", "%s: %v", host, errPlainHTTP)
	case isDNS:
		return failf(Unreachable, hint, "the name %s cannot be resolved: %s", host, safeText(dns.Err))
	case unknownCA, badCert:
		return failf(Unreachable, "add the certificate authority to the system's", "the certificate of %s is not trusted: %s", host, safeText(err.Error()))
	case errors.Is(err, context.DeadlineExceeded), isNet && netErr.Timeout():
		return failf(Unreachable, hint, "%s does not answer in time", host)
	}
	return failf(Unreachable, hint, "%s cannot be reached: %s", host, safeText(err.Error()))
}

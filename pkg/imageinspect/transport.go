package imageinspect

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Time limits of a request. The whole is bounded by the caller's context; these
// make sure that a registry which is not there does not use it up.
const (
	connectTimeout = 5 * time.Second
	headerTimeout  = 30 * time.Second
	// giveUpFor is how long a host that cannot be reached is not asked again.
	// A repository has many Dockerfiles, and each would wait.
	giveUpFor = 30 * time.Second
	// defaultRetryAfter is taken where a 429 does not say how long to wait.
	defaultRetryAfter = time.Minute
	maxRetryAfter     = 24 * time.Hour
)

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   2 * parallel,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ExpectContinueTimeout: time.Second,
	}
}

// A guard is the innermost transport: it keeps http to where it is allowed,
// does not hammer, and bounds what is read into memory.
type guard struct {
	inner     http.RoundTripper
	plainHTTP string // host that may be spoken to without TLS, besides loopback

	mu      sync.Mutex
	blocked map[string]block // "scheme://host" → why not to ask
}

type block struct {
	until time.Time
	err   error
}

func newGuard(inner http.RoundTripper, plainHTTP string) *guard {
	if inner == nil {
		inner = newTransport()
	}
	return &guard{inner: inner, plainHTTP: plainHTTP, blocked: map[string]block{}}
}

// A rateLimited error is a 429, with what its Retry-After says.
type rateLimited struct {
	host  string
	until time.Time
}

func (e *rateLimited) Error() string { return e.host + " limits the rate of requests" }

var errPlainHTTP = errors.New("http without TLS is for loopback addresses and the given mirror only")

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) && req.URL.Host != g.plainHTTP {
		return nil, errPlainHTTP
	}
	key := req.URL.Scheme + "://" + req.URL.Host
	if err := g.check(key); err != nil {
		return nil, err
	}
	resp, err := g.inner.RoundTrip(req)
	if err != nil {
		if isConnectError(err) && req.Context().Err() == nil {
			g.block(key, block{time.Now().Add(giveUpFor), err})
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		resp.Body.Close()
		wait := retryAfter(resp.Header.Get("Retry-After"), time.Now())
		if wait == 0 {
			wait = defaultRetryAfter
		}
		limited := &rateLimited{req.URL.Host, time.Now().Add(wait)}
		g.block(key, block{limited.until, limited})
		return nil, limited
	}
	if strings.Contains(req.URL.Path, "/manifests/") {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxManifest}
	}
	return resp, nil
}

func (g *guard) check(key string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b, ok := g.blocked[key]; ok && time.Now().Before(b.until) {
		return b.err
	}
	return nil
}

func (g *guard) block(key string, b block) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocked[key] = b
}

func isConnectError(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds, or a date.
// It is 0 when there is none to read.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var d time.Duration
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(value); err == nil {
		d = t.Sub(now).Round(time.Second)
	}
	return min(max(d, 0), maxRetryAfter)
}

// A boundedBody fails where a body is longer than it may be.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, &Error{Kind: TooLarge, err: fmt.Errorf("the manifest has more than %d bytes", maxManifest)}
	}
	return n, err
}

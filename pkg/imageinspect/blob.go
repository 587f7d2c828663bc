package imageinspect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the greatest zstd window accepted, and thereby the memory that
// decompressing takes. 8 MiB is what the zstd format asks of every decoder
// (RFC 8878, 3.1.1.1.2), and registries hold no layers beyond it.
const maxWindow = 32 << 20

// readLayer makes the record of a layer from its blob as stored: plain, gzip
// or zstd, told apart by the first bytes as container engines do. It reads the
// stream to its end, so that a reader that verifies a digest comes to do so.
func readLayer(ctx context.Context, blob io.Reader) (*record, error) {
	ahead := newReadAhead(ctxReader{ctx, blob})
	defer ahead.Close()
	in := bufio.NewReaderSize(ahead, 64<<10)
	rec, err := readPacked(ctx, in)
	if KindOf(err) == TooLarge {
		return nil, err // and nobody wants the rest
	}
	// What is wrong with the bytes matters more than what the tar reader makes
	// of them.
	if _, verr := io.Copy(io.Discard, in); verr != nil {
		err = verr
	}
	if err != nil {
		return nil, corrupt(err)
	}
	return rec, nil
}

// readPacked makes the record of a layer that may be compressed.
func readPacked(ctx context.Context, in *bufio.Reader) (*record, error) {
	plain, done, err := decompress(in)
	if err != nil {
		return nil, err
	}
	defer done()
	return readTar(ctx, plain)
}

// decompress returns the plain content of a stream.
func decompress(in *bufio.Reader) (plain io.Reader, done func(), err error) {
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case isGzip(magic):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { z.Close() }, nil
	case isZstd(magic):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}

// isCompressed reports whether a stream that starts like this is compressed.
func isCompressed(start []byte) bool { return isGzip(start) || len(start) >= 4 && isZstd(start[:4]) }

func isGzip(magic []byte) bool { return bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) }

// isZstd reports whether a stream starts with a zstd frame, or with a
// skippable one, as zstd:chunked layers may (RFC 8878, 3.1.2).
func isZstd(magic []byte) bool {
	return bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})
}

// ctxReader ends with the context's error once that is done.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// A verifier hands on a stream and, where it ends, fails unless it was what
// its digest and size say.
type verifier struct {
	io.ReadCloser
	hash hash.Hash
	want v1.Hash
	size int64 // -1: not known
	n    int64
}

func newVerifier(r io.ReadCloser, want v1.Hash, size int64) (io.ReadCloser, error) {
	h, err := v1.Hasher(want.Algorithm)
	if err != nil {
		return nil, failf(Unsupported, "", "digest %s: %v", want, err)
	}
	return &verifier{ReadCloser: r, hash: h, want: want, size: size}, nil
}

func (v *verifier) Read(b []byte) (int, error) {
	n, err := v.ReadCloser.Read(b)
	v.n += int64(n)
	v.hash.Write(b[:n])
	switch {
	case v.size >= 0 && v.n > v.size:
		return n, digestError("blob %s has more than the %d bytes that its manifest says", v.want, v.size)
	case err == io.EOF && v.size >= 0 && v.n < v.size:
		return n, digestError("blob %s is truncated: %d of %d bytes", v.want, v.n, v.size)
	case err == io.EOF:
		if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Hex {
			return n, digestError("blob does not match its digest: it is %s:%s, not %s", v.want.Algorithm, got, v.want)
		}
	}
	return n, err
}

func digestError(format string, args ...any) error {
	return &Error{Kind: Corrupt, Hint: "pull or build the image again", err: fmt.Errorf(format, args...)}
}

// readBounded reads a whole blob of up to limit bytes.
func readBounded(r io.Reader, limit int64, what string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, digestError("the %s is truncated", what)
		}
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, failf(TooLarge, "", "the %s has more than %d bytes", what, limit)
	}
	return b, nil
}

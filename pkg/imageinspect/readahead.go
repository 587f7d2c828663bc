package imageinspect

import "io"

const (
	aheadBytes  = 128 << 10
	aheadChunks = 4
)

// A readAhead reads from a stream in the background, some chunks ahead, so
// that the network and the verification of a digest do not wait for
// decompression, nor that for them.
type readAhead struct {
	full chan chunk  // read, not yet handed on
	free chan []byte // buffers to read into
	stop chan struct{}
	done chan struct{}

	buf  []byte // the buffer that rest is part of
	rest []byte
	err  error
}

type chunk struct {
	buf []byte
	n   int
	err error
}

// newReadAhead starts to read. Close must be called before r is used again.
func newReadAhead(r io.Reader) *readAhead {
	a := &readAhead{
		full: make(chan chunk, aheadChunks), free: make(chan []byte, aheadChunks),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for range aheadChunks {
		a.free <- make([]byte, aheadBytes)
	}
	go a.run(r)
	return a
}

func (a *readAhead) run(r io.Reader) {
	defer close(a.done)
	for {
		select {
		case <-a.stop:
			return
		case buf := <-a.free:
			n, err := r.Read(buf)
			a.full <- chunk{buf, n, err} // has room for every buffer there is
			if err != nil {
				return
			}
		}
	}
}

// Read implements io.Reader.
func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.buf != nil {
			a.free <- a.buf
		}
		c := <-a.full
		a.buf, a.rest, a.err = c.buf, c.buf[:c.n], c.err
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the reading and waits until nobody reads any more.
func (a *readAhead) Close() error {
	close(a.stop)
	<-a.done
	return nil
}

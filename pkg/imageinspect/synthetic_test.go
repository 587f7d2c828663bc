package imageinspect

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
)

// A syntheticLayer is a tar stream whose content is made while it is read, so
// that layers of any size can be tested without being anywhere.
type syntheticLayer struct {
	entries []syntheticEntry
	repeat  syntheticEntry // after entries: count of these, %d in the name is the number
	count   int
	content io.Reader // endless; what files hold after their body

	next int
	cur  io.Reader
	end  bool
}

type syntheticEntry struct {
	name string
	mode int64
	size int64
	body string // its start
}

func (s *syntheticLayer) Read(b []byte) (int, error) {
	for {
		if s.cur != nil {
			n, err := s.cur.Read(b)
			if err != io.EOF || n > 0 {
				return n, nil
			}
			s.cur = nil
		}
		switch {
		case s.end:
			return 0, io.EOF
		case s.next < len(s.entries):
			s.cur = s.entries[s.next].reader(s.content)
		case s.next < len(s.entries)+s.count:
			e := s.repeat
			e.name = fmt.Sprintf(e.name, s.next)
			s.cur = e.reader(s.content)
		default:
			s.cur, s.end = bytes.NewReader(make([]byte, 1024)), true
		}
		s.next++
	}
}

func (e syntheticEntry) reader(content io.Reader) io.Reader {
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: e.mode, Size: e.size, Typeflag: tar.TypeReg}); err != nil {
		panic(err)
	}
	padded := (e.size + 511) / 512 * 512
	body := min(int64(len(e.body)), e.size)
	return io.MultiReader(&head, bytes.NewReader([]byte(e.body)[:body]), io.LimitReader(content, padded-body))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

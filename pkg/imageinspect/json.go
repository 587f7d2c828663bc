package imageinspect

import (
	"encoding/json"
	"io"
)

// ReadFacts reads what "harden inspect --json" prints: one object or an array.
func ReadFacts(r io.Reader) ([]*Facts, error) {
	var f []*Facts
	err := json.NewDecoder(r).Decode(&f)
	return f, err
}

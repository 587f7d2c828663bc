package imageinspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// maxFactsFile is the size up to which a facts file is read. An image with
// every kind of fact in plenty comes to some 100 kB.
const maxFactsFile = 64 << 20

// MarshalJSON implements json.Marshaler. Empty lists are written as such: what
// is known to be empty is no null.
func (f *Facts) MarshalJSON() ([]byte, error) {
	type plain Facts
	c := plain(*f)
	c.Accounts = nonNil(c.Accounts)
	c.Groups = nonNil(c.Groups)
	c.Privileged = nonNil(c.Privileged)
	if c.Tools == nil {
		c.Tools = map[string]string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&c); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteFacts writes facts as ReadFacts reads them: one object for one image,
// else an array.
func WriteFacts(w io.Writer, facts ...*Facts) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if len(facts) == 1 {
		return enc.Encode(facts[0])
	}
	return enc.Encode(nonNil(facts))
}

// ReadFacts reads what WriteFacts and "harden inspect --json" print: one
// object or an array. It refuses unknown fields, and whatever Validate refuses.
func ReadFacts(r io.Reader) ([]*Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFactsFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading facts: %w", err)
	}
	if len(data) > maxFactsFile {
		return nil, fmt.Errorf("reading facts: more than %d bytes", maxFactsFile)
	}
	var facts []*Facts
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("[")) {
		err = decodeStrict(data, &facts)
	} else {
		facts = []*Facts{{}}
		err = decodeStrict(data, facts[0])
	}
	if err != nil {
		return nil, fmt.Errorf("reading facts: %w", err)
	}
	return facts, checkRead(facts)
}

func checkRead(facts []*Facts) error {
	seen := map[string]bool{}
	for i, f := range facts {
		switch {
		case f == nil:
			return fmt.Errorf("reading facts: entry %d is null", i+1)
		case f.Reference == "":
			return fmt.Errorf("reading facts: entry %d has no \"reference\"; it says which image the facts are of", i+1)
		case seen[NormalizeRef(f.Reference)+" "+f.Platform]:
			return fmt.Errorf("reading facts: %.100q is there twice", f.Reference)
		}
		seen[NormalizeRef(f.Reference)+" "+f.Platform] = true
		if err := f.Validate(); err != nil {
			return fmt.Errorf("reading facts: %.100q: %w", f.Reference, err)
		}
		f.Normalize()
	}
	return nil
}

// decodeStrict decodes exactly one JSON value, and says in words what is wrong.
func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err := dec.Token(); err != io.EOF {
			return fmt.Errorf("line %d: there is more after the first value", lineAt(data, dec.InputOffset()))
		}
		return nil
	}
	if err == io.EOF {
		return errors.New("it is empty")
	}
	if serr, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("line %d: %w", lineAt(data, serr.Offset), jsonProblem(err))
	}
	if terr, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("line %d: %s is %s where %s is expected", lineAt(data, terr.Offset), fieldName(terr.Field), terr.Value, wanted(terr.Type))
	}
	if _, name, ok := strings.Cut(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return fmt.Errorf("line %d: unknown field %.60q%s", lineAt(data, dec.InputOffset()), name, nearest(name, fieldNames(reflect.TypeFor[Facts]())))
	}
	return jsonProblem(err)
}

func fieldName(name string) string {
	if name == "" {
		return "the value"
	}
	return plainText(name, 100)
}

// wanted names a Go type in words of JSON.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint32:
		return "a whole number"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// lineAt returns the 1-based line of an offset.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// fieldNames returns the JSON names of all fields of a type and of the types in
// it.
func fieldNames(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Slice, reflect.Pointer:
		return fieldNames(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		names = append(names, fieldNames(t.Field(i).Type)...)
	}
	return names
}

// nearest returns "; did you mean X?" for the name that a mistyped one was most
// likely meant to be, else "".
func nearest(typed string, names []string) string {
	if len(typed) > 64 {
		return ""
	}
	best, least := "", 1+len(typed)/3
	names = slices.Sorted(slices.Values(names))
	for _, name := range names {
		if d := levenshtein.Distance(typed, name, nil); d <= least && (best == "" || d < least) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

package config

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

func (d *decoder) fail(n *yaml.Node, msg, hint string) {
	if d.err == nil {
		d.err = &Error{File: d.file, Line: n.Line, Msg: msg, Hint: hint}
	}
}

// mapping calls fn for every entry of a mapping, until the first mistake.
func (d *decoder) mapping(n *yaml.Node, fn func(key, value *yaml.Node)) {
	if n = deref(n); n.Kind != yaml.MappingNode {
		d.fail(n, "expected keys and values, found "+describe(n), "")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && d.err == nil; i += 2 {
		key := deref(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			d.fail(key, "a key must be a plain word, found "+describe(key), "")
			return
		}
		if line, dup := seen[key.Value]; dup {
			d.fail(key, fmt.Sprintf("key %q stands here a second time", key.Value), fmt.Sprintf("the first is in line %d; keep one", line))
			return
		}
		seen[key.Value] = key.Line
		fn(key, n.Content[i+1])
	}
}

func (d *decoder) sequence(n *yaml.Node) []*yaml.Node {
	if n = deref(n); n.Kind != yaml.SequenceNode {
		d.fail(n, "expected a list, found "+describe(n), "begin every entry with a dash")
		return nil
	}
	return n.Content
}

// list appends the strings of a sequence.
func (d *decoder) list(n *yaml.Node, to *[]string, check func(string) (msg, hint string)) {
	for _, item := range d.sequence(n) {
		var s string
		d.checked(item, &s, check)
		if d.err == nil && !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
}

// checked reads a string and lets check look at it.
func (d *decoder) checked(n *yaml.Node, to *string, check func(string) (msg, hint string)) {
	n = deref(n)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.fail(n, "expected a word, found "+describe(n), "")
		return
	}
	if msg, hint := check(n.Value); msg != "" {
		d.fail(n, msg, hint)
		return
	}
	*to = n.Value
}

func (d *decoder) id(n *yaml.Node, to *int) {
	n = deref(n)
	id, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
		d.fail(n, "expected a number, found "+describe(n), "")
		return
	}
	if msg, hint := CheckID(id); msg != "" {
		d.fail(n, msg, hint)
		return
	}
	*to = id
}

// boolean takes on and off beside true and false: YAML 1.2 reads them as
// words, and the documentation of rules speaks of on and off.
func (d *decoder) boolean(n *yaml.Node, to *bool) {
	n = deref(n)
	if n.Kind == yaml.ScalarNode {
		switch n.Value {
		case "on", "true":
			*to = true
			return
		case "off", "false":
			*to = false
			return
		}
	}
	d.fail(n, "expected on or off, found "+describe(n), "")
}

// deref follows an alias. An alias of an alias does not exist in YAML.
func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case isNull(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return strconv.Quote(n.Value)
}

// suggest names the candidate that is spelled most like name.
func suggest(name string, candidates []string) string {
	if best := Nearest(name, candidates); best != "" {
		return "did you mean " + best + "?"
	}
	return fmt.Sprintf("there are %s", join(candidates))
}

// Nearest returns the candidate that is spelled most like name, "" when none
// comes close.
func Nearest(name string, candidates []string) string {
	// A third of the letters may be wrong, and one always.
	best, distance := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if d := levenshtein.Distance(name, c, nil); d < distance {
			best, distance = c, d
		}
	}
	return best
}

func join(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	s := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			s += " and "
		default:
			s += ", "
		}
		s += w
	}
	return s
}

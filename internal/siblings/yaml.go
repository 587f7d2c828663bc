package siblings

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what strangers wrote. Real files stay far below.
const (
	maxSize    = 1 << 20
	maxEntries = 2000 // of a mapping or a list
	maxMerges  = 8    // of merge keys in merge keys
)

// A node is a part of a YAML document that may not be there: every method of
// the zero node says so.
type node struct{ n *yaml.Node }

func parseYAML(src []byte) (node, error) {
	if len(src) > maxSize {
		return node{}, fmt.Errorf("it has more than %d bytes", maxSize)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return node{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return node{}, nil
	}
	return at(doc.Content[0]), nil
}

// at returns the node behind aliases.
func at(n *yaml.Node) node {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return node{n}
}

func (n node) is(kind yaml.Kind) bool { return n.n != nil && n.n.Kind == kind }

func (n node) line() int {
	if n.n == nil {
		return 0
	}
	return n.n.Line
}

// An entry is a key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value node
}

// entries returns the entries of a mapping, those of merge keys (<<) last.
func (n node) entries() []entry { return n.merged(0) }

func (n node) merged(depth int) []entry {
	if !n.is(yaml.MappingNode) || depth > maxMerges {
		return nil
	}
	var own, merged []entry
	for i := 0; i+1 < len(n.n.Content) && len(own) < maxEntries; i += 2 {
		key, value := at(n.n.Content[i]), at(n.n.Content[i+1])
		if key.n.Value != "<<" {
			own = append(own, entry{key.n.Value, key.n.Line, value})
			continue
		}
		sources := []node{value}
		if value.is(yaml.SequenceNode) {
			sources = value.list()
		}
		for _, s := range sources[:min(len(sources), maxMerges)] {
			merged = append(merged, s.merged(depth+1)...)
		}
	}
	return append(own, merged[:min(len(merged), maxEntries)]...)
}

// get returns the value of a key.
func (n node) get(key string) node {
	for _, e := range n.entries() {
		if e.key == key {
			return e.value
		}
	}
	return node{}
}

// list returns the items of a list.
func (n node) list() []node {
	if !n.is(yaml.SequenceNode) {
		return nil
	}
	var items []node
	for _, item := range n.n.Content[:min(len(n.n.Content), maxEntries)] {
		items = append(items, at(item))
	}
	return items
}

// scalar returns a plain value as it is written.
func (n node) scalar() (string, bool) {
	if !n.is(yaml.ScalarNode) || n.n.Tag == "!!null" {
		return "", false
	}
	return n.n.Value, true
}

// text returns a plain value with its variables replaced. It is "" when there
// is none, or when it depends on a variable that has no default: what the
// environment of some other machine holds, nobody knows here.
func (n node) text() string {
	s, _ := n.scalar()
	s, known := interpolate(s)
	if !known {
		return ""
	}
	return s
}

func (n node) texts() []string {
	var out []string
	for _, item := range n.list() {
		if s := item.text(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (n node) bool() bool { return n.text() == "true" || n.text() == "yes" || n.text() == "on" }

// variable is Compose's interpolation: $NAME, ${NAME}, ${NAME:-default},
// ${NAME-default}, ${NAME:?error}, ${NAME:+other}, and $$ for a dollar.
var variable = regexp.MustCompile(`\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)([^{}]*))?[^{}]*\}|(.?))`)

// interpolate replaces variables by their defaults. known is false when one
// has none. Defaults that hold variables themselves are not known either.
func interpolate(s string) (out string, known bool) {
	if !strings.Contains(s, "$") {
		return s, true
	}
	known = true
	out = variable.ReplaceAllStringFunc(s, func(m string) string {
		g := variable.FindStringSubmatch(m)
		switch {
		case g[1] != "":
			return "$"
		case g[4] != "" && !strings.Contains(g[5], "$"):
			return g[5]
		}
		known = false
		return m
	})
	return out, known
}

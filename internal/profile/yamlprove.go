package profile

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// prove reads the edited text and compares it with what was asked for, node by
// node: everything that was there is there, with its tag, quoting and anchor,
// and what is new is what was to be added. A difference is a bug or a file
// written in a way nobody thought of; either way nothing is written.
func (f *yamlFile) prove(out []byte) error {
	after, err := parseYAML(out)
	if err != nil {
		return fmt.Errorf("%w (%w)", errNoPlace, err)
	}
	if len(after.docs) != len(f.docs) {
		return errNoPlace
	}
	for i, doc := range f.docs {
		if !f.same(doc, after.docs[i]) {
			return errNoPlace
		}
	}
	return nil
}

// same reports whether a node of the result is the old one with its additions.
func (f *yamlFile) same(old, now *yaml.Node) bool {
	fields, items := f.fields[old], f.items[old]
	if old.Kind == yaml.ScalarNode && len(fields) > 0 {
		return isNull(old) && (mapping(fields...)).is(now)
	}
	if old.Kind == yaml.ScalarNode && len(items) > 0 {
		if isNull(old) {
			return (list(items...)).is(now)
		}
		return now.Kind == yaml.SequenceNode && len(now.Content) == len(items)+1 && f.equal(old, now.Content[0]) && allAre(items, now.Content[1:])
	}
	if !f.equal(old, now) {
		return false
	}
	added := flatten(fields, items)
	if len(now.Content) != len(old.Content)+len(added) {
		return false
	}
	kept, fresh := now.Content[:len(old.Content)], now.Content[len(old.Content):]
	if old.Style&yaml.FlowStyle != 0 {
		kept, fresh = now.Content[len(added):], now.Content[:len(added)]
	}
	for i, c := range old.Content {
		if !f.same(c, kept[i]) {
			return false
		}
	}
	return allAre(added, fresh)
}

// equal compares two nodes without what is in them.
func (f *yamlFile) equal(old, now *yaml.Node) bool {
	return old.Kind == now.Kind && old.Style == now.Style && old.ShortTag() == now.ShortTag() &&
		old.Anchor == now.Anchor && old.Value == now.Value
}

// flatten returns fields as the nodes of a mapping have them: key, value, key …
func flatten(fields []field, items []value) []value {
	out := items
	for _, fd := range fields {
		out = append(out, text(fd.key), fd.value)
	}
	return out
}

func allAre(values []value, nodes []*yaml.Node) bool {
	if len(values) != len(nodes) {
		return false
	}
	for i, v := range values {
		if !v.is(nodes[i]) {
			return false
		}
	}
	return true
}

// is reports whether a node is the value.
func (v value) is(n *yaml.Node) bool {
	if n.Kind != v.kind || n.Anchor != "" {
		return false
	}
	switch v.kind {
	case yaml.ScalarNode:
		return n.Value == v.text && n.ShortTag() == v.tag
	case yaml.SequenceNode:
		return allAre(v.items, n.Content)
	}
	return allAre(flatten(v.fields, nil), n.Content)
}

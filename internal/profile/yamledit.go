package profile

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dockharden/harden/internal/diff"
)

// add notes a field to be added to a mapping, or to a key without a value.
func (f *yamlFile) add(m *yaml.Node, fields ...field) {
	f.change(m)
	f.fields[m] = append(f.fields[m], fields...)
}

// appendTo notes items to be added to a list, to a key without a value, or to
// a scalar that becomes the first item.
func (f *yamlFile) appendTo(list *yaml.Node, items ...value) {
	f.change(list)
	f.items[list] = append(f.items[list], items...)
}

func (f *yamlFile) change(n *yaml.Node) {
	if !slices.Contains(f.order, n) {
		f.order = append(f.order, n)
	}
}

// shared reports whether an alias refers to the node: a change of it would
// change other places, too.
func (f *yamlFile) shared(n *yaml.Node) bool { return len(f.named[n]) > 0 }

// isNull reports whether a key has no value.
func isNull(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// An edit is a change of bytes. Of several insertions at one place, the deeper
// comes first, since its collection ends first.
type edit struct {
	diff.Edit
	depth int
}

// apply makes the edits, reads the result, and proves that it differs from the
// file in what was asked for and in nothing else.
func (f *yamlFile) apply() ([]byte, error) {
	var edits []edit
	for _, n := range f.order {
		es, err := f.editsOf(n)
		if err != nil {
			return nil, err
		}
		edits = append(edits, es...)
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return b.depth - a.depth })
	plain := make([]diff.Edit, len(edits))
	for i, e := range edits {
		plain[i] = e.Edit
	}
	out, err := diff.Apply(f.src, plain)
	if err != nil {
		return nil, errNoPlace
	}
	if err := f.prove(out); err != nil {
		return nil, err
	}
	return out, nil
}

func (f *yamlFile) editsOf(n *yaml.Node) ([]edit, error) {
	fields, items := f.fields[n], f.items[n]
	switch {
	case n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0:
		return f.intoFlow(n, '{', func(json bool) []string {
			var out []string
			for _, fd := range fields {
				out = append(out, fd.flow(json))
			}
			return out
		})
	case n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle != 0:
		return f.intoFlow(n, '[', func(json bool) []string {
			var out []string
			for _, it := range items {
				if json {
					out = append(out, it.json())
				} else {
					out = append(out, it.line(true))
				}
			}
			return out
		})
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		indent := n.Content[0].Column - 1
		return f.block(n, indent, f.layout.fields(fields, indent))
	case n.Kind == yaml.SequenceNode:
		dash, err := f.dash(n)
		if err != nil {
			return nil, err
		}
		// Comments as deep as the dashes may be about the next key, where
		// lists are not indented.
		at, err := f.after(n, dash+1)
		if err != nil {
			return nil, err
		}
		return []edit{{f.insert(at, f.layout.items(items, dash)), f.at[n].depth}}, nil
	case n.Kind == yaml.ScalarNode:
		return f.fill(n, fields, items)
	}
	return nil, errNoPlace
}

func (f *yamlFile) block(n *yaml.Node, indent int, lines []string) ([]edit, error) {
	at, err := f.after(n, indent)
	if err != nil {
		return nil, err
	}
	return []edit{{f.insert(at, lines), f.at[n].depth}}, nil
}

// insert puts lines before a line, which may be the one after the last.
func (f *yamlFile) insert(at int, lines []string) diff.Edit {
	text := strings.Join(lines, f.eol)
	if at < len(f.lines) {
		return diff.Edit{Start: f.lines[at], End: f.lines[at], New: text + f.eol}
	}
	return diff.Edit{Start: len(f.src), End: len(f.src), New: f.eol + text}
}

// intoFlow inserts at the start of a flow collection: its end is not known.
func (f *yamlFile) intoFlow(n *yaml.Node, open byte, parts func(json bool) []string) ([]edit, error) {
	at, err := f.offset(n)
	if err != nil {
		return nil, err
	}
	if at, err = f.opening(at, open); err != nil {
		return nil, err
	}
	json := f.isJSON() || len(n.Content) > 0 && n.Content[0].Style&yaml.DoubleQuotedStyle != 0
	between := ", "
	if len(n.Content) > 0 && n.Content[0].Line > n.Line {
		// One entry on a line, as in JSON that was written for people.
		first := f.line(n.Content[0].Line - 1)
		between = "," + f.eol + string(first[:len(first)-len(bytes.TrimLeft(first, " \t"))])
		if at, err = f.offset(n.Content[0]); err != nil {
			return nil, err
		}
	}
	text := strings.Join(parts(json), between)
	if len(n.Content) > 0 {
		text += between
	}
	return []edit{{diff.Edit{Start: at, End: at, New: text}, f.at[n].depth}}, nil
}

// isJSON reports whether the file is JSON, as far as that matters: strings are
// in double quotes.
func (f *yamlFile) isJSON() bool {
	root := f.docs[0]
	return root.Style&yaml.FlowStyle != 0 && len(root.Content) > 0 && root.Content[0].Style&yaml.DoubleQuotedStyle != 0
}

// opening returns the offset behind the opening bracket of a node that starts
// at the offset, maybe with an anchor or a tag.
func (f *yamlFile) opening(at int, open byte) (int, error) {
	for at < len(f.src) && (f.src[at] == '&' || f.src[at] == '!') {
		for at < len(f.src) && !bytes.ContainsRune([]byte(" \t\r\n"), rune(f.src[at])) {
			at++
		}
		for at < len(f.src) && bytes.ContainsRune([]byte(" \t\r\n"), rune(f.src[at])) {
			at++
		}
	}
	if at >= len(f.src) || f.src[at] != open {
		return 0, errNoPlace
	}
	return at + 1, nil
}

// fill gives a key without a value one, and makes a list of a scalar.
func (f *yamlFile) fill(n *yaml.Node, fields []field, items []value) ([]edit, error) {
	key := f.keyOf(n)
	if key == nil || key.Line != n.Line || n.Anchor != "" || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return nil, errNoPlace
	}
	at, err := f.offset(n)
	if err != nil {
		return nil, err
	}
	indent, depth := key.Column-1, f.at[n].depth
	lines := f.layout.items(items, indent+f.layout.dash)
	if len(fields) > 0 {
		lines = f.layout.fields(fields, indent+f.layout.unit)
	}
	next, err := f.after(n, len(f.src)) // behind the line, whatever its comment
	if err != nil {
		return nil, err
	}
	if next != n.Line {
		return nil, errNoPlace // a scalar of several lines
	}
	inserted := edit{f.insert(next, lines), depth}
	if isNull(n) {
		// "~" and "null" go, with the blanks before them.
		start := len(bytes.TrimRight(f.src[:at], " "))
		if n.Value == "" {
			return []edit{inserted}, nil
		}
		return []edit{{diff.Edit{Start: start, End: at + len(n.Value)}, depth}, inserted}, nil
	}
	start := len(bytes.TrimRight(f.src[:at], " \t"))
	first := f.eol + strings.Repeat(" ", indent+f.layout.dash) + "- "
	return []edit{{diff.Edit{Start: start, End: at, New: first}, depth}, inserted}, nil
}

// keyOf returns the key that a node is the value of, in a block mapping.
func (f *yamlFile) keyOf(n *yaml.Node) *yaml.Node {
	i := f.at[n].first
	if i == 0 {
		return nil
	}
	key := f.nodes[i-1]
	for j := i - 1; j >= 0; j-- {
		m := f.nodes[j]
		if m.Kind != yaml.MappingNode || f.at[m].depth != f.at[n].depth-1 {
			continue
		}
		if _, v := pair(m, key.Value); v != n || m.Style&yaml.FlowStyle != 0 {
			return nil
		}
		return key
	}
	return nil
}

package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds on what strangers wrote. Real files stay far below.
const (
	maxYAML   = 4 << 20
	maxDocs   = 2000
	maxMerges = 200 // to be followed for one key
)

// A yamlFile is a stream of YAML documents as bytes and as nodes, to be edited
// without writing anything anew that the edit is not about.
//
// Nodes of yaml/v3 know where they start, as a line and a column that counts
// characters, and not where they end. A block collection ends before the line
// on which the next node in the order of the text starts, or its document
// ends; flow collections are edited at their start.
type yamlFile struct {
	src   []byte
	lines []int // offset of each line; a last one that is empty counts
	eol   string
	layout
	docs  []*yaml.Node // roots
	nodes []*yaml.Node // all of them, in the order of the text
	at    map[*yaml.Node]span
	named map[*yaml.Node][]*yaml.Node // aliases of a node

	fields map[*yaml.Node][]field // to be added to mappings and empty values
	items  map[*yaml.Node][]value // to be added to lists, or to a scalar that becomes one
	order  []*yaml.Node           // of the nodes to be changed, as they came
}

// A span is the part of yamlFile.nodes that a node and what is in it take.
type span struct{ first, last, depth int }

func parseYAML(src []byte) (*yamlFile, error) {
	if len(src) > maxYAML {
		return nil, fmt.Errorf("it has more than %d MiB", maxYAML>>20)
	}
	f := &yamlFile{src: src, at: map[*yaml.Node]span{}, named: map[*yaml.Node][]*yaml.Node{}, fields: map[*yaml.Node][]field{}, items: map[*yaml.Node][]value{}}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badYAML(src, err)
		}
		if len(f.docs) == maxDocs {
			return nil, fmt.Errorf("it has more than %d documents", maxDocs)
		}
		if len(doc.Content) > 0 {
			f.docs = append(f.docs, doc.Content[0])
			f.index(doc.Content[0], 0)
		}
	}
	f.splitLines()
	f.eol = "\n"
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		f.eol = "\r\n"
	}
	f.layout = f.measure()
	return f, nil
}

// badYAML explains an error of the parser. Templates are the usual cause.
func badYAML(src []byte, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if bytes.Contains(src, []byte("{{")) {
		return fmt.Errorf("it is a template, not YAML (%s); render it first, or take the settings from harden runtime by hand", msg)
	}
	return errors.New(msg)
}

func (f *yamlFile) index(n *yaml.Node, depth int) {
	first := len(f.nodes)
	f.nodes = append(f.nodes, n)
	if n.Kind == yaml.AliasNode {
		f.named[n.Alias] = append(f.named[n.Alias], n)
	}
	for _, c := range n.Content {
		f.index(c, depth+1)
	}
	f.at[n] = span{first, len(f.nodes) - 1, depth}
}

// splitLines finds the lines as YAML 1.1 does, which knows more line ends than
// LF and CR LF (section 4.2 of its specification).
func (f *yamlFile) splitLines() {
	f.lines = []int{0}
	if bytes.HasPrefix(f.src, []byte("\ufeff")) {
		f.lines[0] = len("\ufeff") // columns do not count it
	}
	for i := 0; i < len(f.src); {
		n := lineEnd(f.src[i:])
		if n > 0 {
			i += n
			f.lines = append(f.lines, i)
			continue
		}
		_, size := utf8.DecodeRune(f.src[i:])
		i += size
	}
}

func lineEnd(s []byte) int {
	for _, end := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if bytes.HasPrefix(s, []byte(end)) {
			return len(end)
		}
	}
	return 0
}

// line returns the text of a line, which counts from 0, with its end.
func (f *yamlFile) line(i int) []byte {
	if i+1 < len(f.lines) {
		return f.src[f.lines[i]:f.lines[i+1]]
	}
	return f.src[f.lines[i]:]
}

// offset returns where a node starts.
func (f *yamlFile) offset(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(f.lines) {
		return 0, errNoPlace
	}
	at := f.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(f.src) {
			return 0, errNoPlace
		}
		_, size := utf8.DecodeRune(f.src[at:])
		at += size
	}
	return at, nil
}

// errNoPlace means that the text is written in a way that the editor does not
// see through. Nothing is changed then.
var errNoPlace = errors.New("it is written in a way that cannot be edited safely")

// measure returns how the file is indented, by its first example of each.
func (f *yamlFile) measure() layout {
	l := layout{unit: 0, dash: -1}
	for _, n := range f.nodes {
		if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 {
			continue
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, v := n.Content[i], n.Content[i+1]
			if v.Style&yaml.FlowStyle != 0 || len(v.Content) == 0 || v.Content[0].Line == key.Line {
				continue
			}
			switch in := v.Content[0].Column - key.Column; {
			case v.Kind == yaml.MappingNode && l.unit == 0 && in > 0 && in <= 8:
				l.unit = in
			case v.Kind == yaml.SequenceNode && l.dash < 0:
				if dash, err := f.dash(v); err == nil && dash >= key.Column-1 && dash <= key.Column+7 {
					l.dash = dash - (key.Column - 1)
				}
			}
		}
	}
	if l.unit == 0 {
		l.unit = 2
	}
	if l.dash < 0 {
		l.dash = l.unit
	}
	return l
}

// dash returns the column, from 0, of the dashes of a block list.
func (f *yamlFile) dash(list *yaml.Node) (int, error) {
	if len(list.Content) == 0 {
		return 0, errNoPlace
	}
	at, err := f.offset(list.Content[0])
	if err != nil {
		return 0, err
	}
	before := bytes.TrimRight(f.src[:at], " \t\r\n")
	if !bytes.HasSuffix(before, []byte("-")) {
		return 0, errNoPlace
	}
	start := bytes.LastIndexAny(before, "\r\n") + 1
	return utf8.RuneCount(before[start:]) - 1, nil
}

// after returns the line before which text is inserted to stand at the end of
// a block collection: behind what is in it and the comments at least as deep
// as it, before blank lines and comments that belong to what follows.
func (f *yamlFile) after(n *yaml.Node, indent int) (int, error) {
	s := f.at[n]
	last := f.nodes[s.last]
	end := f.end(s, last)
	if end < last.Line {
		return 0, errNoPlace // the next node starts on the same line
	}
	// Blank lines at the end of a text belong to it where it says so ("|+").
	keeps := last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && strings.Trim(last.Value, "\n") != strings.TrimSuffix(last.Value, "\n")
	for end > last.Line {
		line := bytes.TrimRight(f.line(end-1), " \t\r\n")
		text := bytes.TrimLeft(line, " \t")
		if len(text) == 0 && keeps || len(text) > 0 && (text[0] != '#' || len(line)-len(text) >= indent) {
			break
		}
		end--
	}
	return end, nil
}

// end returns the first line that no longer belongs to a span: that of the
// next node, or of the end of the document.
func (f *yamlFile) end(s span, last *yaml.Node) int {
	limit := len(f.lines)
	if len(f.line(limit-1)) == 0 && limit > 1 {
		limit-- // what follows the last line end is no line
	}
	if s.last+1 < len(f.nodes) {
		limit = min(limit, f.nodes[s.last+1].Line-1)
	}
	for i := last.Line; i < limit; i++ {
		if l := f.line(i); isMarker(l, "---") || isMarker(l, "...") {
			return i
		}
	}
	return limit
}

// isMarker reports whether a line begins or ends a document.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || lineEnd(rest) > 0)
}

// lookup returns the value of a key of a mapping itself.
func lookup(m *yaml.Node, key string) *yaml.Node {
	_, v := pair(m, key)
	return v
}

func pair(m *yaml.Node, key string) (k, v *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Kind == yaml.ScalarNode && m.Content[i].Value == key {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// inherited returns the value of a key of a mapping, its own or that of a
// merge key (<<), and behind aliases.
func inherited(m *yaml.Node, key string) *yaml.Node {
	left := maxMerges
	return inheritedFrom(m, key, &left)
}

func inheritedFrom(m *yaml.Node, key string, left *int) *yaml.Node {
	m = target(m)
	if v := lookup(m, key); v != nil {
		return target(v)
	}
	sources := target(lookup(m, "<<"))
	if sources == nil {
		return nil
	}
	from := []*yaml.Node{sources}
	if sources.Kind == yaml.SequenceNode {
		from = sources.Content
	}
	for _, s := range from {
		if *left--; *left < 0 {
			return nil // merges that go round in a circle, or a bomb of them
		}
		if v := inheritedFrom(s, key, left); v != nil {
			return v
		}
	}
	return nil
}

// target returns the node behind an alias.
func target(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// str returns the text of a scalar, "" for anything else.
func str(n *yaml.Node) string {
	if n = target(n); n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// strs returns the texts of a list, or of a scalar that stands for a list of one.
func strs(n *yaml.Node) []string {
	n = target(n)
	if s := str(n); s != "" {
		return []string{s}
	}
	var out []string
	for _, it := range elements(n) {
		if s := str(it); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// elements returns the items of a list, behind aliases.
func elements(n *yaml.Node) []*yaml.Node {
	n = target(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = target(c)
	}
	return out
}

package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Merge returns a configuration file with settings for one Dockerfile added,
// under files:, each with a comment that says how it was found. rel is the
// Dockerfile relative to the file, slash-separated; src may be empty. What the
// file says already stays, comments included. how is keyed by path, by name of
// a capability, and by name of the account.
func Merge(src []byte, rel string, s Settings, how map[string]string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, syntaxError(FileName, err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 || isNull(doc.Content[0]) {
		// Nothing but comments, which the parser does not hand out.
		return appendLearned(src, rel, s, how)
	}
	m := merger{how: how}
	m.entry(m.child(doc.Content[0], "files", yaml.SequenceNode), rel, s)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, fmt.Errorf("writing %s: %w", FileName, err)
	}
	return b.Bytes(), enc.Close()
}

// appendLearned writes the first entry of a file behind its comments.
func appendLearned(src []byte, rel string, s Settings, how map[string]string) ([]byte, error) {
	entry, err := Merge([]byte("files: []\n"), rel, s, how)
	if err != nil || len(bytes.TrimSpace(src)) == 0 {
		return entry, err
	}
	return append(append(bytes.TrimRight(src, "\n"), "\n\n"...), entry...), nil
}

const learnedComment = "# Found by harden verify --learn, in containers of the image."

type merger struct{ how map[string]string }

// entry fills the entry of files that is for this Dockerfile alone.
func (m merger) entry(files *yaml.Node, rel string, s Settings) {
	files.Style = 0
	pattern := "/" + escapePattern(rel)
	var entry *yaml.Node
	for _, e := range files.Content {
		if match := lookup(deref(e), "match"); match != nil && (match.Value == pattern || len(match.Content) == 1 && match.Content[0].Value == pattern) {
			entry = deref(e)
		}
	}
	if entry == nil {
		entry = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		key := scalar("match")
		key.HeadComment = learnedComment
		entry.Content = []*yaml.Node{key, scalar(pattern)}
		files.Content = append(files.Content, entry)
	}
	m.list(entry, "writable", s.Writable)
	m.list(entry, "writable_trees", s.WritableTrees)
	m.list(entry, "writable_files", s.WritableFiles)
	if r := s.RunAs; r != nil {
		node := m.child(entry, "run_as", yaml.MappingNode)
		node.Content = nil
		for _, kv := range [][2]string{{"name", r.Name}, {"uid", strconv.Itoa(r.UID)}, {"gid", strconv.Itoa(r.GID)}, {"groups", strconv.FormatBool(r.Groups)}} {
			if kv == [2]string{"groups", "false"} {
				continue
			}
			value := scalar(kv[1])
			if kv[0] == "name" {
				value.LineComment = m.comment(r.Name)
			}
			node.Content = append(node.Content, scalar(kv[0]), value)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(s.Privileged)) {
		o := s.Privileged[file]
		m.set(m.child(entry, "privileged", yaml.MappingNode), file, fmt.Sprintf("%d:%d", o.UID, o.GID), m.comment(file))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Capabilities)) {
		m.set(m.child(entry, "capabilities", yaml.MappingNode), name, s.Capabilities[name], "")
	}
}

func (m merger) list(entry *yaml.Node, key string, values []string) {
	if len(values) == 0 {
		return
	}
	node := m.child(entry, key, yaml.SequenceNode)
	node.Style = 0
	for _, v := range values {
		if slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return deref(n).Value == v }) {
			continue
		}
		item := scalar(v)
		item.LineComment = m.comment(v)
		node.Content = append(node.Content, item)
	}
}

func (m merger) set(mapping *yaml.Node, key, value, comment string) {
	mapping.Style = 0
	if lookup(mapping, key) != nil {
		return
	}
	v := scalar(value)
	v.Style = yaml.DoubleQuotedStyle
	v.LineComment = comment
	mapping.Content = append(mapping.Content, scalar(key), v)
}

// child returns the value of a key, which is made when it is missing.
func (m merger) child(mapping *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	if n := lookup(mapping, key); n != nil {
		if isNull(n) {
			*n = yaml.Node{Kind: kind}
		}
		return n
	}
	n := &yaml.Node{Kind: kind}
	mapping.Content = append(mapping.Content, scalar(key), n)
	return n
}

func (m merger) comment(key string) string {
	text := strings.Join(strings.FieldsFunc(m.how[key], func(r rune) bool { return r < ' ' || r == 0x7f || r > 0x7e }), " ")
	if text == "" {
		return ""
	}
	const most = 120
	if len(text) > most {
		text = text[:most] + "..."
	}
	return "# " + text
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return deref(mapping.Content[i+1])
		}
	}
	return nil
}

func scalar(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

// escapePattern makes a path a pattern of .gitignore that matches only itself.
func escapePattern(rel string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, ` `, `\ `).Replace(rel)
}

package profile

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A value is a piece of YAML to be written: a scalar, a list or a mapping.
type value struct {
	kind    yaml.Kind
	tag     string // of a scalar
	text    string // of a scalar, not quoted yet
	items   []value
	fields  []field
	flow    bool   // on one line
	comment string // at the end of the line, or of the first line of a mapping in a list
}

// A field is a key of a mapping with its value.
type field struct {
	key   string
	value value
	above []string // comment lines above it
}

func text(s string) value { return value{kind: yaml.ScalarNode, tag: "!!str", text: s} }

// plain is a number or a boolean, which is written without quotes.
func plain(tag, s string) value { return value{kind: yaml.ScalarNode, tag: tag, text: s} }

func boolean(b bool) value {
	if b {
		return plain("!!bool", "true")
	}
	return plain("!!bool", "false")
}

func list(items ...value) value       { return value{kind: yaml.SequenceNode, items: items} }
func flow(items ...value) value       { return value{kind: yaml.SequenceNode, items: items, flow: true} }
func mapping(fields ...field) value   { return value{kind: yaml.MappingNode, fields: fields} }
func entry(key string, v value) field { return field{key: key, value: v} }

// empty is a mapping without entries.
func empty() value { return value{kind: yaml.MappingNode, flow: true} }

func (v value) because(comment string) value {
	v.comment = oneLine(comment)
	return v
}

func (f field) explained(lines ...string) field {
	for _, l := range lines {
		f.above = append(f.above, oneLine(l))
	}
	return f
}

// A layout is how a file is indented.
type layout struct {
	unit int // blanks per level
	dash int // blanks before the dash of a list, relative to its key
}

var usual = layout{unit: 2, dash: 2}

// render writes a whole document.
func render(v value) string {
	return strings.Join(usual.fields(v.fields, 0), "\n") + "\n"
}

// fields writes the entries of a mapping as lines without line ends.
func (l layout) fields(fields []field, indent int) []string {
	pad := strings.Repeat(" ", indent)
	var lines []string
	for _, f := range fields {
		for _, c := range f.above {
			lines = append(lines, strings.TrimRight(pad+"# "+c, " "))
		}
		head := pad + scalar(f.key, "!!str", false) + ":"
		switch {
		case f.value.inline():
			lines = append(lines, head+" "+f.value.line(false)+f.value.note())
		case f.value.kind == yaml.SequenceNode:
			lines = append(append(lines, head+f.value.note()), l.items(f.value.items, indent+l.dash)...)
		default:
			lines = append(append(lines, head+f.value.note()), l.fields(f.value.fields, indent+l.unit)...)
		}
	}
	return lines
}

// items writes the items of a list. Those that are mappings start on the line
// of the dash.
func (l layout) items(items []value, indent int) []string {
	pad := strings.Repeat(" ", indent)
	var lines []string
	for _, it := range items {
		if it.inline() {
			lines = append(lines, pad+"- "+it.line(false)+it.note())
			continue
		}
		inner := l.fields(it.fields, indent+2)
		inner[0] = pad + "- " + strings.TrimLeft(inner[0], " ") + it.note()
		lines = append(lines, inner...)
	}
	return lines
}

func (v value) note() string {
	if v.comment == "" {
		return ""
	}
	return " # " + v.comment
}

// inline reports whether the value stands on the line of its key.
func (v value) inline() bool {
	return v.kind == yaml.ScalarNode || v.flow || len(v.items)+len(v.fields) == 0
}

// line writes the value on one line; inside flow collections, where commas
// and brackets end a plain scalar, more of it is quoted.
func (v value) line(inFlow bool) string {
	var parts []string
	switch v.kind {
	case yaml.ScalarNode:
		return scalar(v.text, v.tag, inFlow)
	case yaml.SequenceNode:
		for _, it := range v.items {
			parts = append(parts, it.line(true))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for _, f := range v.fields {
		parts = append(parts, f.flow(false))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// flow writes a field for a flow mapping; as JSON, every string is quoted.
func (f field) flow(json bool) string {
	if json {
		return quoted(f.key) + ": " + f.value.json()
	}
	return scalar(f.key, "!!str", true) + ": " + f.value.line(true)
}

func (v value) json() string {
	var parts []string
	switch v.kind {
	case yaml.ScalarNode:
		if v.tag == "!!str" {
			return quoted(v.text)
		}
		return v.text
	case yaml.SequenceNode:
		for _, it := range v.items {
			parts = append(parts, it.json())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for _, f := range v.fields {
		parts = append(parts, f.flow(true))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// plainText matches strings that mean the same without quotes, in block and in
// flow style. A colon is fine inside of a word, unless it makes a number in
// base 60 of it, as in 10001:10001 (YAML 1.1, sexagesimal integers).
var (
	plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/_.=:,+-]*$`)
	plainFlow = regexp.MustCompile(`^[A-Za-z/-][A-Za-z0-9/_.=-]*$`)
	reserved  = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf)$`)
)

func scalar(s, tag string, inFlow bool) string {
	pattern := plainText
	if inFlow {
		pattern = plainFlow
	}
	if tag != "!!str" || pattern.MatchString(s) && !reserved.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	return quoted(s)
}

// quoted writes a string in double quotes, with escapes that JSON and YAML
// both know.
func quoted(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == utf8.RuneError:
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte(hex[r>>shift&0xf])
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

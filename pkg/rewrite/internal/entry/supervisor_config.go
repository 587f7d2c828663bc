package entry

import (
	"fmt"
	"regexp"
	"strings"
)

// A supervisorLine is one setting of a supervisord configuration.
type supervisorLine struct {
	section, key, value string
	file                string
	line                int
}

// String says where the setting stands: file:line, or that it is a default.
func (l supervisorLine) String() string {
	if l.file == "" {
		return "the default " + l.key
	}
	return fmt.Sprintf("%s:%d", l.file, l.line)
}

// parseSupervisor reads a configuration as Python's configparser does with
// supervisord's settings: "=" or ":" between key and value, ";" and "#" at the
// start of a line and " ;" inside one for comments, and indented lines that go
// on with the value above.
func parseSupervisor(file, text string) []supervisorLine {
	var out []supervisorLine
	section := ""
	n := 0
	for raw := range strings.Lines(text) {
		n++
		line := strings.TrimRight(raw, " \t\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == ';' || trimmed[0] == '#':
		case trimmed[0] == '[' && strings.HasSuffix(withoutComment(trimmed), "]"):
			section = strings.Trim(withoutComment(trimmed), "[] ")
			out = append(out, supervisorLine{section: section, file: file, line: n})
		case line[0] == ' ' || line[0] == '\t':
			if len(out) > 0 && out[len(out)-1].key != "" {
				out[len(out)-1].value += "\n" + withoutComment(trimmed)
			}
		default:
			i := strings.IndexAny(trimmed, "=:")
			if i < 0 {
				continue
			}
			out = append(out, supervisorLine{section, strings.ToLower(strings.TrimSpace(trimmed[:i])), withoutComment(strings.TrimSpace(trimmed[i+1:])), file, n})
		}
	}
	return out
}

func withoutComment(s string) string {
	if i := strings.Index(s, " ;"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// setting returns the last value of a key in a section.
func setting(lines []supervisorLine, section, key string) (supervisorLine, bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].section == section && lines[i].key == key {
			return lines[i], true
		}
	}
	return supervisorLine{}, false
}

// supervised returns the name of the program that a section is about:
// [program:x], [fcgi-program:x], [eventlistener:x].
func supervised(section string) (name string, ok bool) {
	kind, name, ok := strings.Cut(section, ":")
	return name, ok && (kind == "program" || kind == "fcgi-program" || kind == "eventlistener")
}

var supervisorExpansion = regexp.MustCompile(`%\(([A-Za-z0-9_]+)\)[0-9]*[sd]|%%`)

// expandSupervisor puts values for %(ENV_NAME)s and its like. ok is false where
// one is not known.
func (r *Reader) expandSupervisor(l supervisorLine, value string) (string, bool) {
	ok := true
	value = supervisorExpansion.ReplaceAllStringFunc(value, func(m string) string {
		name := strings.TrimPrefix(supervisorExpansion.FindStringSubmatch(m)[1], "ENV_")
		switch {
		case m == "%%":
			return "%"
		case strings.HasPrefix(m, "%(ENV_"):
			v, missing, err := r.End.Env.Expand("${" + name + "}")
			ok = ok && err == nil && len(missing) == 0
			return v
		case name == "program_name":
			program, _ := supervised(l.section)
			return program
		case name == "process_num", name == "numprocs":
			return "0"
		}
		ok = false
		return ""
	})
	return value, ok && !strings.Contains(value, "%(")
}

// splitCommand splits a command= as Python's shlex does: quotes and backslashes,
// and no shell. ok is false for a quote that does not end.
func splitCommand(s string) (argv []string, ok bool) {
	var word strings.Builder
	in, started := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case in != 0 && c == in:
			in = 0
		case c == '\\' && in != '\'' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
			started = true
		case in != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			in, started = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if started {
				argv = append(argv, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if started {
		argv = append(argv, word.String())
	}
	return argv, in == 0
}

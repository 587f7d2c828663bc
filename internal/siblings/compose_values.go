package siblings

import (
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// readBuild reads build: of a service in a file in dir. It returns nil when
// there is none, or when it is not about a Dockerfile on this machine.
func readBuild(n node, dir string) *Build {
	b := &Build{}
	context, written := n.scalar()
	if !written {
		if len(n.entries()) == 0 || n.get("dockerfile_inline").n != nil {
			return nil
		}
		context, written = n.get("context").scalar()
		if !written {
			context = "."
		}
		b.Target = n.get("target").text()
		b.Args = readArgs(n.get("args"))
		b.Platforms = n.get("platforms").texts()
		b.Images = n.get("tags").texts()
	}
	context, known := interpolate(context)
	if !known || context == "" || isRemote(context) {
		return nil
	}
	b.Context = resolve(dir, context)
	name, _ := n.get("dockerfile").scalar()
	if name == "" {
		name = "Dockerfile"
	}
	if name, known = interpolate(name); !known {
		return nil
	}
	b.Dockerfile = resolve(b.Context, name)
	return b
}

func resolve(dir, name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// readArgs reads build arguments, a mapping or a list of NAME=VALUE. One
// without a value comes from the environment.
func readArgs(n node) map[string]string {
	args := map[string]string{}
	add := func(name string, value node, raw string, isRaw bool) {
		if !isRaw {
			var ok bool
			if raw, ok = value.scalar(); !ok {
				return
			}
		}
		if v, known := interpolate(raw); known {
			args[name] = v
		}
	}
	for _, e := range n.entries() {
		if _, seen := args[e.key]; !seen {
			add(e.key, e.value, "", false)
		}
	}
	for _, item := range n.list() {
		s, _ := item.scalar()
		if name, value, ok := strings.Cut(s, "="); ok {
			add(name, node{}, value, true)
		}
	}
	return args
}

// fileURL matches the start of URLs of files, and of databases that are files.
var fileURL = regexp.MustCompile(`^(file|sqlite3?(\+\w+)?):`)

// pathsOf keeps the variables whose values are paths, or URLs of files, without what such a
// URL asks for besides; nil for none.
func pathsOf(env map[string]string) map[string]string {
	var out map[string]string
	for key, v := range env {
		if !path.IsAbs(v) && !fileURL.MatchString(v) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key], _, _ = strings.Cut(v, "?")
	}
	return out
}

// readCommand reads a command, a list or a line that is split as a shell would.
func readCommand(n node) []string {
	if list := n.texts(); len(list) > 0 {
		return list
	}
	return splitLine(n.text())
}

// splitLine splits a line at blanks outside of quotes, as Compose does: it
// expands nothing.
func splitLine(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	in, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			in, escaped = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			in, quote = true, c
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			in = true
			word.WriteRune(c)
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}

// readDevices reads the devices of a service, but for those of vendors (CDI), which come
// with what they need. A service with group_add has them open already.
func readDevices(n node) []string {
	if len(n.get("group_add").list()) > 0 {
		return nil
	}
	var out []string
	for _, d := range n.get("devices").list() {
		source := d.get("source").text()
		if source == "" {
			source, _, _ = strings.Cut(d.text(), ":")
		}
		if strings.HasPrefix(source, "/dev/") {
			out = append(out, path.Clean(source))
		}
	}
	return out
}

// readSyncs reads where docker compose watch copies files into the container, as its user
// (compose-spec, develop.md, watch).
func readSyncs(watch node) []string {
	var out []string
	for _, w := range watch.list() {
		if target := w.get("target").text(); strings.HasPrefix(w.get("action").text(), "sync") && path.IsAbs(target) {
			out = append(out, path.Clean(target))
		}
	}
	return out
}

// readPorts reads one entry of ports and returns the ports of the container.
func readPorts(n node) []int {
	if target := n.get("target").text(); target != "" {
		return portRange(target)
	}
	s, _, _ := strings.Cut(n.text(), "/") // protocol
	return portRange(s[strings.LastIndexByte(s, ':')+1:])
}

// portRange reads "80" or "8000-8010". Long ranges are cut off: what matters
// is whether there is one below 1024, and those come first.
func portRange(s string) []int {
	low, high, isRange := strings.Cut(s, "-")
	from, err := strconv.Atoi(low)
	if err != nil || from < 1 || from > 65535 {
		return nil
	}
	to := from
	if isRange {
		if to, err = strconv.Atoi(high); err != nil {
			return nil
		}
	}
	const enough = 100
	var ports []int
	for p := from; p <= min(to, 65535, from+enough); p++ {
		ports = append(ports, p)
	}
	return ports
}

var windowsPath = regexp.MustCompile(`^[A-Za-z]:[\\/]`)

// addMount reads one entry of volumes.
func (s *Service) addMount(n node) {
	var m Mount
	bind := false
	if target := n.get("target").text(); target != "" {
		m = Mount{Source: n.get("source").text(), Target: target, ReadOnly: n.get("read_only").bool()}
		switch n.get("type").text() {
		case "bind":
			bind = true
		case "volume":
		default:
			return // tmpfs, npipe, cluster: nothing that lasts
		}
	} else if m, bind = shortMount(n.text()); m.Target == "" {
		s.countUnknown(n)
		return
	}
	m.Target = path.Clean(m.Target)
	if bind {
		s.Binds = append(s.Binds, m)
	} else {
		s.Volumes = append(s.Volumes, m)
	}
}

// countUnknown counts a mount of the host that goes where only a variable or a template says.
func (s *Service) countUnknown(n node) {
	if spec, ok := n.scalar(); ok && n.text() == "" && strings.ContainsAny(spec[:min(1, len(spec))], "./~") && !strings.HasSuffix(spec, ":ro") {
		s.OtherBinds++
	}
}

// shortMount reads [SOURCE:]TARGET[:MODE]. A source that is a path is a
// directory of the host, another one a named volume.
func shortMount(spec string) (m Mount, bind bool) {
	rest, drive := spec, ""
	if windowsPath.MatchString(rest) {
		drive, rest = rest[:2], rest[2:]
	}
	parts := strings.Split(rest, ":")
	switch len(parts) {
	case 1:
		return Mount{Target: spec}, false
	case 2, 3:
		m.Source, m.Target = drive+parts[0], parts[1]
		if len(parts) == 3 {
			for _, option := range strings.Split(parts[2], ",") {
				m.ReadOnly = m.ReadOnly || option == "ro"
			}
		}
	default:
		return Mount{}, false
	}
	return m, drive != "" || strings.HasPrefix(m.Source, "/") || strings.HasPrefix(m.Source, ".") || strings.HasPrefix(m.Source, "~")
}

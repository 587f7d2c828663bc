package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dockharden/harden/internal/gitignore"
)

// Parse reads a configuration file. Its errors are of type *Error.
func Parse(file string, src []byte, known Known) (*Config, error) {
	c := &Config{File: file, known: known}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return c, nil // empty, or comments only
	case err != nil:
		return nil, syntaxError(file, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &Error{File: file, Line: second.Line, Msg: "the file holds more than one YAML document", Hint: "keep one"}
	}
	d := &decoder{file: file, known: known}
	d.config(doc.Content[0], c)
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntaxError takes the line out of the YAML parser's message.
func syntaxError(file string, err error) *Error {
	e := &Error{File: file, Msg: "not valid YAML: " + err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = "not valid YAML: " + m[2]
	}
	return e
}

// A decoder turns nodes into settings. The first mistake stops it; every
// method does nothing once err is set.
type decoder struct {
	file  string
	known Known
	err   *Error
}

// fields lists the keys that may stand both at the top and in an entry of
// files, with what reads each.
var fields = []struct {
	name string
	read func(*decoder, *yaml.Node, *Settings)
}{
	{"user", func(d *decoder, n *yaml.Node, s *Settings) { d.checked(n, &s.User, CheckUser) }},
	{"uid", func(d *decoder, n *yaml.Node, s *Settings) { d.id(n, &s.UID) }},
	{"gid", func(d *decoder, n *yaml.Node, s *Settings) { d.id(n, &s.GID) }},
	{"rules", func(d *decoder, n *yaml.Node, s *Settings) { d.rules(n, &s.Rules) }},
	{"keep_setuid", func(d *decoder, n *yaml.Node, s *Settings) { d.list(n, &s.KeepSetuid, CheckAbsolute) }},
	{"writable", func(d *decoder, n *yaml.Node, s *Settings) { d.list(n, &s.Writable, CheckAbsolute) }},
	{"writable_trees", func(d *decoder, n *yaml.Node, s *Settings) { d.list(n, &s.WritableTrees, CheckAbsolute) }},
	{"writable_files", func(d *decoder, n *yaml.Node, s *Settings) { d.list(n, &s.WritableFiles, CheckAbsolute) }},
	{"run_as", func(d *decoder, n *yaml.Node, s *Settings) { d.runAs(n, &s.RunAs) }},
	{"privileged", func(d *decoder, n *yaml.Node, s *Settings) { d.privileged(n, &s.Privileged) }},
	{"capabilities", func(d *decoder, n *yaml.Node, s *Settings) { d.capabilities(n, &s.Capabilities) }},
	{"own", func(d *decoder, n *yaml.Node, s *Settings) { d.checked(n, &s.Own, CheckOwn) }},
	{"openshift", func(d *decoder, n *yaml.Node, s *Settings) { d.boolean(n, &s.OpenShift) }},
	{"include_bases", func(d *decoder, n *yaml.Node, s *Settings) { d.boolean(n, &s.IncludeBases) }},
	{"accept", func(d *decoder, n *yaml.Node, s *Settings) { d.reasons(n, &s.Accept) }},
	{"target", func(d *decoder, n *yaml.Node, s *Settings) { d.checked(n, &s.Target, checkText) }},
	{"build_args", func(d *decoder, n *yaml.Node, s *Settings) { d.buildArgs(n, &s.BuildArgs) }},
	{"platform", func(d *decoder, n *yaml.Node, s *Settings) { d.checked(n, &s.Platform, CheckPlatform) }},
	{"context", func(d *decoder, n *yaml.Node, s *Settings) { d.checked(n, &s.Context, checkText) }},
}

// The keys that only the top of the file or an entry of files has.
var (
	topKeys   = []string{"exclude", "registry_mirror", "files"}
	entryKeys = []string{"match"}
)

// settings reads the keys of a mapping into s and calls nothing for the keys
// in others, which the caller reads.
func (d *decoder) settings(n *yaml.Node, s *Settings, others ...string) {
	d.mapping(n, func(key, value *yaml.Node) {
		names := others
		for _, f := range fields {
			if f.name == key.Value {
				f.read(d, value, s)
				return
			}
			names = append(names[:len(names):len(names)], f.name)
		}
		if slices.Contains(others, key.Value) {
			return
		}
		d.fail(key, "unknown key "+strconv.Quote(key.Value), suggest(key.Value, names))
	})
}

func (d *decoder) config(n *yaml.Node, c *Config) {
	if isNull(n) {
		return
	}
	d.settings(n, &c.Settings, topKeys...)
	d.mapping(n, func(key, value *yaml.Node) {
		switch key.Value {
		case "exclude":
			c.exclude = d.globs(value)
		case "registry_mirror":
			d.checked(value, &c.RegistryMirror, CheckMirror)
		case "files":
			for _, entry := range d.sequence(value) {
				c.overrides = append(c.overrides, d.override(entry))
			}
		}
	})
}

func (d *decoder) override(n *yaml.Node) override {
	o := override{node: n}
	d.settings(n, &Settings{}, entryKeys...)
	d.mapping(n, func(key, value *yaml.Node) {
		if key.Value == "match" {
			o.match = d.globs(value)
		}
	})
	if o.match == nil {
		d.fail(n, "an entry of files: has no match:", `say which Dockerfiles it is for, as in match: ["web/Dockerfile"]`)
	}
	return o
}

// globs reads one pattern or a list of them.
func (d *decoder) globs(n *yaml.Node) *gitignore.List {
	var patterns []string
	if n = deref(n); n.Kind == yaml.ScalarNode {
		var one string
		d.checked(n, &one, checkText)
		patterns = []string{one}
	} else {
		d.list(n, &patterns, checkText)
	}
	return gitignore.Parse([]byte(strings.Join(patterns, "\n")))
}

func (d *decoder) rules(n *yaml.Node, to *map[string]bool) {
	d.mapping(n, func(key, value *yaml.Node) {
		if !slices.Contains(d.known.Rules, key.Value) {
			d.fail(key, "no rule is called "+strconv.Quote(key.Value), suggest(key.Value, d.known.Rules))
			return
		}
		var on bool
		d.boolean(value, &on)
		if *to == nil {
			*to = map[string]bool{}
		}
		(*to)[key.Value] = on
	})
}

func (d *decoder) reasons(n *yaml.Node, to *[]string) {
	d.list(n, to, func(s string) (msg, hint string) {
		if !slices.Contains(d.known.Reasons, s) {
			return "no reason is called " + strconv.Quote(s), suggest(s, d.known.Reasons)
		}
		return "", ""
	})
}

func (d *decoder) buildArgs(n *yaml.Node, to *map[string]string) {
	d.mapping(n, func(key, value *yaml.Node) {
		if !argName.MatchString(key.Value) {
			d.fail(key, strconv.Quote(key.Value)+" cannot be the name of a build argument", "use letters, digits and _")
			return
		}
		if value = deref(value); value.Kind != yaml.ScalarNode || isNull(value) {
			d.fail(value, "build argument "+key.Value+" needs a value", "write "+key.Value+": VALUE")
			return
		}
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[key.Value] = value.Value
	})
}

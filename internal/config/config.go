// Package config reads .harden.yaml.
//
// The file is read as YAML nodes rather than into a struct, so that every
// complaint names the line it is about and, for a mistyped key, the key that
// was probably meant.
package config

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dockharden/harden/internal/gitignore"
)

// FileName is the name of the configuration file.
const FileName = ".harden.yaml"

// Settings is what can be said about one Dockerfile. Zero values say nothing.
type Settings struct {
	User       string
	UID, GID   int
	Rules      map[string]bool
	KeepSetuid []string
	Writable   []string
	Own        string // "all" or "needed"

	// What harden verify --learn found in containers.
	RunAs         *RunAs
	WritableTrees []string
	WritableFiles []string
	Privileged    map[string]Owner  // path → owner of a privileged file of the built image
	Capabilities  map[string]string // name → why the program needs it

	OpenShift    bool
	IncludeBases bool
	Accept       []string // reasons that --check lets pass

	Target    string
	BuildArgs map[string]string
	Platform  string
	Context   string // relative to the directory of the configuration file
}

// RunAs is an account of the built image.
type RunAs struct {
	Name     string
	UID, GID int
	Groups   bool // it has supplementary groups
}

// An Owner is the numbers of a file's user and group.
type Owner struct{ UID, GID int }

// A Config is one configuration file. The zero value is an empty one.
type Config struct {
	File string // as given to Parse; "" when there is no file
	Dir  string // directory that patterns and contexts are relative to
	Settings
	RegistryMirror string

	exclude   *gitignore.List
	overrides []override
	known     Known
}

// An override is one entry of files: settings for the Dockerfiles that match.
type override struct {
	match *gitignore.List
	node  *yaml.Node
}

// Known holds the names that a configuration may refer to. They are passed in
// because the configuration is read below the rules, not above them.
type Known struct {
	Rules, Reasons []string
}

// An Error is a mistake in a configuration file.
type Error struct {
	File string
	Line int
	Msg  string
	Hint string // what to do, "" when the message says it
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	} else if e.File != "" {
		s = e.File + ": " + e.Msg
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Excluded reports whether the file at a path, slash-separated and relative to
// the directory of the configuration file, is left alone.
func (c *Config) Excluded(rel string) bool {
	return c.exclude != nil && c.exclude.Excludes(rel)
}

// For returns the settings for the Dockerfile at a path, slash-separated and
// relative to the directory of the configuration file: the general ones, and
// over them those of every matching entry of files:, in order. Lists and maps
// of an entry add to the general ones, single values replace them.
func (c *Config) For(rel string) Settings {
	s := c.Settings
	s.Rules = maps.Clone(s.Rules)
	s.BuildArgs = maps.Clone(s.BuildArgs)
	s.KeepSetuid = slices.Clone(s.KeepSetuid)
	s.Writable = slices.Clone(s.Writable)
	s.Accept = slices.Clone(s.Accept)
	s.WritableTrees = slices.Clone(s.WritableTrees)
	s.WritableFiles = slices.Clone(s.WritableFiles)
	s.Privileged = maps.Clone(s.Privileged)
	s.Capabilities = maps.Clone(s.Capabilities)
	for _, o := range c.overrides {
		if o.match.Excludes(path.Clean(rel)) {
			// Parse has seen this node, so it has no mistakes left.
			d := decoder{file: c.File, known: c.known}
			d.settings(o.node, &s, "match")
		}
	}
	return s
}

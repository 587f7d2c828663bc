package imageinspect

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of facts. They are what the readers of this package stay below, and
// what a facts file may not exceed.
const (
	maxText      = 64 << 10 // of a value of the configuration; Linux takes 128 KiB per argument
	maxList      = 4096     // of environment variables, words, volumes …
	maxDirs      = 2000
	maxAllFiles  = 64 << 10 // privileged files of an image
	maxShortText = 512
)

// A checker collects the first thing wrong with some facts.
type checker struct{ err error }

func (c *checker) failf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// Validate reports the first thing in the facts that cannot be true of an image
// or that must not reach a Dockerfile. Every Source in this package validates
// what it returns.
func (f *Facts) Validate() error {
	c := &checker{}
	c.text("reference", f.Reference, maxPathBytes)
	c.text("digest", f.Digest, maxShortText)
	c.text("platform", f.Platform, 100)
	if f.Digest != "" && !digestPattern.MatchString(f.Digest) {
		c.failf("digest: %.100q is not of the form sha256:…", f.Digest)
	}
	c.origin(f.Origin)
	c.config(f.Config)
	c.distro(f.Distro)
	c.accounts(f)
	c.tools("tools", f.Tools)
	c.tools("links", f.Links)
	c.privileged(f.Privileged)
	c.dirs(f.Dirs)
	c.scripts(f.Scripts)
	c.entrypoint(f.Entrypoint)
	if f.RunsAs != "" && !ValidName(f.RunsAs) {
		c.failf("runs_as: %.60q is not of the form %s", f.RunsAs, namePattern)
	}
	c.length("warnings", len(f.Warnings), maxList)
	for _, w := range f.Warnings {
		c.text("warnings", w, maxText)
	}
	return c.err
}

var digestPattern = regexp.MustCompile(`^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$`)

func (c *checker) length(what string, n, limit int) {
	if n > limit {
		c.failf("%s: %d entries, at most %d make sense", what, n, limit)
	}
}

// text checks a string that is shown, or put into a comment.
func (c *checker) text(what, s string, limit int) {
	switch {
	case len(s) > limit:
		c.failf("%s: %d bytes, at most %d make sense", what, len(s), limit)
	case !cleanText(s):
		c.failf("%s: %.60q holds control characters", what, s)
	}
}

// value checks a string of the configuration. Real images have line breaks
// there; NUL cannot be passed to a program (execve(2)).
func (c *checker) value(what, s string) {
	switch {
	case len(s) > maxText:
		c.failf("%s: %d bytes, at most %d make sense", what, len(s), maxText)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		c.failf("%s: %.60q is not text", what, s)
	}
}

func (c *checker) values(what string, list []string) {
	c.length(what, len(list), maxList)
	for _, s := range list {
		c.value(what, s)
	}
}

// path checks an absolute, clean path without control characters.
func (c *checker) path(what, p string) {
	c.text(what, p, maxPathBytes)
	if !path.IsAbs(p) || path.Clean(p) != p {
		c.failf("%s: %.100q is not an absolute, clean path", what, p)
	}
}

func (c *checker) id(what string, id int) {
	if !validID(id) {
		c.failf("%s: %d is not between 0 and %d", what, id, int64(maxID))
	}
}

var originKinds = []OriginKind{FromRegistry, FromEngine, FromLayout, FromTarball, FromFile, FromCatalogue, FromDockerfile, FromInference, FromNowhere, FromScratch, ""}

func (c *checker) origin(o Origin) {
	if !slices.Contains(originKinds, o.Kind) {
		c.failf("origin.kind: %.40q is not one of %v", o.Kind, originKinds[:len(originKinds)-1])
	}
	c.text("origin.detail", o.Detail, 8*maxShortText)
	c.length("origin.sources", len(o.Sources), 100)
	for _, s := range o.Sources {
		c.text("origin.sources", s, 8*maxShortText)
	}
}

func (c *checker) config(g Config) {
	c.value("config.user", g.User)
	c.value("config.working_dir", g.WorkingDir)
	c.value("config.stop_signal", g.StopSignal)
	c.text("config.os", g.OS, 100)
	c.values("config.env", g.Env)
	c.values("config.entrypoint", g.Entrypoint)
	c.values("config.cmd", g.Cmd)
	c.values("config.shell", g.Shell)
	c.values("config.onbuild", g.OnBuild)
	c.values("config.healthcheck", g.Healthcheck)
	c.values("config.volumes", g.Volumes)
	c.values("config.exposed_ports", g.ExposedPorts)
}

func (c *checker) distro(d Distro) {
	if d.ID != "" && distroID(d.ID) == "" {
		c.failf("distro.id: %.60q is not of the form [a-zA-Z0-9._-]+", d.ID)
	}
	c.text("distro.id", d.ID, maxDistroText)
	c.text("distro.version_id", d.VersionID, maxDistroText)
	c.text("distro.pretty_name", d.PrettyName, maxDistroText)
	c.length("distro.id_like", len(d.IDLike), 16)
	for _, id := range d.IDLike {
		if distroID(id) == "" || len(id) > maxDistroText {
			c.failf("distro.id_like: %.60q is not of the form [a-zA-Z0-9._-]+", id)
		}
	}
}

func (c *checker) accounts(f *Facts) {
	c.length("accounts", len(f.Accounts), maxAccounts)
	c.length("groups", len(f.Groups), maxAccounts)
	c.length("reserved_uids", len(f.ReservedUIDs), maxAccounts)
	c.length("reserved_gids", len(f.ReservedGIDs), maxAccounts)
	users := map[string]bool{}
	for _, a := range f.Accounts {
		c.name("accounts", a.Name, users)
		c.id("accounts: uid of "+a.Name, a.UID)
		c.id("accounts: gid of "+a.Name, a.GID)
		for _, p := range []string{a.Home, a.Shell} {
			if p != "" && !pathPattern.MatchString(p) {
				c.failf("accounts: %.60q of %s is not a plain absolute path", p, a.Name)
			}
		}
	}
	groups := map[string]bool{}
	for _, g := range f.Groups {
		c.name("groups", g.Name, groups)
		c.id("groups: gid of "+g.Name, g.GID)
		c.length("groups: members of "+g.Name, len(g.Members), maxMembers)
		for _, m := range g.Members {
			c.name("groups: member of "+g.Name, m, nil)
		}
	}
	for _, id := range slices.Concat(f.ReservedUIDs, f.ReservedGIDs) {
		c.id("reserved ids", id)
	}
}

// name checks the name of an account or group, and that it is the first one of
// that name where seen is given.
func (c *checker) name(what, name string, seen map[string]bool) {
	if !ValidName(name) {
		c.failf("%s: name %.60q is not of the form %s", what, name, namePattern)
	}
	if seen[name] {
		c.failf("%s: %s is there twice", what, name)
	}
	if seen != nil {
		seen[name] = true
	}
}

func (c *checker) tools(what string, tools map[string]string) {
	c.length(what, len(tools), len(ToolNames))
	for _, tool := range sortedKeys(tools) {
		if !toolNames[tool] {
			c.failf("%s: %.60q is not a tool that facts tell about%s", what, tool, nearest(tool, ToolNames))
		}
		c.path(what+": "+tool, tools[tool])
		if !pathPattern.MatchString(tools[tool]) {
			c.failf("%s: path %.60q of %s is not plain", what, tools[tool], tool)
		}
	}
}

func (c *checker) privileged(files []PrivilegedFile) {
	c.length("privileged", len(files), maxAllFiles)
	seen := map[string]bool{}
	for _, p := range files {
		c.path("privileged", p.Path)
		c.id("privileged: uid of "+p.Path, p.UID)
		c.id("privileged: gid of "+p.Path, p.GID)
		if seen[p.Path] {
			c.failf("privileged: %.100q is there twice", p.Path)
		}
		seen[p.Path] = true
		if p.Size < 0 {
			c.failf("privileged: size %d of %.100q is negative", p.Size, p.Path)
		}
		if p.Mode > 0o7777 {
			c.failf("privileged: mode %o of %.100q is beyond 7777", uint32(p.Mode), p.Path)
		}
		for _, name := range p.Capabilities {
			if capabilityNumber(name) < 0 {
				c.failf("privileged: %.60q of %.100q is no capability%s", name, p.Path, nearest(name, capabilityNames))
			}
		}
		if !p.SetID() && len(p.Capabilities) == 0 {
			c.failf("privileged: %.100q has neither setuid, setgid nor capabilities", p.Path)
		}
	}
}

func (c *checker) dirs(dirs []Dir) {
	c.length("dirs", len(dirs), maxDirs)
	for _, d := range dirs {
		c.path("dirs", d.Path)
		c.id("dirs: uid of "+d.Path, d.UID)
		c.id("dirs: gid of "+d.Path, d.GID)
		if d.Mode > 0o7777 {
			c.failf("dirs: mode %o of %.100q is beyond 7777", uint32(d.Mode), d.Path)
		}
	}
}

func (c *checker) scripts(scripts map[string]string) {
	c.length("scripts", len(scripts), maxFactScripts)
	for _, p := range sortedKeys(scripts) {
		c.path("scripts", p)
		// Invalid bytes are replaced by three where a script is read.
		if len(scripts[p]) > 3*maxScriptBytes {
			c.failf("scripts: %.100q has %d bytes, at most %d are kept", p, len(scripts[p]), maxScriptBytes)
		}
		if !utf8.ValidString(scripts[p]) || strings.ContainsRune(scripts[p], 0) {
			c.failf("scripts: %.100q is not text", p)
		}
	}
}

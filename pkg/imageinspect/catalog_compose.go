package imageinspect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxCatalogDepth bounds the chain of images and profiles that entries are
// made from, so that a loop in the data is an error.
const maxCatalogDepth = 8

// build puts the facts of a variant together: parent, what all variants of the
// image have in common, and its own.
func (c *Catalog) build(img *catalogImage, v *catalogVariant, suite string, frozen bool, depth int) (*Facts, error) {
	if depth > maxCatalogDepth {
		return nil, fmt.Errorf("catalogue: %s is made from itself", img.Names[0])
	}
	f, err := c.parent(v, suite, depth)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %s: %w", img.Names[0], err)
	}
	complete := f.Known
	if frozen && f.Distro.ID == "debian" {
		complete.Privileged = false
	}
	f.Known = Known{}
	f.Origin.Sources = append(slices.Clone(img.Sources), f.Origin.Sources...)
	for _, o := range []*catalogOverlay{&img.Common, &v.catalogOverlay} {
		if err := f.lay(o); err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", img.Names[0], err)
		}
	}
	f.Known = f.Known.and(complete)
	if !f.Known.Config && !startsSomething(img.Common.Config) && !startsSomething(v.Config) {
		// What an image starts is not what its distribution starts.
		f.Config.Entrypoint, f.Config.Cmd = nil, nil
	}
	f.Normalize()
	return f, nil
}

// startsSomething reports whether instructions say what the image starts.
func startsSomething(c *catalogConfig) bool {
	return c != nil && (c.Entrypoint != nil || c.Cmd != nil)
}

// parent returns fresh facts of what a variant is made from.
func (c *Catalog) parent(v *catalogVariant, suite string, depth int) (*Facts, error) {
	switch {
	case v.Profile != "":
		return c.profile(v.Profile, suite, depth)
	case v.From != "":
		name, tag, _ := splitReference(strings.ReplaceAll(v.From, "{suite}", suite))
		img, ok := c.image(name)
		if !ok {
			return nil, fmt.Errorf("no image %q", name)
		}
		parent, suite := c.variant(img, tag)
		if parent == nil {
			return nil, fmt.Errorf("no tag %q of %s", tag, name)
		}
		f, err := c.build(img, parent, suite, matchesAny(img.Frozen, tag), depth+1)
		if err == nil {
			f.Config.OnBuild = nil // triggers are not handed on to grandchildren
		}
		return f, err
	}
	f := Scratch()
	f.Tools = map[string]string{}
	f.Config.OS = "linux"
	return f, nil
}

// profile returns fresh facts of a profile; "{suite}" stands for that of the
// release.
func (c *Catalog) profile(name, suite string, depth int) (*Facts, error) {
	if depth > maxCatalogDepth {
		return nil, fmt.Errorf("profile %s extends itself", name)
	}
	version := ""
	if name == "{suite}" {
		name, version, _ = strings.Cut(c.data.Suites[suite], "@")
		if name == "" {
			return nil, fmt.Errorf("no suite %q", suite)
		}
	}
	o, ok := c.data.Profiles[name]
	if !ok {
		return nil, fmt.Errorf("no profile %q", name)
	}
	f := &Facts{Tools: map[string]string{}, Config: Config{OS: "linux"}}
	if o.Extends != "" {
		var err error
		if f, err = c.profile(o.Extends, "", depth+1); err != nil {
			return nil, err
		}
	}
	if o.Complete != nil {
		f.Known = Known{}
	}
	if err := f.lay(o); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	if version != "" {
		f.Distro.PrettyName = strings.ReplaceAll(f.Distro.PrettyName, "{version}", version)
		f.Distro.VersionID = version
	}
	return f, nil
}

func (k Known) and(other Known) Known {
	return Known{
		Config:     k.Config && other.Config,
		Accounts:   k.Accounts && other.Accounts,
		Tools:      k.Tools && other.Tools,
		Privileged: k.Privileged && other.Privileged,
		People:     k.People && other.People,
	}
}

// lay puts an overlay over the facts.
func (f *Facts) lay(o *catalogOverlay) error {
	for _, section := range o.Complete {
		if err := f.Known.set(section); err != nil {
			return err
		}
	}
	for _, url := range o.Sources {
		if !slices.Contains(f.Origin.Sources, url) {
			f.Origin.Sources = append(f.Origin.Sources, url)
		}
	}
	if o.Distro != nil {
		f.Distro = *o.Distro
		f.Distro.IDLike = slices.Clone(o.Distro.IDLike)
	}
	if o.Config != nil {
		f.Config.lay(o.Config)
	}
	if o.Remove != nil {
		f.remove(o.Remove)
	}
	if o.RunsAs != nil {
		f.RunsAs = *o.RunsAs
	}
	if o.Entrypoint != nil {
		f.Entrypoint = o.Entrypoint.clone()
	}
	f.Warnings = append(f.Warnings, o.Warnings...)
	return f.layFiles(o)
}

// layFiles adds the entries that are lines of text.
func (f *Facts) layFiles(o *catalogOverlay) error {
	if err := eachLine(o.Accounts, f.layAccount); err != nil {
		return err
	}
	if err := eachLine(o.Groups, f.layGroup); err != nil {
		return err
	}
	if err := eachLine(o.Tools, f.layTool); err != nil {
		return err
	}
	if err := eachLine(o.Privileged, f.layPrivileged); err != nil {
		return err
	}
	return eachLine(o.Dirs, f.layDir)
}

func (k *Known) set(section string) error {
	switch section {
	case "config":
		k.Config = true
	case "accounts":
		k.Accounts, k.People = true, true
	case "people":
		k.People = true
	case "tools":
		k.Tools = true
	case "privileged":
		k.Privileged = true
	case "all":
		*k = Known{Config: true, Accounts: true, Tools: true, Privileged: true, People: true}
	default:
		return fmt.Errorf("no section %q", section)
	}
	return nil
}

// lay sets what the instructions of one more Dockerfile set. As there, a new
// ENTRYPOINT without a CMD clears the CMD that was inherited.
func (c *Config) lay(o *catalogConfig) {
	if o.User != nil {
		c.User = *o.User
	}
	if o.WorkingDir != nil {
		c.WorkingDir = *o.WorkingDir
	}
	for _, kv := range o.Env {
		c.setEnv(kv)
	}
	if o.Entrypoint != nil {
		c.Entrypoint, c.Cmd = slices.Clone(*o.Entrypoint), nil
	}
	if o.Cmd != nil {
		c.Cmd = slices.Clone(*o.Cmd)
	}
	if o.Shell != nil {
		c.Shell = slices.Clone(o.Shell)
	}
	if o.Healthcheck != nil {
		c.Healthcheck = slices.Clone(o.Healthcheck)
	}
	c.OnBuild = append(c.OnBuild, o.OnBuild...)
	c.Volumes = union(c.Volumes, o.Volumes)
	c.ExposedPorts = union(c.ExposedPorts, o.Ports)
	if o.StopSignal != "" {
		c.StopSignal = o.StopSignal
	}
	if o.OS != "" {
		c.OS = o.OS
	}
}

// setEnv sets one variable. "$PATH" in the value is what PATH was before.
func (c *Config) setEnv(kv string) {
	key, value, _ := strings.Cut(kv, "=")
	old := ""
	i := slices.IndexFunc(c.Env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
	if i >= 0 {
		old = c.Env[i][len(key)+1:]
	}
	if key == "PATH" {
		value = strings.ReplaceAll(value, "$PATH", old)
	}
	if i >= 0 {
		c.Env[i] = key + "=" + value
		return
	}
	c.Env = append(c.Env, key+"="+value)
}

func union(old, more []string) []string {
	for _, s := range more {
		if !slices.Contains(old, s) {
			old = append(old, s)
		}
	}
	return old
}

func (f *Facts) remove(r *catalogRemove) {
	f.Accounts = slices.DeleteFunc(f.Accounts, func(a Account) bool { return slices.Contains(r.Accounts, a.Name) })
	f.Groups = slices.DeleteFunc(f.Groups, func(g Group) bool { return slices.Contains(r.Groups, g.Name) })
	for i, g := range f.Groups {
		f.Groups[i].Members = slices.DeleteFunc(g.Members, func(m string) bool { return slices.Contains(r.Accounts, m) })
	}
	for _, name := range r.Tools {
		if name == "*" {
			clear(f.Tools)
			clear(f.Links)
		}
		delete(f.Tools, name)
		delete(f.Links, name)
	}
	f.Privileged = slices.DeleteFunc(f.Privileged, func(p PrivilegedFile) bool {
		return slices.Contains(r.Privileged, p.Path) || slices.Contains(r.Privileged, "*")
	})
}

// cloneCatalogued returns a copy that shares nothing with f. The strings in
// members of groups, capabilities and sources are shared: they never change.
func cloneCatalogued(f *Facts) *Facts {
	n := *f
	n.Origin.Sources = slices.Clone(f.Origin.Sources)
	n.Config = f.Config.clone()
	n.Distro.IDLike = slices.Clone(f.Distro.IDLike)
	n.Accounts = slices.Clone(f.Accounts)
	n.Groups = slices.Clone(f.Groups)
	for i := range n.Groups {
		n.Groups[i].Members = slices.Clone(n.Groups[i].Members)
	}
	n.Tools, n.Links = maps.Clone(f.Tools), maps.Clone(f.Links)
	n.Privileged = slices.Clone(f.Privileged)
	for i := range n.Privileged {
		n.Privileged[i].Capabilities = slices.Clone(n.Privileged[i].Capabilities)
	}
	n.Dirs = slices.Clone(f.Dirs)
	n.Entrypoint = f.Entrypoint.clone()
	n.Warnings = slices.Clone(f.Warnings)
	return &n
}

func (c Config) clone() Config {
	for _, list := range []*[]string{
		&c.Env, &c.Entrypoint, &c.Cmd, &c.Shell, &c.OnBuild, &c.Healthcheck, &c.Volumes, &c.ExposedPorts,
	} {
		*list = slices.Clone(*list)
	}
	return c
}

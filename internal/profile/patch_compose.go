package profile

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// services returns the mapping of services of a Compose file, nil when the
// file is none.
func (f *yamlFile) services() *yaml.Node {
	if len(f.docs) == 0 || lookup(f.docs[0], "kind") != nil {
		return nil
	}
	if s := target(lookup(f.docs[0], "services")); s != nil && s.Kind == yaml.MappingNode {
		return s
	}
	return nil
}

func (p *Profile) patchCompose(f *yamlFile, services *yaml.Node, where Where) (*Patch, error) {
	name, err := chooseService(services, where)
	if err != nil {
		return nil, err
	}
	key, svc := pair(services, name)
	if svc.Kind == yaml.AliasNode {
		return nil, fmt.Errorf("line %d: service %s is all of &%s; patch that one, or give the service settings of its own", key.Line, oneLine(name), oneLine(svc.Value))
	}
	c := &composePatcher{patcher: patcher{Profile: p, f: f}, svc: svc, key: key}
	if err := c.merge(); err != nil {
		return nil, err
	}
	if f.shared(svc) && len(f.order) > 0 {
		c.note(key, "the service is an anchor, &%s; what other services merge from it gets these settings, too", svc.Anchor)
	}
	return c.finish("service " + name)
}

// chooseService returns the service that is meant.
func chooseService(services *yaml.Node, where Where) (string, error) {
	var all, building, running []string
	for i := 0; i+1 < len(services.Content); i += 2 {
		name, svc := services.Content[i].Value, target(services.Content[i+1])
		if svc.Kind != yaml.MappingNode || name == "<<" {
			continue
		}
		all = append(all, name)
		if buildsDockerfile(svc, where) {
			building = append(building, name)
		} else if sameImage(str(inherited(svc, "image")), where.Image) {
			running = append(running, name)
		}
	}
	if where.Name != "" {
		if slices.Contains(all, where.Name) {
			return where.Name, nil
		}
		return "", fmt.Errorf("there is no service %s; there are %s", oneLine(where.Name), oneLine(names(all)))
	}
	found := append(building, running...)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%w: no service builds it; name one with --service, of %s", ErrNoMatch, oneLine(names(all)))
	}
	return "", fmt.Errorf("the services %s all run the image; name one with --service, and run harden again for the others", oneLine(names(found)))
}

// buildsDockerfile reports whether a service builds the Dockerfile (compose
// specification, build.md).
func buildsDockerfile(svc *yaml.Node, where Where) bool {
	build := inherited(svc, "build")
	if build == nil || where.Dockerfile == "" {
		return false
	}
	context, dockerfile, stage := str(build), "", ""
	if build.Kind == yaml.MappingNode {
		if lookup(build, "dockerfile_inline") != nil {
			return false
		}
		context, dockerfile, stage = str(inherited(build, "context")), str(inherited(build, "dockerfile")), str(inherited(build, "target"))
		if context == "" {
			context = "."
		}
	}
	if dockerfile == "" {
		dockerfile = "Dockerfile"
	}
	if context == "" || strings.Contains(context+dockerfile, "$") || where.Target != "" && stage != "" && !strings.EqualFold(stage, where.Target) {
		return false
	}
	return join(join(filepath.Dir(where.File), context), dockerfile) == where.Dockerfile
}

func join(dir, name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// A composePatcher merges the profile into one service.
type composePatcher struct {
	patcher
	svc, key *yaml.Node
}

func (c *composePatcher) merge() error {
	if c.svc.Kind != yaml.MappingNode || len(c.svc.Content) == 0 {
		return fmt.Errorf("line %d: the service is empty", c.key.Line)
	}
	for _, key := range []string{"extends", "env_file"} {
		if n := lookup(c.svc, key); key == "extends" && n != nil {
			c.note(n, "what the extended service sets was not looked at")
		}
	}
	privileged := inherited(c.svc, "privileged")
	if str(privileged) == "true" {
		c.note(privileged, "privileged: true gives the container everything; capabilities and a read-only root would mean nothing beside it")
		return nil
	}
	if c.user() {
		c.capabilities()
		c.readOnly()
	}
	c.newPrivileges()
	c.pids()
	c.ports()
	return nil
}

// user sets the user. It returns false when the owner keeps the service root,
// so that nothing is taken away that root may need.
func (c *composePatcher) user() bool {
	have := inherited(c.svc, "user")
	if have == nil {
		if c.User != "" {
			c.f.add(c.svc, entry("user", text(c.User)))
		}
		return true
	}
	user := str(have)
	switch {
	case user == c.User:
	case isRoot(user) && c.Root == "":
		c.note(have, "user: %s keeps the service root although the image runs as %s; remove the line, and run harden again for the rest", user, c.User)
		return false
	case !isRoot(user):
		c.note(have, "user: %s stays, the image runs as %s; it has to be able to write what that one can", user, orRoot(c.User))
		c.Profile = c.Profile.as(user)
	}
	return true
}

func orRoot(user string) string {
	if user == "" {
		return "root"
	}
	return user
}

// as returns the profile for another user.
func (p *Profile) as(user string) *Profile {
	q := *p
	u, g, _ := strings.Cut(user, ":")
	q.User, q.UID, q.GID = user, number(u), number(g)
	q.Mounts = slices.Clone(p.Mounts)
	for i, m := range q.Mounts {
		if m.Mode == "0755" && q.UID < 0 {
			q.Mounts[i].Mode = "1777"
		}
	}
	return &q
}

func (c *composePatcher) capabilities() {
	added := upper(strs(inherited(c.svc, "cap_add")))
	drop := inherited(c.svc, "cap_drop")
	if !slices.Contains(upper(strs(drop)), "ALL") {
		if own := lookup(c.svc, "cap_drop"); own == nil && drop != nil {
			c.f.add(c.svc, entry("cap_drop", list(text("ALL")))) // ALL covers what the merged list drops
		} else {
			c.grow(c.svc, "cap_drop", text("ALL"))
		}
	}
	var add []value
	for _, need := range c.Add {
		if !slices.Contains(added, need.Name) && !slices.Contains(added, "ALL") {
			add = append(add, text(need.Name).because(need.Why))
		}
	}
	c.grow(c.svc, "cap_add", add...)
	for _, name := range added {
		if !c.needs(name) {
			c.note(inherited(c.svc, "cap_add"), "cap_add: %s stays; nothing is known that needs it", name)
		}
	}
}

func (p *Profile) needs(capability string) bool {
	for _, c := range p.Add {
		if c.Name == capability {
			return true
		}
	}
	return false
}

// upper writes names of capabilities as Docker compares them, which takes them
// in any case, with and without the prefix.
func upper(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimPrefix(strings.ToUpper(n), "CAP_")
	}
	return out
}

func (c *composePatcher) newPrivileges() {
	have := inherited(c.svc, "security_opt")
	for _, o := range strs(have) {
		name, value, _ := strings.Cut(strings.Replace(o, "=", ":", 1), ":")
		switch {
		case name == "seccomp" && value == "unconfined":
			c.note(have, "seccomp:unconfined turns the system call filter off")
		case name != "no-new-privileges":
		case value == "false":
			c.note(have, "no-new-privileges:false stays")
			return
		default:
			return
		}
	}
	if c.NewPrivileges != "" {
		c.note(c.key, "no-new-privileges is not set: %s", c.NewPrivileges)
		return
	}
	c.grow(c.svc, "security_opt", text("no-new-privileges:true"))
}

// readOnly makes the root read-only where everything that has to be writable
// then can be.
func (c *composePatcher) readOnly() {
	have := inherited(c.svc, "read_only")
	if have != nil && str(have) != "true" {
		c.note(have, "read_only: %s stays", str(have))
		return
	}
	if why := c.readOnlyOn(onCompose); why != "" {
		if have == nil {
			c.note(c.key, "read_only is not set: %s", why)
		}
		return
	}
	var items, volumes []value
	for _, m := range c.mountsOn(onCompose) {
		switch {
		case m.Kind == Declared || c.mounted(m):
		case m.Kind == Tmpfs:
			items = append(items, text(c.tmpfs(m)))
		default:
			volumes = append(volumes, text(m.Path).because("with a name, its data outlives the service"))
		}
	}
	if !c.canGrow(c.svc, "tmpfs", items...) || !c.canGrow(c.svc, "volumes", volumes...) {
		return
	}
	if have == nil {
		c.f.add(c.svc, entry("read_only", boolean(true)))
	}
	c.grow(c.svc, "tmpfs", items...)
	c.grow(c.svc, "volumes", volumes...)
}

// mounted reports whether the service mounts something on the directory, or
// above it.
func (c *composePatcher) mounted(m Mount) bool {
	var at []string
	for _, t := range strs(inherited(c.svc, "tmpfs")) {
		name, _, _ := strings.Cut(t, ":")
		if path.Clean(name) == m.Path {
			return true
		}
	}
	for _, v := range elements(inherited(c.svc, "volumes")) {
		if t := str(inherited(v, "target")); t != "" {
			at = append(at, t)
			continue
		}
		spec := str(v)
		if parts := strings.Split(spec, ":"); len(parts) > 1 {
			spec = parts[1]
			if len(parts) > 2 && len(parts[0]) == 1 {
				spec = parts[2] // C:\data:/data
			}
		}
		at = append(at, spec)
	}
	return slices.ContainsFunc(at, func(t string) bool { return t != "" && within(m.Path, path.Clean(t)) })
}

func (c *composePatcher) pids() {
	deploy := inherited(inherited(inherited(c.svc, "deploy"), "resources"), "limits")
	if inherited(c.svc, "pids_limit") == nil && inherited(deploy, "pids") == nil {
		c.f.add(c.svc, entry("pids_limit", plain("!!int", strconv.Itoa(PidsLimit))))
	}
}

func (c *composePatcher) ports() {
	if host := inherited(c.svc, "network_mode"); str(host) == "host" && len(c.LowPorts) > 0 && c.Root == "" {
		c.note(host, "on the host's network port %d is closed to %s; let the program listen above 1023", c.LowPorts[0], c.User)
	}
}

package siblings

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxExtends bounds chains of extends, which may be circles.
const maxExtends = 8

// isCompose reports whether a file name is one that Compose files have:
// compose.yaml and docker-compose.yml (compose-spec), and what people call the
// ones beside it.
func isCompose(name string) bool {
	name = strings.ToLower(name)
	stem, yml := strings.CutSuffix(name, ".yml")
	if !yml {
		if stem, yml = strings.CutSuffix(name, ".yaml"); !yml {
			return false
		}
	}
	return stem == "compose" || strings.HasPrefix(stem, "compose.") || strings.HasPrefix(stem, "docker-compose") || strings.HasSuffix(stem, ".compose")
}

// mainFiles are the files that Compose takes without being told to, in the
// order in which it looks for them.
var mainFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}

// A composeFile is the services of one file.
type composeFile struct {
	file     File
	services []entry
	// secrets and configs are those that are files, by their names.
	secrets, configs map[string]string
}

func (c *composeFile) service(name string) (entry, bool) {
	for _, s := range c.services {
		if s.key == name {
			return s, true
		}
	}
	return entry{}, false
}

// compose reads a Compose file.
func (r *reader) compose(f File, src []byte) error {
	c, err := r.load(f, src)
	if err != nil {
		return err
	}
	for _, s := range c.services {
		svc := r.service(c, s, 0)
		if svc.build == nil {
			svc.build = r.mainBuild(c, s.key)
		}
		if svc.build == nil {
			if svc.image != "" {
				r.unbuilt = append(r.unbuilt, &Build{
					File: f.Path, Line: s.line, Context: filepath.Dir(f.Abs), Named: svc.image, Service: &svc.Service, development: isDevelopment(f.Path)})
			}
			continue
		}
		b := *svc.build
		for name, base := range svc.contexts {
			if e, ok := c.service(base); ok {
				b.addContext(name, r.service(c, e, 0).build)
			}
		}
		b.File, b.Line, b.development = f.Path, s.line, isDevelopment(f.Path)
		b.Service = &svc.Service
		if svc.image != "" {
			b.Images = append([]string{svc.image}, b.Images...)
		}
		r.add(&b)
	}
	return nil
}

func (r *reader) load(f File, src []byte) (*composeFile, error) {
	if c := r.composes[f.Abs]; c != nil {
		return c, nil
	}
	doc, err := parseYAML(src)
	if err != nil {
		text, ok := withoutTemplate(src[:min(len(src), maxSize+1)])
		if !ok {
			return nil, err
		}
		if doc, err = parseYAML(text); err != nil {
			return nil, err
		}
	}
	c := &composeFile{file: f, services: servicesOf(doc), secrets: filesOf(doc.get("secrets")), configs: filesOf(doc.get("configs"))}
	r.composes[f.Abs] = c
	return c, nil
}

// servicesOf returns the services of a file. Those of the first format, which has
// no version, are on its top level (docs.docker.com, Compose file version 1).
func servicesOf(doc node) []entry {
	if doc.get("services").n != nil || doc.get("version").n != nil {
		return doc.get("services").entries()
	}
	return slices.DeleteFunc(doc.entries(), func(e entry) bool {
		return e.value.get("image").n == nil && e.value.get("build").n == nil
	})
}

// namedBy returns the Dockerfile of the image that a service names without building
// it, "" for somebody else's: the only one that builds make it of, or else the one
// whose directory is named after the image, acme/mono in mono/Dockerfile, when the
// Compose file lies in that directory or beside it.
func (r *reader) namedBy(b *Build) string {
	image := repository(b.Named)
	for _, makers := range [][]string{r.repo.makers[plain(b.Named)], r.repo.sharers[image]} {
		switch len(makers) {
		case 0:
			continue
		case 1:
			return makers[0]
		}
		return ""
	}
	if owner, _, ok := strings.Cut(image, "/"); !ok || owner == path.Base(image) {
		return "" // Docker Hub's, or the product's own: prestashop/prestashop
	}
	dir := filepath.Join(b.Context, path.Base(image))
	if filepath.Base(b.Context) == path.Base(image) {
		dir = b.Context
	}
	for _, name := range []string{"Dockerfile", "Containerfile"} {
		if isFile(filepath.Join(dir, name)) {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// mainBuild returns how the main Compose file of the directory builds a
// service: "docker compose -f main -f other" merges the two.
func (r *reader) mainBuild(c *composeFile, name string) *Build {
	if slices.Contains(mainFiles, filepath.Base(c.file.Abs)) {
		return nil
	}
	for _, base := range mainFiles {
		f, ok := r.files[filepath.Join(filepath.Dir(c.file.Abs), base)]
		if !ok {
			continue
		}
		if main := r.open(f); main != nil {
			if s, ok := main.service(name); ok {
				return r.service(main, s, 0).build
			}
		}
		break
	}
	return nil
}

func (r *reader) open(f File) *composeFile {
	if c := r.composes[f.Abs]; c != nil {
		return c
	}
	src, err := f.Read()
	if err != nil {
		return nil
	}
	c, err := r.load(f, src)
	if err != nil {
		return nil
	}
	return c
}

// A service is one entry of services.
type service struct {
	Service
	image    string
	build    *Build
	contexts map[string]string // name → service
}

// service reads one service, with what it extends below it.
func (r *reader) service(c *composeFile, e entry, depth int) *service {
	n := e.value
	s := &service{image: n.get("image").text(), build: readBuild(n.get("build"), filepath.Dir(c.file.Abs))}
	s.Name, s.User, s.Privileged = e.key, n.get("user").text(), n.get("privileged").bool()
	s.CapAdd, s.Seccomp = n.get("cap_add").texts(), seccomp(n.get("security_opt").texts())
	s.Entrypoint, s.Command = readCommand(n.get("entrypoint")), readCommand(n.get("command"))
	s.Environment = pathsOf(readArgs(n.get("environment")))
	for _, p := range n.get("ports").list() {
		s.Ports = append(s.Ports, readPorts(p)...)
	}
	for _, v := range n.get("volumes").list() {
		s.addMount(v)
	}
	s.Devices, s.Syncs = readDevices(n), readSyncs(n.get("develop").get("watch"))
	s.addFiles(c, n)
	s.contexts = map[string]string{}
	for _, e := range n.get("build").get("additional_contexts").entries() {
		if base, ok := strings.CutPrefix(e.value.text(), "service:"); ok {
			s.contexts[e.key] = base
		}
	}
	if base := r.extended(c, n.get("extends")); base != nil && depth < maxExtends {
		s.extend(r.service(base.file, base.entry, depth+1))
	}
	return s
}

// seccomp returns the seccomp profile that options of a service name (compose-spec,
// 05-services.md, security_opt).
func seccomp(options []string) string {
	for _, o := range options {
		if name, value, ok := cutOption(o); ok && name == "seccomp" {
			return value
		}
	}
	return ""
}

// cutOption separates the name of an option from its value, by = or, as of old, by a colon.
func cutOption(o string) (name, value string, ok bool) {
	i := strings.IndexAny(o, "=:")
	if i < 0 {
		return o, "", false
	}
	return o[:i], o[i+1:], true
}

// A reference is a service in a file.
type reference struct {
	file  *composeFile
	entry entry
}

// extended finds the service that extends names, in this file or another.
func (r *reader) extended(c *composeFile, n node) *reference {
	name := n.text()
	if name == "" {
		name = n.get("service").text()
	}
	if file := n.get("file").text(); file != "" {
		f, ok := r.files[filepath.Join(filepath.Dir(c.file.Abs), filepath.FromSlash(file))]
		if !ok {
			return nil // not among the files of the run
		}
		if c = r.open(f); c == nil {
			return nil
		}
	}
	if e, ok := c.service(name); ok {
		return &reference{c, e}
	}
	return nil
}

// extend puts base below s: single values of s win, lists add up
// (compose-spec, 05-services.md, extends).
func (s *service) extend(base *service) {
	if s.image == "" {
		s.image = base.image
	}
	if s.User == "" {
		s.User = base.User
	}
	if len(s.Entrypoint) == 0 {
		s.Entrypoint = base.Entrypoint
	}
	if len(s.Command) == 0 {
		s.Command = base.Command
	}
	for key, v := range base.Environment {
		if _, own := s.Environment[key]; !own {
			if s.Environment == nil {
				s.Environment = map[string]string{}
			}
			s.Environment[key] = v
		}
	}
	if s.Seccomp == "" {
		s.Seccomp = base.Seccomp
	}
	s.Privileged = s.Privileged || base.Privileged
	s.CapAdd = slices.Concat(base.CapAdd, s.CapAdd)
	s.Ports = slices.Concat(base.Ports, s.Ports)
	s.Devices, s.Syncs = slices.Concat(base.Devices, s.Devices), slices.Concat(base.Syncs, s.Syncs)
	s.Binds = slices.Concat(base.Binds, s.Binds)
	s.HostFiles = slices.Concat(base.HostFiles, s.HostFiles)
	s.OtherBinds += base.OtherBinds
	s.Volumes = slices.Concat(base.Volumes, s.Volumes)
	if s.build == nil {
		s.build = base.build
	}
}

package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Project is a Compose project around the service that is verified. Compose
// itself reads the files and brings the rest up, under a name of this run's own,
// with volumes of its own and without ports on the host: a project of the user's
// that is running goes on undisturbed.
type Project struct {
	Recipe
	Run   Spec     // how the service runs
	Notes []string // what of the service is different here

	argv []string // docker compose
	dir  string
	name string
	doc  composeFile
	rest []string // services to bring up
	run  string
}

// The parts of "docker compose config --format json" that matter here.
type composeFile struct {
	Name     string                    `json:"name"`
	Services map[string]map[string]any `json:"services"`
	Networks map[string]any            `json:"networks,omitempty"`
	Volumes  map[string]any            `json:"volumes,omitempty"`
	Secrets  map[string]map[string]any `json:"secrets,omitempty"`
	Configs  map[string]map[string]any `json:"configs,omitempty"`
}

type composeService struct {
	Build *struct {
		Context    string
		Dockerfile string
		Inline     string `json:"dockerfile_inline"`
		Target     string
		Args       map[string]*string
		Contexts   map[string]string `json:"additional_contexts"`
		Secrets    []struct{ Source, Target string }
		SSH        any
	}
	Command     []string
	Entrypoint  []string
	Environment map[string]*string
	Networks    map[string]any
	DependsOn   map[string]any `json:"depends_on"`
	User        string
	WorkingDir  string `json:"working_dir"`
	Healthcheck *struct {
		Test    any
		Disable bool
	}
	Secrets, Configs []struct{ Source, Target string }
	Volumes          []struct {
		Type, Source, Target string
		ReadOnly             bool `json:"read_only"`
	}
}

// notRead are keys of a service that say how it runs and that verify does not
// follow, since its own runs are about them or they need the user's machine.
var notRead = []string{"cap_add", "cap_drop", "cgroup", "cgroup_parent", "device_cgroup_rules", "devices", "dns", "external_links", "extra_hosts", "gpus",
	"group_add", "hostname", "init", "ipc", "links", "network_mode", "pid", "privileged", "read_only", "runtime", "security_opt", "shm_size", "stop_signal",
	"sysctls", "tmpfs", "ulimits", "userns_mode", "volumes_from"}

// Compose asks docker compose what the files say about a service. run labels and
// names what is brought up.
func Compose(ctx context.Context, files []string, service, run string) (*Project, error) {
	argv, err := composeCommand(ctx)
	if err != nil {
		return nil, err
	}
	first, err := filepath.Abs(files[0])
	if err != nil {
		return nil, err
	}
	p := &Project{argv: argv, dir: filepath.Dir(first), name: "harden-" + run, run: run}
	args := slices.Clone(argv)
	for _, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			return nil, err
		}
		args = append(args, "--file", abs)
	}
	out, err := output(ctx, p.dir, append(args, "--project-name", p.name, "--profile", "*", "config", "--format", "json")...)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &p.doc); err != nil {
		return nil, fmt.Errorf("reading what docker compose config prints: %w", err)
	}
	raw, ok := p.doc.Services[service]
	if !ok {
		return nil, &Error{Kind: BadRequest, Msg: fmt.Sprintf("%s has no service %q", files[0], service), Hint: "it has " + strings.Join(slices.Sorted(maps.Keys(p.doc.Services)), ", ")}
	}
	if err := p.take(service, raw); err != nil {
		return nil, err
	}
	p.rest = p.needed(service)
	return p, nil
}

// composeCommand finds Compose: docker's plugin, or the program of its own.
func composeCommand(ctx context.Context) ([]string, error) {
	for _, argv := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, err := exec.LookPath(argv[0]); err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, argv[0], append(argv[1:], "version", "--short")...).Output()
		if version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"); err == nil && !strings.HasPrefix(version, "1.") {
			return argv, nil
		}
	}
	return nil, &Error{Kind: BadRequest, Msg: "--compose needs docker compose, version 2 or later, which is not here", Hint: "install the plugin docker-compose-v2 or docker-compose-plugin"}
}

func decode(raw map[string]any, v any) error {
	b, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// take reads how the service is built and run.
func (p *Project) take(name string, raw map[string]any) error {
	var s composeService
	if err := decode(raw, &s); err != nil {
		return fmt.Errorf("reading service %s: %w", name, err)
	}
	if s.Build == nil || s.Build.Inline != "" {
		return &Error{Kind: BadRequest, Msg: fmt.Sprintf("service %q is not built from a Dockerfile", name), Hint: "name a service with build:"}
	}
	p.Build = Build{Context: resolve(p.dir, s.Build.Context), Target: s.Build.Target, Args: map[string]string{}, Contexts: s.Build.Contexts}
	p.Dockerfile = resolve(p.Build.Context, orDefault(s.Build.Dockerfile, "Dockerfile"))
	for k, v := range s.Build.Args {
		if v != nil {
			p.Build.Args[k] = *v
		} else if have, ok := os.LookupEnv(k); ok {
			p.Build.Args[k] = have
		}
	}
	for _, secret := range s.Build.Secrets {
		p.Build.Secrets = append(p.Build.Secrets, p.secret(secret.Source, secret.Target))
	}
	switch ssh := s.Build.SSH.(type) {
	case []any:
		for _, v := range ssh {
			p.Build.SSH = append(p.Build.SSH, fmt.Sprint(v))
		}
	case map[string]any:
		for k, v := range ssh {
			p.Build.SSH = append(p.Build.SSH, strings.TrimSuffix(fmt.Sprintf("%s=%v", k, orNothing(v)), "="))
		}
	}
	p.Run = Spec{Entrypoint: s.Entrypoint, Command: s.Command, User: s.User, Dir: s.WorkingDir, Aliases: []string{name}}
	if h := s.Healthcheck; h != nil {
		p.Run.Health = healthTest(h.Test, h.Disable)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Environment)) {
		if v := s.Environment[k]; v != nil {
			p.Run.Env = append(p.Run.Env, k+"="+*v)
		} else if have, ok := os.LookupEnv(k); ok {
			p.Run.Env = append(p.Run.Env, k+"="+have)
		}
	}
	for _, v := range s.Volumes {
		switch v.Type {
		case "bind":
			p.Run.Binds = append(p.Run.Binds, v.Source+":"+v.Target+":ro")
			if !v.ReadOnly {
				p.note("%s is mounted read-only, so that nothing of yours changes: writing there fails here, and is not compared; where it really runs, the user of the image needs the right to write to %s", v.Target, v.Source)
			}
		case "volume":
			p.Run.Volumes = append(p.Run.Volumes, v.Target)
		default:
			p.note("the %s mount at %s is not made", v.Type, v.Target)
		}
	}
	for _, m := range s.Secrets {
		p.mount("secret", p.doc.Secrets, m.Source, path.Join("/run/secrets", orDefault(m.Target, m.Source)), m.Target)
	}
	for _, m := range s.Configs {
		p.mount("config", p.doc.Configs, m.Source, path.Join("/", orDefault(m.Target, m.Source)), m.Target)
	}
	var ignored []string
	for _, key := range notRead {
		if v := raw[key]; v != nil && v != false {
			ignored = append(ignored, key+":")
		}
	}
	if len(ignored) > 0 {
		p.note("the service's %s in the Compose file count for nothing here", strings.Join(ignored, ", "))
	}
	if s.User != "" {
		p.note("both images are run as the Compose file's user: %s, not as their own USER", s.User)
	}
	network := "default"
	if names := slices.Sorted(maps.Keys(s.Networks)); len(names) > 0 && !slices.Contains(names, network) {
		network = names[0]
	}
	p.Run.Network = p.name + "_" + network
	return nil
}

func (p *Project) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// mount puts a secret or config in its place as Compose does: a file of the
// host, read-only (compose-spec, 09-secrets.md).
func (p *Project) mount(what string, defined map[string]map[string]any, source, to, target string) {
	if path.IsAbs(target) {
		to = path.Clean(target)
	}
	file, ok := defined[source]["file"].(string)
	if !ok {
		p.note("the %s %s does not come from a file, and is not mounted at %s", what, source, to)
		return
	}
	p.Run.Binds = append(p.Run.Binds, resolve(p.dir, file)+":"+to+":ro")
}

// healthTest returns the test of a health check in the form that lists have; a
// string is for the shell (compose-spec, 05-services.md, healthcheck).
func healthTest(test any, disabled bool) []string {
	if disabled {
		return []string{"NONE"}
	}
	switch test := test.(type) {
	case string:
		return []string{"CMD-SHELL", test}
	case []any:
		var out []string
		for _, word := range test {
			out = append(out, fmt.Sprint(word))
		}
		return out
	}
	return nil
}

func orNothing(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func (p *Project) secret(source, target string) string {
	id := orDefault(target, source)
	if file, ok := p.doc.Secrets[source]["file"].(string); ok {
		return "id=" + id + ",src=" + resolve(p.dir, file)
	}
	if env, ok := p.doc.Secrets[source]["environment"].(string); ok {
		return "id=" + id + ",env=" + env
	}
	return "id=" + id
}

// needed returns the services to bring up: those that the service depends on,
// however far; where it says nothing, all that do not depend on it.
func (p *Project) needed(service string) []string {
	on := func(name string) []string {
		var s composeService
		if decode(p.doc.Services[name], &s) != nil {
			return nil
		}
		return slices.Sorted(maps.Keys(s.DependsOn))
	}
	var reach func(name string, seen map[string]bool)
	reach = func(name string, seen map[string]bool) {
		for _, d := range on(name) {
			if !seen[d] {
				seen[d] = true
				reach(d, seen)
			}
		}
	}
	seen := map[string]bool{}
	reach(service, seen)
	if len(seen) > 0 {
		return slices.Sorted(maps.Keys(seen))
	}
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(p.doc.Services)) {
		above := map[string]bool{}
		reach(name, above)
		if name != service && !above[service] && p.doc.Services[name]["profiles"] == nil {
			rest = append(rest, name)
		}
	}
	return rest
}

// Up brings the rest of the project up and waits until it is ready. Everything
// carries the label of the run, by which Close removes it.
func (p *Project) Up(ctx context.Context) error {
	if p.Alone() {
		p.Run.Network = "" // nobody made it, and nobody is there to talk to
		return nil
	}
	dir, err := os.MkdirTemp("", "harden-verify-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "compose.json")
	doc, err := json.Marshal(p.ours())
	if err == nil {
		err = os.WriteFile(file, doc, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the Compose file of this run: %w", err)
	}
	args := append(slices.Clone(p.argv[1:]), "--file", file, "--project-name", p.name, "--project-directory", p.dir, "up", "--detach", "--wait", "--quiet-pull")
	args = append(args, p.rest...)
	cmd := exec.CommandContext(ctx, p.argv[0], args...)
	log := &tailBuffer{max: 16 << 10}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if noSpace(log.String()) {
			return diskFull("bringing up the other services", lastLines(log.String(), 10))
		}
		return &Error{Kind: NothingToCompare, Msg: "the other services of the Compose project do not come up", Hint: "docker compose up shows the same", Log: lastLines(log.String(), 20), Err: err}
	}
	return nil
}

// ours is the project without what belongs to the user: names, ports on the
// host, external volumes; what is mounted from the host is read-only.
func (p *Project) ours() composeFile {
	label := map[string]any{Label: p.run}
	out := composeFile{Name: p.name, Services: map[string]map[string]any{}, Networks: map[string]any{}, Volumes: map[string]any{}, Secrets: p.doc.Secrets, Configs: p.doc.Configs}
	for name, s := range p.doc.Services {
		s = maps.Clone(s)
		delete(s, "ports")
		delete(s, "container_name")
		delete(s, "restart")
		s["labels"] = label
		if b, ok := s["build"].(map[string]any); ok {
			b = maps.Clone(b)
			b["labels"] = label
			s["build"] = b
			delete(s, "image") // the user's tag stays what it is
		}
		if mounts, ok := s["volumes"].([]any); ok {
			s["volumes"] = readOnlyBinds(mounts)
		}
		out.Services[name] = s
	}
	for name, n := range p.doc.Networks {
		out.Networks[name] = labelled(n, label)
	}
	for name, v := range p.doc.Volumes {
		out.Volumes[name] = labelled(v, label)
	}
	return out
}

func readOnlyBinds(mounts []any) []any {
	var out []any
	for _, m := range mounts {
		if mount, ok := m.(map[string]any); ok && mount["type"] == "bind" {
			mount = maps.Clone(mount)
			mount["read_only"] = true
			m = mount
		}
		out = append(out, m)
	}
	return out
}

// labelled is a network or volume of this run's own under the same key.
func labelled(v any, label map[string]any) map[string]any {
	out := map[string]any{}
	if m, ok := v.(map[string]any); ok {
		out = maps.Clone(m)
	}
	delete(out, "name")
	delete(out, "external")
	out["labels"] = label
	return out
}

// Alone reports whether the service needs nothing else.
func (p *Project) Alone() bool { return len(p.rest) == 0 }

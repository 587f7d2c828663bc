package profile

import (
	"cmp"
	"encoding/json"
	"io"
)

// schemaVersion changes when a field changes its meaning or goes away, not
// when one is added.
const schemaVersion = 1

// The types below are the document; docs/runtime.md describes it.
type (
	jsonProfile struct {
		Path            string           `json:"path,omitempty"`
		Name            string           `json:"name"`
		Image           string           `json:"image,omitempty"`
		User            string           `json:"user,omitempty"`
		UID             *int             `json:"uid,omitempty"`
		GID             *int             `json:"gid,omitempty"`
		StartsAsRoot    string           `json:"starts_as_root,omitempty"`
		CapDrop         []string         `json:"cap_drop"`
		CapAdd          []jsonCapability `json:"cap_add"`
		CapAddGuessed   bool             `json:"cap_add_guessed"`
		NoNewPrivileges jsonSetting      `json:"no_new_privileges"`
		ReadOnlyRoot    jsonSetting      `json:"read_only_root"`
		Mounts          []jsonMount      `json:"mounts"`
		Volumes         []string         `json:"volumes"`
		LowPorts        []int            `json:"low_ports"`
		PidsLimit       int              `json:"pids_limit"`
		Seccomp         string           `json:"seccomp"`
		Sandbox         string           `json:"sandbox,omitempty"`
		Migrations      []jsonMigration  `json:"migrations"`
	}
	jsonCapability struct {
		Name string `json:"name"`
		Why  string `json:"why"`
	}
	jsonSetting struct {
		Set    bool   `json:"set"`
		WhyNot string `json:"why_not,omitempty"`
	}
	jsonMount struct {
		Path string `json:"path"`
		Kind Kind   `json:"kind"`
		Mode string `json:"mode,omitempty"` // of a tmpfs
		Exec bool   `json:"exec,omitempty"`
		Code bool   `json:"code,omitempty"`
		Why  string `json:"why,omitempty"`
	}
	jsonMigration struct {
		Path    string `json:"path"`
		Volume  string `json:"volume,omitempty"`
		Host    string `json:"host,omitempty"`
		File    string `json:"file,omitempty"`
		Service string `json:"service,omitempty"`
		Command string `json:"command"`
		Compose string `json:"compose,omitempty"`
		FSGroup *int   `json:"fs_group,omitempty"`
	}
)

func writeJSON(w io.Writer, ps []*Profile) error {
	doc := struct {
		SchemaVersion int           `json:"schema_version"`
		Profiles      []jsonProfile `json:"profiles"`
	}{schemaVersion, []jsonProfile{}}
	for _, p := range ps {
		doc.Profiles = append(doc.Profiles, p.json())
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func (p *Profile) json() jsonProfile {
	out := jsonProfile{
		Path: p.Path, Name: p.Name, Image: p.Image, User: p.User, UID: known(p.UID), GID: known(p.GID), StartsAsRoot: p.Root,
		CapDrop: []string{"ALL"}, CapAdd: []jsonCapability{}, CapAddGuessed: p.Guess,
		NoNewPrivileges: setting(p.NewPrivileges), ReadOnlyRoot: setting(p.ReadOnly),
		Mounts: []jsonMount{}, Volumes: append([]string{}, p.Volumes...), LowPorts: append([]int{}, p.LowPorts...),
		PidsLimit: PidsLimit, Seccomp: cmp.Or(p.Seccomp, "RuntimeDefault"), Sandbox: p.Sandbox, Migrations: []jsonMigration{},
	}
	for _, c := range p.Add {
		out.CapAdd = append(out.CapAdd, jsonCapability(c))
	}
	for _, m := range p.Mounts {
		out.Mounts = append(out.Mounts, jsonMount(m))
	}
	for _, m := range p.Migrations {
		j := jsonMigration{Path: m.Path, Volume: m.Volume, Host: m.Host, File: m.File, Service: m.Service, Command: m.Command(), Compose: m.ComposeService()}
		if m.Host == "" {
			j.FSGroup = known(m.group)
		}
		out.Migrations = append(out.Migrations, j)
	}
	return out
}

func setting(whyNot string) jsonSetting { return jsonSetting{whyNot == "", whyNot} }

func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

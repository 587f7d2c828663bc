package report

import (
	"strings"

	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/pkg/rewrite"
)

// runFlags returns the flags of docker run for the second half of the job: what
// a container of the image may be denied.
func runFlags(p *rewrite.Profile) string {
	flags := []string{"--cap-drop ALL"}
	for _, c := range p.Capabilities {
		flags = append(flags, "--cap-add "+c.Name)
	}
	if p.NewPrivileges == "" {
		flags = append(flags, "--security-opt no-new-privileges")
	}
	if p.Seccomp != "" {
		flags = append(flags, "--security-opt seccomp="+p.Seccomp)
	}
	return strings.Join(flags, " ")
}

// jsonRuntime is the profile in the JSON report.
type jsonRuntime struct {
	CapAdd          []jsonCapability `json:"cap_add"`
	CapAddGuessed   bool             `json:"cap_add_guessed,omitempty"`
	NoNewPrivileges bool             `json:"no_new_privileges"`
	NewPrivileges   string           `json:"new_privileges_why,omitempty"`
	Writable        []jsonWritable   `json:"writable"`
	Volumes         []string         `json:"volumes,omitempty"`
	Ports           []int            `json:"ports,omitempty"`
	LowPorts        []int            `json:"low_ports,omitempty"`
	Sandbox         string           `json:"sandbox,omitempty"`
	Seccomp         string           `json:"seccomp,omitempty"`
}

type jsonCapability struct {
	Name string `json:"name"`
	Why  string `json:"why,omitempty"`
}

type jsonWritable struct {
	Path string `json:"path"`
	Why  string `json:"why,omitempty"`
	File bool   `json:"file,omitempty"`
	Code bool   `json:"code,omitempty"`
}

// newJSONRuntime returns the profile of a result. The capabilities are those that harden
// runtime prints, among them what an image may need that keeps root.
func newJSONRuntime(res *rewrite.Result) *jsonRuntime {
	p := &res.Profile
	add, guessed := p.Capabilities, false
	if full, err := profile.New(res, profile.Options{}); err == nil {
		add, guessed = full.Add, full.Guess
	}
	out := &jsonRuntime{
		CapAdd: []jsonCapability{}, CapAddGuessed: guessed, Sandbox: p.Sandbox, Seccomp: p.Seccomp, NoNewPrivileges: p.NewPrivileges == "", NewPrivileges: p.NewPrivileges,
		Writable: []jsonWritable{}, Volumes: p.Volumes, Ports: p.Ports, LowPorts: p.LowPorts,
	}
	for _, c := range add {
		out.CapAdd = append(out.CapAdd, jsonCapability{c.Name, c.Why})
	}
	for _, w := range p.Writable {
		out.Writable = append(out.Writable, jsonWritable{w.Path, w.Why, w.File, w.Code})
	}
	return out
}

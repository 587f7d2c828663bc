package report

import (
	"strings"

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
	return strings.Join(flags, " ")
}

// jsonRuntime is the profile in the JSON report.
type jsonRuntime struct {
	CapAdd          []jsonCapability `json:"cap_add"`
	NoNewPrivileges bool             `json:"no_new_privileges"`
	NewPrivileges   string           `json:"new_privileges_why,omitempty"`
	Writable        []jsonWritable   `json:"writable"`
	Volumes         []string         `json:"volumes,omitempty"`
	Ports           []int            `json:"ports,omitempty"`
	LowPorts        []int            `json:"low_ports,omitempty"`
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

func newJSONRuntime(p *rewrite.Profile) *jsonRuntime {
	out := &jsonRuntime{
		CapAdd: []jsonCapability{}, NoNewPrivileges: p.NewPrivileges == "", NewPrivileges: p.NewPrivileges,
		Writable: []jsonWritable{}, Volumes: p.Volumes, Ports: p.Ports, LowPorts: p.LowPorts,
	}
	for _, c := range p.Capabilities {
		out.CapAdd = append(out.CapAdd, jsonCapability{c.Name, c.Why})
	}
	for _, w := range p.Writable {
		out.Writable = append(out.Writable, jsonWritable{w.Path, w.Why, w.File, w.Code})
	}
	return out
}

package profile

import (
	"fmt"
	"io"
	"strings"
)

// A Format is a way to write profiles.
type Format struct {
	Name string
	Doc  string // one line for --help
	// Write writes the profiles of a run as one text.
	Write func(io.Writer, []*Profile) error
}

// Formats lists the formats; the first is the default.
var Formats = []Format{
	{"docker", "a docker run command", func(w io.Writer, ps []*Profile) error { return commands(w, ps, docker) }},
	{"compose", "a Compose file", writeCompose},
	{"kubernetes", "a Pod", writeKubernetes},
	{"podman", "a podman run command", func(w io.Writer, ps []*Profile) error { return commands(w, ps, podman) }},
	{"json", "one JSON document, see docs/runtime.md", writeJSON},
}

// FormatNames returns the names of Formats.
func FormatNames() []string {
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return names
}

// FormatByName returns the format of that name.
func FormatByName(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// image returns the reference of the image, or what stands for it.
func (p *Profile) image() string {
	if p.Image != "" {
		return p.Image
	}
	return "IMAGE"
}

// reasons says in whole sentences why the settings are not stricter, for
// comments.
func (p *Profile) reasons(e engine) []string {
	var out []string
	if p.Root != "" {
		out = append(out, "Starts as root: "+p.Root+".")
	}
	if p.Guess {
		out = append(out, "Which of its capabilities it needs is not known; harden verify --learn finds out.")
	}
	if p.NewPrivileges != "" {
		out = append(out, "Not no-new-privileges: "+p.NewPrivileges+".")
	}
	if p.Sandbox != "" {
		out = append(out, p.Sandbox)
	}
	if p.HostFiles != "" && p.Root == "" && e != onKubernetes {
		out = append(out, p.HostFiles)
	}
	if why := p.readOnlyOn(e); why != "" {
		out = append(out, "Not a read-only root: "+why+".")
	}
	if e == onKubernetes && p.Root == "" && p.UID < 0 {
		out = append(out, "Not runAsNonRoot: the number of user "+p.User+" is not known, and the kubelet takes no names.")
	}
	for i, s := range out {
		out[i] = oneLine(strings.TrimSuffix(strings.TrimSuffix(s, "."), ".") + ".")
	}
	return out
}

// portNote says where low ports need something.
func (p *Profile) portNote() string {
	if len(p.LowPorts) == 0 || p.Root != "" {
		return ""
	}
	return fmt.Sprintf("Port %s is open to every user on Docker since 20.10; not with --network host.", ports(p.LowPorts))
}

func ports(list []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ", ")
}

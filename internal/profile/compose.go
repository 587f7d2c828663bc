package profile

import (
	"fmt"
	"io"
	"strconv"
)

// writeCompose writes a Compose file with a service for each image.
func writeCompose(w io.Writer, ps []*Profile) error {
	var services []field
	taken := map[string]bool{}
	for _, p := range ps {
		services = append(services, entry(free(label(p.Name), taken), mapping(p.service()...)))
	}
	_, err := io.WriteString(w, render(mapping(entry("services", mapping(services...)))))
	return err
}

// free makes a name unique.
func free(name string, taken map[string]bool) string {
	unique := name
	for i := 2; taken[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	taken[unique] = true
	return unique
}

// service returns the fields of a service (compose specification, 05-services.md).
func (p *Profile) service() []field {
	fields := []field{entry("image", text(p.image())).explained(p.reasons(onCompose)...)}
	if p.User != "" {
		fields = append(fields, entry("user", text(p.User)))
	}
	fields = append(fields, entry("cap_drop", list(text("ALL"))))
	if len(p.Add) > 0 {
		fields = append(fields, entry("cap_add", list(p.added()...)))
	}
	var security []value
	if p.NewPrivileges == "" {
		security = append(security, text("no-new-privileges:true"))
	}
	if p.Seccomp != "" {
		security = append(security, text("seccomp:"+p.Seccomp))
	}
	if len(security) > 0 {
		fields = append(fields, entry("security_opt", list(security...)))
	}
	if p.readOnlyOn(onCompose) == "" {
		fields = append(fields, entry("read_only", boolean(true)))
		fields = append(fields, p.mountFields()...)
	}
	pids := entry("pids_limit", plain("!!int", strconv.Itoa(PidsLimit)))
	if note := p.portNote(); note != "" {
		pids = pids.explained(note)
	}
	return append(fields, pids)
}

// mountFields returns what makes the write set writable.
func (p *Profile) mountFields() []field {
	var tmpfs, volumes []value
	var declared []string
	for _, m := range p.mountsOn(onCompose) {
		switch m.Kind {
		case Tmpfs:
			tmpfs = append(tmpfs, text(p.tmpfs(m)).because(m.Why))
		case Volume:
			volumes = append(volumes, text(m.Path).because(m.Why+"; with a name, its data outlives the service"))
		case Declared:
			declared = append(declared, m.Path+" is a volume of the image, and writable as one.")
		}
	}
	fields := []field{entry("tmpfs", list(tmpfs...)).explained(declared...)}
	if len(volumes) > 0 {
		fields = append(fields, entry("volumes", list(volumes...)))
	}
	return fields
}

// added returns the capabilities to add, with their reasons.
func (p *Profile) added() []value {
	var out []value
	for _, c := range p.Add {
		out = append(out, text(c.Name).because(c.Why))
	}
	return out
}

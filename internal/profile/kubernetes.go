package profile

import (
	"io"
	"slices"
	"strconv"
)

// writeKubernetes writes a Pod for each image.
func writeKubernetes(w io.Writer, ps []*Profile) error {
	taken := map[string]bool{}
	for i, p := range ps {
		doc := render(p.podDocument(free(label(p.Name), taken)))
		if i > 0 {
			doc = "---\n" + doc
		}
		if _, err := io.WriteString(w, doc); err != nil {
			return err
		}
	}
	return nil
}

// podDocument returns a pod that the Pod Security Standard "restricted"
// accepts, where the image runs without root.
func (p *Profile) podDocument(name string) value {
	container := []field{
		entry("name", text(name)),
		entry("image", text(p.image())),
		entry("securityContext", mapping(p.containerContext()...)),
	}
	spec := []field{entry("securityContext", mapping(p.podContext()...))}
	var mounts, volumes []value
	taken := map[string]bool{}
	for _, m := range p.mountsOn(onKubernetes) {
		volume := volumeName(m.Path, taken)
		mounts = append(mounts, volumeMount(volume, m).because(m.Why))
		volumes = append(volumes, emptyDir(volume, m))
	}
	if len(mounts) > 0 {
		container = append(container, entry("volumeMounts", list(mounts...)))
	}
	spec = append(spec, entry("containers", list(mapping(container...))))
	if len(volumes) > 0 {
		spec = append(spec, entry("volumes", list(volumes...)))
	}
	return mapping(
		entry("apiVersion", text("v1")).explained(p.reasons(onKubernetes)...),
		entry("kind", text("Pod")),
		entry("metadata", mapping(entry("name", text(name)))),
		entry("spec", mapping(spec...)),
	)
}

// podContext is the security context of the pod.
func (p *Profile) podContext() []field {
	var fields []field
	if p.Root == "" && p.UID >= 0 {
		fields = append(fields, entry("runAsNonRoot", boolean(true)), entry("runAsUser", plain("!!int", strconv.Itoa(p.UID))))
		// Without a group the engine takes that of the account, and its
		// further groups with it.
		if p.User != strconv.Itoa(p.UID) && p.GID >= 0 {
			fields = append(fields, entry("runAsGroup", plain("!!int", strconv.Itoa(p.GID))))
		}
	}
	if g := p.Group(); g > 0 && p.keepsData() {
		fields = append(fields, entry("fsGroup", plain("!!int", strconv.Itoa(g))).explained("Volumes that were filled as root become the group's."),
			entry("fsGroupChangePolicy", text("OnRootMismatch")))
	}
	fields = append(fields, entry("seccompProfile", mapping(entry("type", text("RuntimeDefault")))))
	if len(p.LowPorts) > 0 && p.Root == "" {
		fields = append(fields, entry("sysctls", list(portSetting())))
	}
	return fields
}

// keepsData reports whether something is mounted that outlives a container, or
// that the image means to.
func (p *Profile) keepsData() bool {
	return len(p.of(Declared)) > 0 || slices.ContainsFunc(p.mountsOn(onKubernetes), func(m Mount) bool { return m.Kind == Volume })
}

func (p *Profile) containerContext() []field {
	capabilities := []field{entry("drop", list(text("ALL")))}
	if len(p.Add) > 0 {
		capabilities = append(capabilities, entry("add", list(p.added()...)))
	}
	var fields []field
	if p.NewPrivileges == "" {
		fields = append(fields, entry("allowPrivilegeEscalation", boolean(false)))
	}
	fields = append(fields, entry("capabilities", mapping(capabilities...)))
	if p.readOnlyOn(onKubernetes) == "" {
		fields = append(fields, entry("readOnlyRootFilesystem", boolean(true)))
	}
	return fields
}

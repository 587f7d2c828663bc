package profile

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A pod is the specification of a pod in a manifest.
type pod struct {
	kind, name string
	spec       *yaml.Node
}

// podPaths are where the objects of Kubernetes have the specification of their
// pods.
var podPaths = map[string][]string{
	"Pod":                   {"spec"},
	"Deployment":            {"spec", "template", "spec"},
	"StatefulSet":           {"spec", "template", "spec"},
	"DaemonSet":             {"spec", "template", "spec"},
	"ReplicaSet":            {"spec", "template", "spec"},
	"ReplicationController": {"spec", "template", "spec"},
	"Job":                   {"spec", "template", "spec"},
	"CronJob":               {"spec", "jobTemplate", "spec", "template", "spec"},
}

// pods returns what the documents of a stream, and the items of its lists, run.
func (f *yamlFile) pods() []pod {
	var out []pod
	for _, doc := range f.docs {
		objects := []*yaml.Node{doc}
		if str(lookup(doc, "kind")) == "List" {
			objects = elements(lookup(doc, "items"))
		}
		for _, o := range objects {
			kind := str(lookup(o, "kind"))
			spec := o
			for _, key := range podPaths[kind] {
				spec = target(lookup(spec, key))
			}
			if podPaths[kind] != nil && spec != nil && spec.Kind == yaml.MappingNode && len(spec.Content) > 0 {
				out = append(out, pod{kind, str(lookup(lookup(o, "metadata"), "name")), spec})
			}
		}
	}
	return out
}

// A container is one container of a pod.
type container struct {
	pod
	name string
	node *yaml.Node
}

// String names the container as --container takes it.
func (c container) String() string {
	return strings.Join(slices.DeleteFunc([]string{c.kind, c.pod.name, c.name}, func(s string) bool { return s == "" }), "/")
}

func (p *Profile) patchPods(f *yamlFile, pods []pod, where Where) (*Patch, error) {
	var all []container
	for _, pod := range pods {
		for _, n := range elements(lookup(pod.spec, "containers")) {
			if n.Kind == yaml.MappingNode {
				all = append(all, container{pod, str(lookup(n, "name")), n})
			}
		}
	}
	c, err := chooseContainer(all, where)
	if err != nil {
		return nil, err
	}
	if str(inherited(inherited(c.spec, "os"), "name")) == "windows" {
		return nil, ErrWindows
	}
	if f.shared(c.node) || f.shared(c.spec) {
		return nil, fmt.Errorf("line %d: container %s is used in other places through an anchor", c.node.Line, oneLine(c.String()))
	}
	k := &podPatcher{patcher: patcher{Profile: p, f: f}, container: c}
	k.merge()
	return k.finish("container " + c.String())
}

// chooseContainer returns the container that is meant.
func chooseContainer(all []container, where Where) (container, error) {
	filter := func(keep func(container) bool) []container {
		var out []container
		for _, c := range all {
			if keep(c) {
				out = append(out, c)
			}
		}
		return out
	}
	listed := func(cs []container) string {
		var out []string
		for _, c := range cs {
			out = append(out, c.String())
		}
		return oneLine(names(out))
	}
	if len(all) == 0 {
		return container{}, fmt.Errorf("%w: it has no containers", ErrNoMatch)
	}
	var found []container
	if where.Name != "" {
		found = filter(func(c container) bool {
			return c.name == where.Name || strings.EqualFold(c.String(), where.Name) || c.pod.name+"/"+c.name == where.Name
		})
		if len(found) == 0 {
			return container{}, fmt.Errorf("there is no container %s; there are %s", oneLine(where.Name), listed(all))
		}
	} else {
		image := func(c container) string { return str(lookup(c.node, "image")) }
		found = filter(func(c container) bool { return sameImage(image(c), where.Image) })
		if len(found) == 0 {
			found = filter(func(c container) bool { return where.Dockerfile != "" && namedAfter(image(c), where.Dockerfile) })
		}
		if len(found) == 0 && where.Image == "" && where.Only && len(all) == 1 {
			found = all
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return container{}, fmt.Errorf("%w: say with --container, or with --image, which of %s runs it", ErrNoMatch, listed(all))
	}
	return container{}, fmt.Errorf("it could be any of %s; name one with --container, and run harden again for the others", listed(found))
}

// A podPatcher merges the profile into one container and its pod.
type podPatcher struct {
	patcher
	container
}

func (k *podPatcher) merge() {
	own, pod := inherited(k.node, "securityContext"), inherited(k.spec, "securityContext")
	if n := inherited(own, "privileged"); str(n) == "true" {
		k.note(n, "privileged: true gives the container everything; nothing else would mean anything beside it")
		return
	}
	var fields []field
	want := func(key string, v value) {
		if have := inherited(own, key); have != nil {
			k.compare(key, have, v)
			return
		}
		// A setting of the container beats that of its pod, so it is left
		// out where the pod says something.
		if have := inherited(pod, key); have != nil && podWide[key] {
			k.compare(key, have, v)
			return
		}
		fields = append(fields, entry(key, v))
	}
	nonRoot := k.userFields(own, pod, want)
	k.escalation(own, want)
	var mounts, volumes []value
	if nonRoot {
		fields = append(fields, k.capabilities(own)...)
		mounts, volumes = k.readOnly(own, want)
	}
	want("seccompProfile", mapping(entry("type", text("RuntimeDefault"))))
	k.merged(k.node, "securityContext", fields)
	k.grow(k.node, "volumeMounts", mounts...)
	if nonRoot {
		k.podFields(pod)
	}
	k.grow(k.spec, "volumes", volumes...)
}

// podWide are the fields that a pod and its containers both have
// (PodSecurityContext of the core/v1 API).
var podWide = map[string]bool{"runAsUser": true, "runAsGroup": true, "runAsNonRoot": true, "seccompProfile": true}

// compare says where the owner's setting is weaker than the profile's.
func (k *podPatcher) compare(key string, have *yaml.Node, want value) {
	switch {
	case want.kind == yaml.MappingNode:
		if t := str(inherited(have, "type")); t == "Unconfined" {
			k.note(have, "%s.type: %s stays", key, t)
		}
	case str(have) != want.text:
		k.note(have, "%s: %s stays; the profile has %s", key, str(have), want.text)
	}
}

// userFields asks for the user. It returns false when the owner keeps the
// container root, so that nothing is taken away that root may need.
func (k *podPatcher) userFields(own, pod *yaml.Node, want func(string, value)) bool {
	other := false // the owner has chosen another user
	for _, sc := range []*yaml.Node{own, pod} {
		n := inherited(sc, "runAsUser")
		if n == nil {
			continue
		}
		if isRoot(str(n)) && k.Root == "" {
			k.note(n, "runAsUser: %s keeps the container root although the image runs as %s; remove the line, and run harden again for the rest", str(n), k.User)
			return false
		}
		other = str(n) != strconv.Itoa(k.UID)
		break
	}
	if k.Root != "" {
		return true
	}
	if k.UID < 0 {
		k.note(k.node, "runAsNonRoot is not set: the image's user %s has no number that is known, and the kubelet refuses names", k.User)
		return true
	}
	want("runAsNonRoot", boolean(true))
	want("runAsUser", plain("!!int", strconv.Itoa(k.UID)))
	if _, group, _ := strings.Cut(k.User, ":"); group != "" && k.GID >= 0 && !other {
		want("runAsGroup", plain("!!int", strconv.Itoa(k.GID)))
	}
	return true
}

func (k *podPatcher) escalation(own *yaml.Node, want func(string, value)) {
	// The API refuses allowPrivilegeEscalation: false beside CAP_SYS_ADMIN
	// (ValidateSecurityContext of Kubernetes).
	admin := slices.Contains(upper(strs(inherited(inherited(own, "capabilities"), "add"))), "SYS_ADMIN")
	switch {
	case k.NewPrivileges != "" || admin:
		if inherited(own, "allowPrivilegeEscalation") == nil {
			why := k.NewPrivileges
			if why == "" {
				why = "the container has SYS_ADMIN"
			}
			k.note(k.node, "allowPrivilegeEscalation is not set to false: %s", why)
		}
	default:
		want("allowPrivilegeEscalation", boolean(false))
	}
}

// capabilities returns the fields to be added to the security context, and
// extends the lists that are there.
func (k *podPatcher) capabilities(own *yaml.Node) []field {
	have := inherited(own, "capabilities")
	added := upper(strs(inherited(have, "add")))
	for _, name := range added {
		if !k.needs(name) {
			k.note(inherited(have, "add"), "capabilities.add: %s stays; nothing is known that needs it", name)
		}
	}
	var add []value
	for _, need := range k.Add {
		if !slices.Contains(added, need.Name) && !slices.Contains(added, "ALL") {
			add = append(add, text(need.Name).because(need.Why))
		}
	}
	if have == nil || have.Kind != yaml.MappingNode {
		fields := []field{entry("drop", list(text("ALL")))}
		if len(add) > 0 {
			fields = append(fields, entry("add", list(add...)))
		}
		if have == nil {
			return []field{entry("capabilities", mapping(fields...))}
		}
		k.f.add(have, fields...)
		return nil
	}
	if k.f.shared(have) {
		k.note(have, "capabilities are shared through an anchor; add drop: [ALL] there")
		return nil
	}
	if !slices.Contains(upper(strs(inherited(have, "drop"))), "ALL") {
		k.grow(have, "drop", text("ALL"))
	}
	k.grow(have, "add", add...)
	return nil
}

// readOnly makes the root read-only and returns what has to be mounted for it.
func (k *podPatcher) readOnly(own *yaml.Node, want func(string, value)) (mounts, volumes []value) {
	have := inherited(own, "readOnlyRootFilesystem")
	if have != nil && str(have) != "true" {
		k.note(have, "readOnlyRootFilesystem: %s stays", str(have))
		return nil, nil
	}
	if context := lookup(k.node, "securityContext"); have == nil && context != nil && (context.Kind == yaml.AliasNode || k.f.shared(context)) {
		want("readOnlyRootFilesystem", boolean(true)) // which becomes a note
		return nil, nil
	}
	if why := k.readOnlyOn(onKubernetes); why != "" {
		if have == nil {
			k.note(k.node, "readOnlyRootFilesystem is not set: %s", why)
		}
		return nil, nil
	}
	taken := map[string]bool{}
	for _, v := range elements(inherited(k.spec, "volumes")) {
		taken[str(lookup(v, "name"))] = true
	}
	for _, m := range k.mountsOn(onKubernetes) {
		if k.mounted(m) {
			continue
		}
		name := volumeName(m.Path, taken)
		mounts = append(mounts, volumeMount(name, m))
		volumes = append(volumes, emptyDir(name, m))
	}
	if !k.canGrow(k.node, "volumeMounts", mounts...) || !k.canGrow(k.spec, "volumes", volumes...) {
		return nil, nil
	}
	if have == nil {
		want("readOnlyRootFilesystem", boolean(true))
	}
	return mounts, volumes
}

func (k *podPatcher) mounted(m Mount) bool {
	return slices.ContainsFunc(elements(inherited(k.node, "volumeMounts")), func(n *yaml.Node) bool {
		at := str(lookup(n, "mountPath"))
		return at != "" && within(m.Path, path.Clean(at))
	})
}

// podFields sets what only a pod has.
func (k *podPatcher) podFields(pod *yaml.Node) {
	var fields []field
	if g := k.Group(); g > 0 && k.hasVolumes() {
		if inherited(pod, "fsGroup") == nil {
			fields = append(fields, entry("fsGroup", plain("!!int", strconv.Itoa(g))))
			if inherited(pod, "fsGroupChangePolicy") == nil {
				fields = append(fields, entry("fsGroupChangePolicy", text("OnRootMismatch")))
			}
		}
	}
	host := inherited(k.spec, "hostNetwork")
	switch {
	case len(k.LowPorts) == 0 || k.Root != "":
	case str(host) == "true":
		k.note(host, "on the host's network port %d is closed to %s; let the program listen above 1023", k.LowPorts[0], k.User)
	case inherited(pod, "sysctls") == nil:
		fields = append(fields, entry("sysctls", list(portSetting())))
	case !k.hasSysctl(pod):
		k.grow(pod, "sysctls", portSetting())
	}
	k.merged(k.spec, "securityContext", fields)
}

func (k *podPatcher) hasSysctl(pod *yaml.Node) bool {
	return slices.ContainsFunc(elements(inherited(pod, "sysctls")), func(n *yaml.Node) bool { return str(lookup(n, "name")) == portSysctl })
}

func portSetting() value {
	return mapping(entry("name", text(portSysctl)), entry("value", text("0"))).
		because("CRI-O and containerd before 2.0 close ports below 1024 otherwise")
}

// hasVolumes reports whether the pod keeps data that an earlier, privileged
// container may have written.
func (k *podPatcher) hasVolumes() bool {
	if slices.ContainsFunc(k.Mounts, func(m Mount) bool { return m.Kind != Tmpfs }) {
		return true
	}
	return slices.ContainsFunc(elements(inherited(k.spec, "volumes")), func(v *yaml.Node) bool {
		return lookup(v, "persistentVolumeClaim") != nil || lookup(v, "ephemeral") != nil || lookup(v, "csi") != nil
	}) || slices.ContainsFunc(elements(inherited(k.node, "volumeMounts")), func(n *yaml.Node) bool {
		// A claim template of a StatefulSet is not among the volumes.
		name := str(lookup(n, "name"))
		return !slices.ContainsFunc(elements(inherited(k.spec, "volumes")), func(v *yaml.Node) bool { return str(lookup(v, "name")) == name })
	})
}

// merged adds fields to a mapping that may not be there yet.
func (k *podPatcher) merged(m *yaml.Node, key string, fields []field) {
	if len(fields) == 0 {
		return
	}
	keyNode, have := pair(m, key)
	switch {
	case have == nil:
		k.f.add(m, entry(key, mapping(fields...)))
	case have.Kind == yaml.AliasNode || k.f.shared(have):
		var keys []string
		for _, fd := range fields {
			keys = append(keys, fd.key)
		}
		k.note(keyNode, "%s is shared through an anchor; add %s there", key, strings.Join(keys, ", "))
	default:
		k.f.add(have, fields...)
	}
}

// volumeName makes a name for the volume at a path, as Kubernetes has names:
// letters, digits and dashes, at most 63 of them (RFC 1123).
func volumeName(dir string, taken map[string]bool) string {
	base := label(strings.Trim(dir, "/"))
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base[:min(len(base), 59)], i)
	}
	taken[name] = true
	return name
}

func label(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	out := strings.Trim(b.String()[:min(b.Len(), 63)], "-")
	if out == "" {
		return "app"
	}
	return out
}

func volumeMount(name string, m Mount) value {
	return mapping(entry("name", text(name)), entry("mountPath", text(m.Path)))
}

// emptyDir is a volume that starts empty and that anybody in the pod may write
// to: the kubelet makes it with mode 0777.
func emptyDir(name string, m Mount) value {
	dir := entry("emptyDir", empty())
	if m.Kind != Tmpfs {
		dir.value = dir.value.because("a persistentVolumeClaim, if the data is to stay")
	}
	return mapping(entry("name", text(name)), dir)
}

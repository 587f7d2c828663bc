package profile

import (
	"fmt"
	"path"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite"
)

// A Migration is a volume that a running installation may have filled while
// the image ran as root. A new volume starts with the owner that the image's
// directory has; an old one keeps root's files, and the program cannot write
// to them: the most frequent reason for which a change to non-root is taken
// back.
type Migration struct {
	Path    string // in the container
	Volume  string // named volume; "VOLUME" when the file does not say
	Host    string // directory of the host instead of a volume
	File    string // Compose file that mounts it, "" for a VOLUME of the image
	Service string // of the Compose file

	owner, image string
	group        int
	chown        bool
}

// busybox has chown for images that have no tools of their own.
const busybox = "busybox:stable"

// Migrations returns the notes on the volumes of a hardened image, for the
// normal report and for pull requests. There are none when the image was not
// root before.
func Migrations(res *rewrite.Result, services []rewrite.Service) []Migration {
	if !res.Profile.FromRoot {
		return nil
	}
	p, err := New(res, Options{Services: services})
	if err != nil {
		return nil
	}
	return p.Migrations
}

// migrations lists the volumes of the services that run the image, and the
// volumes that it declares and no service mounts.
func migrations(p *Profile, services []rewrite.Service) []Migration {
	if p.Root != "" || p.Owner() == "" {
		return nil
	}
	var out []Migration
	seen := map[string]bool{}
	mounted := map[string]bool{}
	as := p
	add := func(m Migration) {
		m.owner, m.image, m.group, m.chown = as.Owner(), p.image(), as.Group(), p.chown
		mounted[m.Path] = true
		if key := m.Volume + "\x00" + m.Host + "\x00" + m.Path; !seen[key] {
			seen[key] = true
			out = append(out, m)
		}
	}
	for _, s := range services {
		if as = p; s.User != "" && s.User != p.User {
			as = p.as(s.User)
		}
		if isRoot(as.User) {
			continue // its files may stay root's
		}
		for _, v := range s.Volumes {
			if v.ReadOnly || v.Source == "" {
				continue // what is only read needs no owner; an anonymous volume has no past
			}
			add(Migration{Path: path.Clean(v.Target), Volume: v.Source, File: s.File, Service: s.Name})
		}
		for _, b := range s.BindMounts {
			if !b.ReadOnly && !isSocket(b.Target) {
				add(Migration{Path: path.Clean(b.Target), Host: b.Source, File: s.File, Service: s.Name})
			}
		}
	}
	as = p
	for _, v := range p.Volumes {
		if v = path.Clean(v); !mounted[v] && v != "/tmp" && v != "/var/tmp" { // those are open to all
			add(Migration{Path: v, Volume: "VOLUME"})
		}
	}
	return out
}

func isSocket(name string) bool { return strings.HasSuffix(name, ".sock") }

// Command is the one-off command that gives the old files to the user. The
// entry point is replaced: it would take chown for one of its arguments.
func (m Migration) Command() string {
	if m.Host != "" {
		return fmt.Sprintf("sudo chown -R %s %s", shell(m.owner), shell(m.Host))
	}
	if m.Service != "" && m.chown {
		return fmt.Sprintf("docker compose%s run --rm --no-deps -u 0 --cap-add CHOWN --entrypoint chown %s -R %s %s", m.file(), shell(m.Service), shell(m.owner), shell(m.Path))
	}
	volume := m.Volume
	if m.Service != "" {
		volume = "PROJECT_" + volume // Compose puts the project's name before it
	}
	if !m.chown {
		return fmt.Sprintf("docker run --rm -u 0 -v %s:/p %s chown -R %s /p", shell(volume), busybox, shell(m.owner))
	}
	return fmt.Sprintf("docker run --rm -u 0 -v %s:/p --entrypoint chown %s -R %s /p", shell(volume), shell(m.image), shell(m.owner))
}

// file is the flag that names the Compose file, where Compose does not find it
// by itself (compose specification, 03-compose-file.md).
func (m Migration) file() string {
	switch path.Base(m.File) {
	case "", ".", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml":
		return ""
	}
	return " -f " + shell(m.File)
}

// ComposeService is a service that does the same before each start of the
// other one: fast when there is nothing to do, and right for new volumes, too.
func (m Migration) ComposeService() string {
	if m.Host != "" {
		return ""
	}
	name := m.Service
	if name == "" {
		name = "app"
	}
	init := mapping(
		entry("image", text(busybox)),
		entry("command", flow(text("chown"), text("-R"), text(m.owner), text("/p"))),
		entry("user", text("0:0")),
		entry("network_mode", text("none")),
		entry("cap_drop", flow(text("ALL"))),
		entry("cap_add", flow(text("CHOWN"), text("DAC_READ_SEARCH"))),
		entry("volumes", list(text(m.Volume+":/p"))),
	)
	waits := mapping(entry("depends_on", mapping(entry(name+"-owner", mapping(entry("condition", text("service_completed_successfully")))))))
	return render(mapping(entry("services", mapping(entry(name+"-owner", init), entry(name, waits)))))
}

// Kubernetes is what does the same in a pod: the kubelet gives the volume to
// the group when it mounts it.
func (m Migration) Kubernetes() string {
	if m.Host != "" || m.group < 0 {
		return ""
	}
	return fmt.Sprintf("securityContext: {fsGroup: %d, fsGroupChangePolicy: OnRootMismatch}", m.group)
}

// What names the volume for people.
func (m Migration) What() string {
	switch {
	case m.Host != "":
		return fmt.Sprintf("%s of the host, at %s in service %s", oneLine(m.Host), oneLine(m.Path), oneLine(m.Service))
	case m.Service != "":
		return fmt.Sprintf("volume %s, at %s in service %s", oneLine(m.Volume), oneLine(m.Path), oneLine(m.Service))
	}
	return fmt.Sprintf("what is mounted at %s", oneLine(m.Path))
}

// MigrationText is the note for a terminal, "" when there are no volumes.
func MigrationText(ms []Migration) string {
	if len(ms) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Volumes that were filled as root stay root's. Once, before the first start of the new image:\n")
	for _, m := range ms {
		fmt.Fprintf(&b, "  %s:\n    %s\n", m.What(), oneLine(m.Command()))
	}
	if s := composeInit(ms); s != "" {
		b.WriteString("  or at every start, by Compose:\n")
		for line := range strings.Lines(s) {
			b.WriteString("    " + line)
		}
	}
	if k := kubernetes(ms); k != "" {
		fmt.Fprintf(&b, "  in Kubernetes, in the pod's spec:\n    %s\n", k)
	}
	return b.String()
}

// composeInit is the service that does it for the first volume; that there are
// more of them is seen from the commands.
func composeInit(ms []Migration) string {
	for _, m := range ms {
		if s := m.ComposeService(); s != "" {
			return s
		}
	}
	return ""
}

func kubernetes(ms []Migration) string {
	for _, m := range ms {
		if k := m.Kubernetes(); k != "" {
			return k
		}
	}
	return ""
}

// MigrationMarkdown is the note for the text of a pull request.
func MigrationMarkdown(ms []Migration) string {
	if len(ms) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("### Before you deploy this\n\nNew volumes get the right owner by themselves. Volumes that were filled while the image ran as root hold root's files, ")
	fmt.Fprintf(&b, "which the program could then not write. Give them to %s once:\n\n```sh\n", code(ms[0].owner))
	for _, m := range ms {
		fmt.Fprintf(&b, "# %s\n%s\n", m.What(), fence(m.Command()))
	}
	b.WriteString("```\n")
	if s := composeInit(ms); s != "" {
		fmt.Fprintf(&b, "\nOr let Compose do it at every start:\n\n```yaml\n%s```\n", fence(s))
	}
	if k := kubernetes(ms); k != "" {
		fmt.Fprintf(&b, "\nIn Kubernetes the kubelet does it, with this in the pod's spec:\n\n```yaml\n%s\n```\n", k)
	}
	return b.String()
}

func code(s string) string { return "`" + strings.ReplaceAll(oneLine(s), "`", "'") + "`" }

// fence keeps text from ending the block of code it stands in.
func fence(s string) string { return strings.ReplaceAll(s, "```", "'''") }

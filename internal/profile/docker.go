package profile

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// commands writes one command for each image.
func commands(w io.Writer, ps []*Profile, write func(*Profile) string) error {
	for i, p := range ps {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, write(p)); err != nil {
			return err
		}
	}
	return nil
}

// A commandLine is a shell command with comments above it: there is no place
// for them between lines that continue each other.
type commandLine struct {
	comments []string
	words    []string
}

func (c *commandLine) say(s string) {
	if s != "" {
		c.comments = append(c.comments, oneLine(s))
	}
}

func (c *commandLine) flag(words ...string) {
	for i, w := range words {
		words[i] = shell(w)
	}
	c.words = append(c.words, strings.Join(words, " "))
}

func (c *commandLine) String() string {
	var b strings.Builder
	for _, s := range c.comments {
		b.WriteString("# " + s + "\n")
	}
	b.WriteString(strings.Join(c.words, " \\\n  ") + "\n")
	return b.String()
}

func docker(p *Profile) string {
	c := &commandLine{words: []string{"docker run --rm"}}
	p.explain(c)
	c.say(p.portNote())
	p.common(c)
	p.readOnlyFlags(c, p.tmpfs)
	c.flag("--pids-limit", fmt.Sprint(PidsLimit))
	c.flag(p.image())
	return c.String()
}

// podman writes the command for Podman, which limits the processes by itself,
// sets no owner on a tmpfs (--tmpfs in podman-run(1) knows size and mode), and
// has no say in low ports in all of its versions.
func podman(p *Profile) string {
	c := &commandLine{words: []string{"podman run --rm"}}
	p.explain(c)
	if len(p.LowPorts) > 0 && p.Root == "" {
		c.say(fmt.Sprintf("Port %s is open to every user with the sysctl; it has to go with --network host.", ports(p.LowPorts)))
	}
	p.common(c)
	p.readOnlyFlags(c, func(m Mount) string {
		exec := ""
		if m.Exec {
			exec = ",exec"
		}
		return m.Path + ":rw,mode=1777" + exec
	})
	if len(p.LowPorts) > 0 && p.Root == "" {
		c.flag("--sysctl", portSysctl+"=0")
	}
	c.flag(p.image())
	return c.String()
}

// explain puts the reasons above the command.
func (p *Profile) explain(c *commandLine) {
	c.say(p.Path)
	for _, r := range p.reasons(onDocker) {
		c.say(r)
	}
	for _, need := range p.Add {
		c.say(need.Name + ": " + need.Why)
	}
	if p.ReadOnly != "" {
		return
	}
	for _, m := range p.Mounts {
		switch {
		case m.Code && m.Kind == Volume:
			c.say(m.Path + " has files of the image in it, so it is a volume, which starts as a copy of them and goes with the container.")
		case m.Kind == Volume:
			c.say(m.Path + " may hold data; name the volume to keep it: --volume NAME:" + m.Path)
		case m.Kind == Declared:
			c.say(m.Path + " is a volume of the image; name it to keep the data: --volume NAME:" + m.Path)
		}
	}
}

func (p *Profile) common(c *commandLine) {
	if p.User != "" {
		c.flag("--user", p.User)
	}
	c.flag("--cap-drop", "ALL")
	for _, need := range p.Add {
		c.flag("--cap-add", need.Name)
	}
	if p.NewPrivileges == "" {
		c.flag("--security-opt", "no-new-privileges")
	}
	if p.Seccomp != "" {
		c.flag("--security-opt", "seccomp="+p.Seccomp)
	}
}

func (p *Profile) readOnlyFlags(c *commandLine, tmpfs func(Mount) string) {
	if p.ReadOnly != "" {
		return
	}
	c.flag("--read-only")
	for _, m := range p.Mounts {
		switch m.Kind {
		case Tmpfs:
			c.flag("--tmpfs", tmpfs(m))
		case Volume:
			c.flag("--volume", m.Path)
		}
	}
}

// tmpfs returns a mount as docker run --tmpfs and Compose have it. Docker
// mounts it noexec, nosuid, nodev unless told otherwise (moby,
// daemon/oci_linux.go, withMounts).
func (p *Profile) tmpfs(m Mount) string {
	options := []string{"mode=" + m.Mode}
	if m.Mode != "1777" {
		options = append(options, fmt.Sprintf("uid=%d", p.UID))
		if p.GID >= 0 {
			options = append(options, fmt.Sprintf("gid=%d", p.GID))
		}
	}
	if m.Exec {
		options = append(options, "exec")
	}
	return m.Path + ":" + strings.Join(options, ",")
}

var bareWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shell quotes a word for a POSIX shell (POSIX.1-2024, 2.2.2).
func shell(s string) string {
	if bareWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

package programs

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var lab = flag.Bool("lab", false, "run the lab's services in a real container engine (docker in PATH)")

// A labCase is a service as a Dockerfile's author writes it: packages of a
// Debian release, some lines, a command; and how to see that it answers.
type labCase struct {
	program  string
	release  string
	packages string
	lines    []string
	cmd      string // exec form
	port     int
	send     string
	want     string   // regular expression over the answer; "": a connection is enough
	exec     []string // instead of a connection: a command in the container
	runsRoot bool     // whether it runs as root too, as this command starts it
}

// TestLab builds every service twice, as it is and with what its entry says,
// and runs it as root with the default capabilities and then as the entry's
// account with none. It is the evidence for VerifiedLab.
func TestLab(t *testing.T) {
	if !*lab {
		t.Skip("needs -lab and a container engine")
	}
	for _, c := range labCases {
		t.Run(c.program+"/"+c.release, func(t *testing.T) { c.run(t) })
	}
}

// TestLabCovers keeps VerifiedLab honest: it is set exactly where a case of
// the lab proves it.
func TestLabCovers(t *testing.T) {
	proven := map[string]string{}
	for _, c := range labCases {
		p, ok := Lookup(c.program)
		if !ok {
			t.Fatalf("the lab's %s is not in the table", c.program)
		}
		proven[p.Name] = c.release
	}
	for _, p := range All() {
		for _, v := range p.Variants {
			if v.VerifiedLab != "" && proven[p.Name] == "" {
				t.Errorf("%s says it was verified in %s, but the lab has no case", p.Name, v.VerifiedLab)
			}
		}
		if proven[p.Name] != "" && p.Variant("debian", false).VerifiedLab == "" {
			t.Errorf("%s has a case in the lab and does not say so", p.Name)
		}
	}
}

func (c labCase) run(t *testing.T) {
	p, ok := Lookup(c.program)
	if !ok {
		t.Fatal("not in the table")
	}
	v := p.Variant("debian", false)
	account := v.Account
	if account.Name == "" {
		account = Account{Name: "appuser", UID: 10001, GID: 10001, Home: "/home/appuser", Made: MadeByPackage}
	}
	v = v.At(Place{Version: Version(strings.Trim(strings.SplitN(c.cmd, `"`, 3)[1], `"`)), Home: account.Home, Workdir: "/srv/app"})
	text := c.dockerfile(v, account)
	tag := "programs-lab-" + regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(c.program+"-"+c.release), "-")
	if c.runsRoot {
		c.try(t, build(t, text, "root", tag), "root")
	}
	user := fmt.Sprintf("%d:%d", account.UID, account.GID)
	if len(account.Groups) > 0 {
		user = fmt.Sprint(account.UID)
	}
	c.try(t, build(t, text, "hardened", tag), "as "+account.Name,
		"--user", user, "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
}

// dockerfile returns the service with the stages root and hardened.
func (c labCase) dockerfile(v Variant, a Account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "FROM debian:%s-slim AS root\n", c.release)
	if a.Made == MadeByPackage {
		add := fmt.Sprintf("useradd --system --no-log-init --uid %d --gid %d --home-dir %s --shell /usr/sbin/nologin %s", a.UID, a.GID, a.Home, a.Name)
		if a.GID != 65534 {
			group := a.Group
			if group == "" {
				group = a.Name
			}
			add = fmt.Sprintf("groupadd --system --gid %d %s && %s", a.GID, group, add)
		}
		fmt.Fprintf(&b, "RUN %s\n", add)
	}
	if c.packages != "" {
		fmt.Fprintf(&b, "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends %s\n", c.packages)
	}
	fmt.Fprintf(&b, "WORKDIR /srv/app\n%s\nCMD %s\nFROM root AS hardened\n", strings.Join(c.lines, "\n"), c.cmd)
	for _, w := range v.Writes {
		if w.Owned || w.Optional {
			continue
		}
		flag, make := "", "mkdir -p "+w.Path
		if w.Recursive {
			flag = "-R "
		}
		if w.Kind == File {
			make = ": >> " + w.Path
		}
		fmt.Fprintf(&b, "RUN %s && chown %s%d:%d %s\n", make, flag, a.UID, a.GID, w.Path)
		if w.Mode != 0 {
			fmt.Fprintf(&b, "RUN chmod %04o %s\n", w.Mode, w.Path)
		}
	}
	for _, r := range v.Reads {
		if !r.Owned && !r.Optional {
			fmt.Fprintf(&b, "RUN chgrp -R %d %s && chmod -R g+rX %s\n", a.GID, r.Path, r.Path)
		}
	}
	return b.String()
}

func build(t *testing.T, text, target, tag string) string {
	t.Helper()
	tag += ":" + target
	cmd := exec.Command("docker", "build", "-q", "--target", target, "-t", tag, "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s\n%s", err, text, out)
	}
	t.Cleanup(func() { exec.Command("docker", "rmi", "-f", tag).Run() })
	return tag
}

// try starts the image and sees that it answers and is still there after
// three seconds.
func (c labCase) try(t *testing.T, image, who string, flags ...string) {
	t.Helper()
	id := docker(t, append(append([]string{"run", "-d"}, flags...), image)...)
	defer func() {
		logs, _ := exec.Command("docker", "logs", id).CombinedOutput()
		for _, line := range strings.Split(string(logs), "\n") {
			if t.Failed() || regexp.MustCompile(`(?i)denied|not permitted|cannot|failed|warn`).MatchString(line) {
				t.Logf("%s: %s", who, line)
			}
		}
		exec.Command("docker", "rm", "-f", "-v", id).Run()
	}()
	address := docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)
	start := time.Now()
	var err error
	for time.Since(start) < 40*time.Second {
		if err = c.probe(id, address); err == nil {
			break
		}
		if docker(t, "inspect", "-f", "{{.State.Running}}", id) != "true" {
			err = fmt.Errorf("it ended")
			break
		}
		time.Sleep(300 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("%s: %v", who, err)
		return
	}
	time.Sleep(max(0, 3*time.Second-time.Since(start)))
	if docker(t, "inspect", "-f", "{{.State.Running}}", id) != "true" {
		t.Errorf("%s: it did not stay up", who)
	}
}

func (c labCase) probe(id, address string) error {
	if c.exec != nil {
		out, err := exec.Command("docker", append([]string{"exec", id}, c.exec...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return c.check(out)
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, fmt.Sprint(c.port)), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.want == "" {
		return nil
	}
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(conn, c.send); err != nil {
		return err
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 4096))
	return c.check(answer)
}

func (c labCase) check(answer []byte) error {
	if !regexp.MustCompile(c.want).Match(answer) {
		return fmt.Errorf("answered %q", answer)
	}
	return nil
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

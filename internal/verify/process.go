package verify

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// A Process is what the kernel says about a container's main process
// (proc_pid_status(5)).
type Process struct {
	UID        int      `json:"uid"`
	GID        int      `json:"gid"`
	Groups     []int    `json:"groups,omitempty"` // supplementary
	CapEff     []string `json:"cap_eff"`
	CapBnd     []string `json:"cap_bnd"`
	NoNewPrivs bool     `json:"no_new_privs"`
}

// parseStatus reads /proc/PID/status; nil when it is not one.
func parseStatus(text string) *Process {
	fields := map[string][]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.Fields(value)
	}
	id := func(key string) (int, bool) {
		if len(fields[key]) < 2 {
			return 0, false
		}
		n, err := strconv.Atoi(fields[key][1]) // the effective one
		return n, err == nil
	}
	set := func(key string) ([]string, bool) {
		if len(fields[key]) != 1 {
			return nil, false
		}
		mask, err := strconv.ParseUint(fields[key][0], 16, 64)
		return imageinspect.CapabilityNames(mask), err == nil
	}
	p := &Process{}
	var ok [4]bool
	p.UID, ok[0] = id("Uid")
	p.GID, ok[1] = id("Gid")
	p.CapEff, ok[2] = set("CapEff")
	p.CapBnd, ok[3] = set("CapBnd")
	if slices.Contains(ok[:], false) {
		return nil
	}
	for _, g := range fields["Groups"] {
		if n, err := strconv.Atoi(g); err == nil && n != p.GID {
			p.Groups = append(p.Groups, n)
		}
	}
	p.NoNewPrivs = slices.Equal(fields["NoNewPrivs"], []string{"1"})
	return p
}

// process reads the status of a container's main process: from this machine's
// /proc where the engine is local, else with the image's own cat, else with the
// cat of the original image in a container that shares its processes. In an
// image without any of them it stays unknown. A container that may end any moment
// is only looked at from outside: an exec in it can take seconds to fail.
func (p *prover) process(ctx context.Context, id string, st State, settled bool) *Process {
	if p.info.Local && st.Pid > 0 {
		text, err := os.ReadFile(filepath.Join(p.proc, strconv.Itoa(st.Pid), "status"))
		if err == nil && isFirst(string(text)) {
			return parseStatus(string(text))
		}
	}
	if !settled {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.Each)
	defer cancel()
	if status, out, err := p.eng.Exec(ctx, id, []string{"cat", "/proc/1/status"}); err == nil && status == 0 {
		return parseStatus(out)
	}
	return parseStatus(p.beside(ctx, id, "/proc/1/status"))
}

// isFirst reports whether a status is of the first process of a process
// namespace of its own, as a container's main process is. A process with that
// number on the wrong machine is not.
func isFirst(status string) bool {
	for line := range strings.Lines(status) {
		if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(ids)
			return len(f) > 1 && f[len(f)-1] == "1"
		}
	}
	return false
}

// beside prints a file of /proc from a container of the original image that
// shares the processes of another, "" when that cannot be done.
func (p *prover) beside(ctx context.Context, id, file string) string {
	helper, err := p.eng.Start(ctx, Spec{Image: p.beforeTag, Entrypoint: []string{"cat"}, Command: []string{file}, PidsOf: id, Network: "none", User: "0:0"})
	if helper != "" {
		defer func() { _ = p.eng.Remove(ctx, helper) }() // Close removes what this could not
	}
	if err != nil {
		return ""
	}
	for ctx.Err() == nil {
		st, err := p.eng.State(ctx, helper)
		if err != nil {
			return ""
		}
		if !st.Running {
			out, _ := p.eng.Logs(ctx, helper)
			return out.Stdout
		}
		pause(ctx, 50*time.Millisecond)
	}
	return ""
}

// sockets are the ports at which a container can be reached, sorted.
type sockets struct{ tcp, udp []int }

// listening returns the TCP ports that the container listens on and the UDP
// ports that it has bound, and whether that could be found out.
func (p *prover) listening(ctx context.Context, id string, st State) (sockets, bool) {
	var text string
	if p.info.Local && st.Pid > 0 {
		for _, f := range []string{"tcp", "tcp6", "udp", "udp6"} {
			if b, err := os.ReadFile(filepath.Join(p.proc, strconv.Itoa(st.Pid), "net", f)); err == nil {
				text += string(b)
			}
		}
	}
	if text == "" {
		ctx, cancel := context.WithTimeout(ctx, p.opts.Each)
		defer cancel()
		_, out, err := p.eng.Exec(ctx, id, []string{"cat", "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"})
		if err != nil || !strings.Contains(out, "local_address") {
			return sockets{}, false
		}
		text = out
	}
	return parseSockets(text), true
}

// States of sockets in /proc/net/tcp and udp (include/net/tcp_states.h). An UDP
// socket that is bound and not connected is in the state that TCP calls closed.
const (
	stateListen = "0A"
	stateBound  = "07"
)

// embeddedDNS is 127.0.0.11, where the engine itself answers in networks that
// users make, as /proc/net writes it.
const embeddedDNS = "0B00007F"

// parseSockets reads /proc/net/tcp, tcp6, udp and udp6
// (Documentation/networking/proc_net_tcp.rst), one after the other.
func parseSockets(text string) sockets {
	var out sockets
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 4 {
			continue
		}
		host, hex, ok := strings.Cut(f[1], ":")
		n, err := strconv.ParseUint(hex, 16, 16)
		if !ok || err != nil || host == embeddedDNS {
			continue
		}
		switch {
		case f[3] == stateListen:
			out.tcp = append(out.tcp, int(n))
		case f[3] == stateBound && strings.HasSuffix(f[2], ":0000"):
			out.udp = append(out.udp, int(n))
		}
	}
	slices.Sort(out.tcp)
	slices.Sort(out.udp)
	return sockets{slices.Compact(out.tcp), slices.Compact(out.udp)}
}

// pause waits, or returns early when the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

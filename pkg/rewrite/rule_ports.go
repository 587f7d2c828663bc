package rewrite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var ports = &Rule{
	Name: "ports",
	Doc: `Ports below 1024 are open to every user, almost everywhere

Binding a port below net.ipv4.ip_unprivileged_port_start takes CAP_NET_BIND_SERVICE.
Docker since 20.10 (moby/moby#41030), Podman, and Kubernetes on containerd since
2.0 set that limit to 0 in the container's network, so any user may bind any port.
It is still 1024 with --network host, on CRI-O (kubernetes/kubernetes#102612), on
containerd before 2.0 and under nerdctl.

The rule changes nothing: whether the port is a problem depends on where the image
runs, and another port would break its users. It names the ports and the way out.

The rule is silent when the image keeps root, and when EXPOSE names no low port.`,
	run: runPorts,
}

func runPorts(p *Pass) {
	if p.Keep != nil {
		return
	}
	var low []string
	for _, port := range slices.Compact(slices.Sorted(slices.Values(p.End.Ports))) {
		if port > 0 && port < 1024 {
			low = append(low, strconv.Itoa(port))
		}
	}
	if len(low) == 0 {
		return
	}
	line, who := p.Stage.From.Line, "the base image"
	if in := p.exposes(low); in != nil {
		line, who = in.Line, "EXPOSE"
	}
	p.report(Finding{Line: line,
		Message: fmt.Sprintf("%s names port %s; %s may listen there on Docker 20.10, Podman and containerd 2.0 or later", who, strings.Join(low, ", "), p.User.Label()),
		Hint:    "If it does: with --network host, on CRI-O, nerdctl or an older containerd, set the sysctl net.ipv4.ip_unprivileged_port_start=0, or listen above 1023."})
}

// exposes returns the EXPOSE of the stage that names one of the ports, nil when they
// all come from the base.
func (p *Pass) exposes(ports []string) *dockerfile.Instruction {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "EXPOSE" {
			continue
		}
		own := &simulate.State{}
		for _, w := range in.Args {
			if word, missing, err := p.End.Before[in].Env.Expand(w); err == nil && len(missing) == 0 {
				own.Expose(word)
			}
		}
		if slices.ContainsFunc(own.Ports, func(n int) bool { return slices.Contains(ports, strconv.Itoa(n)) }) {
			return in
		}
	}
	return nil
}

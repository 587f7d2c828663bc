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
	line, who := p.whoExposes(low)
	p.report(Finding{Line: line,
		Message: fmt.Sprintf("%s port %s; %s may listen there on Docker 20.10, Podman and containerd 2.0 or later", who, strings.Join(low, ", "), p.User.Label()),
		Hint:    "If it does: with --network host, on CRI-O, nerdctl or an older containerd, set the sysctl net.ipv4.ip_unprivileged_port_start=0, or listen above 1023."})
}

// whoExposes returns the line and the subject of a sentence about low ports: the EXPOSE of
// the file that names them, in whichever stage, the base image, or both.
func (p *Pass) whoExposes(ports []string) (line int, who string) {
	line = p.Stage.From.Line
	own, first := &simulate.State{}, (*dockerfile.Instruction)(nil)
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "EXPOSE" && p.exposes(own, in, ports) && (first == nil || stage == p.Stage && first.Stage != stage) {
				first = in
			}
		}
	}
	if first == nil {
		return line, "the base image names"
	}
	if slices.ContainsFunc(ports, func(port string) bool {
		return !slices.ContainsFunc(own.Ports, func(n int) bool { return strconv.Itoa(n) == port })
	}) {
		return first.Line, "EXPOSE and the base image name"
	}
	return first.Line, "EXPOSE names"
}

// exposes adds the ports of an EXPOSE to those of the file, and reports whether one of the
// given is among them.
func (p *Pass) exposes(own *simulate.State, in *dockerfile.Instruction, ports []string) bool {
	before := len(own.Ports)
	for _, w := range in.Args {
		if word, missing, err := p.End.Before[in].Env.Expand(w); err == nil && len(missing) == 0 {
			own.Expose(word)
		}
	}
	return slices.ContainsFunc(own.Ports[before:], func(n int) bool { return slices.Contains(ports, strconv.Itoa(n)) })
}

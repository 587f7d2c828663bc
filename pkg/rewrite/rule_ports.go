package rewrite

import (
	"fmt"
	"regexp"
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

The rule is silent when the image keeps root, and when neither EXPOSE nor the options of
the command, nor PORT and its like in ENV, name a low port.`,
	run: runPorts,
}

func runPorts(p *Pass) {
	if p.Keep != nil {
		return
	}
	if low := lowPorts(p.End.Ports); len(low) > 0 {
		line, who := p.whoExposes(low)
		p.reportPorts(line, who, low)
	}
	told := slices.DeleteFunc(p.toldPorts(), func(port int) bool { return slices.Contains(p.End.Ports, port) })
	if low := lowPorts(told); len(low) > 0 {
		line := p.Stage.From.Line
		if p.Entry.By != nil && p.Entry.By.Stage == p.Stage {
			line = p.Entry.By.Line
		}
		p.reportPorts(line, "the program is told", low)
	}
}

// lowPorts returns those of the ports that are below 1024, sorted.
func lowPorts(ports []int) (low []string) {
	for _, port := range slices.Compact(slices.Sorted(slices.Values(ports))) {
		if port > 0 && port < 1024 {
			low = append(low, strconv.Itoa(port))
		}
	}
	return low
}

// portOption matches the options by which programs are told where to listen, and portVariable
// the variables; portValue the ports in their values, alone or behind an address.
var (
	portOption   = regexp.MustCompile(`^(?:-b|--?(?:port|bind|listen|addr|http[.-]?port|server[.-]port|listen-address|web\.listen-address)|-D(?:server\.port|quarkus\.http\.port))$`)
	portVariable = regexp.MustCompile(`^(?:PORT|(?:SERVER|HTTP|HTTPS|LISTEN|APP|WEB)_PORT|ASPNETCORE_(?:URLS|HTTP_PORTS|HTTPS_PORTS))$`)
	portValue    = regexp.MustCompile(`^(?:(?:[a-z]+://)?[A-Za-z0-9.*+\[\]:-]*:)?([0-9]{1,5})/?$`)
)

// toldPorts returns the ports that the command of the image and its environment name.
func (p *Pass) toldPorts() (ports []int) {
	note := func(value string) {
		for v := range strings.FieldsFuncSeq(strings.Trim(value, `"'`), func(r rune) bool { return r == ';' || r == ',' }) {
			if m := portValue.FindStringSubmatch(v); m != nil {
				port, _ := strconv.Atoi(m[1])
				ports = append(ports, port)
			}
		}
	}
	for _, argv := range p.argvs() {
		for i, w := range argv[1:] {
			option, value, assigned := strings.Cut(w, "=")
			if !assigned && i+2 < len(argv) {
				value = argv[i+2]
			}
			if portOption.MatchString(option) {
				note(value)
			}
		}
	}
	for _, variable := range p.End.Env.List() {
		if name, value, _ := strings.Cut(variable, "="); portVariable.MatchString(name) {
			note(value)
		}
	}
	return ports
}

func (p *Pass) reportPorts(line int, who string, low []string) {
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

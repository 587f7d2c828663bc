package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A check looks once whether a container does its work; the error says why it
// does not, or not yet.
type check struct {
	what string // for people
	look func(ctx context.Context, id string, st State) error
}

// errHangs is the error of a check that ran into its time limit.
var errHangs = errors.New("it did not end in time")

// checks returns what proves that a container works: what the flags say, else
// the image's HEALTHCHECK. Without either the container has to listen and stay
// up, which is no check of its own.
func (p *prover) checks() []check {
	var out []check
	if c := p.opts.Command; c != "" {
		out = append(out, check{"probe " + strconv.Quote(c), p.commandCheck(c)})
	}
	if path := p.opts.HTTP; path != "" {
		out = append(out, check{"HTTP GET " + path, p.httpCheck(path)})
	}
	if c := p.opts.Exec; c != "" {
		out = append(out, check{"exec " + strconv.Quote(c), p.execCheck(execWords(c))})
	}
	if health := p.health(); len(out) == 0 && len(health) > 0 && !p.opts.OneShot {
		out = append(out, check{"HEALTHCHECK", p.execCheck(health)})
	}
	return out
}

// health is the command that tells whether the container is well: that of the
// Compose file before that of the image.
func (p *prover) health() []string {
	if test := p.job.Run.Health; len(test) > 0 {
		return healthCommand(test, nil)
	}
	return p.before.Health
}

// given reports whether the user has said what has to work.
func (p *prover) given() bool {
	return p.opts.Command != "" || p.opts.HTTP != "" || p.opts.Exec != ""
}

// execWords splits a command that needs no shell, and hands any other to one:
// images without a shell can be probed, too.
func execWords(command string) []string {
	if strings.ContainsAny(command, "|&;<>()$`\\\"'*?[]#~=%{}\n!") {
		return []string{"/bin/sh", "-c", command}
	}
	return strings.Fields(command)
}

// commandCheck runs a command on the host with the container in its environment.
func (p *prover) commandCheck(command string) func(context.Context, string, State) error {
	return func(ctx context.Context, id string, st State) error {
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Env = append(os.Environ(), p.environment(id, st)...)
		cmd.Dir = p.job.Dir
		out := &tailBuffer{max: 8 << 10}
		cmd.Stdout, cmd.Stderr = out, out
		cmd.WaitDelay = time.Second
		ownGroup(cmd)
		err := cmd.Run()
		switch exit := new(exec.ExitError); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errHangs
		case errors.As(err, &exit):
			return errors.New(strings.TrimSuffix(fmt.Sprintf("%s: %s", err, oneLine(lastLines(out.String(), 3))), ": "))
		}
		return err
	}
}

// environment is what a probe on the host gets to know.
func (p *prover) environment(id string, st State) []string {
	env := []string{"HARDEN_CONTAINER=" + id, "HARDEN_ADDRESS=" + st.Address}
	var ports []string
	for _, n := range p.before.Ports {
		ports = append(ports, strconv.Itoa(n))
		if to := st.Ports[strconv.Itoa(n)+"/tcp"]; to != "" {
			env = append(env, fmt.Sprintf("HARDEN_PORT_%d=%s", n, to))
		}
	}
	return append(env, "HARDEN_PORTS="+strings.Join(ports, " "))
}

func (p *prover) execCheck(argv []string) func(context.Context, string, State) error {
	return func(ctx context.Context, id string, _ State) error {
		status, out, err := p.eng.Exec(ctx, id, argv)
		switch {
		case err != nil && ctx.Err() != nil:
			return errHangs
		case err != nil:
			return err
		case status != 0:
			return errors.New(strings.TrimSuffix(fmt.Sprintf("exit status %d: %s", status, oneLine(lastLines(out, 3))), ": "))
		}
		return nil
	}
}

// httpCheck asks the container at its own address, and where that cannot be
// reached at the port that is published on the loopback address.
func (p *prover) httpCheck(path string) func(context.Context, string, State) error {
	web := webClient()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return func(ctx context.Context, _ string, st State) error {
		var last error
		ports := p.before.Ports
		if p.opts.Port > 0 {
			ports = []int{p.opts.Port}
		}
		for _, host := range endpoints(st, ports) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
			if err != nil {
				return err
			}
			res, err := web.Do(req)
			if err != nil {
				last = err
				continue
			}
			res.Body.Close()
			if res.StatusCode < 400 {
				return nil
			}
			last = fmt.Errorf("GET %s: %s", path, res.Status)
		}
		switch {
		case ctx.Err() != nil:
			return errHangs
		case last == nil:
			return errors.New("no port to ask: the image has no EXPOSE; give one with --probe-port")
		}
		return last
	}
}

func webClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext},
	}
}

// endpoints returns the addresses at which ports of a container are reached.
func endpoints(st State, ports []int) []string {
	var out []string
	for _, n := range ports {
		if st.Address != "" {
			out = append(out, net.JoinHostPort(st.Address, strconv.Itoa(n)))
		}
		if to := st.Ports[strconv.Itoa(n)+"/tcp"]; to != "" {
			out = append(out, to)
		}
	}
	return out
}

// works looks once whether the container does everything that is wanted of it.
func (p *prover) works(ctx context.Context, id string, st State) error {
	for _, c := range p.probe {
		ctx, cancel := context.WithTimeout(ctx, p.opts.Each)
		err := c.look(ctx, id, st)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	if p.given() || len(p.probe) > 0 && len(p.udp) == 0 {
		return nil
	}
	have, known := p.listening(ctx, id, st)
	if !known {
		return p.dial(ctx, st)
	}
	for _, want := range p.ports {
		// An image with a HEALTHCHECK need not use what EXPOSE names.
		if len(p.probe) == 0 && !slices.Contains(have.tcp, want) {
			return fmt.Errorf("nothing listens on port %d", want)
		}
	}
	for _, want := range p.udp {
		if !slices.Contains(have.udp, want) {
			return fmt.Errorf("nothing is bound to UDP port %d", want)
		}
	}
	return nil
}

// dial is the last resort for images that have no cat, on an engine elsewhere.
func (p *prover) dial(ctx context.Context, st State) error {
	for _, port := range p.ports {
		if st.Address == "" {
			return nil
		}
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(st.Address, strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("nothing listens on port %d", port)
		}
		conn.Close()
	}
	return nil
}

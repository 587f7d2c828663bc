package verify

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// Connect returns the engine that docker would talk to, or where there is none
// the one of Podman. It is not contacted before Info is called.
func Connect() (*Docker, error) {
	host, err := imageinspect.EngineHost()
	if err != nil {
		return nil, &Error{Kind: EngineDown, Msg: err.Error(), Err: err}
	}
	if host == "" {
		host = podmanSocket()
	}
	opts := []client.Opt{client.FromEnv}
	if host != "" && os.Getenv("DOCKER_HOST") == "" {
		opts = append(opts, client.WithHost(host))
	}
	api, err := client.New(opts...)
	if err != nil {
		return nil, &Error{Kind: EngineDown, Msg: "the container engine cannot be reached: " + oneLine(err.Error()), Hint: "check DOCKER_HOST", Err: err}
	}
	return &Docker{api: api, run: strings.ToLower(rand.Text()[:12]), local: strings.HasPrefix(api.DaemonHost(), "unix://"), host: host}, nil
}

// podmanSocket returns the endpoint of a Podman service where Docker has no
// socket, "" otherwise.
func podmanSocket() string {
	if _, err := os.Stat("/var/run/docker.sock"); err == nil {
		return ""
	}
	places := []string{"/run/podman/podman.sock"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		places = append([]string{filepath.Join(dir, "podman", "podman.sock")}, places...)
	}
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix://" + p
		}
	}
	return ""
}

// Info implements Engine.
func (d *Docker) Info(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if _, err := d.api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		hint := "start it, or set DOCKER_HOST"
		if strings.Contains(err.Error(), "permission denied") {
			hint = "add yourself to the group that owns its socket, or set DOCKER_HOST"
		}
		return Info{}, &Error{Kind: EngineDown, Msg: "the container engine cannot be reached: " + oneLine(err.Error()), Hint: hint, Err: err}
	}
	v, err := d.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return Info{}, classify(ctx, "asking for its version", err)
	}
	name := "Docker"
	for _, c := range v.Components {
		if strings.Contains(c.Name, "Podman") {
			name, d.podman = "Podman", true
		}
	}
	if v.Os != "" && v.Os != "linux" {
		return Info{}, &Error{Kind: EngineDown, Msg: fmt.Sprintf("the engine runs %s containers", v.Os), Hint: "only Linux images can be verified"}
	}
	return Info{Name: name + " " + v.Version, Local: d.local, Podman: d.podman}, nil
}

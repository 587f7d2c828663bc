package verify

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Docker is the Engine behind Docker's API, which Podman speaks too.
type Docker struct {
	api    *client.Client
	run    string // names and labels everything of this run
	host   string
	local  bool
	podman bool

	mu         sync.Mutex
	serial     int
	containers map[string]bool
	images     map[string]bool
	cli        *cli
}

// Run returns the value of Label on everything that this run makes.
func (d *Docker) Run() string { return d.run }

// Name returns a name that no other run uses.
func (d *Docker) Name(what string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serial++
	return fmt.Sprintf("harden-%s-%s-%d", d.run, what, d.serial)
}

func (d *Docker) labels() map[string]string { return map[string]string{Label: d.run} }

// track remembers what has to be removed.
func track(d *Docker, set *map[string]bool, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[id] = true
}

// Image implements Engine.
func (d *Docker) Image(ctx context.Context, ref string) (Image, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	found, err := d.api.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, classify(ctx, "looking at the image", err)
	}
	img := Image{ID: found.ID, Size: found.Size, Layers: len(found.RootFS.Layers)}
	if c := found.Config; c != nil {
		img.User = c.User
		for p := range c.ExposedPorts {
			number, proto, _ := strings.Cut(p, "/")
			n, err := strconv.Atoi(number)
			switch {
			case err != nil:
			case proto == "" || proto == "tcp":
				img.Ports = append(img.Ports, n)
			case proto == "udp":
				img.UDP = append(img.UDP, n)
			}
		}
		for v := range c.Volumes {
			img.Volumes = append(img.Volumes, v)
		}
		if c.Healthcheck != nil {
			img.Health = healthCommand(c.Healthcheck.Test, c.Shell)
		}
		img.Description = strings.Join(append(append([]string{}, c.Entrypoint...), c.Cmd...), " ")
	}
	return img, nil
}

// healthCommand returns the command of a HEALTHCHECK (OCI image config, Docker
// extension "Healthcheck.Test").
func healthCommand(test, shell []string) []string {
	if len(test) < 2 {
		return nil
	}
	switch test[0] {
	case "CMD":
		return test[1:]
	case "CMD-SHELL":
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		return append(append([]string{}, shell...), test[1])
	}
	return nil
}

// Start implements Engine. Once the engine has been asked to make a container
// it is waited for, even if the user interrupts: what is not known to exist
// cannot be removed.
func (d *Docker) Start(ctx context.Context, s Spec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sure, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	made, err := d.api.ContainerCreate(sure, d.createOptions(s))
	if err != nil {
		return "", d.startError(ctx, "making a container", err)
	}
	track(d, &d.containers, made.ID)
	if _, err := d.api.ContainerStart(sure, made.ID, client.ContainerStartOptions{}); err != nil {
		return made.ID, d.startError(ctx, "starting a container", err)
	}
	return made.ID, nil
}

// startError tells the container's fault from the engine's: an engine that
// still answers has said something about the container.
func (d *Docker) startError(ctx context.Context, doing string, err error) error {
	ping, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if _, perr := d.api.Ping(ping, client.PingOptions{}); perr != nil || noSpace(err.Error()) || ctx.Err() != nil {
		return classify(ctx, doing, err)
	}
	return &StartError{Msg: oneLine(strings.TrimPrefix(err.Error(), "Error response from daemon: "))}
}

func (d *Docker) createOptions(s Spec) client.ContainerCreateOptions {
	host := &container.HostConfig{
		CapDrop: s.CapDrop, CapAdd: s.CapAdd, ReadonlyRootfs: s.ReadOnly, Tmpfs: s.Tmpfs, Sysctls: s.Sysctls, Binds: s.Binds,
		NetworkMode: container.NetworkMode(s.Network), PortBindings: network.PortMap{},
		LogConfig: container.LogConfig{Type: "json-file"},
	}
	if s.NoNewPrivileges {
		host.SecurityOpt = []string{"no-new-privileges"}
	}
	if s.PidsOf != "" {
		host.PidMode = container.PidMode("container:" + s.PidsOf)
	}
	host.Memory, host.MemorySwap = s.Memory, s.Memory
	if s.Pids > 0 {
		host.PidsLimit = &s.Pids
	}
	for _, v := range s.Volumes {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeVolume, Target: v,
			VolumeOptions: &mount.VolumeOptions{Labels: d.labels()}})
	}
	config := &container.Config{Image: s.Image, Entrypoint: s.Entrypoint, Cmd: s.Command, Env: s.Env, User: s.User, WorkingDir: s.Dir, Labels: d.labels(),
		// Its command is run by the probe, at once and not after 30 seconds.
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}}}
	loopback := netip.MustParseAddr("127.0.0.1")
	for _, p := range s.Publish {
		port, err := network.ParsePort(fmt.Sprintf("%d/tcp", p))
		if err == nil {
			host.PortBindings[port] = []network.PortBinding{{HostIP: loopback}}
		}
	}
	opts := client.ContainerCreateOptions{Config: config, HostConfig: host, Name: d.Name("container")}
	if len(s.Aliases) > 0 && s.Network != "" {
		opts.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.Network: {Aliases: s.Aliases}}}
	}
	return opts
}

// State implements Engine.
func (d *Docker) State(ctx context.Context, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := d.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return State{}, classify(ctx, "looking at a container", err)
	}
	c := res.Container
	out := State{Ports: map[string]string{}}
	if s := c.State; s != nil {
		out.Running, out.ExitCode, out.OOMKilled, out.Error, out.Pid = s.Running, s.ExitCode, s.OOMKilled, s.Error, s.Pid
	}
	if n := c.NetworkSettings; n != nil {
		for _, e := range n.Networks {
			if e != nil && e.IPAddress.IsValid() && !e.IPAddress.IsUnspecified() {
				out.Address = e.IPAddress.String()
			}
		}
		for p, bindings := range n.Ports {
			for _, b := range bindings {
				out.Ports[p.String()] = netip.AddrPortFrom(b.HostIP, 0).Addr().String() + ":" + b.HostPort
			}
		}
	}
	for _, m := range c.Mounts {
		if m.Type == mount.TypeVolume {
			out.Mounts = append(out.Mounts, m.Destination)
		}
	}
	return out, nil
}

// maxLog bounds what is read of a log.
const maxLog = 1 << 20

// Logs implements Engine.
func (d *Docker) Logs(ctx context.Context, id string) (Output, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := d.api.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "5000"})
	if err != nil {
		return Output{}, classify(ctx, "reading a log", err)
	}
	defer r.Close()
	stdout, stderr := &tailBuffer{max: maxLog}, &tailBuffer{max: maxLog}
	if _, err := stdcopy.StdCopy(stdout, stderr, r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Output{}, classify(ctx, "reading a log", err)
	}
	return Output{stdout.String(), stderr.String()}, nil
}

// Exec implements Engine.
func (d *Docker) Exec(ctx context.Context, id string, argv []string) (int, string, error) {
	made, err := d.api.ExecCreate(ctx, id, client.ExecCreateOptions{Cmd: argv, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return -1, "", err
	}
	at, err := d.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return -1, "", err
	}
	defer at.Close()
	stop := context.AfterFunc(ctx, at.Close)
	defer stop()
	out := &tailBuffer{max: maxLog}
	if _, err := stdcopy.StdCopy(out, out, at.Reader); err != nil || ctx.Err() != nil {
		return -1, out.String(), cmpErr(ctx.Err(), err)
	}
	res, err := d.api.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return -1, out.String(), err
	}
	return res.ExitCode, out.String(), nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Processes implements Engine.
func (d *Docker) Processes(ctx context.Context, id string) ([]Task, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	args := []string{"-eo", "pid,uid,comm"}
	if d.podman {
		args = []string{"pid", "huser", "comm"}
	}
	top, err := d.api.ContainerTop(ctx, id, client.ContainerTopOptions{Arguments: args})
	if err != nil {
		return nil, classify(ctx, "listing processes", err)
	}
	var tasks []Task
	for _, p := range top.Processes {
		if len(p) < 3 {
			continue
		}
		if uid, err := strconv.Atoi(p[1]); err == nil {
			tasks = append(tasks, Task{UID: uid, Command: p[2]})
		}
	}
	return tasks, nil
}

// Changes implements Engine.
func (d *Docker) Changes(ctx context.Context, id string) ([]Change, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	diff, err := d.api.ContainerDiff(ctx, id, client.ContainerDiffOptions{})
	if err != nil {
		return nil, classify(ctx, "comparing a container with its image", err)
	}
	out := make([]Change, 0, len(diff.Changes))
	for _, c := range diff.Changes {
		out = append(out, Change{Path: path.Clean(c.Path), Added: c.Kind == container.ChangeAdd, Deleted: c.Kind == container.ChangeDelete})
	}
	return out, nil
}

// Stat implements Engine.
func (d *Docker) Stat(ctx context.Context, id, name string) (FileKind, fs.FileMode, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := d.api.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: name})
	switch {
	case cerrdefs.IsNotFound(err):
		return Missing, 0, nil
	case err != nil:
		return Missing, 0, classify(ctx, "looking into a container", err)
	case res.Stat.Mode.IsDir():
		return Directory, res.Stat.Mode, nil
	case res.Stat.Mode.IsRegular():
		return Regular, res.Stat.Mode, nil
	}
	return OtherKind, res.Stat.Mode, nil
}

// Filled implements Engine.
func (d *Docker) Filled(ctx context.Context, id, dir string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := d.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: dir})
	if err != nil {
		return false, classify(ctx, "looking into a volume", err)
	}
	defer res.Content.Close()
	tr := tar.NewReader(res.Content)
	for n := 0; n < 2; n++ { // the first entry is the directory itself
		if _, err := tr.Next(); err != nil {
			return false, nil
		}
	}
	return true, nil
}

// Remove implements Engine.
func (d *Docker) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_, err := d.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return classify(ctx, "removing a container", err)
	}
	d.mu.Lock()
	delete(d.containers, id)
	d.mu.Unlock()
	return nil
}

// A tailBuffer keeps the end of what is written to it.
type tailBuffer struct {
	max int
	b   bytes.Buffer
	cut bool
}

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.b.Write(p)
	if over := t.b.Len() - 2*t.max; over > 0 {
		t.b.Next(t.b.Len() - t.max)
		t.cut = true
	}
	return len(p), nil
}

func (t *tailBuffer) String() string {
	b := t.b.Bytes()
	if len(b) > t.max {
		b = b[len(b)-t.max:]
	}
	return string(b)
}

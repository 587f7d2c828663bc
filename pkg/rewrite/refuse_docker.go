package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// dockerDaemon decides for dockerd before the words docker.sock do, which mean
// its clients elsewhere.
func dockerDaemon(p *Pass) *Refusal {
	for _, c := range p.Entry.Programs {
		if c.Program != nil && c.Program.Name == "dockerd" {
			return p.refuseProgram(c)
		}
	}
	return nil
}

// clientOfDocker refuses an image that installs Docker's client and starts something of
// which nobody knows what it calls.
func clientOfDocker(p *Pass) *Refusal {
	if p.Entry.By == nil || p.startsService() {
		return nil
	}
	pkg, ok := p.dockerClient()
	if !ok {
		return nil
	}
	return &Refusal{Reason: DockerSocket, Line: p.at(pkg.By), Message: fmt.Sprintf("the image installs %s, which works through the Docker socket of root and the host's docker group", pkg.Name)}
}

// socketOfBase refuses an image whose base sets a variable to the Docker socket, and one
// that starts a program that works through it.
func (p *Pass) socketOfBase() *Refusal {
	for _, kv := range p.End.Env.List() {
		if name, value, _ := strings.Cut(kv, "="); strings.Contains(value, "docker.sock") {
			return &Refusal{Reason: DockerSocket, Line: p.Chain[0].From.Line, Message: fmt.Sprintf("%s sets %s to the Docker socket, which belongs to root and the host's docker group", p.baseName(), dockerfile.Clip(name, 40))}
		}
	}
	for _, c := range p.Entry.Programs {
		if c.NeedsRoot() && c.Program.Reason == string(DockerSocket) {
			return p.refuseProgram(c)
		}
	}
	return nil
}

// socketClients are commands that do nothing without Docker's socket, or that of whatever
// takes its place: docs.docker.com/reference/cli, nektosact.com, github.com/wagoodman/dive,
// ctop.sh, k3d.io, github.com/jesseduffield/lazydocker.
var socketClients = wordSet("docker docker-compose act dive ctop k3d lazydocker")

// startsClientOfDocker refuses an image whose command is one of Docker's clients, however
// it came into the image.
func startsClientOfDocker(p *Pass) *Refusal {
	name := path.Base(p.command())
	if host, _ := p.End.Env.Get("DOCKER_HOST"); p.Entry.By == nil || !socketClients[name] || host != "" && !strings.HasPrefix(host, "unix:") {
		return nil
	}
	return &Refusal{Reason: DockerSocket, Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("%s works through the Docker socket, which belongs to root and the host's docker group", name)}
}

// dockerPlugin refuses a plugin of Docker's, by the directory of its socket or, where nobody
// knows the program, by the name of the directory that it is built in or of the image.
func dockerPlugin(p *Pass) *Refusal {
	plugin, ok := programs.Lookup("docker-plugin")
	if !ok || p.Entry.By == nil {
		return nil
	}
	refuse := func(where string) *Refusal {
		return &Refusal{Reason: Reason(plugin.Reason), Line: p.at(p.Entry.By), Message: where + ": " + lowerFirst(strings.TrimSuffix(plugin.Why, ".")), Hint: plugin.Instead}
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if strings.Contains(in.Original, "/run/docker/plugins") {
				return refuse(p.lineOf(in) + " names the sockets of Docker's plugins")
			}
		}
	}
	if _, known := p.Entry.Main(); known {
		return nil
	}
	for _, dir := range append(p.workdirs(), path.Dir(p.opts.Path)) {
		if prog, ok := programs.Lookup(path.Base(dir)); ok && prog == plugin {
			return refuse(path.Base(dir))
		}
	}
	return nil
}

// workdirs returns the working directories that the file names, in whichever stage: a
// program is mostly built in the one of its import path.
func (p *Pass) workdirs() []string {
	var dirs []string
	for _, in := range p.Doc.Instructions {
		if in.Keyword == "WORKDIR" && len(in.Args) > 0 {
			dirs = append(dirs, path.Clean(strings.TrimSpace(in.Args[0])))
		}
	}
	return dirs
}

// dockerExecutor is how gitlab-runner is told to start its jobs by way of the Docker socket.
var dockerExecutor = regexp.MustCompile(`--executor[= ]["']?docker\b|\bRUNNER_EXECUTOR[= ]["']?docker\b|--docker-volumes[= ]["']?/var/run/docker\.sock|\bdocker\.sock\b`)

// socketOfRunner refuses a runner of GitLab's whose start script or settings give it the
// Docker socket.
func (p *Pass) socketOfRunner() *Refusal {
	if !slices.ContainsFunc(p.Entry.Programs, func(c programs.Command) bool { return c.Program != nil && c.Program.Name == "gitlab-runner" }) {
		return nil
	}
	where := ""
	for _, name := range p.Entry.Scripts {
		if text, ok := p.FileOf(p.End.Resolve(name)); ok && dockerExecutor.MatchString(text) {
			where = name
		}
	}
	for _, in := range p.Stage.Instructions {
		if where == "" && (in.Keyword == "ENV" || in.Keyword == "ENTRYPOINT" || in.Keyword == "CMD" || in.Keyword == "RUN") && dockerExecutor.MatchString(in.Original) {
			where = p.lineOf(in)
		}
	}
	if where == "" {
		return nil
	}
	return &Refusal{Reason: DockerSocket, Line: p.at(p.Entry.By),
		Message: where + " has gitlab-runner start its jobs through the Docker socket, which belongs to root and the host's docker group"}
}

// besideDocker refuses images that are made for a Docker daemon or its client and start
// something of which nobody knows what it calls.
func besideDocker(p *Pass) *Refusal {
	if p.Entry.By == nil || p.startsService() {
		return nil
	}
	daemon := func(what string) *Refusal {
		_, instead, _ := p.dockerd().Reasons()
		return &Refusal{Reason: NeedsRootDaemon, Line: p.at(p.Entry.By), Hint: instead,
			Message: fmt.Sprintf("%s, and what %s starts beside it is not known", what, dockerfile.Clip(path.Base(p.Entry.Argv[0]), 40))}
	}
	switch {
	case p.daemonBase():
		return daemon(p.baseName() + " is made to start a Docker daemon")
	case p.Repository() == "docker" && p.End.User.Root():
		return &Refusal{Reason: DockerSocket, Line: p.at(p.Entry.By),
			Message: p.baseName() + " is there for Docker's client, which works through the Docker socket of root and the host's docker group"}
	case slices.Contains(p.End.Volumes, dockerData):
		return daemon("the image has a volume for " + dockerData + ", the data of a Docker daemon")
	}
	return nil
}

const dockerData = "/var/lib/docker"

func (p *Pass) dockerd() programs.Command {
	prog, _ := programs.Lookup("dockerd")
	return programs.Command{Program: prog, Args: []string{"dockerd"}}
}

// startsService reports whether the image starts a known service that is no Docker
// daemon. Of an interpreter it is not known what it starts.
func (p *Pass) startsService() bool {
	c, ok := p.Entry.Main()
	return ok && len(c.Program.Ports) > 0
}

// daemonBase reports whether the base image is one of Docker's with the daemon by name:
// docker:dind. The rootless ones have a user.
func (p *Pass) daemonBase() bool {
	_, tag, _ := strings.Cut(p.Base.Reference[strings.LastIndexByte(p.Base.Reference, '/')+1:], ":")
	return p.Repository() == "docker" && strings.Contains(tag, "dind") && !strings.Contains(tag, "rootless")
}

// daemonWords are what steps of images hold that start a Docker daemon, rather than
// call the one of the host.
var daemonWords = []string{"dind", "wrapdocker", "dockerd", dockerData, "/etc/docker", "docker daemon", "service docker", "enable docker", "docker-containerd"}

// showsDockerDaemon reports whether the file shows more of Docker than its client, which
// comes in the same package as the daemon.
func (p *Pass) showsDockerDaemon() bool {
	text := p.stepsText()
	return slices.Contains(p.End.Volumes, dockerData) ||
		slices.ContainsFunc(daemonWords, func(w string) bool { return strings.Contains(text, w) })
}

// dockerPackages are those with Docker's client, with and without its daemon. Debian's
// docker is something else.
var dockerPackages = []string{"docker-cli", "docker-ce-cli", "docker-compose", "docker-cli-compose", "docker-compose-plugin", "docker-compose-v2",
	"docker.io", "docker-ce", "docker-engine", "docker-io", "lxc-docker", "moby-engine", "moby-cli"}

// dockerClient returns the first package of a client of the Docker socket.
func (p *Pass) dockerClient() (simulate.Package, bool) {
	for _, pkg := range p.End.Packages {
		if slices.Contains(dockerPackages, pkg.Name) || pkg.Name == "docker" && pkg.Manager != "debian" {
			return pkg, true
		}
	}
	return simulate.Package{}, false
}

// onlyDockerClient reports whether a program of the table comes into the image with
// Docker's client alone: the packages hold the daemon, too.
func (p *Pass) onlyDockerClient(prog *programs.Program) bool {
	_, client := p.dockerClient()
	return (prog.Name == "dockerd" || prog.Name == "containerd" && client) && !p.showsDockerDaemon()
}

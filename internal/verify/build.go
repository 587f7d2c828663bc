package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// A BuildError is a build that the builder refused, with the end of its log.
type BuildError struct{ Msg, Log string }

func (e *BuildError) Error() string { return e.Msg }

// A cli is the user's docker command. It is used for builds alone: it brings
// BuildKit's session with it (secrets, ssh, ignore files, named contexts).
type cli struct {
	path        string
	buildx      bool
	interrupted bool
}

// Build implements Engine: with the docker command where there is one, else
// with the API's own builder, which is also Podman's.
func (d *Docker) Build(ctx context.Context, b Build) error {
	track(d, &d.images, b.Tag)
	if c := d.command(ctx); c != nil {
		return d.buildWith(ctx, c, b)
	}
	return d.buildAPI(ctx, b)
}

// command looks for the docker command, once. Podman gets the API: a docker
// command on its machine may talk to something else.
func (d *Docker) command(ctx context.Context) *cli {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cli != nil || d.podman {
		if d.cli == nil || d.cli.path == "" {
			return nil
		}
		return d.cli
	}
	d.cli = &cli{}
	p, err := exec.LookPath("docker")
	if err != nil {
		return nil
	}
	d.cli.path = p
	d.cli.buildx = exec.CommandContext(ctx, p, "buildx", "version").Run() == nil
	return d.cli
}

// buildWith runs docker build with the Dockerfile in a temporary directory, so
// that nothing is written in the user's tree.
func (d *Docker) buildWith(ctx context.Context, c *cli, b Build) error {
	dir, err := os.MkdirTemp("", "harden-verify-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, b.Dockerfile, 0o600); err != nil {
		return fmt.Errorf("writing the Dockerfile to build: %w", err)
	}
	// NAME.dockerignore beside the Dockerfile counts before .dockerignore.
	if ignore, err := os.ReadFile(b.Path + ".dockerignore"); err == nil {
		if err := os.WriteFile(file+".dockerignore", ignore, 0o600); err != nil {
			return fmt.Errorf("writing the Dockerfile to build: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, c.path, d.buildArgs(c, b, file)...)
	log := &tailBuffer{max: 64 << 10}
	cmd.Stdout, cmd.Stderr = log, log
	if b.Log != nil {
		cmd.Stdout = io.MultiWriter(log, b.Log)
		cmd.Stderr = cmd.Stdout
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		d.mu.Lock()
		c.interrupted = true
		d.mu.Unlock()
		return ctx.Err()
	}
	if err != nil {
		return d.buildError(ctx, log.String(), err)
	}
	return nil
}

func (d *Docker) buildArgs(c *cli, b Build, file string) []string {
	args := []string{"build"}
	if c.buildx {
		args = []string{"buildx", "build", "--load", "--progress=plain", "--provenance=false"}
	}
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	add("--file", file)
	add("--tag", b.Tag)
	add("--label", Label+"="+d.run)
	add("--target", b.Target)
	add("--platform", b.Platform)
	for _, k := range slices.Sorted(maps.Keys(b.Args)) {
		add("--build-arg", k+"="+b.Args[k])
	}
	for _, k := range slices.Sorted(maps.Keys(b.Contexts)) {
		add("--build-context", k+"="+b.Contexts[k])
	}
	for _, s := range b.Secrets {
		add("--secret", s)
	}
	for _, s := range b.SSH {
		add("--ssh", s)
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	return append(args, "--", b.Context)
}

// buildError tells a full disk and an engine that is gone from a Dockerfile that
// does not build.
func (d *Docker) buildError(ctx context.Context, log string, err error) error {
	if noSpace(log) {
		return diskFull("building", lastLines(log, 20))
	}
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		return fmt.Errorf("running docker build: %w", err)
	}
	ping, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if _, perr := d.api.Ping(ping, client.PingOptions{}); perr != nil {
		return classify(ctx, "building", perr)
	}
	return &BuildError{Msg: buildMessage(log), Log: lastLines(log, 30)}
}

// buildMessage takes the builder's own words for what went wrong.
func buildMessage(log string) string {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "ERROR: "); ok {
			return oneLine(strings.TrimPrefix(rest, "failed to solve: "))
		}
	}
	return oneLine(lastLines(log, 1))
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// buildAPI sends the context to the builder behind the API.
func (d *Docker) buildAPI(ctx context.Context, b Build) error {
	if len(b.Secrets)+len(b.SSH)+len(b.Contexts) > 0 {
		return &Error{Kind: BadRequest, Msg: "secrets, ssh and named contexts need the docker command, which is not here", Hint: "install it, with buildx"}
	}
	args := map[string]*string{}
	for k, v := range b.Args {
		args[k] = &v
	}
	name := "." + d.Name("Dockerfile")
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(writeContext(pw, b, name)) }()
	defer pr.Close()
	opts := client.ImageBuildOptions{Tags: []string{b.Tag}, Dockerfile: name, Target: b.Target, BuildArgs: args, Labels: d.labels(),
		NoCache: b.NoCache, Remove: true, ForceRemove: true}
	if b.Platform != "" {
		p, err := imageinspect.ParsePlatform(b.Platform)
		if err != nil {
			return &Error{Kind: BadRequest, Msg: err.Error(), Err: err}
		}
		opts.Platforms = []ocispec.Platform{{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}}
	}
	res, err := d.api.ImageBuild(ctx, pr, opts)
	if err != nil {
		return d.apiBuildError(ctx, "", err)
	}
	defer res.Body.Close()
	log := &tailBuffer{max: 64 << 10}
	if b.Log != nil {
		return d.apiBuildError(ctx, log.String(), readBuild(res.Body, io.MultiWriter(log, b.Log)))
	}
	err = readBuild(res.Body, log)
	return d.apiBuildError(ctx, log.String(), err)
}

func (d *Docker) apiBuildError(ctx context.Context, log string, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if noSpace(err.Error()) {
		return diskFull("building", lastLines(log, 20))
	}
	ping, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if _, perr := d.api.Ping(ping, client.PingOptions{}); perr != nil {
		return classify(ctx, "building", perr)
	}
	return &BuildError{Msg: oneLine(err.Error()), Log: lastLines(log, 30)}
}

// readBuild follows the messages of a build to their end.
func readBuild(r io.Reader, log io.Writer) error {
	dec := json.NewDecoder(r)
	for {
		var m struct {
			Stream string `json:"stream"`
			Error  string `json:"error"`
		}
		if err := dec.Decode(&m); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if m.Error != "" {
			fmt.Fprintln(log, m.Error)
			return errors.New(m.Error)
		}
		if _, err := io.Copy(log, bytes.NewReader([]byte(m.Stream))); err != nil {
			return err
		}
	}
}

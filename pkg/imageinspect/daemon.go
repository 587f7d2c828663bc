package imageinspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An Engine reads images from the local container engine, through Docker's API
// at DOCKER_HOST or the current docker context. Layers that are not in the
// cache come as a stream of the whole image, which is read once and not
// stored.
type Engine struct {
	in *inspector

	once sync.Once
	api  *client.Client
	err  error
}

// NewEngine returns the Engine. It is connected to when it is first asked.
func NewEngine(o Options) *Engine { return &Engine{in: newInspector(o)} }

// Inspect implements Source.
func (e *Engine) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	f, err := e.read(ctx, ref, p, true)
	return f, withRef(err, ref)
}

// InspectConfig implements ConfigSource.
func (e *Engine) InspectConfig(ctx context.Context, ref string, p Platform) (*Facts, error) {
	f, err := e.read(ctx, ref, p, false)
	return f, withRef(err, ref)
}

// connect makes the client, once.
func (e *Engine) connect(ctx context.Context) (*client.Client, error) {
	e.once.Do(func() {
		opts := []client.Opt{client.FromEnv}
		if os.Getenv("DOCKER_HOST") == "" {
			host, err := contextHost()
			if err != nil {
				e.err = err
				return
			}
			if host != "" {
				opts = append(opts, client.WithHost(host))
			}
		}
		if e.api, e.err = client.New(opts...); e.err != nil {
			e.err = failf(Unreachable, "check DOCKER_HOST", "the container engine cannot be reached: %s", safeText(e.err.Error()))
		}
	})
	if e.err != nil {
		return nil, e.err
	}
	if _, err := e.api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return nil, e.fail(ctx, err)
	}
	return e.api, nil
}

// fail turns an error of the engine into an Error.
func (e *Engine) fail(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case cerrdefs.IsNotFound(err):
		return failf(NotFound, "docker pull or docker build it", "the container engine does not have it")
	case cerrdefs.IsPermissionDenied(err), strings.Contains(err.Error(), "permission denied"):
		return failf(Unreachable, "add yourself to the group that owns its socket, or set DOCKER_HOST", "the container engine does not let you in")
	}
	return failf(Unreachable, "start it, or set DOCKER_HOST", "the container engine cannot be reached: %s", safeText(err.Error()))
}

func (e *Engine) read(ctx context.Context, ref string, p Platform, files bool) (*Facts, error) {
	if ref == "scratch" {
		return Scratch(), nil
	}
	api, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	var opts []client.ImageInspectOption
	platform := ocispec.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
	if !p.IsZero() && versions.GreaterThanOrEqualTo(api.ClientVersion(), "1.49") {
		opts = append(opts, client.ImageInspectWithPlatform(&platform))
	}
	found, err := api.ImageInspect(ctx, ref, opts...)
	if err != nil {
		return nil, e.fail(ctx, err)
	}
	img, err := engineImage(found, ref, p)
	if err != nil {
		return nil, err
	}
	if !files || e.cached(img) {
		return e.in.facts(ctx, img, files)
	}
	var save []client.ImageSaveOption
	if !p.IsZero() && versions.GreaterThanOrEqualTo(api.ClientVersion(), "1.48") {
		save = append(save, client.ImageSaveWithPlatforms(platform))
	}
	// By its id it is one image, whatever names it has.
	stream, err := api.ImageSave(ctx, []string{found.ID}, save...)
	if err != nil {
		return nil, e.fail(ctx, err)
	}
	defer stream.Close()
	return inspectArchive(ctx, e.in, stream, archiveRequest{shown: ref, platform: p, origin: img.origin, digest: img.digest})
}

// cached fills in the layers from the cache and reports whether all are there.
func (e *Engine) cached(img *image) bool {
	for i, l := range img.layers {
		r := e.in.cache.layer(l.digest)
		if r == nil {
			return false
		}
		img.layers[i].record = r
	}
	return true
}

// engineImage takes over what the engine says about an image.
func engineImage(found client.ImageInspectResult, ref string, p Platform) (*image, error) {
	c := &v1.ConfigFile{OS: found.Os, Architecture: found.Architecture, Variant: found.Variant}
	if g := found.Config; g != nil {
		c.Config = v1.Config{
			User: g.User, WorkingDir: g.WorkingDir, Env: g.Env, Entrypoint: g.Entrypoint, Cmd: g.Cmd,
			Shell: g.Shell, OnBuild: g.OnBuild, StopSignal: g.StopSignal, Volumes: g.Volumes, ExposedPorts: g.ExposedPorts,
		}
		if g.Healthcheck != nil {
			c.Config.Healthcheck = &v1.HealthConfig{Test: g.Healthcheck.Test}
		}
	}
	img := &image{
		ref: ref, digest: repoDigest(found.RepoDigests, ref), config: c, platform: platformOf(c.Platform()),
		origin: Origin{Kind: FromEngine, Detail: plainText(found.ID, maxShortText)},
	}
	for _, diffID := range found.RootFS.Layers {
		if _, err := v1.NewHash(diffID); err != nil {
			return nil, failf(Unsupported, "", "the container engine names a layer %.100q", diffID)
		}
		img.layers = append(img.layers, layer{digest: diffID})
	}
	return img, img.setPlatform(p)
}

// repoDigest returns the digest under which the repository of ref has the
// image, "" if it was never pulled from or pushed to there.
func repoDigest(digests []string, ref string) string {
	want, err := name.ParseReference(ref)
	if err != nil {
		return ""
	}
	for _, d := range digests {
		if have, err := name.NewDigest(d); err == nil && have.Context().Name() == want.Context().Name() {
			return have.DigestStr()
		}
	}
	return ""
}

// contextHost returns the endpoint of the current docker context, "" for the
// default one (docker/cli, cli/context/store).
func contextHost() (string, error) {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", nil
		}
		dir = filepath.Join(home, ".docker")
	}
	current := os.Getenv("DOCKER_CONTEXT")
	if current == "" {
		var cfg struct {
			CurrentContext string `json:"currentContext"`
		}
		if readJSONFile(filepath.Join(dir, "config.json"), &cfg) == nil {
			current = cfg.CurrentContext
		}
	}
	if current == "" || current == "default" {
		return "", nil
	}
	sum := sha256.Sum256([]byte(current))
	var meta struct {
		Endpoints map[string]struct {
			Host string `json:"Host"`
		} `json:"Endpoints"`
	}
	if err := readJSONFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json"), &meta); err != nil {
		return "", failf(Unreachable, "docker context ls", "the docker context %.60q cannot be read: %v", current, err)
	}
	host := meta.Endpoints["docker"].Host
	if strings.HasPrefix(host, "ssh://") {
		return "", failf(Unreachable, "set DOCKER_HOST to a socket or to tcp://", "the docker context %.60q goes over ssh, which is not supported", current)
	}
	return host, nil
}

func readJSONFile(file string, v any) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := readBounded(f, maxManifest, "file")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Base(file), jsonProblem(err))
	}
	return nil
}

package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Recipe is how a Compose or Bake file builds an image.
type Recipe struct {
	Dockerfile string // absolute
	Build      Build
}

// output runs a docker command that prints JSON.
func output(ctx context.Context, dir string, argv ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := oneLine(lastLines(strings.TrimSpace(stderr.String()), 2))
		return nil, &Error{Kind: BadRequest, Msg: fmt.Sprintf("%s: %s", strings.Join(argv[:min(2, len(argv))], " "), said), Hint: "it has to work by itself first", Err: err}
	}
	return out, nil
}

// Bake asks docker buildx bake how it builds a target.
func Bake(ctx context.Context, file, target string) (*Recipe, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(abs)
	out, err := output(ctx, dir, "docker", "buildx", "bake", "--file", abs, "--print", target)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Target map[string]struct {
			Context, Dockerfile, Target string
			Inline                      string `json:"dockerfile-inline"`
			Args                        map[string]*string
			Contexts                    map[string]string
			Platforms                   []string
			Secret                      []json.RawMessage
			SSH                         []json.RawMessage
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, fmt.Errorf("reading what docker buildx bake prints: %w", err)
	}
	t, ok := doc.Target[target]
	if !ok && len(doc.Target) == 1 {
		for _, t = range doc.Target {
			ok = true
		}
	}
	switch {
	case !ok:
		return nil, &Error{Kind: BadRequest, Msg: fmt.Sprintf("%s: %q stands for %d targets", file, target, len(doc.Target)), Hint: "name one with --bake-target"}
	case t.Inline != "" || strings.Contains(t.Context, "://"):
		return nil, &Error{Kind: BadRequest, Msg: fmt.Sprintf("%s: target %q has no Dockerfile of its own here", file, target), Hint: "name a target that builds from a file"}
	}
	r := &Recipe{Build: Build{Context: resolve(dir, orDefault(t.Context, ".")), Target: t.Target, Args: map[string]string{}, Contexts: t.Contexts}}
	r.Dockerfile = resolve(r.Build.Context, orDefault(t.Dockerfile, "Dockerfile"))
	if len(t.Platforms) == 1 {
		r.Build.Platform = t.Platforms[0]
	}
	for k, v := range t.Args {
		if v != nil {
			r.Build.Args[k] = *v
		}
	}
	for _, s := range t.Secret {
		r.Build.Secrets = append(r.Build.Secrets, mountSpec(s, "id", "src", "env", "type"))
	}
	for _, s := range t.SSH {
		r.Build.SSH = append(r.Build.SSH, sshSpec(s))
	}
	return r, nil
}

// mountSpec reads a secret as older and newer versions of buildx print it: as a
// string or as an object.
func mountSpec(raw json.RawMessage, keys ...string) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object map[string]string
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	var parts []string
	for _, k := range keys {
		if object[k] != "" {
			parts = append(parts, k+"="+object[k])
		}
	}
	return strings.Join(parts, ",")
}

func sshSpec(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		ID    string
		Paths []string
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	if len(object.Paths) == 0 {
		return object.ID
	}
	return object.ID + "=" + strings.Join(object.Paths, ",")
}

func resolve(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

package siblings

import (
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// seen is what both readers say about a service.
type seen struct {
	Dockerfile, Target, User, Image string
	Args                            map[string]string
	Privileged                      bool
	CapAdd, Entrypoint, Command     []string
	Ports                           []int
	Binds, Volumes                  []string // targets
}

// TestAgainstComposeGo compares this reader with Docker's own on a file that
// has every form of every key.
func TestAgainstComposeGo(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
name: test
x-base: &base
  user: "7"
  cap_add: [NET_RAW]
services:
  plain: {build: ./plain}
  full:
    <<: *base
    image: example/full
    build:
      context: full
      dockerfile: sub/Dockerfile
      target: prod
      args: {A: 1, B: "two", C: true, D: "$${x}"}
    privileged: true
    entrypoint: /entry "a b" 'c d' e\ f
    command: ["x", "y"]
    ports: ["80", "8080:81", "127.0.0.1:8082:82/udp", "9000-9002:90-92", {target: 443, published: "8443"}]
    volumes: ["./a:/a/", "/b:/b:ro", "c:/c", "/d", {type: bind, source: ./e, target: /e}, {type: volume, source: c, target: /f}, {type: tmpfs, target: /g}]
  list:
    build: {context: ., args: [A=1, "B=two words", C=]}
    command: echo "hello" world
    ports: ["${PORT:-8000}:${PORT:-8000}"]
  child:
    extends: {service: full}
    user: "8"
    cap_add: [SYS_ADMIN]
volumes: {c: {}}
`)
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
	}, func(o *loader.Options) { o.SetProjectName("test", true) })
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]seen{}
	for name, s := range project.Services {
		theirs[name] = fromComposeGo(s)
	}
	ours := map[string]seen{}
	for _, builds := range repo.builds {
		for _, b := range builds {
			ours[b.Service.Name] = fromBuild(b)
		}
	}
	if len(ours) != 4 {
		t.Errorf("%d services, want 4", len(ours))
	}
	if d := cmp.Diff(theirs, ours); d != "" {
		t.Errorf("(-compose-go +ours):\n%s", d)
	}
}

func fromBuild(b *Build) seen {
	s := seen{
		Dockerfile: b.Dockerfile, Target: b.Target, User: b.Service.User, Args: b.Args, Privileged: b.Service.Privileged,
		CapAdd: b.Service.CapAdd, Entrypoint: b.Service.Entrypoint, Command: b.Service.Command, Ports: b.Service.Ports,
	}
	if len(b.Images) > 0 {
		s.Image = b.Images[0]
	}
	for _, m := range b.Service.Binds {
		s.Binds = append(s.Binds, m.Target)
	}
	for _, m := range b.Service.Volumes {
		s.Volumes = append(s.Volumes, m.Target)
	}
	return s.sorted()
}

func fromComposeGo(c types.ServiceConfig) seen {
	s := seen{
		Dockerfile: filepath.Join(c.Build.Context, c.Build.Dockerfile), Target: c.Build.Target, User: c.User, Image: c.Image,
		Args: map[string]string{}, Privileged: c.Privileged, CapAdd: c.CapAdd, Entrypoint: c.Entrypoint, Command: c.Command,
	}
	for name, value := range c.Build.Args {
		if value != nil {
			s.Args[name] = *value
		}
	}
	for _, p := range c.Ports {
		s.Ports = append(s.Ports, int(p.Target))
	}
	for _, v := range c.Volumes {
		switch v.Type {
		case types.VolumeTypeBind:
			s.Binds = append(s.Binds, path.Clean(v.Target))
		case types.VolumeTypeVolume:
			s.Volumes = append(s.Volumes, path.Clean(v.Target))
		}
	}
	return s.sorted()
}

// sorted brings what has no order into one, and makes no difference between
// nothing and an empty list.
func (s seen) sorted() seen {
	for _, list := range []*[]string{&s.CapAdd, &s.Binds, &s.Volumes} {
		*list = slices.Sorted(slices.Values(*list))
	}
	for _, list := range []*[]string{&s.Entrypoint, &s.Command} {
		*list = append([]string(nil), *list...)
	}
	s.Ports = slices.Sorted(slices.Values(s.Ports))
	if s.Args == nil {
		s.Args = map[string]string{}
	}
	return s
}

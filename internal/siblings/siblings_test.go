package siblings

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// unpack writes an archive to a directory and reads the files in it that say
// something.
func unpack(t *testing.T, archive string) (dir string, repo *Repository) {
	t.Helper()
	dir = t.TempDir()
	var files []File
	for _, f := range txtar.Parse([]byte(archive)).Files {
		abs := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(abs, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if Wanted(abs) {
			files = append(files, File{Path: f.Name, Abs: abs, Read: func() ([]byte, error) { return os.ReadFile(abs) }})
		}
	}
	return dir, Read(files)
}

func TestWanted(t *testing.T) {
	for name, want := range map[string]bool{
		"compose.yaml": true, "compose.yml": true, "docker-compose.yml": true, "docker-compose.prod.yaml": true, "compose.dev.yaml": true,
		"docker-compose-test.yml": true, "app.compose.yml": true, "docker-bake.hcl": true, "docker-bake.override.json": true,
		"skaffold.yaml": true, "skaffold-dev.yml": true, "action.yml": true, "action.yaml": true, "Makefile": true, "docker.mk": true, "build.sh": true,
		".github/workflows/ci.yml": true, "repo/.github/workflows/ci.yaml": true, ".github/ci.yml": false, "Dockerfile": false, "composer.yaml": false, "docker-compose.yml.j2": false, "bake.hcl": false,
	} {
		if Wanted(name) != want {
			t.Errorf("Wanted(%q) = %v", name, !want)
		}
	}
}

func TestCompose(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
x-common: &common
  cap_add: [NET_ADMIN]
  user: "${UID_OF_SOMEBODY}"
services:
  web:
    <<: *common
    image: example/web:1
    build:
      context: ./web
      dockerfile: docker/Dockerfile.${VARIANT:-prod}
      target: final
      args:
        VERSION: 1.20
        FROM_ENV:
        UNKNOWN: ${NOPE}
        DEFAULT: ${NOPE:-d}
      platforms: [linux/arm64]
      tags: [example/web:latest]
    user: "1000:1000"
    privileged: true
    entrypoint: ["/entry", "-x"]
    command: serve --name "a b" $$HOME
    environment:
      UPLOADS: /uploads
      DATABASE_URL: sqlite:////db/app.db?mode=rw
      TOKEN: 4f5d1c
    ports:
      - "8080:80/tcp"
      - 127.0.0.1:5000-5001:5000-5001
      - target: 443
        published: 8443
      - "${PORT}:${PORT}"
    volumes:
      - ./data:/data:ro
      - /var/run/docker.sock:/var/run/docker.sock
      - named:/var/lib/web
      - /anonymous
      - type: bind
        source: ../src
        target: /src
        read_only: true
      - type: tmpfs
        target: /tmp
      - C:\data:/windows
  short:
    build: ./short
    command: run
  remote:
    build: https://github.com/example/repo.git
  inline:
    build: {dockerfile_inline: "FROM scratch"}
  none:
    image: postgres
  nobody:
`)
	builds := repo.builds[filepath.Join(dir, "web", "docker", "Dockerfile.prod")]
	if len(builds) != 1 {
		t.Fatalf("builds %+v", repo.builds)
	}
	want := &Build{
		File: "compose.yaml", Line: 5, Dockerfile: filepath.Join(dir, "web", "docker", "Dockerfile.prod"), Context: filepath.Join(dir, "web"),
		Target: "final", Args: map[string]string{"VERSION": "1.20", "DEFAULT": "d"}, Platforms: []string{"linux/arm64"},
		Images: []string{"example/web:1", "example/web:latest"},
		Service: &Service{
			Name: "web", User: "1000:1000", Privileged: true, CapAdd: []string{"NET_ADMIN"},
			Entrypoint: []string{"/entry", "-x"}, Command: []string{"serve", "--name", "a b", "$HOME"},
			Environment: map[string]string{"UPLOADS": "/uploads", "DATABASE_URL": "sqlite:////db/app.db"},
			Ports:       []int{80, 5000, 5001, 443},
			Binds: []Mount{
				{"./data", "/data", true}, {"/var/run/docker.sock", "/var/run/docker.sock", false},
				{"../src", "/src", true}, {`C:\data`, "/windows", false},
			},
			Volumes: []Mount{{"named", "/var/lib/web", false}, {"", "/anonymous", false}},
		},
	}
	if d := cmp.Diff(want, builds[0], cmpopts.IgnoreUnexported(Build{})); d != "" {
		t.Errorf("web (-want +got):\n%s", d)
	}
	if b := repo.builds[filepath.Join(dir, "short", "Dockerfile")]; len(b) != 1 || b[0].Service.Command[0] != "run" {
		t.Errorf("short: %+v", b)
	}
	if len(repo.builds) != 2 {
		t.Errorf("there are %d builds, want 2: %+v", len(repo.builds), repo.builds)
	}
}

func TestComposeSeveralFiles(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  base: {build: ., cap_add: [A], user: one, ports: ["80"]}
  web: {extends: base, cap_add: [B], user: two}
  loop: {extends: {service: loop2}}
  loop2: {extends: {service: loop}}
  worker: {extends: {file: common/compose.shared.yml, service: job}}
-- compose.prod.yaml --
services:
  web: {privileged: true}
-- common/compose.shared.yml --
services:
  job: {build: {context: job}}
`)
	var names []string
	for _, b := range repo.builds[filepath.Join(dir, "Dockerfile")] {
		names = append(names, b.File+" "+b.Service.Name+" "+b.Service.User+" "+strings.Join(b.Service.CapAdd, ","))
	}
	want := []string{"compose.yaml base one A", "compose.yaml web two A,B", "compose.prod.yaml web  "}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if b := repo.builds[filepath.Join(dir, "common", "job", "Dockerfile")]; len(b) != 2 {
		t.Errorf("the extended service: %+v", b)
	}
}

func TestBake(t *testing.T) {
	const hcl = `
variable "TAG" { default = "1.0" }
variable "REGISTRY" { default = null }
group "default" { targets = ["app"] }
target "_common" {
  context = "app"
  args = { BASE = "debian", SECRET = unknown("x"), TWICE = "${TAG}-${TAG}" }
  platforms = ["linux/amd64"]
}
target "app" {
  inherits = ["_common"]
  dockerfile = "../docker/Dockerfile"
  target = "prod"
  tags = ["example/app:${TAG}"]
  contexts = { base = "target:base" }
}
target "base" { context = "base" }
target "matrix" {
  name = "m-${x}"
  matrix = { x = ["a", "b"] }
  context = x
}
target "loop" {
  context = [for i in [1, 2] : i][0]
}
target "remote" { context = "https://github.com/example/app.git" }
target "inline" { dockerfile-inline = "FROM scratch" }
`
	const json = `{
 "variable": {"TAG": {"default": "1.0"}},
 "target": {
  "_common": {"context": "app", "args": {"BASE": "debian", "TWICE": "${TAG}-${TAG}"}, "platforms": ["linux/amd64"]},
  "app": {"inherits": ["_common"], "dockerfile": "../docker/Dockerfile", "target": "prod", "tags": ["example/app:${TAG}"], "contexts": {"base": "target:base"}},
  "base": {"context": "base"}
 }}`
	for name, src := range map[string]string{"docker-bake.hcl": hcl, "docker-bake.json": json} {
		dir, repo := unpack(t, "-- "+name+" --\n"+src)
		if len(repo.Notes()) > 0 {
			t.Fatalf("%s: %v", name, repo.Notes())
		}
		got := repo.builds[filepath.Join(dir, "docker", "Dockerfile")]
		if len(got) != 1 || got[0].Line == 0 {
			t.Fatalf("%s: %+v", name, repo.builds)
		}
		want := &Build{
			File: name, Line: got[0].Line, Dockerfile: filepath.Join(dir, "docker", "Dockerfile"), Context: filepath.Join(dir, "app"),
			Target: "prod", Args: map[string]string{"BASE": "debian", "TWICE": "1.0-1.0"}, Platforms: []string{"linux/amd64"},
			Images: []string{"example/app:1.0"}, Contexts: map[string]string{"base": filepath.Join(dir, "base", "Dockerfile")},
		}
		if d := cmp.Diff(want, got[0], cmpopts.IgnoreUnexported(Build{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for dockerfile := range repo.builds {
			if rel, _ := filepath.Rel(dir, dockerfile); rel != "docker/Dockerfile" && rel != "base/Dockerfile" && rel != "app/Dockerfile" {
				t.Errorf("%s: unexpected build of %s", name, rel)
			}
		}
	}
}

func TestAction(t *testing.T) {
	dir, repo := unpack(t, `
-- action.yml --
runs:
  using: docker
  image: images/Dockerfile
-- node/action.yml --
runs: {using: node20, main: index.js}
-- hub/action.yaml --
runs: {using: docker, image: "docker://alpine:3"}
`)
	if a := repo.About(filepath.Join(dir, "images", "Dockerfile"), "", stages("")); a.Action != "action.yml" {
		t.Errorf("got %+v", a)
	}
	if len(repo.builds) != 1 {
		t.Errorf("builds %+v", repo.builds)
	}
}

func TestAbout(t *testing.T) {
	dir, repo := unpack(t, `
-- README --
-- compose.yaml --
services:
  one: {build: {context: one, target: prod, args: {A: 1, B: x}}, ports: ["80"]}
  one-worker: {build: {context: one, target: Prod, args: {A: 1, B: y}}}
  two: {build: {context: two, target: development}, privileged: true}
  three-a: {build: {context: three, target: a}}
  three-b: {build: {context: three, target: b}}
  last: {build: {context: last, target: final}}
  gone: {build: {context: gone, target: nosuchstage}}
-- docker-compose.dev.yml --
services:
  one: {build: {context: one}, privileged: true}
-- .devcontainer/compose.yaml --
services:
  dev: {build: {context: ../one}, user: root}
  self: {build: ., user: root}
`)
	of := stages("a", "b", "development", "prod", "final")
	for _, tt := range []struct {
		name, target, want string
		args               map[string]string
		services, notes    []string
	}{
		{"one", "", "prod", map[string]string{"A": "1"}, []string{"one", "one-worker"}, []string{"the image is stage prod, because compose.yaml:2 builds that"}},
		{"one", "b", "b", map[string]string{}, nil, nil},
		{"one", "4", "", map[string]string{}, nil, nil},
		{"two", "", "", map[string]string{}, nil, []string{"compose.yaml:4 builds stage development; this is about the last stage, --target development is about that one"}},
		{"two", "development", "development", map[string]string{}, []string{"two"}, nil},
		{"three", "", "", map[string]string{}, nil, []string{
			"compose.yaml:5 builds stage a; this is about the last stage, --target a is about that one",
			"compose.yaml:6 builds stage b; this is about the last stage, --target b is about that one"}},
		{"last", "", "", map[string]string{}, []string{"last"}, nil},
		{"gone", "", "", map[string]string{}, nil, nil},
		{".devcontainer", "", "", map[string]string{}, []string{"self"}, nil},
		{"nobody", "", "", map[string]string{}, nil, nil},
	} {
		a := repo.About(filepath.Join(dir, tt.name, "Dockerfile"), tt.target, of)
		var services []string
		for _, b := range a.Services {
			services = append(services, b.Service.Name)
		}
		got := []any{a.Target, a.Args, services, a.Notes}
		if d := cmp.Diff([]any{tt.want, tt.args, tt.services, tt.notes}, got); d != "" {
			t.Errorf("%s, target %q (-want +got):\n%s", tt.name, tt.target, d)
		}
	}
}

// stages makes stages of names; one with a + is FROM the one before it.
func stages(names ...string) []Stage {
	var out []Stage
	for _, name := range names {
		name, inherits := strings.CutPrefix(name, "+")
		if inherits {
			out[len(out)-1].Parent = true
		}
		out = append(out, Stage{Name: name})
	}
	return out
}

// TestTemplate: a Compose file that a template becomes later says what it says anyway.
func TestTemplate(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yml --
volumes:
  {{ project.slug }}_data: {}
  {% if redis == 'y' %}{{ project.slug }}_redis: {}{% endif %}
services:
  web:{% if redis == 'y' %} &web{% endif %}
    build:
      context: .
    image: {{ project.slug }}_web
    depends_on:
      {%- if redis == 'y' %}
      - redis
      {%- endif %}
    volumes:
      - .:/app:z
      - {{ project.slug }}_data:/data
    user: "{{ project.uid }}"
    {{- if .Values.privileged }}
    privileged: true
    {{- end }}
    {# a comment #}
`)
	builds := repo.builds[filepath.Join(dir, "Dockerfile")]
	if len(builds) != 1 || len(repo.Notes()) > 0 {
		t.Fatalf("builds %+v, notes %v", builds, repo.Notes())
	}
	want := &Service{Name: "web", Privileged: true, Binds: []Mount{{".", "/app", false}}}
	if d := cmp.Diff(want, builds[0].Service); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if builds[0].Line != 5 || len(builds[0].Images) > 0 {
		t.Errorf("line %d, images %v", builds[0].Line, builds[0].Images)
	}
}

// TestNamed: a service that runs the image without building it speaks of it, too.
func TestNamed(t *testing.T) {
	dir, repo := unpack(t, `
-- wiki/Dockerfile --
FROM node
-- wiki/compose.yml --
wiki:
  image: acme/wiki
  volumes: [./data:/data]
  user: "1000"
database:
  image: mysql
-- pad/Dockerfile --
FROM acme/pad:1
-- compose.yml --
services:
  wiki: {image: "docker.io/acme/wiki:2"}
  pad: {image: "acme/pad:2"}
  mysql: {image: mysql}
  builds: {image: "acme/made", build: made}
  worker: {image: "acme/made:latest"}
  other: {image: "acme/elsewhere"}
-- compose.dev.yml --
services:
  builds: {build: made, privileged: true}
-- made/Dockerfile --
FROM node
-- mysql/Dockerfile --
FROM debian
-- twice/Dockerfile --
FROM node
-- twice/compose.yaml --
services:
  one: {image: "acme/twice"}
  two: {image: "acme/twice:2", build: ../elsewhere}
`)
	repo.Link(filepath.Join(dir, "pad", "Dockerfile"), []string{"acme/pad:1"})
	for name, want := range map[string]string{
		"wiki": "compose.yml wiki, wiki/compose.yml wiki", "pad": "", "mysql": "", "elsewhere": "twice/compose.yaml two, twice/compose.yaml one",
		"made": "compose.yml builds, compose.yml worker", "twice": "",
	} {
		var got []string
		for _, b := range repo.About(filepath.Join(dir, name, "Dockerfile"), "", stages("")).Services {
			got = append(got, b.File+" "+b.Service.Name)
		}
		if name == "wiki" {
			slices.Sort(got)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: services %v, want %s", name, got, want)
		}
	}
	wiki := repo.runs[filepath.Join(dir, "wiki", "Dockerfile")][0].Service
	if wiki.User != "1000" || len(wiki.Binds) != 1 || wiki.Binds[0].Target != "/data" {
		t.Errorf("wiki: %+v", wiki)
	}
}

// TestAboutDevelopmentLast is the pattern of docker/awesome-compose: the last
// stage is a development environment, and Compose builds the one before it.
func TestAboutDevelopmentLast(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  web: {build: {context: ., target: builder}}
`)
	for names, want := range map[string]string{"builder dev-envs": "builder", "builder +dev-envs": "builder", "app +final": "", "builder final": "", "deps builder": ""} {
		if a := repo.About(filepath.Join(dir, "Dockerfile"), "", stages(strings.Fields(names)...)); a.Target != want {
			t.Errorf("stages %s: target %q, want %q", names, a.Target, want)
		}
	}
}

func TestChildren(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  base: {image: "registry.example.com/base:1", build: base}
  nginx: {image: nginx, build: nginx}
  app: {build: {context: app, additional_contexts: {shared: "service:base"}}}
`)
	file := func(name string) string { return filepath.Join(dir, name, "Dockerfile") }
	repo.Link(file("base"), []string{"debian:12"})
	repo.Link(file("nginx"), []string{"nginx:alpine"})
	repo.Link(file("app"), []string{"shared"})
	repo.Link(file("web"), []string{"docker.io/library/nginx:1", "registry.example.com/base:2"})
	if d := cmp.Diff([]string{file("app"), file("web")}, repo.Children(file("base"))); d != "" {
		t.Errorf("children of base (-want +got):\n%s", d)
	}
	if c := repo.Children(file("nginx")); c != nil {
		t.Errorf("children of nginx: %v", c)
	}
	for ref, want := range map[string]bool{"registry.example.com/base@sha256:0": true, "nginx:1": false, "base": false} {
		if repo.Builds(ref) != want {
			t.Errorf("Builds(%q) = %v", ref, !want)
		}
	}
}

// TestVariants: a tag that another Dockerfile makes is not this one's image.
func TestVariants(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  alpine: {image: "docker.io/acme/core:3.9-alpine", build: alpine}
  ubuntu: {image: "acme/core:3.9-ubuntu", build: ubuntu}
  latex: {image: "acme/latex:3.9-ubuntu", build: latex}
`)
	file := func(name string) string { return filepath.Join(dir, name, "Dockerfile") }
	repo.Link(file("latex"), []string{"acme/core:3.9-ubuntu"})
	repo.Link(file("elsewhere"), []string{"acme/core:3.9-debian"})
	if c := repo.Children(file("alpine")); c != nil {
		t.Errorf("children of alpine: %v", c)
	}
	if d := cmp.Diff([]string{file("latex")}, repo.Children(file("ubuntu"))); d != "" {
		t.Errorf("children of ubuntu (-want +got):\n%s", d)
	}
}

// TestNames: which image is made of which Dockerfile is written in makefiles, scripts
// and workflows, too.
func TestNames(t *testing.T) {
	dir, repo := unpack(t, `
-- variable/Makefile --
REPO := acme/tools:centos
include ../Makefile.in
-- variable/Dockerfile --
-- lint/Makefile --
IMAGE = acme/two
REPO = acme/one
-- lint/Dockerfile --
-- made/Makefile --
TAG := 1.0
NAME ?= acme/$(TAG)
image:
	docker buildx build --platform linux/amd64 \
	  --tag acme/made:$(TAG) --tag acme/unknown:$(shell date) -t $(NAME) --load $(FLAGS) .
other:
	@cd ../other && docker build -q -t acme/other --target Final --build-arg A=b . > log
-- made/Dockerfile --
-- other/Dockerfile --
-- script/build.sh --
#!/bin/sh
IMAGE="acme/script"
# docker build -t acme/comment .
if ! docker build -t "$IMAGE:2" -f script/app.Dockerfile .; then exit 1; fi && docker build -t acme/remote https://example.com/x.git
docker build -t acme/stdin - < Dockerfile
docker build -t acme/twice sub
podman build -t acme/nothere nothere
docker build -t "acme/$1" .
docker build -t acme/file -f "$FILE" .
-- script/app.Dockerfile --
-- script/sub/Dockerfile --
-- sub/Dockerfile --
-- elsewhere/build.sh --
cd "$SOMEWHERE"
docker build -t acme/elsewhere .
-- elsewhere/Dockerfile --
-- own/ci/build.sh --
cd "$(dirname "$0")"
docker build -t acme/own .
-- own/ci/Dockerfile --
-- own/Dockerfile --
-- .github/workflows/ci.yml --
env: {REGISTRY: ghcr.io}
jobs:
  image:
    env: {NAME: acme/action}
    steps:
      - uses: docker/metadata-action@v5
        id: meta
        with: {images: "acme/meta"}
      - uses: docker/build-push-action@v6
        with:
          context: action
          tags: |
            ${{ env.REGISTRY }}/${{ env.NAME }}:latest
            acme/plain:1, acme/sha:${{ github.sha }}
      - uses: docker/build-push-action@v6
        with: {file: action/Dockerfile.meta, tags: "${{ steps.meta.outputs.tags }}", target: Prod}
      - uses: docker/build-push-action@v6
        with: {context: "${{ matrix.dir }}", tags: acme/matrix}
      - run: docker build -t acme/run action
      - run: cd sub && docker build -t acme/cd .
-- action/Dockerfile --
-- action/Dockerfile.meta --
-- Dockerfile --
`)
	got := map[string]string{}
	for file, names := range repo.named {
		rel, _ := filepath.Rel(dir, file)
		for _, n := range names {
			got[n.image] = strings.TrimSuffix(filepath.ToSlash(rel)+" "+n.target, " ")
		}
	}
	want := map[string]string{
		"acme/tools:centos": "variable/Dockerfile", "acme/made:1.0": "made/Dockerfile", "acme/other": "other/Dockerfile final",
		"acme/script:2": "script/app.Dockerfile", "acme/own": "own/ci/Dockerfile",
		"ghcr.io/acme/action:latest": "action/Dockerfile", "acme/plain:1": "action/Dockerfile", "acme/meta": "action/Dockerfile.meta prod", "acme/run": "action/Dockerfile",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(repo.Notes()) > 0 || len(repo.builds) > 0 {
		t.Errorf("notes %v, builds %v", repo.Notes(), repo.builds)
	}
}

// TestExamples: how people run an image, in the README of its repository.
func TestExamples(t *testing.T) {
	dir, repo := unpack(t, `
-- README.md --
    docker run --rm -u $(id -u):$(id -g) -v $(pwd)/files:/data acme/lint lint .
    docker run \
      --volume "`+"`"+`pwd`+"`"+`:/work" --user `+"`"+`id -u`+"`"+`:`+"`"+`id -g`+"`"+` acme/pan:3 README.md
    docker run -d -v $PWD:/srv acme/lint
    docker run -p 80:80 -v $PWD:/srv acme/lint
    docker run -u 1000 -v $PWD:/srv acme/lint
    docker run -v $PWD/conf:/etc/lint:ro acme/lint
    docker run -v data:/data acme/lint
    docker run --mount type=bind,source=$(pwd),target=/m/ -it -e A=b acme/made:1
-- lint/Dockerfile --
-- pan/3.1/Dockerfile --
-- other/Makefile --
IMAGE := acme/made
run: ; docker run --rm -v $(CURDIR):/x $(IMAGE) make
-- other/Dockerfile --
`)
	for name, want := range map[string]string{
		"lint": "README.md:1 /data", "pan/3.1": "README.md:2 /work", "other": "other/Makefile:2 /x, README.md:9 /m", "nobody": "",
	} {
		var named []string
		a := repo.About(filepath.Join(dir, filepath.FromSlash(name), "Dockerfile"), "", stages(""))
		for _, e := range a.Examples {
			if e.Named {
				named = append(named, fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Target))
			}
		}
		if got := strings.Join(named, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if len(a.Examples) < 3 {
			t.Errorf("%s: %d examples", name, len(a.Examples))
		}
	}
}

// TestDocumentedServices: what a README gives the container of an image.
func TestDocumentedServices(t *testing.T) {
	dir, repo := unpack(t, `
-- README.md --
    docker run -d -p 80:80 -v /srv/wiki:/data -v $HOME/conf:/etc/wiki:ro -v wiki:/cache acme/wiki
    docker run --privileged --cap-add=net_admin -v $(pwd)/x:/x -d acme/wiki:2
    docker run -d --user 1000 -v /srv/wiki:/data acme/wiki
    docker run -d -v /srv/other:/data acme/other
    docker run -d -v /srv/other:/data $IMAGE
-- Makefile --
run:
	docker run -d --cap-add=SYS_TIME acme/wiki
-- test.mk --
run:
	docker run -d --privileged acme/wiki
-- wiki/Dockerfile --
`)
	var got []string
	for _, b := range repo.About(filepath.Join(dir, "wiki", "Dockerfile"), "", stages("")).Services {
		got = append(got, fmt.Sprint(b.File, ":", b.Line, " ", b.Service.Privileged, b.Service.CapAdd, b.Service.Binds, b.Service.Volumes, b.Service.Name))
	}
	want := []string{
		"README.md:1 false [] [{/srv/wiki /data false} {$HOME/conf /etc/wiki true}] [{wiki /cache false}]",
		"README.md:2 true [NET_ADMIN] [{./x /x false}] []",
		"Makefile:2 false [SYS_TIME] [] []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestDevices: devices of the host, and what docker compose watch copies.
func TestDevices(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  cam:
    build: .
    devices: ["/dev/video0:/dev/video1:rw", {source: /dev/ttyUSB0, target: /dev/ttyUSB0}, "vendor.com/gpu=all"]
    develop:
      watch:
        - {action: sync, path: ./src, target: /app/src}
        - {action: rebuild, path: package.json}
        - {action: sync+restart, path: ./conf, target: /app/conf/}
  grouped:
    build: .
    devices: ["/dev/snd"]
    group_add: [audio]
-- README.md --
docker run -d --device /dev/kfd --device=/dev/dri acme/cam
docker run -d --device /dev/kfd --group-add video acme/cam
-- Dockerfile --
-- cam/Dockerfile --
`)
	for name, want := range map[string]string{
		".": "[/dev/video0 /dev/ttyUSB0] [/app/src /app/conf], [] []", "cam": "[/dev/kfd /dev/dri] []",
	} {
		var got []string
		for _, b := range repo.About(filepath.Join(dir, name, "Dockerfile"), "", stages("")).Services {
			got = append(got, fmt.Sprint(b.Service.Devices, " ", b.Service.Syncs))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestHomes: what a README mounts into root's home.
func TestHomes(t *testing.T) {
	dir, repo := unpack(t, `
-- README.md --
    docker run -d -v chain:/root acme/client
    docker run -d -v $HOME/.kube:/root/.kube:ro acme/other
    docker run -d -u 1000 -v x:/root/x acme/client
    docker run -d -v x:/rooted acme/client
    docker run -it --mount type=bind,source=$PWD,target=/root/.model acme/model
-- docs/docker.mdx --
docker run -d -v models:/root/.models acme/client
-- go/docker.go --
// docker run -v x:/root acme/client
-- Dockerfile --
-- other/Dockerfile --
-- model/Dockerfile --
`)
	for _, name := range []string{".", "other", "model"} {
		repo.Link(filepath.Join(dir, name, "Dockerfile"), nil)
	}
	for name, want := range map[string]string{
		".": "README.md:1 /root, docs/docker.mdx:1 /root/.models", "other": "README.md:2 /root/.kube", "model": "README.md:5 /root/.model",
	} {
		var got []string
		for _, e := range repo.About(filepath.Join(dir, name, "Dockerfile"), "", stages("")).Homes {
			got = append(got, fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Target))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestLabel: a label names the image where nothing better does, and one Dockerfile has it.
func TestLabel(t *testing.T) {
	dir, repo := unpack(t, "-- first/Makefile --\nREPO := acme/made:one\n-- first/Dockerfile --\n")
	file := func(name string) string { return filepath.Join(dir, name, "Dockerfile") }
	repo.Label(file("first"), "acme/made")
	repo.Label(file("copied"), "acme/made")
	repo.Label(file("alone"), "docker.io/acme/alone")
	repo.Label(file("a"), "acme/both")
	repo.Label(file("b"), "acme/both")
	repo.Label(file("child"), "acme/alone-base")
	repo.Link(file("child"), []string{"acme/made:two", "acme/alone:3", "acme/both", "acme/alone-base"})
	for name, want := range map[string]int{"first": 1, "copied": 0, "alone": 1, "a": 0, "b": 0, "child": 0} {
		if got := repo.Children(file(name)); len(got) != want {
			t.Errorf("children of %s: %v, want %d", name, got, want)
		}
	}
	repo.name(file("alone"), name{image: "acme/with-args:1", args: "A,B"})
	known := func(string) bool { return false }
	for ref, want := range map[string]Maker{"acme/alone:3": {Dockerfile: file("alone")}, "acme/alone:slim": {}, "acme/with-args:1": {file("alone"), "", "A,B"}, "acme/made:one": {Dockerfile: file("first")}, "acme/made:two": {}, "acme/both": {}, "acme/alone-base": {}} {
		if got, _ := repo.Maker(file("child"), ref, known); got != want {
			t.Errorf("maker of %s: %v, want %v", ref, got, want)
		}
	}
}

// TestNamesakes: a directory is named after the image that is made of it.
func TestNamesakes(t *testing.T) {
	dir, repo := unpack(t, "-- README --\n")
	file := func(name string) string { return filepath.Join(dir, name, "Dockerfile") }
	repo.Link(file("mono-xsp"), []string{"acme/mono:6"})
	repo.Link(file("web"), []string{"nginx:1", "bitnami/nginx:1"})
	repo.Link(file("cassandra"), []string{"acme/plugins:alpine", "acme/dev:slim@sha256:0"})
	known := func(ref string) bool { return strings.HasPrefix(ref, "bitnami/") }
	for _, dir := range []string{"plugins-alpine", "docker/dev/slim"} {
		if d := cmp.Diff([]string{file("cassandra")}, repo.Namesakes(file(dir), known)); d != "" {
			t.Errorf("children of %s (-want +got):\n%s", dir, d)
		}
	}
	if c := repo.Namesakes(file("plugins-debian"), known); c != nil {
		t.Errorf("children of plugins-debian: %v", c)
	}
	if d := cmp.Diff([]string{file("mono-xsp")}, repo.Namesakes(file("mono"), known)); d != "" {
		t.Errorf("children of mono (-want +got):\n%s", d)
	}
	if c := repo.Namesakes(file("nginx"), known); c != nil {
		t.Errorf("children of nginx: %v", c)
	}
}

// TestNamesakesByComponent: kong is not konga, and Dockerfile.kong is the one of kong.
func TestNamesakesByComponent(t *testing.T) {
	repo := newRepository()
	const kong, konga, plugin = "/r/kong/Dockerfile.kong", "/r/kong/Dockerfile.konga-zh", "/r/kong/Dockerfile.plugin"
	repo.Link(kong, []string{"kong"})
	repo.Link(konga, []string{"pantsel/konga"})
	repo.Link(plugin, []string{"acme/kong"})
	known := func(string) bool { return false }
	if c := repo.Namesakes(konga, known); c != nil {
		t.Errorf("children of konga: %v", c)
	}
	if d := cmp.Diff([]string{plugin}, repo.Namesakes(kong, known)); d != "" {
		t.Errorf("children of kong (-want +got):\n%s", d)
	}
	if m, ok := repo.Maker(plugin, "acme/kong", known); !ok || m.Dockerfile != kong {
		t.Errorf("maker of kong: %v, %v", m, ok)
	}
}

// TestBuiltOn: an image without a tag is made of the Dockerfile without a suffix, nothing
// is made of what is made of it, and what builds say counts for more than a directory.
func TestBuiltOn(t *testing.T) {
	dir, repo := unpack(t, `
-- .github/workflows/sshd.yml --
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v1.1.0
        with: {repository: acme/sftp, tags: "latest, two", dockerfile: sftp/Dockerfile.small}
      - uses: docker/build-push-action@v3
        with: {tags: "acme/sshd:rsync", context: ., file: sshd/Dockerfile.apk}
      - uses: docker/build-push-action@v6
        with: {tags: "acme/sshd:next", context: ., file: next/Dockerfile}
-- sftp/Dockerfile.small --
-- sshd/Dockerfile.apk --
-- next/Dockerfile --
`)
	known := func(string) bool { return false }
	file := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for name, from := range map[string]string{
		"sshd/Dockerfile": "alpine", "sshd/Dockerfile.ubuntu": "ubuntu", "sshd/Dockerfile.apk": "acme/sshd", "sshd/Dockerfile.jsh": "acme/sshd:latest",
		"other/sshd/Dockerfile": "acme/base",
		"sftp/Dockerfile":       "alpine", "sftp/Dockerfile.small": "alpine", "files/Dockerfile": "acme/sftp",
		"only/Dockerfile.a": "alpine", "on-only/Dockerfile": "acme/only", "tagged/Dockerfile": "acme/sshd:ubuntu",
		"ring/one/Dockerfile": "acme/two", "ring/two/Dockerfile": "acme/three", "ring/three/Dockerfile": "acme/one", "beside/Dockerfile": "acme/two",
		"numbered/Dockerfile.1": "alpine", "numbered/Dockerfile.2": "acme/numbered:2",
		"next/Dockerfile": "acme/sshd:ubuntu", "on-next/Dockerfile": "acme/sshd:next",
	} {
		repo.Link(file(name), []string{from})
	}
	for name, want := range map[string][]string{
		"sshd/Dockerfile":        {"sshd/Dockerfile.apk", "sshd/Dockerfile.jsh"},
		"sshd/Dockerfile.ubuntu": {"next/Dockerfile", "tagged/Dockerfile"},
		"next/Dockerfile":        {"on-next/Dockerfile"}, // a tag of the repository that it is FROM
		"sshd/Dockerfile.apk":    nil,                    // its own is acme/sshd:rsync
		"sshd/Dockerfile.jsh":    nil,
		"sftp/Dockerfile":        nil, // a workflow makes it of another one
		"sftp/Dockerfile.small":  {"files/Dockerfile"},
		"only/Dockerfile.a":      {"on-only/Dockerfile"},
		"numbered/Dockerfile.1":  {"numbered/Dockerfile.2"}, // which does not make what it is FROM
		"ring/one/Dockerfile":    nil,
		"ring/two/Dockerfile":    {"beside/Dockerfile"},
		"ring/three/Dockerfile":  nil,
	} {
		var got []string
		for _, child := range repo.BuiltOn(file(name), known) {
			rel, err := filepath.Rel(dir, child)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(rel))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("built on %s (-want +got):\n%s", name, d)
		}
	}
}

// TestHostile holds that strange files are left out with a note, and that none
// takes long or panics.
func TestHostile(t *testing.T) {
	for name, src := range map[string]string{
		"compose.yaml":              strings.Repeat("[", 200_000),
		"a/compose.yaml":            "services: &s\n  a: *s\n",
		"b/compose.yaml":            "x: &x {<<: *x, a: b}\nservices: {a: *x}\n",
		"c/compose.yaml":            "services: [1, 2]\n",
		"d/compose.yaml":            "services: {a: {build: {context: {a: b}, args: 5, target: []}, ports: x, volumes: {a: b}, extends: []}}\n",
		"e/compose.yaml":            "\xff\xfe\x00",
		"f/compose.yaml":            strings.Repeat("a", maxSize+1),
		"docker-bake.hcl":           "x = " + strings.Repeat("(", maxBake-10),
		"g/docker-bake.hcl":         doubling(),
		"h/docker-bake.hcl":         "target \"a\" { context = [for a in [1,2] : a][0] }\ntarget \"b\" { inherits = [\"c\", \"c\"] }\ntarget \"c\" { inherits = [\"b\", \"b\"] }\n",
		"docker-bake.json":          `{"target": {"a": {"context": "${[for a in [1,2]: [for b in [1,2]: b]]}"}}}`,
		"i/docker-bake.json":        strings.Repeat(`{"a":`, 20_000),
		"action.yml":                "runs: [1]\n",
		"j/action.yml":              "runs: {using: docker, image: [a]}\n",
		"Makefile":                  "A := a\n" + strings.Repeat("x: ; cd a && docker build -t $(A)$(A) -f $(A) '\\\n\n", 4_000),
		"k/build.sh":                "docker build " + strings.Repeat("-t a${b", 30_000),
		"l/build.sh":                strings.Repeat("cd a; docker build -t a/b .;", 9_000),
		"p/compose.yml":             strings.Repeat("{{ {% {# ", 20_000),
		"README.md":                 strings.Repeat("docker run -v $(pwd):/a \\\n", 9_000),
		"o/README.md":               strings.Repeat("docker run -v $PWD:/a b\n", 9_000),
		"m/build.sh":                "docker build -t\ndocker build -t a -f\ndocker build \\",
		"n/build.sh":                "docker " + strings.Repeat("A=", 100_000),
		"x/.github/workflows/a.yml": "docker: " + strings.Repeat("[", 100_000),
		"y/.github/workflows/a.yml": "env: &e {<<: *e, docker: docker}\njobs: {a: {env: *e, steps: [{uses: docker/build-push-action, with: [a]}, {run: [a]}, 5]}}\n",
	} {
		repo := Read([]File{{Path: name, Abs: "/tree/" + name, Read: func() ([]byte, error) { return []byte(src), nil }}})
		for _, note := range repo.Notes() {
			if !strings.HasPrefix(note, name+": not understood") || len(note) > 1000 {
				t.Errorf("%s: note %q", name, note)
			}
		}
	}
	missing := Read([]File{{Path: "compose.yaml", Abs: "/compose.yaml", Read: func() ([]byte, error) { return nil, fs.ErrPermission }}})
	if len(missing.Notes()) != 1 {
		t.Errorf("notes %q", missing.Notes())
	}
}

// doubling is a Bake file whose last variable would have 2^60 characters.
func doubling() string {
	var b strings.Builder
	b.WriteString("variable \"a0\" { default = \"xx\" }\n")
	for i := range 60 {
		from, to := string(rune('a'+i/10))+string(rune('0'+i%10)), string(rune('a'+(i+1)/10))+string(rune('0'+(i+1)%10))
		b.WriteString("variable \"" + to + "\" { default = \"${" + from + "}${" + from + "}\" }\n")
	}
	b.WriteString("target \"t\" { context = g0 }\n")
	return b.String()
}

func FuzzRead(f *testing.F) {
	f.Add("services: {a: {build: {context: ., args: [A=b]}, ports: ['80:80'], volumes: ['a:/b']}}")
	f.Add("variable \"A\" { default = \"b\" }\ntarget \"a\" { context = A\n args = { B = \"${A}\" } }")
	f.Add(`{"target": {"a": {"context": "${A}"}}}`)
	f.Add("A := b\nx:\n\tcd c && docker build -t $(A):1 -f ${A} --target=d .\n")
	f.Add("jobs: {a: {env: {B: c}, steps: [{uses: docker/build-push-action@v6, with: {context: ., tags: '${{ env.B }}'}}]}}")
	f.Fuzz(func(t *testing.T, src string) {
		for _, name := range []string{"compose.yaml", "docker-bake.hcl", "docker-bake.json", "action.yml", "Makefile", "build.sh", "README.md", ".github/workflows/ci.yml"} {
			repo := Read([]File{{Path: name, Abs: "/tree/" + name, Read: func() ([]byte, error) { return []byte(src), nil }}})
			for dockerfile := range repo.builds {
				repo.About(dockerfile, "", stages("a"))
			}
		}
	})
}

func TestMaker(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  slim: {image: "acme/runtime:slim", build: {context: runtime, target: slim}}
  full: {image: "acme/runtime:full", build: {context: runtime}}
  one: {image: "acme/twice", build: first}
  two: {image: "acme/twice", build: second}
-- docker-bake.hcl --
target "base" { context = "ground" }
target "web" {
  context = "web"
  contexts = { ground = "target:base" }
}
`)
	file := func(name string) string { return filepath.Join(dir, name, "Dockerfile") }
	for _, name := range []string{"child", "web", "runtime", "mono", "mono/6", "mono-5", "x/tool", "y/tool", "nginx"} {
		repo.Link(file(name), nil)
	}
	known := func(ref string) bool { return strings.HasPrefix(ref, "acme/nginx") }
	for _, c := range []struct {
		child, ref string
		want       Maker
	}{
		{"child", "acme/runtime:slim", Maker{file("runtime"), "slim", ""}},
		{"child", "docker.io/acme/runtime:full", Maker{file("runtime"), "", ""}},
		{"child", "acme/runtime:other", Maker{file("runtime"), "", ""}},
		{"web", "ground", Maker{file("ground"), "", ""}},
		{"child", "ground", Maker{}},
		{"child", "acme/mono:6", Maker{file("mono/6"), "", ""}},
		{"child", "acme/mono:5", Maker{file("mono-5"), "", ""}},
		{"child", "acme/mono:4", Maker{file("mono"), "", ""}},
		{"child", "acme/tool", Maker{}},
		{"child", "acme/twice", Maker{}},
		{"child", "acme/nginx", Maker{}},
		{"mono", "acme/mono", Maker{}},
	} {
		got, ok := repo.Maker(file(c.child), c.ref, known)
		if got != c.want || ok != (c.want != Maker{}) {
			t.Errorf("maker of %s for %s: %v, %v; want %v", c.ref, c.child, got, ok, c.want)
		}
	}
}

func TestGenerator(t *testing.T) {
	const template = "FROM alpine:3\nENV VERSION=%%VERSION%%\nRUN apk add nginx\nCMD [\"nginx\"]\n"
	made := strings.ReplaceAll(template, "%%VERSION%%", "1.2")
	dir, repo := unpack(t, `
-- web/update.sh --
for v in 1 2; do sed "s/%%VERSION%%/$v/" Dockerfile.template > release/$v/Dockerfile; done
-- web/Dockerfile.template --
`+template+`
-- web/release/1/Dockerfile --
`+made+`
-- web/other/Dockerfile --
FROM debian:12
RUN apt-get update
CMD ["bash"]
`)
	a := repo.About(filepath.Join(dir, "web/release/1/Dockerfile"), "", nil)
	if a.Template != "web/Dockerfile.template" || a.Generator != "web/update.sh" {
		t.Errorf("made from %q by %q", a.Template, a.Generator)
	}
	if a := repo.About(filepath.Join(dir, "web/other/Dockerfile"), "", nil); a.Template != "" {
		t.Errorf("a file of its own is made from %q", a.Template)
	}
}

func TestBases(t *testing.T) {
	dir, repo := unpack(t, `
-- .github/workflows/deploy.yml --
jobs:
  deploy:
    steps:
      - uses: docker/build-push-action@v6
        with:
          file: ./images/${{ env.NAME }}.dockerfile
          tags: |
            acme/web:${{ matrix.name }}
            acme/web:${{ matrix.name }}-${{ env.DATE }}
      - uses: docker/build-push-action@v6
        with:
          context: app
          tags: acme/app
-- README.md --
Use it as a base:

    FROM acme/web:3.11
    COPY . /app

FROM acme/tool AS tool
FROM python:3.12
From acme/app you get nothing.
-- tool/README.md --
FROM acme/tool AS tool
COPY --from=acme/tool:1 /tool /tool
-- official/generate-stackbrew-library.sh --
#!/bin/bash
`)
	for file, want := range map[string]string{
		"images/3.11.dockerfile": "README.md:3", "images/3.12.dockerfile": "README.md:3", "images/Dockerfile": "", "other/3.11.dockerfile": "",
		"app/Dockerfile": "", "tool/Dockerfile": "", "python/Dockerfile": "", "web/Dockerfile": "README.md:3",
	} {
		got := ""
		if s, ok := repo.shownAsBase(filepath.Join(dir, file)); ok {
			got = fmt.Sprintf("%s:%d", filepath.Base(s.File), s.Line)
		}
		if got != want {
			t.Errorf("%s: shown as a base at %q, want %q", file, got, want)
		}
	}
	if repo.official(filepath.Join(dir, "official", "1.0", "alpine", "Dockerfile")) == "" || repo.official(filepath.Join(dir, "app", "Dockerfile")) != "" {
		t.Error("official: want those below the script, and no others")
	}
}

// TestOtherBinds: mounts of which only a variable says where they go are counted.
func TestOtherBinds(t *testing.T) {
	_, repo := unpack(t, `
-- compose.yaml --
services:
  docs:
    build: .
    command: /start
    volumes:
      - ./docs:/docs:z
      - ./src:/app/${NAME}:z
      - ./conf:/etc/${NAME}:ro
      - ${DATA}:/data
-- Dockerfile --
FROM a
`)
	for _, builds := range repo.builds {
		if svc := builds[0].Service; len(svc.Binds) != 1 || svc.OtherBinds != 1 {
			t.Errorf("got %+v", svc)
		}
	}
}

// TestHostFiles: secrets that are files keep the mode of the host, whatever the service asks for.
func TestHostFiles(t *testing.T) {
	dir, repo := unpack(t, `
-- compose.yaml --
services:
  web:
    build: .
    secrets:
      - open
      - closed
      - source: absent
        target: key
        mode: 0444
      - variable
    configs: [closed]
    volumes:
      - ./closed.txt:/srv/closed:ro
secrets:
  open:
    file: ./open.txt
  closed:
    file: ./closed.txt
  absent:
    file: ./absent.txt
  variable:
    environment: KEY
configs:
  closed:
    file: ./open.txt
-- open.txt --
a
-- Dockerfile --
FROM a
`)
	if err := os.WriteFile(filepath.Join(dir, "closed.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	main := repo.builds[filepath.Join(dir, "Dockerfile")]
	if len(main) != 1 {
		t.Fatalf("got %d builds", len(main))
	}
	want := []HostFile{
		{Secret: "closed", Source: "./closed.txt", Target: "/run/secrets/closed", Absent: true}, // it was not there yet
		{Secret: "absent", Source: "./absent.txt", Target: "/run/secrets/key", Absent: true},
	}
	if got := main[0].Service.HostFiles; !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	s, c := &Service{Binds: main[0].Service.Binds}, &composeFile{file: File{Abs: filepath.Join(dir, "compose.yaml")}, secrets: map[string]string{"closed": "./closed.txt"}}
	n, err := parseYAML([]byte("secrets: [closed]"))
	if err != nil {
		t.Fatal(err)
	}
	s.addFiles(c, n)
	if want := []HostFile{{Secret: "closed", Source: "./closed.txt", Target: "/run/secrets/closed"}, {Source: "./closed.txt", Target: "/srv/closed"}}; !slices.Equal(s.HostFiles, want) {
		t.Errorf("closed: got %+v", s.HostFiles)
	}
}

func TestSkaffold(t *testing.T) {
	dir, repo := unpack(t, `
-- skaffold.yaml --
build:
  artifacts:
  - image: web
    context: web
    sync:
      manual:
      - src: 'src/**/*.js'
        dest: .
  - image: api
    context: api
    docker:
      dockerfile: Dockerfile.dev
    sync:
      infer: ['*.py']
  - image: lib
    jib: {}
    sync:
      auto: true
-- skaffold.broken.yml --
a: [
`)
	if notes := repo.Notes(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
	for file, want := range map[string]Sync{
		"web/Dockerfile":     {File: "skaffold.yaml", Line: 7, Tool: "skaffold dev", Target: "."},
		"api/Dockerfile.dev": {File: "skaffold.yaml", Line: 14, Tool: "skaffold dev"},
	} {
		got := repo.About(filepath.Join(dir, file), "", nil).Syncs
		if len(got) != 1 || got[0] != want {
			t.Errorf("syncs of %s: %v, want %v", file, got, want)
		}
	}
}

// TestOwners: in a collection of many owners' Dockerfiles, an image is made in the directory of
// its owner, or nowhere here.
func TestOwners(t *testing.T) {
	file := func(name string) string { return filepath.Join(string(filepath.Separator)+"all", name, "Dockerfile") }
	known := func(string) bool { return false }
	repo := Read(nil)
	for name, from := range map[string]string{
		"data/a/acme/redis": "debian:12", "data/a/acme/web": "acme/redis", "data/o/other/redis": "alpine", "data/o/other/web": "other/redis:3",
		"data/z/zeta/app": "stranger/redis", "data/z/zeta/tool": "debian:12", "data/z/zeta/user": "stranger/tool",
	} {
		repo.Link(file(name), []string{from})
	}
	for name, want := range map[string][]string{"data/a/acme/redis": {file("data/a/acme/web")}, "data/o/other/redis": {file("data/o/other/web")}, "data/z/zeta/tool": nil} {
		if d := cmp.Diff(want, repo.Namesakes(file(name), known)); d != "" {
			t.Errorf("namesakes of %s (-want +got):\n%s", name, d)
		}
	}
	if m, ok := repo.Maker(file("data/z/zeta/app"), "stranger/redis", known); ok {
		t.Errorf("stranger/redis is made by %v", m)
	}
	if m, ok := repo.Maker(file("data/a/acme/web"), "acme/redis", known); !ok || m.Dockerfile != file("data/a/acme/redis") {
		t.Errorf("acme/redis is made by %v, %v", m, ok)
	}
}

// TestOneOwner: a repository of one's own calls its directories by the last part alone.
func TestOneOwner(t *testing.T) {
	file := func(name string) string { return filepath.Join(string(filepath.Separator)+"repo", name, "Dockerfile") }
	known := func(string) bool { return false }
	repo := Read(nil)
	repo.Link(file("images/base"), []string{"debian:12"})
	repo.Link(file("images/web"), []string{"acme/base"})
	if d := cmp.Diff([]string{file("images/web")}, repo.Namesakes(file("images/base"), known)); d != "" {
		t.Errorf("namesakes of base (-want +got):\n%s", d)
	}
}

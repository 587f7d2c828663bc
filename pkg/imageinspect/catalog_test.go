package imageinspect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCatalogKnows(t *testing.T) {
	names := DefaultCatalog().Names()
	if len(names) < 250 {
		t.Errorf("%d repositories, fewer than there were", len(names))
	}
	if !slices.IsSorted(names) {
		t.Error("the names are not sorted")
	}
}

// TestCatalogInspect looks up references as people write them. The account is
// RunsAs with its uid and gid, "?" when its number is not known.
func TestCatalogInspect(t *testing.T) {
	for _, tt := range []struct{ ref, family, version, user, account string }{
		{"debian", "debian", "13", "", ""},
		{"debian:bookworm-slim", "debian", "12", "", ""},
		{"debian:12", "debian", "12", "", ""},
		{"debian:11.9-slim", "debian", "11", "", ""},
		{"debian:stable-slim", "debian", "13", "", ""},
		{"docker.io/library/debian:trixie", "debian", "13", "", ""},
		{"public.ecr.aws/docker/library/debian:12-slim", "debian", "12", "", ""},
		{"mirror.gcr.io/library/debian:12", "debian", "12", "", ""},
		{"arm64v8/debian:12", "debian", "12", "", ""},
		{"ubuntu:24.04", "debian", "24.04", "", ""},
		{"ubuntu:jammy", "debian", "22.04", "", ""},
		{"ubuntu:20.04", "debian", "20.04", "", ""},
		{"ubuntu", "debian", "26.04", "", ""},
		{"alpine", "alpine", "3.24", "", ""},
		{"alpine:3.20", "alpine", "3.20", "", ""},
		{"alpine:3.18.4", "alpine", "3.18", "", ""},
		{"busybox:1.36", "busybox", "", "", ""},
		{"fedora:41", "rhel", "", "", ""},
		{"rockylinux:9", "rhel", "9", "", ""},
		{"almalinux:9-minimal", "rhel", "", "", ""},
		{"amazonlinux:2023", "rhel", "2023", "", ""},
		{"amazonlinux:2", "rhel", "2", "", ""},
		{"registry.access.redhat.com/ubi9/ubi-minimal:9.4", "rhel", "9", "", ""},
		{"redhat/ubi8", "rhel", "8", "", ""},
		{"registry.access.redhat.com/ubi9/nodejs-20", "rhel", "9", "1001", "default 1001:0"},
		{"registry.access.redhat.com/ubi9/openjdk-21-runtime:1.20", "rhel", "", "185", "default 185:0"},
		{"opensuse/leap:15.6", "suse", "", "", ""},
		{"archlinux:base-devel", "arch", "", "", ""},
		{"python:3.12-slim", "debian", "13", "", ""},
		{"python:3.11-slim-bookworm", "debian", "12", "", ""},
		{"python:3.12-alpine3.19", "alpine", "3.19", "", ""},
		{"python:3.12", "debian", "13", "", ""},
		{"debian:jessie", "debian", "8", "", ""},
		{"debian:9-slim", "debian", "9", "", ""},
		{"debian:squeeze", "debian", "", "", ""},
		{"ubuntu:16.04", "debian", "16.04", "", ""},
		{"ubuntu:trusty", "debian", "14.04", "", ""},
		{"alpine:3.4", "alpine", "3.4", "", ""},
		{"centos:6", "rhel", "", "", ""},
		{"node:0.10", "debian", "8", "", ""},
		{"node:8", "debian", "9", "", "node 1000:1000"},
		{"nginx:1.10", "debian", "8", "", "nginx ?"},
		{"node:20", "debian", "12", "", "node 1000:1000"},
		{"node:24-alpine", "alpine", "3.24", "", "node 1000:1000"},
		{"node:20-alpine", "alpine", "3.23", "", "node 1000:1000"},
		{"node:22-bookworm-slim", "debian", "12", "", "node 1000:1000"},
		{"node:16-alpine", "alpine", "3.18", "", "node 1000:1000"},
		{"node:16-alpine3.16", "alpine", "3.16", "", "node 1000:1000"},
		{"node:lts", "debian", "12", "", "node 1000:1000"},
		{"golang:1.22-alpine", "alpine", "3.21", "", ""},
		{"golang:1.26", "debian", "13", "", ""},
		{"ruby:3.3-slim", "debian", "13", "", ""},
		{"php:8.3-fpm-alpine", "alpine", "3.24", "", "www-data 82:82"},
		{"php:8.3-apache", "debian", "13", "", "www-data 33:33"},
		{"php:8.2-cli", "debian", "13", "", ""},
		{"rust:1-slim-bookworm", "debian", "12", "", ""},
		{"eclipse-temurin:21-jre-alpine", "alpine", "3.24", "", ""},
		{"eclipse-temurin:17-jre-jammy", "debian", "22.04", "", ""},
		{"amazoncorretto:21", "rhel", "2023", "", ""},
		{"maven:3.9-eclipse-temurin-21", "debian", "24.04", "", ""},
		{"gradle:8-jdk21", "debian", "24.04", "", "gradle 1000:1000"},
		{"mcr.microsoft.com/dotnet/aspnet:8.0", "debian", "12", "", "app 1654:1654"},
		{"mcr.microsoft.com/dotnet/aspnet:9.0-alpine", "alpine", "3.24", "", "app 1654:1654"},
		{"mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled", "debian", "", "1654", "app 1654:1654"},
		{"mcr.microsoft.com/dotnet/sdk:10.0", "debian", "24.04", "", "app 1654:1654"},
		{"mcr.microsoft.com/dotnet/aspnet:6.0", "debian", "11", "", ""},
		{"mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-ltsc2022", "windows", "", "ContainerUser", ""},
		{"nginx", "debian", "13", "", "nginx 101:101"},
		{"nginx:1.27-alpine-slim", "alpine", "3.21", "", "nginx 101:101"},
		{"nginxinc/nginx-unprivileged:alpine", "alpine", "3.24", "101", "nginx 101:101"},
		{"httpd:2.4-alpine", "alpine", "3.24", "", "www-data 82:82"},
		{"haproxy:3.0", "debian", "13", "haproxy", "haproxy 99:99"},
		{"caddy:2-alpine", "alpine", "3.24", "", ""},
		{"redis:7-alpine", "alpine", "3.21", "", "redis 999:1000"},
		{"redis:7", "debian", "12", "", "redis 999:999"},
		{"valkey/valkey:8.0", "debian", "12", "", "valkey 999:999"},
		{"postgres:16", "debian", "13", "", "postgres 999:999"},
		{"postgres:16-alpine", "alpine", "3.24", "", "postgres 70:70"},
		{"mysql:8.4", "rhel", "9", "", "mysql 999:999"},
		{"mariadb:11", "debian", "24.04", "", "mysql 999:999"},
		{"mongo:7", "debian", "22.04", "", "mongodb 999:999"},
		{"rabbitmq:3-management", "debian", "24.04", "", "rabbitmq 999:999"},
		{"memcached:1.6-alpine", "alpine", "3.24", "memcache", "memcache 11211:11211"},
		{"couchdb:3", "debian", "12", "", "couchdb 5984:5984"},
		{"elasticsearch:8.14.1", "rhel", "9", "1000:0", "elasticsearch 1000:1000"},
		{"grafana/grafana:11.1.0", "alpine", "", "472", "grafana 472:0"},
		{"prom/prometheus:v2.53.0", "busybox", "", "nobody", "nobody 65534:65534"},
		{"jenkins/jenkins:lts", "debian", "13", "jenkins", "jenkins 1000:1000"},
		{"wordpress:6.5-apache", "debian", "13", "", "www-data 33:33"},
		{"ghost:5-alpine", "alpine", "3.24", "", "node 1000:1000"},
		{"quay.io/keycloak/keycloak:25.0", "rhel", "", "1000", "keycloak 1000:0"},
		{"gcr.io/distroless/static:nonroot", "debian", "", "65532", "nonroot 65532:65532"},
		{"gcr.io/distroless/static-debian12", "debian", "", "", "nonroot 65532:65532"},
		{"gcr.io/distroless/java21-debian12:nonroot", "debian", "", "65532", "nonroot 65532:65532"},
		{"gcr.io/distroless/base:debug", "debian", "", "", "nonroot 65532:65532"},
		{"cgr.dev/chainguard/go:latest", "wolfi", "", "", "nonroot 65532:65532"},
		{"cgr.dev/chainguard/python:latest-dev", "wolfi", "", "65532", "nonroot 65532:65532"},
		{"bitnami/redis:7.2", "debian", "12", "1001", ""},
		{"quay.io/jupyter/scipy-notebook:latest", "debian", "24.04", "1000", "jovyan 1000:100"},
		{"mambaorg/micromamba", "debian", "13", "mambauser", "mambauser 57439:57439"},
		{"mambaorg/micromamba:2.0.5", "debian", "12", "mambauser", "mambauser 57439:57439"},
		{"mambaorg/micromamba:1.5", "debian", "12", "mambauser", "mambauser 57439:57439"},
		{"nvidia/cuda:12.4.1-runtime-ubuntu22.04", "debian", "22.04", "", ""},
		{"public.ecr.aws/lambda/python:3.12", "rhel", "2023", "", ""},
		{"denoland/deno:alpine-1.46.3", "alpine", "", "", "deno 1000:1000"},
		{"oven/bun:1-alpine", "alpine", "", "", "bun 1000:1000"},
		{"ghcr.io/puppeteer/puppeteer:22", "debian", "12", "10042", "pptruser 10042:999"},
		{"selenium/standalone-chrome:latest", "debian", "24.04", "1200:1201", "seluser 1200:1201"},
		{"lscr.io/linuxserver/sonarr", "", "", "", "abc 911:911"},
	} {
		f, err := DefaultCatalog().Inspect(context.Background(), tt.ref, Platform{})
		if err != nil {
			t.Errorf("%s: %v", tt.ref, err)
			continue
		}
		account := f.RunsAs
		if a, ok := f.Account(account); ok {
			account += fmt.Sprintf(" %d:%d", a.UID, a.GID)
		} else if account != "" {
			account += " ?"
		}
		if f.Distro.Family() != tt.family || f.Distro.VersionID != tt.version || f.Config.User != tt.user || account != tt.account {
			t.Errorf("%s: got %s %q user %q account %q, want %s %q user %q account %q", tt.ref,
				f.Distro.Family(), f.Distro.VersionID, f.Config.User, account, tt.family, tt.version, tt.user, tt.account)
		}
		if f.Reference != tt.ref || f.Origin.Kind != FromCatalogue || len(f.Origin.Sources) == 0 {
			t.Errorf("%s: reference %q, origin %+v", tt.ref, f.Reference, f.Origin)
		}
	}
}

func inspect(t *testing.T, ref string) *Facts {
	t.Helper()
	f, err := DefaultCatalog().Inspect(context.Background(), ref, Platform{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCatalogTools(t *testing.T) {
	for _, tt := range []struct {
		ref, tool string
		want      Tri
		flavour   string
	}{
		{"debian:12-slim", "useradd", Yes, "shadow"},
		{"debian:12-slim", "adduser", Yes, "debian"},
		{"debian:13-slim", "adduser", No, ""},
		{"alpine", "adduser", Yes, "busybox"},
		{"alpine", "useradd", No, ""},
		{"alpine", "find", Yes, "busybox"},
		{"registry.access.redhat.com/ubi9/ubi", "adduser", Yes, "shadow"},
		{"registry.access.redhat.com/ubi9/ubi-minimal", "useradd", No, ""},
		{"registry.access.redhat.com/ubi9/ubi-minimal:9.2", "useradd", Unknown, ""},
		{"registry.access.redhat.com/ubi9/ubi-minimal", "find", No, ""},
		{"amazonlinux:2023", "useradd", No, ""},
		{"gcr.io/distroless/static", "sh", No, ""},
		{"gcr.io/distroless/static:debug", "sh", Yes, ""},
		{"bitnami/redis", "gosu", Unknown, ""},
		{"postgres:16", "gosu", Yes, ""},
	} {
		f := inspect(t, tt.ref)
		if got := f.Tool(tt.tool); got != tt.want {
			t.Errorf("%s: %s is %s, want %s", tt.ref, tt.tool, got, tt.want)
		}
		if got := f.Flavour(tt.tool); got != tt.flavour {
			t.Errorf("%s: %s is of %q, want %q", tt.ref, tt.tool, got, tt.flavour)
		}
	}
}

func TestCatalogPrivileged(t *testing.T) {
	paths := func(files []PrivilegedFile) (p []string) {
		for _, f := range files {
			p = append(p, f.Path)
		}
		return p
	}
	for _, tt := range []struct {
		ref  string
		has  string
		n    int
		caps string
	}{
		{"debian:bookworm-slim", "/usr/bin/su", 11, ""},
		{"debian:bullseye-slim", "/bin/su", 11, ""},
		{"ubuntu:24.04", "/usr/sbin/pam_extrausers_chkpwd", 12, ""},
		{"alpine:3.20", "", 0, ""},
		{"python:3.12-bookworm", "/usr/lib/openssh/ssh-keysign", 13, ""},
		{"gcr.io/distroless/base", "", 0, ""},
		{"caddy", "", 0, "/usr/bin/caddy"},
	} {
		f := inspect(t, tt.ref)
		files := paths(f.SetID())
		if len(files) != tt.n || tt.has != "" && !slices.Contains(files, tt.has) {
			t.Errorf("%s: %q, want %d with %q", tt.ref, files, tt.n, tt.has)
		}
		if !f.Known.Privileged {
			t.Errorf("%s: not complete", tt.ref)
		}
		if got := strings.Join(paths(f.FileCaps()), " "); got != tt.caps {
			t.Errorf("%s: capabilities on %q, want %q", tt.ref, got, tt.caps)
		}
	}
}

func TestCatalogEntrypoint(t *testing.T) {
	for _, tt := range []struct {
		ref     string
		drops   string
		guarded bool
		account string
	}{
		{"postgres:16", "gosu", true, "postgres"},
		{"redis:7-alpine", "gosu", true, "redis"},
		{"redis:8", "setpriv", true, "redis"},
		{"rabbitmq:3-alpine", "su-exec", true, "rabbitmq"},
		{"node:20", "none", false, ""},
		{"nginx", "self", true, "nginx"},
		{"linuxserver/plex", "s6", false, "abc"},
	} {
		e := inspect(t, tt.ref).Entrypoint
		if e == nil || e.Drops != tt.drops || e.Guarded != tt.guarded || e.Account != tt.account {
			t.Errorf("%s: got %+v, want %+v", tt.ref, e, tt)
		}
	}
}

// An account with groups beside its own loses them by "USER uid:gid".
func TestCatalogSupplementaryGroups(t *testing.T) {
	groups := inspect(t, "postgres:16").Supplementary("postgres")
	if len(groups) != 1 || groups[0].Name != "ssl-cert" {
		t.Errorf("groups of postgres: %v", groups)
	}
	if groups = inspect(t, "node:20-alpine").Supplementary("node"); len(groups) > 0 {
		t.Errorf("groups of node: %v", groups)
	}
}

// A child's ENTRYPOINT clears the CMD of its base, as in Docker, and PATH
// grows at the front.
func TestCatalogConfig(t *testing.T) {
	f := inspect(t, "gcr.io/distroless/nodejs22-debian12:nonroot")
	if f.Config.Cmd != nil || !slices.Equal(f.Config.Entrypoint, []string{"/nodejs/bin/node"}) {
		t.Errorf("entry point %q, command %q", f.Config.Entrypoint, f.Config.Cmd)
	}
	f = inspect(t, "golang:1.26")
	want := "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if !slices.Contains(f.Config.Env, want) || f.Config.WorkingDir != "/go" {
		t.Errorf("environment %q, directory %q", f.Config.Env, f.Config.WorkingDir)
	}
	if f = inspect(t, "cypress/factory"); len(f.Config.OnBuild) == 0 {
		t.Error("cypress/factory has no triggers")
	}
	if f = inspect(t, "cypress/included"); len(f.Config.OnBuild) > 0 {
		t.Errorf("cypress/included has triggers %q", f.Config.OnBuild)
	}
}

func TestCatalogDigests(t *testing.T) {
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	f := inspect(t, "node:20-alpine@"+digest)
	if f.Digest != digest || len(f.Warnings) > 0 || f.Distro.ID != "alpine" {
		t.Errorf("with a tag: digest %q, warnings %q, %s", f.Digest, f.Warnings, f.Distro.ID)
	}
	f = inspect(t, "quay.io/wildfly/wildfly@"+digest)
	if f.Digest != digest || len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "wildfly:latest") {
		t.Errorf("without a tag, which would say nothing: digest %q, warnings %q", f.Digest, f.Warnings)
	}
	if _, err := DefaultCatalog().Inspect(context.Background(), "node@"+digest, Platform{}); KindOf(err) != NotKnown || !strings.Contains(err.Error(), "variants") {
		t.Errorf("without a tag, which would say Debian or Alpine: error %v", err)
	}
}

func TestCatalogNotKnown(t *testing.T) {
	for _, tt := range []struct{ ref, hint string }{
		{"pyton:3.12", `"python"`},
		{"gcr.io/distroless/static-debian15", `"gcr.io/distroless/static-debian1`},
		{"registry.example.com/team/app:1.2", ""},
		{"registry.example.com:5000/nginx", ""},
		{"", ""},
		{":::", ""},
		{"@", ""},
		{"nginx/nginx/nginx", ""},
		{"node:20\nUSER root", "form"},
		{"node:20 alpine", "form"},
		{"node@sha256:00", "form"},
		{"debian/eol:potato", "tag"},
		{strings.Repeat("a/", 1<<16), ""},
	} {
		_, err := DefaultCatalog().Inspect(context.Background(), tt.ref, Platform{})
		if KindOf(err) != NotKnown {
			t.Errorf("%.40q: error %v, want one of kind %q", tt.ref, err, NotKnown)
			continue
		}
		if !strings.Contains(err.Error(), tt.hint) {
			t.Errorf("%.40q: %v does not mention %s", tt.ref, err, tt.hint)
		}
	}
}

func TestCatalogPlatforms(t *testing.T) {
	c := DefaultCatalog()
	f, err := c.Inspect(context.Background(), "debian:12", Platform{OS: "linux", Architecture: "arm64"})
	if err != nil || f.Platform != "linux/arm64" || f.Privileged[0].Size != 0 {
		t.Errorf("arm64: %v, error %v", f, err)
	}
	if _, err = c.Inspect(context.Background(), "debian:12", Platform{OS: "windows", Architecture: "amd64"}); KindOf(err) != NotKnown {
		t.Errorf("debian for windows: error %v", err)
	}
	f, err = c.Inspect(context.Background(), "mcr.microsoft.com/windows/nanoserver:ltsc2022", Platform{})
	if err != nil || f.Config.OS != "windows" || !strings.HasPrefix(f.Platform, "windows/") {
		t.Errorf("nanoserver: %v, error %v", f, err)
	}
}

// What Inspect returns belongs to the caller.
func TestCatalogCopies(t *testing.T) {
	const ref = "redis:7"
	want, err := json.Marshal(inspect(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	f := inspect(t, ref)
	f.Origin.Sources[0], f.Accounts[0].Name, f.Groups[0].Name = "x", "x", "x"
	f.Tools["sh"], f.Privileged[0].Path, f.Dirs[0].Path = "x", "x", "x"
	f.Config.Env[0], f.Config.Entrypoint[0], f.Config.Volumes[0] = "x", "x", "x"
	f.Entrypoint.Drops, f.Entrypoint.Writes[0] = "x", "x"
	got, err := json.Marshal(inspect(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("a change of the answer changed the catalogue:\n%s\n%s", got, want)
	}
}

func TestCatalogNearest(t *testing.T) {
	for name, want := range map[string]string{
		"python": "python", "docker.io/library/postgress": "postgres", "ngnix": "nginx", "nodejs": "node",
		"completely/different": "",
	} {
		if got := DefaultCatalog().Nearest(name); got != want {
			t.Errorf("nearest to %q: %q, want %q", name, got, want)
		}
	}
}

func TestCatalogRefusesLoops(t *testing.T) {
	c, err := newCatalog([]byte(`{
		"profiles": {"a": {"extends": "b"}, "b": {"extends": "a"}},
		"images": [
			{"names": ["x"], "variants": [{"tags": ["*"], "from": "x:1"}]},
			{"names": ["y"], "variants": [{"tags": ["*"], "profile": "a"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"x", "y"} {
		if _, err := c.Inspect(context.Background(), ref, Platform{}); err == nil {
			t.Errorf("%s: no error", ref)
		}
	}
}

func BenchmarkCatalogInspect(b *testing.B) {
	for _, ref := range []string{"debian:12-slim", "docker.io/library/node:20-alpine", "registry.example.com/team/app:1"} {
		b.Run(strings.ReplaceAll(ref, "/", "_"), func(b *testing.B) {
			c := DefaultCatalog()
			b.ReportAllocs()
			for b.Loop() {
				_, err := c.Inspect(context.Background(), ref, Platform{})
				if err != nil && KindOf(err) != NotKnown {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCatalogDecode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newCatalog(embeddedCatalog); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCatalogFind keeps find out of images that do not have it, or not in every
// release that a tag stands for: an inserted RUN that calls it would break the build.
func TestCatalogFind(t *testing.T) {
	for ref, want := range map[string]Tri{
		"fedora": Unknown, "fedora:24": Unknown, "fedora:39": Unknown, "registry.fedoraproject.org/fedora-minimal:40": Unknown,
		"rockylinux:8": Unknown, "rockylinux:9.0": Unknown, "rockylinux:9": Yes, "rockylinux/rockylinux:10": Yes, "rockylinux:9-minimal": Unknown,
		"centos:6": Yes, "centos:7": Yes, "centos:8": Yes, "quay.io/centos/centos:stream9": Yes, "quay.io/centos/centos:stream10": Unknown,
		"quay.io/centos/centos:stream8-minimal": Unknown, "quay.io/centos/centos:stream9-minimal": Unknown, "quay.io/centos/centos:stream10-minimal": Unknown,
		"almalinux:8": Yes, "almalinux:9": Yes, "almalinux:9-minimal": Unknown,
		"oraclelinux:8": Unknown, "oraclelinux:8-slim": Unknown,
		"amazonlinux:2": Yes, "amazonlinux:2023": No, "public.ecr.aws/lambda/python:3.12": Unknown,
		"registry.access.redhat.com/ubi8/ubi": Yes, "registry.access.redhat.com/ubi9/ubi": Yes, "registry.access.redhat.com/ubi9/ubi-minimal:9.4": No,
		"opensuse/leap:15.6": Yes, "opensuse/leap": Unknown, "opensuse/tumbleweed": Unknown, "opensuse": Unknown,
	} {
		f, err := DefaultCatalog().Inspect(context.Background(), ref, Platform{})
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if got := f.Tool("find"); got != want {
			t.Errorf("%s: find: %v, want %v", ref, got, want)
		}
	}
}

// TestCatalogStarts checks what images start, and that an old tag is not taken for a
// new one.
func TestCatalogStarts(t *testing.T) {
	for _, tt := range []struct{ ref, user, drops, command string }{
		{"nvidia/cuda:8.0-devel-ubuntu14.04", "", "", "/bin/bash"},
		{"nvidia/cuda:10.1-cudnn7-devel-ubuntu18.04", "", "", "/bin/bash"},
		{"nvidia/cuda:9.2-base", "", "", "/bin/bash"},
		{"nvidia/cuda:10.2-devel-ubuntu18.04", "", "none", "/opt/nvidia/nvidia_entrypoint.sh /bin/bash"},
		{"nvidia/cuda:12.4.1-runtime-ubuntu22.04", "", "none", "/opt/nvidia/nvidia_entrypoint.sh /bin/bash"},
		{"nvidia/cuda:12.4.1-base-ubuntu22.04", "", "", "/bin/bash"},

		{"fluent/fluentd:v1.3-onbuild", "", "su-exec", "/bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3-debian-onbuild", "", "gosu", "/bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3", "", "su-exec", "/bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3.2-1.0", "", "su-exec", "/bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v0.12-onbuild", "", "su-exec", "/bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3-1", "fluent", "none", "tini -- /bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3-onbuild-1", "fluent", "none", "tini -- /bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.3-debian-onbuild-1", "fluent", "none", "tini -- /bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:v1.16-1", "fluent", "none", "tini -- /bin/entrypoint.sh fluentd"},
		{"fluent/fluentd:latest", "fluent", "none", "tini -- /bin/entrypoint.sh fluentd"},

		{"quay.io/jupyter/base-notebook:latest", "1000", "sudo", "tini -g -- start.sh start-notebook.py"},
		{"quay.io/jupyter/base-notebook:2023-11-13", "1000", "sudo", "tini -g -- start-notebook.py"},
		{"jupyter/base-notebook", "1000", "sudo", "tini -g -- start-notebook.sh"},

		{"k8s.gcr.io/pause:3.1", "", "", "/pause"},
		{"registry.k8s.io/pause:3.9", "65535:65535", "", "/pause"},

		{"rocker/shiny:3.6.3", "", "self", "/usr/bin/shiny-server.sh"},
		{"rocker/shiny:4.3.0", "", "s6", "/init"},
		{"rocker/rstudio:3.6.3", "", "s6", "/init"},

		{"google/cloud-sdk", "", "", "bash"},
		{"google/cloud-sdk:198.0.0-alpine", "", "", "/bin/sh"},
		{"mcr.microsoft.com/azure-cli:2.49.0", "", "", "/bin/sh -c bash"},
		{"amazon/aws-cli", "", "", "/usr/local/bin/aws"},
		{"photoprism/develop:jammy-slim", "", "", "tail -f /dev/null"},
		{"photoprism/develop:jammy", "", "setpriv", "/scripts/entrypoint.sh tail -f /dev/null"},
	} {
		f := inspect(t, tt.ref)
		drops := ""
		if f.Entrypoint != nil {
			drops = f.Entrypoint.Drops
		}
		command := strings.Join(slices.Concat(f.Config.Entrypoint, f.Config.Cmd), " ")
		if f.Config.User != tt.user || drops != tt.drops || command != tt.command {
			t.Errorf("%s: user %q, drops %q, command %q", tt.ref, f.Config.User, drops, command)
		}
	}
}

// TestCatalogFrozen looks at tags that were last built before wall lost its setgid bit.
func TestCatalogFrozen(t *testing.T) {
	for ref, complete := range map[string]bool{
		"python:3.7-slim":            false,
		"python:3.11.8-slim":         false,
		"python:3.7-alpine3.18":      true,
		"python:3.11.14-slim":        true,
		"openjdk:8-jre-slim":         false,
		"debian:bookworm-20230904":   false,
		"debian:bookworm-slim":       true,
		"node:16-bullseye-slim":      false,
		"node:20-bookworm-slim":      true,
		"golang:1.22.1-bookworm":     false,
		"golang:1.22.12-bookworm":    true,
		"php:8.2.16-cli":             false,
		"ruby:3.3.0-slim-bookworm":   false,
		"ruby:3.3.10-slim-bookworm":  true,
		"python:3.12.13-slim-trixie": true,
	} {
		f, err := DefaultCatalog().Inspect(context.Background(), ref, Platform{})
		if err != nil {
			t.Errorf("%s: %v", ref, err)
		} else if f.Known.Privileged != complete {
			t.Errorf("%s: the list of privileged files is complete: %t, want %t", ref, f.Known.Privileged, complete)
		}
	}
}

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// baseCases build on every image of the lab. The program either says "ready"
// in its log and stays, or serves HTTP on port 8080.
var baseCases = []struct {
	name       string
	dockerfile string
	uid, gid   int
	http       bool
	account    string // instead of uid and gid: whatever number it has in the image
}{
	{
		name: "debian bookworm",
		uid:  10001, gid: 10001,
		dockerfile: `FROM debian:bookworm-slim
CMD ["sh", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "debian trixie without adduser",
		uid:  10001, gid: 10001,
		dockerfile: `FROM debian:trixie-slim
WORKDIR /srv/app
CMD echo ready && exec sleep 600
`,
	},
	{
		name: "debian with packages that bring setgid files",
		uid:  10001, gid: 10001,
		dockerfile: `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*
CMD ["sh", "-c", "ssh -V 2>&1; echo ready; exec sleep 600"]
`,
	},
	{
		name: "ubuntu with uid 1000 taken",
		uid:  10001, gid: 10001,
		dockerfile: `FROM ubuntu:24.04
CMD ["bash", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name:    "ubuntu with an account that the file makes without a number",
		account: "web",
		dockerfile: `FROM ubuntu:24.04
RUN useradd --create-home web
CMD ["bash", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "alpine",
		uid:  10001, gid: 10001,
		dockerfile: `FROM alpine:3.20
RUN echo 'echo ready; exec sleep 600' > /usr/local/bin/start && chmod +x /usr/local/bin/start
CMD ["sh", "/usr/local/bin/start"]
`,
	},
	{
		name: "alpine with USER by name",
		uid:  1234, gid: 1234,
		dockerfile: `FROM alpine:3.20
RUN addgroup -g 1234 web && adduser -D -u 1234 -G web web
USER web
CMD ["sh", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "node's own account",
		uid:  1000, gid: 1000,
		dockerfile: `FROM node:18-slim
CMD ["-e", "console.log('ready'); setInterval(() => {}, 1000)"]
`,
	},
	{
		name: "python",
		uid:  10001, gid: 10001,
		dockerfile: `FROM python:3.13-slim
WORKDIR /app
CMD ["python", "-uc", "import time; print('ready'); time.sleep(600)"]
`,
	},
	{
		name: "rhel",
		uid:  10001, gid: 10001,
		dockerfile: `FROM redhat/ubi9
CMD ["bash", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "rhel-minimal without useradd and find",
		uid:  10001, gid: 10001,
		dockerfile: `FROM redhat/ubi9-minimal
CMD ["bash", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "distroless",
		uid:  65532, gid: 65532, http: true,
		dockerfile: `FROM distroless/static:latest
COPY --from=lab/static /server /server
ENTRYPOINT ["/server"]
`,
	},
	{
		name: "distroless nonroot, stated explicitly",
		uid:  65532, gid: 65532, http: true,
		dockerfile: `FROM distroless/static:nonroot
COPY --from=lab/static /server /server
ENTRYPOINT ["/server"]
`,
	},
	{
		name: "scratch",
		uid:  10001, gid: 10001, http: true,
		dockerfile: `FROM scratch
COPY --from=lab/static /server /server
ENTRYPOINT ["/server"]
`,
	},
	{
		name: "final stage from an earlier one",
		uid:  10001, gid: 10001,
		dockerfile: `ARG SUITE=bookworm

FROM debian:${SUITE}-slim AS base
WORKDIR /srv/app

FROM base AS build
RUN echo ready > message

FROM base
COPY --from=build /srv/app/message .
CMD ["sh", "-c", "cat message; exec sleep 600"]
`,
	},
	{
		name: "an account made and never used",
		uid:  4321, gid: 4321,
		dockerfile: `FROM debian:bookworm-slim
RUN groupadd --gid 4321 web && useradd --uid 4321 --gid web --create-home web
COPY --chown=web . /home/web
WORKDIR /home/web
CMD ["sh", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "ends in USER root",
		uid:  4321, gid: 4321,
		dockerfile: `FROM debian:bookworm-slim
RUN groupadd --gid 4321 web && useradd --uid 4321 --gid web --create-home web
USER web
WORKDIR /home/web
USER root
CMD ["sh", "-c", "echo ready; exec sleep 600"]
`,
	},
	{
		name: "lower case, CRLF, no final newline",
		uid:  10001, gid: 10001,
		dockerfile: "from debian:bookworm-slim\r\n\r\nrun true \\\r\n  && true\r\ncmd [\"sh\", \"-c\", \"echo ready; exec sleep 600\"]",
	},
}

// TestBaseImages builds on every base image of the lab before and after, and
// compares what the programs do and what the images hold.
func TestBaseImages(t *testing.T) {
	needEngine(t)
	for _, c := range baseCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, c.dockerfile, dir, "Dockerfile")
			said := func(image string, flags ...string) (string, string) {
				container := start(t, image, flags...)
				text, err := says(t, container, c.http)
				if err != nil {
					t.Fatalf("%s: %v", strings.Join(flags, " "), err)
				}
				return text, container
			}

			want, _ := said(build(t, dir))
			report := harden(t, dir, "-w", "Dockerfile")
			changed := read(t, dir, "Dockerfile")
			defer func() {
				if t.Failed() {
					t.Logf("report:\n%s\nDockerfile:\n%s", report, changed)
				}
			}()
			image := build(t, dir)
			got, container := said(image, append([]string{"--read-only"}, strict...)...)
			if got != want {
				t.Errorf("the program says %q, before it said %q", got, want)
			}
			tr := treeOf(t, image)
			if len(tr.privileged) > 0 {
				t.Errorf("privileged files are left: %q", tr.privileged)
			}
			uid, gid := c.uid, c.gid
			if c.account != "" {
				uid, gid = tr.account(c.account)
			}
			state := statusOf(t, container)
			state.mustBeLocked(t)
			if state.id("Uid") != uid || state.id("Gid") != gid {
				t.Errorf("runs as %d:%d, want %d:%d", state.id("Uid"), state.id("Gid"), uid, gid)
			}
			// Kubernetes wants a number for runAsNonRoot; a name stays where its number is useradd's to choose.
			user := strings.TrimSpace(docker(t, "image", "inspect", "-f", "{{.Config.User}}", image))
			if user != fmt.Sprintf("%d:%d", uid, gid) && (c.account == "" || user != c.account) {
				t.Errorf("the image's user is %q, want %d:%d", user, uid, gid)
			}
			if users(changed) == "" {
				t.Error("the file does not say USER")
			}
			if tr.passwd != "" && !tr.hasAccount(uid) {
				t.Errorf("uid %d has no entry in /etc/passwd", uid)
			}
			harden(t, dir, "-w", "Dockerfile")
			if again := read(t, dir, "Dockerfile"); again != changed {
				t.Errorf("a second run changed the file to:\n%s", again)
			}
		})
	}
}

// says returns what the container's program answers or writes, once it is ready.
func says(t *testing.T, container string, serves bool) (string, error) {
	t.Helper()
	var text string
	err := eventually(t, container, 20*time.Second, func() error {
		if serves {
			answer, err := get(t, container, 8080)
			// The server adds who it runs as, the one thing that is to differ.
			text, _, _ = strings.Cut(answer, " from ")
			return err
		}
		text = logs(container)
		if !strings.Contains(text, "ready") {
			return fmt.Errorf("not ready: %q", text)
		}
		return nil
	})
	return text, err
}

// get asks the container's web server for its first page.
func get(t *testing.T, container string, port int) (string, error) {
	t.Helper()
	ip := strings.TrimSpace(docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container))
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(fmt.Sprintf("http://%s:%d/", ip, port))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return string(body), err
}

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/dockerfile"
)

// TestGates asks every gate about one file. green and red name the gates that
// have to answer so; a gate that complains about other stages only is elsewhere.
func TestGates(t *testing.T) {
	tests := []struct {
		name                  string
		file                  string
		user                  string // of the image
		red, elsewhere, green []string
	}{
		{
			name:  "no USER",
			file:  "FROM debian:12\nCMD [\"sleep\", \"1\"]\n",
			red:   []string{"Trivy DS-0002", "Checkov CKV_DOCKER_3", "KICS missing_user", "Semgrep missing-user", "Dockle CIS-DI-0001", "docker-bench 4.1", "OpenRewrite FindRootUser", "kubelet runAsNonRoot"},
			green: []string{"hadolint DL3002", "hadolint DL3066", "Checkov CKV_DOCKER_8", "KICS last_user_is_root", "Semgrep last-user-is-root"},
		},
		{
			name:  "hardened",
			file:  "FROM debian:12\nRUN groupadd --gid 10001 appuser && useradd --no-log-init --uid 10001 --gid 10001 appuser\nUSER 10001:10001\nENTRYPOINT [\"sleep\"]\nCMD [\"1\"]\n",
			user:  "10001:10001",
			green: allGates(),
		},
		{
			name:  "root by name",
			file:  "FROM debian:12\nUSER root\nCMD x\n",
			user:  "root",
			red:   []string{"hadolint DL3002", "hadolint DL3066", "Trivy DS-0002", "Checkov CKV_DOCKER_8", "KICS last_user_is_root", "Semgrep last-user-is-root", "Dockle CIS-DI-0001", "docker-bench 4.1", "OpenRewrite FindRootUser", "kubelet runAsNonRoot"},
			green: []string{"Checkov CKV_DOCKER_3", "KICS missing_user", "Semgrep missing-user"},
		},
		{
			name:  "root by number passes many",
			file:  "FROM debian:12\nUSER 0\nCMD x\n",
			user:  "0",
			red:   []string{"hadolint DL3002", "Trivy DS-0002", "docker-bench 4.1", "OpenRewrite FindRootUser", "kubelet runAsNonRoot"},
			green: []string{"hadolint DL3066", "Checkov CKV_DOCKER_8", "KICS last_user_is_root", "Semgrep last-user-is-root", "Dockle CIS-DI-0001"},
		},
		{
			name:  "root with a group passes more",
			file:  "FROM debian:12\nUSER root:root\nCMD x\n",
			user:  "root:root",
			red:   []string{"hadolint DL3002", "hadolint DL3066", "Trivy DS-0002", "OpenRewrite FindRootUser", "kubelet runAsNonRoot"},
			green: []string{"Checkov CKV_DOCKER_8", "KICS last_user_is_root", "Semgrep last-user-is-root", "Dockle CIS-DI-0001", "docker-bench 4.1"},
		},
		{
			name:  "named user",
			file:  "FROM node:20\nUSER node\nCMD x\n",
			user:  "node",
			red:   []string{"hadolint DL3066", "kubelet runAsNonRoot"},
			green: []string{"hadolint DL3002", "Trivy DS-0002", "OpenRewrite FindRootUser", "Dockle CIS-DI-0001"},
		},
		{
			name:  "rootless is not root",
			file:  "FROM a\nUSER rootless\nCMD x\n",
			user:  "rootless",
			green: []string{"hadolint DL3002", "Trivy DS-0002", "OpenRewrite FindRootUser"},
		},
		{
			name:  "declared build argument",
			file:  "FROM a\nARG APP_UID=1000\nUSER ${APP_UID}:${APP_UID}\nCMD x\n",
			user:  "1000:1000",
			green: []string{"hadolint DL3066", "kubelet runAsNonRoot"},
		},
		{
			name: "variable of the environment",
			file: "FROM a\nENV APP_UID=1000\nUSER $APP_UID\nCMD x\n",
			user: "1000",
			red:  []string{"hadolint DL3066"},
		},
		{
			name:      "builder stage without USER",
			file:      "FROM golang AS build\nRUN go build\nFROM a\nUSER 1:1\nCMD x\n",
			user:      "1:1",
			elsewhere: []string{"KICS missing_user"},
			green:     []string{"Trivy DS-0002", "Semgrep missing-user", "OpenRewrite FindRootUser"},
		},
		{
			name:      "root in a builder stage",
			file:      "FROM golang AS build\nUSER root\nRUN go build\nFROM a\nUSER 1:1\nCMD x\n",
			user:      "1:1",
			elsewhere: []string{"hadolint DL3002", "KICS last_user_is_root", "OpenRewrite FindRootUser"},
			green:     []string{"hadolint DL3066", "Trivy DS-0002", "Checkov CKV_DOCKER_8", "Semgrep last-user-is-root"},
		},
		{
			name:  "USER of an earlier stage satisfies the text scanners",
			file:  "FROM golang AS build\nUSER 1:1\nFROM a\nCMD x\n",
			red:   []string{"KICS missing_user", "OpenRewrite FindRootUser", "Dockle CIS-DI-0001"},
			green: []string{"Trivy DS-0002", "Checkov CKV_DOCKER_3", "Semgrep missing-user"},
		},
		{
			name:      "command of a builder stage",
			file:      "FROM a AS dev\nCMD x\nFROM a\nUSER 1:1\nCMD y\n",
			user:      "1:1",
			elsewhere: []string{"Semgrep missing-user"},
		},
		{
			name:      "root for one step",
			file:      "FROM node\nUSER 0:0\nRUN x\nUSER 1000:1000\nCMD y\n",
			user:      "1000:1000",
			elsewhere: []string{"OpenRewrite FindRootUser"},
			green:     []string{"hadolint DL3002", "Trivy DS-0002", "Semgrep last-user-is-root"},
		},
		{
			name:  "scratch",
			file:  "FROM scratch\nCOPY x /x\nENTRYPOINT [\"/x\"]\n",
			red:   []string{"Trivy DS-0002", "OpenRewrite FindRootUser"},
			green: []string{"KICS missing_user"},
		},
		{
			name:  "stages with one text are one to KICS",
			file:  "FROM debian\nUSER 1:1\nFROM debian\nCMD x\n",
			green: []string{"KICS missing_user"},
			red:   []string{"OpenRewrite FindRootUser"},
		},
		{
			name: "useradd with a long number",
			file: "FROM a\nRUN apt-get update && useradd -m -u 1000000 app\nUSER 1000000:1\n",
			user: "1000000:1",
			red:  []string{"hadolint DL3046"},
		},
		{
			name:  "useradd with a long number and -l",
			file:  "FROM a\nRUN useradd -lu 1000000 app\nRUN useradd -u 12345 b; useradd --uid 1000000 c\n",
			green: []string{"hadolint DL3046"},
		},
		{
			name: "sudo",
			file: "FROM a\nRUN apt-get update \\\n && sudo make install\nUSER 1:1\n",
			user: "1:1",
			red:  []string{"hadolint DL3004"},
		},
		{
			name:      "sudo in exec form of a builder stage",
			file:      "FROM a\nRUN [\"sudo\", \"make\"]\nFROM b\nRUN apt-get install sudo\nUSER 1:1\n",
			user:      "1:1",
			elsewhere: []string{"hadolint DL3004"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := dockerfile.Parse([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			for _, g := range gates {
				got := judge(g, &subject{doc, tt.user})
				for want, names := range map[verdict][]string{red: tt.red, elsewhere: tt.elsewhere, green: tt.green} {
					if !slices.Contains(names, g.name) {
						continue
					}
					seen++
					if got != want {
						t.Errorf("%s: %s, want %s", g.name, got, want)
					}
				}
			}
			if want := len(tt.red) + len(tt.elsewhere) + len(tt.green); seen != want {
				t.Errorf("the case names %d gates, %d of them exist", want, seen)
			}
		})
	}
}

func allGates() []string {
	var names []string
	for _, g := range gates {
		names = append(names, g.name)
	}
	return names
}

// TestGatesHaveSources keeps the list honest: who reads a verdict has to be
// able to look up the original.
func TestGatesHaveSources(t *testing.T) {
	for i, g := range gates {
		if !strings.Contains(g.source, ", ") {
			t.Errorf("%s: source %q names no project and file", g.name, g.source)
		}
		if slices.ContainsFunc(gates[:i], func(o gate) bool { return o.name == g.name }) {
			t.Errorf("%s is there twice", g.name)
		}
	}
}

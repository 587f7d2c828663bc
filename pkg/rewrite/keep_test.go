package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/dockharden/harden/internal/shellcmd"
)

// TestNewPrivileges keeps the run flags in step with the files that stay: under
// no-new-privileges they do nothing, whatever the command is.
func TestNewPrivileges(t *testing.T) {
	tests := []struct {
		name, file, want string
	}{
		{"nothing stays", "FROM debian:12\nRUN useradd -u 1000 app\nUSER app\nCMD [\"serve\"]\n", ""},
		{"the sandbox of a browser", "FROM debian:12\nRUN apt-get update && apt-get install -y chromium\nUSER 1000\nCMD [\"node\", \"shots.js\"]\n", "chrome-sandbox stays, and does nothing under it"},
		{"a browser that is only downloaded", "FROM node:20\nRUN npx playwright install --with-deps chromium\nUSER node\nCMD [\"node\", \"shots.js\"]\n", ""},
		{"a browser that a script installs", "FROM node:20\nRUN ./install-chrome.sh\nUSER node\nCMD [\"node\", \"shots.js\"]\n", "chrome-sandbox stays, and does nothing under it"},
		{"a group that means nothing without sudo", "FROM ubuntu:20.04\nRUN useradd -u 1000 -G sudo dev\nUSER dev\nCMD [\"serve\"]\n", ""},
		{"a rule for sudo that goes again", "FROM ubuntu:20.04\nRUN apt-get update && apt-get install -y sudo && useradd -u 1000 dev && echo 'dev ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/dev\nUSER dev\nRUN sudo make install && sudo rm /etc/sudoers.d/dev\nCMD [\"serve\"]\n", ""},
		{"an application with desktop in its name", "FROM ubuntu:20.04\nRUN apt-get update && apt-get install -y telegram-desktop && useradd -u 1000 dev\nUSER dev\nCMD [\"serve\"]\n", ""},
		{"sudo", "FROM ubuntu:20.04\nRUN apt-get update && apt-get install -y sudo && useradd -u 1000 -G sudo dev\nUSER dev\nCMD [\"serve\"]\n", "sudo is setuid on purpose"},
		{"bits that the file sets below a directory", "FROM debian:12\nRUN chmod ug+s /opt/app/*\nUSER 1000\nCMD [\"serve\"]\n", "/opt/app/* is setuid on purpose"},
		{"a group without fuse", "FROM debian:12\nRUN groupadd fuse && useradd -u 1000 -G fuse dev\nUSER dev\nCMD [\"serve\"]\n", ""},
		{"fuse", "FROM debian:12\nRUN apt-get update && apt-get install -y sshfs\nUSER 1000\nCMD [\"serve\"]\n", "fusermount3 is setuid on purpose"},
		{"the library of the bus", "FROM rockylinux:8\nRUN dnf install -y dbus-libs\nUSER 1000\nCMD [\"serve\"]\n", ""},
		{"the bus, which only root can start", "FROM rockylinux:8\nRUN dnf install -y dbus-daemon\nUSER 1000\nCMD [\"serve\"]\n", ""},
		{"fixuid", "FROM debian:12\nRUN /install.sh\nUSER 1000\nENTRYPOINT [\"fixuid\", \"serve\"]\n", "fixuid stays, and does nothing under it"},
		{"fixuid of the base", "FROM codercom/code-server:4.16.1\nUSER root\nRUN apt-get install -y git\nUSER coder\n", "fixuid stays, and does nothing under it"},
	}
	for _, test := range tests {
		res, err := Run(context.Background(), []byte(test.file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Profile.NewPrivileges; got != test.want {
			t.Errorf("%s: not no-new-privileges because %q, want %q", test.name, got, test.want)
		}
	}
}

// TestSandbox: Chromium's setuid helper gets nothing from its bit once all capabilities are
// dropped; what a Compose file gives it is taken over.
func TestSandbox(t *testing.T) {
	const file = "FROM debian:12\nRUN apt-get update && apt-get install -y chromium\nRUN useradd -u 1000 app\nUSER 1000:1000\nCMD [\"node\", \"shots.js\"]\n"
	run := func(file string, services ...Service) Profile {
		t.Helper()
		res, err := Run(context.Background(), []byte(file), Options{Siblings: Siblings{Services: services}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Profile
	}
	if pr := run(file); !strings.Contains(pr.Sandbox, "--cap-add SYS_ADMIN") {
		t.Errorf("nothing said of the sandbox: %q", pr.Sandbox)
	}
	if pr := run(strings.Replace(file, "shots.js", "--no-sandbox", 1)); pr.Sandbox != "" {
		t.Errorf("without a sandbox: %q", pr.Sandbox)
	}
	if pr := run(file, Service{File: "compose.yaml", Line: 3, Seccomp: "./chrome.json"}); pr.Sandbox != "" || pr.Seccomp != "./chrome.json" {
		t.Errorf("with a seccomp profile: %q, %q", pr.Sandbox, pr.Seccomp)
	}
	root := strings.Replace(file, "USER 1000:1000\n", "", 1)
	pr := run(root, Service{File: "compose.yaml", Line: 3, Name: "web", CapAdd: []string{"SYS_ADMIN"}})
	if pr.User != "1000:1000" || len(pr.Capabilities) != 1 || pr.Capabilities[0].Name != "SYS_ADMIN" || pr.Sandbox != "" {
		t.Errorf("with SYS_ADMIN: %+v", pr)
	}
}

// TestWritesOfRoot: an image that keeps root has no home of an account that nobody makes.
func TestWritesOfRoot(t *testing.T) {
	res, err := Run(context.Background(), []byte("FROM debian:12\nRUN apt-get update && apt-get install -y cron\nCMD [\"cron\", \"-f\"]\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Outcome != Refused || len(res.Profile.Writable) > 0 {
		t.Errorf("%s writes %v", res.Outcome, res.Profile.Writable)
	}
}

// TestBraces: what a word with braces stands for, and that a short one is no bomb.
func TestBraces(t *testing.T) {
	for word, want := range map[string]int{"/a": 1, "/{a,b}": 2, "/{a,b}/{c,d,e}": 6, "/${x}": 1, "/{a}": 1, strings.Repeat("{a,b}", 40): 1, "{a," + strings.Repeat("b,", 2000) + "c}": 1} {
		if got := shellcmd.Braces(word); len(got) != want {
			t.Errorf("%.40s: %d words, want %d", word, len(got), want)
		}
	}
}

package rewrite

import (
	"context"
	"strings"
	"testing"
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
		{"a group without fuse", "FROM debian:12\nRUN groupadd fuse && useradd -u 1000 -G fuse dev\nUSER dev\nCMD [\"serve\"]\n", ""},
		{"fuse", "FROM debian:12\nRUN apt-get update && apt-get install -y sshfs\nUSER 1000\nCMD [\"serve\"]\n", "fusermount3 is setuid on purpose"},
		{"the library of the bus", "FROM rockylinux:8\nRUN dnf install -y dbus-libs\nUSER 1000\nCMD [\"serve\"]\n", ""},
		{"the bus", "FROM rockylinux:8\nRUN dnf install -y dbus-daemon\nUSER 1000\nCMD [\"serve\"]\n", "dbus-daemon-launch-helper is setuid on purpose"},
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

// TestBraces: what a word with braces stands for, and that a short one is no bomb.
func TestBraces(t *testing.T) {
	for word, want := range map[string]int{"/a": 1, "/{a,b}": 2, "/{a,b}/{c,d,e}": 6, "/${x}": 1, "/{a}": 1, strings.Repeat("{a,b}", 40): 1, "{a," + strings.Repeat("b,", 2000) + "c}": 1} {
		if got := braces(word); len(got) != want {
			t.Errorf("%.40s: %d words, want %d", word, len(got), want)
		}
	}
}

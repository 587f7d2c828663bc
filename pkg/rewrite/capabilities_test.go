package rewrite

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// TestCapabilitiesOfPrograms keeps the runtime profile of a program that needs
// root what the reason for it says.
func TestCapabilitiesOfPrograms(t *testing.T) {
	tests := []struct {
		cmd  string
		want []string
	}{
		{`["openvpn", "--config", "/etc/openvpn/server.conf"]`, []string{"NET_ADMIN"}},
		{`["smartd", "-n"]`, []string{"SYS_RAWIO"}},
		{`["smartctl", "-a", "/dev/nvme0"]`, []string{"SYS_ADMIN"}},
		{`["nvme", "list"]`, []string{"SYS_ADMIN"}},
		{`["ddrescue", "/dev/sdb", "image", "map"]`, nil},
		{`["sysctl", "-w", "net.ipv4.ip_forward=1"]`, []string{"NET_ADMIN"}},
		{`["sysctl", "-p"]`, []string{"SYS_ADMIN"}},
		{`["tcpdump", "-i", "any"]`, []string{"NET_RAW"}},
	}
	for _, test := range tests {
		res, err := Run(context.Background(), []byte("FROM debian:bookworm-slim\nCMD "+test.cmd+"\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range res.Profile.Capabilities {
			got = append(got, c.Name)
		}
		if res.Reason != NeedsRootDaemon || !slices.Equal(got, test.want) {
			t.Errorf("CMD %s: %s with %q, want %s with %q", test.cmd, res.Reason, got, NeedsRootDaemon, test.want)
		}
	}
}

// TestCapabilitiesOfDroppers keeps what an image that changes the user itself is
// told to add, and whether that is all.
func TestCapabilitiesOfDroppers(t *testing.T) {
	const script = "FROM debian:bookworm-slim\nCOPY --chmod=755 <<EOF /start.sh\n#!/bin/sh\n%s\nEOF\nCMD [\"/start.sh\"]\n"
	tests := []struct {
		name, file string
		want       []string
		unsure     bool
	}{
		{"gosu", fmt.Sprintf(script, "exec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"nginx beside it", fmt.Sprintf(script, "nginx\nexec gosu app server"), []string{"SETUID", "SETGID", "CHOWN"}, false},
		{"sshd beside it", fmt.Sprintf(script, "/usr/sbin/sshd\nexec gosu app server"), []string{"SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "FOWNER", "DAC_OVERRIDE"}, false},
		{"an unread script", "FROM debian:bookworm-slim\nRUN apt-get install -y gosu\nCOPY start.sh /\nCMD [\"/start.sh\"]\n", []string{"SETUID", "SETGID"}, true},
		{"supervisord", "FROM debian:bookworm-slim\nRUN apt-get install -y supervisor\nCMD [\"supervisord\", \"-n\"]\n", nil, true},
	}
	for _, test := range tests {
		res, err := Run(context.Background(), []byte(test.file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range res.Profile.Capabilities {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, test.want) || res.Profile.Unsure != test.unsure {
			t.Errorf("%s: %q, unsure %v, want %q, %v", test.name, got, res.Profile.Unsure, test.want, test.unsure)
		}
	}
}

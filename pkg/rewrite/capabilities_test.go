package rewrite

import (
	"context"
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

package profile

import (
	"strings"
	"testing"

	"github.com/dockharden/harden/pkg/rewrite"
)

func TestHostFiles(t *testing.T) {
	services := []rewrite.Service{{Name: "db"}, {Name: "web", HostFiles: []rewrite.HostFile{{Secret: "key", Source: "./key.txt", Target: "/run/secrets/key"}}}}
	p := &Profile{Name: "app", User: "10001:10001", UID: 10001, GID: 10001, HostFiles: hostFiles(services)}
	const want = "the secret key (./key.txt) at /run/secrets/key keeps the owner and the mode of the host"
	if got := docker(p); !strings.Contains(got, want) {
		t.Errorf("docker:\n%s", got)
	}
	if got := strings.Join(p.reasons(onKubernetes), ""); strings.Contains(got, want) {
		t.Errorf("kubernetes: %s", got)
	}
	if got := hostFiles(nil); got != "" {
		t.Errorf("no services: %s", got)
	}
}

package verify

import (
	"slices"
	"strings"
	"testing"
)

func TestComposeService(t *testing.T) {
	p := &Project{dir: "/proj", name: "x"}
	p.doc.Secrets = map[string]map[string]any{"tok": {"file": "/proj/tok"}, "env": {"environment": "X"}}
	p.doc.Configs = map[string]map[string]any{"conf": {"file": "/proj/conf"}}
	raw := map[string]any{
		"build": map[string]any{"context": "."}, "user": "33", "working_dir": "/w", "read_only": true, "privileged": false,
		"healthcheck": map[string]any{"test": []any{"CMD", "x"}},
		"secrets":     []any{map[string]any{"source": "tok"}, map[string]any{"source": "env", "target": "e"}},
		"configs":     []any{map[string]any{"source": "conf", "target": "/etc/conf"}},
		"volumes":     []any{map[string]any{"type": "bind", "source": "/proj/data", "target": "/opt"}},
	}
	if err := p.take("web", raw); err != nil {
		t.Fatal(err)
	}
	if p.Run.User != "33" || p.Run.Dir != "/w" || !slices.Equal(healthCommand(p.Run.Health, nil), []string{"x"}) ||
		!slices.Equal(p.Run.Binds, []string{"/proj/data:/opt:ro", "/proj/tok:/run/secrets/tok:ro", "/proj/conf:/etc/conf:ro"}) {
		t.Errorf("%+v", p.Run)
	}
	notes := strings.Join(p.Notes, "\n")
	for _, want := range []string{"/opt is mounted read-only", "the secret env does not come from a file, and is not mounted at /run/secrets/e", "the service's read_only: in the Compose file", "user: 33"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing from\n%s", want, notes)
		}
	}
	if healthCommand(healthTest("ignored", true), nil) != nil || len(healthCommand(healthTest("x y", false), nil)) != 3 {
		t.Error("a string or disabled health check is misread")
	}
}

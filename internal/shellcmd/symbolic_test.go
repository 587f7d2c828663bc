package shellcmd

import "testing"

func TestChangeMode(t *testing.T) {
	for _, c := range []struct {
		mode string
		perm int
		dir  bool
		want int
		ok   bool
	}{
		{"0750", 0o644, false, 0o750, true},
		{"4755", 0o644, false, 0o755, true},
		{"u=rwX,go=", 0o644, false, 0o600, true},
		{"u=rwX,go=", 0o755, false, 0o700, true},
		{"u=rwX,go=", 0o644, true, 0o700, true},
		{"u+x,go-rwx", 0o644, false, 0o700, true},
		{"o=", 0o755, false, 0o750, true},
		{"o-rx", 0o755, true, 0o750, true},
		{"+x", 0o644, false, 0o755, true},
		{"a+x", 0o600, false, 0o711, true},
		{"=r", 0o755, false, 0o444, true},
		{"g=u,o=g", 0o640, false, 0o666, true},
		{"u+r-w", 0o644, false, 0o444, true},
		{"go-w", 0o666, false, 0o644, true},
		{"u+s", 0o755, false, 0o755, true},
		{"x", 0, false, 0, false},
		{"z+x", 0, false, 0, false},
		{"u+q", 0, false, 0, false},
		{"", 0, false, 0, false},
		{"$MODE", 0, false, 0, false},
	} {
		if got, ok := ChangeMode(c.mode, c.perm, c.dir); ok != c.ok || ok && got != c.want {
			t.Errorf("changedMode(%q, %#o, %v) = %#o, %v; want %#o, %v", c.mode, c.perm, c.dir, got, ok, c.want, c.ok)
		}
	}
}

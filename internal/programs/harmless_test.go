package programs

import "testing"

func TestBringsNoSetID(t *testing.T) {
	for name, want := range map[string]bool{
		"ca-certificates": true, "tzdata=2024a-r0": true, "nginx@edge": true, "libpq-dev": true, "php82-opcache": true, "py3-pillow": true, "postgresql-libs": true,
		"shadow": false, "sudo": false, "bbsuid": false, "busybox-suid": false, "openssh": false, "php82-apache2": false, "alpine-sdk": false, "?": false, "": false,
	} {
		if got := BringsNoSetID(name); got != want {
			t.Errorf("BringsNoSetID(%q) = %v", name, got)
		}
	}
	for pkg := range noSetID {
		if len(PrivilegedIn(pkg, "alpine", "")) > 0 {
			t.Errorf("the table says that %s brings privileged files", pkg)
		}
	}
}

func TestMakesNoAccount(t *testing.T) {
	for name, want := range map[string]bool{
		"ca-certificates": true, "ca-certificates=20230311": true, "ruby-dev": true, "libssl-dev": true,
		"nginx": false, "postgresql-dev": false, "libmysqlclient": false, "?": false, "dbus": false, "": false,
	} {
		if got := MakesNoAccount(name); got != want {
			t.Errorf("MakesNoAccount(%q) = %v", name, got)
		}
	}
}

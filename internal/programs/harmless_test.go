package programs

import "testing"

func TestBringsNoSetID(t *testing.T) {
	for name, want := range map[string]bool{
		"ca-certificates": true, "tzdata=2024a-r0": true, "nginx@edge": true, "libpq-dev": true, "php82-opcache": true, "py3-pillow": true, "postgresql-libs": true,
		"nginx-module-njs": true, "nginx-mod-http-headers-more": true, "libssl3": true, "libcrypto1.1": true, "so:libpcre.so.1": true, "openssl": true, "pcre2": true, "geoip": true, "njs": true,
		"libutempter": false, "so:libutempter.so.0": false, "libvirt-daemon": false, "libreoffice": false, "so:": false, "nginx-module-": false,
		"shadow": false, "sudo": false, "bbsuid": false, "busybox-suid": false, "openssh": false, "php82-apache2": false, "alpine-sdk": false, "?": false, "": false,
	} {
		if got := BringsNoSetID(name); got != want {
			t.Errorf("BringsNoSetID(%q) = %v", name, got)
		}
	}
	for _, p := range PrivilegedPackages() {
		if len(PrivilegedIn(p.Package, "alpine", "")) > 0 && BringsNoSetID(p.Package) {
			t.Errorf("%s brings privileged files, as the table says", p.Package)
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

package programs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPrivilegedBy(t *testing.T) {
	paths := func(files []PrivilegedFile) string {
		var s []string
		for _, f := range files {
			s = append(s, f.Path)
		}
		return strings.Join(s, " ")
	}
	tests := []struct{ pkg, family, release, want string }{
		{"iputils-ping", "debian", "bookworm", "/usr/bin/ping"},
		{"iputils-ping=3:20221126-1", "debian", "12", "/usr/bin/ping"},
		{"iputils-ping", "debian", "trixie", ""},
		{"iputils", "rhel", "9.4", "/usr/bin/arping /usr/bin/clockdiff"},
		{"iputils", "rhel", "7", "/usr/bin/ping /usr/sbin/arping /usr/sbin/clockdiff"},
		{"iputils", "rhel", "", "/usr/bin/ping /usr/sbin/arping /usr/sbin/clockdiff /usr/bin/arping /usr/bin/clockdiff"},
		{"iputils-ping", "debian", "", "/usr/bin/ping"},
		{"iputils-ping", "alpine", "", "/bin/ping"},
		{"sudo", "rhel", "9", "/usr/bin/sudo"},
		{"sudo", "arch", "", ""},
		{"tmux", "debian", "trixie", "/usr/lib/*/utempter/utempter"},
		{"software-properties-common", "debian", "18.04", ""},
		{"software-properties-common", "debian", "16.04", ""},
		{"software-properties-common", "debian", "20.04", "/usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-ptp-helper"},
		{"software-properties-common", "debian", "11", "/usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-ptp-helper"},
		{"curl", "debian", "bookworm", ""},
		{"", "debian", "", ""},
	}
	for _, test := range tests {
		if got := paths(PrivilegedIn(test.pkg, test.family, test.release)); got != test.want {
			t.Errorf("%s on %s %s: %q, want %q", test.pkg, test.family, test.release, got, test.want)
		}
		if test.release == "" {
			if got := paths(PrivilegedBy(test.pkg, test.family)); got != test.want {
				t.Errorf("%s on %s: %q, want %q", test.pkg, test.family, got, test.want)
			}
		}
	}
}

func TestPrivilegedIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range PrivilegedPackages() {
		key := p.Package + " on " + strings.Join(p.Families, ",") + " but " + strings.Join(p.NotIn, ",")
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		checkSources(t, p.Sources)
		if len(p.Families) == 0 || len(p.Files)+len(p.Brings) == 0 {
			t.Errorf("%s is incomplete", key)
		}
		for _, b := range p.Brings {
			if len(PrivilegedBy(b, p.Families[0])) == 0 || b == p.Package {
				t.Errorf("%s brings %s, which brings nothing", key, b)
			}
		}
		for _, f := range p.Files {
			if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path {
				t.Errorf("%s: %q is not a clean absolute path", key, f.Path)
			}
			if f.Mode&0o6000 == 0 && len(f.Caps) == 0 {
				t.Errorf("%s: nothing is privileged about %s", key, f.Path)
			}
			for _, c := range f.Caps {
				if !regexp.MustCompile(`^cap_[a-z_]+$`).MatchString(c) {
					t.Errorf("%s: capability %q", key, c)
				}
			}
		}
	}
}

func TestKeep(t *testing.T) {
	for _, p := range []string{"/usr/bin/sudo", "sudo", "/usr/lib/chromium/chrome-sandbox", "/package/admin/s6-overlay-helpers/command/s6-overlay-suexec"} {
		if why, ok := Keep(p); !ok || why == "" {
			t.Errorf("%s is not kept", p)
		}
	}
	for _, p := range []string{"/usr/bin/ping", "ping", "/usr/bin/sudoedit", "", "/"} {
		if _, ok := Keep(p); ok {
			t.Errorf("%q is kept", p)
		}
	}
	var names []string
	for _, k := range Kept() {
		checkSources(t, k.Sources)
		if k.Why == "" || slices.Contains(names, k.Name) {
			t.Errorf("%s is incomplete or there twice", k.Name)
		}
		names = append(names, k.Name)
	}
}

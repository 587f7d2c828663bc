package programs

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// accountName is what the rewrite takes for a name; Debian's own exceptions
// have capital letters.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

var executable = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

func TestNamesAreUnique(t *testing.T) {
	owner := map[string]string{}
	for _, p := range All() {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if !executable.MatchString(name) {
				t.Errorf("%s: %q is not the name of an executable", p.Name, name)
			}
			if other, taken := owner[name]; taken {
				t.Errorf("%q belongs to both %s and %s", name, other, p.Name)
			}
			owner[name] = p.Name
		}
	}
	if n := len(All()); n < 70 {
		t.Errorf("the table has %d programs", n)
	}
}

func TestProgramsAreComplete(t *testing.T) {
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			checkSources(t, p.Sources)
			checkSentence(t, "Why", p.Why)
			switch p.Root {
			case CanRoot, NeverRoot:
				if p.Reason != "" {
					t.Errorf("has the reason code %q though it needs no root", p.Reason)
				}
			case NeedsRoot:
				if p.Reason != "needs-root-daemon" && p.Reason != "init-system" && p.Reason != "docker-socket" {
					t.Errorf("needs root for the unknown reason code %q", p.Reason)
				}
				if p.Instead == "" {
					t.Error("needs root and names no alternative")
				}
			default:
				t.Errorf("Root is %q", p.Root)
			}
			for _, port := range p.Ports {
				if !regexp.MustCompile(`^[1-9][0-9]{0,4}/(tcp|udp)$`).MatchString(port) {
					t.Errorf("port %q", port)
				}
			}
			if len(p.Variants) == 0 {
				t.Error("has no variant")
			}
			for _, v := range p.Variants {
				checkVariant(t, p, v)
			}
		})
	}
}

func checkVariant(t *testing.T, p *Program, v Variant) {
	t.Helper()
	for _, f := range v.Families {
		if !slices.Contains([]string{"debian", "alpine", "rhel", "suse", "arch", "wolfi"}, f) {
			t.Errorf("family %q", f)
		}
	}
	a := v.Account
	if a.Name != "" && !accountName.MatchString(a.Name) && a.Name != "Debian-exim" && a.Name != "Debian-snmp" {
		t.Errorf("account name %q", a.Name)
	}
	if (a.Name == "") != (a.UID == 0 && a.GID == 0) && a.Group != "root" {
		t.Errorf("account %q has the numbers %d:%d", a.Name, a.UID, a.GID)
	}
	if a.Insists && a.Name == "" {
		t.Error("insists on no account")
	}
	if a.Made == MadeByPackage && (a.UID < 1 || a.UID > 999) {
		t.Errorf("account %q: Debian's adduser --system does not adopt uid %d", a.Name, a.UID)
	}
	if a.Made == MadeByImage && !v.Official() {
		t.Errorf("account %q comes from an image, but the variant names none", a.Name)
	}
	for _, w := range append(slices.Clone(v.Writes), v.Reads...) {
		checkPath(t, w)
		if w.Owned && a.Name == "" && !w.Optional {
			t.Errorf("%s is owned by nobody", w.Path)
		}
		// Some of Debian's scripts give a directory away only when they make
		// the account themselves, so this has to have been seen.
		if w.Owned && a.Made == MadeByPackage && slices.Contains(v.Families, "debian") && v.VerifiedLab == "" && p.Root != NeedsRoot {
			t.Errorf("%s is said to be owned already, which nobody saw", w.Path)
		}
		if strings.Contains(w.Path, "{version}") && (!p.Versioned || v.Version == "" && v.Packages != nil) {
			t.Errorf("%s needs a version", w.Path)
		}
	}
	for _, file := range append(slices.Clone(v.Sockets), v.Pid) {
		if file != "" && !path.IsAbs(file) && !strings.HasPrefix(file, "{") {
			t.Errorf("%q is not absolute", file)
		}
	}
	for _, n := range v.Needs {
		if n.Setting == "" || n.Effect == "" || n.Fix == "" {
			t.Errorf("incomplete need %+v", n)
		}
		if n.Capability != "" && !regexp.MustCompile(`^cap_[a-z_]+$`).MatchString(n.Capability) {
			t.Errorf("capability %q", n.Capability)
		}
	}
	if v.Note != "" {
		checkSentence(t, "Note", v.Note)
	}
}

func checkPath(t *testing.T, w Path) {
	t.Helper()
	at := Variant{Writes: []Path{w}, Version: "1"}.At(Place{Home: "/home/app", Workdir: "/app"})
	if len(at.Writes) != 1 {
		t.Fatalf("%s has an unknown blank", w.Path)
	}
	p := at.Writes[0].Path
	if !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsAny(p, "{}*? ") {
		t.Errorf("%q is not a clean absolute path", w.Path)
	}
	if w.Kind != Dir && w.Kind != File {
		t.Errorf("%s is of kind %q", w.Path, w.Kind)
	}
	// Nothing may ever give away a directory that others rely on.
	shared := []string{"/", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/usr/local", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/www", "/etc/ssl", "/etc/ssl/private"}
	if slices.Contains(shared, p) && !w.Optional {
		t.Errorf("%s belongs to everyone", p)
	}
}

func checkSources(t *testing.T, sources []string) {
	t.Helper()
	if len(sources) == 0 {
		t.Error("has no source")
	}
	for _, s := range sources {
		if u, err := url.Parse(s); err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
			t.Errorf("source %q is not a URL", s)
		}
	}
}

func checkSentence(t *testing.T, field, s string) {
	t.Helper()
	first := strings.SplitN(s, " ", 2)[0]
	if !strings.HasSuffix(s, ".") || first == "" {
		t.Errorf("%s is not a sentence: %q", field, s)
	}
}

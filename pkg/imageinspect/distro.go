package imageinspect

import (
	"slices"
	"strings"
)

// A Distro is what /etc/os-release says (os-release(5)).
type Distro struct {
	ID         string   `json:"id,omitempty"`
	VersionID  string   `json:"version_id,omitempty"`
	PrettyName string   `json:"pretty_name,omitempty"`
	IDLike     []string `json:"id_like,omitempty"`
}

// families maps the ID and ID_LIKE of os-release to the family whose tools and
// package manager the distribution has.
var families = map[string]string{
	"debian": "debian", "ubuntu": "debian", "raspbian": "debian", "kali": "debian",
	"linuxmint": "debian", "devuan": "debian", "pop": "debian",
	"alpine": "alpine", "postmarketos": "alpine",
	"wolfi": "wolfi", "chainguard": "wolfi",
	"rhel": "rhel", "centos": "rhel", "fedora": "rhel", "rocky": "rhel", "almalinux": "rhel",
	"ol": "rhel", "amzn": "rhel", "scientific": "rhel", "openEuler": "rhel", "anolis": "rhel",
	"azurelinux": "azurelinux", "mariner": "azurelinux", "photon": "photon",
	"suse": "suse", "opensuse": "suse", "opensuse-leap": "suse", "opensuse-tumbleweed": "suse",
	"sles": "suse", "sle_hpc": "suse", "sled": "suse", "bci": "suse",
	"arch": "arch", "archarm": "arch", "manjaro": "arch",
	"gentoo": "gentoo", "void": "void", "nixos": "nixos", "clear-linux-os": "clear",
	"busybox": "busybox", "buildroot": "busybox", "windows": "windows",
}

// Family returns the family of the distribution: "debian", "alpine", "rhel",
// "suse", "arch", "wolfi", "azurelinux", "photon", "busybox", "windows" …, or
// "" when it is not known.
func (d Distro) Family() string {
	if f, ok := families[d.ID]; ok {
		return f
	}
	for _, like := range d.IDLike {
		if f, ok := families[like]; ok {
			return f
		}
	}
	return ""
}

// parseOSRelease reads the text of an os-release file. Lines that are not
// assignments are left out, as os-release(5) asks of readers.
func parseOSRelease(text string) Distro {
	var d Distro
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		value = plainText(unquote(value), maxDistroText)
		switch key {
		case "ID":
			d.ID = distroID(value)
		case "VERSION_ID":
			d.VersionID = value
		case "PRETTY_NAME":
			d.PrettyName = value
		case "ID_LIKE":
			d.IDLike = nil
			for _, id := range strings.Fields(value) {
				if id = distroID(id); id != "" && len(d.IDLike) < 16 {
					d.IDLike = append(d.IDLike, id)
				}
			}
		}
	}
	return d
}

const maxDistroText = 128

// unquote takes the shell quotes and escapes off a value of os-release.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == s[len(s)-1] {
		switch s[0] {
		case '\'':
			return s[1 : len(s)-1]
		case '"':
			s = s[1 : len(s)-1]
		}
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// distroID returns id if it has the form of an identifier, else "".
func distroID(id string) string {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool {
		return !isAlnum(r) && !strings.ContainsRune("._-", r)
	}) {
		return ""
	}
	return id
}

func isAlnum(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// plainText drops what must not reach a terminal or a comment in a Dockerfile:
// control characters and what is not UTF-8; and cuts the rest to max bytes.
func plainText(s string, max int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > max {
		s = strings.ToValidUTF8(s[:max], "")
	}
	return s
}

// bidi are the formatting characters that make text read differently from
// what it is (Unicode TR 36, "Trojan Source").
var bidi = []rune{'\u061c', '\u200e', '\u200f', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2028', '\u2029', '\u2066', '\u2067', '\u2068', '\u2069', '\ufeff'}

func isControl(r rune) bool {
	return r < ' ' || 0x7f <= r && r < 0xa0 || slices.Contains(bidi, r)
}

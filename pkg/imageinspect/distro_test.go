package imageinspect

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseOSRelease(t *testing.T) {
	tests := []struct {
		name, text, family string
		want               Distro
	}{
		{"debian", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n", "debian",
			Distro{ID: "debian", VersionID: "12", PrettyName: "Debian GNU/Linux 12 (bookworm)"}},
		{"amazon", "ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID='2'\n", "rhel",
			Distro{ID: "amzn", VersionID: "2", IDLike: []string{"centos", "rhel", "fedora"}}},
		{"by likeness", "ID=zorin\nID_LIKE=\"ubuntu debian\"\n", "debian", Distro{ID: "zorin", IDLike: []string{"ubuntu", "debian"}}},
		{"tumbleweed", "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n", "suse", Distro{ID: "opensuse-tumbleweed", IDLike: []string{"opensuse", "suse"}}},
		{"comments, escapes, rubbish", "# x\nID=alpine # no comment here\nnonsense\nPRETTY_NAME=\"a \\\"b\\\" \\$c\"\n=\n", "",
			Distro{PrettyName: `a "b" $c`}},
		{"hostile", "ID=$(id)\nVERSION_ID=\"1\x1b[31m\"\nPRETTY_NAME=\"a\u202eb\"\nID_LIKE=\"debian `id`\"\n", "debian",
			Distro{VersionID: "1[31m", PrettyName: "ab", IDLike: []string{"debian"}}},
		{"empty", "", "", Distro{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := parseOSRelease(test.text)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if got.Family() != test.family {
				t.Errorf("Family() = %q, want %q", got.Family(), test.family)
			}
		})
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add("ID=debian\nID_LIKE=\"a b\"\n")
	f.Add("PRETTY_NAME='\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		facts := &Facts{Distro: parseOSRelease(text)}
		if err := facts.Validate(); err != nil {
			t.Errorf("what was read is not valid: %v", err)
		}
		if !utf8.ValidString(facts.Distro.PrettyName) {
			t.Errorf("PrettyName is not UTF-8: %q", facts.Distro.PrettyName)
		}
	})
}

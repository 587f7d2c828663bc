package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func learned() (Settings, map[string]string) {
	return Settings{
			Writable: []string{"/srv/app/state"}, WritableTrees: []string{"/var/lib/oddity"}, WritableFiles: []string{"/run/oddity.pid"},
			RunAs:        &RunAs{Name: "oddity", UID: 101, GID: 103, Groups: true},
			Privileged:   map[string]Owner{"/usr/bin/odd": {0, 0}},
			Capabilities: map[string]string{"SYS_CHROOT": `without it: cannot chroot("/x"): #1`},
		}, map[string]string{"/srv/app/state": "made there while the probe ran: 1.db", "/run/oddity.pid": "odd\x1b[31m: bytes",
			"oddity": "its worker processes run as 101 in the original"}
}

func TestMerge(t *testing.T) {
	s, how := learned()
	for name, src := range map[string]string{
		"new":           "",
		"comments only": "# ours\n",
		"settings":      "# ours\nuid: 5 # because\nrules: {setid: off}\n",
		"other entry":   "files:\n  # theirs\n  - match: /other/Dockerfile\n    uid: 7\n",
		"same entry":    "files:\n  - match: [/web/Docker\\ file]\n    uid: 7\n    writable: [/srv/app/state, /x]\n",
		"empty value":   "files:\n",
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Merge([]byte(src), "web/Docker file", s, how)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(FileName, out, known)
			if err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			got := c.For("web/Docker file")
			for _, want := range s.Writable {
				if !strings.Contains(strings.Join(got.Writable, " "), want) {
					t.Errorf("writable %q lacks %s", got.Writable, want)
				}
			}
			if d := cmp.Diff([]any{s.RunAs, s.Privileged, s.Capabilities, s.WritableTrees, s.WritableFiles},
				[]any{got.RunAs, got.Privileged, got.Capabilities, got.WritableTrees, got.WritableFiles}); d != "" {
				t.Errorf("-want +got:\n%s\nfrom\n%s", d, out)
			}
			if other := c.For("other/Dockerfile"); other.RunAs != nil {
				t.Errorf("another file got %+v", other.RunAs)
			}
			for _, kept := range []string{"# ours", "# because", "# theirs"} {
				if strings.Contains(src, kept) && !strings.Contains(string(out), kept) {
					t.Errorf("%q is gone from\n%s", kept, out)
				}
			}
			if again, err := Merge(out, "web/Docker file", s, how); err != nil || string(again) != string(out) {
				t.Errorf("merging again (%v) gives\n%s\nafter\n%s", err, again, out)
			}
		})
	}
}

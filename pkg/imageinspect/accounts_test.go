package imageinspect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePasswd(t *testing.T) {
	root := Account{Name: "root", Home: "/root", Shell: "/bin/sh"}
	tests := []struct {
		name, text string
		want       []Account
		reserved   []int
		warnings   int
	}{
		{"plain", "root:x:0:0:root:/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n",
			[]Account{root, {"_apt", 42, 65534, "/nonexistent", "/usr/sbin/nologin"}}, nil, 0},
		{"no final newline, CRLF, comments, blank lines", "# x\r\n\r\nroot:x:0:0::/root:/bin/sh\r\napp:x:1:2::/app:/bin/sh",
			[]Account{root, {"app", 1, 2, "/app", "/bin/sh"}}, nil, 0},
		{"missing fields", "a:x:1:1\nb:x:2\nc\n:x:3:3:::\n", []Account{{Name: "a", UID: 1, GID: 1}}, []int{3}, 3},
		{"NIS", "+::::::\n-evil::0:0:::\n+@admins\n", nil, nil, 3},
		{"shell text as a name", "$(touch /tmp/x):x:0:0::/:/bin/sh\n`id`:x:1000:1000::/:/bin/sh\na;b:x:1001:1001::/:/bin/sh\na b:x:1002:1::/:/x\nUSER root\n",
			nil, []int{0, 1000, 1001, 1002}, 5},
		{"upper case and overlong names", "Debian-exim:x:100:101::/x:/bin/false\n" + strings.Repeat("a", 33) + ":x:5:5::/:/x\n", nil, []int{100, 5}, 2},
		{"second line of a name", "app:x:1:1::/a:/x\napp:x:0:0::/b:/y\n", []Account{{"app", 1, 1, "/a", "/x"}}, []int{0}, 1},
		{"two names of one number", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n", []Account{root, {"toor", 0, 0, "/root", "/bin/sh"}}, nil, 0},
		{"numbers that are none", "a:x:-1:0:::\nb:x:4294967295:0:::\nc:x:0x10:0:::\nd:x:1e3:0:::\ne:x::0:::\nf:x:99999999999999999999:0:::\n", nil, nil, 6},
		{"greatest number", "big:x:4294967294:4294967294::/:/x\n", []Account{{"big", 4294967294, 4294967294, "/", "/x"}}, nil, 0},
		{"shell text as home and shell", "a:x:1:1::/home/$(id):/bin/sh -c x\n", []Account{{Name: "a", UID: 1, GID: 1}}, nil, 2},
		{"binary", "\x00\xff:x:1:1:::\n\x7fELF", nil, []int{1}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := parsePasswd(test.text)
			if d := cmp.Diff(test.want, got.Accounts); d != "" {
				t.Errorf("accounts (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.reserved, got.Reserved); d != "" {
				t.Errorf("reserved (-want +got):\n%s", d)
			}
			if len(got.Warnings) != test.warnings {
				t.Errorf("%d warnings, want %d: %q", len(got.Warnings), test.warnings, got.Warnings)
			}
		})
	}
}

func TestParseGroup(t *testing.T) {
	got := parseGroup("root:x:0:\nsudo:x:27:app,$(id),app\nssl-cert:x:101:postgres\nBad:x:9:\nsudo:x:28:\nshort:x\nnum:x:z:\nbare:x:5\n+:::\n")
	want := groupFile{
		Groups: []Group{
			{Name: "root", GID: 0}, {Name: "sudo", GID: 27, Members: []string{"app"}},
			{Name: "ssl-cert", GID: 101, Members: []string{"postgres"}}, {Name: "bare", GID: 5},
		},
		Reserved: []int{9, 28},
	}
	if len(got.Warnings) != 6 {
		t.Errorf("%d warnings, want 6: %q", len(got.Warnings), got.Warnings)
	}
	got.Warnings = nil
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestAccountBounds(t *testing.T) {
	var text strings.Builder
	for range 3 * maxAccounts {
		text.WriteString("!:x:1:1:::\n")
	}
	got := parsePasswd(text.String())
	if len(got.Warnings) != maxNotes+1 || len(got.Reserved) != maxAccounts || !got.TooLarge {
		t.Errorf("%d warnings, %d reserved, too large: %t", len(got.Warnings), len(got.Reserved), got.TooLarge)
	}
	group := parseGroup("g:x:1:" + strings.Repeat("a,", 10) + manyNames(2*maxMembers))
	if n := len(group.Groups[0].Members); n != maxMembers {
		t.Errorf("%d members, want %d", n, maxMembers)
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("u" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("0", i/200) + string(rune('a'+i/26%26)) + ",")
	}
	return b.String()
}

func FuzzParsePasswd(f *testing.F) {
	for _, s := range []string{"root:x:0:0:root:/root:/bin/sh\n", "+::::::", "a:x:1:1\n\x00", "$(id):x:0:0:::", "a:x:4294967295:0::/:/\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, g := parsePasswd(text), parseGroup(text)
		facts := &Facts{Reference: "x", Accounts: p.Accounts, Groups: g.Groups, ReservedUIDs: p.Reserved, ReservedGIDs: g.Reserved}
		if err := facts.Validate(); err != nil {
			t.Errorf("what was read is not valid: %v", err)
		}
	})
}

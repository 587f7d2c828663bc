package imageinspect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxAccountText is the size up to which passwd, group and os-release are
	// read. Debian's passwd has 0.9 kB; a file beyond this is not one.
	maxAccountText = 1 << 20
	maxAccounts    = 10_000 // lines taken from passwd or group
	maxMembers     = 1_000  // of one group
	maxNotes       = 20     // warnings about one file

	// maxID is the greatest uid and gid: 2³²-1 is the kernel's "no id".
	maxID = 1<<32 - 2
)

// namePattern is what a name must match to reach a Dockerfile. It is the
// default NAME_REGEX of shadow's useradd, and nothing in it means anything to
// a shell.
var namePattern = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// ValidName reports whether a user or group name is one that facts may list.
// Others are left out of Accounts and Groups even where those are complete.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// pathPattern is what a home directory or a login shell must match.
var pathPattern = regexp.MustCompile(`^/[A-Za-z0-9._/@+-]{0,255}$`)

// notes collects warnings, a bounded number of them.
type notes struct {
	list []string
	more int
}

func (n *notes) addf(format string, args ...any) {
	if len(n.list) >= maxNotes {
		n.more++
		return
	}
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

func (n *notes) done() []string {
	if n.more > 0 {
		n.list = append(n.list, fmt.Sprintf("and %d more of the kind", n.more))
		n.more = 0
	}
	return n.list
}

// A passwdFile is what is kept of an /etc/passwd.
type passwdFile struct {
	Accounts []Account `json:"accounts,omitempty"`
	Reserved []int     `json:"reserved,omitempty"` // uids of lines left out
	Warnings []string  `json:"warnings,omitempty"`
	TooLarge bool      `json:"too_large,omitempty"`
}

// A groupFile is what is kept of an /etc/group.
type groupFile struct {
	Groups   []Group  `json:"groups,omitempty"`
	Reserved []int    `json:"reserved,omitempty"` // gids of lines left out
	Warnings []string `json:"warnings,omitempty"`
	TooLarge bool     `json:"too_large,omitempty"`
}

// parsePasswd reads passwd(5). Of several lines with one name the first
// counts, as it does for getpwnam(3).
func parsePasswd(text string) passwdFile {
	var f passwdFile
	var warn notes
	seen := map[string]bool{}
	for n, line := range accountLines(text, &warn, "/etc/passwd", &f.TooLarge) {
		fields := strings.Split(line, ":")
		if len(fields) < 4 {
			warn.addf("/etc/passwd:%d: left out: %d fields, 7 expected", n, len(fields))
			continue
		}
		uid, uidErr := parseID(fields[2])
		gid, gidErr := parseID(fields[3])
		if uidErr != nil || gidErr != nil {
			warn.addf("/etc/passwd:%d: left out: uid %.20q, gid %.20q", n, fields[2], fields[3])
			continue
		}
		a := Account{Name: fields[0], UID: uid, GID: gid}
		switch {
		case !ValidName(a.Name):
			warn.addf("/etc/passwd:%d: left out: user name %.60q is not of the form %s", n, a.Name, namePattern)
			f.Reserved = append(f.Reserved, uid)
			continue
		case seen[a.Name]:
			warn.addf("/etc/passwd:%d: left out: second line for %s", n, a.Name)
			f.Reserved = append(f.Reserved, uid)
			continue
		}
		seen[a.Name] = true
		a.Home = accountPath(fields, 5, n, "home directory", &warn)
		a.Shell = accountPath(fields, 6, n, "shell", &warn)
		f.Accounts = append(f.Accounts, a)
	}
	f.Warnings = warn.done()
	return f
}

// accountPath returns field i of a passwd line if it is a plain absolute path.
func accountPath(fields []string, i, line int, what string, warn *notes) string {
	if i >= len(fields) || fields[i] == "" {
		return ""
	}
	if !pathPattern.MatchString(fields[i]) {
		warn.addf("/etc/passwd:%d: %s %.60q of %s left out: not a plain absolute path", line, what, fields[i], fields[0])
		return ""
	}
	return fields[i]
}

// parseGroup reads group(5).
func parseGroup(text string) groupFile {
	var f groupFile
	var warn notes
	seen := map[string]bool{}
	for n, line := range accountLines(text, &warn, "/etc/group", &f.TooLarge) {
		fields := strings.Split(line, ":")
		if len(fields) < 3 {
			warn.addf("/etc/group:%d: left out: %d fields, 4 expected", n, len(fields))
			continue
		}
		gid, err := parseID(fields[2])
		if err != nil {
			warn.addf("/etc/group:%d: left out: gid %.20q", n, fields[2])
			continue
		}
		g := Group{Name: fields[0], GID: gid}
		switch {
		case !ValidName(g.Name):
			warn.addf("/etc/group:%d: left out: group name %.60q is not of the form %s", n, g.Name, namePattern)
			f.Reserved = append(f.Reserved, gid)
			continue
		case seen[g.Name]:
			warn.addf("/etc/group:%d: left out: second line for %s", n, g.Name)
			f.Reserved = append(f.Reserved, gid)
			continue
		}
		seen[g.Name] = true
		if len(fields) > 3 {
			g.Members = groupMembers(fields[3], n, &warn)
		}
		f.Groups = append(f.Groups, g)
	}
	f.Warnings = warn.done()
	return f
}

func groupMembers(field string, line int, warn *notes) []string {
	var members []string
	for m := range strings.SplitSeq(field, ",") {
		switch {
		case m == "" || slices.Contains(members, m):
		case !ValidName(m):
			warn.addf("/etc/group:%d: member %.60q left out: not of the form %s", line, m, namePattern)
		case len(members) == maxMembers:
			warn.addf("/etc/group:%d: only the first %d members are read", line, maxMembers)
			return members
		default:
			members = append(members, m)
		}
	}
	return members
}

// accountLines yields the lines of passwd or group that can be entries, with
// their numbers. Comments are no part of the format, but occur; lines that
// start with + or - ask NIS (nsswitch.conf(5), "compat").
func accountLines(text string, warn *notes, file string, tooLarge *bool) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n, taken := 0, 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimRight(line, "\r\n")
			switch {
			case strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
				continue
			case line[0] == '+', line[0] == '-':
				warn.addf("%s:%d: left out: NIS entry", file, n)
				continue
			case taken == maxAccounts:
				warn.addf("%s:%d: only the first %d entries are read", file, n, maxAccounts)
				*tooLarge = true
				return
			}
			taken++
			if !yield(n, line) {
				return
			}
		}
	}
}

func parseID(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxID {
		return 0, fmt.Errorf("%.20q is not an id", s)
	}
	return int(n), nil
}

// validID reports whether an owner in a tar header can be one.
func validID(id int) bool { return id >= 0 && id <= maxID }

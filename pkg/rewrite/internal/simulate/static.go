package simulate

import "github.com/dockharden/harden/pkg/imageinspect"

// debianStatic are the accounts and groups that every Debian and Ubuntu has with the same
// numbers (base-passwd, passwd.master and group.master; Debian policy 9.2.2).
var debianStatic = []struct {
	name     string
	uid, gid int
}{
	{"daemon", 1, 1}, {"bin", 2, 2}, {"sys", 3, 3}, {"games", 5, 60}, {"man", 6, 12}, {"lp", 7, 7}, {"mail", 8, 8}, {"news", 9, 9}, {"uucp", 10, 10},
	{"proxy", 13, 13}, {"www-data", 33, 33}, {"backup", 34, 34}, {"list", 38, 38}, {"nobody", 65534, 65534},
}

// staticAccounts adds the accounts of a base of which nothing is known but its package
// manager, which says what distribution it is.
func (s *simulator) staticAccounts() {
	if s.base.Origin.Kind != imageinspect.FromNowhere || s.Manager != "debian" {
		return
	}
	for _, a := range debianStatic {
		if _, ok := s.Account(a.name); !ok {
			s.Accounts = append(s.Accounts, Account{Name: a.name, UID: Num(a.uid), GID: Num(a.gid), Certain: true})
		}
		group := a.name
		if a.name == "nobody" {
			group = "nogroup"
		}
		if _, ok := s.Group(group); !ok && a.name != "games" && a.name != "man" {
			s.Groups = append(s.Groups, Group{Name: group, GID: Num(a.gid)})
		}
	}
}

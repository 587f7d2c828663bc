package simulate

import (
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

// Busybox reports whether adduser and addgroup are those of busybox.
func (s *State) Busybox() bool {
	sim := simulator{State: s, base: s.Facts}
	return sim.busyboxTools()
}

// GroupNumberToday returns the number that a group made without one gets. Groups count
// apart from accounts: Alpine has group 100, but no account of that number.
func (s *State) GroupNumberToday(g Group) (int, bool) {
	var taken []int
	for _, b := range s.Groups {
		switch {
		case b.Name == g.Name:
		case b.GID.Known:
			taken = append(taken, b.GID.N)
		case b.By != nil && b.By.Index <= g.By.Index:
			return 0, false // it may take the number
		}
	}
	switch {
	case !g.System:
		n := 1000
		for slices.Contains(taken, n) {
			n++
		}
		return n, true
	case !s.Facts.Known.Accounts || s.PackagesMayMakeAccounts(g.By):
		return 0, false
	case s.countsUp(g.Command):
		return firstFree(100, taken)
	}
	return s.shadowNumber(taken)
}

// PackagesMayMakeAccounts reports whether a package that was installed by then may have
// made an account or a group of the system.
func (s *State) PackagesMayMakeAccounts(by *dockerfile.Instruction) bool {
	return slices.ContainsFunc(s.Packages, func(pkg Package) bool {
		return (pkg.By == nil || pkg.By.Index <= by.Index) && !programs.MakesNoAccount(pkg.Name)
	})
}

// SystemNumber returns the number that a system account gets today. It is
// certain only where no package was installed before whose scripts may have
// made accounts: shadow takes the number below the lowest in 101 … 999
// (useradd(8) --system), busybox and Debian's adduser the first free one from 100 up.
func (s *State) SystemNumber(a Account) (int, bool) {
	if !s.Facts.Known.Accounts || s.PackagesMayMakeAccounts(a.By) {
		return 0, false
	}
	var taken []int
	for _, b := range s.Accounts {
		if b.Name == a.Name {
			break // made later: not there yet
		}
		if !b.UID.Known {
			return 0, false // it may take the number
		}
		taken = append(taken, b.UID.N)
	}
	switch {
	case s.countsUp(a.Command):
		n, ok := firstFree(100, taken)
		return n, ok && (s.Busybox() || s.groupFollows(a, n))
	case a.Command != "useradd":
		return 0, false
	}
	return s.shadowNumber(taken)
}

// countsUp reports whether a command gives its system accounts and groups the first free
// number from 100 up: busybox's (loginutils/adduser.c, addgroup.c) and Debian's
// (adduser.conf(5) FIRST_SYSTEM_UID, FIRST_SYSTEM_GID).
func (s *State) countsUp(command string) bool {
	return s.Busybox() || s.Family() == "debian" && (command == "adduser" || command == "addgroup")
}

// firstFree returns the first number for the system that is not taken.
func firstFree(n int, taken []int) (int, bool) {
	for slices.Contains(taken, n) {
		n++
	}
	return n, n < 1000
}

// shadowNumber returns the number that shadow gives to an account or a group of the system:
// the one below the lowest in 101 … 999, and where there is no place for it the highest that
// is free (lib/find_new_uid.c). Other distributions than Debian begin elsewhere.
func (s *State) shadowNumber(taken []int) (int, bool) {
	lowest := 1000
	for _, n := range taken {
		if n >= 101 && n <= 999 {
			lowest = min(lowest, n)
		}
	}
	if lowest > 101 {
		return lowest - 1, true
	}
	n := 999
	for slices.Contains(taken, n) {
		n--
	}
	return n, s.Family() == "debian" && n > 101
}

// groupFollows reports whether the group that Debian's adduser makes along with an account
// has its number today. It counts both on their own, and takes that of the account only
// where it is told one: the option would change the group, or fail on another that has it.
func (s *State) groupFollows(a Account, uid int) bool {
	g, own := s.Group(a.Name)
	if a.Group != "" || a.GID.Known || !own {
		return true
	}
	if g.Command != "" {
		return false // one that was there before
	}
	n, ok := s.GroupNumberToday(Group{Name: g.Name, System: true, By: a.By, Command: a.Command})
	return ok && n == uid
}

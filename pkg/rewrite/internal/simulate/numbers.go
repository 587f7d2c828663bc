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
	case s.Busybox():
		// The first free one from 100 up (busybox, loginutils/addgroup.c).
		n := 100
		for slices.Contains(taken, n) {
			n++
		}
		return n, true
	}
	lowest := 1000
	for _, n := range taken {
		if n >= 101 && n <= 999 {
			lowest = min(lowest, n)
		}
	}
	return lowest - 1, lowest > 101
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
// (useradd(8) --system), busybox the first free one from 100 up
// (loginutils/adduser.c).
func (s *State) SystemNumber(a Account) (int, bool) {
	if !s.Facts.Known.Accounts {
		return 0, false
	}
	if s.PackagesMayMakeAccounts(a.By) {
		return 0, false
	}
	earlier := func(yield func(int) bool) {
		for _, b := range s.Accounts {
			if b.Name == a.Name || b.UID.Known && !yield(b.UID.N) {
				return
			}
		}
	}
	if s.Busybox() {
		for n := 100; n < 1000; n++ {
			if !slices.Contains(slices.Collect(earlier), n) {
				return n, true
			}
		}
		return 0, false
	}
	if a.Command != "useradd" {
		return 0, false // Debian's adduser and others count differently
	}
	lowest := 1000
	for n := range earlier {
		if n >= 101 && n <= 999 {
			lowest = min(lowest, n)
		}
	}
	return lowest - 1, lowest > 101
}

package shellcmd

import (
	"strconv"
	"strings"
)

// ChangeMode returns the permission bits that a file has after chmod MODE, octal or
// symbolic (chmod(1)), where it had perm before. ok is false for what is no mode.
func ChangeMode(mode string, perm int, dir bool) (int, bool) {
	if OctalMode.MatchString(mode) {
		m, err := strconv.ParseInt(mode, 8, 32)
		return int(m) & 0o777, err == nil
	}
	for clause := range strings.SplitSeq(mode, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			return 0, false
		}
		who, ok := whoseBits(clause[:at])
		if !ok {
			return 0, false
		}
		if perm, ok = changeBits(clause[at:], who, perm, dir); !ok {
			return 0, false
		}
	}
	return perm, true
}

// whoseBits returns the bits that a clause of a symbolic mode may change.
func whoseBits(who string) (int, bool) {
	if who == "" {
		return 0o755, true // of everybody, but for what the usual umask takes
	}
	bits := 0
	for _, w := range who {
		switch w {
		case 'u':
			bits |= 0o700
		case 'g':
			bits |= 0o070
		case 'o':
			bits |= 0o007
		case 'a':
			bits |= 0o777
		default:
			return 0, false
		}
	}
	return bits, true
}

// changeBits applies the actions of a clause, +x or =rX or u+r-w.
func changeBits(actions string, who, perm int, dir bool) (int, bool) {
	for actions != "" {
		op := actions[0]
		end := strings.IndexAny(actions[1:], "+-=") + 1
		if end == 0 {
			end = len(actions)
		}
		bits, ok := permissions(actions[1:end], perm, dir)
		if !ok {
			return 0, false
		}
		switch bits &= who; op {
		case '+':
			perm |= bits
		case '-':
			perm &^= bits
		case '=':
			perm = perm&^who | bits
		}
		actions = actions[end:]
	}
	return perm, true
}

// permissions returns the bits that letters of a symbolic mode stand for, for everybody.
func permissions(letters string, perm int, dir bool) (int, bool) {
	bits := 0
	for _, l := range letters {
		switch l {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if dir || perm&0o111 != 0 {
				bits |= 0o111
			}
		case 'u':
			bits |= perm >> 6 & 0o7 * 0o111
		case 'g':
			bits |= perm >> 3 & 0o7 * 0o111
		case 'o':
			bits |= perm & 0o7 * 0o111
		case 's', 't':
		default:
			return 0, false
		}
	}
	return bits, true
}

// KeepsOut reports whether others may not read what has such a mode, or not run it although
// its owner may.
func KeepsOut(perm int) bool {
	return perm&0o004 == 0 || perm&0o101 == 0o100
}

package shellcmd

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// OctalMode matches a mode in octal digits (chmod(1)).
var OctalMode = regexp.MustCompile(`^[0-7]{3,5}$`)

// RecursiveOption is -R among the options of chmod.
var RecursiveOption = regexp.MustCompile(`^(-[a-zA-Z]*R[a-zA-Z]*|--recursive)$`)

// AddsRights reports whether a symbolic mode only gives rights and takes none.
func AddsRights(mode string) bool {
	return strings.Contains(mode, "+") && !strings.ContainsAny(mode, "-=")
}

// ClosedMode returns the mode that files have after a chmod which leaves others out, as far
// as it can be known: a file had 0644 before, or 0755.
func ClosedMode(mode string) (int, bool) {
	if OctalMode.MatchString(mode) {
		m, _ := ChangeMode(mode, 0, false)
		return m, m&0o005 != 0o005
	}
	for _, before := range []int{0o644, 0o755} {
		if m, ok := ChangeMode(mode, before, false); ok && KeepsOut(m) {
			return m, true
		}
	}
	return 0, false
}

// ChmodMode separates the mode from the options and the files. A mode may look
// like an option: chmod -s FILE.
func ChmodMode(args []dockerfile.Word) (mode string, files []string) {
	for _, w := range args {
		switch {
		case mode == "" && strings.HasPrefix(w.Value, "-") && !strings.ContainsAny(strings.TrimLeft(w.Value, "-"), "rwxXst"):
		case mode == "" && (strings.HasPrefix(w.Value, "--") || w.Value == "-R" || w.Value == "-v" || w.Value == "-f"):
		case mode == "":
			mode = w.Value
		case strings.HasPrefix(w.Value, "-"):
		case w.Static:
			files = append(files, w.Value)
		}
	}
	return mode, files
}

// SetIDBits says what a mode does to the set-id bits.
func SetIDBits(mode string) (sets, clears bool) {
	if OctalMode.MatchString(mode) {
		n, _ := strconv.ParseInt(mode, 8, 32)
		return n&0o6000 != 0, n&0o6000 == 0
	}
	for part := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(part, "+-=")
		if i < 0 {
			continue
		}
		has := strings.Contains(part[i:], "s")
		switch part[i] {
		case '+':
			sets = sets || has
		case '-':
			clears = clears || has
		case '=':
			sets = sets || has
			clears = clears || !has
		}
	}
	return sets, clears
}

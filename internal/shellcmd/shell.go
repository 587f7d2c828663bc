package shellcmd

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// IsShell reports whether a program, by its path or name, is a shell that takes -c TEXT.
func IsShell(name string) bool {
	switch path.Base(name) {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "busybox":
		return true
	}
	return false
}

// ShellText returns the text in sh -c TEXT.
func ShellText(argv []string) (string, bool) {
	if len(argv) == 0 || !IsShell(argv[0]) {
		return "", false
	}
	for i, a := range argv[1:] {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && i+2 < len(argv) {
			return argv[i+2], true
		}
	}
	return "", false
}

// PosixShell reports whether SHELL runs its text as a POSIX shell would, from
// one string.
func PosixShell(shell []string) bool {
	if len(shell) < 2 || !strings.HasSuffix(shell[len(shell)-1], "c") {
		return false
	}
	switch path.Base(shell[0]) {
	case "sh", "bash", "ash", "dash", "ksh", "zsh":
		return strings.HasPrefix(shell[len(shell)-1], "-")
	}
	return false
}

// Words returns the text of words.
func Words(args []dockerfile.Word) []string {
	out := make([]string, len(args))
	for i, w := range args {
		out[i] = w.Value
	}
	return out
}

// Braces expands the {a,b} of a word as bash does; other words, and those that stand for more
// than anybody means to write, stay as they are.
func Braces(w string) []string {
	out := []string{w}
	for open := true; open; {
		open = false
		var next []string
		for _, word := range out {
			i := strings.IndexByte(word, '{')
			j := strings.IndexByte(word, '}')
			if i < 0 || j < i || !strings.Contains(word[i:j], ",") {
				next = append(next, word)
				continue
			}
			open = true
			for part := range strings.SplitSeq(word[i+1:j], ",") {
				next = append(next, word[:i]+part+word[j+1:])
			}
			if len(next) > maxBraces {
				return []string{w}
			}
		}
		out = next
	}
	return out
}

// maxBraces bounds how many words one with braces stands for: each group multiplies them.
const maxBraces = 1000

// IsNumber reports whether a word is of digits alone.
func IsNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Package gitignore matches paths against the patterns of a .gitignore file.
//
// It follows gitignore(5) and git's wildmatch.c; a test compares it with git
// itself. The Go libraries for this either compile to regular expressions that
// differ from git in corner cases or bring a whole git implementation along,
// and Docker's own patternmatcher reads .dockerignore, whose patterns are
// anchored where git's are not.
package gitignore

import (
	"bytes"
	"strings"
)

// A List holds the patterns of one file, in order. The zero value matches
// nothing.
type List struct {
	patterns []pattern
}

type pattern struct {
	segments []string // the pattern split at slashes
	base     bool     // without a slash: matched against the last element alone
	dir      bool     // matches directories only
	negate   bool
}

// Parse reads patterns, one per line, as git does: a line that cannot match
// anything is no error.
func Parse(src []byte) *List {
	l := &List{}
	l.Add(src)
	return l
}

// Add appends the patterns of another file for the same directory. The last
// pattern that matches decides, so the files of higher rank come last.
func (l *List) Add(src []byte) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if p, ok := parseLine(line); ok {
			l.patterns = append(l.patterns, p)
		}
	}
}

func parseLine(line string) (pattern, bool) {
	var p pattern
	line = trimSpaces(line)
	if line == "" || line[0] == '#' {
		return p, false
	}
	if line[0] == '!' {
		p.negate = true
		line = line[1:]
	}
	if strings.HasSuffix(line, "/") {
		p.dir = true
		line = line[:len(line)-1]
	}
	if line == "" {
		return p, false
	}
	p.base = !strings.Contains(line, "/")
	p.segments = strings.Split(strings.TrimPrefix(line, "/"), "/")
	return p, true
}

// trimSpaces removes trailing blanks that no backslash protects.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
		case '\\':
			i++
			end = i + 1
		default:
			end = i + 1
		}
	}
	return line[:min(end, len(line))]
}

// Match reports what the list says about one path: whether it is ignored, and
// whether any pattern matched at all. The path is slash-separated and relative
// to the directory of the list. Parents are not looked at; see Excludes.
func (l *List) Match(path string, dir bool) (ignored, matched bool) {
	for i := len(l.patterns) - 1; i >= 0; i-- {
		if p := &l.patterns[i]; p.match(path, dir) {
			return !p.negate, true
		}
	}
	return false, false
}

// Excludes reports whether the list excludes the file at path or one of the
// directories it is in. What is in an excluded directory cannot be included
// again, as in git.
func (l *List) Excludes(path string) bool {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if ignored, _ := l.Match(path[:i], true); ignored {
			return true
		}
	}
	ignored, _ := l.Match(path, false)
	return ignored
}

func (p *pattern) match(path string, dir bool) bool {
	if p.dir && !dir {
		return false
	}
	if p.base {
		return matchSegment(p.segments[0], path[strings.LastIndexByte(path, '/')+1:])
	}
	return matchSegments(p.segments, strings.Split(path, "/"))
}

// matchSegments matches a pattern with ** against a path, both split at
// slashes. It takes time proportional to the product of their lengths, however
// many ** there are: next holds, for each suffix of the path, whether the
// pattern's suffix matches it.
func matchSegments(pat, path []string) bool {
	next := make([]bool, len(path)+1)
	next[len(path)] = true
	for i := len(pat) - 1; i >= 0; i-- {
		cur := make([]bool, len(path)+1)
		switch {
		case pat[i] == "**" && i == len(pat)-1:
			// "abc/**" is everything inside abc, not abc itself.
			for j := range len(path) {
				cur[j] = true
			}
		case pat[i] == "**":
			cur[len(path)] = next[len(path)]
			for j := len(path) - 1; j >= 0; j-- {
				cur[j] = next[j] || cur[j+1]
			}
		default:
			for j := range len(path) {
				cur[j] = next[j+1] && matchSegment(pat[i], path[j])
			}
		}
		next = cur
	}
	return next[0]
}

package gitignore

import "strings"

// matchSegment matches one path element against a pattern with *, ?, brackets
// and backslashes. On a mismatch it goes back to the last star only, which is
// enough and keeps hostile patterns cheap.
func matchSegment(pat, s string) bool {
	star, mark := -1, 0 // where to resume: pattern after the last star, text
	p, i := 0, 0
	for i < len(s) {
		if p < len(pat) && pat[p] == '*' {
			for p < len(pat) && pat[p] == '*' {
				p++
			}
			star, mark = p, i
			continue
		}
		n, ok, valid := matchByte(pat[p:], s[i])
		if !valid {
			return false
		}
		if ok {
			p, i = p+n, i+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star, mark
	}
	return strings.Trim(pat[p:], "*") == ""
}

// matchByte matches the first item of a pattern against one byte, as git does
// (wildmatch.c works on bytes, not characters). It returns the item's length;
// a pattern that is not well-formed matches nothing.
func matchByte(pat string, c byte) (n int, ok, valid bool) {
	if pat == "" {
		return 0, false, true
	}
	switch pat[0] {
	case '?':
		return 1, true, true
	case '\\':
		if len(pat) < 2 {
			return 0, false, false
		}
		return 2, pat[1] == c, true
	case '[':
		return matchBracket(pat, c)
	}
	return 1, pat[0] == c, true
}

func matchBracket(pat string, c byte) (n int, ok, valid bool) {
	i := 1
	negate := i < len(pat) && (pat[i] == '!' || pat[i] == '^')
	if negate {
		i++
	}
	for first := true; ; first = false {
		if i >= len(pat) {
			return 0, false, false
		}
		if pat[i] == ']' && !first {
			return i + 1, ok != negate, true
		}
		if strings.HasPrefix(pat[i:], "[:") {
			end := strings.IndexByte(pat[i+2:], ']')
			if end < 0 {
				return 0, false, false
			}
			if name, is := strings.CutSuffix(pat[i+2:i+2+end], ":"); is {
				in, known := inClass(name, c)
				if !known {
					return 0, false, false
				}
				ok = ok || in
				i += end + 3
				continue
			}
		}
		lo, next, good := bracketByte(pat, i)
		if !good {
			return 0, false, false
		}
		hi := lo
		if next+1 < len(pat) && pat[next] == '-' && pat[next+1] != ']' {
			if hi, next, good = bracketByte(pat, next+1); !good {
				return 0, false, false
			}
		}
		ok = ok || lo <= c && c <= hi
		i = next
	}
}

// bracketByte reads one, possibly escaped, byte inside brackets.
func bracketByte(pat string, i int) (b byte, next int, ok bool) {
	if pat[i] == '\\' {
		i++
	}
	if i >= len(pat) {
		return 0, i, false
	}
	return pat[i], i + 1, true
}

// inClass reports whether an ASCII byte is in a POSIX character class.
func inClass(name string, c byte) (in, known bool) {
	lower, upper, digit := 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9'
	graph := '!' <= c && c <= '~'
	switch name {
	case "alnum":
		return lower || upper || digit, true
	case "alpha":
		return lower || upper, true
	case "blank":
		return c == ' ' || c == '\t', true
	case "cntrl":
		return c < ' ' || c == 0x7f, true
	case "digit":
		return digit, true
	case "graph":
		return graph, true
	case "lower":
		return lower, true
	case "print":
		return graph || c == ' ', true
	case "punct":
		return graph && !lower && !upper && !digit, true
	case "space":
		return c == ' ' || '\t' <= c && c <= '\r', true
	case "upper":
		return upper, true
	case "xdigit":
		return digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F', true
	}
	return false, false
}

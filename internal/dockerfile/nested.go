package dockerfile

import (
	"slices"
	"strings"
)

// find emits find itself and every command of -exec and the like.
func (w *walker) find(words []Word, sc scope) {
	w.program(words, sc)
	for i := 1; i < len(words); i++ {
		switch words[i].Value {
		case "-exec", "-execdir", "-ok", "-okdir":
		default:
			continue
		}
		via, start := "find "+words[i].Value, i+1
		for i++; i < len(words); i++ {
			if v := words[i].Value; v == ";" || v == "+" && words[i-1].Value == "{}" {
				break
			}
		}
		inner := sc.through(via)
		inner.more, inner.found = true, FindPaths(words[1:])
		w.call(words[start:min(i, len(words))], inner)
	}
}

// FindPaths returns the paths that find starts at, of its arguments: those before the first
// that is part of the expression (find(1)).
func FindPaths(args []Word) []Word {
	for len(args) > 0 && args[0].Static && (args[0].Value == "-H" || args[0].Value == "-L" || args[0].Value == "-P") {
		args = args[1:]
	}
	end := slices.IndexFunc(args, func(a Word) bool {
		return a.Static && (strings.HasPrefix(a.Value, "-") || a.Value == "(" || a.Value == "!")
	})
	if end < 0 {
		end = len(args)
	}
	if end == 0 {
		return []Word{{Value: ".", Static: true}}
	}
	return args[:end]
}

// suOptions are those of su of util-linux, shadow and busybox.
var suOptions = wrapper{
	short: "CGcgsw",
	long:  []string{"--command", "--session-command", "--shell", "--group", "--supp-group", "--whitelist-environment"},
}

// su follows su and runuser: [options] [-] [user] [arguments], with options
// in any place.
func (w *walker) su(words []Word, sc scope) {
	var operands []Word
	var command *Word
	rest := words
	for len(rest) > 1 {
		opts, next := suOptions.options(rest)
		for _, o := range opts {
			switch o.name {
			case "-c", "--command", "--session-command":
				command = &o.value
			}
		}
		if next < len(rest) {
			if rest[next].Value != "-" {
				operands = append(operands, rest[next])
			}
			next++
		}
		rest = rest[next-1:]
	}
	user := Word{Value: "root", Static: true, Pos: words[0].Pos, End: words[0].End}
	if len(operands) > 0 {
		user = operands[0]
	}
	inner := sc.through(baseName(words[0].Value))
	inner.as = &user
	if command != nil {
		w.nested(*command, words, inner)
		return
	}
	if !w.input(words, inner) {
		w.program(words, sc)
	}
}

// shell follows sh -c 'text' and sh <<EOF.
func (w *walker) shell(name string, words []Word, sc scope) {
	const valued = "Oo"
	for i := 1; i < len(words) && words[i].Static; i++ {
		v := words[i].Value
		if v == "--" || len(v) < 2 || v[0] != '-' && v[0] != '+' {
			w.program(words, sc) // a script file
			return
		}
		if strings.HasPrefix(v, "--") {
			if v == "--init-file" || v == "--rcfile" {
				i++
			}
			continue
		}
		if v[0] == '-' && strings.Contains(v[1:], "c") && !strings.ContainsAny(v[1:2], valued) {
			w.shellCommand(name, words, i, sc)
			return
		}
		if strings.ContainsAny(v[len(v)-1:], valued) {
			i++
		}
	}
	if !allStatic(words) || !w.input(words, sc.through(name)) {
		w.program(words, sc)
	}
}

// input walks the heredoc that a shell reads, and reports whether there is one.
func (w *walker) input(words []Word, sc scope) bool {
	n := len(sc.redirects)
	if n == 0 || !strings.HasPrefix(sc.redirects[n-1].Op, "<<") {
		return false
	}
	body := sc.redirects[n-1]
	if body.Body == "" {
		return false
	}
	sc.redirects = sc.redirects[:n-1]
	text := Word{Value: body.Body, Static: true, Pos: w.pos(body.bodyPos), End: w.pos(body.bodyPos + len(body.Body))}
	if body.Op == "<<<" {
		text.Pos, text.End = body.Target.Pos, body.Target.End
	}
	w.nested(text, words, sc)
	return true
}

// shellCommand follows the option -c in words[i]; more options may stand
// before the text.
func (w *walker) shellCommand(name string, words []Word, i int, sc scope) {
	for i++; i < len(words); i++ {
		v := words[i].Value
		if words[i].Static && len(v) > 1 && (v[0] == '-' || v[0] == '+') {
			if v == "-o" || v == "+o" || v == "-O" {
				i++
			}
			continue
		}
		w.nested(words[i], words, sc.through(name+" -c"))
		return
	}
	w.program(words, sc)
}

func allStatic(words []Word) bool {
	for _, w := range words {
		if !w.Static {
			return false
		}
	}
	return true
}

// joined puts words together as eval does.
func joined(words []Word) Word {
	if len(words) == 0 {
		return Word{Static: true}
	}
	if len(words) == 1 {
		return words[0]
	}
	out := Word{Static: true, Pos: words[0].Pos, End: words[len(words)-1].End}
	var parts []string
	for _, w := range words {
		out.Static = out.Static && w.Static
		parts = append(parts, w.Value)
	}
	out.Value = strings.Join(parts, " ")
	return out
}

// nested walks the text of a word as a script. If it is unknown or cannot be
// parsed, a dynamic command stands for it.
func (w *walker) nested(text Word, words []Word, sc scope) {
	if text.Static && w.depth < maxNesting {
		if f, err := parseBash(text.Value); err == nil {
			inner := &walker{text: text.Value, depth: w.depth + 1}
			inner.base, inner.exact = w.quotedAt(text)
			if len(sc.via) == 0 || sc.via[len(sc.via)-1] != "eval" {
				sc = sc.inShell(text.Pos)
			}
			inner.list(f.Stmts, sc)
			w.out = append(w.out, inner.out...)
			return
		}
	}
	end := words[len(words)-1].End
	w.emit(Command{Name: text.Value, Path: text.Value, Dynamic: true, Pos: text.Pos, End: end}, sc)
}

// quotedAt returns where the value of a word starts in the outermost text, if
// its bytes stand there unchanged.
func (w *walker) quotedAt(word Word) (base, exact int) {
	start, end := word.Pos-w.base, word.End-w.base
	if w.exact < 0 || start < 0 || end > len(w.text) || start > end {
		return word.Pos, -1
	}
	if i := strings.Index(w.text[start:end], word.Value); i >= 0 && word.Value != "" {
		return word.Pos + i, 0
	}
	return word.Pos, -1
}

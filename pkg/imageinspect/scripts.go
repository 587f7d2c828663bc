package imageinspect

import (
	"archive/tar"
	"io"
	"path"
	"slices"
	"strings"
)

const maxFactScripts = 32 // of an image

// scriptClass says whether a file of that name can be an entry point: 0 if its
// name or place says so, 1 if it is one program of many in a directory of
// programs, -1 if not.
func scriptClass(p string) int {
	dir, base := path.Split(p)
	switch {
	case strings.Contains(base, "entrypoint"), strings.HasPrefix(base, "docker-"),
		dir == "/", dir == "/usr/local/bin/", dir == "/usr/local/sbin/", dir == "/app/", dir == "/scripts/",
		strings.HasPrefix(dir, "/docker"),
		strings.HasPrefix(dir, "/opt/") && strings.Count(dir, "/") <= 5 && (isProgramDir(path.Clean(dir)) || strings.HasSuffix(base, ".sh")),
		isProgramDir(path.Clean(dir)) && strings.HasSuffix(base, ".sh"):
		return 0
	case isProgramDir(path.Clean(dir)):
		return 1
	}
	return -1
}

// script keeps the text of a shell script that may be an entry point.
func (w *walk) script(p string, h *tar.Header) error {
	class := scriptClass(p)
	if class < 0 || h.Mode&0o111 == 0 || h.Size < 4 || h.Size > maxScriptBytes {
		return nil
	}
	budget := &w.scripts[class]
	if budget.number == maxScripts || budget.bytes+int(h.Size) > maxScriptTotal {
		return nil
	}
	var start [2]byte
	if _, err := io.ReadFull(w.tr, start[:]); err != nil {
		return err
	}
	if string(start[:]) != "#!" {
		return nil
	}
	rest, err := io.ReadAll(io.LimitReader(w.tr, maxScriptBytes))
	if err != nil {
		return err
	}
	text := "#!" + string(rest)
	if strings.ContainsRune(text, 0) || class == 1 && !isShellScript(text) {
		return nil
	}
	budget.number++
	budget.bytes += len(text)
	w.rec.Scripts[p] = strings.ToValidUTF8(text, "\uFFFD")
	return nil
}

// isShellScript reports whether the interpreter is a shell.
func isShellScript(text string) bool {
	line, _, _ := strings.Cut(strings.TrimPrefix(text, "#!"), "\n")
	for _, word := range strings.Fields(line) {
		switch path.Base(word) {
		case "sh", "bash", "ash", "dash", "ksh", "zsh", "with-contenv":
			return true
		case "env", "command", "-S", "busybox":
			continue
		}
		return false
	}
	return false
}

// findScripts fills in Scripts: what the configuration starts first, then what
// is named or placed like an entry point.
func (f *Facts) findScripts(t *tree) {
	found := map[string]string{}
	add := func(p string) {
		if text, ok := t.scripts[t.resolve(p)]; ok && len(found) < maxFactScripts && cleanText(p) {
			found[p] = text
		}
	}
	for _, word := range f.Config.commandWords() {
		if path.IsAbs(word) {
			add(path.Clean(word))
			continue
		}
		if strings.Contains(word, "/") {
			add(path.Join("/", f.Config.WorkingDir, word))
			continue
		}
		for _, dir := range f.Config.pathDirs() {
			if p := path.Join(dir, word); t.scripts[t.resolve(p)] != "" {
				add(p)
				break
			}
		}
	}
	for _, p := range sortedKeys(t.scripts) {
		base := path.Base(p)
		if strings.Contains(base, "entrypoint") || strings.HasPrefix(p, "/docker") || strings.HasPrefix(base, "docker-") {
			add(p)
		}
	}
	if len(found) > 0 {
		f.Scripts = found
	}
}

// commandWords returns the words of ENTRYPOINT and CMD, shell strings split at
// blanks: each may be a program or a script.
func (c Config) commandWords() []string {
	var words []string
	for _, arg := range slices.Concat(c.Entrypoint, c.Cmd) {
		for _, word := range strings.Fields(arg) {
			if len(words) < 256 && len(word) <= maxPathBytes {
				words = append(words, strings.Trim(word, `"';&`))
			}
		}
	}
	return words
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

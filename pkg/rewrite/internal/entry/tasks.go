package entry

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A taskRunner starts what a file of the application says under a name.
type taskRunner struct {
	takes map[string]string // options with a value
	files []string          // where it looks, by its manual
	// commands returns the commands of a text for the tasks that are named, the first or all
	// of them where none is.
	commands func(text string, names []string) []string
	verb     string // its first argument, "" where there is none
	file     string // the key of the option that names the file
}

// taskRunners are read from the manuals of GNU make, just, foreman and honcho.
var taskRunners = map[string]taskRunner{
	"make":     makeRunner,
	"gmake":    makeRunner,
	"just":     {takes: map[string]string{"-f": "file", "--justfile": "file", "-d": "dir", "--working-directory": "dir", "--set": "set"}, files: []string{"justfile", "Justfile", ".justfile"}, commands: justCommands, file: "file"},
	"foreman":  procfileRunner,
	"honcho":   procfileRunner,
	"hivemind": {takes: map[string]string{"--processes": "names"}, files: []string{"Procfile"}, commands: procfileCommands},
	"overmind": procfileRunner,
}

var (
	makeRunner = taskRunner{takes: map[string]string{"-f": "file", "--file": "file", "--makefile": "file", "-C": "dir", "--directory": "dir", "-j": "jobs", "-I": "include", "-o": "old", "-W": "new"},
		files: []string{"GNUmakefile", "makefile", "Makefile"}, commands: makeCommands, file: "file"}
	procfileRunner = taskRunner{takes: map[string]string{"-f": "file", "--procfile": "file", "-d": "dir", "--root": "dir", "-e": "env", "--env": "env", "-p": "port", "--port": "port", "-m": "formation", "--formation": "formation", "-c": "formation"},
		files: []string{"Procfile"}, commands: procfileCommands, verb: "start", file: "file"}
)

// tasks follows what make, just, foreman and honcho start: the command says a name, and their
// file what stands behind it. It reports whether the command is one of them.
func (r *Reader) tasks(argv []string, ctx reach, depth int) bool {
	runner, ok := taskRunners[path.Base(argv[0])]
	if !ok || depth > maxFollow {
		return false
	}
	var args []dockerfile.Word
	for _, a := range argv[1:] {
		args = append(args, dockerfile.Word{Value: a, Static: true})
	}
	o, names := shellcmd.Split(args, runner.takes)
	if runner.verb != "" {
		if len(names) == 0 || names[0] != runner.verb && names[0] != "s" {
			return false
		}
		names = names[1:]
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "=") })
	dir := imagepath.Abs(r.Dir, o.Value("dir"))
	files := runner.files
	if named := o.Value(runner.file); named != "" {
		files = []string{named}
	}
	file, text := r.taskFile(dir, files)
	if file == "" {
		r.notRead(imagepath.Abs(dir, files[len(files)-1]))
		return true
	}
	key := file + ":" + strings.Join(names, " ")
	if r.seen[key] {
		return true
	}
	r.seen[key] = true
	for _, command := range runner.commands(text, names) {
		r.packageText(command, file, dir, ctx, depth+1)
	}
	return true
}

// taskFile returns the first of the files that the image has in a directory.
func (r *Reader) taskFile(dir string, names []string) (file, text string) {
	for _, name := range names {
		file := imagepath.Abs(dir, name)
		if text, ok := r.FileOf(file); ok {
			return file, text
		}
		if text, ok := r.OfApplication(file); ok {
			return file, text
		}
	}
	return "", ""
}

var procfileLine = regexp.MustCompile(`(?m)^([A-Za-z0-9_-]+):[ \t]*(.+)$`)

// procfileCommands returns the processes of a Procfile (devcenter.heroku.com/articles/procfile).
func procfileCommands(text string, names []string) []string {
	var out []string
	for _, m := range procfileLine.FindAllStringSubmatch(text, -1) {
		if len(names) == 0 || slices.Contains(names, m[1]) {
			out = append(out, m[2])
		}
	}
	return out
}

// A recipe is a target of a Makefile or a justfile with its commands.
type recipe struct {
	needs []string
	lines []string
}

// maxRecipes bounds how many targets one command starts.
const maxRecipes = 64

// chosen returns the lines of recipes in the order in which they run: what a target needs
// comes before it.
func chosen(recipes map[string]recipe, names []string) []string {
	var out []string
	seen := map[string]bool{}
	var run func(name string)
	run = func(name string) {
		if seen[name] || len(seen) > maxRecipes {
			return
		}
		seen[name] = true
		for _, need := range recipes[name].needs {
			run(need)
		}
		out = append(out, recipes[name].lines...)
	}
	for _, name := range names {
		run(name)
	}
	return out
}

var (
	makeRule     = regexp.MustCompile(`^([^\s:=#][^:=#]*?)\s*::?(?:\s+([^=;]*?))?\s*(?:;\s*(.*))?$`)
	makeVariable = regexp.MustCompile(`^(?:export\s+|override\s+)*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\?|::?|\+)?=\s*(.*?)\s*$`)
	makeUse      = regexp.MustCompile(`\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\([^()]*\)?|\$.`)
)

// makeCommands returns the commands of targets of a Makefile (gnu.org, GNU make manual), the
// first where none is named.
func makeCommands(text string, names []string) []string {
	recipes, variables, first := map[string]recipe{}, map[string]string{"MAKE": "make", "SHELL": "/bin/sh", "CURDIR": "."}, ""
	var current []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\r\n")
		if command, ok := strings.CutPrefix(line, "\t"); ok {
			for _, name := range current {
				recipes[name] = recipe{recipes[name].needs, append(recipes[name].lines, recipeLine(command))}
			}
			continue
		}
		if m := makeVariable.FindStringSubmatch(line); m != nil {
			variables[m[1]] = m[2]
			continue
		}
		m := makeRule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		current = strings.Fields(m[1])
		current = current[:min(len(current), maxRecipes)]
		for _, name := range current {
			r := recipe{append(recipes[name].needs, strings.Fields(strings.ReplaceAll(m[2], "|", " "))...), recipes[name].lines}
			if m[3] != "" {
				r.lines = append(r.lines, recipeLine(m[3]))
			}
			recipes[name] = r
			if first == "" && !strings.HasPrefix(name, ".") && !strings.Contains(name, "%") {
				first = name
			}
		}
	}
	if len(names) == 0 {
		names = []string{first}
	}
	lines := chosen(recipes, names)
	for i, line := range lines {
		lines[i] = spelledByMake(line, variables)
	}
	return lines
}

// recipeLine drops what a line of a recipe begins with for make or just: @ for silence, and -
// for a command that may fail.
func recipeLine(line string) string {
	command := strings.TrimLeft(line, "@-+ \t")
	if strings.Contains(line[:len(line)-len(command)], "-") {
		return "{ " + command + "\n} || true"
	}
	return command
}

// spelledByMake puts in the variables of a Makefile. What make would have to run stays
// unknown, and what it leaves to the shell is a variable there.
func spelledByMake(line string, variables map[string]string) string {
	for range 4 { // of variables in variables
		added := 0
		next := makeUse.ReplaceAllStringFunc(line, func(use string) string {
			m := makeUse.FindStringSubmatch(use)
			v, ok := variables[m[1]+m[2]]
			switch {
			case use == "$$":
				return "$$"
			case ok && added < simulate.MaxText:
				added += len(v)
				return v
			case m[1]+m[2] != "":
				return "$$" + m[1] + m[2] // of the environment
			}
			return "$$UNKNOWN_TO_MAKE"
		})
		if next == line || len(next) > simulate.MaxText {
			break
		}
		line = next
	}
	return strings.ReplaceAll(line, "$$", "$")
}

var (
	justRecipe = regexp.MustCompile(`^@?([A-Za-z_][A-Za-z0-9_-]*)([^:=]*):(?:[^=](.*))?$`)
	justUse    = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// justCommands returns the commands of recipes of a justfile (just.systems/man), the first
// where none is named. What stands behind a name may be its arguments.
func justCommands(text string, names []string) []string {
	recipes, first, current := map[string]recipe{}, "", ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if r, ok := recipes[current]; ok {
				recipes[current] = recipe{r.needs, append(r.lines, recipeLine(justUse.ReplaceAllString(strings.TrimSpace(line), "$$UNKNOWN_TO_JUST")))}
			}
			continue
		}
		if m := justRecipe.FindStringSubmatch(line); m != nil {
			current = m[1]
			recipes[current] = recipe{needs: strings.Fields(strings.NewReplacer("(", " ", ")", " ", "&&", " ").Replace(m[3]))}
			if first == "" {
				first = current
			}
		} else if strings.TrimSpace(line) != "" {
			current = ""
		}
	}
	if len(names) == 0 {
		names = []string{first}
	}
	lines := chosen(recipes, names)
	if len(lines) > 0 && strings.HasPrefix(lines[0], "#!") {
		return []string{strings.Join(lines, "\n")} // a script
	}
	return lines
}

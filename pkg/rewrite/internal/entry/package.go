package entry

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
)

// A scriptRun is what the arguments of a package manager for JavaScript start: scripts of
// the package.json in a directory, or a command that the packages bring.
type scriptRun struct {
	names   []string
	args    []string // behind the name, for the script
	dir     string   // of the package.json, relative to where the package manager stands
	of      string   // the package of the workspaces that it is about, by its name or directory
	command []string
	texts   []string // whole commands, as concurrently takes them
}

// runsPackageScripts reports whether a program is a package manager, whose first argument
// is the name of a script in package.json rather than that of a file.
func runsPackageScripts(p *programs.Program) bool {
	return slices.Contains([]string{"npm", "yarn", "pnpm", "bun"}, p.Name)
}

// packageScript follows what npm, yarn, pnpm and bun start: CMD ["npm", "start"] says
// nothing of what runs, the package.json does (docs.npmjs.com/cli/commands/npm-run-script).
func (r *Reader) packageScript(cmd programs.Command, where string, ctx reach, depth int) {
	run := scriptRunOf(cmd.Args)
	if run.of != "" {
		if run.dir = r.packageDir(run.of); run.dir == "" {
			return
		}
	}
	if len(run.command) > 0 {
		outer, in := r.Dir, r.inPackage
		r.Dir, r.inPackage = imagepath.Abs(r.Dir, run.dir), in || run.of != ""
		r.called(run.command, where, ctx, depth+1)
		r.Dir, r.inPackage = outer, in
		return
	}
	for _, text := range run.texts {
		r.packageText(text, where, r.Dir, ctx, depth+1)
	}
	if len(run.names) == 0 {
		return
	}
	dir := imagepath.Abs(r.Dir, run.dir)
	file := path.Join(dir, "package.json")
	found, ok := r.ManifestIn(file)
	if !ok || depth > maxFollow {
		return
	}
	scripts := found.Scripts
	for _, name := range run.names {
		key := file + ":" + name
		if r.seen[key] {
			continue
		}
		r.seen[key] = true
		main, found := scripts[name]
		switch {
		case found:
			main = strings.Join(append([]string{main}, run.args...), " ")
		case name == "start":
			main = "node server.js" // the default of npm
		default:
			// yarn and pnpm also start commands of packages by their names.
			r.called(append([]string{name}, run.args...), where, ctx, depth+1)
			continue
		}
		for _, text := range []string{scripts["pre"+name], main, scripts["post"+name]} {
			r.packageText(text, "the script "+name+" of package.json", dir, ctx, depth+1)
		}
	}
}

// packageText follows the text of a script of package.json, which a shell runs in the
// directory of that file.
func (r *Reader) packageText(text, where, dir string, ctx reach, depth int) {
	if text == "" || depth > maxFollow {
		return
	}
	outer, vars, in := r.Dir, r.vars, r.inPackage
	r.Dir, r.vars, r.inPackage = dir, vars.clone(), true
	r.text(text, where, ctx, depth)
	r.Dir, r.vars, r.inPackage = outer, vars, in
}

// A manifest is what a package.json says.
type manifest struct {
	Name            string            `json:"name"`
	Scripts         map[string]string `json:"scripts"`
	Dependencies    map[string]any    `json:"dependencies"`
	DevDependencies map[string]any    `json:"devDependencies"`
	Workspaces      any               `json:"workspaces"`
}

// ManifestIn returns a package.json of the image.
func (r *Reader) ManifestIn(name string) (m manifest, ok bool) {
	text, ok := r.FileOf(name)
	if !ok {
		text, ok = r.OfApplication(name)
	}
	return m, ok && json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &m) == nil
}

// managerCommands are those of npm, yarn and pnpm that are no names of scripts.
var managerCommands = map[string]bool{
	"add": true, "audit": true, "cache": true, "ci": true, "config": true, "dlx": true, "global": true, "help": true, "i": true, "info": true, "init": true,
	"install": true, "link": true, "list": true, "ls": true, "outdated": true, "pack": true, "publish": true, "rebuild": true, "remove": true,
	"store": true, "up": true, "update": true, "upgrade": true, "version": true, "why": true, "workspace": true, "workspaces": true,
}

// scriptRunOf reads the arguments of a package manager, or of one of the helpers that
// scripts of package.json are made of.
func scriptRunOf(argv []string) scriptRun {
	tool, args := path.Base(argv[0]), argv[1:]
	switch tool {
	case "npx", "pnpx", "bunx":
		return scriptRun{command: behindFlags(args, "-p", "--package")}
	case "cross-env", "cross-env-shell":
		i := slices.IndexFunc(args, func(a string) bool { return !strings.Contains(a, "=") })
		if i < 0 {
			return scriptRun{}
		}
		return scriptRun{command: args[i:]}
	case "concurrently":
		return scriptsNamed(behindFlags(args, "-n", "--names", "-c", "--prefix-colors", "-p", "--prefix"), true)
	case "npm-run-all", "run-s", "run-p":
		return scriptsNamed(args, false)
	case "npm", "yarn", "yarnpkg", "pnpm", "bun":
		args, of, one := takeWorkspace(tool, args)
		if !one {
			return scriptRun{}
		}
		run := managerRun(tool, args)
		run.of = of
		return run
	case "turbo":
		return turboRun(args)
	}
	return scriptRun{}
}

// scriptsNamed reads a list of scripts, or where texts may stand among them, of those.
func scriptsNamed(args []string, texts bool) scriptRun {
	var run scriptRun
	for _, a := range args {
		name, isName := strings.CutPrefix(a, "npm:")
		switch {
		case strings.HasPrefix(a, "-") || strings.ContainsAny(name, "*"):
		case isName || !texts:
			run.names = append(run.names, name)
		default:
			run.texts = append(run.texts, a)
		}
	}
	return run
}

// managerRun reads the arguments of a package manager.
func managerRun(tool string, args []string) scriptRun {
	var run scriptRun
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		flag, value, assigned := strings.Cut(args[0], "=")
		args = args[1:]
		switch flag {
		case "--prefix", "-C", "--cwd", "--dir":
			if !assigned && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			run.dir = value
		case "-w", "--workspace-root", "-r", "--recursive", "-ws", "--workspaces":
			return scriptRun{} // of other directories
		}
	}
	if len(args) == 0 {
		return scriptRun{}
	}
	verb, args := args[0], args[1:]
	switch {
	case verb == "exec" || verb == "x" || verb == "dlx":
		return scriptRun{command: behindFlags(args, "-p", "--package")}
	case verb == "run" || verb == "run-script":
		args = behindFlags(args, "--prefix", "-C", "--cwd")
		if len(args) == 0 {
			return scriptRun{}
		}
		verb, args = args[0], args[1:]
	case tool == "npm" && !slices.Contains([]string{"start", "test", "stop", "restart"}, verb), managerCommands[verb]:
		return scriptRun{}
	}
	run.names = []string{verb}
	if tool == "npm" { // which keeps what stands ahead of -- for itself
		i := slices.Index(args, "--")
		if i < 0 {
			return run
		}
		args = args[i:]
	}
	for _, a := range args {
		if a != "--" && imagepath.Safe.MatchString(a) {
			run.args = append(run.args, a)
		}
	}
	return run
}

// behindFlags returns what stands behind the flags, of which some take a value.
func behindFlags(args []string, values ...string) []string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "--" {
			return args[1:]
		}
		if slices.Contains(values, args[0]) && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	return args
}

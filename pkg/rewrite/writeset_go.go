package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/gosource"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A goBuild is a step that builds a program in Go: of it only the product may get into the
// image.
type goBuild struct {
	tree content.StageTree
	main string // the directory of the main package
	out  string // where the program goes, "" where that is not known
	exe  string // where it lies in the image, "" where that is not known
}

// Bounds for the steps of a stage that build programs, and the programs of an image that are
// read.
const (
	maxGoBuilds   = 50
	maxGoPrograms = 4
)

// goWrites returns what the programs in Go write that the image starts, or that it may
// start where nobody knows which those are.
func (p *Pass) goWrites() []gosource.Write {
	if p.memo.goRead || p.Context == nil {
		return p.memo.goWrites
	}
	p.memo.goRead = true
	read := map[string]bool{}
	for _, b := range p.goPrograms() {
		at := b.tree.Source(b.main)
		if at == "" || read[at] || len(read) >= maxGoPrograms {
			continue
		}
		read[at] = true
		env := gosource.Environment{Executable: b.exe, Getenv: func(key string) string { v, _ := p.End.Env.Get(key); return v }, Flag: p.flagValue}
		p.memo.goWrites = append(p.memo.goWrites, gosource.Writes(b.tree, moduleRoot(b.tree, b.main), b.main, env)...)
	}
	return p.memo.goWrites
}

// goPrograms returns the builds of the programs that the image starts, and where they lie
// there. Where none is known to be one, all count that may get into the image.
func (p *Pass) goPrograms() []goBuild {
	started, others := p.goRuns(), []goBuild(nil)
	for _, b := range p.goBuilds() {
		if b.exe = p.goBinary(b); b.exe != "" {
			started = append(started, b)
		} else if p.mayBringProduct(b) {
			others = append(others, b)
		}
	}
	if len(started) > 0 {
		return started
	}
	return others
}

// goRuns returns the programs that the image builds when it starts: go run.
func (p *Pass) goRuns() (out []goBuild) {
	for _, argv := range p.argvs() {
		if path.Base(argv[0]) == "go" && len(argv) > 2 && argv[1] == "run" {
			out = append(out, goBuildsBy(content.StageTree{Image: p.Image, Stage: p.Stage}, p.End.Workdir, argv[1:])...)
		}
	}
	return out
}

// flagValue returns what the command of the image says for an option of the program.
func (p *Pass) flagValue(name string) (string, bool) {
	for _, argv := range p.argvs() {
		for i, w := range argv[1:] {
			option, value, assigned := strings.Cut(w, "=")
			if !strings.HasPrefix(option, "-") || strings.TrimLeft(option, "-") != name {
				continue
			}
			if !assigned && i+2 < len(argv) {
				value = argv[i+2]
			}
			return value, !strings.Contains(value, "$")
		}
	}
	return "", false
}

// moduleRoot is the nearest directory above a package that has a go.mod.
func moduleRoot(tree content.StageTree, main string) string {
	for dir := main; ; dir = path.Dir(dir) {
		if _, ok := tree.Read(path.Join(dir, "go.mod")); ok {
			return dir
		}
		if dir == "/" {
			return main
		}
	}
}

// goBuilds returns the steps that build programs in Go, in the stages that the final one
// copies from and in itself.
func (p *Pass) goBuilds() (out []goBuild) {
	stages := slices.Clone(p.Chain)
	for _, c := range p.End.Copies {
		if st := p.Doc.CopyFrom(c.By.Stage, c.From); c.From != "" && st != nil && st.Index < c.By.Stage.Index {
			out = append(out, p.goBuildsIn(st)...)
		}
	}
	for _, st := range stages {
		out = append(out, p.goBuildsIn(st)...)
	}
	return out
}

// goBuildsIn returns those of one stage and of the stages that it is built on.
func (p *Pass) goBuildsIn(st *dockerfile.Stage) (out []goBuild) {
	if p.memo.goStages[st.Index] {
		return nil
	}
	if p.memo.goStages == nil {
		p.memo.goStages = map[int]bool{}
	}
	p.memo.goStages[st.Index] = true
	if !slices.ContainsFunc(st.Instructions, mayBuildGo) {
		return nil
	}
	end := p.EndOf(st)
	for _, in := range st.Instructions {
		if mayBuildGo(in) && len(out) < maxGoBuilds {
			out = append(out, p.goBuildsOf(in, end.Before[in].Workdir)...)
		}
	}
	return out
}

// goBuilder matches the text of a step that may build a program in Go: most build none, and need
// not be followed.
var goBuilder = regexp.MustCompile(`\bgo\b|\b(?:make|task|mage|just)\b|build[\w.-]*\.sh`)

func mayBuildGo(in *dockerfile.Instruction) bool {
	return in.Keyword == "RUN" && goBuilder.MatchString(in.Original+simulate.HeredocText(in))
}

// buildsByRules matches what builds a program by rules of its own.
var buildsByRules = regexp.MustCompile(`^(make|task|mage|just)$|build[\w.-]*\.sh$`)

// goBuildsOf returns the programs that the commands of one step build.
func (p *Pass) goBuildsOf(in *dockerfile.Instruction, workdir string) (out []goBuild) {
	sc, err := p.Doc.Script(in)
	if err != nil {
		return nil
	}
	tree := content.StageTree{Image: p.Image, Stage: in.Stage, Mounts: contextMounts(in, workdir)}
	for _, c := range sc.Commands() {
		args := shellcmd.Words(c.Args)
		switch {
		case c.Name == "cd" && len(c.Args) == 1 && c.Args[0].Static:
			workdir = imagepath.Abs(workdir, args[0])
		case c.Name == "go" && len(args) > 0 && (args[0] == "build" || args[0] == "install" || args[0] == "run"):
			out = append(out, goBuildsBy(tree, workdir, args)...)
		case buildsByRules.MatchString(c.Name) && tree.Source(path.Join(workdir, "go.mod")) != "":
			for _, dir := range commandsBelow(tree, workdir) {
				out = append(out, goBuild{tree: tree, main: dir})
			}
		}
	}
	return out
}

// goBuildsBy returns the programs that one command of Go builds.
func goBuildsBy(tree content.StageTree, workdir string, args []string) (out []goBuild) {
	packages, to := goArguments(args[1:], args[0] == "run")
	for _, name := range packages {
		dirs := mainPackages(tree, workdir, name)
		for _, dir := range dirs {
			b := goBuild{tree: tree, main: dir, out: imagepath.Abs(workdir, to)}
			switch {
			case strings.Contains(to, "$"):
				b.out = ""
			case args[0] == "install":
				b.out = path.Join("/go/bin", goBinaryName(tree, dir))
			case to == "" || strings.HasSuffix(to, "/") || len(packages) > 1 || strings.HasSuffix(name, "..."):
				b.out = path.Join(b.out, goBinaryName(tree, dir))
			}
			out = append(out, b)
		}
	}
	return out
}

// goBinaryName is what Go calls the program of a package: by the last part of its path that is
// no version.
func goBinaryName(tree content.StageTree, dir string) string {
	root := moduleRoot(tree, dir)
	if dir != root {
		return path.Base(dir)
	}
	text, _ := tree.Read(path.Join(root, "go.mod"))
	module := gosource.Module(text)
	if goVersionPart.MatchString(path.Base(module)) {
		module = path.Dir(module)
	}
	return path.Base(module)
}

var goVersionPart = regexp.MustCompile(`^v[0-9]+$`)

// goValues are the flags of go build with a value in the next word.
var goValues = map[string]bool{"-o": true, "-ldflags": true, "-gcflags": true, "-asmflags": true, "-tags": true, "-mod": true, "-modfile": true, "-p": true,
	"-buildmode": true, "-installsuffix": true, "-compiler": true, "-pkgdir": true, "-overlay": true, "-exec": true, "-C": true}

// goArguments returns the packages of a go build, and where its product goes.
func goArguments(args []string, run bool) (packages []string, to string) {
	for i := 0; i < len(args); i++ {
		w := strings.Replace(args[i], "--", "-", 1)
		name, value, assigned := strings.Cut(w, "=")
		switch {
		case !strings.HasPrefix(w, "-"):
			packages = append(packages, w)
			if run {
				return packages, ""
			}
			continue
		case !assigned && goValues[name] && i+1 < len(args):
			i++
			value = args[i]
		}
		if name == "-o" {
			to = value
		}
	}
	if len(packages) == 0 {
		packages = []string{"."}
	}
	return packages, to
}

// mainPackages returns the directories that an argument of go build names.
func mainPackages(tree content.StageTree, workdir, name string) []string {
	if rest, ok := strings.CutSuffix(name, "..."); ok {
		return commandsBelow(tree, imagepath.Abs(workdir, rest))
	}
	dir := imagepath.Abs(workdir, name)
	if strings.HasSuffix(name, ".go") {
		dir = path.Dir(dir)
	}
	if strings.ContainsAny(name, "$*?@") || len(tree.Files(dir)) == 0 {
		return nil
	}
	return []string{dir}
}

// commandsBelow returns the directories below one that hold programs, by custom: itself, and
// those of cmd.
func commandsBelow(tree content.StageTree, dir string) (out []string) {
	for _, of := range []string{dir, path.Join(dir, "cmd")} {
		dirs := []string{of}
		for _, name := range tree.Dirs(of) {
			if path.Base(of) == "cmd" {
				dirs = append(dirs, path.Join(of, name))
			}
		}
		for _, d := range dirs {
			if text, ok := tree.Read(path.Join(d, "main.go")); ok && mainPackage.MatchString(text) && len(out) < maxGoPrograms {
				out = append(out, d)
			}
		}
	}
	return out
}

var mainPackage = regexp.MustCompile(`(?m)^package main\b`)

// contextMounts returns the directories of the build context that a step mounts.
func contextMounts(in *dockerfile.Instruction, workdir string) map[string]string {
	var out map[string]string
	for _, f := range in.Flags {
		if f.Name != "mount" || !strings.Contains(f.Value, "type=bind") || strings.Contains(f.Value, "from=") {
			continue
		}
		target, source := "", "."
		for _, part := range strings.Split(f.Value, ",") {
			key, value, _ := strings.Cut(part, "=")
			switch key {
			case "target", "dst", "destination":
				target = value
			case "source", "src":
				source = value
			}
		}
		if target != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[imagepath.Abs(workdir, target)] = imagepath.InContext(source)
		}
	}
	return out
}

// startedFiles returns where the programs that the image starts may lie.
func (p *Pass) startedFiles() (out []string) {
	for _, argv := range p.argvs() {
		if strings.Contains(argv[0], "/") {
			out = append(out, imagepath.Abs(p.End.Workdir, argv[0]))
			continue
		}
		for _, dir := range p.End.SearchPath() {
			out = append(out, path.Join(dir, argv[0]))
		}
	}
	return out
}

// goBinary returns where the program of a build lies in the image, where that is one which
// the image starts; "" for others.
func (p *Pass) goBinary(b goBuild) string {
	for _, name := range p.startedFiles() {
		if slices.Contains(p.Chain, b.tree.Stage) && b.out == name {
			return name
		}
		for _, c := range p.End.Copies {
			if origin := p.originIn(c, b, name); origin != "" && b.leaves(origin) {
				return name
			}
		}
	}
	return ""
}

// leaves reports whether a build leaves its program at a path, or as somebody may have moved
// it there.
func (b goBuild) leaves(name string) bool {
	return b.out == name || (b.out == path.Dir(name) || b.out == "") && path.Base(name) == goBinaryName(b.tree, b.main)
}

// originIn returns where a file of the image was in the stage of a build, "" where a copy has
// not brought it from there.
func (p *Pass) originIn(c simulate.Copy, b goBuild, name string) string {
	if c.Opaque || c.From == "" || p.Doc.CopyFrom(c.By.Stage, c.From) != b.tree.Stage {
		return ""
	}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		if c.Target(src) == name {
			return src
		}
		if rel, ok := strings.CutPrefix(name, path.Clean(c.Dest)+"/"); ok && !c.Into {
			return path.Join(src, rel)
		}
	}
	return ""
}

// mayBringProduct reports whether the product of a build may get into the image.
func (p *Pass) mayBringProduct(b goBuild) bool {
	if slices.Contains(p.Chain, b.tree.Stage) {
		return true
	}
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.From != "" && p.Doc.CopyFrom(c.By.Stage, c.From) == b.tree.Stage && (b.out == "" || slices.ContainsFunc(c.Sources, func(src string) bool {
			src = path.Clean("/" + src)
			return imagepath.Below(b.out, src) || imagepath.Below(src, b.out)
		}))
	})
}

// goSet adds what programs in Go write.
func (p *Pass) goSet(add func(writePath)) {
	for _, w := range p.goWrites() {
		p.goTo(w, add)
	}
}

// goTo adds one path that a program in Go writes.
func (p *Pass) goTo(w gosource.Write, add func(writePath)) {
	name, why := imagepath.Abs(p.End.Workdir, w.Path), w.At+" writes it"
	if name == "/" || len(name) > imagepath.MaxPath || p.End.Real(name) != name && !w.Dir || p.ofBase(name) || imagepath.Below(name, "/root") {
		return
	}
	dir := name
	if !w.Dir {
		dir = path.Dir(name)
		if by := p.CopiedFile(name); by != nil {
			add(writePath{path: name, why: why, file: true, exist: true, after: p.inStage(by)})
			if !w.Beside {
				return
			}
		}
	}
	loose := !w.Dir && !w.Beside && !path.IsAbs(w.Path) // many a tool writes a file where it is called
	switch {
	case p.mayGive(dir):
		to := p.placedDirectory(dir, why)
		if !loose || dir != p.End.Workdir {
			to.said = why
		}
		add(to)
	case loose && !logFile.MatchString(name):
	case !w.Dir && !w.Beside && (dir == "/" || dir == "/run" || dir == "/var/run" || dir == "/var/log"):
		add(writePath{path: name, why: why, file: true})
	}
}

// logFile matches files that may be empty where the program starts.
var logFile = regexp.MustCompile(`(?i)\.log$`)

// goBeside returns the databases that programs in Go make, for the refusal of those that only
// root can.
func (p *Pass) goBeside() (out []toldPath) {
	for _, w := range p.goWrites() {
		name := imagepath.Abs(p.End.Workdir, w.Path)
		if w.Beside && path.Dir(name) != "/root" {
			out = append(out, toldPath{path: name, by: w.At + " opens it", beside: true})
		}
	}
	return out
}

// reportLoose names the files that a program in Go makes where it starts, and that stay out of
// the user's reach because that is a directory of the system.
func (p *Pass) reportLoose() {
	dir := p.End.Workdir
	if p.mayGive(dir) || imagepath.Below(dir, "/root") || imagepath.Below(dir, "/tmp") {
		return
	}
	var names []string
	for _, w := range p.goWrites() {
		if name := path.Clean(w.Path); !w.Dir && !w.Beside && !strings.Contains(name, "/") && !logFile.MatchString(name) {
			names = append(names, fmt.Sprintf("%s writes %s", w.At, dockerfile.Clip(name, 60)))
		}
	}
	if len(names) > 0 {
		p.report(Finding{Line: p.Stage.From.Line, Message: fmt.Sprintf("%s where the program starts, and %s stays root's", list(names, 3), dir),
			Hint: "If it does so in the image, set a WORKDIR of its own, which the user can be given."})
	}
}

// systemConfig matches directories below /etc that are the distribution's.
var systemConfig = regexp.MustCompile(`^/etc/(ssl|ssh|pki|pam\.d|security|apt|apk|init\.d|rc\.d|rc\d\.d|systemd|profile\.d|sudoers\.d|ld\.so\.conf\.d|cron\.\w+|crontabs|skel|network|default|alternatives|ca-certificates|conf\.d|sysconfig|modules-load\.d|modprobe\.d|sysctl\.d|udev|xdg)(/|$)`)

// mayGive reports whether a directory is one that may be the user's: none of the system's, but
// one of the program's own below /etc.
func (p *Pass) mayGive(dir string) bool {
	if imagepath.Standard[dir] || imagepath.Below(dir, "/proc") || imagepath.Below(dir, "/dev") {
		return false
	}
	if imagepath.Below(dir, "/etc") {
		return !systemConfig.MatchString(dir)
	}
	return imagepath.ProtectedDir(path.Join(dir, "file")) == "" && !p.onPath(dir)
}

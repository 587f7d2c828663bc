package rewrite

import "path"

// buildDirsOf is what build tools write below the working directory each time they
// run: an image that starts with one builds before it serves.
var buildDirsOf = map[string][]string{
	"mvn": {"target"}, "mvnw": {"target"}, "gradle": {"build", ".gradle"}, "gradlew": {"build", ".gradle"}, "sbt": {"target", "project/target", "project/project"},
	"cargo": {"target"}, "lein": {"target"}, "stack": {".stack-work"}, "mix": {"_build"},
}

// buildToolSet adds what a build tool as the command writes. A step may have built
// before, as root, so the directories change owner with what is in them.
func (p *Pass) buildToolSet(add func(writePath)) {
	if p.End.Workdir == "/" || len(p.Entry.Argv) == 0 {
		return
	}
	for _, dir := range buildDirsOf[path.Base(p.startedTool())] {
		add(writePath{path: path.Join(p.End.Workdir, dir), why: "the command builds when it starts", tree: true, after: p.lastFiles()})
	}
}

// startedTool is the program that the command starts, or the first word of its text.
func (p *Pass) startedTool() string {
	if c, ok := p.Entry.Main(); ok && len(c.Args) > 0 {
		return c.Args[0]
	}
	return p.Entry.Argv[0]
}

package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// prestoStarters are what starts a server of Presto or Trino (trino.io/docs/current/installation/deployment.html).
var prestoStarters = []string{"launcher", "launcher.py", "run-presto", "run-trino"}

var (
	presto = regexp.MustCompile(`\b(presto|prestosql|prestodb|trino)\b`)
	// prestoData matches the directory that Presto writes, in a step that prints its settings.
	prestoData = regexp.MustCompile(`node\.data-dir[ \t]*=[ \t]*(/[^\s"'\\;|&]+)`)
)

// startsPresto reports whether the image starts a server of Presto or Trino.
func (p *Pass) startsPresto() bool {
	names := p.programNames()
	return slices.ContainsFunc(prestoStarters, func(name string) bool { return names[name] }) && presto.MatchString(p.stepsText())
}

// prestoSet adds the directory of data that a step prints into the settings of Presto.
func (p *Pass) prestoSet(add func(writePath)) {
	for _, name := range p.prestoPrinted() {
		if !imagepath.Standard[name] && !imagepath.Protected(name) && p.startsPresto() {
			add(writePath{path: name, why: "node.data-dir", exist: p.there(name)})
		}
	}
}

func (p *Pass) prestoPrinted() []string {
	var out []string
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" {
			continue
		}
		for _, m := range prestoData.FindAllStringSubmatch(in.Original, 8) {
			out = append(out, path.Clean(m[1]))
		}
	}
	return out
}

// reportPresto says where nobody could read in which directory Presto keeps its data.
func (p *Pass) reportPresto() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited || !p.startsPresto() || len(p.prestoPrinted()) > 0 {
		return
	}
	if slices.ContainsFunc(p.told(), func(t toldPath) bool { return strings.HasPrefix(t.by, "node.data-dir") }) {
		return
	}
	p.report(Finding{Line: p.at(p.Entry.By), Message: "etc/node.properties was not read: the server writes its logs, its pid and its data to the node.data-dir that it names",
		Hint: "List that directory under writable: in .harden.yaml, unless it is the working directory."})
}

// hadoopClients are programs that read and write HDFS as whoever they run as.
var hadoopClients = regexp.MustCompile(`\b(presto|prestosql|trino|spark|hive|hbase|flink|hadoop|pyspark)\b`)

// onHDFS shows that a file works on HDFS.
var onHDFS = regexp.MustCompile(`(?i)\bhdfs://|\bfs\.default(FS|\.name)\b|\bhadoop\s+fs\s|\bhdfs\s+dfs\s`)

// hintHDFS says that HDFS knows the user by the name that the program runs as: without
// Kerberos it is who the client says that it is (hadoop.apache.org, HDFS Permissions Guide,
// User Identity).
func (p *Pass) hintHDFS() {
	if p.User.Name == "" || !hadoopClients.MatchString(p.stepsText()) || strings.Contains(p.stepsText(), "hadoop_user_name") || !p.worksOnHDFS() {
		return
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: fmt.Sprintf("on HDFS the user was root, and is now %s", p.User.Name),
		Hint: "Give it what it works on there, or keep the old identity with ENV HADOOP_USER_NAME=root, which HDFS believes where it has no Kerberos."})
}

// worksOnHDFS reports whether the file, what it copies by name or a start script names HDFS.
func (p *Pass) worksOnHDFS() bool {
	for _, argv := range p.argvs() {
		if onHDFS.MatchString(strings.Join(argv, " ")) {
			return true
		}
	}
	for _, script := range p.Entry.Scripts {
		if text, ok := p.FileOf(script); ok && onHDFS.MatchString(text) {
			return true
		}
	}
	return onHDFS.MatchString(p.stepsText()) || p.copiesText(onHDFS)
}

package rewrite

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// Options of Java's launcher that name what the virtual machine writes (docs.oracle.com, The
// java Command).
var (
	// javaLog matches a log of the virtual machine: -Xlog:WHAT:FILE[:DECORATORS[:OPTIONS]] and
	// -Xloggc:FILE. Java stops where it cannot open it.
	javaLog = regexp.MustCompile(`^(-Xlog):[^:\s]*:(?:file=)?("[^"]+"|[^:"\s]+)|^(-Xloggc):(\S+)`)
	// javaDump matches what the virtual machine makes when something is wrong, or when it is
	// told to stop, and goes without where it cannot: each refuses to write over a file.
	javaDump = regexp.MustCompile(`^(-XX:HeapDumpPath|-XX:ErrorFile)=(\S+)|^(-XX:StartFlightRecording)[:=](?:\S*,)?filename=([^,\s]+)`)
	// javaProperty matches properties of an application that name where it keeps something.
	javaProperty = regexp.MustCompile(`^(-D(?:[A-Za-z0-9]+[._-])*(?i:logs?|data|cache|uploads?|storage|te?mp)[._-]?(?i:dir|directory|folder|path|home|file))=(/\S+)$`)
	// javaOptions are variables whose words are options of Java: those that the launcher reads
	// itself, Tomcat's, and what start scripts put into the command.
	javaOptions = regexp.MustCompile(`^(JDK_JAVA_OPTIONS|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JAVA_ARGS|JVM_ARGS|JAVA_OPTIONS|([A-Z0-9]+_)*(JAVA|JVM|CATALINA)_OPTS|JAVA_OPTS_APPEND)$`)
)

// toldByJava reads one option of Java; by says what gives it.
func (p *Pass) toldByJava(option, by string) (toldPath, bool) {
	option = strings.Trim(option, `"'`)
	if m := javaLog.FindStringSubmatch(option); m != nil {
		name := strings.TrimPrefix(strings.Trim(m[2]+m[4], `"`), "file=")
		if name == "stdout" || name == "stderr" || name == "none" {
			return toldPath{}, false
		}
		t := toldPath{path: imagepath.Abs(p.End.Workdir, name), by: by + m[1] + m[3]}
		t.beside = !touchable(t.path) // an empty file made beforehand is no help elsewhere
		t.rotates = !t.beside && !strings.Contains(option, "filecount=0") && m[1] != ""
		return t, true
	}
	if m := javaDump.FindStringSubmatch(option); m != nil {
		name := imagepath.Abs(p.End.Workdir, strings.Trim(m[2]+m[4], `"`))
		if fileEnding.MatchString(name) || strings.Contains(name, "%") {
			name = path.Dir(name)
		}
		return toldPath{path: name, by: by + m[1] + m[3], dir: true}, true
	}
	if m := toldJava.FindStringSubmatch(option); m != nil {
		return toldPath{path: m[2], by: by + "-D" + m[1], dir: !strings.HasSuffix(m[1], ".name") && m[1] != "logging.file"}, true
	}
	if m := javaProperty.FindStringSubmatch(option); m != nil {
		return toldPath{path: m[2], by: by + m[1], dir: !fileEnding.MatchString(m[2])}, true
	}
	return toldPath{}, false
}

// touchable reports whether a file of that name can be made beforehand in a directory of the
// system. What the program puts for a % is not known.
func touchable(name string) bool {
	dir := path.Dir(name)
	return (dir == "/run" || dir == "/var/run" || dir == "/var/log") && !strings.Contains(name, "%")
}

// toldByJavaOptions reads a variable that holds options of Java; where says who sets it.
func (p *Pass) toldByJavaOptions(key, value, where string) []toldPath {
	if !javaOptions.MatchString(key) {
		return nil
	}
	var out []toldPath
	for w := range strings.FieldsSeq(value) {
		if t, ok := p.toldByJava(w, key+where+" has "); ok {
			out = append(out, t)
		}
	}
	return out
}

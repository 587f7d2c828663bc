package rewrite

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// javaLogs reads the appenders of Logback and of Log4j
// (logback.qos.ch/manual/appenders.html, logging.apache.org/log4j/2.x/manual/appenders.html).
// What a log is called when it is full has a date or a number in its name, so that its directory counts.
var javaLogs = configReader{
	by: []string{"java"}, files: regexp.MustCompile(`(^|/)(logback|log4j2?)([-_.][\w.-]+)?\.(xml|properties|ya?ml)$`), source: true, expands: true,
	rotates: regexp.MustCompile(`Rolling(RandomAccess)?File`), fills: fillJava, used: notForTests,
	settings: []toldSetting{
		fromStart(matching(asFile, `<(file|File|fileNamePattern|FileNamePattern)>\s*([^<\s]+)\s*</`)),
		fromStart(matching(asFile, `\b(fileName|filePattern)\s*=\s*"([^"\s]+)"`)),
		fromStart(matching(asFile, `(?m)^[ \t]*(appender[\w.]*\.(?:fileName|filePattern)|log4j\.appender\.\w+\.File)[ \t]*[=:][ \t]*(\S+)`)),
		fromStart(matching(asFile, `(?m)^[ \t]*(fileName|filePattern)[ \t]*:[ \t]*["']?([^"'\s]+)`)),
	},
}

// springSettings reads those of Spring Boot (docs.spring.io/spring-boot/appendix/application-properties);
// its own logs roll over at 10 MB. What applications call their own settings says what they name.
var springSettings = configReader{
	by: []string{"java"}, files: regexp.MustCompile(`(^|/)application(-[\w.-]+)?\.(ya?ml|properties)$`), source: true,
	rotates: regexp.MustCompile(``), flat: flatYAML, fills: fillJava, used: springReads,
	settings: []toldSetting{
		assigned(asFile, `logging\.file(?:\.name)?`),
		assigned(toldPath{name: "spring.log"}, `logging(?:\.file)?\.path`),
		assigned(asDir, `server\.tomcat\.basedir|server\.tomcat\.accesslog\.directory|server\.undertow\.accesslog\.dir|spring\.servlet\.multipart\.location`),
		assigned(asDir, `[\w.-]*\b(?:uploads?|storage|media|data|cache|te?mp|output|exports?|logs?)[-.]?(?:dir|directory|folder|path|location)`),
		matching(asDir, `(?m)^[ \t]*([\w.-]*[.-](?:uploads?|storage|media|data))[ \t]*[=:][ \t]*["']?(?:file:)?(/(?:srv|data|var|opt|mnt|home|app|usr/src)/[^\s"';,?#]+)`),
		relative(asFile, `^[ \t]*(logging\.file(?:\.name)?)[ \t]*[=:][ \t]*["']?`),
		relative(toldPath{name: "spring.log"}, `^[ \t]*(logging(?:\.file)?\.path)[ \t]*[=:][ \t]*["']?`),
		relative(asDir, `^[ \t]*(server\.tomcat\.basedir)[ \t]*[=:][ \t]*["']?`),
		fromStart(matching(asDir, `(?m)^[ \t]*([\w.-]*\b(?:uploads?|storage|media|data|output|exports?|files?)[-.]?(?:dir|directory|folder|path|location))[ \t]*[=:][ \t]*["']?(?:file:)?((?:\.{1,2}/)+[\w./-]+|(?:uploads?|storage|media|data|output|exports?|files)(?:/[\w./-]*)?)["']?[ \t\r]*$`)),
		relative(asBeside, `^([\w.-]*url)[ \t]*[=:][ \t]*["']?jdbc:(?:h2:(?:file:)?\./|sqlite:|derby:(?:directory:)?|hsqldb:file:)`),
		matching(asBeside, `(?m)^([\w.-]*url)[ \t]*[=:][ \t]*["']?jdbc:(?:h2:(?:file:)?|sqlite:|derby:(?:directory:)?|hsqldb:file:)(/[^;?"'\s]+)`),
	},
}

// fromStart has a setting name a path that is relative to where the program starts.
func fromStart(s toldSetting) toldSetting { s.from = true; return s }

var (
	xmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	// placeholder matches a variable without others in it: ${LOG_DIR:-logs}, ${env:HOME}.
	placeholder = regexp.MustCompile(`\$\{([^${}\n]+)\}`)
	// ownProperty matches how the files of Logback and Log4j give names to values, and
	// namedValue the settings of the others, which may all be used as variables.
	ownProperty = regexp.MustCompile(`<(?i:property|variable)\s+name\s*=\s*"([^"]+)"(?:\s+value\s*=\s*"([^"]*)"\s*/?>|\s*>([^<]*)</)`)
	namedValue  = regexp.MustCompile(`(?m)^[ \t]*(?:property\.)?([\w.-]+)[ \t]*[=:][ \t]*(\S+)[ \t\r]*$`)
	// lookup matches where a variable of Log4j is looked for.
	lookup = regexp.MustCompile(`^(?:env|sys|spring):`)
	// systemProperty matches what a command tells the JVM.
	systemProperty = regexp.MustCompile(`^-D([\w.-]+)=(.+)$`)
)

// Bounds for a file that was written to use up memory: how often variables are looked for in
// the values of others, and how many at once.
const (
	maxFills        = 5
	maxPlaceholders = 500
)

// fillJava puts in what variables of a configuration stand for: what the file itself, the
// command or the environment gives them, or else their default. Others are left alone.
func fillJava(p *Pass, f configFile, text string) string {
	split, own := ":", namedValue
	if strings.HasPrefix(path.Base(f.name), "log") {
		split = ":-"
	}
	if path.Ext(f.name) == ".xml" {
		text, own = xmlComment.ReplaceAllString(text, ""), ownProperty
	}
	values := p.systemProperties()
	for _, m := range own.FindAllStringSubmatch(text, content.MaxSettings) {
		if value := strings.Join(m[2:], ""); values[m[1]] == "" && len(value) <= maxNamed {
			values[m[1]] = strings.TrimSpace(value)
		}
	}
	for range maxFills {
		left := maxPlaceholders
		filled := placeholder.ReplaceAllStringFunc(text, func(word string) string {
			if left--; left < 0 {
				return word
			}
			return p.fillWord(word, split, values)
		})
		if filled == text || len(filled) > content.MaxText {
			break
		}
		text = filled
	}
	return text
}

// fillWord returns what one variable stands for, or the variable.
func (p *Pass) fillWord(word, split string, values map[string]string) string {
	body := lookup.ReplaceAllString(word[2:len(word)-1], "")
	name, fallback, has := strings.Cut(body, split)
	if v := values[name]; v != "" && v != word {
		return v
	}
	// Spring finds DB_URL of the environment as db.url, too.
	for _, key := range []string{name, strings.NewReplacer(".", "_", "-", "").Replace(strings.ToUpper(name))} {
		if v, ok := p.End.Env.Get(key); ok && v != "" && len(v) <= maxNamed {
			return v
		}
	}
	switch {
	case name == "user.dir":
		return p.End.Workdir
	case has:
		return fallback
	}
	return word
}

// systemProperties returns what the commands of the image define for the JVM.
func (p *Pass) systemProperties() map[string]string {
	out := map[string]string{}
	for _, argv := range p.argvs() {
		for _, w := range argv {
			if m := systemProperty.FindStringSubmatch(w); m != nil && len(w) <= maxNamed {
				out[m[1]] = m[2]
			}
		}
	}
	return out
}

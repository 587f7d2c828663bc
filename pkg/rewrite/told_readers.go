package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A configReader says in which files programs are told what they write, and where there.
type configReader struct {
	by    []string       // the programs that read them; nil where the files themselves tell
	files *regexp.Regexp // the paths that such files have in an image, or in the sources of a program
	words *regexp.Regexp // the words of a command that name one, whatever it is called
	// source says that a build puts the file into the program, so that it is in the build
	// context alone.
	source bool
	holds  *regexp.Regexp // what shows a file to be one
	// rotates matches the text of a file whose logs get another name when they are full.
	rotates *regexp.Regexp
	flat    func(string) string                    // writes nested settings as one line each
	fills   func(*Pass, configFile, string) string // puts in what variables of the file stand for
	expands bool                                   // ${NAME} is a variable of the environment
	// imported says that steps which run the program's code read it as well, and so make its
	// logs and databases beforehand, as root's.
	imported bool
	used     func(*Pass, configFile) bool // whether the program reads this one of them
	settings []toldSetting
}

// A toldSetting finds one kind of settings: the name in the first group, the path in the
// second.
type toldSetting struct {
	re   *regexp.Regexp
	as   toldPath
	from bool                         // the path is relative to where the program starts
	used func(*Pass, configFile) bool // whether the setting counts in this file
}

// What settings name: a file that is opened in place, one that the program has to make
// itself, and a directory.
var (
	asFile   = toldPath{}
	asBeside = toldPath{beside: true}
	asDir    = toldPath{dir: true}
	// asJournal is a file that the image brings and that the program replaces.
	asJournal = toldPath{beside: true, replaced: true}
)

func matching(as toldPath, re string) toldSetting {
	return toldSetting{re: regexp.MustCompile(re), as: as}
}

// where limits a setting to some files.
func (s toldSetting) where(used func(*Pass, configFile) bool) toldSetting { s.used = used; return s }

// assigned matches "name = /path".
func assigned(as toldPath, names string) toldSetting {
	return matching(as, `(?m)^[ \t]*(`+names+`)[ \t]*[=:][ \t]*["']?((?:unix:/*|file:)?/[^\s"';,?#]+)`)
}

// directive matches "Name /path", also as Ruby calls it.
func directive(as toldPath, names string) toldSetting {
	return matching(as, `(?m)^[ \t]*(`+names+`)[ \t(]+["']?((?:unix:/+)?/[^\s"',?]+)`)
}

// relative matches a path that is relative to where the program starts.
func relative(as toldPath, before string) toldSetting {
	s := matching(as, `(?m)`+before+`((?:\.{1,2}/)*[\w-][\w./-]*)(?:["';,?#\s]|$)`)
	s.from = true
	return s
}

// ruby matches a call of Ruby at the top of a file and under no condition: what needs root
// refuses the whole file, and so has to be certain.
func ruby(names string) toldSetting {
	return matching(asBeside, `(?m)^(`+names+`)[ \t(]+["']((?:unix:/+)?/[^\s"',?]+)(?:\?[^"']*)?["'][ \t)]*(?:,[^\n]*)?$`)
}

// property matches "name": "/path" of JSON, Python and JavaScript, anywhere in a line.
func property(as toldPath, names string) toldSetting {
	return matching(as, `["']?\b(`+names+`)["']?[ \t]*[:=][ \t]*["'](/[^"'\s]+)["']`)
}

// pythonPrograms are the programs that run an application in Python.
var pythonPrograms = []string{"python", "python3", "gunicorn", "uvicorn", "hypercorn", "daphne", "uwsgi", "celery", "manage.py", "flask", "fastapi", "waitress-serve"}

// configReaders are read from the documentation of each program.
var configReaders = []configReader{
	{ // docs.gunicorn.org/en/stable/settings.html; the pid file is renamed into its place
		by: []string{"gunicorn"}, files: regexp.MustCompile(`(^|/)gunicorn[._]conf\.py$`), words: regexp.MustCompile(`\.py$`),
		settings: []toldSetting{
			matching(asBeside, `(?m)^\s*(bind|pidfile)\s*=\s*["']((?:unix:)?/+[^"']+)["']`),
			matching(asFile, `(?m)^\s*(accesslog|errorlog)\s*=\s*["'](/[^"']+)["']`),
		},
	},
	{ // uwsgi-docs.readthedocs.io/en/latest/Options.html; core/utils.c opens pid files in place
		by: []string{"uwsgi"}, words: regexp.MustCompile(`\.ini$`), files: regexp.MustCompile(`^$`),
		settings: []toldSetting{
			assigned(asBeside, `(?:uwsgi-|http-|https-|fastcgi-|scgi-)?socket|stats|stats-server|master-fifo`),
			assigned(asFile, `logto2?|daemonize2?|(?:req-)?logger|(?:safe-)?pidfile2?`),
			assigned(asDir, `spooler`),
		},
	},
	{ // docs.python.org/3/library/logging.config.html
		by: pythonPrograms, files: regexp.MustCompile(`(?i)(^|/)log(ger|ging)?([-_.]?(conf|config|settings))?\.(ini|conf|cfg|json|ya?ml)$`), words: regexp.MustCompile(`\.(ini|conf|cfg|json|ya?ml)$`),
		holds: regexp.MustCompile(`FileHandler`), rotates: regexp.MustCompile(`Rotating\w*FileHandler`),
		settings: []toldSetting{
			matching(asFile, `(?m)^class[ \t]*=[ \t]*[\w.]*FileHandler[ \t]*\n(?:[a-z]+[ \t]*=[^\n]*\n)*?(args)[ \t]*=[ \t]*\([ \t]*r?["'](/[^"'\s]+)["']`),
			property(asFile, `filename`),
			assigned(asFile, `filename`),
		},
	},
	{ // docs.djangoproject.com/en/5.1/ref/settings
		files: djangoSettings, holds: regexp.MustCompile(`(?i)django`), rotates: regexp.MustCompile(`Rotating\w*FileHandler`),
		imported: true, used: djangoUses,
		settings: []toldSetting{
			property(asFile, `filename`),
			matching(asBeside, `["'](NAME)["']\s*:\s*["'](/[^"'\s]+\.(?:db3?|sqlite3?))["']`),
			matching(asDir, `(?m)^(MEDIA_ROOT|FILE_UPLOAD_TEMP_DIR|SESSION_FILE_PATH|EMAIL_FILE_PATH)[ \t]*=[ \t]*(?:Path\()?["'](/[^"'\s]+)["']`),
			matching(asDir, `FileBasedCache["'][ \t]*,\s*["'](LOCATION)["']\s*:\s*["'](/[^"'\s]+)["']`),
		},
	},
	{ // docs.djangoproject.com/en/5.1/ref/contrib/staticfiles: what collectstatic fills
		files: djangoSettings, used: func(p *Pass, f configFile) bool { return djangoUses(p, f) && p.collectsAtStart() },
		settings: []toldSetting{matching(asDir, `(?m)^(STATIC_ROOT)[ \t]*=[ \t]*(?:Path\()?["'](/[^"'\s]+)["']`)},
	},
	{ // caddyserver.com/docs/caddyfile/directives/log, which rolls files over unless told not to
		by: []string{"caddy"}, files: regexp.MustCompile(`(^|/)[\w.-]*Caddyfile[\w.-]*$|\.caddy$`), rotates: regexp.MustCompile(`output[ \t]+file`),
		settings: []toldSetting{
			directive(asFile, `output[ \t]+file`),
			directive(asDir, `storage[ \t]+file_system`),
			matching(asBeside, `(?m)^[ \t]*(admin|bind)[ \t]+unix/(/[^\s|"]+)`),
		},
	},
	{ // www.php.net/manual/en/install.fpm.configuration.php; fpm_conf.c writes the pid in place where it cannot remove it
		by: []string{"php-fpm"}, files: regexp.MustCompile(`/(php-fpm\.d|pool\.d)/[^/]+\.conf$|/(php-)?fpm[\w.-]*\.conf$`),
		settings: []toldSetting{
			assigned(asBeside, `listen`).where(fpmListens),
			assigned(asFile, `pid|error_log|slowlog|access\.log|php(?:_admin)?_value\[error_log\]`),
		},
	},
	{ // puma.io/puma/Puma/DSL.html; launcher.rb writes the pid and the state in place
		by: []string{"puma", "rails", "rackup"}, files: regexp.MustCompile(`(^|/)puma(/production)?\.rb$`), words: regexp.MustCompile(`\.rb$`), fills: spelledRuby,
		settings: []toldSetting{
			ruby(`bind|activate_control_app`),
			directive(asFile, `pidfile|state_path|stdout_redirect`),
			matching(asFile, `(?m)^[ \t]*(stdout_redirect)[ \t(]+[^,\n]+,[ \t]*["'](/[^"'\s]+)["']`),
		},
	},
	{ // yhbt.net/unicorn/Unicorn/Configurator.html; the pid file is renamed into its place
		by: []string{"unicorn"}, files: regexp.MustCompile(`(^|/)unicorn(/production)?\.rb$`), words: regexp.MustCompile(`\.rb$`), fills: spelledRuby,
		settings: []toldSetting{
			ruby(`listen|pid`),
			directive(asFile, `std(?:err|out)_path`),
		},
	},
	{ // httpd.apache.org/docs/2.4/mod/directives.html; 2.4 makes the pid file beside and renames it (server/log.c)
		by: []string{"apache2"}, files: regexp.MustCompile(`\b(apache2?|httpd)\b.*\.conf$`),
		settings: []toldSetting{
			directive(asBeside, `(?i:PidFile|ScriptSock|DavLockDB)`),
			directive(asFile, `(?i:ErrorLog|CustomLog|TransferLog)`),
			directive(asDir, `(?i:CacheRoot)`),
		},
	},
	javaLogs, springSettings, scrapySettings,
	{ // github.com/transmission/transmission/blob/main/docs/Editing-Configuration-Files.md
		by: []string{"transmission-daemon"}, files: regexp.MustCompile(`(^|/)settings\.json$`),
		settings: []toldSetting{property(asDir, `(?:download|incomplete|watch)-dir`)},
	},
	{ // trino.io/docs/current/installation/deployment.html, prestodb.io/docs/current/installation/deployment.html
		by: prestoStarters, files: regexp.MustCompile(`(^|/)node\.properties$`),
		settings: []toldSetting{assigned(asDir, `node\.data-dir`)},
	},
	{ // github.com/NLog/NLog/wiki/File-target, which archives
		by: []string{"dotnet"}, files: regexp.MustCompile(`(?i)(^|/)nlog(\.production)?\.config$`), source: true, rotates: regexp.MustCompile(`(?i)archive`),
		settings: []toldSetting{
			matching(asFile, `(?i)\b(fileName|internalLogFile)\s*=\s*"(/[^"]+)"`),
		},
	},
	{ // docs.dagster.io/deployment/oss/dagster-yaml
		by: []string{"dagster", "dagster-webserver", "dagster-daemon", "dagit"}, files: regexp.MustCompile(`(^|/)dagster\.yaml$`),
		settings: []toldSetting{assigned(asDir, `base_dir`)},
	},
	{ // github.com/serilog/serilog-settings-configuration, learn.microsoft.com, Microsoft.Data.Sqlite connection strings
		files: regexp.MustCompile(`(^|/)appsettings(\.\w+)?\.json$`), source: true, rotates: regexp.MustCompile(`rollingInterval`), used: dotnetReads,
		settings: []toldSetting{
			matching(asFile, `(?s)Serilog.*?"(path)"\s*:\s*"(/[^"]+)"`),
			matching(asBeside, `"(\w+)"\s*:\s*"(?i:Data ?Source|Filename)=(/[^;"]+)`),
		},
	},
	{ // scrapyd.readthedocs.io/en/latest/config.html
		by: []string{"scrapyd"}, files: regexp.MustCompile(`(^|/)scrapyd\.conf$`),
		settings: []toldSetting{assigned(asDir, `(?:eggs|logs|items|dbs|jobs)_dir`)},
	},
	{ // docs.roadrunner.dev, Configuration
		by: []string{"rr", "roadrunner"}, files: regexp.MustCompile(`(^|/)\.?rr(\.[\w-]+)?\.ya?ml$`), words: regexp.MustCompile(`\.ya?ml$`), rotates: regexp.MustCompile(`log_output`),
		settings: []toldSetting{
			assigned(asBeside, `listen|relay|address`),
			assigned(asFile, `output|err_output|log_output`),
			matching(asDir, `(?m)^[ \t]*uploads:[ \t]*\n[ \t]*(dir):[ \t]*["']?(/[^\s"']+)`),
		},
	},
	{ // docs.haproxy.org/2.6/configuration.html; the socket is made beside and renamed, the pid file written in place
		by: []string{"haproxy"}, files: regexp.MustCompile(`(^|/)haproxy[^/]*\.(cfg|conf)$`), words: regexp.MustCompile(`\.(cfg|conf)$`),
		settings: []toldSetting{
			matching(asBeside, `(?m)^[ \t]*(stats[ \t]+socket|bind)[ \t]+(?:unix@)?(/[^\s,]+)`),
			directive(asFile, `pidfile`),
		},
	},
	{ // thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html; a pid file that cannot be made stops root alone (dnsmasq.c)
		by: []string{"dnsmasq"}, files: regexp.MustCompile(`(^|/)dnsmasq[^/]*\.conf$|/dnsmasq\.d/[^/]+\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{assigned(asFile, `log-facility|dhcp-leasefile`)},
	},
	{ // unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html; trust anchors are written beside and renamed
		by: []string{"unbound"}, files: regexp.MustCompile(`(^|/)unbound[^/]*\.conf$|/unbound\.conf\.d/[^/]+\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{
			assigned(asBeside, `control-interface|auto-trust-anchor-file`),
			assigned(asFile, `logfile|pidfile`),
		},
	},
	{ // bind9.readthedocs.io/en/latest/reference.html; os.c makes the pid file anew, journals lie beside their zone
		by: []string{"named"}, files: regexp.MustCompile(`(^|/)named[\w-]*\.conf(\.(local|options))?$`), words: regexp.MustCompile(`\.conf$`), rotates: regexp.MustCompile(`\bversions\b`), flat: flatNamed,
		settings: []toldSetting{
			directive(asJournal, `zone file`),
			directive(asBeside, `pid-file|session-keyfile`),
			directive(asDir, `managed-keys-directory`),
			directive(asFile, `channel file|dump-file|statistics-file`),
		},
	},
	{ // docs.influxdata.com/influxdb/v1/administration/config, /influxdb/v2/reference/config-options
		by: []string{"influxd"}, files: regexp.MustCompile(`(^|/)influx(d|db)?[^/]*\.(conf|toml)$`), words: regexp.MustCompile(`\.(conf|toml|ya?ml)$`),
		settings: []toldSetting{
			assigned(asDir, `dir|wal-dir|engine-path`),
			assigned(asBeside, `bolt-path|sqlite-path`),
			assigned(asFile, `access-log-path`),
		},
	},
	{ // net-snmp.sourceforge.io/docs/man/snmpd.conf.html
		by: []string{"snmpd"}, files: regexp.MustCompile(`(^|/)snmpd[^/]*\.conf$|/snmpd\.conf\.d/[^/]+\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{
			directive(asBeside, `(?i:agentXSocket)`),
			directive(asDir, `(?i:persistentDir)`),
		},
	},
	{ // github.com/coturn/coturn/wiki/turnserver; a log has the day in its name unless told otherwise
		by: []string{"turnserver"}, files: regexp.MustCompile(`(^|/)turnserver[^/]*\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{
			assigned(asFile, `log-file`).where(simpleLog),
			matching(asDir, `(?m)^[ \t]*(log-file)[ \t]*=[ \t]*(/\S+)/[^/\s]+`),
			assigned(asFile, `pidfile`),
			assigned(asBeside, `userdb|db`),
		},
	},
	{ // squid-cache.org/Doc/config
		by: []string{"squid"}, files: regexp.MustCompile(`(^|/)squid[^/]*\.conf$|/squid/conf\.d/[^/]+\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{
			matching(asDir, `(?m)^[ \t]*(cache_dir)[ \t]+\w+[ \t]+(/\S+)`),
			matching(asFile, `(?m)^[ \t]*((?:access|cache|cache_store)_log)[ \t]+(?:stdio:|daemon:)?(/\S+)`),
			directive(asFile, `pid_filename`),
		},
	},
	{ // icecast.org/docs/icecast-2.4.1/config-file.html; logs are below logdir, whatever they are called
		by: []string{"icecast2"}, files: regexp.MustCompile(`(^|/)icecast[^/]*\.xml$`), words: regexp.MustCompile(`\.xml$`),
		settings: []toldSetting{
			matching(asDir, `<(logdir)>\s*(/[^<\s]+)`),
			matching(asFile, `<(pidfile)>\s*(/[^<\s]+)`),
		},
	},
	{ // ngircd.barton.de/doc; the pid file must not be there already, and it does without (ngircd.c)
		by: []string{"ngircd"}, files: regexp.MustCompile(`(^|/)ngircd[^/]*\.conf$|/ngircd\.conf\.d/[^/]+\.conf$`), words: regexp.MustCompile(`\.conf$`),
		settings: []toldSetting{matching(asDir, `(?m)^[ \t]*(PidFile)[ \t]*=[ \t]*(/\S+)/[^/\s]+`)},
	},
	{ // pm2.keymetrics.io/docs/usage/application-declaration; God/ForkMode.js writes the pid in place
		by: []string{"pm2", "pm2-runtime", "pm2-docker"}, files: regexp.MustCompile(`(^|/)(ecosystem|pm2|process(es)?)[\w.-]*\.(c?js|json|ya?ml)$`), words: regexp.MustCompile(`\.(json|ya?ml)$|\.config\.c?js$`),
		settings: []toldSetting{property(asFile, `error_file|out_file|log_file|pid_file`), assigned(asFile, `error_file|out_file|log_file|pid_file`)},
	},
}

// simpleLog reports whether the log of coturn has the very name that it is given.
func simpleLog(_ *Pass, f configFile) bool { return simpleLogs.MatchString(f.text) }

var simpleLogs = regexp.MustCompile(`(?m)^[ \t]*simple-log\b`)

// forOthers matches the settings of an environment other than that of an image: those of
// the people who work on the program, and of tests.
var forOthers = regexp.MustCompile(`(?i)(^|[-_./])(local|dev|devel|development|tests?|testing|ci|example|sample)([-_./]|$)`)

func notForTests(_ *Pass, f configFile) bool {
	return !forOthers.MatchString(path.Base(f.name)) && !strings.Contains(f.name, "src/test/")
}

// djangoUses reports whether settings of Django are those that the image runs with, as far
// as their name tells.
func djangoUses(p *Pass, f configFile) bool { return notForTests(p, f) && !p.servesFiles() }

// activeProfile matches how the profiles of Spring are chosen on a command line.
var activeProfile = regexp.MustCompile(`^(?:-D|--)spring\.profiles\.active=(.+)$`)

// springReads reports whether a file is that of no profile, or of one that is active.
func springReads(p *Pass, f configFile) bool {
	base := strings.TrimSuffix(path.Base(f.name), path.Ext(f.name))
	profile, of := strings.CutPrefix(base, "application-")
	active, _ := p.End.Env.Get("SPRING_PROFILES_ACTIVE")
	for _, argv := range p.argvs() {
		for _, w := range argv {
			if m := activeProfile.FindStringSubmatch(w); m != nil {
				active = m[1]
			}
		}
	}
	return !strings.Contains(f.name, "src/test/") && (!of || strings.Contains(","+strings.ReplaceAll(active, " ", "")+",", ","+profile+","))
}

// dotnetReads reports whether a file is that of the assembly that runs, and of the
// environment that it runs in, which is Production by default.
func dotnetReads(p *Pass, f configFile) bool {
	base := path.Base(f.name)
	environment := "Production"
	for _, key := range []string{"DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT"} {
		if v, ok := p.End.Env.Get(key); ok && v != "" {
			environment = v
		}
	}
	if base != "appsettings.json" && base != "appsettings."+environment+".json" {
		return false
	}
	return !f.built || p.startsProject(f)
}

// fpmListens reports whether the listen of a pool of php-fpm counts. In the official image
// the last file of its own, zz-docker.conf, has the pool www listen on a port, whatever
// stands before it (docker-library/php, Dockerfile-linux.template).
func fpmListens(p *Pass, f configFile) bool {
	const dir, last = "/usr/local/etc/php-fpm.d/", "zz-docker.conf"
	if p.Repository() != "php" || path.Dir(f.name)+"/" != dir || path.Base(f.name) >= last || !strings.Contains(f.text, "[www]") {
		return true
	}
	return p.CopiedFile(dir+last) != nil || strings.Contains(p.stepsText(), last)
}

// flatYAML writes the nested settings of YAML as Spring names them, one a line: a.b.c: value.
// What stands in a document for some profile, or in a list, is left out.
func flatYAML(text string) string {
	var out strings.Builder
	for _, doc := range yamlDocuments.Split(text, -1) {
		if !profileDocument.MatchString(doc) {
			flatDocument(&out, doc)
		}
	}
	return out.String()
}

var (
	yamlDocuments   = regexp.MustCompile(`(?m)^---.*$`)
	profileDocument = regexp.MustCompile(`on-profile\s*:|(?m)^[ \t]+profiles[ \t]*:[ \t]*\S|spring\.profiles[ \t]*:`)
	yamlKey         = regexp.MustCompile(`^( *)([\w.\-]+):(?:\s+(.*))?$`)
)

// maxNesting bounds how deep the settings of a file are followed.
const maxNesting = 16

func flatDocument(out *strings.Builder, doc string) {
	type level struct {
		indent int
		name   string
	}
	var above []level
	for line := range strings.Lines(doc) {
		m := yamlKey.FindStringSubmatch(strings.TrimRight(line, " \t\r\n"))
		if m == nil {
			continue
		}
		for len(above) > 0 && above[len(above)-1].indent >= len(m[1]) {
			above = above[:len(above)-1]
		}
		name := m[2]
		if len(above) > 0 {
			name = above[len(above)-1].name + "." + name
		}
		if m[3] != "" {
			out.WriteString(name + ": " + m[3] + "\n")
		} else if len(above) < maxNesting {
			above = append(above, level{len(m[1]), name})
		}
	}
}

// isConfig reports whether a file is one that a reader of the table understands.
func isConfig(name string) bool {
	return slices.ContainsFunc(configReaders, func(r configReader) bool { return r.files.MatchString(name) })
}

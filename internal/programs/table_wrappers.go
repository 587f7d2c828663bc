package programs

// wrappers start the program in their arguments, as the account they run as.
func wrappers() []Program {
	wrap := func(name string, aliases []string, w Wrapper, source string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: CanRoot, Why: "It starts another program and needs nothing of root.",
			Wrapper: &w, Variants: []Variant{{}}, Sources: []string{source},
		}
	}
	return []Program{
		wrap("tini", []string{"tini-static", "docker-init", "catatonit", "/sbin/tini", "tini-amd64"}, Wrapper{Values: []string{"-e", "-p"}}, "https://github.com/krallin/tini"),
		wrap("dumb-init", nil, Wrapper{Values: []string{"-r", "--rewrite"}}, "https://github.com/Yelp/dumb-init"),
		wrap("pid1", []string{"go-init", "simple-init", "minit"}, Wrapper{Values: []string{"-e", "--env", "-u", "--user", "-g", "--group", "-w", "--workdir", "-t", "--timeout"}}, "https://github.com/fpco/pid1"),
		wrap("env", nil, Wrapper{Assigns: true, Values: []string{"-u", "--unset", "-C", "--chdir"}}, "https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html"),
		wrap("exec", nil, Wrapper{Values: []string{"-a"}}, "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#exec"),
		wrap("command", []string{"builtin", "nohup", "setsid", "time", "unbuffer", "catchsegv", "jemalloc.sh", "eatmydata"}, Wrapper{Values: []string{"-o", "-f"}}, "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/command.html"),
		wrap("nice", []string{"ionice"}, Wrapper{Values: []string{"-n", "--adjustment", "-c", "--class", "--classdata"}}, "https://man7.org/linux/man-pages/man1/nice.1.html"),
		wrap("stdbuf", nil, Wrapper{Values: []string{"-i", "-o", "-e", "--input", "--output", "--error"}}, "https://man7.org/linux/man-pages/man1/stdbuf.1.html"),
		wrap("timeout", nil, Wrapper{Values: []string{"-s", "--signal", "-k", "--kill-after"}, Words: 1}, "https://man7.org/linux/man-pages/man1/timeout.1.html"),
		wrap("taskset", []string{"chrt"}, Wrapper{Words: 1}, "https://man7.org/linux/man-pages/man1/taskset.1.html"),
		wrap("numactl", nil, Wrapper{}, "https://man7.org/linux/man-pages/man8/numactl.8.html"),
		wrap("prlimit", []string{"softlimit"}, Wrapper{}, "https://man7.org/linux/man-pages/man1/prlimit.1.html"),
		wrap("strace", []string{"ltrace", "gdbserver"}, Wrapper{Values: []string{"-e", "-o", "-p", "-s", "-u", "-a", "-O"}}, "https://man7.org/linux/man-pages/man1/strace.1.html"),
		wrap("xvfb-run", []string{"xvfb-run-safe"}, Wrapper{Values: []string{"-n", "--server-num", "-s", "--server-args", "-e", "--error-file", "-f", "--auth-file", "-p", "--xauth-protocol", "-w", "--wait"}}, debian("xorg-server")),
		wrap("fixuid", nil, Wrapper{}, "https://github.com/boxboat/fixuid"),
		wrap("dbus-run-session", nil, Wrapper{Values: []string{"--config-file", "--dbus-daemon"}}, "https://dbus.freedesktop.org/doc/dbus-run-session.1.html"),
		wrap("authbind", nil, Wrapper{Values: []string{"--depth"}}, "https://manpages.debian.org/bookworm/authbind/authbind.1.en.html"),
		wrap("dockerize", nil, Wrapper{Values: []string{
			"-wait", "-timeout", "-template", "-stdout", "-stderr", "-wait-http-header", "-wait-retry-interval", "-delims", "-env", "-poll",
			"--wait", "--timeout", "--template", "--stdout", "--stderr",
		}}, "https://github.com/jwilder/dockerize"),
		wrap("wait-for-it", []string{"wait-for-it.sh", "wait-for", "wait-for.sh", "wait4ports", "waitforit"}, Wrapper{AfterDashes: true}, "https://github.com/vishnubob/wait-for-it"),
		wrap("docker-entrypoint.sh", []string{"docker-entrypoint", "docker-php-entrypoint", "entrypoint.sh", "entrypoint"}, Wrapper{Script: true}, "https://github.com/docker-library/official-images#consistency"),
		wrap("busybox", []string{"toybox"}, Wrapper{Script: true}, "https://busybox.net/downloads/BusyBox.html"),
	}
}

// droppers start the program in their arguments under another account, for
// which they have to run as root.
func droppers() []Program {
	drop := func(name string, aliases []string, w Wrapper, source string) Program {
		w.Drops = true
		return Program{
			Name: name, Aliases: aliases, Root: CanRoot,
			Why:     "It changes to another account, which only root can; there is no use for it once USER names that account.",
			Wrapper: &w, Variants: []Variant{{}}, Sources: []string{source},
		}
	}
	return []Program{
		drop("gosu", []string{"su-exec", "gosu-amd64"}, Wrapper{Words: 1}, "https://github.com/tianon/gosu"),
		drop("s6-setuidgid", []string{"setuidgid"}, Wrapper{Words: 1}, "https://skarnet.org/software/s6/s6-setuidgid.html"),
		drop("s6-applyuidgid", nil, Wrapper{Values: []string{"-u", "-g", "-G"}}, "https://skarnet.org/software/s6/s6-applyuidgid.html"),
		drop("chpst", nil, Wrapper{Values: []string{"-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t", "-s"}}, "http://smarden.org/runit/chpst.8.html"),
		drop("setpriv", nil, Wrapper{Values: []string{"--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set", "--securebits", "--pdeathsig"}}, "https://man7.org/linux/man-pages/man1/setpriv.1.html"),
		drop("runuser", nil, Wrapper{Values: []string{"-u", "--user", "-g", "--group", "-G", "--supp-group", "-c", "--command", "-s", "--shell", "-w"}}, "https://man7.org/linux/man-pages/man1/runuser.1.html"),
		drop("su", nil, Wrapper{Values: []string{"-c", "--command", "-s", "--shell", "-g", "--group", "-G", "--supp-group", "-w"}, Words: 1}, "https://man7.org/linux/man-pages/man1/su.1.html"),
		drop("sudo", []string{"doas"}, Wrapper{Assigns: true, Values: []string{"-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "--chdir", "-R", "--chroot", "-r", "--role", "-t", "--type", "-T", "-U"}}, "https://www.sudo.ws/docs/man/sudo.man/"),
		drop("chroot", nil, Wrapper{Words: 1}, "https://man7.org/linux/man-pages/man1/chroot.1.html"),
		drop("start-stop-daemon", nil, Wrapper{Modules: []string{"-x", "--exec", "-a", "--startas"}, Values: []string{"-c", "--chuid", "-u", "--user", "-g", "--group", "-p", "--pidfile", "-d", "--chdir", "-n", "--name", "-s", "--signal", "-k", "--umask", "-N", "--nicelevel"}}, "https://man7.org/linux/man-pages/man8/start-stop-daemon.8.html"),
	}
}

// runners start programs out of a project's dependencies.
func runners() []Program {
	run := func(name string, aliases []string, w Wrapper, home bool, source string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: CanRoot, Home: home, Why: "It starts a program of the project and needs nothing of root.",
			Wrapper: &w, Variants: []Variant{{}}, Sources: []string{source},
		}
	}
	return []Program{
		run("bundle", []string{"bundler"}, Wrapper{Verbs: []string{"exec"}}, true, "https://bundler.io/man/bundle-exec.1.html"),
		run("poetry", []string{"pipenv", "pdm", "hatch", "rye"}, Wrapper{Verbs: []string{"run"}, Values: []string{"-C", "--directory", "-P", "--project"}}, true, "https://python-poetry.org/docs/cli/#run"),
		run("uv", nil, Wrapper{Verbs: []string{"run"}, Values: []string{"--project", "--directory", "--with", "-p", "--python", "--group", "--extra", "--env-file", "--package", "-m", "--module"}}, true, "https://docs.astral.sh/uv/reference/cli/#uv-run"),
		run("conda", []string{"mamba", "micromamba"}, Wrapper{Verbs: []string{"run"}, Values: []string{"-n", "--name", "-p", "--prefix", "--cwd"}}, true, "https://docs.conda.io/projects/conda/en/stable/commands/run.html"),
		run("ddtrace-run", []string{"opentelemetry-instrument", "scout-apm-run"}, Wrapper{Values: []string{"--traces_exporter", "--metrics_exporter", "--service_name"}}, false, "https://ddtrace.readthedocs.io/en/stable/installation_quickstart.html"),
		run("newrelic-admin", nil, Wrapper{Verbs: []string{"run-program", "run-python"}}, false, "https://docs.newrelic.com/docs/apm/agents/python-agent/installation/python-agent-admin-script-advanced-usage/"),
		run("doppler", []string{"infisical", "op", "secretless", "teller"}, Wrapper{Verbs: []string{"run"}, Values: []string{"-p", "--project", "-c", "--config", "-t", "--token", "--env", "--path"}}, true, "https://docs.doppler.com/docs/cli"),
		run("watchmedo", []string{"watchexec", "reflex", "CompileDaemon"}, Wrapper{AfterDashes: true}, false, "https://github.com/gorakhargosh/watchdog#shell-utilities"),
		run("aws-lambda-ric", []string{"aws-lambda-rie", "lambda-entrypoint.sh"}, Wrapper{Script: true}, false, "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"),
		run("opentelemetry-auto-instrumentation", []string{"elastic-apm-run"}, Wrapper{}, false, "https://opentelemetry.io/docs/zero-code/python/"),
	}
}

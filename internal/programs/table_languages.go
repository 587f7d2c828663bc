package programs

// languages are interpreters and runtimes. They write nothing by themselves;
// what the application writes is its framework's or its author's business.
func languages() []Program {
	return []Program{
		{
			Name: "node", Aliases: []string{"nodejs", "nodemon", "ts-node", "tsx", "forever"}, Root: CanRoot,
			Why:     "It needs nothing of root.",
			Wrapper: &Wrapper{Script: true, Values: []string{"-r", "--require", "--import", "--loader", "--env-file"}},
			Variants: []Variant{
				{Packages: []string{"nodejs"}, VerifiedLab: "bookworm"},
				{Images: []string{"node", "cimg/node"}, Account: shipped("node", 1000, 1000, "/home/node")},
			},
			Sources: []string{"https://github.com/nodejs/docker-node/blob/main/docs/BestPractices.md#non-root-user", debian("nodejs")},
		},
		{
			Name: "python", Aliases: []string{"pypy", "ipython", "python-dbg"}, Root: CanRoot,
			Why:      "It needs nothing of root; it does without writing __pycache__ where it may not.",
			Wrapper:  &Wrapper{Script: true, Values: []string{"-W", "-X", "-c", "--check-hash-based-pycs"}, Modules: []string{"-m"}},
			Variants: []Variant{{Packages: []string{"python3", "python3-minimal", "python"}, Note: "PYTHONDONTWRITEBYTECODE=1 is not needed: files that cannot be written are left out silently.", VerifiedLab: "bookworm"}},
			Sources:  []string{debian("python3.11"), "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONDONTWRITEBYTECODE"},
		},
		{
			Name: "ruby", Aliases: []string{"jruby", "truffleruby"}, Root: CanRoot,
			Why:      "It needs nothing of root.",
			Wrapper:  &Wrapper{Script: true, Values: []string{"-I", "-r", "-C", "-e", "-E"}},
			Variants: []Variant{{Packages: []string{"ruby"}}},
			Sources:  []string{debian("ruby3.1"), "https://github.com/docker-library/ruby/blob/master/3.4/bookworm/Dockerfile"},
		},
		{
			Name: "php", Root: CanRoot,
			Why:     "It needs nothing of root.",
			Wrapper: &Wrapper{Script: true, Values: []string{"-d", "-c", "-r", "-S", "-t", "-z", "-B", "-E"}, Modules: []string{"-f", "-F"}},
			Variants: []Variant{
				{Families: []string{"debian"}, Packages: []string{"php-cli", "php"}, Writes: []Path{dir("/var/lib/php/sessions").optional().why("sessions of php -S; its mode lets anyone write")}, VerifiedLab: "bookworm"},
				{Families: []string{"debian"}, Images: []string{"php"}, Account: wwwData()},
				{Families: []string{"alpine"}, Images: []string{"php"}, Account: wwwDataAlpine(MadeByImage)},
			},
			Sources: []string{debian("php8.2"), "https://github.com/docker-library/php/blob/master/8.4/bookworm/cli/Dockerfile"},
		},
		{
			Name: "perl", Aliases: []string{"plackup", "starman", "hypnotoad", "morbo"}, Root: CanRoot,
			Why:      "It needs nothing of root.",
			Variants: []Variant{{Packages: []string{"perl"}}},
			Sources:  []string{"https://github.com/Perl/docker-perl"},
		},
		{
			Name: "java", Root: CanRoot,
			Why: "It needs nothing of root.",
			Wrapper: &Wrapper{
				Script:  true,
				Values:  []string{"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules", "--add-opens", "--add-exports", "--add-reads"},
				Modules: []string{"-jar", "-m", "--module"},
			},
			Variants: []Variant{{
				Packages:    []string{"openjdk-17-jre-headless", "openjdk-17-jre", "default-jre", "default-jre-headless", "java-17-openjdk", "openjdk17-jre"},
				Note:        "jps, jstat and jcmd find a process by its account's name, so it should have an entry in /etc/passwd.",
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("openjdk-17"), "https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html"},
		},
		{
			Name: "dotnet", Root: CanRoot, Home: true,
			Why:   "It needs nothing of root; ASP.NET listens on 8080 since version 8 and on 80 before.",
			Ports: []string{"8080/tcp"},
			Variants: []Variant{
				{Packages: []string{"aspnetcore-runtime-8.0", "dotnet-runtime-8.0", "dotnet-sdk-8.0"}},
				{
					Images: []string{
						"mcr.microsoft.com/dotnet/aspnet", "mcr.microsoft.com/dotnet/runtime",
						"mcr.microsoft.com/dotnet/runtime-deps", "mcr.microsoft.com/dotnet/sdk",
					},
					Account: shipped("app", 1654, 1654, "/home/app"),
					Writes:  []Path{dir("{home}/.aspnet/DataProtection-Keys").optional()},
					Needs: []Need{{
						Setting: "ASPNETCORE_URLS=http://+:80",
						Effect:  "set in the images before version 8: a low port", Fix: "ASPNETCORE_HTTP_PORTS=8080", Default: true,
					}},
					Note: "Since version 8 the image has the account app and its number in $APP_UID.",
				},
			},
			Sources: []string{
				"https://github.com/dotnet/dotnet-docker/blob/main/src/runtime-deps/8.0/bookworm-slim/amd64/Dockerfile",
				"https://learn.microsoft.com/en-us/dotnet/core/compatibility/containers/8.0/app-user",
			},
		},
		{
			Name: "deno", Root: CanRoot, Home: true,
			Why: "It needs nothing of root.",
			Variants: []Variant{{
				Images: []string{"denoland/deno"}, Account: shipped("deno", 1993, 1993, "/home/deno"),
				Writes: []Path{tree("/deno-dir").owned().why("the module cache")},
			}},
			Sources: []string{"https://github.com/denoland/deno_docker/blob/main/debian.dockerfile"},
		},
		{
			Name: "bun", Aliases: []string{"bunx"}, Root: CanRoot, Home: true,
			Why:     "It needs nothing of root.",
			Wrapper: &Wrapper{Script: true},
			Variants: []Variant{{
				Images: []string{"oven/bun"}, Account: shipped("bun", 1000, 1000, "/home/bun"),
				Writes: []Path{dir("{home}/.bun").optional().why("the package cache")},
			}},
			Sources: []string{"https://github.com/oven-sh/bun/blob/main/dockerhub/debian/Dockerfile"},
		},
		{
			Name: "erl", Aliases: []string{"beam.smp", "elixir", "iex", "mix"}, Root: CanRoot, Home: true,
			Why: "It needs nothing of root; it wants a $HOME for .erlang.cookie when it is a distributed node.",
			Variants: []Variant{{
				Packages: []string{"erlang", "elixir"},
				Writes:   []Path{file("{home}/.erlang.cookie").optional()},
			}},
			Sources: []string{"https://www.erlang.org/doc/system/distributed.html", "https://github.com/erlef/docker-elixir"},
		},
	}
}

func pythonServers() []Program {
	return []Program{
		{
			Name: "gunicorn", Aliases: []string{"gunicorn_django", "gunicorn_paster"}, Root: CanRoot,
			Why:   "It needs root only for its user and group settings.",
			Ports: []string{"8000/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"gunicorn", "python3-gunicorn"},
					Writes:      []Path{dir("/var/log/gunicorn").optional()},
					Needs:       []Need{gunicornUser()},
					VerifiedLab: "bookworm",
				},
				{Needs: []Need{gunicornUser()}, Note: "Its heartbeat files are in /tmp; --worker-tmp-dir moves them."},
			},
			Sources: []string{debian("gunicorn"), "https://docs.gunicorn.org/en/stable/settings.html#user"},
		},
		{
			Name: "uwsgi", Aliases: []string{"uwsgi-core", "uwsgi_python", "pyuwsgi"}, Root: CanRoot,
			Why: "It needs root only for its uid, gid and chroot settings.",
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"uwsgi", "uwsgi-core", "uwsgi-plugin-python3"},
					Writes:      []Path{dir("/run/uwsgi").optional(), dir("/var/log/uwsgi").optional()},
					Needs:       uwsgiNeeds(),
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"uwsgi"},
					Offers: packaged("uwsgi", 998, 998, "/dev/null"),
					Needs:  uwsgiNeeds(),
				},
				{
					Packages: []string{"uwsgi", "uwsgi-plugin-python3"},
					Writes:   []Path{dir("/run/uwsgi").optional(), dir("/var/log/uwsgi").optional()},
					Needs:    uwsgiNeeds(),
				},
			},
			Sources: []string{debian("uwsgi"), alpine("community/uwsgi"), "https://uwsgi-docs.readthedocs.io/en/latest/Options.html#uid", "https://github.com/unbit/uwsgi/blob/master/core/uwsgi.c"},
		},
		{
			Name: "uvicorn", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{Packages: []string{"uvicorn", "python3-uvicorn"}, VerifiedLab: "bookworm"}},
			Sources:  []string{debian("python-uvicorn"), "https://www.uvicorn.org/settings/"},
		},
		{
			Name: "hypercorn", Root: CanRoot, Why: "It needs root only for its user and group settings.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{Packages: []string{"hypercorn", "python3-hypercorn"}}},
			Sources:  []string{"https://hypercorn.readthedocs.io/en/latest/how_to_guides/configuring.html"},
		},
		{
			Name: "daphne", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{Packages: []string{"daphne", "python3-daphne"}}},
			Sources:  []string{"https://github.com/django/daphne#root-path-script_name"},
		},
		{
			Name: "waitress-serve", Aliases: []string{"waitress", "granian", "cheroot", "twistd"}, Root: CanRoot,
			Why: "It needs nothing of root.", Ports: []string{"8080/tcp"},
			Variants: []Variant{{Packages: []string{"python3-waitress"}, Writes: []Path{file("{workdir}/twistd.pid").optional().why("by twistd")}}},
			Sources:  []string{"https://docs.pylonsproject.org/projects/waitress/en/stable/runner.html"},
		},
		{
			Name: "fastapi", Root: CanRoot, Why: "It starts uvicorn.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{}},
			Sources:  []string{"https://fastapi.tiangolo.com/fastapi-cli/"},
		},
		{
			Name: "flask", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"5000/tcp"},
			Variants: []Variant{{
				Packages: []string{"python3-flask"},
				Writes:   []Path{dir("{workdir}/instance").optional().why("the instance folder, where the application keeps its database")},
			}},
			Sources: []string{"https://flask.palletsprojects.com/en/stable/config/#instance-folders"},
		},
		{
			Name: "celery", Aliases: []string{"celeryd", "celerybeat"}, Root: CanRoot,
			Why: "It needs nothing of root, and warns when its worker runs as root.",
			Variants: []Variant{{
				Packages: []string{"celery", "python3-celery"},
				Writes: []Path{
					file("{workdir}/celerybeat-schedule").optional().why("by celery beat, with a name that may grow a suffix; the directory has to be owned"),
					file("{workdir}/celerybeat.pid").optional(),
				},
			}},
			Sources: []string{"https://docs.celeryq.dev/en/stable/userguide/daemonizing.html#running-the-worker-with-superuser-privileges-root", "https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#starting-the-scheduler"},
		},
		{
			Name: "manage.py", Aliases: []string{"django-admin", "django-admin.py"}, Root: CanRoot,
			Why: "It needs nothing of root.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{
				Packages: []string{"python3-django"},
				Writes:   []Path{file("{workdir}/db.sqlite3").optional().why("the database of a new project; SQLite makes its journal beside it, so the directory has to be owned"), dir("{workdir}/media").optional()},
			}},
			Sources: []string{"https://docs.djangoproject.com/en/5.1/ref/databases/#sqlite-notes", "https://docs.djangoproject.com/en/5.1/ref/settings/#media-root"},
		},
		{
			Name: "jupyter", Aliases: []string{"jupyter-lab", "jupyter-notebook", "jupyterhub-singleuser", "start-notebook.sh", "start-notebook.py", "start.sh", "start-singleuser.sh"}, Root: CanRoot, Home: true,
			Why: "It refuses root unless --allow-root is given.", Ports: []string{"8888/tcp"},
			Variants: []Variant{
				{
					Packages: []string{"jupyter", "jupyter-notebook"},
					Writes:   []Path{dir("{home}/.jupyter").optional(), dir("{home}/.local/share/jupyter").optional(), dir("{workdir}").optional().why("notebooks")},
				},
				{
					Images: []string{
						"jupyter/base-notebook", "jupyter/minimal-notebook", "jupyter/scipy-notebook", "jupyter/datascience-notebook",
						"quay.io/jupyter/base-notebook", "quay.io/jupyter/minimal-notebook", "quay.io/jupyter/scipy-notebook", "quay.io/jupyter/datascience-notebook",
					},
					Account: shipped("jovyan", 1000, 100, "/home/jovyan").group("users"),
					Writes:  []Path{tree("/home/jovyan").owned(), tree("/opt/conda").owned().optional()},
					Note:    "The image is already non-root.",
				},
			},
			Sources: []string{"https://github.com/jupyter/docker-stacks/blob/main/images/docker-stacks-foundation/Dockerfile"},
		},
		{
			Name: "streamlit", Root: CanRoot, Home: true, Why: "It needs nothing of root.", Ports: []string{"8501/tcp"},
			Variants: []Variant{{Writes: []Path{dir("{home}/.streamlit").optional().why("a machine id")}}},
			Sources:  []string{"https://docs.streamlit.io/deploy/tutorials/docker"},
		},
		{
			Name: "airflow", Root: CanRoot, Home: true, Why: "It needs nothing of root.", Ports: []string{"8080/tcp"},
			Variants: []Variant{{
				Images: []string{"apache/airflow"}, Account: shipped("airflow", 50000, 0, "/home/airflow").group("root"),
				Writes: []Path{tree("/opt/airflow").owned()},
				Note:   "The image is non-root with group 0, so that any uid of that group can run it.",
			}},
			Sources: []string{"https://airflow.apache.org/docs/docker-stack/entrypoint.html#allowing-arbitrary-user-to-run-the-container"},
		},
	}
}

// uwsgiNeeds: as another account uwsgi says "cannot setgid() as non-root user" and stops.
// Its configuration has no usual name.
func uwsgiNeeds() []Need {
	return []Need{
		{
			Setting: "uid, gid", File: "uwsgi.ini", Accounts: []string{"--uid", "--gid"}, Changes: true, Own: true,
			Effect: "uwsgi stops where they name another account", Fix: "remove them, or run it as that account", Fatal: true,
		},
		{Setting: "chroot", Effect: "uwsgi stops", Fix: "remove it", Capability: "cap_sys_chroot", Fatal: true},
		{Setting: "chown-socket", Effect: "the socket keeps its owner", Fix: "remove it"},
	}
}

func gunicornUser() Need {
	return Need{Setting: "--user, --group", Accounts: []string{"--user", "-u", "--group", "-g"}, Own: true, Effect: "gunicorn stops where they name another account", Fix: "remove them", Fatal: true}
}

func rubyServers() []Program {
	return []Program{
		{
			Name: "puma", Aliases: []string{"pumactl"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp", "9292/tcp"},
			Variants: []Variant{{
				Packages:    []string{"puma"},
				Writes:      []Path{dir("{workdir}/tmp/pids").optional(), dir("{workdir}/tmp/sockets").optional()},
				Pid:         "{workdir}/tmp/pids/server.pid",
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("puma"), "https://github.com/puma/puma/blob/master/docs/deployment.md"},
		},
		{
			Name: "rails", Aliases: []string{"thrust"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp"},
			Wrapper: &Wrapper{Script: true},
			Variants: []Variant{{
				Packages: []string{"rails", "ruby-rails"},
				Writes:   []Path{tree("{workdir}/tmp"), tree("{workdir}/log"), tree("{workdir}/storage"), tree("{workdir}/db").why("schema.rb after db:prepare, and SQLite's files")},
				Pid:      "{workdir}/tmp/pids/server.pid",
			}},
			Sources: []string{"https://github.com/rails/rails/blob/main/railties/lib/rails/generators/rails/app/templates/Dockerfile.tt", "https://github.com/basecamp/thruster"},
		},
		{
			Name: "rake", Root: CanRoot, OneShot: true, Why: "It needs nothing of root.",
			Variants: []Variant{{Packages: []string{"rake"}}},
			Sources:  []string{"https://ruby.github.io/rake/"},
		},
		{
			Name: "unicorn", Aliases: []string{"unicorn_rails", "thin", "falcon", "passenger", "rainbows"}, Root: CanRoot,
			Why: "It needs root only for its user setting.", Ports: []string{"8080/tcp", "3000/tcp"},
			Variants: []Variant{{
				Packages: []string{"unicorn"},
				Writes:   []Path{dir("{workdir}/tmp/pids").optional(), dir("{workdir}/log").optional()},
			}},
			Sources: []string{"https://yhbt.net/unicorn/Unicorn/Configurator.html"},
		},
		{
			Name: "rackup", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"9292/tcp"},
			Variants: []Variant{{Packages: []string{"ruby-rack", "ruby-rackup"}}},
			Sources:  []string{"https://github.com/rack/rackup"},
		},
		{
			Name: "sidekiq", Aliases: []string{"resque", "good_job", "shoryuken", "sneakers", "jobs"}, Root: CanRoot, Why: "It needs nothing of root.",
			Variants: []Variant{{
				Packages: []string{"ruby-sidekiq"},
				Writes:   []Path{dir("{workdir}/tmp").optional(), dir("{workdir}/log").optional()},
			}},
			Sources: []string{"https://github.com/sidekiq/sidekiq/wiki/Deployment"},
		},
		{
			Name: "jekyll", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"4000/tcp"},
			Variants: []Variant{{
				Packages: []string{"jekyll"},
				Writes:   []Path{dir("{workdir}/_site"), dir("{workdir}/.jekyll-cache"), dir("{workdir}/.sass-cache").optional()},
			}},
			Sources: []string{"https://jekyllrb.com/docs/configuration/options/"},
		},
	}
}

func phpTools() []Program {
	return []Program{
		{
			Name: "artisan", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{
				Writes: []Path{tree("{workdir}/storage"), tree("{workdir}/bootstrap/cache"), dir("{workdir}/database").optional().why("SQLite's file and journal")},
			}},
			Sources: []string{"https://laravel.com/docs/11.x/deployment#directory-permissions"},
		},
		{
			Name: "bin/console", Root: CanRoot, Why: "It needs nothing of root.",
			Variants: []Variant{{Writes: []Path{tree("{workdir}/var")}}},
			Sources:  []string{"https://symfony.com/doc/current/setup/file_permissions.html"},
		},
		{
			Name: "composer", Root: CanRoot, Home: true, OneShot: true, Why: "It needs nothing of root, and warns of it.",
			Variants: []Variant{{
				Packages: []string{"composer"}, Images: []string{"composer"},
				Writes: []Path{dir("{home}/.composer").optional(), dir("/tmp").owned().optional().why("COMPOSER_HOME of the official image")},
			}},
			Sources: []string{"https://getcomposer.org/root", "https://github.com/composer/docker/blob/main/latest/Dockerfile"},
		},
		{
			Name: "wp", Aliases: []string{"wp-cli", "drush", "drupal"}, Root: CanRoot, OneShot: true,
			Why: "It works on the files of a site, which belong to the web server's account; wp stops as root without --allow-root.",
			Variants: []Variant{
				{Families: []string{"debian"}, Images: []string{"php"}, Account: wwwData()},
				{Families: []string{"alpine"}, Images: []string{"php", "wordpress"}, Account: wwwDataAlpine(MadeByImage)},
			},
			Sources: []string{"https://github.com/docker-library/wordpress/blob/master/latest/php8.3/cli/Dockerfile", "https://make.wordpress.org/cli/handbook/guides/common-issues/#error-yikes-it-looks-like-youre-running-this-as-root"},
		},
		{
			Name: "frankenphp", Root: CanRoot, Why: "It is caddy with PHP and needs nothing of root where low ports are free to bind.",
			Ports: []string{"80/tcp", "443/tcp", "443/udp", "2019/tcp"},
			Variants: []Variant{{
				Images: []string{"dunglas/frankenphp"},
				Writes: []Path{tree("/data/caddy"), tree("/config/caddy")},
				Needs: []Need{{
					Setting: "cap_net_bind_service=ep on /usr/local/bin/frankenphp", Effect: "with all capabilities dropped the kernel refuses to start it",
					Fix: "remove it with setcap -r or chown root:root, or add the capability to the container", Capability: "cap_net_bind_service", Fatal: true, Default: true,
				}},
			}},
			Sources: []string{"https://frankenphp.dev/docs/docker/#running-as-a-non-root-user", "https://github.com/php/frankenphp/blob/main/Dockerfile"},
		},
		{
			Name: "rr", Aliases: []string{"roadrunner", "swoole"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8080/tcp"},
			Variants: []Variant{{}},
			Sources:  []string{"https://docs.roadrunner.dev/docs/app-server/docker"},
		},
	}
}

func javaServers() []Program {
	return []Program{
		{
			Name: "catalina.sh", Aliases: []string{"tomcat", "startup.sh", "tomcat-start.sh", "org.apache.catalina.startup.Bootstrap"}, Root: CanRoot, Versioned: true,
			Why: "It needs nothing of root.", Ports: []string{"8080/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"tomcat10", "tomcat9"}, Version: "10",
					Account: packaged("tomcat", 999, 999, "/var/lib/tomcat").insists(),
					Writes: []Path{
						dir("/var/lib/tomcat{version}").why("the working directory of CATALINA_BASE"), dir("/var/lib/tomcat{version}/webapps").owned(),
						dir("/var/cache/tomcat{version}").owned().why("the work directory"), dir("/var/log/tomcat{version}").owned(), dir("/etc/tomcat{version}/Catalina").owned(),
					},
					Reads:       []Path{tree("/etc/tomcat{version}").owned().why("root:tomcat 0640")},
					Note:        "Its configuration can be read by its own group only.",
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"rhel"}, Packages: []string{"tomcat"},
					Account: packaged("tomcat", 53, 53, "/usr/share/tomcat").insists(),
					Writes:  []Path{dir("/var/lib/tomcat").owned(), dir("/var/cache/tomcat").owned(), dir("/var/log/tomcat").owned()},
					Reads:   []Path{tree("/etc/tomcat").owned()},
				},
				{
					Images: []string{"tomcat"},
					Writes: []Path{
						dir("/usr/local/tomcat/logs"), dir("/usr/local/tomcat/temp"), dir("/usr/local/tomcat/work"),
						dir("/usr/local/tomcat/webapps").why("where archives are unpacked"), dir("/usr/local/tomcat/conf/Catalina").why("made at the start, for the contexts of each host"),
					},
					Note: "The image leaves logs, temp and work open to everyone (mode 1777).",
				},
			},
			// The archive's files are 0640 and its scripts 0750 (docker-library/tomcat#35).
			Unpacked: &Unpacked{Env: []string{"CATALINA_BASE", "CATALINA_HOME", "TOMCAT_HOME"}, Closed: true, Writes: []Path{
				dir("{prefix}/logs"), dir("{prefix}/temp"), dir("{prefix}/work"), dir("{prefix}/webapps").why("where archives are unpacked"),
				dir("{prefix}/conf/Catalina").why("made at the start, for the contexts of each host"),
			}},
			Sources: []string{debian("tomcat10"), fedora("tomcat"), "https://github.com/docker-library/tomcat/blob/master/11.0/jdk21/temurin-noble/Dockerfile"},
		},
		{
			Name: "jetty", Aliases: []string{"jetty.sh", "start.jar"}, Root: CanRoot, Versioned: true,
			Why: "It needs root only for its setuid module.", Ports: []string{"8080/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"jetty9"}, Version: "9",
					Account: packaged("jetty", 999, 999, "/usr/share/jetty{version}"),
					Writes:  []Path{dir("/var/lib/jetty{version}"), dir("/var/cache/jetty{version}"), dir("/var/log/jetty{version}"), dir("/run/jetty")},
				},
				{
					Images: []string{"jetty"}, Account: shipped("jetty", 999, 999, "/home/jetty"),
					Writes: []Path{tree("/var/lib/jetty").owned(), dir("/tmp/jetty").owned()},
					Note:   "The image is already non-root.",
				},
			},
			Sources: []string{debian("jetty9"), "https://github.com/jetty/jetty.docker/blob/master/eclipse-temurin/12.0/jdk21/Dockerfile"},
		},
		{
			Name: "standalone.sh", Aliases: []string{"wildfly", "domain.sh"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8080/tcp", "9990/tcp"},
			Variants: []Variant{{
				Images: []string{"quay.io/wildfly/wildfly", "jboss/wildfly"}, Account: shipped("jboss", 1000, 0, "/opt/jboss").group("root"),
				Writes: []Path{tree("/opt/jboss/wildfly/standalone").owned()},
				Note:   "The image is already non-root.",
			}},
			Unpacked: &Unpacked{Env: []string{"JBOSS_HOME", "WILDFLY_HOME"}, Writes: []Path{tree("{prefix}/standalone").why("its logs, data, deployments and the history of its configuration")}},
			Sources:  []string{"https://github.com/jboss-dockerfiles/wildfly/blob/main/Dockerfile"},
		},
		{
			Name: "karaf", Aliases: []string{"karaf-service", "onos-service", "servicemix"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8101/tcp", "1099/tcp", "44444/tcp"},
			Variants: []Variant{{
				Images: []string{"apache/karaf"},
				Writes: []Path{dir("/opt/apache-karaf").why("its lock file"), tree("/opt/apache-karaf/data"), tree("/opt/apache-karaf/etc").why("configuration that it writes itself"), tree("/opt/apache-karaf/instances")},
			}},
			Unpacked: &Unpacked{Env: []string{"KARAF_HOME", "KARAF_BASE"}, Writes: []Path{
				dir("{prefix}").why("its lock file"), tree("{prefix}/data").why("its log, its cache of bundles and temporary files"),
				tree("{prefix}/etc").why("configuration that it writes itself"), tree("{prefix}/deploy").optional(), tree("{prefix}/instances").why("instances.properties"),
			}},
			Sources: []string{"https://karaf.apache.org/manual/latest/#_directory_structure", "https://github.com/apache/karaf/blob/main/assemblies/docker/Dockerfile"},
		},
		{
			Name: "kc.sh", Aliases: []string{"keycloak"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8080/tcp", "8443/tcp", "9000/tcp"},
			Variants: []Variant{{
				Images: []string{"quay.io/keycloak/keycloak", "keycloak/keycloak"}, Account: shipped("keycloak", 1000, 0, "/opt/keycloak").group("root"),
				Writes: []Path{tree("/opt/keycloak/data").owned(), tree("/opt/keycloak/lib/quarkus").owned().why("kc.sh build")},
				Note:   "The image is already non-root.",
			}},
			Sources: []string{"https://github.com/keycloak/keycloak/blob/main/quarkus/container/Dockerfile"},
		},
		{
			Name: "jenkins", Aliases: []string{"jenkins.sh", "jenkins.war"}, Root: CanRoot, Home: true, Why: "It needs nothing of root.", Ports: []string{"8080/tcp", "50000/tcp"},
			Variants: []Variant{{
				Images: []string{"jenkins/jenkins", "jenkins"}, Packages: []string{"jenkins"},
				Account: shipped("jenkins", 1000, 1000, "/var/jenkins_home"),
				Writes:  []Path{dir("/var/jenkins_home").owned().volume(), tree("/usr/share/jenkins/ref").owned().optional()},
				Note:    "The image is already non-root.",
			}},
			Sources: []string{"https://github.com/jenkinsci/docker/blob/master/debian/Dockerfile"},
		},
		{
			Name: "sonarqube", Aliases: []string{"sonar.sh"}, Root: NeverRoot, Why: "The Elasticsearch inside refuses to run as root.", Ports: []string{"9000/tcp"},
			Variants: []Variant{{
				Images: []string{"sonarqube"}, Account: shipped("sonarqube", 1000, 0, "/home/sonarqube").group("root"),
				Writes: []Path{dir("/opt/sonarqube/data").owned().volume(), dir("/opt/sonarqube/logs").owned().volume(), dir("/opt/sonarqube/extensions").owned().volume(), dir("/opt/sonarqube/temp").owned().volume()},
				Note:   "The image is already non-root.",
			}},
			Sources: []string{"https://github.com/SonarSource/docker-sonarqube/blob/master/community-build/Dockerfile"},
		},
		{
			Name: "logstash", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"5044/tcp", "9600/tcp"},
			Variants: []Variant{{
				Images: []string{"logstash", "docker.elastic.co/logstash/logstash"}, Account: shipped("logstash", 1000, 0, "/usr/share/logstash").group("root"),
				Writes: []Path{tree("/usr/share/logstash/data").owned(), tree("/usr/share/logstash/config").owned(), tree("/usr/share/logstash/pipeline").owned()},
				Note:   "The image is already non-root.",
			}},
			Sources: []string{"https://www.elastic.co/guide/en/logstash/current/docker-config.html", "https://github.com/elastic/dockerfiles"},
		},
		{
			Name: "gradle", Aliases: []string{"gradlew", "mvn", "mvnw", "sbt"}, Root: CanRoot, Home: true, OneShot: true, Why: "It needs nothing of root.",
			Variants: []Variant{{
				Packages: []string{"gradle", "maven"},
				Writes:   []Path{dir("{home}/.gradle").optional(), dir("{home}/.m2").optional(), dir("{workdir}/build").optional(), dir("{workdir}/target").optional(), dir("{workdir}/.gradle").optional()},
			}},
			Sources: []string{"https://github.com/gradle/docker-gradle", "https://github.com/carlossg/docker-maven#running-as-non-root"},
		},
	}
}

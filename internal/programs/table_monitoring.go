package programs

func monitoring() []Program {
	nobody := Account{Name: "nobody", UID: 65534, GID: 65534, Made: MadeByBase}
	return []Program{
		{
			Name: "prometheus", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"9090/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"prometheus"},
					Account:     packaged("prometheus", 999, 999, "/var/lib/prometheus"),
					Writes:      []Path{tree("/var/lib/prometheus/metrics2").owned(), dir("{workdir}/data").optional().why("its data when no --storage.tsdb.path is given")},
					VerifiedLab: "bookworm",
				},
				{Images: []string{"prom/prometheus", "quay.io/prometheus/prometheus"}, Account: nobody, Writes: []Path{dir("/prometheus").owned().volume()}, Note: "The image is already non-root."},
			},
			Sources: []string{debian("prometheus"), "https://github.com/prometheus/prometheus/blob/main/Dockerfile"},
		},
		{
			Name: "alertmanager", Aliases: []string{"prometheus-alertmanager"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"9093/tcp", "9094/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"prometheus-alertmanager"},
					Account:     packaged("prometheus", 999, 999, "/var/lib/prometheus"),
					Writes:      []Path{tree("/var/lib/prometheus/alertmanager").owned(), dir("{workdir}/data").optional().why("its data when no --storage.path is given")},
					VerifiedLab: "bookworm",
				},
				{Images: []string{"prom/alertmanager", "quay.io/prometheus/alertmanager"}, Account: nobody, Writes: []Path{dir("/alertmanager").owned().volume()}, Note: "The image is already non-root."},
			},
			Sources: []string{debian("prometheus-alertmanager"), "https://github.com/prometheus/alertmanager/blob/main/Dockerfile"},
		},
		{
			Name: "node_exporter", Aliases: []string{"prometheus-node-exporter"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"9100/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"prometheus-node-exporter"},
					Account:     packaged("prometheus", 999, 999, "/var/lib/prometheus"),
					VerifiedLab: "bookworm",
				},
				{Images: []string{"prom/node-exporter", "quay.io/prometheus/node-exporter"}, Account: nobody, Note: "The image is already non-root."},
			},
			Sources: []string{debian("prometheus-node-exporter"), "https://github.com/prometheus/node_exporter/blob/master/Dockerfile"},
		},
		{
			Name: "blackbox_exporter", Aliases: []string{"prometheus-blackbox-exporter"}, Root: CanRoot,
			Why: "It needs root or CAP_NET_RAW only for ICMP probes where unprivileged ICMP sockets are not allowed.", Ports: []string{"9115/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"prometheus-blackbox-exporter"},
				Account: packaged("prometheus", 999, 999, "/var/lib/prometheus"),
			}},
			Sources: []string{debian("prometheus-blackbox-exporter"), "https://github.com/prometheus/blackbox_exporter#permissions"},
		},
		{
			Name: "pushgateway", Aliases: []string{"prometheus-pushgateway", "statsd_exporter", "mysqld_exporter", "postgres_exporter", "redis_exporter", "snmp_exporter"}, Root: CanRoot,
			Why: "It needs nothing of root.", Ports: []string{"9091/tcp", "9102/tcp", "9104/tcp", "9187/tcp", "9121/tcp", "9116/tcp"},
			Variants: []Variant{{Packages: []string{"prometheus-pushgateway", "prometheus-mysqld-exporter", "prometheus-postgres-exporter", "prometheus-redis-exporter", "prometheus-snmp-exporter"}}},
			Sources:  []string{"https://github.com/prometheus/pushgateway/blob/master/Dockerfile"},
		},
		{
			Name: "grafana-server", Aliases: []string{"grafana", "grafana-cli"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp"},
			Variants: []Variant{
				{
					Packages: []string{"grafana", "grafana-enterprise"}, Account: packaged("grafana", 472, 472, "/usr/share/grafana"),
					Writes: []Path{tree("/var/lib/grafana").owned(), tree("/var/log/grafana").owned(), dir("/run/grafana")},
					Reads:  []Path{tree("/etc/grafana").owned()},
				},
				{
					Images: []string{"grafana/grafana", "grafana/grafana-oss", "grafana/grafana-enterprise"}, Account: shipped("grafana", 472, 0, "/home/grafana").group("root"),
					Writes: []Path{dir("/var/lib/grafana").owned(), dir("/var/log/grafana").owned()}, Note: "The image is already non-root.",
				},
			},
			Sources: []string{"https://github.com/grafana/grafana/blob/main/Dockerfile", "https://grafana.com/docs/grafana/latest/setup-grafana/installation/docker/"},
		},
		{
			Name: "loki", Aliases: []string{"tempo", "mimir"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3100/tcp"},
			Variants: []Variant{{
				Images: []string{"grafana/loki"}, Account: shipped("loki", 10001, 10001, "/home/loki"),
				Writes: []Path{dir("/loki").owned(), dir("/tmp/loki").optional()}, Note: "The image is already non-root.",
			}},
			Sources: []string{"https://github.com/grafana/loki/blob/main/cmd/loki/Dockerfile"},
		},
		{
			Name: "telegraf", Root: CanRoot, Why: "It needs nothing of root; some inputs (docker, ping, smart) do.", Ports: []string{"8125/udp", "8092/udp", "8094/tcp"},
			Variants: []Variant{{
				Images: []string{"telegraf"}, Packages: []string{"telegraf"}, Account: shipped("telegraf", 999, 999, "/etc/telegraf"),
				Needs: []Need{{
					Setting: "setcap cap_net_raw,cap_net_bind_service+ep /usr/bin/telegraf", Effect: "the entry point sets it when it starts as root, and then changes to telegraf",
					Fix: "nothing: as another user the entry point leaves it out", Default: true,
				}},
			}},
			Sources: []string{"https://github.com/influxdata/influxdata-docker/blob/master/telegraf/1.38/entrypoint.sh"},
		},
		{
			Name: "kibana", Aliases: []string{"kibana-docker", "opensearch-dashboards"}, Root: NeverRoot, Why: "It refuses to run as root unless --allow-root is given.", Ports: []string{"5601/tcp"},
			Variants: []Variant{{
				Images: []string{"kibana", "docker.elastic.co/kibana/kibana"}, Account: shipped("kibana", 1000, 0, "/usr/share/kibana").group("root"),
				Writes: []Path{tree("/usr/share/kibana/data").owned(), tree("/usr/share/kibana/config").owned()}, Note: "The image is already non-root.",
			}},
			Sources: []string{"https://www.elastic.co/guide/en/kibana/current/docker.html", "https://github.com/elastic/dockerfiles"},
		},
		collector("filebeat", []string{"metricbeat"}, Variant{
			Images: []string{"docker.elastic.co/beats/filebeat"}, Packages: []string{"filebeat"}, Writes: []Path{dir("/usr/share/filebeat/data").optional()},
		}, "https://www.elastic.co/guide/en/beats/filebeat/current/running-on-docker.html"),
		collector("fluentd", []string{"td-agent"}, Variant{
			Images: []string{"fluent/fluentd"}, Packages: []string{"fluentd", "td-agent"},
			Writes: []Path{dir("/fluentd/log").optional(), dir("/var/log/fluent").optional(), dir("/var/log/td-agent").optional()},
		}, "https://github.com/fluent/fluentd-docker-image"),
		collector("fluent-bit", nil, Variant{Images: []string{"fluent/fluent-bit"}, Packages: []string{"fluent-bit"}}, "https://docs.fluentbit.io/manual/pipeline/inputs/tail"),
		collector("vector", nil, Variant{Images: []string{"timberio/vector"}, Packages: []string{"vector"}, Writes: []Path{dir("/var/lib/vector").optional()}},
			"https://vector.dev/docs/reference/configuration/global-options/#data_dir"),
		collector("promtail", nil, Variant{Images: []string{"grafana/promtail"}, Packages: []string{"promtail"}}, "https://grafana.com/docs/loki/latest/send-data/promtail/configuration/"),
		collector("otelcol", []string{"otelcol-contrib"}, Variant{Images: []string{"otel/opentelemetry-collector", "otel/opentelemetry-collector-contrib"}},
			"https://opentelemetry.io/docs/collector/installation/"),
		{
			Name: "statsd", Aliases: []string{"carbon-cache", "carbon-cache.py"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8125/udp", "8126/tcp"},
			Variants: []Variant{{}},
			Sources:  []string{"https://github.com/statsd/statsd/blob/master/Dockerfile"},
		},
		{
			Name: "zabbix_agentd", Aliases: []string{"zabbix_server", "zabbix_proxy", "zabbix_agent2"}, Root: NeverRoot, Why: "It refuses to run as root unless AllowRoot is set, and changes to its User setting.",
			Ports: []string{"10050/tcp", "10051/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"zabbix-agent", "zabbix-server-pgsql", "zabbix-server-mysql"},
				Account: packaged("zabbix", 999, 999, "/var/lib/zabbix"),
				Writes:  []Path{dir("/run/zabbix"), dir("/var/log/zabbix-agent"), dir("/var/log/zabbix-server").optional()},
			}},
			Sources: []string{debian("zabbix"), "https://www.zabbix.com/documentation/current/en/manual/appendix/config/zabbix_agentd"},
		},
		{
			Name: "snmpd", Root: CanRoot, Why: "It needs root for what it reads of the system, and to change to the account of -u.", Ports: []string{"161/udp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"snmpd"}, Account: packaged("Debian-snmp", 999, 999, "/var/lib/snmp"),
				Writes: []Path{tree("/var/lib/snmp").owned()}, Reads: []Path{file("/etc/snmp/snmpd.conf").owned()},
				Needs:       []Need{{Setting: "-u", Accounts: []string{"-u", "-g"}, Effect: "snmpd stops: initgroups failed", Fix: "leave it out", Fatal: true}},
				Note:        "The account's name has a capital letter, which useradd refuses without --badname.",
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("net-snmp")},
		},
	}
}

func platforms() []Program {
	return []Program{
		{
			Name: "consul", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"8300/tcp", "8301/tcp", "8301/udp", "8302/tcp", "8500/tcp", "8600/tcp", "8600/udp"},
			Variants: []Variant{{
				Images: []string{"consul", "hashicorp/consul"}, Account: shipped("consul", 100, 1000, "/home/consul"),
				Writes: []Path{dir("/consul/data").owned().volume(), dir("/consul/config").owned()},
				Needs:  []Need{{Setting: "su-exec in the entry point", Effect: "it changes to consul whoever starts it, which only root can", Fix: "set CONSUL_DISABLE_PERM_MGMT=1", Fatal: true, Default: true}},
			}},
			Sources: []string{"https://github.com/hashicorp/docker-consul/blob/master/0.X/docker-entrypoint.sh"},
		},
		{
			Name: "vault", Aliases: []string{"bao"}, Root: CanRoot, Why: "It needs CAP_IPC_LOCK only to lock its memory.", Ports: []string{"8200/tcp", "8201/tcp"},
			Variants: []Variant{{
				Images: []string{"vault", "hashicorp/vault"}, Account: shipped("vault", 100, 1000, "/home/vault"),
				Writes: []Path{dir("/vault/file").owned().volume(), dir("/vault/logs").owned().volume(), dir("/vault/config").owned()},
				Needs: []Need{
					{Setting: "su-exec and setcap in the entry point", Effect: "it changes to vault only when it starts as root", Fix: "set SKIP_SETCAP=1 and SKIP_CHOWN=1", Default: true},
					{Setting: "disable_mlock", Effect: "vault stops where it may not lock memory", Fix: "set disable_mlock = true, or add the capability", Capability: "cap_ipc_lock"},
				},
			}},
			Sources: []string{"https://github.com/hashicorp/vault/blob/main/.release/docker/docker-entrypoint.sh"},
		},
		{
			Name: "nomad", Root: NeedsRoot, Reason: "needs-root-daemon", Why: "Its client starts other programs under other accounts.", Instead: "a server-only agent can run as any account",
			Ports: []string{"4646/tcp", "4647/tcp", "4648/tcp"}, Variants: []Variant{{Packages: []string{"nomad"}}},
			Sources: []string{"https://developer.hashicorp.com/nomad/docs/install/production/requirements#security-and-user-permissions"},
		},
		{
			Name: "gitea", Aliases: []string{"forgejo", "gogs"}, Root: NeverRoot, Home: true, Why: "It refuses to run as root.", Ports: []string{"3000/tcp", "22/tcp"},
			Variants: []Variant{
				{
					Images: []string{"gitea/gitea", "codeberg.org/forgejo/forgejo"}, Account: shipped("git", 1000, 1000, "/data/git"),
					Writes: []Path{tree("/data").volume()},
					Needs:  []Need{{Setting: "s6 as /usr/bin/entrypoint", Effect: "starts sshd, which needs root", Fix: "use the -rootless image", Fatal: true, Default: true}},
				},
				{
					Account: Account{Name: "git", UID: 1000, GID: 1000, Home: "/home/git"},
					Writes:  []Path{tree("/var/lib/gitea"), tree("/etc/gitea").why("app.ini, which the installation page writes")},
					Needs:   []Need{{Setting: "RUN_USER", File: "/etc/gitea/app.ini", Effect: "it stops where this is another account than the one it runs as", Fix: "set it to the account's name", Fatal: true}},
				},
			},
			Sources: []string{"https://github.com/go-gitea/gitea/blob/main/Dockerfile.rootless", "https://docs.gitea.com/installation/install-with-docker-rootless"},
		},
		{
			Name: "registry", Aliases: []string{"docker-registry"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"5000/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"docker-registry"}, Account: packaged("docker-registry", 999, 999, "/var/lib/docker-registry"),
					Writes:      []Path{tree("/var/lib/docker-registry").owned()},
					VerifiedLab: "bookworm",
				},
				{Images: []string{"registry", "distribution/distribution"}, Writes: []Path{dir("/var/lib/registry").volume()}},
			},
			Sources: []string{debian("docker-registry"), "https://github.com/distribution/distribution-library-image/blob/master/Dockerfile"},
		},
		{
			Name: "hugo", Aliases: []string{"mkdocs", "sphinx-autobuild"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"1313/tcp", "8000/tcp"},
			Variants: []Variant{{Packages: []string{"hugo", "mkdocs"}, Writes: []Path{dir("{workdir}/public").optional(), dir("{workdir}/resources").optional(), file("{workdir}/.hugo_build.lock").optional()}}},
			Sources:  []string{"https://gohugo.io/getting-started/directory-structure/", debian("hugo")},
		},
		{
			Name: "Xvfb", Aliases: []string{"Xorg", "x11vnc", "fluxbox", "websockify", "novnc_proxy"}, Root: CanRoot, Why: "It needs root only to make /tmp/.X11-unix.",
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"xvfb", "x11vnc"}, Writes: []Path{dir("/tmp/.X11-unix").mode(0o1777)}, VerifiedLab: "bookworm"}},
			Sources:  []string{debian("xorg-server")},
		},
		{
			Name: "chromium", Aliases: []string{"chrome", "google-chrome", "google-chrome-stable", "chromium-browser", "chromedriver", "headless-shell", "geckodriver"}, Root: NeverRoot, Home: true,
			Why:      "It refuses to run as root unless --no-sandbox is given.",
			Variants: []Variant{{Packages: []string{"chromium", "chromium-browser", "google-chrome-stable"}, Writes: []Path{dir("{home}/.config").optional(), dir("{home}/.cache").optional()}, Needs: []Need{{Setting: "sandbox", Effect: "it needs user namespaces, or its setuid helper chrome-sandbox", Fix: "allow user namespaces by the seccomp profile, or give --no-sandbox"}}}},
			Sources:  []string{"https://chromium.googlesource.com/chromium/src/+/HEAD/docs/linux/sandboxing.md", debian("chromium")},
		},
		{
			Name: "icecast2", Aliases: []string{"icecast"}, Root: NeverRoot, Why: "It refuses to run as root unless changeowner is set.", Ports: []string{"8000/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"icecast2"}, Account: packaged("icecast2", 999, 999, "/usr/share/icecast2").group("icecast"),
				Writes: []Path{tree("/var/log/icecast2").owned()}, Reads: []Path{file("/etc/icecast2/icecast.xml").owned()},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("icecast2")},
		},
		{
			Name: "mpd", Root: CanRoot, Why: "It needs root only to change to the account of its user setting.", Ports: []string{"6600/tcp"},
			Variants: []Variant{{
				// The package gives the directories to mpd and the group audio.
				Families: []string{"alpine"}, Packages: []string{"mpd"}, Account: packaged("mpd", 100, 101, "/var/lib/mpd").in("audio"),
				Writes: []Path{dir("/var/lib/mpd").owned(), dir("/var/lib/mpd/playlists").owned(), dir("/var/lib/mpd/music").owned(), dir("/run/mpd").owned(), dir("/var/log/mpd").owned()},
			}},
			Sources: []string{alpine("community/mpd"), "https://mpd.readthedocs.io/en/stable/user.html"},
		},
		{
			Name: "turnserver", Aliases: []string{"coturn"}, Root: CanRoot, Why: "It needs nothing of root where low ports are free to bind.", Ports: []string{"3478/tcp", "3478/udp", "5349/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"coturn"}, Account: packaged("turnserver", 999, 999, "/"),
					Writes:      []Path{dir("/var/lib/turn").owned(), dir("/var/log/turnserver").optional(), file("/run/turnserver.pid").optional()},
					Reads:       []Path{file("/etc/turnserver.conf").owned()},
					VerifiedLab: "bookworm",
				},
				{Images: []string{"coturn/coturn"}, Account: Account{Name: "nobody", UID: 65534, GID: 65533, Group: "nogroup", Made: MadeByBase}, Writes: []Path{dir("/var/lib/coturn").volume()}},
			},
			Sources: []string{debian("coturn"), "https://github.com/coturn/coturn/blob/master/docker/coturn/debian/Dockerfile"},
		},
		{
			Name: "transmission-daemon", Root: CanRoot, Home: true, Why: "It needs nothing of root.", Ports: []string{"9091/tcp", "51413/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"transmission-daemon"}, Account: packaged("debian-transmission", 999, 999, "/var/lib/transmission-daemon"),
				Writes:      []Path{tree("/var/lib/transmission-daemon").owned(), tree("/etc/transmission-daemon").owned()},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("transmission")},
		},
	}
}

// collector is an agent that reads the logs of others.
func collector(name string, aliases []string, v Variant, source string) Program {
	return Program{Name: name, Aliases: aliases, Root: CanRoot, Why: "It needs root only to read other programs' logs.", ReadsLogs: true,
		Variants: []Variant{v}, Sources: []string{source}}
}

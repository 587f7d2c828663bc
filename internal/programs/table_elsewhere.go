package programs

// A further holds the variants of a program on the distributions that its entry does not
// have, and where they can be read.
type further struct {
	variants []Variant
	sources  []string
}

// withFurther adds the variants of elsewhere to their programs, behind their own: the first
// one stays the most common.
func withFurther(all []*Program) {
	more := elsewhere()
	for _, p := range all {
		f := more[p.Name]
		p.Variants = append(p.Variants, f.variants...)
		p.Sources = append(p.Sources, f.sources...)
	}
}

// arch is where the packaging of an Arch Linux package can be read.
func arch(pkg string) string {
	return "https://gitlab.archlinux.org/archlinux/packaging/packages/" + pkg
}

// suse is the same for openSUSE, and with it for SLES.
func suse(pkg string) string {
	return "https://build.opensuse.org/package/show/openSUSE:Factory/" + pkg
}

// http is Arch Linux's account for web servers, the same number everywhere.
func http() Account {
	return Account{Name: "http", UID: 33, GID: 33, Home: "/srv/http", Made: MadeByBase}
}

// anywhere is the variant of a program that writes the same directories wherever it is
// packaged, or the ones that it is built with, under an account that nobody knows: any does
// that owns them.
func anywhere(packages []string, writes ...Path) Variant {
	return Variant{Packages: packages, Writes: writes}
}

// on is the variant of one distribution's package.
func on(family string, packages []string, account Account, writes ...Path) Variant {
	return Variant{Families: []string{family}, Packages: packages, Account: account, Writes: writes}
}

func (v Variant) reading(paths ...Path) Variant { v.Reads = paths; return v }
func (v Variant) needing(needs ...Need) Variant { v.Needs = needs; return v }

func elsewhere() map[string]further {
	all := map[string]further{}
	for _, part := range []map[string]further{webElsewhere(), databasesElsewhere(), networkElsewhere(), servicesElsewhere()} {
		for name, f := range part {
			all[name] = f
		}
	}
	return all
}

func webElsewhere() map[string]further {
	return map[string]further{
		"nginx": {[]Variant{
			on("arch", []string{"nginx", "nginx-mainline"}, http(), tree("/var/log/nginx"), tree("/var/lib/nginx"), file("/run/nginx.pid")).needing(nginxUser("/etc/nginx/nginx.conf")),
		}, []string{arch("nginx")}},
		"openresty": {[]Variant{
			anywhere([]string{"openresty"}, tree("/usr/local/openresty/nginx/logs"), dir("/usr/local/openresty/nginx").why("its directories of temporary files")),
		}, []string{"https://openresty.org/en/linux-packages.html"}},
		"apache2": {[]Variant{on("arch", []string{"apache"}, http(), tree("/var/log/httpd"), dir("/run/httpd"))}, []string{arch("apache")}},
		"php-fpm": {[]Variant{
			on("arch", []string{"php-fpm"}, http().insists(), dir("/run/php-fpm")).needing(phpPool("/etc/php/php-fpm.d/www.conf")),
		}, []string{arch("php")}},
		"lighttpd": {[]Variant{
			on("rhel", []string{"lighttpd"}, packaged("lighttpd", 999, 999, "/var/www/lighttpd"), tree("/var/log/lighttpd").owned(), dir("/var/lib/lighttpd").owned(), file("/run/lighttpd.pid")),
			anywhere([]string{"lighttpd"}, tree("/var/log/lighttpd"), dir("/var/cache/lighttpd"), file("/run/lighttpd.pid")),
		}, []string{fedora("lighttpd"), arch("lighttpd")}},
		"caddy": {[]Variant{
			on("rhel", []string{"caddy"}, packaged("caddy", 999, 999, "/var/lib/caddy"), tree("/var/lib/caddy").owned()),
			on("arch", []string{"caddy"}, packaged("caddy", 999, 999, "/var/lib/caddy"), tree("/var/lib/caddy"), dir("/var/log/caddy").optional()),
		}, []string{fedora("caddy"), arch("caddy")}},
		"varnishd": {[]Variant{
			on("alpine", []string{"varnish"}, packaged("varnish", 100, 101, "/var/lib/varnish"), tree("/var/lib/varnish").owned()).reading(tree("/etc/varnish").owned()),
			on("rhel", []string{"varnish"}, packaged("varnish", 999, 999, "/var/lib/varnish"), tree("/var/lib/varnish")).reading(file("/etc/varnish/secret").optional()),
			anywhere([]string{"varnish"}, dir("/var/lib/varnish")),
		}, []string{alpine("main/varnish"), fedora("varnish"), arch("varnish")}},
	}
}

func databasesElsewhere() map[string]further {
	return map[string]further{
		"postgres": {[]Variant{
			on("arch", []string{"postgresql"}, packaged("postgres", 88, 88, "/var/lib/postgres").insists(), tree("/var/lib/postgres").owned(), dir("/run/postgresql")),
			on("suse", []string{"postgresql-server"}, packaged("postgres", 26, 26, "/var/lib/pgsql").insists(), tree("/var/lib/pgsql").owned(), dir("/run/postgresql")),
		}, []string{arch("postgresql"), suse("postgresql")}},
		"pgbouncer": {[]Variant{
			on("rhel", []string{"pgbouncer"}, packaged("pgbouncer", 999, 999, "/"), dir("/run/pgbouncer").owned(), dir("/var/log/pgbouncer").owned()).
				reading(file("/etc/pgbouncer/pgbouncer.ini").owned(), file("/etc/pgbouncer/userlist.txt").owned()),
		}, []string{fedora("pgbouncer")}},
		"mysqld": {[]Variant{
			on("arch", []string{"mariadb"}, packaged("mysql", 89, 89, "/var/lib/mysql"), tree("/var/lib/mysql"), dir("/run/mysqld")).needing(mysqlUser()),
			on("suse", []string{"mariadb"}, packaged("mysql", 60, 60, "/var/lib/mysql"), tree("/var/lib/mysql"), dir("/run/mysql"), dir("/var/log/mysql")).needing(mysqlUser()),
		}, []string{arch("mariadb"), suse("mariadb")}},
		"mongod": {[]Variant{
			on("alpine", []string{"mongodb"}, packaged("mongodb", 100, 101, "/var/lib/mongodb"), tree("/var/lib/mongodb"), tree("/var/log/mongodb"), dir("/data/db").why("dbPath without a configuration")),
		}, []string{alpine("community/mongodb")}},
		"redis-server": {[]Variant{
			on("arch", []string{"redis"}, packaged("redis", 999, 999, "/var/lib/redis"), dir("/var/lib/redis"), dir("{workdir}").optional()).reading(tree("/etc/redis").owned()),
			anywhere([]string{"redis"}, dir("/var/lib/redis"), dir("{workdir}").optional()),
		}, []string{arch("redis")}},
		"valkey-server": {[]Variant{
			on("alpine", []string{"valkey"}, packaged("valkey", 100, 101, "/var/lib/valkey"), dir("/var/lib/valkey").owned(), dir("{workdir}").optional()).reading(tree("/etc/valkey").owned()),
			on("rhel", []string{"valkey"}, packaged("valkey", 999, 999, "/var/lib/valkey"), dir("/var/lib/valkey").owned(), dir("/var/log/valkey").owned(), dir("{workdir}").optional()).reading(tree("/etc/valkey").owned()),
			anywhere([]string{"valkey"}, dir("/var/lib/valkey"), dir("{workdir}").optional()),
		}, []string{alpine("main/valkey"), fedora("valkey"), arch("valkey")}},
		"influxd": {[]Variant{anywhere([]string{"influxdb", "influxdb2"}, tree("/var/lib/influxdb"))}, []string{"https://docs.influxdata.com/influxdb/v1/administration/config/"}},
		"etcd": {[]Variant{
			anywhere([]string{"etcd"}, tree("/var/lib/etcd").mode(0o700), dir("{workdir}/default.etcd").optional().mode(0o700).why("its data when no --data-dir is given")),
		}, []string{fedora("etcd")}},
		"clickhouse-server": {[]Variant{{
			Packages: []string{"clickhouse-server"}, Account: packaged("clickhouse", 999, 999, "/nonexistent").insists(),
			Writes: []Path{tree("/var/lib/clickhouse"), tree("/var/log/clickhouse-server")},
			Reads:  []Path{tree("/etc/clickhouse-server").owned()},
		}}, []string{"https://github.com/ClickHouse/ClickHouse/blob/master/programs/install/Install.cpp"}},
		"couchdb": {[]Variant{{
			Packages: []string{"couchdb"}, Account: packaged("couchdb", 999, 999, "/opt/couchdb"),
			Writes: []Path{tree("/var/lib/couchdb").owned(), tree("/var/log/couchdb").owned(), tree("/opt/couchdb/etc").owned().optional()},
		}}, []string{"https://github.com/apache/couchdb-pkg"}},
		"elasticsearch": {[]Variant{{
			Packages: []string{"elasticsearch"}, Account: packaged("elasticsearch", 999, 999, "/nonexistent").insists(),
			Writes: []Path{tree("/var/lib/elasticsearch"), tree("/var/log/elasticsearch"), dir("/etc/elasticsearch").why("the keystore that the first start makes")},
		}}, []string{"https://www.elastic.co/guide/en/elasticsearch/reference/current/deb.html", "https://github.com/elastic/elasticsearch/tree/main/distribution/packages/src/common/scripts"}},
	}
}

func networkElsewhere() map[string]further {
	named := packaged("named", 40, 40, "/var/named")
	return map[string]further{
		"unbound": {[]Variant{
			on("rhel", []string{"unbound"}, packaged("unbound", 999, 999, "/var/lib/unbound"), tree("/var/lib/unbound").owned(), dir("/run/unbound").owned()).
				needing(unboundUser("/etc/unbound/unbound.conf"), unboundChroot("/etc/unbound/unbound.conf")),
		}, []string{fedora("unbound")}},
		"dnsmasq": {[]Variant{
			// Its pid file fails in silence where it does not start as root.
			anywhere([]string{"dnsmasq"}, dir("/var/lib/misc").optional().why("DHCP leases")).needing(dnsmasqUser()),
		}, []string{fedora("dnsmasq"), arch("dnsmasq")}},
		"named":     {[]Variant{on("arch", []string{"bind"}, named, dir("/var/named"), dir("/run/named"))}, []string{arch("bind")}},
		"mosquitto": {[]Variant{anywhere([]string{"mosquitto"}, dir("/var/lib/mosquitto"), dir("/var/log/mosquitto"))}, []string{fedora("mosquitto"), arch("mosquitto")}},
		"tor": {[]Variant{
			on("rhel", []string{"tor"}, packaged("toranon", 999, 999, "/var/lib/tor").insists(), tree("/var/lib/tor").owned().mode(0o700), dir("/var/log/tor").owned(), dir("/run/tor").owned()),
			on("arch", []string{"tor"}, packaged("tor", 43, 43, "/var/lib/tor").insists(), tree("/var/lib/tor").owned().mode(0o700)),
		}, []string{fedora("tor"), arch("tor")}},
		"privoxy": {[]Variant{
			on("alpine", []string{"privoxy"}, packaged("privoxy", 100, 101, "/etc/privoxy"), dir("/var/log/privoxy").owned()).reading(tree("/etc/privoxy").owned()).needing(privoxyUser()),
			on("rhel", []string{"privoxy"}, packaged("privoxy", 73, 73, "/etc/privoxy"), dir("/var/log/privoxy")).reading(tree("/etc/privoxy").owned()).needing(privoxyUser()),
			anywhere([]string{"privoxy"}, dir("/var/log/privoxy")).reading(tree("/etc/privoxy")).needing(privoxyUser()),
		}, []string{alpine("main/privoxy"), fedora("privoxy"), arch("privoxy")}},
		"tinyproxy": {[]Variant{anywhere([]string{"tinyproxy"}, dir("/run/tinyproxy"), dir("/var/log/tinyproxy"))},
			[]string{alpine("main/tinyproxy"), fedora("tinyproxy"), arch("tinyproxy")}},
		"slapd": {[]Variant{
			on("alpine", []string{"openldap"}, packaged("ldap", 100, 101, "/usr/lib/openldap").insists(), tree("/var/lib/openldap").owned(), dir("/run/openldap")),
			on("rhel", []string{"openldap-servers"}, packaged("ldap", 55, 55, "/var/lib/ldap").insists(), tree("/var/lib/ldap").owned(), dir("/run/openldap").owned(), tree("/etc/openldap/slapd.d").owned()),
		}, []string{alpine("main/openldap"), fedora("openldap")}},
		"freeradius": {[]Variant{
			on("rhel", []string{"freeradius"}, packaged("radiusd", 95, 95, "/var/lib/radiusd").insists(), tree("/run/radiusd").owned(), tree("/var/log/radius").owned()).reading(tree("/etc/raddb").owned()),
		}, []string{fedora("freeradius")}},
		"prosody": {[]Variant{
			on("alpine", []string{"prosody"}, packaged("prosody", 100, 101, "/var/lib/prosody").insists(), dir("/var/lib/prosody").owned(), dir("/var/log/prosody").owned(), dir("/run/prosody").owned()),
			on("rhel", []string{"prosody"}, packaged("prosody", 999, 999, "/var/lib/prosody").insists(), dir("/var/lib/prosody").owned(), dir("/var/log/prosody").owned(), dir("/run/prosody").owned()).
				reading(tree("/etc/prosody").owned()),
		}, []string{alpine("community/prosody"), fedora("prosody")}},
		"opendkim": {[]Variant{
			on("rhel", []string{"opendkim"}, packaged("opendkim", 999, 999, "/run/opendkim").insists(), dir("/run/opendkim").owned()),
		}, []string{fedora("opendkim")}},
		"turnserver": {[]Variant{
			on("rhel", []string{"coturn"}, packaged("coturn", 999, 999, "/var/lib/coturn").insists(), dir("/run/coturn").owned(), dir("/var/lib/coturn").owned(), dir("/var/log/coturn").owned()).
				reading(tree("/etc/coturn").owned()),
		}, []string{fedora("coturn")}},
		"clamd":     {clamElsewhere(clamdRHEL(), "clamav-daemon", "clamav"), []string{alpine("community/clamav"), fedora("clamav"), arch("clamav")}},
		"freshclam": {clamElsewhere(freshclamRHEL(), "freshclam", "clamav", "clamav-daemon", "clamav-scanner"), []string{alpine("community/clamav"), fedora("clamav"), arch("clamav")}},
	}
}

// clamElsewhere are the variants of ClamAV's two daemons: they share the directories, and on
// Alpine the account.
func clamElsewhere(rhel Variant, onAlpine ...string) []Variant {
	return []Variant{
		on("alpine", onAlpine, packaged("clamav", 100, 101, "/var/lib/clamav").insists(), tree("/var/lib/clamav").owned(), tree("/var/log/clamav").owned(), dir("/run/clamav")),
		rhel,
		anywhere([]string{"clamav"}, tree("/var/lib/clamav"), tree("/var/log/clamav"), dir("/run/clamav")),
	}
}

func clamdRHEL() Variant {
	return on("rhel", []string{"clamd", "clamav-server", "clamav-scanner"}, packaged("clamscan", 999, 999, "/").groups("virusgroup"), dir("/run/clamd.scan"))
}

// freshclamRHEL has its configuration, which may hold the password of a proxy, readable for
// root alone.
func freshclamRHEL() Variant {
	return on("rhel", []string{"clamav-update", "clamav-freshclam"}, packaged("clamupdate", 999, 999, "/var/lib/clamav").groups("virusgroup").insists(),
		tree("/var/lib/clamav").owned(), file("/var/log/freshclam.log")).reading(file("/etc/freshclam.conf"))
}

func servicesElsewhere() map[string]further {
	rabbit := []Path{tree("/var/lib/rabbitmq").owned(), tree("/var/log/rabbitmq").owned(), dir("/etc/rabbitmq").owned().optional(), dir("/run/rabbitmq").optional()}
	return map[string]further{
		"rabbitmq-server": {[]Variant{
			on("alpine", []string{"rabbitmq-server"}, packaged("rabbitmq", 100, 101, "/var/lib/rabbitmq").insists(), rabbit...),
			on("rhel", []string{"rabbitmq-server"}, packaged("rabbitmq", 999, 999, "/var/lib/rabbitmq").insists(), rabbit...),
		}, []string{alpine("community/rabbitmq-server"), fedora("rabbitmq-server")}},
		"jenkins": {[]Variant{{
			Packages: []string{"jenkins"}, Account: packaged("jenkins", 999, 999, "/var/lib/jenkins"),
			Writes: []Path{tree("/var/lib/jenkins"), tree("/var/log/jenkins"), tree("/var/cache/jenkins")},
		}}, []string{"https://github.com/jenkinsci/packaging"}},
		"fluentd":      {[]Variant{{Packages: []string{"td-agent"}, Account: packaged("td-agent", 999, 999, "/var/lib/td-agent"), Writes: []Path{tree("/var/log/td-agent"), dir("/var/run/td-agent")}}}, []string{"https://github.com/fluent/fluent-package-builder"}},
		"vector":       {[]Variant{anywhere([]string{"vector"}, tree("/var/lib/vector"))}, []string{"https://vector.dev/docs/setup/installation/package-managers/"}},
		"prometheus":   {[]Variant{anywhere([]string{"prometheus"}, dir("{workdir}/data").why("its data when no --storage.tsdb.path is given"))}, []string{"https://prometheus.io/docs/prometheus/latest/storage/"}},
		"alertmanager": {[]Variant{anywhere([]string{"alertmanager"}, dir("{workdir}/data").why("its data when no --storage.path is given"))}, []string{"https://github.com/prometheus/alertmanager"}},
		"snmpd":        {[]Variant{on("alpine", []string{"net-snmp"}, Account{}, dir("/var/lib/net-snmp")), on("rhel", []string{"net-snmp"}, Account{}, dir("/var/lib/net-snmp")).reading(file("/etc/snmp/snmpd.conf"))}, []string{alpine("main/net-snmp"), fedora("net-snmp")}},
		"zabbix_agentd": {[]Variant{
			anywhere([]string{"zabbix-agent", "zabbix-agent2", "zabbix-server-pgsql", "zabbix-server-mysql", "zabbix-proxy-mysql", "zabbix-proxy-pgsql", "zabbix-proxy-sqlite3"}, dir("/run/zabbix"), dir("/var/log/zabbix")),
		}, []string{"https://github.com/zabbix/zabbix-docker"}},
		"Xvfb": {[]Variant{anywhere([]string{"xvfb", "x11vnc", "xorg-x11-server-Xvfb", "xorg-server-xvfb"}, dir("/tmp/.X11-unix").mode(0o1777))}, []string{"https://www.x.org/releases/current/doc/man/man1/Xvfb.1.xhtml"}},
		"icecast2": {[]Variant{
			on("alpine", []string{"icecast"}, packaged("icecast", 100, 101, "/usr/share/icecast"), dir("/var/log/icecast").owned()).reading(file("/etc/icecast.xml").owned()),
			on("rhel", []string{"icecast"}, packaged("icecast", 999, 999, "/usr/share/icecast"), dir("/var/log/icecast").owned()).reading(file("/etc/icecast.xml").owned()),
		}, []string{alpine("community/icecast"), fedora("icecast")}},
		// Its settings and downloads are in the home of its account unless it is told otherwise.
		"transmission-daemon": {[]Variant{anywhere([]string{"transmission-daemon", "transmission-cli"})}, []string{alpine("community/transmission"), "https://github.com/transmission/transmission/blob/main/docs/Configuration-Files.md"}},
		"beanstalkd":          {[]Variant{anywhere([]string{"beanstalkd"})}, []string{fedora("beanstalkd"), "https://github.com/beanstalkd/beanstalkd/blob/master/doc/beanstalkd.ronn"}},
	}
}

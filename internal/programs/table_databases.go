package programs

func databases() []Program {
	return []Program{
		{
			Name: "postgres", Aliases: []string{"postmaster", "pg_ctlcluster", "pg_ctl", "postgresql"}, Root: NeverRoot, Versioned: true,
			Why:   "The server refuses to run as root and insists on being the owner of its data directory.",
			Ports: []string{"5432/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"postgresql"}, Version: "15",
					Account: packaged("postgres", 999, 999, "/var/lib/postgresql").groups("ssl-cert").insists(),
					Writes: []Path{
						tree("/var/lib/postgresql").owned(), dir("/run/postgresql").owned(), dir("/var/log/postgresql").owned(),
						tree("/etc/postgresql").owned().optional(),
					},
					Reads:       []Path{file("/etc/ssl/private/ssl-cert-snakeoil.key").owned().why("by the group ssl-cert; without it the server stops because ssl is on")},
					Pid:         "/run/postgresql/{version}-main.pid",
					Sockets:     []string{"/run/postgresql/.s.PGSQL.5432"},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"postgresql"},
					Account: packaged("postgres", 70, 70, "/var/lib/postgresql").insists(),
					Writes:  []Path{tree("/var/lib/postgresql").owned(), dir("/run/postgresql"), dir("/var/log/postgresql")},
					Sockets: []string{"/run/postgresql/.s.PGSQL.5432"},
				},
				{
					Families: []string{"rhel"}, Packages: []string{"postgresql-server"},
					Account: packaged("postgres", 26, 26, "/var/lib/pgsql").insists(),
					Writes:  []Path{tree("/var/lib/pgsql").owned(), dir("/run/postgresql")},
					Sockets: []string{"/run/postgresql/.s.PGSQL.5432"},
					Note:    "The package makes its account with the fixed number 26.",
				},
				{
					Families: []string{"debian"},
					Images:   []string{"postgres", "postgis/postgis", "timescale/timescaledb", "pgvector/pgvector"},
					Account:  shipped("postgres", 999, 999, "/var/lib/postgresql").groups("ssl-cert").insists(),
					Writes:   []Path{dir("/var/lib/postgresql").owned().volume(), dir("/var/lib/postgresql/data").owned().volume(), dir("/var/run/postgresql").owned()},
					Sockets:  []string{"/var/run/postgresql/.s.PGSQL.5432"},
					Note:     "The entry point changes to postgres only when it starts as root.",
				},
				{
					Families: []string{"alpine"},
					Images:   []string{"postgres", "postgis/postgis", "timescale/timescaledb"},
					Account:  shipped("postgres", 70, 70, "/var/lib/postgresql").insists(),
					Writes:   []Path{dir("/var/lib/postgresql").owned().volume(), dir("/var/lib/postgresql/data").owned().volume(), dir("/var/run/postgresql").owned()},
					Sockets:  []string{"/var/run/postgresql/.s.PGSQL.5432"},
					Note:     "The entry point changes to postgres only when it starts as root.",
				},
			},
			Sources: []string{
				debian("postgresql-15"), debian("postgresql-common"), alpine("main/postgresql15"), fedora("postgresql"),
				"https://github.com/docker-library/postgres/blob/master/17/bookworm/Dockerfile",
				"https://www.postgresql.org/docs/current/postgres-user.html",
			},
		},
		{
			Name: "pgbouncer", Root: NeverRoot,
			Why:   "It refuses to run as root unless told an account to change to.",
			Ports: []string{"6432/tcp", "5432/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"pgbouncer"},
				Account: packaged("postgres", 999, 999, "/var/lib/postgresql").groups("ssl-cert"),
				Writes:  []Path{dir("/var/run/postgresql").owned(), dir("/var/log/postgresql").owned()},
				Reads:   []Path{file("/etc/pgbouncer/pgbouncer.ini").owned(), file("/etc/pgbouncer/userlist.txt").owned()},
				Pid:     "/var/run/postgresql/pgbouncer.pid", Sockets: []string{"/var/run/postgresql/.s.PGSQL.6432"},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("pgbouncer"), "https://www.pgbouncer.org/usage.html"},
		},
		{
			Name: "mysqld", Aliases: []string{"mariadbd", "mysqld_safe", "mariadbd-safe", "mysql-server"}, Root: NeverRoot,
			Forks: map[string]string{"mariadb": "mariadbd", "default-mysql-server": "mariadbd", "MariaDB": "mariadbd"},
			Why:   "The server refuses to run as root unless --user=root is given.",
			Ports: []string{"3306/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"mariadb-server", "default-mysql-server", "mysql-server"},
					Account: packaged("mysql", 999, 999, "/nonexistent"),
					Writes:  []Path{tree("/var/lib/mysql").owned(), dir("/run/mysqld"), dir("/var/log/mysql").owned().optional()},
					Reads:   []Path{file("/etc/mysql/debian.cnf").optional().why("by mariadb-admin in maintenance scripts only")},
					Pid:     "/run/mysqld/mysqld.pid", Sockets: []string{"/run/mysqld/mysqld.sock"},
					Needs:       []Need{mysqlUser()},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"mariadb", "mysql"},
					Account: packaged("mysql", 100, 101, "/var/lib/mysql"),
					Writes:  []Path{tree("/var/lib/mysql"), dir("/run/mysqld")},
					Pid:     "/run/mysqld/mariadb.pid", Sockets: []string{"/run/mysqld/mysqld.sock"},
					Needs: []Need{mysqlUser()},
				},
				{
					Families: []string{"rhel"}, Packages: []string{"mariadb-server", "mysql-server", "mysql-community-server"},
					Account: packaged("mysql", 27, 27, "/var/lib/mysql"),
					Writes:  []Path{tree("/var/lib/mysql").owned(), dir("/run/mariadb"), dir("/var/log/mariadb").owned(), dir("/run/mysqld"), dir("/var/log/mysql").owned()},
					Sockets: []string{"/var/lib/mysql/mysql.sock"},
					Needs:   []Need{mysqlUser()},
					Note:    "The package makes its account with the fixed number 27.",
				},
				{
					Images:  []string{"mysql", "mariadb", "percona", "percona/percona-server"},
					Account: shipped("mysql", 999, 999, "/var/lib/mysql"),
					Writes:  []Path{dir("/var/lib/mysql").owned().volume(), dir("/var/run/mysqld").owned()},
					Sockets: []string{"/var/run/mysqld/mysqld.sock"},
					Needs:   []Need{mysqlUser()},
					Note:    "The entry point changes to mysql only when it starts as root.",
				},
			},
			Sources: []string{
				debian("mariadb"), alpine("main/mariadb"), fedora("mariadb10.11"),
				"https://github.com/docker-library/mysql/blob/master/8.4/Dockerfile.oracle",
				"https://github.com/MariaDB/mariadb-docker/blob/master/11.4/Dockerfile",
				"https://mariadb.com/kb/en/running-mysqld-as-root/",
			},
		},
		{
			Name: "mongod", Aliases: []string{"mongos", "mongodb"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"27017/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian", "rhel"}, Packages: []string{"mongodb-org", "mongodb-org-server", "mongodb-server", "mongodb"},
					Account: packaged("mongodb", 999, 999, "/var/lib/mongodb"),
					Writes:  []Path{tree("/var/lib/mongodb"), tree("/var/log/mongodb"), dir("/data/db").why("dbPath without a configuration")},
					Sockets: []string{"/tmp/mongodb-27017.sock"},
				},
				{
					Families: []string{"debian"}, Images: []string{"mongo"},
					Account: shipped("mongodb", 999, 999, "/data/db"),
					Writes:  []Path{dir("/data/db").owned().volume(), dir("/data/configdb").owned().volume()},
					Sockets: []string{"/tmp/mongodb-27017.sock"},
					Note:    "The entry point changes to mongodb only when it starts as root.",
				},
			},
			Sources: []string{
				"https://github.com/docker-library/mongo/blob/master/8.0/Dockerfile",
				"https://www.mongodb.com/docs/manual/tutorial/install-mongodb-on-debian/",
			},
		},
		{
			Name: "sqlservr", Aliases: []string{"mssql"}, Root: CanRoot,
			Why:   "It needs nothing of root, but makes /var/opt/mssql where that is missing.",
			Ports: []string{"1433/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Images: []string{"mcr.microsoft.com/mssql/server", "microsoft/mssql-server-linux"},
					Writes: []Path{dir("/var/opt/mssql").volume()},
				},
				{Families: []string{"debian", "rhel", "suse"}, Packages: []string{"mssql-server"}, Writes: []Path{tree("/var/opt/mssql")}},
			},
			Sources: []string{
				"https://learn.microsoft.com/en-us/sql/linux/sql-server-linux-docker-container-security",
				"https://github.com/microsoft/mssql-docker/issues/121",
			},
		},
		{
			Name: "redis-server", Aliases: []string{"redis-sentinel", "redis"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"6379/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"redis-server", "redis", "redis-sentinel"},
					Account: packaged("redis", 999, 999, "/var/lib/redis"),
					Writes: []Path{
						dir("/var/lib/redis").owned(), dir("/var/log/redis").owned(), dir("/run/redis").optional().why("pidfile of /etc/redis/redis.conf"),
						dir("{workdir}").optional().why("dump.rdb, when no configuration names a dir"),
					},
					Reads: []Path{tree("/etc/redis").owned()},
					Pid:   "/run/redis/redis-server.pid",
					Needs: []Need{{
						Setting: "daemonize yes", File: "/etc/redis/redis.conf",
						Effect: "the server goes into the background and the container ends", Fix: "start it with --daemonize no", Default: true,
					}},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"redis"},
					Account: packaged("redis", 999, 1000, "/var/lib/redis"),
					Writes:  []Path{dir("/var/lib/redis").owned(), dir("/var/log/redis").owned(), dir("/run/redis").optional(), dir("{workdir}").optional()},
					Reads:   []Path{file("/etc/redis.conf").owned()},
				},
				{
					Families: []string{"rhel"}, Packages: []string{"redis", "redis6"},
					Account: packaged("redis", 999, 999, "/var/lib/redis"),
					Writes:  []Path{dir("/var/lib/redis").owned(), dir("/var/log/redis").owned(), dir("/run/redis").optional(), dir("{workdir}").optional()},
					Reads:   []Path{tree("/etc/redis").owned(), file("/etc/redis.conf").owned()},
				},
				{
					Families: []string{"debian"}, Images: []string{"redis", "redis/redis-stack-server", "redis/redis-stack"},
					Account: shipped("redis", 999, 999, "/home/redis"),
					Writes:  []Path{dir("/data").owned().volume()},
					Note:    "The entry point changes to redis only when it starts as root.",
				},
				{
					Families: []string{"alpine"}, Images: []string{"redis"},
					Account: shipped("redis", 999, 1000, "/home/redis"),
					Writes:  []Path{dir("/data").owned().volume()},
					Note:    "The entry point changes to redis only when it starts as root.",
				},
			},
			Sources: []string{
				debian("redis"), alpine("main/redis"), fedora("redis"),
				"https://github.com/redis/docker-library-redis/blob/release/7.2/debian/Dockerfile",
			},
		},
		{
			Name: "valkey-server", Aliases: []string{"valkey-sentinel", "valkey"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"6379/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"valkey-server", "valkey", "valkey-sentinel"},
					Account:     packaged("valkey", 999, 999, "/var/lib/valkey"),
					Writes:      []Path{dir("/var/lib/valkey").owned(), dir("/var/log/valkey").owned(), dir("/run/valkey").optional(), dir("{workdir}").optional()},
					Reads:       []Path{tree("/etc/valkey").owned()},
					Note:        "In Debian since trixie.",
					VerifiedLab: "trixie",
				},
				{
					Families: []string{"debian"}, Images: []string{"valkey/valkey"},
					Account: shipped("valkey", 999, 999, "/home/valkey"),
					Writes:  []Path{dir("/data").owned().volume()},
				},
				{
					Families: []string{"alpine"}, Images: []string{"valkey/valkey"},
					Account: shipped("valkey", 999, 1000, "/home/valkey"),
					Writes:  []Path{dir("/data").owned().volume()},
				},
			},
			Sources: []string{
				"https://sources.debian.org/src/valkey/trixie/debian/",
				"https://github.com/valkey-io/valkey-container/blob/mainline/8.0/debian/Dockerfile",
			},
		},
		{
			Name: "memcached", Root: NeverRoot,
			Why:   "It refuses to run as root unless -u names an account to change to.",
			Ports: []string{"11211/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"memcached"},
					Account:     packaged("memcache", 999, 999, "/nonexistent"),
					Needs:       []Need{memcachedUser()},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"memcached"},
					Account: packaged("memcached", 100, 101, "/home/memcached"),
					Needs:   []Need{memcachedUser()},
				},
				{
					Families: []string{"rhel"}, Packages: []string{"memcached"},
					Account: packaged("memcached", 998, 998, "/run/memcached"),
					Needs:   []Need{memcachedUser()},
				},
				{
					Images: []string{"memcached"}, Account: shipped("memcache", 11211, 11211, "/home/memcache"),
					Note: "The image is already non-root.",
				},
			},
			Sources: []string{debian("memcached"), alpine("main/memcached"), fedora("memcached"), "https://github.com/docker-library/memcached/blob/master/1/debian/Dockerfile"},
		},
		{
			Name: "cassandra", Aliases: []string{"dse", "scylla"}, Root: NeverRoot,
			Why:   "It refuses to run as root unless -R is given.",
			Ports: []string{"7000/tcp", "7001/tcp", "7199/tcp", "9042/tcp", "9160/tcp"},
			Variants: []Variant{
				{
					Images: []string{"cassandra"}, Account: shipped("cassandra", 999, 999, "/home/cassandra"),
					Writes: []Path{
						dir("/var/lib/cassandra").owned().volume(), dir("/var/log/cassandra").owned(),
						tree("/etc/cassandra").owned().why("the entry point edits cassandra.yaml"),
					},
					Note: "The entry point changes to cassandra only when it starts as root.",
				},
				{
					Families: []string{"debian"}, Packages: []string{"cassandra"},
					Account: packaged("cassandra", 999, 999, "/var/lib/cassandra"),
					Writes:  []Path{tree("/var/lib/cassandra"), tree("/var/log/cassandra"), dir("/run/cassandra")},
				},
			},
			Sources: []string{"https://github.com/docker-library/cassandra/blob/master/5.0/Dockerfile", "https://github.com/apache/cassandra/blob/trunk/bin/cassandra"},
		},
		{
			Name: "couchdb", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"5984/tcp", "4369/tcp", "9100/tcp"},
			Variants: []Variant{{
				Images: []string{"couchdb", "apache/couchdb"}, Packages: []string{"couchdb"},
				Account: shipped("couchdb", 5984, 5984, "/opt/couchdb"),
				Writes: []Path{
					dir("/opt/couchdb/data").owned().volume(), dir("/opt/couchdb/var/log").owned(),
					tree("/opt/couchdb/etc").owned().why("settings made through the API"),
				},
				Note: "The entry point changes to couchdb only when it starts as root.",
			}},
			Sources: []string{"https://github.com/apache/couchdb-docker/blob/main/3.5.1/Dockerfile"},
		},
		{
			Name: "neo4j", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"7473/tcp", "7474/tcp", "7687/tcp"},
			Variants: []Variant{{
				Images: []string{"neo4j"}, Account: shipped("neo4j", 7474, 7474, "/var/lib/neo4j"),
				Writes: []Path{dir("/data").owned().volume(), dir("/logs").owned().volume(), tree("/var/lib/neo4j").owned()},
				Note:   "The entry point changes to neo4j only when it starts as root.",
			}},
			Sources: []string{"https://github.com/neo4j/docker-neo4j/tree/master/docker-image-src"},
		},
		{
			Name: "clickhouse-server", Aliases: []string{"clickhouse"}, Root: CanRoot,
			Why:   "It insists on being the owner of its data directory.",
			Ports: []string{"8123/tcp", "9000/tcp", "9009/tcp"},
			Variants: []Variant{{
				Images: []string{"clickhouse", "clickhouse/clickhouse-server"}, Packages: []string{"clickhouse-server"},
				Account: shipped("clickhouse", 101, 101, "/var/lib/clickhouse").insists(),
				Writes:  []Path{dir("/var/lib/clickhouse").owned().volume(), dir("/var/log/clickhouse-server").owned()},
				Needs: []Need{{
					Setting: "cap_ipc_lock,cap_sys_nice,cap_net_admin on /usr/bin/clickhouse",
					Effect:  "set by the package where setcap works; optional, it then does without",
					Fix:     "remove them with chown root:root /usr/bin/clickhouse", Default: true,
				}},
				Note: "The entry point changes to clickhouse only when it starts as root.",
			}},
			Sources: []string{"https://github.com/ClickHouse/ClickHouse/blob/master/docker/server/Dockerfile.ubuntu", "https://github.com/ClickHouse/ClickHouse/blob/master/docker/server/entrypoint.sh"},
		},
		{
			Name: "influxd", Aliases: []string{"influxdb3"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"8086/tcp", "8088/tcp", "8181/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"influxdb", "influxdb2"},
					Account:     packaged("influxdb", 999, 999, "/var/lib/influxdb"),
					Writes:      []Path{tree("/var/lib/influxdb").owned(), dir("/run/influxdb").owned(), dir("/var/log/influxdb").owned(), dir("{home}/.influxdb").optional().why("its files when no configuration is given")},
					VerifiedLab: "bookworm",
				},
				{
					Images: []string{"influxdb"}, Account: shipped("influxdb", 1000, 1000, "/home/influxdb"),
					Writes: []Path{dir("/var/lib/influxdb").volume(), dir("/var/lib/influxdb2").volume(), dir("/etc/influxdb2").volume()},
					Note:   "The entry point of the 2.x images changes to influxdb only when it starts as root.",
				},
			},
			Sources: []string{debian("influxdb"), "https://github.com/influxdata/influxdata-docker/tree/master/influxdb"},
		},
		{
			Name: "etcd", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"2379/tcp", "2380/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"etcd-server", "etcd"},
					Account: packaged("etcd", 999, 999, "/var/lib/etcd"),
					Writes: []Path{
						tree("/var/lib/etcd").mode(0o700).why("the package gives it away only when it makes the account itself"),
						dir("{workdir}/default.etcd").optional().mode(0o700).why("its data when no --data-dir is given"),
					},
					VerifiedLab: "bookworm",
				},
				{
					Images: []string{"quay.io/coreos/etcd", "gcr.io/etcd-development/etcd"},
					Writes: []Path{dir("/var/etcd"), dir("/var/lib/etcd"), dir("{workdir}/default.etcd").optional()},
				},
			},
			Sources: []string{debian("etcd"), "https://github.com/etcd-io/etcd/blob/main/Dockerfile", "https://etcd.io/docs/v3.5/op-guide/configuration/"},
		},
		{
			Name: "elasticsearch", Aliases: []string{"eswrapper", "org.elasticsearch.bootstrap.Elasticsearch"}, Root: NeverRoot,
			Why:   "It refuses to run as root.",
			Ports: []string{"9200/tcp", "9300/tcp"},
			Variants: []Variant{{
				Images:  []string{"elasticsearch", "docker.elastic.co/elasticsearch/elasticsearch"},
				Account: shipped("elasticsearch", 1000, 0, "/usr/share/elasticsearch").group("root"),
				Writes:  []Path{tree("/usr/share/elasticsearch/data").owned(), tree("/usr/share/elasticsearch/logs").owned(), tree("/usr/share/elasticsearch/config").owned()},
				Note:    "The image is non-root with group 0, so that any uid of that group can run it.",
			}},
			Unpacked: &Unpacked{Env: []string{"ES_HOME", "ELASTICSEARCH_HOME"}, Writes: []Path{
				tree("{prefix}/data"), tree("{prefix}/logs"), dir("{prefix}/config").why("the keystore that the first start makes"),
			}},
			Sources: []string{"https://www.elastic.co/guide/en/elasticsearch/reference/current/docker.html", "https://github.com/elastic/dockerfiles"},
		},
		{
			Name: "opensearch", Aliases: []string{"opensearch-docker-entrypoint.sh"}, Root: NeverRoot,
			Why:   "It refuses to run as root.",
			Ports: []string{"9200/tcp", "9300/tcp", "9600/tcp"},
			Variants: []Variant{{
				Images:  []string{"opensearchproject/opensearch"},
				Account: shipped("opensearch", 1000, 1000, "/usr/share/opensearch"),
				Writes:  []Path{tree("/usr/share/opensearch/data").owned(), tree("/usr/share/opensearch/logs").owned(), tree("/usr/share/opensearch/config").owned()},
			}},
			Sources: []string{"https://github.com/opensearch-project/opensearch-build/tree/main/docker"},
		},
		{
			Name: "solr", Aliases: []string{"solr-foreground", "solr-precreate"}, Root: NeverRoot,
			Why:   "It refuses to run as root unless --force is given.",
			Ports: []string{"8983/tcp"},
			Variants: []Variant{{
				Images: []string{"solr"}, Account: shipped("solr", 8983, 8983, "/var/solr"),
				Writes: []Path{dir("/var/solr").owned().volume()},
				Note:   "The image is already non-root.",
			}},
			Unpacked: &Unpacked{Env: []string{"SOLR_PREFIX", "SOLR_DIST"}, Writes: []Path{tree("{prefix}/server/solr"), dir("{prefix}/server/logs")}},
			Sources:  []string{"https://github.com/apache/solr-docker/blob/main/9.10/Dockerfile"},
		},
		{
			Name: "minio", Root: CanRoot, Home: true,
			Why:   "It needs nothing of root.",
			Ports: []string{"9000/tcp", "9001/tcp"},
			Variants: []Variant{{
				Images: []string{"minio/minio", "quay.io/minio/minio"},
				Writes: []Path{dir("/data").volume().why("the directory given to minio server"), dir("{home}/.minio").optional()},
			}},
			Sources: []string{"https://github.com/minio/minio/blob/master/Dockerfile.release"},
		},
	}
}

func mysqlUser() Need {
	return Need{Setting: "--user, user =", Effect: "ignored with a warning when the server does not start as root", Fix: "leave it"}
}

func memcachedUser() Need {
	return Need{Setting: "-u", Effect: "ignored when memcached does not start as root", Fix: "leave it"}
}

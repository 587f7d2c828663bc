package programs

// databaseBackups read the files of a database server past it. Those that ask the server
// over the network (mysqldump, pg_dump, pg_basebackup, barman's streaming) are not here.
func databaseBackups() []Program {
	return []Program{
		{
			Name: "xtrabackup", Aliases: []string{"innobackupex", "mariabackup", "mariadb-backup", "mysqlbackup", "xtrabackup_56"}, Root: CanRoot, OneShot: true,
			Why:      "It needs nothing of root but to read, and when it restores to write, the data directory of the server, which is closed to all but that server's account.",
			DataOf:   "a MySQL server",
			Variants: []Variant{{Packages: []string{"percona-xtrabackup", "mariadb-backup"}}},
			Sources: []string{"https://docs.percona.com/percona-xtrabackup/8.0/privileges.html", "https://mariadb.com/docs/server/server-usage/backup-and-restore/mariadb-backup",
				"https://dev.mysql.com/doc/mysql-enterprise-backup/9.4/en/mysqlbackup-os-user.html"},
		},
		{
			Name: "pgbackrest", Aliases: []string{"pg_probackup"}, Root: CanRoot, OneShot: true,
			Why:      "It needs nothing of root but to read, and when it restores to write, the cluster of the server, which is closed to all but that server's account.",
			DataOf:   "a PostgreSQL server",
			Unless:   []string{"server"},
			Variants: []Variant{{Packages: []string{"pgbackrest"}}},
			Sources:  []string{"https://pgbackrest.org/user-guide.html", "https://www.postgresql.org/docs/current/creating-cluster.html", "https://postgrespro.github.io/pg_probackup/"},
		},
		{
			Name: "wal-g", Aliases: []string{"wal-e"}, Root: CanRoot, OneShot: true,
			Why:      "It needs nothing of root but to read, and when it restores to write, the files of the database server, which are closed to all but that server's account.",
			DataOf:   "a database server",
			Variants: []Variant{{Packages: []string{"wal-g", "wal-e"}}},
			Sources:  []string{"https://github.com/wal-g/wal-g/blob/master/docs/PostgreSQL.md", "https://github.com/wal-e/wal-e", "https://www.postgresql.org/docs/current/creating-cluster.html"},
		},
	}
}

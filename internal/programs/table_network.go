package programs

// mailAndFiles are servers that keep several accounts apart, and their
// simpler relatives.
func mailAndFiles() []Program {
	return []Program{
		{
			Name: "postfix", Aliases: []string{"master", "postfix-script"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:     "Its master changes to several accounts and delivers mail as its owners; started by another account it stops.",
			Instead: "for sending only: msmtp, or a relay outside the container",
			Ports:   []string{"25/tcp", "587/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"postfix"}, Account: packaged("postfix", 999, 999, "/var/spool/postfix").insists(),
				Writes: []Path{tree("/var/spool/postfix").owned(), dir("/var/lib/postfix").owned()},
			}},
			Sources: []string{debian("postfix"), "https://www.postfix.org/OVERVIEW.html", "https://www.postfix.org/MAILLOG_README.html"},
		},
		{
			Name: "exim4", Aliases: []string{"exim"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:     "It delivers mail as its owners and is setuid root for it.",
			Instead: "for sending only: msmtp, or a relay outside the container",
			Ports:   []string{"25/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"exim4", "exim4-daemon-light", "exim4-daemon-heavy"}, Account: packaged("Debian-exim", 999, 999, "/var/spool/exim4").insists(),
				Writes: []Path{tree("/var/spool/exim4").owned(), tree("/var/log/exim4").owned(), dir("/run/exim4").owned()},
			}},
			Sources: []string{debian("exim4"), "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-security_considerations.html"},
		},
		{
			Name: "dovecot", Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:     "Its processes change to the accounts of login and mail users.",
			Instead: "the official dovecot image from 2.4 runs non-root as vmail (1000)",
			Ports:   []string{"143/tcp", "993/tcp", "110/tcp", "995/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"dovecot-core", "dovecot-imapd"}, Account: packaged("dovecot", 999, 999, "/usr/lib/dovecot"),
			}},
			Sources: []string{debian("dovecot"), "https://doc.dovecot.org/2.4.0/installation/docker.html", "https://doc.dovecot.org/2.3/configuration_manual/howto/rootless/"},
		},
		{
			Name: "sendmail", Aliases: []string{"sendmail-mta"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why: "It delivers mail as its owners.", Instead: "for sending only: msmtp, or a relay outside the container", Ports: []string{"25/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"sendmail", "sendmail-bin"}}},
			Sources:  []string{debian("sendmail")},
		},
		{
			Name: "vsftpd", Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:      "It changes to the account of who logs in and into a chroot.",
			Instead:  "run_as_launching_user=YES with anonymous access only, or an SFTP or HTTP server with its own user database",
			Ports:    []string{"21/tcp", "20/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"vsftpd"}}},
			Sources:  []string{debian("vsftpd"), "https://security.appspot.com/vsftpd/vsftpd_conf.html"},
		},
		{
			Name: "proftpd", Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:      "It changes to the account of who logs in and into a chroot.",
			Instead:  "an SFTP or HTTP server with its own user database",
			Ports:    []string{"21/tcp", "20/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"proftpd", "proftpd-core", "proftpd-basic"}}},
			Sources:  []string{debian("proftpd-dfsg"), "http://www.proftpd.org/docs/howto/Nonroot.html"},
		},
		{
			Name: "pure-ftpd", Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:      "It changes to the account of who logs in and into a chroot.",
			Instead:  "an SFTP or HTTP server with its own user database",
			Ports:    []string{"21/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"pure-ftpd"}}},
			Sources:  []string{debian("pure-ftpd")},
		},
		{
			Name: "smbd", Aliases: []string{"samba", "nmbd", "winbindd", "ksmbd"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:      "It changes to the account of who uses a share.",
			Instead:  "nothing with the same protocol; a WebDAV server can run as any account",
			Ports:    []string{"139/tcp", "445/tcp", "137/udp", "138/udp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"samba"}}},
			Sources:  []string{debian("samba"), "https://wiki.samba.org/index.php/Setting_up_Samba_as_a_Standalone_Server"},
		},
		{
			Name: "nfsd", Aliases: []string{"rpc.nfsd", "rpcbind", "rpc.mountd", "rpc.statd", "exportfs"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Capabilities: []string{"cap_sys_admin"},
			Why:          "It drives the kernel's NFS server, which needs CAP_SYS_ADMIN.", Instead: "serve from the host, or with nfs-ganesha, which needs no kernel server", Ports: []string{"2049/tcp", "111/tcp", "111/udp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"nfs-kernel-server", "rpcbind"}}},
			Sources:  []string{debian("nfs-utils")},
		},
		{
			Name: "rsyncd", Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:          "It changes its root directory and its account for each module, and reads secrets that belong to root.",
			Instead:      "use chroot = no and neither uid nor gid in rsyncd.conf, secrets that belong to the user, and a port above 1023: rsync --daemon then runs as any account",
			Capabilities: []string{"cap_sys_chroot", "cap_setuid", "cap_setgid"},
			Ports:        []string{"873/tcp"},
			Invocations:  []Invocation{{Name: "rsync", Words: []string{"--daemon"}, Values: []string{"--config", "--port", "--log-file", "--address", "--bwlimit", "-M", "--dparam"}}},
			Variants:     []Variant{{}},
			Sources:      []string{"https://download.samba.org/pub/rsync/rsyncd.conf.5", "https://download.samba.org/pub/rsync/rsync.1", debian("rsync")},
		},
		{
			Name: "bareos-fd", Aliases: []string{"bacula-fd", "urbackupclientbackend"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:          "It reads the files of every account to back them up, and writes them when it restores.",
			Instead:      "root with DAC_READ_SEARCH alone for backups of what is mounted; or the group of the files, where one may read them all",
			Capabilities: []string{"cap_dac_read_search"},
			Ports:        []string{"9102/tcp"},
			Variants:     []Variant{{Packages: []string{"bareos-filedaemon", "bacula-fd", "bacula-client"}, Needs: []Need{initgroups()}}},
			Sources:      []string{"https://docs.bareos.org/", "https://github.com/bareos/bareos/blob/master/core/src/lib/priv.cc", debian("bacula"), "https://www.urbackup.org/client_debian_ubuntu_install.html"},
		},
		burp(),
		{
			Name: "borg", Aliases: []string{"borgmatic", "restic", "autorestic", "duplicity", "duply", "rsnapshot", "rdiff-backup", "kopia", "tarsnap", "attic", "bupstash", "duplicacy", "obnam", "bup"},
			Root: NeedsRoot, Reason: "needs-root-daemon", OneShot: true,
			Why:          "It reads the files of every account to back them up, and writes them when it restores.",
			Instead:      "root with DAC_READ_SEARCH alone for backups of what is mounted; or the group of the files, where one may read them all",
			Capabilities: []string{"cap_dac_read_search"},
			Unless:       []string{"serve", "server"}, // the other end keeps what it is sent
			Variants:     []Variant{{Packages: []string{"borgbackup", "borgmatic", "restic", "duplicity", "duply", "rsnapshot", "rdiff-backup"}}},
			Sources: []string{"https://borgbackup.readthedocs.io/en/stable/faq.html", "https://restic.readthedocs.io/en/stable/080_examples.html#backing-up-your-system-without-running-restic-as-root",
				"https://manpages.debian.org/rsnapshot"},
		},
		{
			Name: "bareos-dir", Aliases: []string{"bareos-sd", "bacula-dir", "bacula-sd"}, Root: CanRoot,
			Why:   "It needs root only to change to the account of -u and -g.",
			Ports: []string{"9101/tcp", "9103/tcp"},
			Variants: []Variant{{
				Packages: []string{"bareos-director", "bareos-storage", "bacula-director", "bacula-sd", "bacula-director-pgsql", "bacula-director-mysql", "bacula-director-sqlite3"},
				Needs:    []Need{initgroups()},
			}},
			Sources: []string{"https://github.com/bareos/bareos/blob/master/core/src/lib/priv.cc", debian("bacula")},
		},
		{
			Name: "slapd", Root: CanRoot,
			Why:   "It needs root only to bind low ports and to change to the account of -u and -g.",
			Ports: []string{"389/tcp", "636/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"slapd"},
				Account: packaged("openldap", 999, 999, "/var/lib/ldap").insists(),
				Writes:  []Path{tree("/var/lib/ldap").owned(), dir("/run/slapd").owned(), tree("/etc/ldap/slapd.d").owned()},
				Pid:     "/run/slapd/slapd.pid", Sockets: []string{"/run/slapd/ldapi"},
				Needs:       []Need{{Setting: "-u, -g", Accounts: []string{"-u", "-g"}, Own: true, Effect: "slapd stops where they name another account: Could not set real group id", Fix: "leave them out", Fatal: true}},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("openldap"), "https://www.openldap.org/software/man.cgi?query=slapd", "https://github.com/openldap/openldap/blob/master/servers/slapd/user.c"},
		},
		{
			Name: "freeradius", Aliases: []string{"radiusd"}, Root: CanRoot,
			Why:   "It needs root only to change to the account of its user setting.",
			Ports: []string{"1812/udp", "1813/udp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"freeradius"},
				Account:     packaged("freerad", 999, 999, "/etc/freeradius").groups("shadow").insists(),
				Writes:      []Path{dir("/run/freeradius"), tree("/var/log/freeradius").owned()},
				Reads:       []Path{tree("/etc/freeradius").owned()},
				VerifiedLab: "bookworm",
			}, {
				Families: []string{"alpine"}, Packages: []string{"freeradius"},
				Account: packaged("radius", 95, 95, "/etc/raddb").insists(),
				Writes:  []Path{dir("/run/radius").owned(), tree("/var/log/radius").owned()},
				Reads:   []Path{tree("/etc/raddb").owned()},
				Note:    "/etc/raddb belongs to the group of the account; its radiusd.conf names it as user and group.",
			}},
			Sources: []string{debian("freeradius"), alpine("main/freeradius")},
		},
		{
			Name: "prosody", Aliases: []string{"prosodyctl", "ejabberdctl", "ejabberd"}, Root: NeverRoot,
			Why:   "It refuses to run as root.",
			Ports: []string{"5222/tcp", "5269/tcp", "5280/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"prosody"},
				Account:     packaged("prosody", 999, 999, "/var/lib/prosody").groups("ssl-cert").insists(),
				Writes:      []Path{dir("/var/lib/prosody").owned(), dir("/var/log/prosody").owned(), dir("/run/prosody")},
				Reads:       []Path{tree("/etc/prosody").owned()},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("prosody")},
		},
		{
			Name: "murmurd", Aliases: []string{"mumble-server"}, Root: CanRoot,
			Why: "It needs root only to change to the account of its configuration.", Ports: []string{"64738/tcp", "64738/udp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"mumble-server"},
				Writes: []Path{dir("/var/lib/mumble-server").optional(), dir("/var/log/mumble-server").optional()},
			}},
			Sources: []string{debian("mumble")},
		},
		{
			Name: "ngircd", Aliases: []string{"inspircd", "unrealircd"}, Root: CanRoot,
			Why: "It needs root only to change to the account of its configuration.", Ports: []string{"6667/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"ngircd"},
			}},
			Sources: []string{debian("ngircd")},
		},
		{
			Name: "znc", Root: CanRoot,
			Why: "It needs root only to change to the account of its configuration.", Ports: []string{"6667/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"znc"},
				Writes: []Path{dir("{home}/.znc").optional()},
			}},
			Sources: []string{debian("znc")},
		},
		{
			Name: "opendkim", Aliases: []string{"opendmarc"}, Root: CanRoot,
			Why: "It needs root only to change to its UserID setting.", Ports: []string{"8891/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"opendkim", "opendmarc"},
				Account: packaged("opendkim", 999, 999, "/run/opendkim").insists(),
				Writes:  []Path{dir("/run/opendkim")},
				Reads:   []Path{tree("/etc/dkimkeys")},
			}},
			Sources: []string{debian("opendkim")},
		},
		clam("clamd", "It needs root only to read every file and to change to its User setting.", []string{"3310/tcp"}, "clamav-daemon", "clamav-freshclam"),
		clam("freshclam", "It needs root only to change to its DatabaseOwner setting.", nil, "clamav-freshclam", "clamav-daemon", "clamav"),
		{
			Name: "spamd", Root: CanRoot,
			Why: "It needs root only to change to the accounts of the users it checks mail for.", Ports: []string{"783/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"spamd", "spamassassin"}, Account: packaged("debian-spamd", 999, 999, "/var/lib/spamassassin"), Writes: []Path{tree("/var/lib/spamassassin")}}},
			Sources:  []string{debian("spamassassin")},
		},
	}
}

// burp is client and server in one, by the mode of its configuration.
func burp() Program {
	return Program{
		Name: "burp", Root: NeedsRoot, Reason: "needs-root-daemon",
		Why:          "As a client it reads the files of every account, and writes them when it restores; as a server it changes to the account of user and group in its configuration itself.",
		Instead:      "for a client root with DAC_READ_SEARCH alone; for a server the account that its configuration names, as the owner of its directory, its certificates and its lock file",
		Capabilities: []string{"cap_dac_read_search"},
		Ports:        []string{"4971/tcp", "4972/tcp"},
		Variants:     []Variant{{Packages: []string{"burp", "burp-client", "burp-server"}}},
		Sources:      []string{"https://burp.grke.org/docs/manpage.html", "https://github.com/grke/burp/blob/master/configs/server/burp.conf.in"},
	}
}

// initgroups is the way in which Bareos and Bacula change to an account: it fails even where
// they run as that account already.
func initgroups() Need {
	return Need{Setting: "-u, -g", Accounts: []string{"-u", "--user", "-g", "--group"}, Effect: "it changes to that account itself, and stops where it is not root: Could not initgroups", Fix: "leave them out, or keep root with SETUID and SETGID", Fatal: true}
}

// clam is one of ClamAV's two daemons, of which the second fetches what the first one looks for.
func clam(name, why string, ports []string, packages ...string) Program {
	return Program{
		Name: name, Root: CanRoot, Why: why, Ports: ports,
		Variants: []Variant{
			{
				Families: []string{"debian"}, Packages: packages,
				Account: packaged("clamav", 999, 999, "/var/lib/clamav").insists(),
				Writes:  []Path{tree("/var/lib/clamav"), tree("/var/log/clamav"), dir("/run/clamav")},
			},
			{Images: []string{"clamav/clamav"}, Account: shipped("clamav", 100, 101, "/var/lib/clamav"), Writes: []Path{dir("/var/lib/clamav").owned().volume(), dir("/var/log/clamav").owned(), dir("/run/clamav").owned()}},
		},
		Sources: []string{debian("clamav"), "https://github.com/Cisco-Talos/clamav-docker"},
	}
}

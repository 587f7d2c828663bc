package programs

func proxies() []Program {
	return []Program{
		{
			Name: "haproxy", Aliases: []string{"haproxy-systemd-wrapper"}, Root: CanRoot,
			Why:   "It needs root for chroot and to change to the account in its configuration.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"haproxy"},
					Account:     packaged("haproxy", 999, 999, "/var/lib/haproxy").insists(),
					Writes:      []Path{dir("/run/haproxy").why("the stats socket"), dir("/var/lib/haproxy").optional().why("server state, and /dev/log where rsyslog puts it")},
					Sockets:     []string{"/run/haproxy/admin.sock"},
					Needs:       haproxyNeeds("/etc/haproxy/haproxy.cfg", true),
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine", "rhel", "arch", "suse"}, Packages: []string{"haproxy"},
					Account: packaged("haproxy", 99, 99, "/var/lib/haproxy").insists(),
					Writes:  []Path{dir("/run/haproxy"), dir("/var/lib/haproxy")},
					Needs:   haproxyNeeds("/etc/haproxy/haproxy.cfg", true),
				},
				{
					Images: []string{"haproxy", "haproxytech/haproxy-debian", "haproxytech/haproxy-alpine"}, Account: shipped("haproxy", 99, 99, "/var/lib/haproxy"),
					Writes: []Path{dir("/var/lib/haproxy").owned()},
					Needs:  haproxyNeeds("/usr/local/etc/haproxy/haproxy.cfg", false),
					Note:   "The image is non-root since 2.4.",
				},
			},
			Sources: []string{
				debian("haproxy"), alpine("main/haproxy"), fedora("haproxy"),
				"https://github.com/docker-library/haproxy/blob/master/3.0/Dockerfile",
				"https://docs.haproxy.org/2.6/configuration.html#3.1-chroot",
			},
		},
		{
			Name: "varnishd", Root: CanRoot,
			Why:   "It needs root only to keep its two processes apart; without, it runs with the jail none.",
			Ports: []string{"80/tcp", "6081/tcp", "6082/tcp", "8443/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"varnish"},
					Account:     packaged("varnish", 999, 999, "/nonexistent"),
					Writes:      []Path{tree("/var/lib/varnish").why("shared memory and compiled VCL, in a directory named after the host")},
					Reads:       []Path{file("/etc/varnish/secret").optional().why("with -S")},
					VerifiedLab: "bookworm",
				},
				{
					Images: []string{"varnish"}, Account: shipped("varnish", 1000, 1000, "/home/varnish"),
					Writes: []Path{dir("/var/lib/varnish").owned()},
					Note:   "The image is already non-root.",
				},
			},
			Sources: []string{debian("varnish"), "https://github.com/varnish/docker-varnish", "https://varnish-cache.org/docs/7.1/reference/varnishd.html#jail-options"},
		},
		{
			Name: "squid", Root: CanRoot,
			Why:   "It needs root only to change to cache_effective_user.",
			Ports: []string{"3128/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"squid", "squid-openssl"}, Images: nil,
					Account: Account{Name: "proxy", UID: 13, GID: 13, Home: "/bin", Made: MadeByBase},
					Writes:  []Path{tree("/var/log/squid").owned(), tree("/var/spool/squid").owned(), file("/run/squid.pid")},
					Pid:     "/run/squid.pid",
					Needs: []Need{{
						Setting: "pinger_enable", File: "/etc/squid/squid.conf",
						Effect: "without its setuid bit /usr/lib/squid/pinger cannot open a raw socket and squid goes on without it",
						Fix:    "leave it, or set pinger_enable off", Default: true,
					}},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"squid"},
					Account: packaged("squid", 31, 31, "/var/cache/squid"),
					Writes:  []Path{tree("/var/log/squid").owned(), tree("/var/cache/squid").owned(), dir("/run/squid"), file("/run/squid.pid")},
				},
				{
					Families: []string{"rhel"}, Packages: []string{"squid"},
					Account: packaged("squid", 23, 23, "/var/spool/squid"),
					Writes:  []Path{tree("/var/log/squid").owned(), tree("/var/spool/squid").owned(), dir("/run/squid"), file("/run/squid.pid")},
				},
				{
					Images: []string{"ubuntu/squid"}, Account: Account{Name: "proxy", UID: 13, GID: 13, Home: "/bin", Made: MadeByBase},
					Writes: []Path{tree("/var/log/squid").volume(), tree("/var/spool/squid").volume(), file("/run/squid.pid")},
					Pid:    "/run/squid.pid",
				},
			},
			Sources: []string{debian("squid"), alpine("main/squid"), fedora("squid"), "http://www.squid-cache.org/Doc/config/cache_effective_user/"},
		},
		{
			Name: "traefik", Root: CanRoot,
			Why:   "It needs nothing of root where low ports are free to bind.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{{
				Images: []string{"traefik"},
				Writes: []Path{file("{workdir}/acme.json").optional().mode(0o600).why("certificates; it insists on mode 0600")},
			}},
			Sources: []string{"https://github.com/traefik/traefik-library-image/blob/master/v3.7/alpine/Dockerfile"},
		},
		{
			Name: "envoy", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"10000/tcp", "9901/tcp"},
			Variants: []Variant{{
				Images: []string{"envoyproxy/envoy"}, Account: shipped("envoy", 101, 101, "/home/envoy"),
				Needs: []Need{{Setting: "ENVOY_UID", Effect: "the entry point changes to envoy (101) only when it starts as root", Fix: "leave it", Default: true}},
			}},
			Sources: []string{"https://github.com/envoyproxy/envoy/blob/main/ci/docker-entrypoint.sh"},
		},
		{
			Name: "tor", Root: CanRoot, Home: true,
			Why:   "It needs root only to bind low ports and to change to its User setting.",
			Ports: []string{"9050/tcp", "9001/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"tor"},
					Account: packaged("debian-tor", 999, 999, "/var/lib/tor").insists(),
					Writes:  []Path{tree("/var/lib/tor").owned().mode(0o700), tree("/var/log/tor").owned(), dir("/run/tor").mode(0o700)},
					Pid:     "/run/tor/tor.pid", Sockets: []string{"/run/tor/socks", "/run/tor/control"},
					Note:        "tor checks that its directories belong to who runs it.",
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"tor"},
					Account: packaged("tor", 100, 101, "/var/lib/tor").insists(),
					Writes:  []Path{tree("/var/lib/tor").owned().mode(0o700), tree("/var/log/tor")},
				},
			},
			Sources: []string{debian("tor"), alpine("community/tor"), "https://2019.www.torproject.org/docs/tor-manual.html.en#User"},
		},
		{
			Name: "privoxy", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"8118/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"privoxy"},
				Account:     packaged("privoxy", 999, 65534, "/etc/privoxy").group("nogroup"),
				Writes:      []Path{dir("/var/log/privoxy").owned(), dir("/var/lib/privoxy/certs").owned().optional()},
				Needs:       []Need{privoxyUser()},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("privoxy"), "https://www.privoxy.org/user-manual/startup.html"},
		},
		{
			Name: "tinyproxy", Root: CanRoot,
			Why:   "It needs root only to change to its User setting.",
			Ports: []string{"8888/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"tinyproxy", "tinyproxy-bin"},
				Account:     packaged("tinyproxy", 999, 999, "/run/tinyproxy"),
				Writes:      []Path{dir("/run/tinyproxy"), dir("/var/log/tinyproxy")},
				Pid:         "/run/tinyproxy/tinyproxy.pid",
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("tinyproxy")},
		},
		{
			Name: "stunnel", Aliases: []string{"stunnel4", "stunnel3"}, Root: CanRoot,
			Why: "It needs root only for its chroot and setuid settings.",
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"stunnel4", "stunnel"},
				Account: packaged("stunnel4", 999, 999, "/var/run/stunnel4"),
				Writes:  []Path{dir("/run/stunnel4"), dir("/var/lib/stunnel4").owned().optional(), tree("/var/log/stunnel4").owned().optional()},
				Needs: []Need{
					{Setting: "chroot", File: "/etc/stunnel/stunnel.conf", Effect: "stunnel stops: chroot is not permitted", Fix: "remove the line", Capability: "cap_sys_chroot", Fatal: true},
					{Setting: "setgid", File: "/etc/stunnel/stunnel.conf", Changes: true, Effect: "stunnel stops: setgroups: Operation not permitted, be it the account that it runs as", Fix: "remove the line, and setuid with it", Fatal: true},
					{Setting: "setuid", File: "/etc/stunnel/stunnel.conf", Changes: true, Own: true, Effect: "stunnel stops where it names another account: setuid: Operation not permitted", Fix: "run it as that account, or remove the line", Fatal: true},
				},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("stunnel4"), "https://www.stunnel.org/static/stunnel.html", "https://github.com/mtrojnar/stunnel/blob/master/src/stunnel.c"},
		},
		{
			Name: "danted", Aliases: []string{"sockd"}, Root: NeedsRoot, Reason: "needs-root-daemon",
			Why:      "It changes between a privileged account and the client's to check passwords and to bind.",
			Instead:  "a SOCKS server that keeps one account, such as microsocks",
			Ports:    []string{"1080/tcp"},
			Variants: []Variant{{Families: []string{"debian"}, Packages: []string{"dante-server"}}},
			Sources:  []string{debian("dante"), "https://www.inet.no/dante/doc/1.4.x/config/users.html"},
		},
	}
}

func haproxyNeeds(file string, byDefault bool) []Need {
	return []Need{
		{
			Setting: "chroot", File: file,
			Effect: "haproxy stops: cannot chroot", Fix: "remove the line, or add the capability",
			Capability: "cap_sys_chroot", Fatal: true, Default: byDefault,
		},
		{
			Setting: "user, group, uid, gid", File: file, Changes: true, Own: true,
			Effect: "haproxy stops where they name another account than the one it runs as",
			Fix:    "run it as that account, or remove the lines", Fatal: true, Default: byDefault,
		},
	}
}

func privoxyUser() Need {
	return Need{Setting: "--user", Accounts: []string{"--user"}, Effect: "privoxy stops: Cannot setuid(): Insufficient permissions", Fix: "leave it out", Fatal: true}
}

func nameServers() []Program {
	return []Program{
		{
			Name: "unbound", Root: CanRoot,
			Why:   "It needs root only to bind low ports, for chroot and to change to its username setting.",
			Ports: []string{"53/tcp", "53/udp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"unbound"},
					Account: packaged("unbound", 999, 999, "/var/lib/unbound"),
					Writes:  []Path{tree("/var/lib/unbound").owned(), file("/run/unbound.pid")},
					Pid:     "/run/unbound.pid", Sockets: []string{"/run/unbound.ctl"},
					Needs: []Need{
						unboundUser("/etc/unbound/unbound.conf"), unboundChroot("/etc/unbound/unbound.conf"),
						{
							Setting: "control-interface: /run/unbound.ctl", File: "/etc/unbound/unbound.conf.d/remote-control.conf",
							Effect: "the socket cannot be made in /run and unbound stops", Fix: "put it into a directory that is owned, or set control-enable: no", Fatal: true, Default: true,
						},
						{
							Setting: "auto-trust-anchor-file", File: "/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf",
							Effect: "for root too: unbound stops without /var/lib/unbound/root.key, which only the init script copies", Fix: "install dns-root-data and copy /usr/share/dns/root.key there", Fatal: true, Anyone: true, Default: true,
						},
					},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"unbound"},
					Account: packaged("unbound", 100, 101, "/etc/unbound"),
					Writes:  []Path{tree("/etc/unbound").optional().why("the trust anchor"), file("/run/unbound.pid")},
					Needs:   []Need{unboundUser("/etc/unbound/unbound.conf"), unboundChroot("/etc/unbound/unbound.conf")},
				},
			},
			Sources: []string{debian("unbound"), alpine("main/unbound"), "https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html", "https://github.com/NLnetLabs/unbound/blob/master/daemon/unbound.c"},
		},
		{
			Name: "dnsmasq", Root: CanRoot,
			Why:   "As a name server it needs nothing of root; as a DHCP server it needs CAP_NET_ADMIN and CAP_NET_RAW.",
			Ports: []string{"53/tcp", "53/udp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"dnsmasq", "dnsmasq-base"},
					Account:     Account{Name: "dnsmasq", UID: 999, GID: 65534, Group: "nogroup", Home: "/var/lib/misc", Made: MadeByPackage},
					Writes:      []Path{dir("/run/dnsmasq").owned(), dir("/var/lib/misc").optional().why("DHCP leases")},
					Needs:       []Need{dnsmasqUser()},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"dnsmasq"},
					Account: packaged("dnsmasq", 100, 101, "/dev/null"),
					Writes:  []Path{dir("/var/lib/misc").optional()},
					Needs:   []Need{dnsmasqUser()},
				},
			},
			Sources: []string{debian("dnsmasq"), alpine("main/dnsmasq"), "https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html"},
		},
		{
			Name: "named", Aliases: []string{"bind", "bind9"}, Root: CanRoot,
			Why:   "It needs root only to bind low ports, for -t and to change to the account of -u.",
			Ports: []string{"53/tcp", "53/udp", "953/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"bind9"},
					Account:     packaged("bind", 999, 999, "/var/cache/bind"),
					Writes:      []Path{dir("/var/cache/bind").owned(), dir("/var/lib/bind").owned().optional(), dir("/run/named"), dir("/var/log/named").optional()},
					Reads:       []Path{file("/etc/bind/rndc.key").owned()},
					Pid:         "/run/named/named.pid",
					Needs:       []Need{{Setting: "-u", Accounts: []string{"-u"}, Own: true, Effect: "named stops where it names another account: setgid(): Operation not permitted", Fix: "run it as that account, or leave it out", Fatal: true}},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"bind"},
					Account: packaged("named", 25, 25, "/etc/bind"),
					Writes:  []Path{dir("/var/bind"), dir("/run/named"), dir("/var/log/named").optional()},
					Pid:     "/run/named/named.pid",
					Note:    "What is in /etc/bind belongs to the group named.",
				},
				{
					Families: []string{"rhel"}, Packages: []string{"bind"},
					Account: packaged("named", 25, 25, "/var/named"),
					Writes:  []Path{tree("/var/named").owned(), dir("/run/named").owned(), dir("/var/log/named").optional()},
					Pid:     "/run/named/named.pid",
					Note:    "/etc/named.conf belongs to the group named; the service makes /etc/rndc.key when it first starts.",
				},
				{
					Images: []string{"ubuntu/bind9", "internetsystemsconsortium/bind9"}, Account: packaged("bind", 101, 101, "/var/cache/bind"),
					Writes: []Path{dir("/var/cache/bind").volume(), dir("/var/lib/bind").volume(), dir("/run/named"), dir("/var/log/named").optional()},
				},
			},
			Sources: []string{debian("bind9"), alpine("main/bind"), fedora("bind"), "https://bind9.readthedocs.io/en/latest/manpages.html#named-internet-domain-name-server"},
		},
		{
			Name: "coredns", Root: CanRoot,
			Why:   "It needs nothing of root where low ports are free to bind.",
			Ports: []string{"53/tcp", "53/udp"},
			Variants: []Variant{{
				Images: []string{"coredns/coredns"}, Account: shipped("nonroot", 65532, 65532, "/home/nonroot"),
				Needs: []Need{{
					Setting: "cap_net_bind_service on /coredns", Effect: "with all capabilities dropped the kernel refuses to start it",
					Fix: "add the capability to the container", Capability: "cap_net_bind_service", Fatal: true, Default: true,
				}},
			}},
			Sources: []string{"https://github.com/coredns/coredns/blob/master/Dockerfile"},
		},
		{
			Name: "pdns_server", Aliases: []string{"pdns_server-startup", "pdns_recursor", "pdns-auth"}, Root: CanRoot,
			Why:   "It needs root only to bind low ports and for its setuid and setgid settings.",
			Ports: []string{"53/tcp", "53/udp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"pdns-server", "pdns-recursor"},
					Account: packaged("pdns", 999, 999, "/var/spool/powerdns"),
					Writes:  []Path{dir("/run/pdns"), dir("/run/pdns-recursor"), dir("/var/lib/powerdns").optional()},
					Reads:   []Path{file("/etc/powerdns/pdns.conf")},
				},
				{
					Images: []string{"powerdns/pdns-auth-49", "powerdns/pdns-recursor-51"}, Account: shipped("pdns", 953, 953, "/var/spool/powerdns"),
					Writes: []Path{dir("/var/run/pdns").owned(), dir("/var/lib/powerdns").owned()},
				},
			},
			Sources: []string{debian("pdns"), "https://github.com/PowerDNS/pdns/blob/master/Dockerfile-auth"},
		},
	}
}

func unboundUser(file string) Need {
	return Need{
		Setting: "username", File: file, Changes: true, Own: true,
		Effect: "unbound stops where it names another account than the one it runs as: unable to set group id",
		Fix:    "run it as that account, or set username to nothing", Fatal: true,
	}
}

func unboundChroot(file string) Need {
	return Need{
		Setting: "chroot", File: file,
		Effect: "unbound stops: unable to chroot", Fix: "set it to nothing, or add the capability",
		Capability: "cap_sys_chroot", Fatal: true,
	}
}

func dnsmasqUser() Need {
	return Need{
		Setting: "user", File: "/etc/dnsmasq.conf",
		Effect: "ignored where dnsmasq does not start as root", Fix: "leave it",
	}
}

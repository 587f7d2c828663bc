package programs

func webServers() []Program {
	return []Program{
		{
			Name: "nginx", Aliases: []string{"nginx-debug", "nginx-debian"}, Root: CanRoot,
			Why:   "Its master needs root only to bind low ports and to change to the account of its workers.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{
				{
					Families:    []string{"debian"},
					Packages:    []string{"nginx", "nginx-light", "nginx-core", "nginx-full", "nginx-extras"},
					Account:     wwwData(),
					Writes:      []Path{tree("/var/log/nginx"), tree("/var/lib/nginx"), file("/run/nginx.pid")},
					Pid:         "/run/nginx.pid",
					Needs:       []Need{nginxUser("/etc/nginx/nginx.conf")},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"nginx"},
					Account: packaged("nginx", 101, 101, "/var/lib/nginx"),
					Writes:  []Path{tree("/var/log/nginx"), tree("/var/lib/nginx"), dir("/run/nginx")},
					Pid:     "/run/nginx/nginx.pid",
					Needs:   []Need{nginxUser("/etc/nginx/nginx.conf")},
				},
				{
					Families: []string{"rhel", "suse"}, Packages: []string{"nginx", "nginx-core"},
					Account: packaged("nginx", 991, 991, "/var/lib/nginx"),
					Writes:  []Path{tree("/var/log/nginx"), tree("/var/lib/nginx"), file("/run/nginx.pid")},
					Pid:     "/run/nginx.pid",
					Needs:   []Need{nginxUser("/etc/nginx/nginx.conf")},
				},
				{
					Families: []string{"debian", "alpine"}, Images: []string{"nginx", "nginx/nginx"},
					Account: shipped("nginx", 101, 101, "/nonexistent"),
					Writes: []Path{
						dir("/var/cache/nginx"), file("/run/nginx.pid"),
						dir("/etc/nginx/conf.d").optional().why("the entry point writes files made from /etc/nginx/templates"),
					},
					Pid:   "/run/nginx.pid",
					Needs: []Need{nginxUser("/etc/nginx/nginx.conf")},
					Note:  "nginxinc/nginx-unprivileged is the same image set up for uid 101 and port 8080.",
				},
			},
			Sources: []string{
				debian("nginx"), alpine("main/nginx"), fedora("nginx"),
				"https://github.com/nginx/docker-nginx/blob/master/stable/debian/Dockerfile",
				"https://github.com/nginx/docker-nginx-unprivileged",
				"https://nginx.org/en/docs/ngx_core_module.html#user",
			},
		},
		{
			Name: "openresty", Root: CanRoot,
			Why:   "It is nginx under another prefix.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{{
				Images: []string{"openresty/openresty"}, Packages: []string{"openresty"},
				Account: Account{Name: "nobody", UID: 65534, GID: 65534, Made: MadeByBase},
				Writes:  []Path{tree("/usr/local/openresty/nginx/logs"), dir("/var/run/openresty"), dir("/usr/local/openresty/nginx")},
				Pid:     "/usr/local/openresty/nginx/logs/nginx.pid",
				Needs:   []Need{nginxUser("/usr/local/openresty/nginx/conf/nginx.conf")},
				Note:    "nobody is the account of its workers; a new account serves as well.",
			}},
			Sources: []string{"https://github.com/openresty/docker-openresty/blob/master/bookworm/Dockerfile"},
		},
		{
			Name: "apache2", Root: CanRoot,
			Aliases: []string{"apache2ctl", "apachectl", "httpd", "apache2-foreground", "httpd-foreground", "httpd.worker", "httpd-prefork"},
			Forks:   map[string]string{"httpd": "httpd"},
			Why:     "Its parent needs root only to bind low ports and to change to the account of its children.",
			Ports:   []string{"80/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"apache2", "apache2-bin", "libapache2-mod-php"},
					Account: wwwData(),
					Writes: []Path{
						tree("/var/log/apache2"), dir("/run/apache2"), dir("/run/lock/apache2"),
						tree("/var/cache/apache2/mod_cache_disk").owned().optional(),
					},
					Reads: []Path{file("/etc/ssl/private/ssl-cert-snakeoil.key").optional()},
					Pid:   "/run/apache2/apache2.pid",
					Needs: []Need{{
						Setting: "APACHE_RUN_DIR, APACHE_PID_FILE, APACHE_LOCK_DIR, APACHE_LOG_DIR", File: "/etc/apache2/envvars",
						Effect: "apache2 started by itself, not by apache2ctl, stops because the variables are not set",
						Fix:    "start it by apache2ctl -D FOREGROUND, which reads the file", Default: true,
					}},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"apache2"},
					Account: packaged("apache", 100, 101, "/var/www"),
					Writes:  []Path{tree("/var/log/apache2"), dir("/run/apache2")},
					Pid:     "/run/apache2/httpd.pid",
				},
				{
					Families: []string{"rhel"}, Packages: []string{"httpd", "httpd-core"},
					Account: packaged("apache", 48, 48, "/usr/share/httpd"),
					Writes:  []Path{tree("/var/log/httpd"), tree("/run/httpd"), tree("/var/cache/httpd").owned().optional()},
					Pid:     "/run/httpd/httpd.pid",
					Note:    "The package makes its account with the fixed number 48.",
				},
				{
					Families: []string{"debian"}, Images: []string{"httpd"},
					Account: wwwData(), Writes: []Path{dir("/usr/local/apache2/logs")},
					Pid: "/usr/local/apache2/logs/httpd.pid",
				},
				{
					Families: []string{"alpine"}, Images: []string{"httpd"},
					Account: wwwDataAlpine(MadeByImage), Writes: []Path{dir("/usr/local/apache2/logs")},
					Pid: "/usr/local/apache2/logs/httpd.pid",
				},
				{
					Families: []string{"debian"}, Images: []string{"php", "wordpress", "drupal", "joomla", "nextcloud", "matomo", "phpmyadmin", "mediawiki"},
					Account: wwwData(),
					Writes: []Path{
						dir("/var/run/apache2").owned(), dir("/var/lock/apache2").owned(), tree("/var/log/apache2").owned(),
						dir("/var/www/html").owned().optional().why("the application, where its entry point unpacks it or it stores uploads"),
					},
					Pid:  "/var/run/apache2/apache2.pid",
					Note: "The image gives its run, lock and log directories to www-data with mode 1777.",
				},
			},
			Sources: []string{
				debian("apache2"), alpine("main/apache2"), fedora("httpd"),
				"https://github.com/docker-library/httpd/blob/master/2.4/Dockerfile",
				"https://github.com/docker-library/php/blob/master/8.4/bookworm/apache/Dockerfile",
				"https://httpd.apache.org/docs/2.4/mod/mod_unixd.html#user",
			},
		},
		{
			Name: "php-fpm", Root: CanRoot, Versioned: true,
			Why:   "Its master needs root only to change to the accounts of its pools.",
			Ports: []string{"9000/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"php-fpm"}, Version: "8.2",
					Account: wwwData().insists(),
					Writes: []Path{
						dir("/run/php").owned(), file("/var/log/php{version}-fpm.log"),
						dir("/var/lib/php/sessions").optional(),
					},
					Pid: "/run/php/php{version}-fpm.pid", Sockets: []string{"/run/php/php{version}-fpm.sock"},
					Needs:       []Need{phpPool("/etc/php/{version}/fpm/pool.d/www.conf")},
					Note:        "It gives its socket to www-data, which no other account may do.",
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"php-fpm"}, Version: "83",
					Account: Account{Name: "nobody", UID: 65534, GID: 65534, Made: MadeByBase},
					Writes:  []Path{tree("/var/log/php{version}")},
					Needs:   []Need{phpPool("/etc/php{version}/php-fpm.d/www.conf")},
					Note:    "nobody is the account of its workers; a new account serves as well.",
				},
				{
					Families: []string{"rhel"}, Packages: []string{"php-fpm"},
					Account: packaged("apache", 48, 48, "/usr/share/httpd").insists(),
					Writes:  []Path{dir("/run/php-fpm"), tree("/var/log/php-fpm"), tree("/var/lib/php/session").owned()},
					Pid:     "/run/php-fpm/php-fpm.pid", Sockets: []string{"/run/php-fpm/www.sock"},
					Needs: []Need{phpPool("/etc/php-fpm.d/www.conf")},
				},
				{
					Families: []string{"debian"}, Images: []string{"php", "wordpress", "drupal", "joomla", "nextcloud", "matomo", "phpmyadmin", "mediawiki"},
					Account: wwwData(),
					Writes:  []Path{dir("/var/www/html").owned().optional().why("the application, where its entry point unpacks it or it stores uploads")},
					Needs:   []Need{phpPool("/usr/local/etc/php-fpm.d/www.conf")},
					Note:    "It logs to standard error and listens on a port, so it writes nothing of its own.",
				},
				{
					Families: []string{"alpine"}, Images: []string{"php", "wordpress", "drupal", "joomla", "nextcloud", "matomo", "phpmyadmin", "mediawiki"},
					Account: wwwDataAlpine(MadeByImage),
					Writes:  []Path{dir("/var/www/html").owned().optional().why("the application, where its entry point unpacks it or it stores uploads")},
					Needs:   []Need{phpPool("/usr/local/etc/php-fpm.d/www.conf")},
					Note:    "It logs to standard error and listens on a port, so it writes nothing of its own.",
				},
			},
			Sources: []string{
				debian("php8.2"), alpine("community/php83"), fedora("php"),
				"https://github.com/docker-library/php/blob/master/8.4/bookworm/fpm/Dockerfile",
				"https://www.php.net/manual/en/install.fpm.configuration.php",
			},
		},
		{
			Name: "lighttpd", Aliases: []string{"lighttpd-angel"}, Root: CanRoot,
			Why:   "It needs root only to bind low ports and to change to server.username.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"lighttpd"},
					Account:     wwwData(),
					Writes:      []Path{tree("/var/log/lighttpd").owned(), tree("/var/cache/lighttpd").owned(), file("/run/lighttpd.pid")},
					Pid:         "/run/lighttpd.pid",
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"lighttpd"},
					Account: packaged("lighttpd", 100, 101, "/var/www/localhost/htdocs"),
					Writes:  []Path{tree("/var/log/lighttpd").owned(), file("/run/lighttpd.pid"), tree("/var/cache/lighttpd").optional()},
					Pid:     "/run/lighttpd.pid",
				},
			},
			Sources: []string{debian("lighttpd"), alpine("main/lighttpd"), "https://redmine.lighttpd.net/projects/lighttpd/wiki/Server_usernameDetails"},
		},
		{
			Name: "caddy", Root: CanRoot, Home: true,
			Why:   "It needs nothing of root where low ports are free to bind.",
			Ports: []string{"80/tcp", "443/tcp", "443/udp", "2019/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"caddy"},
					Account:     packaged("caddy", 999, 999, "/var/lib/caddy").groups("www-data"),
					Writes:      []Path{tree("/var/lib/caddy").owned().why("certificates and the saved configuration"), tree("/var/log/caddy").owned().optional()},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"caddy"},
					Account: packaged("caddy", 100, 101, "/var/lib/caddy"),
					Writes:  []Path{tree("/var/lib/caddy").owned(), tree("/var/log/caddy").owned().optional()},
				},
				{
					Families: []string{"alpine"}, Images: []string{"caddy"},
					Writes: []Path{tree("/data").why("certificates"), tree("/config").why("the saved configuration")},
					Needs: []Need{{
						Setting:    "cap_net_bind_service=ep on /usr/bin/caddy",
						Effect:     "with all capabilities dropped the kernel refuses to start it, caddy version included",
						Fix:        "remove the capability with chown root:root /usr/bin/caddy, or add it to the container",
						Capability: "cap_net_bind_service", Fatal: true, Default: true,
					}},
				},
			},
			Sources: []string{
				debian("caddy"), alpine("community/caddy"),
				"https://github.com/caddyserver/caddy-docker/blob/master/Dockerfile.tmpl",
				"https://github.com/caddyserver/caddy-docker/issues/396",
				"https://caddyserver.com/docs/conventions#file-locations",
			},
		},
		{
			Name: "unit", Aliases: []string{"unitd", "unitd-debug"}, Root: CanRoot,
			Why:   "Its main process needs root only to start applications under other accounts.",
			Ports: []string{"80/tcp"},
			Variants: []Variant{{
				Images:  []string{"unit", "nginx/unit"},
				Account: shipped("unit", 999, 999, "/nonexistent"),
				Writes:  []Path{tree("/var/lib/unit"), file("/var/run/unit.pid"), dir("/var/run/unit"), file("/var/log/unit.log")},
				Pid:     "/var/run/unit.pid", Sockets: []string{"/var/run/control.unit.sock"},
				Needs: []Need{{
					Setting: "--control unix:/var/run/control.unit.sock",
					Effect:  "the socket cannot be made in /var/run", Fix: "put it into a directory of its own: --control unix:/var/run/unit/control.sock",
					Fatal: true, Default: true,
				}},
			}},
			Sources: []string{"https://github.com/nginx/unit/blob/master/pkg/docker/Dockerfile.minimal", "https://unit.nginx.org/configuration/#process-isolation"},
		},
		{
			Name: "fcgiwrap", Root: CanRoot,
			Why: "It only answers on the socket it is given.",
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"fcgiwrap"}, Account: wwwData(),
				Note:        "A socket directly in /run cannot be made by a user: put it into a directory that is owned.",
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("fcgiwrap")},
		},
	}
}

// nginxUser: nginx says "the "user" directive makes sense only if the master
// process runs with super-user privileges, ignored" and goes on.
func nginxUser(file string) Need {
	return Need{
		Setting: "user", File: file,
		Effect: "nginx warns that it is ignored", Fix: "leave it, or remove the line to be rid of the warning", Default: true,
	}
}

// phpPool: php-fpm says "'user' directive is ignored when FPM is not running
// as root" and goes on.
func phpPool(file string) Need {
	return Need{
		Setting: "user, group", File: file,
		Effect: "php-fpm notes that they are ignored", Fix: "leave them", Default: true,
	}
}

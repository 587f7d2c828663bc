package programs

const get = "GET / HTTP/1.0\r\nHost: x\r\n\r\n"

var labCases = []labCase{
	{
		program: "nginx", release: "bookworm", packages: "nginx", cmd: `["nginx", "-g", "daemon off;"]`,
		port: 80, send: get, want: "Welcome to nginx", runsRoot: true,
	},
	{
		program: "apache2", release: "bookworm", packages: "apache2", cmd: `["apachectl", "-D", "FOREGROUND"]`,
		port: 80, send: get, want: "It works", runsRoot: true,
	},
	{
		program: "php-fpm", release: "bookworm", packages: "php-fpm libfcgi-bin", cmd: `["php-fpm8.2", "-F"]`,
		exec: []string{"sh", "-c", "echo '<?php echo 41+1;' > /tmp/t.php; SCRIPT_FILENAME=/tmp/t.php REQUEST_METHOD=GET cgi-fcgi -bind -connect /run/php/php8.2-fpm.sock"}, want: "42", runsRoot: true,
	},
	{
		program: "lighttpd", release: "bookworm", packages: "lighttpd", cmd: `["lighttpd", "-D", "-f", "/etc/lighttpd/lighttpd.conf"]`,
		port: 80, send: get, want: "lighttpd|Placeholder|404|403", runsRoot: true,
	},
	{
		program: "caddy", release: "bookworm", packages: "caddy", cmd: `["caddy", "run", "--environ", "--config", "/etc/caddy/Caddyfile"]`,
		port: 80, send: get, want: "Caddy", runsRoot: true,
	},
	{
		program: "postgres", release: "bookworm", packages: "postgresql",
		lines: []string{`RUN echo "listen_addresses = '*'" >> /etc/postgresql/15/main/postgresql.conf`},
		cmd:   `["sh", "-c", "pg_ctlcluster 15 main start && exec tail -F /var/log/postgresql/postgresql-15-main.log"]`,
		port:  5432, runsRoot: true,
	},
	{
		program: "mysqld", release: "bookworm", packages: "mariadb-server", cmd: `["mariadbd", "--bind-address=0.0.0.0"]`,
		port: 3306, want: "MariaDB|not allowed",
	},
	{
		program: "redis-server", release: "bookworm", packages: "redis-server", cmd: `["redis-server", "/etc/redis/redis.conf", "--daemonize", "no", "--bind", "0.0.0.0", "--protected-mode", "no"]`,
		port: 6379, send: "SET k v\r\nSAVE\r\nGET k\r\nQUIT\r\n", want: `\+OK\r\n\+OK\r\n\$1\r\nv`, runsRoot: true,
	},
	{
		program: "valkey-server", release: "trixie", packages: "valkey-server", cmd: `["valkey-server", "/etc/valkey/valkey.conf", "--daemonize", "no", "--bind", "0.0.0.0", "--protected-mode", "no"]`,
		port: 6379, send: "SET k v\r\nSAVE\r\nGET k\r\nQUIT\r\n", want: `\+OK\r\n\+OK\r\n\$1\r\nv`, runsRoot: true,
	},
	{
		program: "memcached", release: "bookworm", packages: "memcached", cmd: `["memcached", "-u", "memcache", "-l", "0.0.0.0"]`,
		port: 11211, send: "version\r\nquit\r\n", want: "VERSION", runsRoot: true,
	},
	{
		program: "haproxy", release: "bookworm", packages: "haproxy",
		lines: []string{
			`RUN mkdir -p /run/haproxy && sed -i '/chroot/d' /etc/haproxy/haproxy.cfg && printf 'frontend f\n bind :80\n http-request return status 200 content-type text/plain string hello\n' >> /etc/haproxy/haproxy.cfg`,
		},
		cmd:  `["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]`,
		port: 80, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "varnishd", release: "bookworm", packages: "varnish", cmd: `["varnishd", "-F", "-a", ":6081", "-f", "/etc/varnish/default.vcl", "-s", "malloc,16m"]`,
		port: 6081, send: get, want: "503", runsRoot: true,
	},
	{
		program: "squid", release: "bookworm", packages: "squid", cmd: `["squid", "-N", "-d", "1"]`,
		port: 3128, send: get, want: "HTTP/1.1 4", runsRoot: true,
	},
	{
		program: "mosquitto", release: "bookworm", packages: "mosquitto", lines: []string{`RUN printf 'listener 1883\nallow_anonymous true\n' > /etc/mosquitto/conf.d/l.conf && mkdir -p /run/mosquitto && chown mosquitto /run/mosquitto`},
		cmd:  `["mosquitto", "-c", "/etc/mosquitto/mosquitto.conf"]`,
		port: 1883, runsRoot: true,
	},
	{
		program: "rabbitmq-server", release: "bookworm", packages: "rabbitmq-server", cmd: `["rabbitmq-server"]`, port: 5672, send: "hello rabbit!", want: "AMQP", runsRoot: true,
	},
	{
		program: "nats-server", release: "bookworm", packages: "nats-server", cmd: `["nats-server", "-c", "/etc/nats-server.conf", "-a", "0.0.0.0"]`, port: 4222, want: "INFO", runsRoot: true,
	},
	{
		program: "unbound", release: "bookworm", packages: "unbound dns-root-data", lines: []string{`RUN cp /usr/share/dns/root.key /var/lib/unbound/ && printf 'server:\n interface: 0.0.0.0\n access-control: 0.0.0.0/0 allow\n do-ip6: no\n' > /etc/unbound/unbound.conf.d/l.conf && sed -i "s#/run/unbound.ctl#/tmp/unbound.ctl#" /etc/unbound/unbound.conf.d/remote-control.conf`},
		cmd: `["unbound", "-d"]`, port: 53, runsRoot: true,
	},
	{
		program: "dnsmasq", release: "bookworm", packages: "dnsmasq", cmd: `["dnsmasq", "-k"]`, port: 53, runsRoot: true,
	},
	{
		program: "named", release: "bookworm", packages: "bind9", cmd: `["named", "-g", "-u", "bind"]`, port: 53, runsRoot: true,
	},
	{
		program: "catalina.sh", release: "bookworm", packages: "tomcat10",
		lines: []string{`ENV CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=/var/lib/tomcat10 CATALINA_TMPDIR=/tmp`},
		cmd:   `["/usr/share/tomcat10/bin/catalina.sh", "run"]`, port: 8080, send: get, want: "It works", runsRoot: true,
	},
	{
		program: "gunicorn", release: "bookworm", packages: "gunicorn",
		lines: []string{`RUN printf 'def app(e, s):\n    s("200 OK", [])\n    return [b"hello"]\n' > app.py`},
		cmd:   `["gunicorn", "-b", "0.0.0.0:8000", "app:app"]`, port: 8000, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "uwsgi", release: "bookworm", packages: "uwsgi-core uwsgi-plugin-python3",
		lines: []string{`RUN printf 'def application(e, s):\n    s("200 OK", [])\n    return [b"hello"]\n' > app.py`},
		cmd:   `["uwsgi", "--plugin", "http,python3", "--http-socket", ":8000", "--wsgi-file", "app.py", "--master"]`, port: 8000, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "uvicorn", release: "bookworm", packages: "uvicorn",
		lines: []string{`RUN printf 'async def app(c, r, s):\n    if c["type"] == "http":\n        await s({"type": "http.response.start", "status": 200})\n        await s({"type": "http.response.body", "body": b"hello"})\n' > app.py`},
		cmd:   `["uvicorn", "--host", "0.0.0.0", "app:app"]`, port: 8000, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "puma", release: "bookworm", packages: "puma",
		lines: []string{`RUN printf 'run lambda { |e| [200, {}, ["hello"]] }\n' > config.ru`},
		cmd:   `["puma", "-p", "9292"]`, port: 9292, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "python", release: "bookworm", packages: "python3", cmd: `["python3", "-m", "http.server", "8000"]`, port: 8000, send: get, want: "Directory listing", runsRoot: true,
	},
	{
		program: "node", release: "bookworm", packages: "nodejs",
		lines: []string{`RUN printf 'require("http").createServer((q, r) => r.end("hello")).listen(80)\n' > server.js`},
		cmd:   `["node", "server.js"]`, port: 80, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "npm", release: "bookworm", packages: "npm",
		lines: []string{`RUN printf 'require("http").createServer((q, r) => r.end("hello")).listen(80)\n' > server.js && printf '{"scripts": {"start": "node server.js"}}' > package.json`},
		cmd:   `["npm", "start"]`, port: 80, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "java", release: "bookworm", packages: "openjdk-17-jdk-headless",
		lines: []string{`RUN printf 'import com.sun.net.httpserver.*;\nclass Hello {\n public static void main(String[] a) throws Exception {\n  var s = HttpServer.create(new java.net.InetSocketAddress(8000), 0);\n  s.createContext("/", x -> { x.sendResponseHeaders(200, 5); x.getResponseBody().write("hello".getBytes()); x.close(); });\n  s.start();\n }\n}\n' > Hello.java && javac Hello.java`},
		cmd:   `["java", "-cp", ".", "Hello"]`, port: 8000, send: get, want: "hello", runsRoot: true,
	},
	{
		program: "php", release: "bookworm", packages: "php-cli", lines: []string{`RUN echo '<?php session_start(); echo 41+1;' > index.php`},
		cmd: `["php", "-S", "0.0.0.0:8000"]`, port: 8000, send: get, want: "42", runsRoot: true,
	},
	{
		program: "prometheus", release: "bookworm", packages: "prometheus", cmd: `["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/var/lib/prometheus/metrics2"]`,
		port: 9090, send: "GET /-/healthy HTTP/1.0\r\n\r\n", want: "200 OK", runsRoot: true,
	},
	{
		program: "node_exporter", release: "bookworm", packages: "prometheus-node-exporter", cmd: `["prometheus-node-exporter"]`,
		port: 9100, send: get, want: "Node Exporter", runsRoot: true,
	},
	{
		program: "alertmanager", release: "bookworm", packages: "prometheus-alertmanager", cmd: `["prometheus-alertmanager", "--config.file=/etc/prometheus/alertmanager.yml", "--storage.path=/var/lib/prometheus/alertmanager", "--cluster.listen-address="]`,
		port: 9093, send: "GET /-/healthy HTTP/1.0\r\n\r\n", want: "200 OK", runsRoot: true,
	},
	{
		program: "etcd", release: "bookworm", packages: "etcd-server", cmd: `["etcd", "--data-dir", "/var/lib/etcd/default", "--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", "http://localhost:2379"]`,
		port: 2379, send: "GET /health HTTP/1.0\r\n\r\n", want: "true", runsRoot: true,
	},
	{
		program: "influxd", release: "bookworm", packages: "influxdb", cmd: `["influxd", "-config", "/etc/influxdb/influxdb.conf"]`,
		port: 8086, send: "GET /ping HTTP/1.0\r\n\r\n", want: "204", runsRoot: true,
	},
	{
		program: "slapd", release: "bookworm", packages: "slapd", cmd: `["slapd", "-d", "0", "-h", "ldap:///", "-u", "openldap", "-g", "openldap", "-F", "/etc/ldap/slapd.d"]`, port: 389, runsRoot: true,
	},
	{
		program: "tor", release: "bookworm", packages: "tor",
		cmd:  `["tor", "-f", "/etc/tor/torrc", "--DataDirectory", "/var/lib/tor", "--PidFile", "/run/tor/tor.pid", "--ControlSocket", "/run/tor/control", "--DisableNetwork", "1"]`,
		exec: []string{"sh", "-c", "test -S /run/tor/control && test -s /run/tor/tor.pid"},
	},
	{
		program: "privoxy", release: "bookworm", packages: "privoxy", lines: []string{`RUN sed -i '/^listen-address/d' /etc/privoxy/config && echo 'listen-address 0.0.0.0:8118' >> /etc/privoxy/config`},
		cmd: `["privoxy", "--no-daemon", "/etc/privoxy/config"]`, port: 8118, send: "GET http://p.p/ HTTP/1.0\r\n\r\n", want: "Privoxy", runsRoot: true,
	},
	{
		program: "tinyproxy", release: "bookworm", packages: "tinyproxy", lines: []string{"RUN mkdir -p /run/tinyproxy && chown tinyproxy /run/tinyproxy"}, cmd: `["tinyproxy", "-d"]`, port: 8888, runsRoot: true,
	},
	{
		program: "registry", release: "bookworm", packages: "docker-registry", cmd: `["docker-registry", "serve", "/etc/docker/registry/config.yml"]`, port: 5000, send: get, want: "200 OK", runsRoot: true,
	},
	{
		program: "zookeeper", release: "bookworm", packages: "zookeeper", cmd: `["/usr/share/zookeeper/bin/zkServer.sh", "start-foreground"]`, port: 2181, runsRoot: true,
	},
	{
		program: "icecast2", release: "bookworm", packages: "icecast2", cmd: `["icecast2", "-c", "/etc/icecast2/icecast.xml"]`, port: 8000, send: get, want: "Icecast",
	},
	{
		program: "pgbouncer", release: "bookworm", packages: "pgbouncer", lines: []string{`RUN sed -i 's/^listen_addr.*/listen_addr = */; s/^;*listen_addr.*/listen_addr = */' /etc/pgbouncer/pgbouncer.ini`},
		cmd: `["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]`, port: 6432,
	},
	{
		program: "prosody", release: "bookworm", packages: "prosody", cmd: `["prosody", "-F"]`, port: 5222,
	},
	{
		program: "turnserver", release: "bookworm", packages: "coturn", cmd: `["turnserver", "-n", "--log-file=stdout", "--listening-ip=0.0.0.0"]`, port: 3478, runsRoot: true,
	},
	{
		program: "beanstalkd", release: "bookworm", packages: "beanstalkd", cmd: `["beanstalkd", "-b", "/var/lib/beanstalkd"]`, port: 11300, send: "stats\r\nquit\r\n", want: "OK", runsRoot: true,
	},
	{
		program: "supervisord", release: "bookworm", packages: "supervisor python3",
		lines: []string{`RUN sed -i 's#/var/run/supervisor.sock#/tmp/supervisor.sock#' /etc/supervisor/supervisord.conf && printf '[program:web]\ncommand=python3 -m http.server 8000\n' > /etc/supervisor/conf.d/web.conf`},
		cmd:   `["supervisord", "-n", "-c", "/etc/supervisor/supervisord.conf"]`, port: 8000, send: get, want: "200", runsRoot: true,
	},
	{
		program: "transmission-daemon", release: "bookworm", packages: "transmission-daemon",
		cmd: `["transmission-daemon", "-f", "-g", "/var/lib/transmission-daemon/info", "-a", "*.*.*.*"]`, port: 9091, runsRoot: true,
	},
	{
		program: "stunnel", release: "bookworm", packages: "stunnel4 openssl",
		lines: []string{`RUN openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout k.pem -out c.pem && chmod 0644 k.pem && printf 'foreground = yes\npid = /var/run/stunnel4/stunnel.pid\n[x]\naccept = 8443\nconnect = 127.0.0.1:1\ncert = /srv/app/c.pem\nkey = /srv/app/k.pem\n' > /etc/stunnel/x.conf && mkdir -p /run/stunnel4`},
		cmd:   `["stunnel4", "/etc/stunnel/x.conf"]`, port: 8443, runsRoot: true,
	},
	{
		program: "freeradius", release: "bookworm", packages: "freeradius", lines: []string{"RUN mkdir -p /run/freeradius && chown freerad /run/freeradius"},
		cmd: `["freeradius", "-f", "-l", "stdout"]`, exec: []string{"sh", "-c", "grep -q :0714 /proc/net/udp"}, runsRoot: true,
	},
	{
		program: "snmpd", release: "bookworm", packages: "snmpd", cmd: `["snmpd", "-f", "-Lo"]`, exec: []string{"sh", "-c", "grep -q :00A1 /proc/net/udp"}, runsRoot: true,
	},
	{
		program: "fcgiwrap", release: "bookworm", packages: "fcgiwrap", cmd: `["fcgiwrap", "-s", "tcp:0.0.0.0:9000"]`, port: 9000, runsRoot: true,
	},
	{
		program: "Xvfb", release: "bookworm", packages: "xvfb", cmd: `["Xvfb", ":9", "-listen", "tcp", "-ac"]`, port: 6009, runsRoot: true,
	},
}

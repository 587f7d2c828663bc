package programs

import (
	"slices"
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	tests := []struct {
		argv string // blanks separate; "_" stands for a blank
		prog string // "" unknown
		args string
		via  string
		user string
	}{
		{"nginx -g daemon_off;", "nginx", "nginx -g daemon_off;", "", ""},
		{"/usr/sbin/php-fpm8.2 -F", "php-fpm", "/usr/sbin/php-fpm8.2 -F", "", ""},
		{"php-fpm83", "php-fpm", "php-fpm83", "", ""},
		{"/usr/lib/postgresql/15/bin/postgres -D /data", "postgres", "/usr/lib/postgresql/15/bin/postgres -D /data", "", ""},
		{"tini -- redis-server", "redis-server", "redis-server", "tini", ""},
		{"/sbin/tini -s -g -e 143 redis-server --port 1", "redis-server", "redis-server --port 1", "tini", ""},
		{"dumb-init --rewrite 15:3 nginx", "nginx", "nginx", "dumb-init", ""},
		{"/usr/bin/dumb-init -- env A=1 B=2 node server.js", "node", "node server.js", "dumb-init env", ""},
		{"env -u X nice -n 5 timeout 10 mongod", "mongod", "mongod", "env nice timeout", ""},
		{"tini -- /app/server --port 1", "", "/app/server --port 1", "tini", ""},
		{"gosu redis redis-server", "redis-server", "redis-server", "gosu", "redis"},
		{"su-exec 100:101 consul agent", "consul", "consul agent", "gosu", "100:101"},
		{"sudo -E -u app gunicorn app:app", "gunicorn", "gunicorn app:app", "sudo", "app"},
		{"setpriv --reuid 1000 --regid=1000 --clear-groups -- puma", "puma", "puma", "setpriv", "1000"},
		{"su postgres -c pg_ctl_start", "su", "su postgres -c pg_ctl_start", "", ""},
		{"runuser -u www-data -- php-fpm -F", "php-fpm", "php-fpm -F", "runuser", "www-data"},
		{"docker-entrypoint.sh postgres -c x=1", "postgres", "postgres -c x=1", "docker-entrypoint.sh", ""},
		{"/docker-entrypoint.sh nginx", "nginx", "nginx", "docker-entrypoint.sh", ""},
		{"docker-entrypoint.sh ./run", "docker-entrypoint.sh", "docker-entrypoint.sh ./run", "", ""},
		{"python -m gunicorn app:app", "gunicorn", "gunicorn app:app", "python", ""},
		{"python3.11 -u -X dev manage.py runserver 0:8000", "manage.py", "manage.py runserver 0:8000", "python", ""},
		{"python3 app.py", "python", "python3 app.py", "", ""},
		{"python -m http.server", "python", "python -m http.server", "", ""},
		{"bundle exec puma -C config/puma.rb", "puma", "puma -C config/puma.rb", "bundle", ""},
		{"bundle install", "bundle", "bundle install", "", ""},
		{"bundle exec rails server", "rails", "rails server", "bundle", ""},
		{"./bin/rails server -b 0.0.0.0", "rails", "./bin/rails server -b 0.0.0.0", "", ""},
		{"./bin/thrust ./bin/rails server", "rails", "./bin/rails server", "rails", ""},
		{"php artisan serve", "artisan", "artisan serve", "php", ""},
		{"php bin/console messenger:consume", "bin/console", "bin/console messenger:consume", "php", ""},
		{"php -S 0:80", "php", "php -S 0:80", "", ""},
		{"java -Xmx1g -jar /usr/share/jenkins/jenkins.war", "jenkins", "/usr/share/jenkins/jenkins.war", "java", ""},
		{"java -cp lib/* com.example.Main", "java", "java -cp lib/* com.example.Main", "", ""},
		{"java -jar app.jar", "java", "java -jar app.jar", "", ""},
		{"npx next start", "next", "next start", "npm", ""},
		{"npm start", "npm", "npm start", "", ""},
		{"npm run start", "npm", "npm run start", "", ""},
		{"yarn next start", "next", "next start", "yarn", ""},
		{"pnpm exec next start", "next", "next start", "pnpm exec", ""},
		{"node node_modules/.bin/next start", "next", "node_modules/.bin/next start", "node", ""},
		{"node server.js", "node", "node server.js", "", ""},
		{"poetry run gunicorn app", "gunicorn", "gunicorn app", "poetry", ""},
		{"uv run --no-dev -- uvicorn main:app", "uvicorn", "uvicorn main:app", "uv", ""},
		{"wait-for-it.sh db:5432 -t 60 -- celery worker", "celery", "celery worker", "wait-for-it", ""},
		{"wait-for-it.sh db:5432", "wait-for-it", "wait-for-it.sh db:5432", "", ""},
		{"dockerize -wait tcp://db:1 -timeout 60s gunicorn a:b", "gunicorn", "gunicorn a:b", "dockerize", ""},
		{"newrelic-admin run-program gunicorn a:b", "gunicorn", "gunicorn a:b", "newrelic-admin", ""},
		{"start-stop-daemon --chuid mongodb --exec /usr/bin/mongod -- --config x", "mongod", "/usr/bin/mongod -- --config x", "start-stop-daemon", "mongodb"},
		{"xvfb-run -a -s -screen node index.js", "node", "node index.js", "xvfb-run", ""},
		{"busybox httpd -f", "apache2", "httpd -f", "busybox", ""},
		{"/init", "/init", "/init", "", ""},
		{"/sbin/init", "systemd", "/sbin/init", "", ""},
		{"/usr/local/bin/my-init", "", "/usr/local/bin/my-init", "", ""},
		{"supervisord -n", "supervisord", "supervisord -n", "", ""},
		{"sh -c nginx", "", "sh -c nginx", "", ""},
		{"tini --", "tini", "tini --", "", ""},
		{"exec -a x", "exec", "exec -a x", "", ""},
		{"", "", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.argv, func(t *testing.T) {
			c := Unwrap(words(test.argv))
			name := ""
			if c.Program != nil {
				name = c.Program.Name
			}
			var via []string
			for _, p := range c.Via {
				via = append(via, p.Name)
			}
			if name != test.prog || !slices.Equal(c.Args, words(test.args)) || strings.Join(via, " ") != test.via || c.User != test.user {
				t.Errorf("got %q %q via %q as %q", name, c.Args, via, c.User)
			}
			prog, inner := Identify(words(test.argv))
			if prog != c.Program || !slices.Equal(inner, c.Args) {
				t.Errorf("Identify differs: %v %q", prog, inner)
			}
		})
	}
}

func words(s string) []string {
	w := strings.Fields(s)
	for i := range w {
		w[i] = strings.ReplaceAll(w[i], "_", " ")
	}
	return w
}

func TestVersion(t *testing.T) {
	for name, want := range map[string]string{
		"php-fpm8.2": "8.2", "/usr/lib/postgresql/15/bin/postgres": "15", "python3": "3", "nginx": "", "php8.2-fpm": "8.2", "postgresql-15": "15", "tomcat10": "10", "/opt/app/2.0/run": "2.0", "": "",
		"/usr/share/tomcat10/bin/catalina.sh": "10",
	} {
		if got := Version(name); got != want {
			t.Errorf("Version(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestVariant(t *testing.T) {
	nginx, _ := Lookup("nginx")
	tests := []struct {
		family, image string
		account       string
		pid           string
		ok            bool
	}{
		{"debian", "", "www-data", "/run/nginx.pid", true},
		{"debian", "debian", "www-data", "/run/nginx.pid", true},
		{"debian", "docker.io/library/nginx", "nginx", "/run/nginx.pid", true},
		{"alpine", "library/nginx", "nginx", "/run/nginx.pid", true},
		{"alpine", "alpine", "nginx", "/run/nginx/nginx.pid", true},
		{"arch", "archlinux", "http", "", true},
		{"photon", "photon", "www-data", "/run/nginx.pid", false},
	}
	for _, test := range tests {
		v, ok := nginx.VariantIn(test.family, test.image)
		if v.Account.Name != test.account || v.Pid != test.pid || ok != test.ok {
			t.Errorf("%s in %q: %s %s %v", test.family, test.image, v.Account.Name, v.Pid, ok)
		}
	}
	if v := nginx.Variant("debian", true); v.Account.UID != 101 {
		t.Errorf("the official nginx has uid %d", v.Account.UID)
	}
	if v := nginx.Variant("debian", false); v.Account.UID != 33 {
		t.Errorf("Debian's nginx has uid %d", v.Account.UID)
	}
	httpd, _ := Lookup("httpd-foreground")
	if v, _ := httpd.VariantIn("alpine", "httpd"); v.Account.UID != 82 {
		t.Errorf("httpd on Alpine has uid %d", v.Account.UID)
	}
	if v, _ := httpd.VariantIn("debian", "php"); len(v.Writes) == 0 || v.Writes[0].Path != "/var/run/apache2" {
		t.Errorf("php's apache2 writes %v", v.Writes)
	}
}

func TestAt(t *testing.T) {
	fpm, _ := Lookup("php-fpm")
	v := fpm.Variant("debian", false)
	if got := v.At(Place{Version: "8.4"}).Pid; got != "/run/php/php8.4-fpm.pid" {
		t.Errorf("pid %q", got)
	}
	if got := v.At(Place{}).Sockets; !slices.Equal(got, []string{"/run/php/php8.2-fpm.sock"}) {
		t.Errorf("sockets %q", got)
	}
	redis, _ := Lookup("redis-server")
	n := len(redis.Variant("debian", false).Writes)
	if got := redis.Variant("debian", false).At(Place{}).Writes; len(got) != n-1 {
		t.Errorf("without a working directory it writes %v", got)
	}
	if got := redis.Variant("debian", false).At(Place{Workdir: "/"}).Writes; len(got) != n-1 {
		t.Errorf("the root directory is given away: %v", got)
	}
}

func TestByPackage(t *testing.T) {
	for pkg, want := range map[string]string{
		"nginx-light": "nginx", "libapache2-mod-php": "apache2", "php8.3-fpm": "php-fpm", "nginx=1.2-3": "nginx", "openjdk-21-jre-headless": "java", "php-fpm": "php-fpm", "postgresql-15": "postgres",
		"redis": "redis-server", "no-such-package": "", "openssh-server": "sshd", "": "",
	} {
		got := ""
		if ps := ByPackage(pkg); len(ps) > 0 {
			got = ps[0].Name
		}
		if got != want {
			t.Errorf("ByPackage(%q) = %q, want %q", pkg, got, want)
		}
	}
}

func TestInvocations(t *testing.T) {
	tests := []struct {
		argv string
		want string
	}{
		{"docker daemon", "dockerd"},
		{"docker -d", "dockerd"},
		{"/usr/bin/docker --debug --host tcp://0.0.0.0:2375 --daemon", "dockerd"},
		{"docker -H unix:///x.sock daemon --bip 10.0.0.1/24", "dockerd"},
		{"docker run -d nginx", ""},
		{"docker ps", ""},
		{"tini -- docker daemon", "dockerd"},
		{"rclone --config /c mount remote: /mnt", "s3fs"},
		{"rclone serve http", ""},
		{"systemctl start x", "systemctl"},
		{"/sbin/init", "systemd"},
		{"init", "systemd"},
		{"/app/init", ""},
	}
	for _, test := range tests {
		name := ""
		if p, _ := Identify(strings.Fields(test.argv)); p != nil {
			name = p.Name
		}
		if name != test.want {
			t.Errorf("%s is %q, want %q", test.argv, name, test.want)
		}
	}
}

package imageinspect

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// A shippedAccount is an account that images make for their program or for
// their users. No distribution has one of the same name without evidence: an
// environment variable that the image sets, or the program it starts.
type shippedAccount struct {
	name     string
	env      string   // set by the image, "" if the name alone says enough
	commands []string // started by the image, instead of env
}

// shippedAccounts, the more particular ones first. From the Dockerfiles of the
// images: docker-library's official images, distroless, Chainguard, Jupyter,
// .NET, Playwright, Jenkins and others.
var shippedAccounts = []shippedAccount{
	{name: "app", env: "APP_UID"},
	{name: "nonroot"},
	{name: "node", env: "NODE_VERSION"},
	{name: "node", commands: []string{"node", "npm", "yarn"}},
	{name: "jovyan"},
	{name: "www-data", env: "PHP_VERSION"},
	{name: "www-data", env: "HTTPD_VERSION"},
	{name: "www-data", commands: []string{"apache2", "apache2ctl", "apachectl", "apache2-foreground", "httpd-foreground", "php-fpm"}},
	{name: "nginx"},
	{name: "postgres", env: "PG_MAJOR"},
	{name: "redis", env: "REDIS_VERSION"},
	{name: "redis", commands: []string{"redis-server"}},
	{name: "valkey"},
	{name: "mysql", env: "MYSQL_MAJOR"},
	{name: "mysql", env: "MARIADB_VERSION"},
	{name: "mysql", commands: []string{"mysqld", "mariadbd"}},
	{name: "mongodb", env: "MONGO_VERSION"},
	{name: "rabbitmq", env: "RABBITMQ_VERSION"},
	{name: "memcache", env: "MEMCACHED_VERSION"},
	{name: "memcache", commands: []string{"memcached"}},
	{name: "haproxy", env: "HAPROXY_VERSION"},
	{name: "cassandra"},
	{name: "couchdb"},
	{name: "neo4j"},
	{name: "solr"},
	{name: "zookeeper"},
	{name: "elasticsearch"},
	{name: "kibana"},
	{name: "logstash"},
	{name: "jenkins"},
	{name: "grafana"},
	{name: "tomcat"},
	{name: "jboss"},
	{name: "vault"},
	{name: "consul"},
	{name: "airflow"},
	{name: "gradle"},
	{name: "pwuser"},
	{name: "pptruser"},
	{name: "seluser"},
	{name: "deno"},
	{name: "bun"},
}

// runsAs returns the account that the image ships for its program, "" if none:
// the one it starts as, or one of shippedAccounts.
func (f *Facts) runsAs() string {
	user, _, _ := strings.Cut(f.Config.User, ":")
	if a, ok := f.Account(user); ok && a.UID != 0 {
		return a.Name
	}
	if uid, err := parseID(user); err == nil && uid != 0 {
		a, _ := f.AccountByUID(uid)
		return a.Name
	}
	for _, s := range shippedAccounts {
		a, ok := f.Account(s.name)
		if !ok || a.UID == 0 || !f.isShipped(s, a) {
			continue
		}
		return a.Name
	}
	return ""
}

func (f *Facts) isShipped(s shippedAccount, a Account) bool {
	switch {
	case s.env == "APP_UID":
		return f.Config.env(s.env) == strconv.Itoa(a.UID)
	case s.env != "":
		return f.Config.env(s.env) != ""
	case len(s.commands) > 0:
		return slices.ContainsFunc(f.Config.commandWords(), func(w string) bool { return slices.Contains(s.commands, path.Base(w)) })
	}
	return true
}

// env returns the value of an environment variable of the image.
func (c Config) env(name string) string {
	for _, kv := range slices.Backward(c.Env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

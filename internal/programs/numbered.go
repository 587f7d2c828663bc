package programs

import (
	"regexp"
	"strings"
)

// numbered are packages whose scripts make an account of one number on every machine.
var numbered = map[string][]struct {
	packages *regexp.Regexp
	account  string
	number   int // of the account and of its group
}{
	// The uidgid file of the package setup reserves them; httpd.spec, postgresql.spec,
	// mariadb.spec, mysql.spec, bind.spec and squid.spec make them.
	"rhel": {
		{regexp.MustCompile(`^(httpd(-core|-filesystem)?|mod_ssl|php-fpm)$`), "apache", 48},
		{regexp.MustCompile(`^postgresql[0-9.]*-server$`), "postgres", 26},
		{regexp.MustCompile(`^(mariadb|mysql)-server$`), "mysql", 27},
		{regexp.MustCompile(`^bind$`), "named", 25},
		{regexp.MustCompile(`^squid$`), "squid", 23},
	},
	// The .pre-install files of aports.
	"alpine": {
		{regexp.MustCompile(`^postgresql[0-9]*$`), "postgres", 70},
		{regexp.MustCompile(`^squid$`), "squid", 31},
	},
}

// NumberedAccount returns the account that installing a package makes with one and the
// same number for itself and its group, whatever else a machine has. The family of the
// distribution is that of imageinspect.
func NumberedAccount(family, name string) (account string, number int, ok bool) {
	name, _, _ = strings.Cut(name, "=")
	for _, n := range numbered[family] {
		if n.packages.MatchString(name) {
			return n.account, n.number, true
		}
	}
	return "", 0, false
}

package config

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// The checks are shared with the command line, so that a flag and a key take
// the same values. Each returns what is wrong and what to do, or "".

// userName is what every useradd and adduser takes, and what cannot become
// shell text.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

var argName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var platform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+(/v[0-9]+)?$`)

// CheckUser checks the name of the account to make.
func CheckUser(s string) (msg, hint string) {
	if s == "root" {
		return "the user cannot be root", "name another account"
	}
	if !userName.MatchString(s) {
		return fmt.Sprintf("%q cannot be the name of a user", s), "use at most 32 lower-case letters, digits, - and _, beginning with a letter or _"
	}
	return "", ""
}

// CheckID checks a user or group number.
func CheckID(id int) (msg, hint string) {
	if id < 1 || id > 65535 {
		return fmt.Sprintf("%d is not between 1 and 65535", id), "0 is root, and larger numbers make lastlog files huge"
	}
	return "", ""
}

// CheckAbsolute checks a path inside the image.
func CheckAbsolute(s string) (msg, hint string) {
	if !path.IsAbs(s) {
		return fmt.Sprintf("%q is not a path that begins with /", s), "write it as it is inside the image"
	}
	if path.Clean(s) == "/" {
		return "/ is the whole image", "name a directory in it"
	}
	return checkText(s)
}

// CheckOwn checks the value of own.
func CheckOwn(s string) (msg, hint string) {
	if s != "all" && s != "needed" {
		return fmt.Sprintf("own cannot be %q", s), "use needed or all"
	}
	return "", ""
}

// CheckPlatform checks a platform such as linux/arm64.
func CheckPlatform(s string) (msg, hint string) {
	if !platform.MatchString(s) {
		return fmt.Sprintf("%q is not a platform", s), "write OS/ARCHITECTURE as in linux/amd64"
	}
	return "", ""
}

// CheckMirror checks the address of a registry mirror: scheme and host, as in
// the engine's registry-mirrors. Credentials in it would end up in files and
// logs.
func CheckMirror(s string) (msg, hint string) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "the registry mirror is not a URL", "write it as in https://mirror.example.com"
	case u.User != nil:
		return "the registry mirror's URL holds credentials", "leave them out and run docker login"
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Sprintf("%q is not the URL of a registry mirror", s), "write it as in https://mirror.example.com"
	}
	return "", ""
}

// CheckBuildArg splits NAME=VALUE.
func CheckBuildArg(s string) (name, value, msg, hint string) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !argName.MatchString(name) {
		return "", "", strconv.Quote(s) + " is not a build argument", "write NAME=VALUE"
	}
	return name, value, "", ""
}

func checkText(s string) (msg, hint string) {
	if s == "" {
		return "expected a word, found nothing", ""
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return strconv.Quote(s) + " holds a control character", "remove it"
		}
	}
	return "", ""
}

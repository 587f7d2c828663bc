package programs

import (
	"regexp"
	"strings"
)

// noAccount are packages of whose scripts, and those of what they depend on, none makes
// an account: Debian 12, read from the maintainer scripts and sysusers.d of the packages
// without recommendations; on Alpine packages without a pre-install script.
var noAccount = func() map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(`
		bash bison build-base build-essential bzip2 ca-certificates cmake curl dirmngr dumb-init file flex g++ gcc git gnupg gosu gzip
		jq less libc-dev linux-headers locales make musl-dev nano nodejs npm openssl patch perl pkg-config pkgconf procps python3 py3-pip
		python3-pip python3-venv ruby ruby-irb ruby-etc ruby-webrick ruby-bundler ruby-json ruby-bigdecimal su-exec tar tini tzdata unzip
		wget xz xz-utils zip zlib`) {
		m[name] = true
	}
	return m
}()

// headers are packages to compile against a library.
var headers = regexp.MustCompile(`^(lib[a-z0-9.+-]*|[a-z0-9.+]+)-dev$`)

// MakesNoAccount reports whether it is known that installing a package makes no account.
// One that is not known may.
func MakesNoAccount(name string) bool {
	name, _, _ = strings.Cut(name, "=")
	if noAccount[name] {
		return true
	}
	return headers.MatchString(name) && !strings.HasPrefix(name, "postgres") && !strings.HasPrefix(name, "mysql") && !strings.HasPrefix(name, "mariadb")
}

// accountOnRHEL are packages of Enterprise Linux 8 and 9 whose scripts make an account with
// the tools of shadow-utils, which they so bring along, and some that depend on such a
// package: Requires(pre) in their spec files.
var accountOnRHEL = regexp.MustCompile(`^(openssh-server|httpd(-core|-filesystem)?|mod_ssl|nginx(-core|-filesystem)?|(percona-)?postgresql[0-9.]*-server|mariadb[0-9.]*-server|mysql[0-9.]*(-community)?-server|` +
	`redis|tomcat|haproxy|memcached|squid|dbus-daemon|dbus|systemd|cronie|bind|chrony|rpcbind|postfix|php-fpm|varnish)$`)

// MakesAccountOnRHEL reports whether it is known that installing a package brings
// shadow-utils along in Enterprise Linux 8 and 9. One that is not known may.
func MakesAccountOnRHEL(name string) bool {
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		name = name[:i] // a stream: postgresql:15
	}
	return accountOnRHEL.MatchString(name)
}

// noSetID are packages of Alpine that, with what they depend on, hold no setuid or setgid
// file and no file capability. Alpine keeps such files in few packages (bbsuid, shadow,
// sudo, doas, fuse, dbus, polkit, util-linux-login, mail servers …); these are none of them.
var noSetID = func() map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(`
		autoconf automake bind-tools binutils binutils-gold busybox cargo coreutils dos2unix execline ffmpeg findutils fontconfig freetype gawk gcompat gettext ghostscript go gmp grep icu-libs imagemagick libc6-compat libffi libgcc libintl
		libcap libjpeg-turbo libpng libpq libressl libsodium libstdc++ libtool libxml2 libxslt lua5.3 mariadb-client mercurial mongodb-tools musl-locales mysql-client nasm ncurses netcat-openbsd nginx nodejs-npm openssh-client openssh-client-default
		openjdk8 openjdk8-jre openjdk11-jre-headless openjdk17-jre-headless openjdk21-jre-headless php postgresql-client python python2 py-pip readline redis rsync rust s6 sed
		sqlite sqlite-libs subversion syncthing tailscale ttf-dejavu unrar vim yarn zlib zsh`) {
		m[name] = true
	}
	return m
}()

// modules are packages of Alpine that extend a language, fonts, and what others are split
// into: nothing in them is started by its name as another user.
var modules = regexp.MustCompile(`^(php[0-9]*|py3|ruby|perl|lua5\.[1-4]|ttf|font)-[a-z0-9_.+-]+$|^[a-z0-9_.+-]+-(libs|fonts|lang|doc|bash-completion)$`)

// libraries are packages of Alpine with what programs are linked to, by name or by the name
// of the library (so:libssl.so.3), and modules of nginx, be they Alpine's or nginx.org's.
var libraries = regexp.MustCompile(`^(so:)?lib[a-z0-9_.+-]*$|^(openssl|pcre|geoip|njs)[a-z0-9_.+-]*$|^nginx-mod(ule)?-[a-z0-9_.+-]+$`)

// noLibraries are packages that are called like one and hold or need more: libutempter has a
// helper that is setgid, libvirt and its kin need polkit and dbus, LibreOffice is a program.
var noLibraries = regexp.MustCompile(`^(so:)?lib(utempter|virt|guestfs|reoffice|reswan)`)

// BringsNoSetID reports whether it is known that installing a package on Alpine brings no
// setuid or setgid file and no file capability. One that is not known may.
func BringsNoSetID(name string) bool {
	name, _, _ = strings.Cut(strings.TrimLeft(name, "."), "=")
	name, _, _ = strings.Cut(name, "@") // of a tagged repository
	if strings.HasSuffix(name, "-apache2") {
		return false // it brings suexec
	}
	return noSetID[name] || noAccount[name] || headers.MatchString(name) || modules.MatchString(name) ||
		libraries.MatchString(name) && !noLibraries.MatchString(name)
}

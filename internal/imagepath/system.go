package imagepath

import "path"

// Standard are directories of the distribution that a WORKDIR or VOLUME may
// name without making them its own.
var Standard = map[string]bool{"/": true, "/bin": true, "/boot": true, "/dev": true, "/etc": true, "/home": true, "/lib": true, "/lib64": true,
	"/media": true, "/mnt": true, "/opt": true, "/proc": true, "/root": true, "/run": true, "/sbin": true, "/srv": true, "/sys": true, "/tmp": true,
	"/usr": true, "/usr/bin": true, "/usr/lib": true, "/usr/local": true, "/usr/local/bin": true, "/usr/local/lib": true, "/usr/local/sbin": true,
	"/usr/local/src": true, "/usr/sbin": true, "/usr/share": true, "/usr/src": true, "/var": true, "/var/cache": true, "/var/lib": true, "/var/log": true,
	"/var/run": true, "/var/tmp": true, "/var/www": true, "/etc/nginx": true, "/usr/local/etc": true, "/var/spool": true, "/usr/local/share": true}

// Protected reports whether a path lies where programs and configuration of
// the system live.
func Protected(p string) bool {
	for _, d := range []string{"/etc", "/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/include", "/root", "/boot", "/dev", "/proc", "/sys"} {
		if Below(p, d) {
			return true
		}
	}
	return false
}

// ProtectedDir returns the system directory that a path lies in, "" when it
// lies in none. A user who may write there can replace programs and accounts.
func ProtectedDir(p string) string {
	for _, d := range []string{"/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/sys", "/root"} {
		if Below(p, d) && !Below(p, "/usr/src") && !Below(p, "/usr/share/nginx/html") && !Below(p, "/usr/local/share") {
			return d
		}
	}
	if path.Dir(p) == "/" && p != "/tmp" {
		return "/"
	}
	return ""
}

package imageinspect

import (
	"path"
	"slices"
	"strings"
)

// ToolNames are the programs whose presence decides how a Dockerfile can be
// changed, or says what an image is for.
var ToolNames = []string{
	// Shells, and what holds many tools in one.
	"sh", "bash", "ash", "dash", "zsh", "ksh", "busybox", "toybox", "coreutils",
	// Accounts.
	"useradd", "groupadd", "usermod", "adduser", "addgroup", "deluser", "userdel", "getent", "id", "passwd",
	// Files.
	"find", "xargs", "chown", "chgrp", "chmod", "install", "mkdir", "mktemp", "printf", "cat", "grep", "sed",
	"awk", "perl", "touch", "ln", "rm", "stat", "test", "true", "env", "readlink",
	// Privileges.
	"su", "sudo", "doas", "setpriv", "gosu", "su-exec", "runuser", "chroot", "capsh", "setcap", "getcap",
	// Packages.
	"apt-get", "apt", "dpkg", "apk", "dnf", "microdnf", "tdnf", "yum", "rpm", "zypper", "pacman", "opkg", "nix",
	// Supervisors.
	"tini", "dumb-init", "catatonit", "init", "s6-svscan", "s6-setuidgid", "s6-overlay-suexec", "runsv",
	"runsvdir", "supervisord", "systemd", "cron", "crond", "sshd",
	// Languages.
	"node", "npm", "python", "python3", "ruby", "php", "java", "dotnet", "go", "cargo", "deno", "bun", "pwsh",
	// Servers.
	"nginx", "apache2", "httpd", "php-fpm", "redis-server", "postgres", "mysqld", "mariadbd", "haproxy", "caddy",
	// Downloads.
	"curl", "wget",
}

var toolNames = func() map[string]bool {
	m := make(map[string]bool, len(ToolNames))
	for _, n := range ToolNames {
		m[n] = true
	}
	return m
}()

// multiCall are programs that are many tools, told apart by the name they are
// called by.
var multiCall = []string{"busybox", "toybox", "coreutils"}

// defaultPath is the PATH that Docker sets where the image has none
// (moby, oci.DefaultPathEnv).
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// pathDirs returns the directories that commands are looked up in.
func (c Config) pathDirs() []string {
	value := defaultPath
	for _, kv := range c.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			value = v
		}
	}
	var dirs []string
	for dir := range strings.SplitSeq(value, ":") {
		if len(dirs) < 64 && path.IsAbs(dir) && !slices.Contains(dirs, path.Clean(dir)) {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	return dirs
}

// toolDirs returns where a tool is looked for. The shells are wanted where
// Docker's shell form calls them, /bin.
func (c Config) toolDirs(tool string) []string {
	dirs := c.pathDirs()
	if slices.Contains([]string{"sh", "bash", "ash", "dash"}, tool) {
		dirs = append([]string{"/bin"}, dirs...)
	}
	for dir := range strings.SplitSeq(defaultPath+":/", ":") {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// findTools fills in Tools and Links from the merged layers.
func (f *Facts) findTools(t *tree) {
	f.Tools = map[string]string{}
	for _, tool := range ToolNames {
		for _, dir := range f.Config.toolDirs(tool) {
			p := path.Join(dir, tool)
			if !t.hasTool(p) || !pathPattern.MatchString(p) {
				continue
			}
			f.Tools[tool] = p
			if target := t.toolTarget(p); target != "" {
				if f.Links == nil {
					f.Links = map[string]string{}
				}
				f.Links[tool] = target
			}
			break
		}
	}
}

package programs

// privileged lists packages whose files carry setuid or setgid bits or
// capabilities. Files that the base images of a distribution have anyway
// (su, mount, passwd …) are listed too, because minimal images gain them with
// the package.
var privileged []PrivilegedPackage

// kept are the files that lose their purpose together with their bit.
var kept = []KeptFile{
	{Name: "chrome-sandbox", Why: "Chromium's sandbox stops without it where user namespaces are not allowed", Sources: []string{"https://chromium.googlesource.com/chromium/src/+/HEAD/docs/linux/suid_sandbox.md", "https://github.com/puppeteer/puppeteer/issues/3451"}},
	{Name: "chrome_sandbox", Why: "Chromium's sandbox stops without it where user namespaces are not allowed", Sources: []string{"https://chromium.googlesource.com/chromium/src/+/HEAD/docs/linux/suid_sandbox.md"}},
	{Name: "s6-overlay-suexec", Why: "s6-overlay prepares /run with it when the container starts as another user", Sources: []string{"https://github.com/just-containers/s6-overlay/issues/427"}},
	{Name: "fusermount3", Why: "users mount FUSE file systems by it", Sources: []string{"https://man7.org/linux/man-pages/man1/fusermount3.1.html"}},
	{Name: "fusermount", Why: "users mount FUSE file systems by it", Sources: []string{"https://man7.org/linux/man-pages/man1/fusermount3.1.html"}},
	{Name: "dbus-daemon-launch-helper", Why: "the system bus starts services by it", Sources: []string{"https://dbus.freedesktop.org/doc/dbus-specification.html"}},
	{Name: "sudo", Why: "it does nothing without it", Sources: []string{"https://www.sudo.ws/docs/man/sudo.man/"}},
	{Name: "doas", Why: "it does nothing without it", Sources: []string{"https://man.openbsd.org/doas"}},
	{Name: "su", Why: "nobody but root can change accounts by it without", Sources: []string{"https://man7.org/linux/man-pages/man1/su.1.html"}},
	{Name: "pkexec", Why: "it does nothing without it", Sources: []string{"https://www.freedesktop.org/software/polkit/docs/latest/pkexec.1.html"}},
	{Name: "polkit-agent-helper-1", Why: "polkit checks passwords by it", Sources: []string{"https://www.freedesktop.org/software/polkit/docs/latest/polkit.8.html"}},
	{Name: "mount", Why: "users mount what /etc/fstab lets them by it", Sources: []string{"https://man7.org/linux/man-pages/man8/mount.8.html"}},
	{Name: "umount", Why: "users unmount what they mounted by it", Sources: []string{"https://man7.org/linux/man-pages/man8/umount.8.html"}},
	{Name: "newuidmap", Why: "rootless containers map their users by it", Sources: []string{"https://man7.org/linux/man-pages/man1/newuidmap.1.html"}},
	{Name: "newgidmap", Why: "rootless containers map their groups by it", Sources: []string{"https://man7.org/linux/man-pages/man1/newgidmap.1.html"}},
	{Name: "postdrop", Why: "users hand mail to postfix by it", Sources: []string{"https://www.postfix.org/postdrop.1.html"}},
	{Name: "postqueue", Why: "users see postfix's queue by it", Sources: []string{"https://www.postfix.org/postqueue.1.html"}},
	{Name: "exim4", Why: "it delivers mail as its owners", Sources: []string{"https://www.exim.org/exim-html-current/doc/html/spec_html/ch-security_considerations.html"}},
	{Name: "crontab", Why: "users write into cron's spool by it", Sources: []string{"https://manpages.debian.org/bookworm/cron/crontab.1.en.html"}},
	{Name: "unix_chkpwd", Why: "PAM checks the user's own password by it", Sources: []string{"https://man7.org/linux/man-pages/man8/unix_chkpwd.8.html"}},
	{Name: "bbsuid", Why: "busybox's su, passwd and mount work by it on Alpine", Sources: []string{"https://gitlab.alpinelinux.org/alpine/aports/-/tree/master/main/busybox"}},
	{Name: "gosu", Why: "set setuid on purpose, it changes accounts for users", Sources: []string{"https://github.com/tianon/gosu"}},
	{Name: "ssh-keysign", Why: "host-based SSH authentication needs it", Sources: []string{"https://man.openbsd.org/ssh-keysign"}},
	{Name: "dumpcap", Why: "users capture packets by it", Sources: []string{"https://wiki.wireshark.org/CaptureSetup/CapturePrivileges"}},
	{Name: "firejail", Why: "it makes its sandbox by it", Sources: []string{"https://firejail.wordpress.com/documentation-2/"}},
	{Name: "starter-suid", Why: "Singularity starts containers by it", Sources: []string{"https://apptainer.org/docs/admin/main/security.html"}},
}

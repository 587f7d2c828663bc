package programs

import (
	"slices"
	"sync"
)

// privileged holds every package with privileged files. Files that a
// distribution's base image has anyway (su, mount, passwd …) are here too,
// because minimal images gain them with the package.
var privileged = sync.OnceValue(func() []PrivilegedPackage {
	return slices.Concat(privilegedDebian(), privilegedRHEL(), privilegedAlpine())
})

// The notation of the table.

func setuid(path string) PrivilegedFile { return PrivilegedFile{Path: path, Mode: 0o4755} }

func withMode(path string, mode uint32) PrivilegedFile { return PrivilegedFile{Path: path, Mode: mode} }

func withCaps(path string, caps ...string) PrivilegedFile {
	return PrivilegedFile{Path: path, Mode: 0o755, Caps: caps}
}

func (f PrivilegedFile) maybe() PrivilegedFile { f.Maybe = true; return f }

func (f PrivilegedFile) when(condition string) PrivilegedFile { f.When = condition; return f }

// capOrSetuid is what some of Debian's maintainer scripts leave: the
// capability where setcap is there when the package is configured, which with
// --no-install-recommends it is not, and else the setuid bit.
func capOrSetuid(path string, caps ...string) PrivilegedFile {
	return PrivilegedFile{Path: path, Mode: 0o4755, Caps: caps, When: "the capability where libcap2-bin is installed first, else setuid root"}
}

// privilegedDebian lists packages of Debian and Ubuntu. Each was installed in
// the Debian releases that it names and looked at with find and getcap.
func privilegedDebian() []PrivilegedPackage {
	deb := func(pkg, source string, files ...PrivilegedFile) PrivilegedPackage {
		return PrivilegedPackage{
			Package: pkg, Families: []string{"debian"}, Files: files,
			Sources: []string{debian(source)}, VerifiedLab: []string{"bookworm"},
		}
	}
	both := func(pkg, source string, files ...PrivilegedFile) PrivilegedPackage {
		p := deb(pkg, source, files...)
		p.VerifiedLab = []string{"bookworm", "trixie"}
		return p
	}
	brings := func(pkg, source string, dependencies ...string) PrivilegedPackage {
		p := deb(pkg, source)
		p.Brings = dependencies
		return p
	}
	// Ubuntu's metapackages depend on some of these in one release and only
	// recommend them in another.
	ubuntu := func(pkg string, dependencies ...string) PrivilegedPackage {
		return PrivilegedPackage{Package: pkg, Families: []string{"debian"}, Brings: dependencies, Recommends: true,
			Sources: []string{"https://packages.ubuntu.com/noble/" + pkg, "https://launchpad.net/ubuntu/+source/ubuntu-meta"}}
	}
	// Since trixie ping has neither bit nor capability: it uses unprivileged
	// ICMP sockets.
	ping := both("iputils-ping", "iputils", withCaps("/usr/bin/ping", "cap_net_raw"))
	ping.NotIn = []string{"trixie", "13", "forky", "14", "sid"}
	return []PrivilegedPackage{
		ping,
		both("iputils-arping", "iputils", withCaps("/usr/bin/arping", "cap_net_raw")),
		both("mtr-tiny", "mtr", capOrSetuid("/usr/bin/mtr-packet", "cap_net_raw")),
		deb("mtr", "mtr", capOrSetuid("/usr/bin/mtr-packet", "cap_net_raw")),
		both("fping", "fping", withCaps("/usr/bin/fping", "cap_net_raw")),
		both("squid", "squid", capOrSetuid("/usr/lib/squid/pinger", "cap_net_raw")),
		both("libgstreamer1.0-0", "gstreamer1.0", withCaps("/usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-ptp-helper", "cap_net_bind_service", "cap_net_admin", "cap_sys_nice").when("cap_sys_nice since trixie")),
		both("inetutils-ping", "inetutils", setuid("/usr/bin/ping"), setuid("/usr/bin/ping6")),
		both("inetutils-traceroute", "inetutils", setuid("/usr/bin/inetutils-traceroute")),
		both("wireshark-common", "wireshark", withCaps("/usr/bin/dumpcap", "cap_net_raw", "cap_net_admin").when("when debconf's wireshark-common/install-setuid is answered yes")),
		both("sudo", "sudo", setuid("/usr/bin/sudo")),
		both("opendoas", "doas", setuid("/usr/bin/doas")),
		both("openssh-client", "openssh", withMode("/usr/bin/ssh-agent", 0o2755), setuid("/usr/lib/openssh/ssh-keysign")),
		both("fuse3", "fuse3", setuid("/usr/bin/fusermount3")),
		deb("fuse", "fuse", setuid("/usr/bin/fusermount")),
		both("ntfs-3g", "ntfs-3g", setuid("/usr/bin/ntfs-3g")),
		both("nfs-common", "nfs-utils", setuid("/usr/sbin/mount.nfs")),
		both("cifs-utils", "cifs-utils", setuid("/usr/sbin/mount.cifs")),
		both("dbus", "dbus", withMode("/usr/lib/dbus-1.0/dbus-daemon-launch-helper", 0o4754)),
		both("pkexec", "policykit-1", setuid("/usr/bin/pkexec")),
		both("polkitd", "policykit-1", setuid("/usr/lib/polkit-1/polkit-agent-helper-1")),
		both("exim4-daemon-light", "exim4", setuid("/usr/sbin/exim4")),
		deb("exim4-daemon-heavy", "exim4", setuid("/usr/sbin/exim4")),
		both("postfix", "postfix", withMode("/usr/sbin/postdrop", 0o2555), withMode("/usr/sbin/postqueue", 0o2555)),
		deb("sendmail-bin", "sendmail", withMode("/usr/libexec/sendmail/mailstats", 0o2755), withMode("/usr/libexec/sendmail/sendmail", 0o2755)),
		both("ssmtp", "ssmtp", withMode("/usr/sbin/ssmtp", 0o2755)),
		both("nullmailer", "nullmailer", setuid("/usr/bin/mailq"), setuid("/usr/sbin/nullmailer-queue")),
		both("dma", "dma", withMode("/usr/lib/dma/dma-mbox-create", 0o4754), withMode("/usr/sbin/dma", 0o2755)),
		both("opensmtpd", "opensmtpd", withMode("/usr/libexec/opensmtpd/mail.local", 0o2755), withMode("/usr/sbin/smtpctl", 0o2755)),
		both("procmail", "procmail", withMode("/usr/bin/lockfile", 0o2755), withMode("/usr/bin/procmail", 0o6755)),
		both("liblockfile-bin", "liblockfile", withMode("/usr/bin/dotlockfile", 0o2755)),
		deb("lockfile-progs", "lockfile-progs", withMode("/usr/bin/mail-lock", 0o2755), withMode("/usr/bin/mail-touchlock", 0o2755), withMode("/usr/bin/mail-unlock", 0o2755)),
		{Package: "authbind", Families: []string{"debian"}, Files: []PrivilegedFile{setuid("/usr/lib/authbind/helper")}, Sources: []string{debian("authbind")}},
		both("cron", "cron", withMode("/usr/bin/crontab", 0o2755)),
		both("at", "at", withMode("/usr/bin/at", 0o6755)),
		both("libutempter0", "libutempter", withMode("/usr/lib/*/utempter/utempter", 0o2755)),
		both("plocate", "plocate", withMode("/usr/bin/plocate", 0o2755)),
		both("chromium-sandbox", "chromium", setuid("/usr/lib/chromium/chrome-sandbox")),
		both("firejail", "firejail", setuid("/usr/bin/firejail")),
		both("uidmap", "shadow", setuid("/usr/bin/newuidmap"), setuid("/usr/bin/newgidmap")),
		both("passwd", "shadow", setuid("/usr/bin/chfn"), setuid("/usr/bin/chsh"), setuid("/usr/bin/gpasswd"), setuid("/usr/bin/passwd"), withMode("/usr/bin/chage", 0o2755), withMode("/usr/bin/expiry", 0o2755)),
		both("login", "shadow", setuid("/usr/bin/newgrp")),
		both("mount", "util-linux", setuid("/usr/bin/mount"), setuid("/usr/bin/umount")),
		both("util-linux", "util-linux", setuid("/usr/bin/su")),
		both("libpam-modules-bin", "pam", withMode("/usr/sbin/unix_chkpwd", 0o2755)),
		both("ppp", "ppp", withMode("/usr/sbin/pppd", 0o4754)),
		deb("pppoe", "rp-pppoe", withMode("/usr/sbin/pppoe", 0o4754)),
		both("apache2-suexec-pristine", "apache2", withMode("/usr/lib/apache2/suexec-pristine", 0o4754)),
		deb("apache2-suexec-custom", "apache2", withMode("/usr/lib/apache2/suexec-custom", 0o4754)),
		both("xserver-xorg-legacy", "xorg", withMode("/usr/lib/xorg/Xorg.wrap", 0o6755)),
		both("liblxc-common", "lxc", setuid("/usr/libexec/lxc/lxc-user-nic")),
		both("mariadb-server", "mariadb", setuid("/usr/lib/mysql/plugin/auth_pam_tool_dir/auth_pam_tool")),

		// Packages that depend on the ones above.
		brings("policykit-1", "policykit-1", "pkexec", "polkitd", "dbus"),
		brings("sshfs", "sshfs-fuse", "fuse3", "openssh-client"),
		brings("gstreamer1.0-plugins-bad", "gst-plugins-bad1.0", "libgstreamer1.0-0", "dbus"),
		brings("bsd-mailx", "bsd-mailx", "exim4-daemon-light", "liblockfile-bin", "cron"),
		brings("rabbitmq-server", "rabbitmq-server", "cron"),
		deb("mailutils", "mailutils", withMode("/usr/bin/dotlock.mailutils", 0o2755)),
		deb("ecryptfs-utils", "ecryptfs-utils", setuid("/usr/sbin/mount.ecryptfs_private")),
		brings("udisks2", "udisks2", "dbus"),
		brings("systemd-container", "systemd", "dbus"),
		brings("gnome-keyring", "gnome-keyring", "dbus"),
		brings("privoxy", "privoxy", "cron"),
		brings("tinyproxy", "tinyproxy", "cron"),
		brings("screen", "screen", "libutempter0"),
		brings("tmux", "tmux", "libutempter0"),
		brings("xterm", "xterm", "libutempter0"),
		brings("lxc", "lxc", "liblxc-common"),
		brings("openssh-server", "openssh", "openssh-client"),
		ubuntu("ubuntu-minimal", "iputils-ping", "sudo"),
		ubuntu("ubuntu-standard", "mtr-tiny", "plocate", "openssh-client"),
		ubuntu("ubuntu-server", "mtr-tiny", "sudo"),
		// By way of PackageKit, which it asks since Debian 9 and Ubuntu 20.04.
		ubuntu("software-properties-common", "libgstreamer1.0-0").notIn("wheezy", "7", "jessie", "8", "precise", "12.04", "trusty", "14.04", "xenial", "16.04", "bionic", "18.04"),
		ubuntu("packagekit", "libgstreamer1.0-0"),
	}
}

// privilegedRHEL lists packages of Fedora, RHEL and their relatives. In their
// spec files the capabilities are %caps and the modes %attr.
func privilegedRHEL() []PrivilegedPackage {
	rpm := func(pkg, source string, files ...PrivilegedFile) PrivilegedPackage {
		return PrivilegedPackage{Package: pkg, Families: []string{"rhel"}, Files: files, Sources: []string{fedora(source)}}
	}
	const subid = "where it is not in shadow-utils-subid, which later releases split off"
	return []PrivilegedPackage{
		rpm("iputils", "iputils", withCaps("/usr/bin/ping", "cap_net_raw", "cap_net_admin").when(upTo8).maybe(),
			withCaps("/usr/sbin/arping", "cap_net_raw").when(upTo8).maybe(), withCaps("/usr/sbin/clockdiff", "cap_net_raw").when(upTo8).maybe()).notIn("9", "10", "2023"),
		rpm("iputils", "iputils", withCaps("/usr/bin/arping", "cap_net_raw").when(since9).maybe(), withCaps("/usr/bin/clockdiff", "cap_net_raw").when(since9).maybe()).notIn("2", "6", "7", "8"),
		rpm("mtr", "mtr", withCaps("/usr/sbin/mtr-packet", "cap_net_raw")),
		rpm("fping", "fping", withCaps("/usr/sbin/fping", "cap_net_raw")),
		rpm("wireshark-cli", "wireshark", PrivilegedFile{Path: "/usr/bin/dumpcap", Mode: 0o750, Caps: []string{"cap_net_raw", "cap_net_admin"}}),
		rpm("gstreamer1", "gstreamer1", withCaps("/usr/libexec/gstreamer-1.0/gst-ptp-helper", "cap_net_bind_service", "cap_net_admin")),
		rpm("httpd24", "httpd24-httpd", PrivilegedFile{Path: "/opt/rh/httpd24/root/usr/sbin/suexec", Mode: 0o510, Caps: []string{"cap_setuid", "cap_setgid"}}.maybe()),
		rpm("httpd24-httpd", "httpd24-httpd", PrivilegedFile{Path: "/opt/rh/httpd24/root/usr/sbin/suexec", Mode: 0o510, Caps: []string{"cap_setuid", "cap_setgid"}}.maybe()),
		rpm("httpd", "httpd", PrivilegedFile{Path: "/usr/sbin/suexec", Mode: 0o510, Caps: []string{"cap_setuid", "cap_setgid"}}),
		rpm("httpd-core", "httpd", PrivilegedFile{Path: "/usr/sbin/suexec", Mode: 0o510, Caps: []string{"cap_setuid", "cap_setgid"}}),
		// Amazon Linux 2 has a version before them.
		rpm("shadow-utils", "shadow-utils",
			withCaps("/usr/bin/newuidmap", "cap_setuid").when(subid).maybe(), withCaps("/usr/bin/newgidmap", "cap_setgid").when(subid).maybe()).notIn("2", "2018", "6"),
		rpm("shadow-utils", "shadow-utils", setuid("/usr/bin/chage"), setuid("/usr/bin/gpasswd"), setuid("/usr/bin/newgrp")),
		rpm("shadow-utils-subid", "shadow-utils", withCaps("/usr/bin/newuidmap", "cap_setuid"), withCaps("/usr/bin/newgidmap", "cap_setgid")),
		rpm("sudo", "sudo", withMode("/usr/bin/sudo", 0o4111)),
		rpm("util-linux", "util-linux", setuid("/usr/bin/su"), setuid("/usr/bin/mount"), setuid("/usr/bin/umount"), withMode("/usr/bin/write", 0o2755)),
		rpm("passwd", "passwd", setuid("/usr/bin/passwd")),
		rpm("pam", "pam", setuid("/usr/sbin/unix_chkpwd"), setuid("/usr/sbin/pam_timestamp_check")),
		rpm("polkit", "polkit", setuid("/usr/bin/pkexec"), setuid("/usr/lib/polkit-1/polkit-agent-helper-1")),
		rpm("dbus-daemon", "dbus", withMode("/usr/libexec/dbus-1/dbus-daemon-launch-helper", 0o4750)),
		rpm("cronie", "cronie", setuid("/usr/bin/crontab")),
		rpm("at", "at", setuid("/usr/bin/at")),
		rpm("openssh", "openssh", withMode("/usr/libexec/openssh/ssh-keysign", 0o2555).when("setuid root since 9.9")),
		rpm("openssh-clients", "openssh", withMode("/usr/bin/ssh-agent", 0o2111).when("in releases up to 7")),
		rpm("fuse3", "fuse3", setuid("/usr/bin/fusermount3")),
		rpm("fuse", "fuse", setuid("/usr/bin/fusermount")),
		rpm("postfix", "postfix", withMode("/usr/sbin/postdrop", 0o2755), withMode("/usr/sbin/postqueue", 0o2755)),
		rpm("libutempter", "libutempter", withMode("/usr/libexec/utempter/utempter", 0o2711)),
		rpm("screen", "screen", withMode("/usr/bin/screen", 0o2755)),
		rpm("plocate", "plocate", withMode("/usr/bin/plocate", 0o2755)),
		rpm("mlocate", "mlocate", withMode("/usr/bin/locate", 0o2711)),
		rpm("usermode", "usermode", withMode("/usr/sbin/userhelper", 0o4711)),
		rpm("chromium", "chromium", setuid("/usr/lib64/chromium-browser/chrome-sandbox")),
	}
}

// privilegedAlpine lists packages of Alpine. apk knows setuid bits; packages
// there that want a capability set it with setcap when they are built.
func privilegedAlpine() []PrivilegedPackage {
	apk := func(pkg, where string, files ...PrivilegedFile) PrivilegedPackage {
		return PrivilegedPackage{Package: pkg, Families: []string{"alpine"}, Files: files, Sources: []string{alpine(where)}}
	}
	return []PrivilegedPackage{
		apk("iputils", "main/iputils", setuid("/bin/ping")),
		apk("iputils-ping", "main/iputils", setuid("/bin/ping")),
		apk("busybox-suid", "main/busybox", withMode("/bin/bbsuid", 0o4111)),
		apk("sudo", "community/sudo", setuid("/usr/bin/sudo")),
		apk("doas", "main/doas", setuid("/usr/bin/doas")),
		apk("shadow", "community/shadow",
			setuid("/bin/su").when("from util-linux or shadow-login"), setuid("/usr/bin/chage"), setuid("/usr/bin/chfn"), setuid("/usr/bin/chsh"),
			setuid("/usr/bin/expiry"), setuid("/usr/bin/gpasswd"), setuid("/usr/bin/passwd")),
		apk("shadow-login", "community/shadow", setuid("/bin/su"), setuid("/usr/bin/newgrp")),
		apk("shadow-uidmap", "community/shadow", withMode("/usr/bin/newuidmap", 0o4711), withMode("/usr/bin/newgidmap", 0o4711)),
		apk("shadow-subids", "community/shadow", withMode("/usr/bin/newuidmap", 0o4711), withMode("/usr/bin/newgidmap", 0o4711)),
		apk("fuse", "main/fuse", setuid("/bin/fusermount")),
		apk("fuse3", "main/fuse3", setuid("/usr/bin/fusermount3")),
		apk("mount", "main/util-linux", setuid("/bin/mount")),
		apk("umount", "main/util-linux", setuid("/bin/umount")),
		apk("polkit", "community/polkit", setuid("/usr/bin/pkexec"), setuid("/usr/lib/polkit-1/polkit-agent-helper-1")),
		apk("dbus", "main/dbus", withMode("/usr/libexec/dbus-daemon-launch-helper", 0o4750)),
		apk("openssh-keysign", "main/openssh", setuid("/usr/lib/ssh/ssh-keysign")),
		apk("postfix", "main/postfix", withMode("/usr/sbin/postdrop", 0o2755), withMode("/usr/sbin/postqueue", 0o2755)),
		apk("exim", "community/exim", setuid("/usr/sbin/exim")),
		apk("mtr", "main/mtr", setuid("/usr/sbin/mtr-packet")),
		apk("fping", "main/fping", withCaps("/usr/sbin/fping", "cap_net_raw")),
		apk("chromium", "community/chromium", setuid("/usr/lib/chromium/chrome-sandbox")),
		apk("linux-pam", "main/linux-pam", withMode("/usr/sbin/unix_chkpwd", 0o2755)),
	}
}

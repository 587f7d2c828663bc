package programs

// rootDaemons have no use as anyone but root.
func rootDaemons() []Program {
	needs := func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: NeedsRoot, Reason: "needs-root-daemon", Why: why, Instead: instead, Ports: ports,
			Variants: []Variant{{Packages: packages}}, Sources: sources,
		}
	}
	return []Program{
		needs("cron", []string{"crond", "anacron", "atd", "fcron", "busybox-crond"},
			"It changes to the account of each job, which only root can.",
			"supercronic, which runs a crontab as the container's user, or the platform's own scheduled jobs",
			nil, []string{"cron", "cronie", "dcron", "anacron", "at", "busybox-initscripts"},
			debian("cron"), "https://github.com/aptible/supercronic", "https://github.com/cronie-crond/cronie/issues/148"),
		goCrond(needs),
		needs("sshd", []string{"dropbear", "in.sshd", "sshd-session"},
			"It changes to the account of who logs in and keeps its keys readable by root alone.",
			"docker exec or kubectl exec instead of logging in; where SSH itself is the service, an sshd with its own host keys, UsePAM no and a high port for the one account it runs as",
			[]string{"22/tcp"}, []string{"openssh-server", "openssh", "dropbear"},
			debian("openssh"), "https://man.openbsd.org/sshd_config#UsePAM"),
		needs("jupyterhub", []string{"configurable-http-proxy-hub"},
			"Its authenticator checks passwords by way of PAM, and it starts each user's server as that user, which only root can.",
			"a spawner that needs no account of the system, such as DockerSpawner or KubeSpawner, with an authenticator to match",
			[]string{"8000/tcp", "8081/tcp"}, nil, "https://jupyterhub.readthedocs.io/en/stable/howto/configuration/config-sudo.html"),
		needs("rtl_tcp", []string{"rtl_fm", "rtl_433", "rtl_sdr", "rtl_power", "dump1090", "dump1090-fa", "readsb", "acarsdec", "dumpvdl2", "hackrf_transfer", "soapy_power", "usbmuxd"},
			"It opens a USB device, which belongs to root unless the host has a rule for it.",
			"a rule of the host's udev that gives the device to a group, and --group-add with that group",
			nil, []string{"rtl-sdr", "rtl-433", "dump1090-mutability", "usbmuxd"}, "https://osmocom.org/projects/rtl-sdr/wiki/Rtl-sdr"),
		needs("rsyslogd", []string{"syslog-ng", "syslogd", "klogd", "metalog"},
			"It reads /proc/kmsg and makes /dev/log, and writes to /var/log.",
			"log to standard output, which the container engine collects",
			[]string{"514/udp", "514/tcp"}, []string{"rsyslog", "syslog-ng", "syslog-ng-core", "busybox-syslogd", "inetutils-syslogd"},
			debian("rsyslog"), debian("syslog-ng"), "https://12factor.net/logs"),
		needs("ntpd", []string{"chronyd", "ntpdate", "openntpd", "ptp4l", "timedatectl", "systemd-timesyncd", "hwclock"},
			"It sets the clock, which is the host's.",
			"set the clock on the host; chronyd -x serves time without setting it and can run as its own account",
			[]string{"123/udp"}, []string{"ntp", "ntpsec", "chrony", "openntpd", "ntpdate"},
			debian("ntpsec"), debian("chrony"), "https://chrony-project.org/doc/4.3/chronyd.html"),
		needs("dockerd", []string{"dockerd-entrypoint.sh", "docker-init-dind", "dind", "wrapdocker"},
			"It makes namespaces, mounts and networks.",
			"the docker:dind-rootless image, or rootless podman or buildkit",
			[]string{"2375/tcp", "2376/tcp"}, []string{"docker.io", "docker-ce", "docker-engine", "docker-io", "lxc-docker", "moby-engine"},
			"https://docs.docker.com/engine/security/rootless/", "https://github.com/docker-library/docker/blob/master/29/dind-rootless/Dockerfile",
			"https://docs.docker.com/engine/deprecated/#-d-and---daemon-flags-on-docker", "https://github.com/jpetazzo/dind/blob/master/wrapdocker").as(dockerDaemon),
		needs("containerd", []string{"crio", "buildkitd", "k3s", "k0s", "rke2", "microk8s", "kubelet", "kube-proxy", "cri-dockerd", "kind"},
			"It makes namespaces, mounts and networks.",
			"buildkit and k3s have a rootless mode",
			nil, []string{"containerd", "containerd.io", "kubelet", "cri-o"},
			"https://github.com/moby/buildkit/blob/master/docs/rootless.md", "https://docs.k3s.io/advanced#running-rootless-servers-experimental", "https://kubernetes.io/docs/tasks/administer-cluster/kubelet-in-userns/"),
		dockerClients(needs),
		needs("mount", []string{"umount", "mount.nfs", "mount.cifs", "losetup", "mkfs", "swapon", "cryptsetup", "iscsid", "multipathd", "lvm", "udevd", "systemd-udevd", "fstrim", "fsfreeze", "nsenter"},
			"It changes mounts or block devices, which needs CAP_SYS_ADMIN.",
			"let the platform mount volumes",
			nil, []string{"open-iscsi", "multipath-tools", "lvm2"},
			"https://man7.org/linux/man-pages/man2/mount.2.html", "https://man7.org/linux/man-pages/man7/capabilities.7.html").with("cap_sys_admin"),
		needs("modprobe", []string{"insmod", "rmmod", "depmod", "modprobe.sh"},
			"It loads modules into the host's kernel, which needs CAP_SYS_MODULE.",
			"load the modules on the host",
			nil, []string{"kmod"},
			"https://man7.org/linux/man-pages/man8/modprobe.8.html", "https://man7.org/linux/man-pages/man7/capabilities.7.html").with("cap_sys_module"),
		sysctl(needs),
		needs("s3fs", []string{"rclone-mount", "goofys", "sshfs", "glusterfs", "ceph-fuse", "mergerfs", "gcsfuse", "fusermount", "fusermount3"},
			"It mounts a file system in user space, which needs /dev/fuse and CAP_SYS_ADMIN.",
			"a volume driver of the platform",
			nil, []string{"s3fs", "sshfs", "ceph-fuse", "mergerfs", "gcsfuse"},
			"https://man7.org/linux/man-pages/man4/fuse.4.html", "https://github.com/s3fs-fuse/s3fs-fuse", "https://rclone.org/commands/rclone_mount/").with("cap_sys_admin").
			as(Invocation{Name: "rclone", Words: []string{"mount", "mount2", "cmount"}, Values: []string{"--config"}}),
		needs("glusterd", []string{"glusterfsd"},
			"It serves bricks under the accounts of their files and sets trusted extended attributes, which needs CAP_SYS_ADMIN.",
			"a storage service of the platform",
			[]string{"24007/tcp", "24008/tcp"}, []string{"glusterfs-server"},
			debian("glusterfs"), "https://docs.gluster.org/en/latest/Administrator-Guide/overview/", "https://man7.org/linux/man-pages/man7/xattr.7.html").with("cap_sys_admin"),
		needs("ceph-osd", []string{"ceph-volume"},
			"It drives raw disks.",
			"Rook or cephadm, which start it with the devices it needs",
			nil, []string{"ceph-osd"},
			debian("ceph"), "https://docs.ceph.com/en/latest/man/8/ceph-osd/"),
		needs("xinetd", []string{"inetd", "openbsd-inetd", "inetutils-inetd", "tcpd"},
			"It changes to the account of each service.",
			"start the one service directly",
			nil, []string{"xinetd", "openbsd-inetd", "inetutils-inetd"},
			"https://sources.debian.org/src/xinetd/bookworm/debian/"),
		needs("cupsd", []string{"bluetoothd", "NetworkManager", "wpa_supplicant", "ModemManager", "pcscd", "upsd", "acpid", "lircd"},
			"It drives the host's devices.",
			"give the container the one device and group that it needs",
			[]string{"631/tcp"}, []string{"cups", "cups-daemon", "bluez", "network-manager", "wpasupplicant", "pcscd", "nut-server"},
			debian("cups"), debian("bluez")),
		nodePrograms(needs),
		dockerPlugins(needs),
		needs("auditd", []string{"falco", "osqueryd", "tetragon", "bpftrace", "perf", "sysdig", "cadvisor", "sysdig-agent", "datadog-agent", "dd-agent"},
			"It looks into the kernel and other processes.",
			"run it with the capabilities that its documentation lists",
			nil, []string{"auditd", "falco", "osquery", "bpftrace", "sysdig", "datadog-agent"},
			"https://falco.org/docs/setup/container/", "https://github.com/google/cadvisor/blob/master/docs/running.md"),
		needs("dbus-daemon", []string{"dbus-launch", "polkitd", "avahi-daemon", "elogind", "logind", "udisksd"},
			"The system bus starts services under other accounts.",
			"dbus-run-session for a bus of the user's own",
			nil, []string{"dbus", "avahi-daemon", "policykit-1", "polkitd"},
			debian("dbus"), "https://dbus.freedesktop.org/doc/dbus-daemon.1.html"),
		needs("xrdp", []string{"xrdp-sesman", "lightdm", "gdm3", "sddm", "xdm", "vncserver-virtual", "login", "getty", "agetty"},
			"It logs users in under their own accounts.",
			"one VNC or web desktop session as the container's own user",
			[]string{"3389/tcp"}, []string{"xrdp", "lightdm", "gdm3"},
			debian("xrdp")),
		needs("lxd", []string{"libvirtd", "virtqemud", "lxc-start", "incusd"},
			"It starts containers and virtual machines.",
			"qemu itself runs as any account that may open /dev/kvm",
			nil, []string{"lxd", "libvirt-daemon-system", "lxc"},
			debian("libvirt")),
	}
}

// goCrond changes to the accounts of a crontab unless it is told that it may not.
func goCrond(needs func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program) Program {
	p := needs("go-crond", nil,
		"It changes to the account of each job, and started by another account than root it stops unless it is told --allow-unprivileged.",
		"go-crond --allow-unprivileged, which runs every job as the container's user",
		[]string{"8080/tcp"}, nil,
		"https://github.com/webdevops/go-crond/blob/main/main.go", "https://github.com/webdevops/go-crond#usage")
	p.Unless = []string{"--allow-unprivileged"}
	return p
}

// dockerDaemon is how the daemon was started before it had a name of its own.
var dockerDaemon = Invocation{Name: "docker", Words: []string{"daemon", "-d", "--daemon"}, Values: []string{
	"-H", "--host", "-g", "--graph", "-G", "--group", "-l", "--log-level", "-s", "--storage-driver", "--storage-opt", "-b", "--bridge", "--bip",
	"-e", "--exec-driver", "-p", "--pidfile", "--mtu", "--dns", "--config", "--tlscacert", "--tlscert", "--tlskey", "--insecure-registry", "--registry-mirror",
}}

// dockerClients do nothing but by way of the Docker socket.
func dockerClients(needs func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program) Program {
	p := needs("watchtower", []string{"portainer", "dozzle", "logspout", "registrator", "docker-gen"},
		"It works through the Docker socket, which belongs to root and the host's docker group.",
		"give the container the socket's group with group_add, or put a filtering proxy in between",
		nil, nil,
		"https://containrrr.dev/watchtower/usage-overview/", "https://docs.portainer.io/start/install-ce/server/docker/linux", "https://dozzle.dev/guide/getting-started",
		"https://github.com/gliderlabs/logspout", "https://github.com/gliderlabs/registrator", "https://github.com/nginx-proxy/docker-gen")
	p.Reason = "docker-socket"
	return p
}

// nodePrograms work on the files and devices of a Kubernetes node. There are many, and
// their names say what they are.
func nodePrograms(needs func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program) Program {
	p := needs("node-problem-detector", []string{"cni", "csi", "node-driver-registrar", "csi-node-driver-registrar"},
		"It works on the node's files, devices or sockets, which belong to root.",
		"leave it root, with the mounts, devices and capabilities that its manifest gives it",
		nil, nil,
		"https://kubernetes-csi.github.io/docs/deploying.html", "https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/",
		"https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/", "https://github.com/kubernetes/node-problem-detector", "https://github.com/kubernetes-sigs/sig-storage-lib-external-provisioner")
	p.Like = []string{"*-provisioner", "csi-*", "*-csi-*", "*-csi", "*-device-plugin", "*-node-agent", "cni-*"}
	return p
}

// dockerPlugins serve Docker's daemon on a socket in a directory of root's, and make networks
// and mounts of the host for it.
func dockerPlugins(needs func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program) Program {
	p := needs("docker-plugin", nil,
		"It is a plugin of Docker's: it makes its socket in /run/docker/plugins, which belongs to root, and works on the host's networks or mounts.",
		"leave it root, with the capabilities and mounts that its config.json asks for, as docker plugin install does",
		nil, nil,
		"https://docs.docker.com/engine/extend/plugin_api/", "https://docs.docker.com/engine/extend/config/")
	p.Like = []string{"docker-volume-*", "docker-network-*", "docker-net-*", "docker-*-plugin", "*-docker-plugin", "*-volume-plugin", "*-network-plugin", "macvlan-plugin", "ipvlan-plugin"}
	return p
}

// sysctl names the capability by the parameter: the network's belong to the
// network namespace and its CAP_NET_ADMIN (net/sysctl_net.c), the others to the
// host's CAP_SYS_ADMIN.
func sysctl(needs func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program) Program {
	p := needs("sysctl", []string{"procsysctl"},
		"It sets kernel parameters, which needs CAP_SYS_ADMIN, or CAP_NET_ADMIN for those below net, and a /proc/sys that can be written.",
		"set parameters of the container's own namespaces with docker run --sysctl, and the others on the host",
		nil, nil,
		"https://docs.docker.com/reference/cli/docker/container/run/#sysctl", "https://github.com/torvalds/linux/blob/master/net/sysctl_net.c", "https://man7.org/linux/man-pages/man7/capabilities.7.html").with("cap_sys_admin")
	p.Cases = []Case{{Prefix: "net.",
		Why:     "It sets parameters of the container's network, which needs CAP_NET_ADMIN and a /proc/sys that can be written.",
		Instead: "docker run --sysctl, which sets them before the container starts", Capabilities: []string{"cap_net_admin"}}}
	return p
}

// initSystems start and watch other programs, under other accounts.
func initSystems() []Program {
	initSystem := func(name string, aliases []string, why, instead string, packages []string, sources ...string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: NeedsRoot, Reason: "init-system", Why: why, Instead: instead,
			Variants: []Variant{{Packages: packages}}, Sources: sources,
		}
	}
	supervisord := Program{
		Name: "supervisord", Aliases: []string{"supervisor"}, Root: NeedsRoot, Reason: "init-system",
		Why:     "Its programs may each have an account of their own, and change to it.",
		Instead: "one program to a container; or take user= out of every [program:] and of [supervisord], when supervisord itself runs as any account",
		Variants: []Variant{{
			Packages: []string{"supervisor"},
			Writes:   []Path{dir("/var/log/supervisor"), file("/run/supervisord.pid"), file("{workdir}/supervisord.log").optional(), file("{workdir}/supervisord.pid").optional()},
			Pid:      "/run/supervisord.pid", Sockets: []string{"/run/supervisor.sock"},
			Needs: []Need{
				{Setting: "user= in [program:x]", Effect: "supervisord cannot change to another account: can't drop privilege as nonroot user", Fix: "remove it", Fatal: true},
				{Setting: "user= in [supervisord]", Effect: "supervisord stops where it names another account", Fix: "remove it", Fatal: true},
				{Setting: "file=/var/run/supervisor.sock in [unix_http_server]", File: "/etc/supervisor/supervisord.conf", Effect: "the socket cannot be made in /run and supervisord stops", Fix: "put it into a directory of its own, or below /tmp", Fatal: true, Default: true},
			},
			VerifiedLab: "bookworm",
		}},
		Sources: []string{debian("supervisor"), "http://supervisord.org/configuration.html#program-x-section-settings", "http://supervisord.org/running.html"},
	}
	return []Program{
		supervisord,
		initSystem("/init", []string{"s6-overlay-init", "s6-linux-init", "s6-rc-init", "with-contenv"},
			"s6-overlay prepares /run as root and its services change accounts themselves.",
			"s6-overlay runs as another user when /run belongs to it and its setuid helper stays; see its documentation of USER",
			[]string{"s6-overlay", "s6-linux-init"},
			"https://github.com/just-containers/s6-overlay#user-directive", "https://github.com/just-containers/s6-overlay/issues/427"),
		initSystem("s6-svscan", nil,
			"It supervises the services of a directory, whose run scripts could not be read, and makes a directory supervise in each.",
			"s6-svscan runs as any user over a directory of its own: drop s6-setuidgid from the run scripts and give the user the directory",
			[]string{"s6"},
			"https://skarnet.org/software/s6/s6-svscan.html", "https://skarnet.org/software/s6/s6-supervise.html"),
		initSystem("systemd", []string{"/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd", "init", "/bin/systemd"},
			"It is a system's first process and needs root, cgroups and mounts.",
			"start the one service in the foreground instead",
			[]string{"systemd", "systemd-sysv"},
			"https://systemd.io/CONTAINER_INTERFACE/"),
		initSystem("systemctl", []string{"systemctl.py", "systemctl3.py"},
			"It starts services under the accounts that their units name, by way of systemd or, as docker-systemctl-replacement, in its place.",
			"start the one service in the foreground instead",
			nil,
			"https://www.freedesktop.org/software/systemd/man/latest/systemctl.html", "https://github.com/gdraheim/docker-systemctl-replacement"),
		initSystem("runsvdir", []string{"runit", "runit-init", "runsv", "runsvdir-start", "runit-docker"},
			"Its services change accounts themselves.",
			"runsvdir runs as any user over a directory of its own, when no service changes accounts",
			[]string{"runit"},
			"http://smarden.org/runit/faq.html#user", debian("runit")),
		initSystem("my_init", []string{"/sbin/my_init"},
			"baseimage-docker starts runit, syslog-ng and cron as root.",
			"start the one program directly",
			nil,
			"https://github.com/phusion/baseimage-docker/blob/master/image/bin/my_init"),
		initSystem("openrc", []string{"openrc-init", "rc-service", "service", "rc"},
			"It starts services as root, and they go into the background.",
			"start the one service in the foreground instead",
			[]string{"openrc", "sysvinit-core", "init-system-helpers"},
			"https://wiki.alpinelinux.org/wiki/OpenRC"),
		initSystem("monit", []string{"circusd", "chaperone", "god", "bluepill", "nosh", "dinit", "finit"},
			"It starts programs under other accounts.",
			"one program to a container, and the platform's restarts and health checks",
			[]string{"monit"},
			"https://mmonit.com/monit/documentation/monit.html"),
	}
}

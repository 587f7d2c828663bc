package programs

// tun is the advice for programs that make a tunnel of their own.
const tun = "root with CAP_NET_ADMIN alone, and --device /dev/net/tun"

// changes is the advice for those that change to an account of their own, or may be told
// to: without these two capabilities they stop.
const changes = ", and with CAP_SETUID and CAP_SETGID where it changes to an account of its own"

// tunChanges is tun for such.
const tunChanges = "root with CAP_NET_ADMIN and --device /dev/net/tun" + changes

// networkDaemons reach into the kernel's network stack.
func networkDaemons() []Program {
	needsNet := func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: NeedsRoot, Reason: "needs-root-daemon", Why: why, Instead: instead, Ports: ports,
			Capabilities: []string{"cap_net_admin"}, Variants: []Variant{{Packages: packages}}, Sources: sources,
		}
	}
	return []Program{
		needsNet("openvpn", []string{"ovpn_run", "openvpnas"}, "It makes a tun device and sets routes, which needs CAP_NET_ADMIN.", tunChanges,
			[]string{"1194/udp"}, []string{"openvpn"}, debian("openvpn"), "https://community.openvpn.net/openvpn/wiki/UnprivilegedUser", "https://github.com/kylemanna/docker-openvpn"),
		needsNet("wg-quick", []string{"wg", "wg-easy", "awg", "awg-quick", "wg-access-server"}, "It makes a network interface and sets routes, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN alone; the host loads the module",
			[]string{"51820/udp"}, []string{"wireguard", "wireguard-tools"}, debian("wireguard"), "https://github.com/linuxserver/docker-wireguard", "https://github.com/freifunkMUC/wg-access-server"),
		needsNet("wireguard-go", []string{"boringtun", "boringtun-cli", "amneziawg-go"}, "It makes a tun device, which needs CAP_NET_ADMIN.", tun,
			nil, []string{"wireguard-go"}, "https://git.zx2c4.com/wireguard-go/about/", "https://github.com/cloudflare/boringtun"),
		needsNet("ipsec", []string{"charon", "charon-systemd", "starter", "pluto", "swanctl", "strongswan", "charon-cmd", "racoon", "isakmpd"}, "It sets the kernel's IPsec policies, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN"+changes,
			[]string{"500/udp", "4500/udp"}, []string{"strongswan", "libreswan", "strongswan-starter", "charon-cmd", "racoon"}, debian("strongswan"), "https://docs.strongswan.org/docs/latest/howtos/reducedPrivileges.html"),
		needsNet("xl2tpd", []string{"pppd", "pptpd", "accel-pppd", "pptp", "pppoe-server", "sstpc"}, "It makes ppp interfaces, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN alone, and --device /dev/ppp",
			[]string{"1701/udp", "1723/tcp"}, []string{"xl2tpd", "ppp", "pptpd", "pptp-linux", "pppoe", "sstp-client"}, debian("xl2tpd"), debian("ppp")),
		needsNet("ocserv", []string{"openconnect", "vpnc", "anylink", "softetherd", "vpnserver", "vpnclient", "vpnbridge", "openfortivpn", "tincd", "fastd", "vtund", "iodined", "iodine", "cjdroute", "yggdrasil", "tun2socks", "badvpn-tun2socks", "gpclient", "gluetun-entrypoint", "pritunl"},
			"It makes a tun device, which needs CAP_NET_ADMIN.", tunChanges,
			nil, []string{"ocserv", "openconnect", "vpnc", "openfortivpn", "tinc", "fastd", "vtun", "iodine", "yggdrasil", "pritunl"}, debian("ocserv"), "https://github.com/bjdgyc/anylink", debian("tinc"), "https://github.com/SoftEtherVPN/SoftEtherVPN", debian("iodine"), "https://github.com/cjdelisle/cjdns", "https://github.com/yggdrasil-network/yggdrasil-go", "https://github.com/xjasonlyu/tun2socks", "https://github.com/qdm12/gluetun", "https://github.com/pritunl/pritunl"),
		needsNet("nordvpnd", []string{"nordvpn", "expressvpnd", "expressvpn", "mullvad-daemon", "protonvpn", "protonvpn-cli", "windscribe", "surfshark-vpn", "warp-svc"}, "It makes a tun device and sets routes and the firewall, which needs CAP_NET_ADMIN.", tun,
			nil, []string{"nordvpn", "expressvpn", "mullvad-vpn", "protonvpn-cli", "windscribe", "cloudflare-warp"}, "https://github.com/NordSecurity/nordvpn-linux", "https://github.com/mullvad/mullvadvpn-app", "https://developers.cloudflare.com/cloudflare-one/connections/connect-devices/warp/"),
		needsNet("sshuttle", nil, "It sets the firewall to lead connections through SSH, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN alone, or ssh -D, which is a proxy and needs no root",
			nil, []string{"sshuttle"}, debian("sshuttle"), "https://sshuttle.readthedocs.io/en/stable/requirements.html"),
		needsNet("tailscaled", []string{"containerboot"}, "It makes a tun device, which needs CAP_NET_ADMIN, unless it is told to network in user space.", "--tun=userspace-networking (TS_USERSPACE), which runs as any account that may write its state, or "+tun,
			[]string{"41641/udp"}, []string{"tailscale"}, "https://tailscale.com/kb/1112/userspace-networking", "https://github.com/tailscale/tailscale/blob/main/Dockerfile").
			unless("--tun=userspace-networking", "-tun=userspace-networking").writing(dir("/var/lib/tailscale").why("state"), dir("/var/run/tailscale").why("its socket")),
		needsNet("zerotier-one", []string{"nebula", "netbird", "netclient", "easytier-core"}, "It makes a tun device, which needs CAP_NET_ADMIN.", tunChanges,
			[]string{"9993/udp"}, []string{"zerotier-one", "nebula"}, "https://docs.zerotier.com/docker/", "https://github.com/slackhq/nebula", "https://docs.netbird.io/get-started/install/docker", "https://github.com/gravitl/netclient", "https://github.com/EasyTier/EasyTier"),
		needsNet("iptables", []string{"nft", "ip6tables", "iptables-restore", "ufw", "ipset", "firewalld", "conntrackd"}, "It sets the kernel's firewall, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN alone",
			nil, []string{"iptables", "nftables", "ufw", "firewalld"}, debian("iptables"), debian("nftables")),
		needsNet("fail2ban-server", []string{"fail2ban-client", "sshguard", "denyhosts", "crowdsec-firewall-bouncer"}, "It sets the firewall by what it reads in logs, which needs CAP_NET_ADMIN.", "root with CAP_NET_ADMIN and CAP_NET_RAW alone, in the network whose traffic it filters",
			nil, []string{"fail2ban", "sshguard"}, debian("fail2ban"), "https://github.com/linuxserver/docker-fail2ban"),
		needsNet("keepalived", []string{"ucarp"}, "It moves addresses between interfaces and speaks VRRP over raw sockets, which needs CAP_NET_ADMIN and CAP_NET_RAW.", "root with CAP_NET_ADMIN and CAP_NET_RAW, and with CAP_SETUID and CAP_SETGID where it runs scripts under another account",
			nil, []string{"keepalived", "ucarp"}, debian("keepalived")).with("cap_net_admin", "cap_net_raw"),
		needsNet("dhcpd", []string{"dhclient", "dhcpcd", "kea-dhcp4", "kea-dhcp6", "udhcpd", "udhcpc", "radvd", "hostapd"}, "It uses raw sockets, and sets addresses, which needs CAP_NET_RAW and CAP_NET_ADMIN.", "root with CAP_NET_RAW and CAP_NET_ADMIN"+changes,
			[]string{"67/udp", "68/udp", "547/udp"}, []string{"isc-dhcp-server", "isc-dhcp-client", "kea-dhcp4-server", "radvd", "hostapd"}, debian("isc-dhcp"), debian("isc-kea")).with("cap_net_admin", "cap_net_raw"),
		needsNet("bird", []string{"bird6", "babeld", "olsrd"}, "It sets the kernel's routes, which needs CAP_NET_ADMIN, and its protocols use raw sockets, which need CAP_NET_RAW.", "root with CAP_NET_ADMIN and CAP_NET_RAW"+changes,
			[]string{"179/tcp"}, []string{"bird", "bird2", "babeld", "olsrd"}, debian("bird2"), "https://manpages.debian.org/bookworm/bird2/bird.8.en.html").with("cap_net_admin", "cap_net_raw"),
		needsNet("zebra", []string{"watchfrr", "frrinit.sh", "frr", "quagga", "bgpd", "ospfd", "ospf6d", "ripd", "ripngd", "isisd", "pimd", "ldpd", "bfdd", "staticd"},
			"It changes to its own account and keeps the capabilities to set the kernel's routes and to use raw sockets, and stops where it has not all that it asks for: zebra asks for CAP_SYS_ADMIN as well.",
			"root with CAP_SETUID, CAP_SETGID, CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE and CAP_SYS_ADMIN",
			[]string{"179/tcp"}, []string{"frr", "quagga", "quagga-core"}, debian("frr"), "https://docs.frrouting.org/en/latest/installation.html",
			"https://github.com/FRRouting/frr/blob/master/lib/privs.c", "https://github.com/FRRouting/frr/blob/master/zebra/main.c", "https://github.com/Quagga/quagga/blob/master/lib/privs.c").
			with("cap_net_admin", "cap_net_raw", "cap_sys_admin", "cap_net_bind_service", "cap_setuid", "cap_setgid"),
		needsNet("tcpdump", []string{"tshark", "dumpcap", "suricata", "snort", "zeek", "ntopng", "arpwatch", "ngrep", "p0f", "darkstat", "softflowd", "wireshark", "wireshark-gtk", "wireshark-qt", "ettercap", "dsniff", "kismet", "passivedns", "nprobe", "argus"}, "It reads packets from raw sockets, which needs CAP_NET_RAW.", "root with CAP_NET_RAW, with CAP_NET_ADMIN where it makes an interface promiscuous"+changes,
			nil, []string{"tcpdump", "tshark", "suricata", "snort", "zeek", "arpwatch", "ngrep"}, debian("tcpdump"), debian("wireshark"), "https://docs.suricata.io/en/latest/install.html").with("cap_net_raw"),
		needsNet("calico-node", []string{"flanneld", "kube-router", "cilium-agent"}, "It sets up the networks of the host's containers.", "leave it privileged, as its manifest has it",
			nil, nil, "https://docs.tigera.io/calico/latest/getting-started/kubernetes/", "https://github.com/flannel-io/flannel", "https://docs.cilium.io/en/stable/"),
	}
}

// rawDevices send commands to disks.
func rawDevices() []Program {
	raw := func(name string, aliases []string, why, instead string, packages []string, sources ...string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: NeedsRoot, Reason: "needs-root-daemon", Why: why, Instead: instead,
			Variants: []Variant{{Packages: packages}}, Sources: sources,
		}
	}
	smart := raw("smartd", []string{"smartctl", "hdparm", "sdparm", "sg_ses", "sg_inq", "hddtemp", "hd-idle", "scrutiny-collector-metrics"},
		"It sends commands to raw disks, which needs the device and CAP_SYS_RAWIO, or CAP_SYS_ADMIN where the disk is NVMe.",
		"root with --device for each disk and only that capability",
		[]string{"smartmontools", "hdparm", "sdparm", "sg3-utils", "hddtemp", "hd-idle"},
		debian("smartmontools"), debian("hdparm"), "https://github.com/AnalogJ/scrutiny#docker", "https://man7.org/linux/man-pages/man7/capabilities.7.html").with("cap_sys_rawio")
	smart.Cases = []Case{{Prefix: "/dev/nvme",
		Why:     "It sends commands to a raw NVMe disk, which needs the device and CAP_SYS_ADMIN.",
		Instead: "root with --device for the disk and only that capability", Capabilities: []string{"cap_sys_admin"}}}
	return []Program{
		smart,
		raw("nvme", nil,
			"It sends commands to raw NVMe disks, which needs the device and CAP_SYS_ADMIN.",
			"root with --device for each disk and only that capability",
			[]string{"nvme-cli"},
			debian("nvme-cli"), "https://github.com/torvalds/linux/blob/master/drivers/nvme/host/ioctl.c").with("cap_sys_admin"),
		raw("ddrescue", []string{"dd_rescue", "testdisk", "photorec", "badblocks", "blkdiscard", "parted", "fdisk", "sfdisk", "sgdisk"},
			"It works on raw disks, whose device files belong to root and the group disk.",
			"root with --device for the disk and no capability; or the group disk by its number, with --group-add",
			[]string{"gddrescue", "ddrescue", "testdisk", "parted", "gdisk"},
			debian("gddrescue"), "https://docs.docker.com/reference/cli/docker/container/run/#device"),
	}
}

// logins change to the account of who logs in.
func logins() []Program {
	login := func(name string, aliases []string, why, instead string, ports, packages []string, sources ...string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: NeedsRoot, Reason: "needs-root-daemon", Why: why, Instead: instead, Ports: ports,
			Variants: []Variant{{Packages: packages}}, Sources: sources,
		}
	}
	runner := login("gitlab-runner", []string{"gitlab-ci-multi-runner"},
		"It starts jobs under the account of --user, or in containers by way of the Docker socket, and keeps its settings in /etc.",
		"the Kubernetes executor, with which GitLab's Helm chart runs it as another user",
		nil, []string{"gitlab-runner", "gitlab-ci-multi-runner"},
		"https://docs.gitlab.com/runner/commands/#gitlab-runner-run", "https://docs.gitlab.com/runner/install/kubernetes/", "https://gitlab.com/gitlab-org/gitlab-runner/-/tree/main/dockerfiles/runner")
	runner.Variants = append(runner.Variants, Variant{Images: []string{"gitlab/gitlab-runner", "registry.gitlab.com/gitlab-org/gitlab-runner"}})
	return []Program{
		runner,
		login("shiny-server", []string{"shiny-server.sh"},
			"It changes to the account of run_as, and started by another account it stops unless its configuration names that one.",
			"run_as with the account of USER in shiny-server.conf, and that account as owner of /var/lib/shiny-server and /var/log/shiny-server",
			[]string{"3838/tcp"}, []string{"shiny-server"},
			"https://docs.posit.co/shiny-server/#run_as", "https://github.com/rstudio/shiny-server/blob/main/config/default.config"),
		login("rserver", []string{"rstudio-server"},
			"It logs users in under their own accounts and starts their sessions as them.",
			"rserver --server-user and auth-none=1 for the one account that it runs as",
			[]string{"8787/tcp"}, []string{"rstudio-server"},
			"https://docs.posit.co/ide/server-pro/access_and_security/server_permissions.html", "https://rocker-project.org/images/versioned/rstudio.html"),
		login("cockpit-ws", []string{"webmin", "shellinaboxd", "in.telnetd", "telnetd", "in.rlogind", "in.ftpd"},
			"It logs users in under their own accounts.",
			"docker exec or kubectl exec instead of logging in",
			nil, []string{"cockpit-ws", "webmin", "shellinabox", "telnetd"},
			"https://cockpit-project.org/guide/latest/cockpit-ws.8.html", debian("shellinabox")),
		login("cyrmaster", []string{"courierd", "couriertcpd", "cyrus-master"},
			"Its processes change to the accounts of its services and users.",
			"for sending only: msmtp, or a relay outside the container",
			[]string{"143/tcp", "993/tcp"}, []string{"cyrus-imapd", "courier-imap", "courier-base"},
			debian("cyrus-imapd"), debian("courier")),
		login("in.tftpd", []string{"tftpd", "atftpd", "tftpd-hpa"},
			"It changes its root directory and its account, and stops where it cannot.",
			"a TFTP server that does neither, dnsmasq among them",
			[]string{"69/udp"}, []string{"tftpd-hpa", "atftpd"},
			debian("tftp-hpa"), debian("atftp")),
		login("ganesha.nfsd", nil,
			"It changes to the account of each request and opens files by their handles, which needs CAP_DAC_READ_SEARCH.",
			"root with that capability",
			[]string{"2049/tcp"}, []string{"nfs-ganesha"},
			debian("nfs-ganesha"), "https://github.com/nfs-ganesha/nfs-ganesha/wiki").with("cap_dac_read_search"),
		login("sssd", []string{"nscd", "nslcd"},
			"It answers for accounts over sockets in directories that belong to root.",
			"the platform's own accounts",
			nil, []string{"sssd", "nscd", "nslcd"},
			debian("sssd"), debian("nss-pam-ldapd")),
		login("certbot", []string{"certbot-auto", "letsencrypt", "letsencrypt-auto"},
			"It keeps keys in /etc/letsencrypt, /var/lib/letsencrypt and /var/log/letsencrypt, which belong to root, unless its options name others.",
			"--config-dir, --work-dir and --logs-dir in directories of the user's own, when certbot runs as any account",
			nil, []string{"certbot", "python3-certbot-nginx", "letsencrypt"},
			debian("python-certbot"), "https://eff-certbot.readthedocs.io/en/stable/using.html#running-with-docker"),
	}
}

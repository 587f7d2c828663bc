package rewrite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCapabilitiesOfPrograms keeps the runtime profile of a program that needs
// root what the reason for it says.
func TestCapabilitiesOfPrograms(t *testing.T) {
	tests := []struct {
		cmd  string
		want []string
	}{
		{`["openvpn", "--config", "/etc/openvpn/server.conf"]`, []string{"NET_ADMIN"}},
		{`["smartd", "-n"]`, []string{"SYS_RAWIO"}},
		{`["smartctl", "-a", "/dev/nvme0"]`, []string{"SYS_ADMIN"}},
		{`["nvme", "list"]`, []string{"SYS_ADMIN"}},
		{`["ddrescue", "/dev/sdb", "image", "map"]`, nil},
		{`["sysctl", "-w", "net.ipv4.ip_forward=1"]`, []string{"NET_ADMIN"}},
		{`["sysctl", "-p"]`, []string{"SYS_ADMIN"}},
		{`["tcpdump", "-i", "any"]`, []string{"NET_RAW"}},
	}
	for _, test := range tests {
		res, err := Run(context.Background(), []byte("FROM debian:bookworm-slim\nCMD "+test.cmd+"\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range res.Profile.Capabilities {
			got = append(got, c.Name)
		}
		if res.Reason != NeedsRootDaemon || !slices.Equal(got, test.want) {
			t.Errorf("CMD %s: %s with %q, want %s with %q", test.cmd, res.Reason, got, NeedsRootDaemon, test.want)
		}
	}
}

// TestCapabilitiesOfDroppers keeps what an image that changes the user itself is
// told to add, and whether that is all.
func TestCapabilitiesOfDroppers(t *testing.T) {
	const script = "FROM debian:bookworm-slim\nCOPY --chmod=755 <<\"EOF\" /start.sh\n#!/bin/sh\n%s\nEOF\nCMD [\"/start.sh\"]\n"
	five := []string{"SETUID", "SETGID", "CHOWN", "FOWNER", "DAC_OVERRIDE"}
	audited := append(slices.Clone(five), "AUDIT_WRITE")
	const alpine = "FROM alpine:3.20\nRUN apk add --no-cache %s\nCOPY --chmod=755 <<\"EOF\" /start.sh\n#!/bin/sh\nexec su app -c server\nEOF\nCMD [\"/start.sh\"]\n"
	tests := []struct {
		name, file string
		want       []string
		unsure     bool
	}{
		{"gosu", fmt.Sprintf(script, "exec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"nginx beside it", fmt.Sprintf(script, "nginx\nexec gosu app server"), []string{"SETUID", "SETGID", "CHOWN"}, false},
		// sshd ends sessions that it cannot audit (containers/podman#10164).
		{"sshd beside it", fmt.Sprintf(script, "/usr/sbin/sshd\nexec gosu app server"), append([]string{"SYS_CHROOT", "AUDIT_WRITE"}, five...), false},
		{"an unread script", "FROM debian:bookworm-slim\nRUN apt-get install -y gosu\nCOPY start.sh /\nCMD [\"/start.sh\"]\n", five, true},
		{"an unread helper", fmt.Sprintf(script, "/opt/setup.sh\nexec gosu app server"), five, true},
		{"supervisord", "FROM debian:bookworm-slim\nRUN apt-get install -y supervisor\nCMD [\"supervisord\", \"-n\"]\n", nil, true},

		{"su", fmt.Sprintf(script, "exec su app -c server"), []string{"SETUID", "SETGID", "AUDIT_WRITE", "KILL"}, false},
		{"su in the exec form", "FROM debian:bookworm-slim\nRUN useradd app\nCMD [\"su\", \"app\", \"-c\", \"server\"]\n", []string{"SETUID", "SETGID", "AUDIT_WRITE", "KILL"}, false},
		{"runuser", fmt.Sprintf(script, "exec runuser -u app -- server"), []string{"SETUID", "SETGID", "AUDIT_WRITE", "KILL"}, false},
		{"sudo", fmt.Sprintf(script, "exec sudo -u app server"), []string{"SETUID", "SETGID", "AUDIT_WRITE", "KILL"}, false},
		{"sudo to root", fmt.Sprintf(script, "exec sudo server"), []string{"SETUID", "SETGID", "AUDIT_WRITE"}, false},
		{"setpriv", fmt.Sprintf(script, "exec setpriv --reuid=app --clear-groups server"), []string{"SETUID", "SETGID"}, false},
		{"tini before it", strings.Replace(fmt.Sprintf(script, "exec gosu app server"), "CMD [", "CMD [\"tini\", \"--\", ", 1), []string{"SETUID", "SETGID", "KILL"}, false},
		{"tini behind it", fmt.Sprintf(script, "exec gosu app tini -- server"), []string{"SETUID", "SETGID"}, false},
		{"a trap", fmt.Sprintf(script, "gosu app server &\ntrap \"kill $!\" TERM\nwait"), []string{"SETUID", "SETGID", "KILL"}, false},
		{"busybox's su", fmt.Sprintf(alpine, "curl"), []string{"SETUID", "SETGID"}, false},
		{"another su in its place", fmt.Sprintf(alpine, "shadow"), []string{"SETUID", "SETGID", "AUDIT_WRITE", "KILL"}, false},
		{"sudo for others than root", fmt.Sprintf(script, "if [ \"$(id -u)\" != 0 ]; then sudo true; fi\nexec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"chroot", fmt.Sprintf(script, "exec chroot --userspec=app / server"), []string{"SETUID", "SETGID", "SYS_CHROOT"}, false},
		{"accounts", fmt.Sprintf(script, "echo app:x | chpasswd\nexec gosu app server"), audited, false},
		{"a service", fmt.Sprintf(script, "service web start\nexec gosu app server"), five, true},
		{"only for root", fmt.Sprintf(script, "if [ \"$(id -u)\" = 0 ]; then useradd x; fi\nexec gosu app server"), five, false},
		{"find", fmt.Sprintf(script, "find /srv -type d -exec chmod 755 {} +\nexec gosu app server"), five, false},
		{"find in a variable", fmt.Sprintf(script, "args=( -exec chown app {} + )\nfind /srv ${args[@]}\nexec gosu app server"), five, false},
		{"behind it", fmt.Sprintf(script, "gosu app sh -c 'chmod 755 /srv/x'\nexec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"root's files", fmt.Sprintf(script, "echo a > /etc/app.conf\nsed -i s/a/b/ /etc/app.conf\nmkdir -p /run/app\nexec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"files that are not known", fmt.Sprintf(script, "sed -i s/a/b/ $CONF\nexec gosu app server"), five, false},
		{"messages", fmt.Sprintf(script, "echo a >&2\necho a > /dev/stderr\nexec gosu app server"), []string{"SETUID", "SETGID"}, false},
		{"files of others", strings.Replace(fmt.Sprintf(script, "sed -i s/a/b/ /opt/app/config/app.yml\nexec gosu app server"), "COPY",
			"RUN useradd -r app && mkdir -p /opt/app/config && chown -R app /opt/app\nCOPY", 1), five, false},
		{"a variable names the script", strings.Replace(fmt.Sprintf(script, "INIT=/opt/init.sh\nbash -c \"${INIT}\"\nexec gosu app server"), "COPY",
			"COPY --chmod=755 <<\"EOF\" /opt/init.sh\n#!/bin/sh\nuseradd x\nEOF\nCOPY", 1), five, false},
		{"ENV names the script", strings.Replace(fmt.Sprintf(script, "bash \"$INIT\"\nexec gosu app server"), "COPY",
			"ENV INIT=/opt/init.sh\nCOPY --chmod=755 <<\"EOF\" /opt/init.sh\n#!/bin/sh\nuseradd x\nEOF\nCOPY", 1), five, false},
		{"what it sources is not known", fmt.Sprintf(script, "for f in /start.d/*.sh; do . \"$f\"; done\nexec gosu app server"), five, false},
		{"the program itself", "FROM python:3.12-slim\nRUN pip install gunicorn\nCMD [\"gunicorn\", \"--user\", \"nobody\", \"app:app\"]\n",
			[]string{"SETUID", "SETGID", "KILL", "CHOWN", "FOWNER", "DAC_OVERRIDE"}, false},
		{"root's work alone", fmt.Sprintf(script, "useradd app\nexec server"), five, false},
	}
	for _, test := range tests {
		res, err := Run(context.Background(), []byte(test.file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range res.Profile.Capabilities {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, test.want) || res.Profile.Unsure != test.unsure {
			t.Errorf("%s: %q, unsure %v, want %q, %v", test.name, got, res.Profile.Unsure, test.want, test.unsure)
		}
	}
}

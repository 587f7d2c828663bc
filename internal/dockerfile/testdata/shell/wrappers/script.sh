sudo -u app -E env -i B=2 /usr/bin/chmod 755 "/x y"
A=1 exec gosu app:app "$0" "$@"
su-exec 1000:1000 node x.js
su - app -s /bin/sh -c "make install"
su app -c 'cd /x && ./configure'
su -c "$CMD" app
su app
runuser -u app -- whoami
runuser - app -c 'whoami'
setpriv --reuid=1000 --regid 1000 --clear-groups -- id
chroot --userspec=app:app / /bin/run x
s6-setuidgid abc tini -- /entry.sh "$@"
chpst -u app:app -v ./run
doas -u app ls
timeout -s KILL 5 nice -n 3 ionice -c2 -n7 wget x
stdbuf -oL setsid nohup time -p run
command -p mkdir /x
command -v useradd
busybox --install -s /bin
busybox chmod u+s /x
sudo -iu app make
sudo $OPTS make
sudo -v
gosu --version
eatmydata apt-get install x
echo x | xargs -0 -r -n1 -I{} chmod +s {}
xargs
find / -xdev -perm /6000 -type f -exec chmod a-s {} + -o -name x -exec sh -c 'chown 0:0 "$1"' _ {} \;
find / -perm -4000 -delete
eval "chmod 1 /a"
eval chmod 2 $b
bash -euxo pipefail -c 'apt-get update && apt-get install sudo'
sh -c "useradd $u"
/bin/sh -ec "$CMD"
sh /install.sh -c x
sh -c 'sh -c "useradd deep"'
sh -c 'if'
$(which chmod) 4755 /bin/foo
`command -v chmod` u+s /bin/bar
"$(which chmod)" g+s /bin/baz
$CMD foo
\rm -f x

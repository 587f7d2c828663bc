set -e
[ -d /a ] && rm -rf /a
[ "$1" = x ] && echo q && useradd z
test -f /b || touch /b
command -v useradd || apk add shadow
getent group app || groupadd app && useradd app
a && b || c
a || b
a; b
! a && b
if [ "$(id -u)" = '0' ]; then
  chown -R app /data
  exec gosu app "$0" "$@"
elif test -f /b; then foo
else bar; fi
if a; b; then c; else d; fi
case "$1" in -*|serve) set -- x "$@" ;; *) y ;; esac
for i in $(ls /q); do adduser $i; done
while read x; do mkdir $x; done < /list
until nc -z db; do sleep 1; done
f() { groupadd -g 1 x || true; }
function g { [ -f x ] && y; }
( cd /x && make )
{ [ -f y ] && z; echo; }
[[ -n $X ]] && ((X > 1)) && last
if [ x ]; then if [ y ]; then inner; fi; fi
sleep 1 & wait
time make
coproc run
grep -q app /etc/passwd && usermod app

#!/bin/sh
set -e

# allow the container to be started with `--user`
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
	find . \! -user cache -exec chown cache '{}' +
	exec gosu cache "$0" "$@"
fi

exec "$@"

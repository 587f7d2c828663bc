#!/bin/sh
set -e
# The directories of the cache, once.
[ -d /srv/cache/00 ] || squid -N -z
exec squid -N

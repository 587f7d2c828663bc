#!/bin/sh
set -e

chown -R cache:cache /data
exec gosu cache "$@"

#!/bin/bash
# The image's entrypoint: sets things up when memcached is what shall run, then becomes the command.
set -o errexit -o nounset -o pipefail

. /opt/coredge/scripts/memcached-env.sh
. /opt/coredge/scripts/lib/log.sh

if [[ ${1:-} == /opt/coredge/scripts/memcached/run.sh ]]; then
  info "memcached ${APP_VERSION:-} on port $MEMCACHED_PORT_NUMBER, as $(id -un 2>/dev/null || id -u)"
  /opt/coredge/scripts/memcached/setup.sh
fi

exec "$@"

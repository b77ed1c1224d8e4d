#!/bin/bash
# Becomes memcached; arguments are added to its own.
set -o errexit -o nounset -o pipefail

. /opt/coredge/scripts/memcached-env.sh
. /opt/coredge/scripts/lib/log.sh
. /opt/coredge/scripts/lib/memcached.sh

memcached_arguments
# The password has done its work in setup.sh: nobody needs to find it in memcached's environment.
unset MEMCACHED_PASSWORD
info "starting memcached ${MEMCACHED_ARGUMENTS[*]}"
exec "$MEMCACHED_BIN_DIR/memcached" "${MEMCACHED_ARGUMENTS[@]}" "$@"

#!/bin/bash
# Before memcached starts: are the settings right, are the folders there, who may log in.
set -o errexit -o nounset -o pipefail

. /opt/coredge/scripts/memcached-env.sh
. /opt/coredge/scripts/lib/fs.sh
. /opt/coredge/scripts/lib/log.sh
. /opt/coredge/scripts/lib/net.sh
. /opt/coredge/scripts/lib/service.sh
. /opt/coredge/scripts/lib/memcached.sh

memcached_validate
if is_port_taken "$MEMCACHED_PORT_NUMBER"; then
  error "port $MEMCACHED_PORT_NUMBER is taken"
  exit 1
fi
for folder in "$MEMCACHED_CONF_DIR" "$SASL_CONF_PATH" "$MEMCACHED_LOG_DIR" "$MEMCACHED_TMP_DIR"; do
  ensure_dir "$folder"
done
remove_stale_pid "$MEMCACHED_PID_FILE"
if [[ -n $MEMCACHED_USERNAME ]]; then
  info "making the login of '$MEMCACHED_USERNAME'"
  memcached_create_user
fi

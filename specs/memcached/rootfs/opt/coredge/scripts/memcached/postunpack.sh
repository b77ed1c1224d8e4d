#!/bin/bash
# Runs once, while the image is built, after memcached was unpacked.
set -o errexit -o nounset -o pipefail

. /opt/coredge/scripts/memcached-env.sh
. /opt/coredge/scripts/lib/fs.sh
. /opt/coredge/scripts/lib/log.sh
. /opt/coredge/scripts/lib/validations.sh

if ! is_executable "$MEMCACHED_BIN_DIR/memcached"; then
  error "there is no $MEMCACHED_BIN_DIR/memcached"
  exit 1
fi
for folder in "$MEMCACHED_CONF_DIR" "$SASL_CONF_PATH" "$MEMCACHED_LOG_DIR" "$MEMCACHED_TMP_DIR"; do
  ensure_dir "$folder"
done
cat >"$SASL_CONF_PATH/memcached.conf" <<CONF
mech_list: plain
sasldb_path: $SASL_DB_FILE
CONF
# The group may write too: some platforms run images as a random user of group root.
group_writable "$MEMCACHED_BASE_DIR"
info "ready: $("$MEMCACHED_BIN_DIR/memcached" --version)"

#!/bin/bash
# Settings of the memcached image. Each variable can be set from outside, or, for secrets, the name of a file that
# holds its value in the variable of the same name with _FILE behind it.
# shellcheck disable=SC2034

. /opt/coredge/scripts/lib/os.sh

for variable in MEMCACHED_USERNAME MEMCACHED_PASSWORD; do
  value_from_file "$variable"
done
unset variable

export MEMCACHED_BASE_DIR=/opt/coredge/memcached
export MEMCACHED_BIN_DIR=$MEMCACHED_BASE_DIR/bin
export MEMCACHED_CONF_DIR=$MEMCACHED_BASE_DIR/conf
export MEMCACHED_LOG_DIR=$MEMCACHED_BASE_DIR/logs
export MEMCACHED_TMP_DIR=$MEMCACHED_BASE_DIR/tmp
export MEMCACHED_PID_FILE=$MEMCACHED_TMP_DIR/memcached.pid
export PATH=$MEMCACHED_BIN_DIR:$PATH

export MEMCACHED_LISTEN_ADDRESS=${MEMCACHED_LISTEN_ADDRESS:-}
export MEMCACHED_PORT_NUMBER=${MEMCACHED_PORT_NUMBER:-11211}
# Megabytes; connections; threads; bytes of the largest item (empty: memcached's own limit).
export MEMCACHED_CACHE_SIZE=${MEMCACHED_CACHE_SIZE:-64}
export MEMCACHED_MAX_CONNECTIONS=${MEMCACHED_MAX_CONNECTIONS:-1024}
export MEMCACHED_THREADS=${MEMCACHED_THREADS:-4}
export MEMCACHED_MAX_ITEM_SIZE=${MEMCACHED_MAX_ITEM_SIZE:-}
export MEMCACHED_EXTRA_FLAGS=${MEMCACHED_EXTRA_FLAGS:-}

# With a user name, clients have to authenticate by SASL.
export MEMCACHED_USERNAME=${MEMCACHED_USERNAME:-}
export MEMCACHED_PASSWORD=${MEMCACHED_PASSWORD:-}
export SASL_CONF_PATH=$MEMCACHED_CONF_DIR/sasl2
export SASL_DB_FILE=$SASL_CONF_PATH/memcachedsasldb

export MEMCACHED_DAEMON_USER=core
export MEMCACHED_DAEMON_GROUP=core

#!/bin/bash
# What only memcached needs.

. /opt/coredge/scripts/lib/log.sh
. /opt/coredge/scripts/lib/validations.sh

# Ends with 1 and a line for each mistake unless the MEMCACHED_* settings make sense.
memcached_validate() {
  local wrong=0
  complain() {
    error "$1"
    wrong=1
  }
  is_port "$MEMCACHED_PORT_NUMBER" || complain "MEMCACHED_PORT_NUMBER is '$MEMCACHED_PORT_NUMBER', not a port"
  local name
  for name in MEMCACHED_CACHE_SIZE MEMCACHED_MAX_CONNECTIONS MEMCACHED_THREADS; do
    is_positive_int "${!name}" || complain "$name is '${!name}', not a positive number"
  done
  if [[ -n $MEMCACHED_MAX_ITEM_SIZE ]] && ! is_size "$MEMCACHED_MAX_ITEM_SIZE"; then
    complain "MEMCACHED_MAX_ITEM_SIZE is '$MEMCACHED_MAX_ITEM_SIZE', not a size such as 1m"
  fi
  if [[ -n $MEMCACHED_USERNAME && -z $MEMCACHED_PASSWORD ]]; then
    complain 'MEMCACHED_USERNAME is set, but MEMCACHED_PASSWORD is not'
  fi
  unset -f complain
  return "$wrong"
}

# Puts the arguments for the memcached program into the array MEMCACHED_ARGUMENTS.
memcached_arguments() {
  MEMCACHED_ARGUMENTS=(
    "--port=$MEMCACHED_PORT_NUMBER"
    "--memory-limit=$MEMCACHED_CACHE_SIZE"
    "--conn-limit=$MEMCACHED_MAX_CONNECTIONS"
    "--threads=$MEMCACHED_THREADS"
    "--pidfile=$MEMCACHED_PID_FILE"
  )
  [[ -z $MEMCACHED_LISTEN_ADDRESS ]] || MEMCACHED_ARGUMENTS+=("--listen=$MEMCACHED_LISTEN_ADDRESS")
  [[ -z $MEMCACHED_MAX_ITEM_SIZE ]] || MEMCACHED_ARGUMENTS+=("--max-item-size=$MEMCACHED_MAX_ITEM_SIZE")
  [[ -z $MEMCACHED_USERNAME ]] || MEMCACHED_ARGUMENTS+=(--enable-sasl)
  # memcached refuses to run as root without being told whom to become.
  ! am_i_root || MEMCACHED_ARGUMENTS+=("--user=$MEMCACHED_DAEMON_USER")
  local extra
  read -ra extra <<<"$MEMCACHED_EXTRA_FLAGS"
  MEMCACHED_ARGUMENTS+=("${extra[@]}")
}

# Makes the database with the one user that may log in. The password goes by stdin: arguments can be seen by others.
memcached_create_user() {
  rm -f "$SASL_DB_FILE"
  printf '%s' "$MEMCACHED_PASSWORD" | saslpasswd2 -p -c -f "$SASL_DB_FILE" -a memcached -u "$(hostname_of_machine)" "$MEMCACHED_USERNAME"
  if am_i_root; then
    owned_by "$SASL_DB_FILE" "$MEMCACHED_DAEMON_USER" "$MEMCACHED_DAEMON_GROUP"
  fi
  chmod 0640 "$SASL_DB_FILE"
}

#!/bin/bash
# Ports and names.

# is_port_taken PORT [HOST]: somebody listens there.
is_port_taken() { (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; }

# wait_for_port HOST PORT [SECONDS]: until somebody listens there.
wait_for_port() {
  local deadline=$((SECONDS + ${3:-30}))
  until is_port_taken "$2" "$1"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# resolve_host NAME: its first address.
resolve_host() { getent ahosts "$1" | awk 'NR == 1 { print $1 }'; }

#!/bin/bash
# Programs that run in the background and leave their process id in a file.

# pid_from_file FILE: prints it if it is one.
pid_from_file() {
  local pid
  [[ -f $1 ]] || return 0
  read -r pid <"$1" || true
  [[ ! $pid =~ ^[0-9]+$ ]] || echo "$pid"
}

is_service_running() { [[ -n $1 ]] && kill -0 "$1" 2>/dev/null; }

# remove_stale_pid FILE: a file that a killed program left behind.
remove_stale_pid() {
  local pid
  pid=$(pid_from_file "$1")
  is_service_running "$pid" || rm -f "$1"
}

# stop_service FILE [SECONDS]: asks it to end, and makes it end when it does not.
stop_service() {
  local pid deadline=$((SECONDS + ${2:-10}))
  pid=$(pid_from_file "$1")
  is_service_running "$pid" || return 0
  kill "$pid"
  while is_service_running "$pid"; do
    if ((SECONDS >= deadline)); then
      kill -KILL "$pid"
      return 0
    fi
    sleep 0.2
  done
}

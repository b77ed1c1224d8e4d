#!/bin/bash
# Lines on stderr, so that stdout stays the program's. LOG_LEVEL: debug, info, warn or error.

_log() {
  local level=$1 colour=$2 label=$3
  shift 3
  local -A rank=([debug]=0 [info]=1 [warn]=2 [error]=3)
  ((rank[$level] >= ${rank[${LOG_LEVEL:-info}]:-1})) || return 0
  # Colours are for eyes alone.
  if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    label=$'\e['"${colour}m$label"$'\e[0m'
  fi
  printf '%s %s %(%T)T %s\n' "${COREDGE_APP_NAME:-image}" "$label" -1 "$*" >&2
}

debug() { _log debug 36 DEBUG "$@"; }
info() { _log info 32 'INFO ' "$@"; }
warn() { _log warn 33 'WARN ' "$@"; }
error() { _log error 31 ERROR "$@"; }

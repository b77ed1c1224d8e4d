#!/bin/bash
# Is a value what it should be?

is_int() { [[ ${1:-} =~ ^-?[0-9]+$ ]]; }
is_positive_int() { [[ ${1:-} =~ ^[0-9]{1,18}$ ]] && ((10#$1 > 0)); }
is_port() { [[ ${1:-} =~ ^[0-9]{1,5}$ ]] && ((10#$1 >= 1 && 10#$1 <= 65535)); }
# A number of bytes, or with k, m or g behind it.
is_size() { [[ ${1:-} =~ ^[1-9][0-9]*[kmgKMG]?$ ]]; }
is_yes() { [[ ${1,,} =~ ^(1|yes|true|on)$ ]]; }
is_executable() { [[ -f $1 && -x $1 ]]; }
is_ipv4() {
  local part
  [[ ${1:-} =~ ^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$ ]] || return 1
  for part in "${BASH_REMATCH[@]:1}"; do
    ((10#$part <= 255)) || return 1
  done
}

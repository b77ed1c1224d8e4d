#!/bin/bash
# The machine and its users.

am_i_root() { [[ $(id -u) == 0 ]]; }
user_exists() { getent passwd "$1" >/dev/null; }
group_exists() { getent group "$1" >/dev/null; }

# hostname_of_machine: without a program that a small image may lack.
hostname_of_machine() { cat /proc/sys/kernel/hostname; }

# total_memory: in megabytes, of the control group if it has a limit.
total_memory() {
  local limit
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || true)
  if [[ $limit =~ ^[0-9]+$ ]]; then
    echo $((limit / 1024 / 1024))
  else
    awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
  fi
}

# value_from_file NAME: if NAME_FILE names a file, NAME becomes its contents.
value_from_file() {
  local file=$1_FILE
  [[ -n ${!file:-} ]] || return 0
  if [[ ! -r ${!file} ]]; then
    echo "$file names ${!file}, which cannot be read" >&2
    return 1
  fi
  export "$1=$(<"${!file}")"
  unset "$file"
}

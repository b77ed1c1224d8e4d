#!/bin/bash
# reference-root.sh LAYOUT:TAG SPECS TARBALL FOLDER
# Makes, in FOLDER/rootfs, the root that specs/memcached.spec.ts means, with nothing but standard tools: umoci, install,
# GNU tar, chroot. INSTALL and PURGE are the texts of its scripts. Needs root.
set -o errexit -o nounset -o pipefail

readonly base=$1 specs=$2 tarball=$3 root=$4/rootfs
umask 022

main() {
  umoci raw unpack --image "$base" "$root"
  overlay "$specs/memcached/rootfs" "$root"
  overlay "$specs/memcached/prebuildfs/opt" "$root/opt"
  in_root DEBIAN_FRONTEND=noninteractive /bin/sh -e -c "$INSTALL"
  # As in the seed.
  tar -zxf "$tarball" -C "$root/opt/coredge" --strip-components=2 --no-same-owner --wildcards '*/files'
  in_root /bin/bash -o pipefail -c /opt/coredge/scripts/memcached/postunpack.sh
  chmod g+rwX "$root/opt/coredge"
  echo >"$root/etc/issue"
  chroot "$root" chown -R core:core /opt/coredge
  in_root /bin/sh -e -c "$PURGE"
  rm -rf "$root/etc/sasldb2" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*
}

# overlay FOLDER TARGET: folders that are there stay as they are; everything else belongs to root.
overlay() {
  local path
  while read -r path; do
    if [[ -d $1/$path ]]; then
      mkdir -p "$2/$path"
    elif [[ -x $1/$path ]]; then
      install -m 0755 "$1/$path" "$2/$path"
    else
      install -m 0644 "$1/$path" "$2/$path"
    fi
  done < <(cd "$1" && find . -mindepth 1 | sort)
}

# in_root [NAME=VALUE]... COMMAND...: as the sandbox promises, and as `docker build` does.
in_root() {
  # shellcheck disable=SC2016
  unshare --mount --pid --ipc --uts --fork --kill-child bash -e -c '
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
      touch "$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    made=()
    for file in resolv.conf hosts; do
      [[ -e $root/etc/$file ]] || made+=("$root/etc/$file")
      touch -a "$root/etc/$file"
      mount --bind "$(realpath "/etc/$file")" "$root/etc/$file"
    done
    chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root FROM_THE_BASE=yes "$@" </dev/null
    umount "$root/etc/resolv.conf" "$root/etc/hosts"
    for file in "${made[@]}"; do rm "$file"; done
  ' in_root "$root" "$@"
}

main "$@"

#!/bin/bash
# setup.sh GROUP...: installs, by apt-get, the Debian packages that the groups need and this machine lacks. Does nothing,
# at once, when all are there. Root (or sudo) is needed only when something is missing.
set -o errexit -o nounset -o pipefail

# GROUP PACKAGE WHAT FOR
readonly PACKAGES='
demo debian-archive-keyring   the keys that sign the packages of a Debian base
demo docker-registry          a registry to push to and to pull from
demo gcc                      the helper that scripts run under, in C
demo libc6-dev                the helper that scripts run under, in C
demo mmdebstrap               a Debian base from packages
demo runc                     runs the finished image
demo skopeo                   looks at images in the registry and copies them
demo umoci                    unpacks an image for runc
bench buildah                 another builder
bench curl                    fetches for builders that cannot
bench time                    CPU time and memory of a command
test ansible-core             performs playbooks on images
test attr                     sets and shows extended attributes
test busybox-static           a program that runs in an empty image
test buildah                 builds Dockerfiles, to compare
test bzip2                    archives to unpack
test ca-certificates          https
test clang                    libdeflate in WebAssembly, compiled again to compare
test crun                     runs finished images
test curl                     talks to registries by hand
test db-util                  makes Berkeley DB files
test libcap2-bin              sets and shows file capabilities
test libfaketime              another clock for a process
test lld                      libdeflate in WebAssembly, compiled again to compare
test podman                   runs finished images
test proot                    one that is too old, to be refused
test tinyproxy                a proxy between here and registries
test util-linux               namespaces
test xz-utils                 archives to unpack
test zstd                     archives to unpack
'

main() {
  local wanted missing
  wanted=$(packages_of "$@")
  command -v dpkg-query >/dev/null || fail "this machine has no dpkg. Install by hand:" "$wanted"
  missing=$(missing_of "$wanted")
  [[ -n $missing ]] || return 0
  echo "setup: this machine lacks:" >&2
  explain "$missing"
  install_packages "$missing"
}

# packages_of GROUP...: one a line. The others hold `demo`, which they build on.
packages_of() {
  local group groups=''
  (($# > 0)) || usage
  for group in "$@"; do
    case $group in
      demo) groups+=' demo' ;;
      bench) groups+=' demo bench' ;;
      test) groups+=' demo test' ;;
      *) usage ;;
    esac
  done
  awk -v groups="$groups" 'NF && index(groups " ", " " $1 " ") { print $2 }' <<<"$PACKAGES" | sort -u
}

missing_of() {
  local installed
  # shellcheck disable=SC2086,SC2016
  installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' $1 2>/dev/null || true)
  awk '$2 == "installed" { print $1 }' <<<"$installed" | sort -u | comm -13 - <(echo "$1")
}

explain() {
  local package
  for package in $1; do
    awk -v package="$package" '$2 == package { $1 = $2 = ""; printf "  %-24s%s\n", package, $0; exit }' <<<"$PACKAGES" >&2
  done
}

install_packages() {
  local -a as_root=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "only root may install packages. Run as root: apt-get install --no-install-recommends" "$1"
    as_root=(sudo)
  fi
  local -a quiet=(-qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  local attempt
  for attempt in 1 2 3; do
    "${as_root[@]}" apt-get "${quiet[@]}" update && break
    ((attempt < 3)) || fail "apt-get update fails: is a mirror configured and within reach?"
    echo "setup: apt-get update failed; trying again in $((attempt * 5)) seconds" >&2
    sleep $((attempt * 5))
  done
  # shellcheck disable=SC2086
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${quiet[@]}" install --yes --no-install-recommends $1 >&2
  # The packages start servers of their own; ours are private and short-lived.
  local server
  for server in docker-registry tinyproxy; do
    if [[ $1 == *$server* && -d /run/systemd/system ]]; then
      "${as_root[@]}" systemctl disable --quiet --now "$server" || true
    fi
  done
}

usage() { fail 'usage: setup.sh demo|test|bench...'; }
fail() {
  printf 'setup: %s\n' "$*" | tr '\n' ' ' >&2
  echo >&2
  exit 1
}

main "$@"

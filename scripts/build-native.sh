#!/bin/sh
# Builds ocibake-sandbox and ocibake-trace in native/bin/linux-<arch>/, <arch> as process.arch has it. CC and CFLAGS are
# respected.
set -eu
cd "$(dirname "$0")/.."
case ${1:-$(uname -m)} in
  x86_64 | x64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac
cc=${CC:-cc}
if ! command -v "$cc" > /dev/null; then
  echo "build-native: there is no C compiler '$cc'. On Debian: apt-get install gcc libc6-dev" >&2
  exit 1
fi
out=native/bin/linux-$arch
mkdir -p "$out"
new=$out/new.$$
trap 'rm -f "$new"' EXIT
compile() {
  # No build id, no paths: the same compiler gives the same bytes in any folder.
  "$cc" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror ${CFLAGS:-} \
    -ffile-prefix-map="$PWD"=. -Wl,--build-id=none -s -o "$new" "$@"
}
# build NAME SOURCE...
build() {
  name=$1
  shift
  if ! compile -static "$@"; then
    echo "build-native: no static C library; $name is linked dynamically" >&2
    compile "$@"
  fi
  mv "$new" "$out/$name"
  echo "$out/$name"
}
build ocibake-sandbox native/*.c native/agent/*.c
# Not on every processor yet.
if [ "$arch" = x64 ]; then
  set -- capabilities fault request options owners session relay prepare beneath stubs listen
  for part; do
    set -- "$@" "native/$part.c"
    shift
  done
  build ocibake-trace native/trace/*.c "$@"
fi

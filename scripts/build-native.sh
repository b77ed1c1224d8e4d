#!/bin/sh
# Builds native/bin/linux-<arch>/ocibake-sandbox, <arch> as process.arch has it. CC and CFLAGS are respected.
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
new=$out/ocibake-sandbox.$$
trap 'rm -f "$new"' EXIT
compile() {
  # No build id, no paths: the same compiler gives the same bytes in any folder.
  "$cc" "$@" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror ${CFLAGS:-} \
    -ffile-prefix-map="$PWD"=. -Wl,--build-id=none -s -o "$new" native/*.c
}
if ! compile -static; then
  echo "build-native: no static C library; the helper is linked dynamically" >&2
  compile
fi
mv "$new" "$out/ocibake-sandbox"
echo "$out/ocibake-sandbox"

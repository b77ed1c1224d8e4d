#!/bin/sh
# Builds ocibake-sandbox, ocibake-trace and ocibake.node in native/bin/linux-<arch>/, <arch> as process.arch has it. CC and
# CFLAGS are respected.
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
trap 'wait; rm -rf "$new" "$new".*' EXIT
# compile FILE ARGUMENT...
compile() {
  file=$1
  shift
  # No build id, no paths: the same compiler gives the same bytes in any folder.
  "$cc" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror ${CFLAGS:-} \
    -ffile-prefix-map="$PWD"=. -Wl,--build-id=none -s -o "$file" "$@"
}
# build NAME SOURCE...
build() {
  name=$1
  shift
  if ! compile "$new.$name" -static "$@"; then
    echo "build-native: no static C library; $name is linked dynamically" >&2
    compile "$new.$name" "$@"
  fi
  mv "$new.$name" "$out/$name"
  echo "$out/$name"
}
# One compiler uses one processor.
build ocibake-sandbox native/*.c native/agent/*.c &
sandbox=$!
trace=
# Not on every processor yet.
if [ "$arch" = x64 ]; then
  set -- capabilities fault request options owners session relay prepare beneath stubs listen
  for part; do
    set -- "$@" "native/$part.c"
    shift
  done
  build ocibake-trace native/trace/*.c "$@" &
  trace=$!
fi
# The addon reads numbers as they lie in memory, lowest byte first, and has sizes of 64 bits: elsewhere WebAssembly does it.
case $arch in
  x64 | arm64 | riscv64) ;;
  *)
    wait "$sandbox"
    exit 0
    ;;
esac
# objects SUFFIX FLAG...: native/addon for one kind of processor
objects() {
  suffix=$1
  shift
  for file in native/addon/*.c; do
    # What speaks to Node chooses between the kinds.
    [ "$suffix" != plain ] && [ "$file" = native/addon/addon.c ] && continue
    "$cc" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror ${CFLAGS:-} -ffile-prefix-map="$PWD"=. "$@" \
      -fPIC -fvisibility=hidden -fno-semantic-interposition -ffunction-sections \
      -isystem "$headers" -isystem third-party/libdeflate -c -o "$new.o/$suffix-$(basename "$file" .c).o" "$file"
  done
}
# Node's own headers, from the package that its program comes from.
headers=$(node -p '
  const { createRequire } = require("node:module")
  const { dirname, join } = require("node:path")
  const node = createRequire(`${process.cwd()}/`).resolve("node/package.json")
  const program = createRequire(node).resolve(`node-${process.platform}-${process.arch}/package.json`)
  join(dirname(program), "include/node")')
mkdir "$new.o"
objects plain
if [ "$arch" = x64 ]; then objects v3 -DCODEC_V3 -march=x86-64-v3; fi
# It names no library: what it needs of Node and of C is there when it is loaded, whichever C library that is. All of it is
# looked up then: what is missing would end the process later.
compile "$new" -shared -nostdlib -Wl,-z,now -Wl,--gc-sections -Wl,--version-script=native/addon/exports.map "$new.o"/*.o -lgcc
mv "$new" "$out/ocibake.node"
echo "$out/ocibake.node"
wait "$sandbox"
[ -z "$trace" ] || wait "$trace"

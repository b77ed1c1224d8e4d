# Runs in the image, in one sandbox after the other: what scripts do, and how many nanoseconds each took.
set -eu
timed() {
  name=$1
  shift
  before=$(date +%s%N)
  "$@" >/dev/null
  after=$(date +%s%N)
  echo "bench $name $((after - before))"
}
install() { DEBIAN_FRONTEND=noninteractive dpkg --install /tmp/debs/*.deb 2>&1; }
fork() { for _ in $(seq 1000); do /bin/true; done; }
stat_all() { find / -xdev -size +100000k; }
tar_share() { tar -cf - -C /usr share | cat; }
hash_lib() { find /usr/lib -type f -exec sha256sum {} +; }

timed install install
timed fork fork
timed stat stat_all
timed tar tar_share
timed sha256 hash_lib
rm -rf /tmp/debs

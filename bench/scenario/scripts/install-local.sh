# Runs in the image: packages from /tmp/debs, so that no network decides how long it takes.
set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg --install /tmp/debs/*.deb
chmod g+rwX /opt/coredge
echo >/etc/issue
/bin/bash -o pipefail -c /opt/coredge/scripts/memcached/postunpack.sh
chown -R core:core /opt/coredge
dpkg --purge --force-remove-essential --force-depends passwd
rm -rf /tmp/debs /var/lib/apt/lists /var/cache/apt/archives

# Runs in the image: packages from the mirror that the base names.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y ca-certificates curl libevent-2.1-7 libsasl2-2 libsasl2-modules netcat-openbsd procps
chmod g+rwX /opt/coredge
echo >/etc/issue
/bin/bash -o pipefail -c /opt/coredge/scripts/memcached/postunpack.sh
chown -R core:core /opt/coredge
apt-get purge -y curl
dpkg --purge --force-remove-essential --force-depends passwd
apt-get clean
rm -rf /tmp/debs /var/lib/apt/lists /var/cache/apt/archives

#!/bin/bash
# slim-debian.sh BASE.tar SLIM.tar FOLDER: leaves out of a Debian what Debian's own slim images do without, half of its
# bytes: Perl's modules, which nothing needs once /usr is merged, and translations; dpkg does not wait for the disk, as in
# those. By dpkg and GNU tar, as root.
set -o errexit -o nounset -o pipefail
mkdir "$3"
tar --extract --file "$1" --directory "$3" --preserve-permissions --numeric-owner --xattrs --xattrs-include='*'
chroot "$3" sh -ec '
  names=$(dpkg-query --show --showformat="\${Package}\n")
  dpkg --purge $(echo "$names" | grep -E "^(usrmerge|perl|perl-modules.*|libperl.*|lib.*-perl|libgdbm.*)$")
  dpkg --audit'
rm -rf "$3"/dev/* "$3"/usr/share/locale/*
echo force-unsafe-io > "$3/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
echo 'Acquire::Languages "none";' > "$3/etc/apt/apt.conf.d/docker-no-languages"
tar --create --file "$2" --directory "$3" --format=posix --sort=name --numeric-owner --xattrs --xattrs-include='*' .
rm -rf "$3"

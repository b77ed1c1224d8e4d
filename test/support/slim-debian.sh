#!/bin/bash
# slim-debian.sh BASE.tar SLIM.tar FOLDER: leaves out of a Debian what Debian's own slim images do without, half of its
# bytes and files: Perl's modules, which nothing needs once /usr is merged, translations and manuals, those of packages to
# come, too; dpkg does not wait for the disk, as in those. And time zones, 1300 files. By dpkg and GNU tar, as root.
set -o errexit -o nounset -o pipefail
mkdir "$3"
tar --extract --file "$1" --directory "$3" --preserve-permissions --numeric-owner --xattrs --xattrs-include='*'
chroot "$3" sh -ec '
  names=$(dpkg-query --show --showformat="\${Package}\n")
  dpkg --purge $(echo "$names" | grep -E "^(usrmerge|perl|perl-modules.*|libperl.*|lib.*-perl|libgdbm.*|tzdata)$")
  dpkg --audit'
rm -rf "$3"/dev/* "$3"/usr/share/{locale,man,info,lintian,linda,groff}/*
printf 'path-exclude /usr/share/%s/*\n' locale man info lintian linda groff > "$3/etc/dpkg/dpkg.cfg.d/docker"
echo force-unsafe-io > "$3/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
echo 'Acquire::Languages "none";' > "$3/etc/apt/apt.conf.d/docker-no-languages"
tar --create --file "$2" --directory "$3" --format=posix --sort=name --numeric-owner --xattrs --xattrs-include='*' .
rm -rf "$3"

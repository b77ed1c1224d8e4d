import type { RunStep } from '../../src/provision/step.ts'

/**
 * What scripts do with owners, modes, devices and attributes, and what an ordinary user's kernel refuses: for a Debian
 * base that has NASTY_PACKAGES to install. Every sandbox has to give the same layer for it. What differs between two runs
 * of one sandbox (times in logs, random keys) is left out or taken away.
 */
export function nastySteps(): RunStep[] {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  return [
    { run: PACKAGES, env },
    { run: OWNERS },
    { run: LATER, user: 'core', workdir: '/home/core' },
    { run: AGAIN, env },
  ]
}

/** setgid `_ssh` and `crontab`, a file capability, setuid `sudo`, folders of groups. */
export const NASTY_PACKAGES = ['openssh-client', 'cron', 'iputils-ping', 'sudo', 'libcap2-bin', 'acl', 'attr']

const PACKAGES = [
  'apt-get update',
  `apt-get install -y --no-install-recommends ${NASTY_PACKAGES.join(' ')}`,
  'groupadd -g 1000 core',
  'useradd -u 65100 -g core -G daemon -m -s /bin/bash core',
]

const OWNERS = [
  'mkdir -p /opt/n; cd /opt/n',
  'cp -r /usr/share/doc/apt doc; chown -R core:daemon doc; chgrp -R 4000000000 doc/copyright',
  'ln -s nowhere link; chown -h 1234:2345 link',
  'install -o core -g daemon -m 0640 /etc/passwd installed; install -d -o 7 -g 8 -m 2770 shared',
  'echo x > shared/inherits; mkdir shared/folder; mkdir -p shared/a/b; touch shared/a/b/c; ln -s x shared/link',
  // tar, as root, keeps owners, set-id bits, devices.
  'mkdir t; cp /bin/true t/true; chown 33:44 t/true; chmod 4711 t/true; mknod t/c c 1 3; chown 1001:1002 t',
  'tar -cf t.tar t; rm -r t; tar -xf t.tar --same-owner; rm t.tar',
  'cp /bin/true caps; setcap cap_net_raw,cap_setuid+ep caps; getcap caps > caps.txt; cp -a caps caps2',
  'cp /bin/true lost; setcap cap_net_raw+ep lost; chown 5:5 lost; getcap lost > lost.txt',
  'cp /bin/true written; setcap cap_net_raw+ep written; echo x >> written; getcap written >> lost.txt',
  'mknod c c 1 3; chmod 666 c; mknod b b 7 0; chown 6:6 b; mknod whiteout c 0 0; mkfifo -m 622 p; cp -a c copy',
  'ls -ln --time-style=+ c b p copy > ls.txt; stat -c "%A %u:%g %t,%T %n" c b copy whiteout > stat.txt',
  'cp /bin/true suid; chmod 4755 suid; chown core:daemon suid; stat -c %a suid > modes; chmod 6755 suid',
  'cp /bin/true gone; chmod 6755 gone; chown 9:9 gone; stat -c %a gone >> modes',
  'echo secret > none; chmod 0000 none; mkdir closed; echo inside > closed/file; chmod 0000 closed; cat none closed/file',
  'mkdir -m 0555 ro; echo x > ro/x; chmod 0111 ro; umask 0777; mkdir dark; echo y > dark/y; echo z > z; umask 022',
  'echo 1 > h1; chown 11:12 h1; ln h1 h2; ln h2 doc/h3; chmod 0604 h2',
  // An inode number that is given again must not bring an owner along.
  'touch again; chown 77:77 again; rm again; touch again; mkdir again.d; chown 77 again.d; rmdir again.d; mkdir again.d',
  'for i in 1 2 3 4 5 6 7 8; do touch r; chown 88:88 r; rm r; echo $i > r.$i; done',
  'echo old > over; chown 65100:3 over; echo new > new; mv new over; echo a > a; chown 1:1 a; echo b > b1; mv a b1',
  'touch mine; chown 65100:65100 mine; sed -i "s/^/x/" mine; echo more > mine; cp --preserve=all mine mine2',
  'mkdir moved; chown 21:22 moved; touch moved/f; chown 23:24 moved/f; mv moved elsewhere',
  'perl -e \'use Socket; socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un("socket") or die; chown 1, 2, "socket"; unlink "socket"\'',
  'setfattr -n user.note -v hello mine; ! setfattr -n trusted.note -v hi mine; ! setfattr -n security.note -v hi doc',
  'cp --preserve=all mine mine3; getfattr -d -m - mine mine3 caps > attrs.txt; setfattr -x user.note mine3',
  'find . -printf "%p %m %U:%G %y %n\\n" | LC_ALL=C sort > /opt/found',
  'su core -c "id; umask; touch /tmp/core.f; mkdir /tmp/core.d; ln -s x /tmp/core.l; ! touch /opt/n/no; ! rm -f /opt/n/b1" > /opt/su',
  'su core -c "cat /etc/shadow" >> /opt/su 2>&1 || echo refused >> /opt/su',
  'su core -c "test -w /etc && echo writes || echo does not; test -r /etc/shadow && echo reads || echo does not" >> /opt/su',
  'mv /tmp/core.* .; perl -e \'$) = "1000 1000 4"; $> = 65100; open F, ">/tmp/perl" or die; print F "$> $)\\n"\'; mv /tmp/perl .',
  'setfacl -m u:65100:rwx,g:44:r-- mine2; setfacl -d -m u:7:rwx closed; mkdir closed/acl; touch closed/acl/f; mkdir acls',
  'setfacl -d -m u::rwx,g::rx,o::-,u:5:rw acls; touch acls/f; mkdir acls/d; chmod 711 acls/d; install -m 644 mine acls/i',
  'ln -s x acls/l; mkfifo acls/p; getfacl -n mine2 acls acls/[!l]* > acl.txt; setfacl -b acls/i; cp -a acls/d acls2',
  'ping -c 0 127.0.0.1 2> /dev/null || true; crontab -l 2> /dev/null || true; printf "0 0 * * * x\\n" | crontab -u core -; sed -i /^#/d /var/spool/cron/crontabs/core',
  'ls -ln --time-style=+ /var/spool/cron/crontabs | tail -n +2 > cron; chroot / true || true',
]

/** By another user: his files, and what he is refused. */
const LATER = [
  'id -un; touch mine; mkdir -m 700 private; touch private/x; chgrp daemon mine; chmod 2755 private',
  '! chown root mine; ! chgrp adm mine; ! touch /etc/mine; ! rm -f /etc/passwd; ! mknod device c 1 3; ! chmod 777 /etc',
  'cp /bin/true own; chmod 4755 own; stat -c "%A %U:%G %n" * > listing; ! ls /root; ! cat /etc/shadow',
  'sudo -n true || echo no sudo; ln -s /etc/passwd link; ln mine second; mv second third; rm link',
]

/** What was made is there as it was made, and goes again. */
const AGAIN = [
  'cd /opt/n; stat -c "%A %u:%g %t,%T %n" c b copy caps suid none closed mine > again.txt; getcap caps caps2 >> again.txt',
  'apt-get purge -y openssh-client; apt-get autoremove -y --purge',
  'rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/* closed; rm b; touch b',
  'chown core none; chmod 0200 none; chown -R 0:0 shared; rm -rf /var/log/* /etc/ssh /run/sudo',
]

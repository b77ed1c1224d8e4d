/** What scripts do to files, owners, modes and names: title -> script. Each is run in folders of its own (outcomes.ts). */

/** Prints what is there, without times, sizes of folders and numbers of links to them. */
const SHOW = 'stat -c "%n %A %u:%g %t,%T" '
const perl = (program: string) => `perl -e '${program}'`

export const AS_ROOT: Record<string, string> = {
  'what is laid out': `${SHOW} /opt/* /opt/shared/* / /dev /dev/null /dev/full /proc /proc/self/fd; cat /opt/none; cat /opt/closed/inside`,
  'statx, lstat, fstat, fstatat': perl(
    'for (qw(core suid null link)) { my @s = lstat "/opt/$_"; print "$_ @s[2,4,5,6]\\n" } open F, "</opt/core"; my @s = stat F; print "@s[2,4,5]\\n"',
  ),
  'chown of a file, a link, nothing': `ln -s core /opt/l; chown 9:8 /opt/l; chown -h 7:6 /opt/l; chown :5 /opt/none; chown 3 /opt/linked; ${SHOW} /opt/*; chown 1 /opt/nothing; chown 1:1 /proc/self/status`,
  'chown clears what it clears': `cp /opt/suid /opt/s2; for m in 4755 2755 6711 2644 6600 1755; do chmod $m /opt/s2; chown 1:1 /opt/s2; ${SHOW} /opt/s2; done; mkdir /n; chmod 6777 /n; chown 1:1 /n; ${SHOW} /n; getcap /opt/caps; chown 0:0 /opt/caps; getcap /opt/caps`,
  'chown to no one changes nothing but set-id bits': perl(
    'chown -1, -1, "/opt/suid"; printf "%o %d\\n", (stat "/opt/suid")[2,4]; chown 3, -1, "/opt/linked"; chown -1, 4, "/opt/linked"; print join(",", (stat "/opt/linked")[4,5]), "\\n"',
  ),
  'large ids': `chown 4294967294:4294967294 /opt/core; ${SHOW} /opt/core; chown 70000:65536 /opt/shared; ${SHOW} /opt/shared`,
  'chmod of everything': `for m in 0 111 444 644 1644 2755 4755 6755 7777; do chmod $m /opt/core; ${SHOW} /opt/core; chmod $m /opt/shared; ${SHOW} /opt/shared; done`,
  'new files': `cd /opt; umask 027; touch a; mkdir b; ln -s x c; mkfifo d; echo > e; mkdir -m 7777 f; (umask 0777; echo x > g; mkdir h; touch h/i); ${SHOW} ? h/i; cat g`,
  'a folder that hands its group on': `cd /opt/shared; touch a; mkdir b b/c; ln -s x l; mkfifo p; mknod n c 1 5; echo > b/d; cp -p /opt/core k; mv /opt/none .; install -m 6755 /bin/sh sh; ${SHOW} * b/*; chmod g-s b; touch b/e; ${SHOW} b/e`,
  devices: `cd /opt; mknod a c 1 3; mknod -m 600 b b 8 1; mknod w c 0 0; mknod big c 4095 1048575; ${SHOW} a b w big; test -c a && test -b b && echo are; cat a; echo x > b; cp -a a c; mv b d; ln d e; chown 1:2 e; ${SHOW} c d e; rm a; touch a; ${SHOW} a; [ -s null ] || echo empty`,
  'a device that becomes a file': `rm /opt/null; echo x > /opt/null; ${SHOW} /opt/null; cat /opt/null`,
  renames: `cd /opt; mv suid core; ${SHOW} core; touch x; mv x linked; ${SHOW} linked; mkdir m; chown 5 m; mv m shared/; mkdir m; ${SHOW} m shared/m; mv -T m shared/m; ${SHOW} shared/m; mv shared elsewhere; ${SHOW} elsewhere/*`,
  'exchanging names': perl(
    'syscall(316, -100, my $a = "/opt/core", -100, my $b = "/opt/suid", 2) == 0 or print "no: $!\\n"; printf "%o %d\\n", (stat "/opt/core")[2,4]; printf "%o %d\\n", (stat "/opt/suid")[2,4]; print syscall(316, -100, $a, -100, $b, 1), "\\n"',
  ),
  'hard links': `cd /opt; ln core core2; rm core; ${SHOW} core2; chown 44 core2; ln core2 core; ${SHOW} core; rm core2; touch core2; ${SHOW} core core2; ln linked l2; mv l2 linked; rm l2; ${SHOW} linked`,
  'an inode number that is given again': `cd /tmp; for i in $(seq 40); do touch f; chown 9:9 f; chmod 4711 f; rm f; touch f; ${SHOW} f; rm f; mkdir d; chown 3 d; rmdir d; mkdir d; ${SHOW} d; rmdir d; mknod n c 1 3; rm n; touch n; ${SHOW} n; rm n; done | sort | uniq -c`,
  capabilities: `cd /opt; getcap caps; cp -p caps c2; cp -a caps c3; cp caps c4; getcap c2 c3 c4; setcap cap_chown=p c4; getcap c4; setcap -r caps; getcap caps; setcap -r caps; echo x >> c3; getcap c3; mv c4 c5; getcap c5; getfattr -d -m - c5; setcap cap_chown=p c4; setcap cap_chown=p nothing`,
  attributes: `cd /opt; setfattr -n user.a -v b core; setfattr -n trusted.a -v b core; setfattr -n security.a -v b core; setfattr -n other.a -v b core; getfattr -d -m - core caps; getfattr -n user.b core; setfattr -x user.a core; setfattr -x user.a core; getfattr -d -m - core; setfattr -h -n user.a -v b null`,
  'who one is': perl(
    'print "$< $> $( $)\\n"; $) = "5 6 7"; print "$)\\n"; $( = 9; $> = 1000; print "$< $> $( $)\\n"; $> = 0; print "$>\\n"; $< = $> = 33; print "$< $>\\n"; $> = 0; print "$> $!\\n"',
  ),
  'every call that changes ids': perl(
    'sub ids { my ($r, $e, $s) = map { pack "I", 0 } 1 .. 3; syscall 118, $r, $e, $s; my $u = join ",", map { unpack "I", $_ } $r, $e, $s; syscall 120, $r, $e, $s; print "$_[0]: $u ", join(",", map { unpack "I", $_ } $r, $e, $s), "\\n" } ids "start"; for ([117, 1, 2, 3], [117, -1, 3, -1], [117, 4, -1, -1], [113, 3, 1], [105, 2], [119, 5, 6, 7], [114, 6, 5], [106, 7], [122, 8], [123, 9], [116, 0, 0]) { my ($n, @a) = @$_; push @a, 0 while @a < 3; my $r = syscall $n, $a[0], $a[1], $a[2]; ids "$n @a = $r" }',
  ),
  'children, and children of the dead': `cd /tmp; su core -c 'id -u; (sh -c "id -u; touch a" &); sleep 0.3; (setsid sh -c "sleep 0.2; id -u; touch b" > b.log 2>&1 &) & '; sleep 0.6; cat b.log; ${SHOW} a b`,
  'threads that change ids stay as they are to the kernel': perl(
    'my $p = fork // die; if (!$p) { $> = 65100; open F, ">/tmp/x"; exit } waitpid $p, 0; open F, ">/tmp/y"; print join(",", map { (stat "/tmp/$_")[4] } "x", "y"), "\\n"',
  ),
  'a program by its descriptor, which ends with the old one': perl(
    'open F, "<", "/usr/bin/stat" or die; my $p = "/proc/self/fd/" . fileno F; exec { $p } "stat", "-c", "%n", "/proc"; print "no: $!\n"',
  ),
  'ids that change by a capability that was kept':
    'cd /opt; /usr/bin/setpriv --reuid 65100 --regid 1000 --clear-groups id; /usr/bin/setpriv --reuid 65100 --regid 1000 --groups 4,44 /usr/bin/touch /tmp/a; stat -c "%u:%g" /tmp/a',
  'copies of /dev/null':
    'cd /opt; /usr/bin/install -m 644 -o 3 -g 4 /dev/null made; stat -c "%n %A %u:%g %s" made; stat -c "%t,%T %F" /dev/null /dev/zero; test /dev/null -ef /proc/self/fd/0 && echo same; test /dev/null -ef /dev/zero || echo others',
  'copies of files that are of the sandbox alone': `cd /opt; /usr/bin/cp -a /etc/hosts /etc/resolv.conf .; /usr/bin/install -m 600 /etc/hosts i; ${SHOW} hosts resolv.conf i; cmp hosts i; for f in /etc/hosts /etc/resolv.conf /dev/null /dev/zero; do test $f -ef /proc/self/fd/0 < $f && echo same; test $f -ef /opt/core || echo another; done; cp /dev/null empty; test -s empty || echo nothing; ${perl('for (qw(/etc/hosts /etc/resolv.conf /dev/null /dev/zero /dev/urandom)) { open F, "<", $_; print "$_ ", join(":", (stat F)[0,1,2,4,5,7]) eq join(":", (stat $_)[0,1,2,4,5,7]) ? "is" : "is not", (stat F)[0,1] == (lstat $_)[0,1] ? "" : " by link", "\\n" }')}`,
  'times that others set': `cd /opt; chmod 666 linked; for f in core none linked closed /etc/passwd /opt; do for a in "" "-a" "-m" "-d @5" "-a -d @6" "-h" "-h -d @7"; do su core -c "/usr/bin/touch $a $f; true"; done; done; stat -c "%n %u" /opt /etc/passwd; su core -c "ls private closed; /usr/bin/touch -d @5 private/secret; true"; stat -c "%n %X %Y" core`,
  limits: `ulimit -a | grep -v pending | grep -v processes | grep -v locked; su core -c "ulimit -n"`,
  'set-id programs': `cd /opt; cp /bin/busybox id; chown 12:13 id; chmod 4755 id; ./id id -u; chmod 2755 id; ./id id -g; chmod 6755 id; ./id touch /tmp/made; ${SHOW} /tmp/made; su core -c "./id id -u; ./id touch /tmp/by; id -u"; ${SHOW} /tmp/by; printf "#!/bin/sh\nid -u\n" > s; chmod 4755 s; chown 12 s; chmod 4755 s; ./s`,
  'what root may': `test -r /opt/none && test -w /opt/none && echo rw; test -x /opt/none || echo not x; test -x /opt/suid && echo x; /opt/none; echo more >> /opt/none; cat /opt/none`,
  'by way of /proc': `echo out > /dev/stdout; exec 3> /opt/three; chown 5:5 /proc/self/fd/3; chmod 600 /dev/fd/3; ${SHOW} /opt/three; stat -L -c "%u %a" /proc/self/fd/3 /proc/$$/fd/3; cd /opt/shared; touch /proc/self/cwd/new; ${SHOW} new; chown 3 /proc/$$/cwd/new; chown 4 /proc/thread-self/root/opt/core; ${SHOW} new /opt/core; ls -ld /proc/self/exe | cut -c1-10`,
  'long and odd paths': `cd /opt; d=$(printf %0250d 1); for i in 1 2 3 4 5; do mkdir $d; cd $d; done; touch f; chown 5 f; ${SHOW} f | cut -c1-40; cd /opt; chown -R 6 $d; find . -user 6 | wc -l; touch $d$d; chown 1 ""; touch ""; stat ""; chown 1 "$(printf '\\377\n')"; touch "$(printf '\\377\n')x"; chown 1 "$(printf '\\377\n')x"; ls -n | wc -l; stat -c %u //opt///core/; stat -c %u /opt/./shared/../core; mkdir core; mkdir shared/; rmdir shared/; rm /; rmdir /opt/.`,
  symlinks: `cd /opt; ln -s loop loop; chown 1 loop; stat -L loop; chown -h 1 loop; ${SHOW} loop; ln -s /opt/new dangling; echo x > dangling; chown 5 dangling; ${SHOW} new dangling; ln -s shared/../shared dir; touch dir/f; ${SHOW} shared/f; ln -s ../../../../opt/core up; chown 8 up; ${SHOW} core; mkdir dangling2; ln -s nowhere/x l2; mkdir l2; touch l2`,
  'another root': `mkdir -p /n/bin /n/opt; cp /bin/busybox /n/bin/; chown 5 /n/bin/busybox; ln -s /bin/busybox /n/sh; ln -s ../../../bin /n/up; touch /n/opt/core; chroot /n /bin/busybox sh -c "/bin/busybox stat -c %u /bin/busybox /opt/core; /bin/busybox chown 9 /opt/core /up/../opt/core; /bin/busybox touch /x; /bin/busybox chown 7:7 /x ../../x; cd /opt; /bin/busybox chown 3 ../opt; /bin/busybox ls -ln / | /bin/busybox grep -v bin | /bin/busybox cut -c1-30"; ${SHOW} /n/* /n/opt/core /opt/core; touch /after; chown 4 /after; ${SHOW} /after`,
}

export const AS_CORE: Record<string, string> = {
  'his files': `cd /tmp; touch a; mkdir b; ln -s x c; mkfifo d; chmod 4755 a; chmod 2777 b; touch b/e; ln a f; mv f g; rm c; ${SHOW} * b/*; id`,
  'what he may not write':
    'touch /opt/x; mkdir /opt/x; ln -s x /opt/x; mkfifo /opt/x; mknod /tmp/n c 1 3; rm -f /opt/caps; mv /opt/caps /tmp; echo x > /opt/caps; echo x >> /etc/passwd; ln /opt/caps /tmp/caps; rmdir /opt/shared; mv /tmp /tmp2; chroot / true',
  'what he may not read':
    'cat /opt/none; cat /opt/private/secret; ls /opt/private/secret; cat /opt/core; cat /opt/closed/inside; stat -c %u /opt/closed/inside; echo x >> /opt/core',
  'what is not his': `chown core /opt/caps; chown 0 /opt/core; chown :4 /opt/core; chown :1000 /opt/core; chown :5 /opt/core; chmod 777 /opt/caps /opt; chmod 2755 /opt/core; chmod 4755 /opt/core; ${SHOW} /opt/core; setcap cap_chown=p /opt/core; chmod 600 /opt/sticky/others`,
  'the sticky bit':
    'rm -f /opt/sticky/others; mv /opt/sticky/others /opt/sticky/o; touch /opt/sticky/mine; mv /opt/sticky/mine /opt/sticky/m; rm /opt/sticky/m; echo x > /opt/sticky/new; mv /opt/sticky/new /opt/sticky/others',
  groups: `echo x > /opt/shared/new; ${SHOW} /opt/shared/new; rm /opt/shared/old; touch /opt/shared/sub; chmod 2755 /opt/shared/sub; ${SHOW} /opt/shared/sub`,
  tests:
    'for f in caps none core shared private/secret private closed suid; do for t in r w x; do test -$t /opt/$f && echo $f $t; done; done',
  times: perl(
    'my $q = sub { pack "q*", @_ }; for (qw(core caps shared sticky private/secret nothing none)) { my $f = "/opt/$_"; my ($now, $omit) = ((1 << 30) - 1, (1 << 30) - 2); print "$f: "; my $say = sub { print $_[0] == 0 ? "yes " : (0 + $!) . " " }; for my $t ([1, 2, 3, 4], [0, $now, 0, $now], [0, $now, 0, $omit], [0, $omit, 0, $omit], [0, $omit, 9, 9], [0, -5, 0, 0]) { $say->(syscall 280, -100, $f, $q->(@$t), 0) } $say->(syscall 280, -100, $f, 0, 0); $say->(syscall 280, -100, $f, 0, 256); $say->(syscall 280, -100, $f, $q->(1, 2, 3, 4), 4096); $say->(syscall 132, $f, 0); $say->(syscall 132, $f, $q->(5, 6)); $say->(syscall 235, $f, 0); $say->(syscall 235, $f, $q->(5, 6, 7, 8)); $say->(syscall 261, -100, $f, 0); $say->(syscall 261, -100, $f, $q->(5, 6, 7, 8)); if (open F, "<", $f) { my $fd = fileno F; $say->(syscall 280, $fd, 0, 0, 0); $say->(syscall 280, $fd, 0, $q->(1, 2, 3, 4), 0); $say->(syscall 280, $fd, my $none = "", $q->(1, 2, 3, 4), 4096) } print "\\n" }',
  ),
  programs:
    'cp /bin/busybox /tmp/b; chmod 644 /tmp/b; /tmp/b true; chmod 100 /tmp/b; /tmp/b id -u; /opt/none; /opt/private/x; chmod 4711 /tmp/b; /tmp/b id -u; cd /tmp; ./b stat -c %a b',
  ids: perl(
    '$> = 0; print "$> $!\\n"; $) = "0 0"; print "$)\\n"; print syscall(105, 0), syscall(105, 65100), syscall(117, 65100, 65100, 65100), syscall(116, 0, 0), "\\n"',
  ),
}

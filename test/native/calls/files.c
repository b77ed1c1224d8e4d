#include "calls.h"

#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/socket.h>
#include <utime.h>

void opening(void)
{
    struct stat found;
    umask(027);
    make_file("f", "text", 0640);
    TRY(mkdir("d", 0777));
    TRY(symlink("f", "l"));
    TRY(symlink("nowhere", "dangling"));
    TRY(symlink("d", "ld"));
    TRY(mkfifo("fifo", 0666));
    DOES(open("new", O_CREAT | O_WRONLY, 07777));
    show("new");
    DOES(open("f", O_CREAT | O_EXCL | O_WRONLY, 0666));
    DOES(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0666));
    DOES(open("dangling", O_CREAT | O_NOFOLLOW | O_WRONLY, 0666));
    DOES(open("dangling", O_CREAT | O_WRONLY, 0666));
    show("nowhere");
    DOES(open("d", O_CREAT | O_WRONLY, 0666));
    DOES(open("d", O_WRONLY));
    DOES(open("d", O_RDONLY | O_TRUNC));
    DOES(open("d", O_RDONLY | O_CREAT, 0666));
    DOES(open("x/", O_CREAT | O_WRONLY, 0666));
    DOES(open("f/", O_CREAT | O_WRONLY, 0666));
    DOES(open("f/", O_RDONLY));
    DOES(open("d/x/", O_CREAT | O_WRONLY, 0666));
    show("x");
    DOES(open("f", O_DIRECTORY));
    DOES(open("x", O_DIRECTORY | O_CREAT, 0666));
    show("x");
    DOES(open("l", O_NOFOLLOW));
    DOES(open("ld/", O_NOFOLLOW));
    DOES(open("ld", O_NOFOLLOW | O_DIRECTORY));
    DOES(open("", O_RDONLY));
    DOES(open("f/x", O_RDONLY));
    DOES(open("nowhere2/x", O_CREAT | O_RDWR, 0666));
    DOES(open("f", O_RDONLY | O_TRUNC));
    show("f");
    DOES(syscall(SYS_open, NULL, O_RDONLY));
    DOES(syscall(SYS_open, 1, O_RDONLY));
    DOES(syscall(SYS_open, -1, O_CREAT | O_WRONLY, 0666));
    DOES(openat(-1, "f", O_RDONLY));
    DOES(openat(77, "f", O_RDONLY));
    DOES(openat(77, "/", O_RDONLY));
    int file = open("f", O_RDONLY), folder = open("d", O_RDONLY | O_DIRECTORY);
    DOES(openat(file, "f", O_RDONLY));
    DOES(openat(folder, "../f", O_RDONLY));
    DOES(openat(folder, "in", O_CREAT | O_WRONLY, 0666));
    DOES(openat(folder, ".", O_TMPFILE | O_WRONLY, 06666));
    DOES(open("f", O_TMPFILE | O_RDWR, 0666));
    DOES(open("d", O_TMPFILE | O_RDONLY, 0666));
    DOES(open("fifo", O_WRONLY | O_NONBLOCK));
    DOES(open("fifo", O_RDONLY | O_NONBLOCK));
    DOES(open("fifo", O_CREAT | O_RDWR, 0600));
    DOES(creat("created", 0444));
    show("created");
    DOES(creat("created", 0666));
    char *end = at_end_of_page("ends", 5);
    DOES(open(end, O_CREAT | O_WRONLY, 0600));
    DOES(open(at_end_of_page("no end", 6), O_CREAT | O_WRONLY, 0600));
    int nothing = open("l", O_PATH | O_NOFOLLOW), path = open("f", O_PATH);
    char target[32] = "";
    TRY(readlinkat(nothing, "", target, sizeof target));
    TRY(fstat(nothing, &found));
    printf("  %o %s\n", found.st_mode & S_IFMT, target);
    TRY(readlinkat(path, "", target, sizeof target));
    TRY(read(path, target, 1));
    TRY(fchmod(path, 0777));
    TRY(fchown(path, 0, 0));
    TRY(fchmodat(path, "", 0777, 0));
    TRY(fcntl(path, F_GETFL) & O_ACCMODE);
    show("f");
}

void looking(void)
{
    struct stat found;
    struct statx more;
    char small[2];
    make_file("f", "text", 04711);
    TRY(symlink("f", "l"));
    int file = open("f", O_RDONLY);
    TRY(fstatat(AT_FDCWD, "l", &found, 0));
    printf("  %o\n", found.st_mode);
    TRY(fstatat(AT_FDCWD, "l", &found, AT_SYMLINK_NOFOLLOW));
    printf("  %o %ld\n", found.st_mode, (long)found.st_size);
    TRY(fstatat(file, "", &found, AT_EMPTY_PATH));
    printf("  %o %ld\n", found.st_mode, (long)found.st_size);
    TRY(fstatat(file, "", &found, 0));
    TRY(fstatat(AT_FDCWD, "", &found, AT_EMPTY_PATH));
    printf("  %o\n", found.st_mode);
    TRY(fstatat(AT_FDCWD, "f", &found, AT_NO_AUTOMOUNT));
    TRY(syscall(SYS_newfstatat, AT_FDCWD, "f", &found, 0x40000000));
    TRY(syscall(SYS_newfstatat, AT_FDCWD, "f", 8, 0));
    TRY(syscall(SYS_newfstatat, AT_FDCWD, 8, &found, 0));
    TRY(syscall(SYS_newfstatat, 55, "f", &found, 0));
    TRY(syscall(SYS_fstat, -1, &found));
    TRY(syscall(SYS_fstat, 55, &found));
    TRY(syscall(SYS_fstat, file, 8));
    TRY(syscall(SYS_stat, "f", &found));
    TRY(syscall(SYS_lstat, "l", &found));
    TRY(statx(AT_FDCWD, "f", 0, STATX_ALL, &more));
    printf("  %o %llu\n", more.stx_mode, (unsigned long long)more.stx_size);
    TRY(statx(AT_FDCWD, "f", 0x40000000, STATX_ALL, &more));
    TRY(statx(AT_FDCWD, "f", 0, 0x80000000, &more));
    TRY(statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &more));
    TRY(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &more));
    TRY(statx(AT_FDCWD, "nothing", 0, STATX_ALL, &more));
    TRY(readlink("l", small, 2));
    TRY(readlink("f", small, 2));
    TRY(syscall(SYS_readlink, "l", small, 0));
    TRY(syscall(SYS_readlink, "nothing", small, 2));
    TRY(access("f", F_OK));
    TRY(access("f", 8));
    TRY(access("nothing", F_OK));
    TRY(access("f/x", F_OK));
    TRY(syscall(SYS_faccessat2, AT_FDCWD, "l", X_OK, AT_SYMLINK_NOFOLLOW));
    TRY(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x40000000));
    TRY(syscall(SYS_faccessat2, file, "", X_OK, AT_EMPTY_PATH));
    for (int what = 0; what < 8; what++)
        TRY(syscall(SYS_faccessat2, AT_FDCWD, "suid", what, AT_EACCESS));
    int pipes[2];
    TRY(pipe(pipes));
    TRY(fstat(pipes[0], &found));
    printf("  %o %u:%u\n", found.st_mode, found.st_uid, found.st_gid);
    TRY(fchmod(pipes[0], 0644));
    TRY(fstat(pipes[0], &found));
    printf("  %o\n", found.st_mode);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    TRY(fstat(socket_fd, &found));
    printf("  %o %u:%u\n", found.st_mode, found.st_uid, found.st_gid);
    int memory = memfd_create("memory", 0);
    TRY(fchmod(memory, 0640));
    TRY(fstat(memory, &found));
    printf("  %o %u:%u\n", found.st_mode, found.st_uid, found.st_gid);
}

void owning(void)
{
    make_file("f", "text", 06755);
    TRY(symlink("f", "l"));
    TRY(symlink("nowhere", "dangling"));
    TRY(mkdir("d", 06777));
    show("d");
    TRY(chmod("d", 06777));
    int file = open("f", O_RDONLY), path = open("f", O_PATH);
    TRY(chown("f", 5, 6));
    show("f");
    TRY(lchown("l", 5, 6));
    show("l");
    TRY(chown("dangling", 5, 6));
    TRY(lchown("dangling", 5, 6));
    TRY(chown("d", 5, 6));
    show("d");
    TRY(fchown(file, -1, 7));
    TRY(fchown(-1, 1, 1));
    TRY(fchown(66, 1, 1));
    TRY(fchownat(file, "", 8, 8, AT_EMPTY_PATH));
    TRY(fchownat(path, "", 9, 9, AT_EMPTY_PATH));
    TRY(fchownat(AT_FDCWD, "", 9, 9, AT_EMPTY_PATH));
    show(".");
    TRY(fchownat(AT_FDCWD, "", 9, 9, 0));
    TRY(fchownat(AT_FDCWD, "l", 1, 2, AT_SYMLINK_NOFOLLOW));
    TRY(fchownat(AT_FDCWD, "l", 1, 2, 0x40000000));
    TRY(fchownat(AT_FDCWD, "f/x", 1, 2, 0));
    TRY(chown("l/", 1, 1));
    show("f");
    show("l");
    TRY(chmod("f", 0170777));
    show("f");
    TRY(chmod("l", 0600));
    show("f");
    TRY(chmod("dangling", 0600));
    TRY(fchmod(file, 02755));
    TRY(fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
    TRY(syscall(SYS_fchmodat, AT_FDCWD, "f", 0701, 0x7fff));
    TRY(chmod("/proc/self/fd/3", 04701));
    show("f");
    int pipes[2];
    TRY(pipe(pipes));
    TRY(fchown(pipes[0], 3, 3));
}

void changing(void)
{
    const struct timespec times[2] = {{1000, 5}, {2000, 0}}, bad[2] = {{0, 1000000000}, {0, 0}};
    const struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    const struct timeval old[2] = {{1, 2}, {3, 4}}, worse[2] = {{1, 2}, {3, 1000000}};
    const struct utimbuf older = {7, 8};
    struct stat found;
    make_file("f", "text", 06755);
    TRY(symlink("f", "l"));
    TRY(mkdir("d", 0777));
    TRY(mkfifo("fifo", 0666));
    TRY(truncate("f", 100));
    show("f");
    TRY(truncate("f", -1));
    TRY(truncate("d", 0));
    TRY(truncate("fifo", 0));
    TRY(truncate("null", 10));
    TRY(truncate("nothing", 10));
    TRY(truncate("l", 3));
    TRY(truncate("f/", 3));
    show("f");
    show("null");
    TRY(chmod("f", 06755));
    int file = open("f", O_RDWR);
    TRY(ftruncate(file, 2));
    show("f");
    TRY(pwrite(file, "xxx", 3, 0));
    show("f");
    TRY(utimensat(AT_FDCWD, "f", times, 0));
    TRY(stat("f", &found));
    printf("  %ld.%ld %ld\n", found.st_atim.tv_sec, found.st_atim.tv_nsec, found.st_mtim.tv_sec);
    TRY(utimensat(AT_FDCWD, "f", bad, 0));
    TRY(utimensat(AT_FDCWD, "f", omit, 0));
    TRY(utimensat(AT_FDCWD, "nothing", omit, 0));
    TRY(utimensat(AT_FDCWD, "f", now, 0));
    TRY(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
    TRY(utimensat(AT_FDCWD, "f", times, 0x40000000));
    TRY(syscall(SYS_utimensat, file, NULL, times, 0));
    TRY(syscall(SYS_utimensat, AT_FDCWD, NULL, times, 0));
    TRY(syscall(SYS_utimensat, AT_FDCWD, "f", 8, 0));
    TRY(syscall(SYS_utimensat, file, "", times, AT_EMPTY_PATH));
    TRY(syscall(SYS_utimes, "f", old));
    TRY(syscall(SYS_utimes, "f", worse));
    TRY(syscall(SYS_utime, "f", &older));
    TRY(stat("f", &found));
    printf("  %ld %ld\n", found.st_atim.tv_sec, found.st_mtim.tv_sec);
    TRY(utimensat(AT_FDCWD, "suid", times, 0));
    TRY(utimensat(AT_FDCWD, "suid", NULL, 0));
    TRY(truncate("suid", 0));
    show("suid");
    TRY(truncate("private/secret", 0));
}


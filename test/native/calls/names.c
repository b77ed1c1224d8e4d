#include "calls.h"

#include <limits.h>
#include <sys/sysmacros.h>

#define NOREPLACE 1
#define EXCHANGE 2
#define WHITEOUT 4

static long rename2(const char *from, const char *to, unsigned flags)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

void naming(void)
{
    umask(022);
    make_file("f", "f", 0644);
    make_file("g", "g", 0600);
    TRY(mkdir("d", 07777));
    TRY(mkdir("d", 0777));
    TRY(mkdir("d/", 0777));
    TRY(mkdir("e/", 0777));
    TRY(mkdir(".", 0777));
    TRY(mkdir("e/.", 0777));
    TRY(mkdir("e/..", 0777));
    TRY(mkdir("f/x", 0777));
    TRY(mkdir("/", 0777));
    TRY(mkdir("", 0777));
    TRY(mkdir("nothing/x", 0777));
    TRY(symlink("f", "l"));
    TRY(symlink("f", "l"));
    TRY(symlink("", "empty"));
    TRY(symlink("f", "x/"));
    TRY(symlink("nowhere", "dangling"));
    TRY(mkdir("dangling", 0777));
    TRY(mkdir("dangling/", 0777));
    show("nowhere");
    TRY(symlink("loop", "loop"));
    TRY(symlink("loop2/x", "loop2"));
    TRY(open("loop", O_RDONLY));
    TRY(open("loop2", O_RDONLY));
    TRY(open("loop", O_CREAT | O_WRONLY, 0600));
    TRY(mknod("r", S_IFREG | 0777, 0));
    TRY(mknod("r", S_IFREG | 0777, 0));
    TRY(mknod("r0", 0666, 0));
    TRY(mknod("x/", S_IFREG | 0777, 0));
    TRY(mknod("dir", S_IFDIR | 0777, 0));
    TRY(mknod("lnk", S_IFLNK | 0777, 0));
    TRY(mknod("bad", 0150000 | 0777, 0));
    TRY(mknod("sock", S_IFSOCK | 0777, 0));
    TRY(mknod("p", S_IFIFO | 0777, 0));
    TRY(mknod("c", S_IFCHR | 0666, makedev(300, 70000)));
    TRY(mknod("b", S_IFBLK | 06666, makedev(8, 1)));
    TRY(open("c", O_RDONLY));
    TRY(open("c", O_PATH) > 0);
    TRY(link("f", "f2"));
    TRY(link("f", "g"));
    TRY(link("d", "d2"));
    TRY(link("nothing", "n"));
    TRY(link("f", "x/"));
    TRY(link("f/", "x"));
    TRY(link("l", "l2"));
    TRY(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW));
    TRY(linkat(AT_FDCWD, "f", AT_FDCWD, "f4", 0x40000000));
    TRY(linkat(AT_FDCWD, "", AT_FDCWD, "f4", 0));
    int file = open("f", O_RDONLY), nameless = open(".", O_TMPFILE | O_RDWR, 04755);
    char path[64];
    sprintf(path, "/proc/self/fd/%d", file);
    TRY(linkat(AT_FDCWD, path, AT_FDCWD, "f5", AT_SYMLINK_FOLLOW));
    TRY(linkat(AT_FDCWD, path, AT_FDCWD, "f6", 0));
    TRY(linkat(file, "", AT_FDCWD, "f7", AT_EMPTY_PATH));
    sprintf(path, "/proc/self/fd/%d", nameless);
    TRY(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    show("named");
    TRY(link("caps", "caps2"));
    TRY(link("suid", "suid2"));
    TRY(link("linked", "linked2"));
    const char *all[] = {"d", "e", "l", "r", "r0", "sock", "p", "c", "b", "f", "f2", "l2", "l3", "f5", "f7"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        show(all[i]);
}

void removing(void)
{
    umask(022);
    make_file("f", "f", 0644);
    make_file("g", "g", 0600);
    TRY(mkdir("d", 0755));
    TRY(mkdir("e", 0755));
    make_file("e/in", "in", 0644);
    TRY(symlink("d", "ld"));
    TRY(symlink("f", "l"));
    TRY(unlink("f/"));
    TRY(unlink("d"));
    TRY(unlink("ld/"));
    TRY(unlink(""));
    TRY(unlink("."));
    TRY(unlink(".."));
    TRY(unlink("/"));
    TRY(unlink("nothing"));
    TRY(unlink("f/x"));
    TRY(rmdir("f"));
    TRY(rmdir("l"));
    TRY(rmdir("ld"));
    TRY(rmdir("ld/"));
    TRY(rmdir("e"));
    TRY(rmdir("d/."));
    TRY(rmdir("d/.."));
    TRY(rmdir("/"));
    TRY(rmdir("nothing"));
    TRY(rmdir("."));
    TRY(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR | 1));
    TRY(unlinkat(AT_FDCWD, "f", 1));
    TRY(rename("f/", "h"));
    TRY(rename("f", "h/"));
    TRY(rename("d", "h/"));
    TRY(rename("h", "d"));
    TRY(rename("f", "d"));
    TRY(rename("d", "f"));
    TRY(rename("d", "e"));
    TRY(rename("e", "e/x"));
    TRY(rename("e/in", "e"));
    TRY(rename("nothing", "x"));
    TRY(rename("f", "nothing/x"));
    TRY(rename("d/.", "x"));
    TRY(rename("d", "."));
    TRY(rename(".", "x"));
    TRY(rename("d", ".."));
    TRY(rename("f", "f"));
    TRY(rename("", "f"));
    TRY(rename("f", ""));
    TRY(rename2("f", "g", NOREPLACE));
    TRY(rename2("f", "new", NOREPLACE));
    TRY(rename2("new", "g", EXCHANGE));
    show("g");
    show("new");
    TRY(rename2("new", "e", EXCHANGE));
    show("new");
    TRY(rename2("new", "nothing", EXCHANGE));
    TRY(rename2("new", "g", EXCHANGE | NOREPLACE));
    TRY(rename2("new", "g", 64));
    TRY(link("g", "g2"));
    TRY(rename("g", "g2"));
    show("g");
    TRY(rename("l", "g2"));
    show("g2");
    TRY(rename("suid", "g"));
    TRY(rename("private/secret", "s"));
    TRY(rename("closed/inside", "s"));
    TRY(rename("g", "closed/x"));
    TRY(unlink("private/secret"));
    TRY(unlink("sticky/others"));
    TRY(rename("sticky/others", "sticky/o2"));
    TRY(rmdir("private"));
    show("g");
    /* The last name of an open file: what is known of it stays known. */
    make_file("open", "x", 0600);
    TRY(chmod("open", 04711));
    int file = open("open", O_RDONLY);
    struct stat found;
    TRY(unlink("open"));
    TRY(fstat(file, &found));
    printf("  %o %u:%u %lu\n", found.st_mode, found.st_uid, found.st_gid, (unsigned long)found.st_nlink);
    TRY(fchmod(file, 02755));
    TRY(fstat(file, &found));
    printf("  %o\n", found.st_mode);
    make_file("open", "y", 0644);
    show("open");
}

static char *repeated(const char *part, size_t times, const char *last)
{
    char *path = calloc(1, strlen(part) * times + strlen(last) + 1);
    for (size_t i = 0; i < times; i++)
        strcat(path, part);
    return strcat(path, last);
}

void long_paths(void)
{
    char name[300], path[64];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    make_file("f", "f", 0644);
    TRY(mkdir("d", 0755));
    struct stat found;
    errno = 0, say("open a name of 255", open(name, O_CREAT | O_WRONLY, 0600) > 0);
    name[255] = 'n', name[256] = 0;
    errno = 0, say("open a name of 256", open(name, O_CREAT | O_WRONLY, 0600));
    errno = 0, say("stat a name of 256", stat(name, &found));
    errno = 0, say("mkdir a name of 256", mkdir(name, 0777));
    errno = 0, say("unlink a name of 256", unlink(name));
    errno = 0, say("rename to a name of 256", rename("f", name));
    errno = 0, say("link to a name of 256", link("f", name));
    errno = 0, say("stat a path of 4095", stat(repeated("./", 2047, "f"), &found));
    errno = 0, say("stat a path of 4096", stat(repeated("./", 2047, "//"), &found));
    errno = 0, say("stat a path of 8001", stat(repeated("./", 4000, "f"), &found));
    errno = 0, say("open a path of 4095", open(repeated("d/../", 818, "././f"), O_RDONLY) > 0);
    errno = 0, say("open a path of 5001", open(repeated("d/../", 1000, "f"), O_RDONLY));
    errno = 0, say("symlink to 4095", symlink(repeated("./", 2047, "f"), "long"));
    errno = 0, say("symlink to 4096", symlink(repeated("./", 2047, "ff"), "longer"));
    errno = 0, say("stat through it", stat("long", &found));
    errno = 0, say("readlink it", readlink("long", repeated("..", 2200, ""), 4400));
    for (int i = 0; i < 45; i++) {
        sprintf(path, "c%d", i);
        sprintf(name, i ? "c%d" : "f", i - 1);
        symlink(name, path);
    }
    TRY(stat("c39", &found));
    TRY(stat("c40", &found));
    TRY(open("c40", O_CREAT | O_WRONLY, 0600));
    TRY(lstat("c44", &found));
    TRY(chdir("d"));
    TRY(stat("../../../../../../..", &found));
    printf("  %d\n", found.st_ino == ({ struct stat top; stat("/", &top); top.st_ino; }));
    TRY(stat("/..", &found));
    TRY(stat("/../..//./opt/..", &found));
    /* Step by step, deeper than a path may be long. */
    memset(name, 'x', 200), name[200] = 0;
    int depth = 0;
    while (depth < 15 && mkdir(name, 0755) == 0 && chdir(name) == 0)
        depth++;
    printf("  depth %d\n", depth);
    char *deep = malloc(16384);
    errno = 0, say("getcwd", getcwd(deep, 16384) != NULL);
    make_file("at the bottom", "x", 0600);
    TRY(chown("at the bottom", 0, 0));
    show("at the bottom");
    TRY(unlink("at the bottom"));
    for (int i = 0; i < depth; i++)
        if (chdir("..") || rmdir(name)) {
            printf("  up %d: %s\n", i, strerrorname_np(errno));
            break;
        }
    show(name);
}

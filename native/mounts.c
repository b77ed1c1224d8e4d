#include "ocibake-sandbox.h"
#include "owners.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* tty's group on every distribution that has one (Debian policy 9.2.2, systemd's basic.conf). */
#define DEVPTS "newinstance,ptmxmode=0666,mode=0620,gid=5"
#define DEVPTS_OF_ONE_ID "newinstance,ptmxmode=0666,mode=0620"

/* What root could change on the host through a fresh proc (core_pattern, sysrq-trigger): runtime-spec "readonlyPaths". */
static const char *const read_only[] = {"sys", "sysrq-trigger", "irq", "bus", "fs", NULL};
/* What tells about the host: runtime-spec "maskedPaths". */
static const char *const hidden[] = {"kcore",       "keys",          "timer_list", "timer_stats", "sched_debug",
                                     "latency_stats", "interrupts", "asound",     "acpi",        "scsi",
                                     NULL};

static const struct {
    const char *name;
    unsigned major, minor;
} devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static const struct {
    const char *name, *target;
} links[] = {{"ptmx", "pts/ptmx"},     {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
             {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}};

static int folder_for(int root, const char *path)
{
    int fd = open_mount_point(root, path, true);
    if (fd < 0)
        fail(UNFIT, "mount point", path);
    return fd;
}

/* Mounts a new file system on `path` and opens its root. */
static int mount_new(int root, const char *path, const char *type, unsigned long flags, const char *options)
{
    int below = folder_for(root, path);
    if (mount(type, path_of(below), type, flags, options))
        fail(REFUSED, "mount", path);
    close(below);
    return folder_for(root, path);
}

/* MS_REMOUNT of a bind replaces all flags: what the administrator set (noexec, nosuid) has to be said again. */
static void restrict_mount(int fd, unsigned long flags, const char *path)
{
    struct statvfs now;
    if (fstatvfs(fd, &now))
        fail(REFUSED, "statvfs", path);
    unsigned long kept = now.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC); /* the same bits as MS_* */
    if (mount(NULL, path_of(fd), NULL, MS_REMOUNT | MS_BIND | kept | flags, NULL))
        fail(REFUSED, "remount", path);
}

static void bind(int from, int onto, const char *path)
{
    if (mount(path_of(from), path_of(onto), NULL, MS_BIND, NULL))
        fail(REFUSED, "mount --bind", path);
}

/* proc/NAME and sys/NAME are made by the kernel: no symlinks there that somebody else chose. */
static void protect(int folder, const char *name, bool hide, int empty)
{
    struct stat found;
    int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &found))
        fail(REFUSED, "stat", name);
    if (!hide)
        bind(fd, fd, name);
    else if (S_ISDIR(found.st_mode)) {
        if (mount("tmpfs", path_of(fd), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0"))
            fail(REFUSED, "mount", name);
    } else
        bind(empty, fd, name);
    close(fd);
    fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail(REFUSED, "open", name);
    restrict_mount(fd, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, name);
    close(fd);
}

/* All of it: parts that are hidden there may not be shown here. What root could change through it, is not ours to. */
static void bind_proc(int root)
{
    int below = folder_for(root, "/proc");
    if (mount("/proc", path_of(below), NULL, MS_BIND | MS_REC, NULL))
        fail(REFUSED, "mount --rbind", "/proc");
    close(below);
}

static void mount_proc(int root, int empty)
{
    int proc = mount_new(root, "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    for (int i = 0; read_only[i]; i++)
        protect(proc, read_only[i], false, empty);
    for (int i = 0; hidden[i]; i++)
        protect(proc, hidden[i], true, empty);
    close(proc);
}

/* The host's, where a network namespace of the host's lets nobody mount another one, sysfs(5). */
static int bind_sys(int below)
{
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/sys", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0)
        return -1;
    /* Before it is attached: what cannot be made read-only, with all that is mounted in it, is not there at all. */
    int refused = syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof read_only) ||
                  syscall(SYS_move_mount, tree, "", below, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    close(tree);
    return refused;
}

/* What the host has mounted in its /sys (cgroups): a sysfs of one's own has nothing there. */
static void hide_mounts(int sys, int empty)
{
    char line[PATH_MAX], path[PATH_MAX];
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (!mounts)
        fail(REFUSED, "open", "/proc/self/mountinfo");
    while (fgets(line, sizeof line, mounts))
        if (sscanf(line, "%*s %*s %*s %*s /sys/%4095s", path) == 1)
            protect(sys, path, true, empty);
    fclose(mounts);
}

/* No /sys is better than a writable one, and few scripts look: where the kernel refuses, there is none. */
static void mount_sys(int root, int empty, bool one_id)
{
    int below = folder_for(root, "/sys");
    int refused = mount("sysfs", path_of(below), "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (refused && one_id)
        refused = bind_sys(below);
    close(below);
    if (refused)
        return;
    int sys = folder_for(root, "/sys");
    protect(sys, "firmware", true, empty);
    if (one_id)
        hide_mounts(sys, empty);
    close(sys);
}

static void mount_within(int folder, const char *name, const char *type, unsigned long flags, const char *options)
{
    char path[64];
    if (mkdirat(folder, name, 0755))
        fail(REFUSED, "mkdir", name);
    snprintf(path, sizeof path, "%s/%s", path_of(folder), name);
    if (mount(type, path, type, flags, options))
        fail(REFUSED, "mount", name);
}

/* A user namespace makes no devices: the host's, read-only, so that `chmod 600 /dev/null` does not reach the host. */
static void bind_device(int dev, const char *name)
{
    char path[32];
    struct stat found;
    snprintf(path, sizeof path, "/dev/%s", name);
    int host = open(path, O_PATH | O_CLOEXEC);
    if (host < 0 || fstat(host, &found))
        fail(REFUSED, "open", path);
    if (!S_ISCHR(found.st_mode))
        fail_because(REFUSED, "open", path, "it is no device here");
    int onto = openat(dev, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (onto < 0)
        fail(REFUSED, "open", name);
    bind(host, onto, path);
    close(onto);
    close(host);
    onto = openat(dev, name, O_PATH | O_CLOEXEC);
    if (onto < 0)
        fail(REFUSED, "open", name);
    restrict_mount(onto, MS_RDONLY | MS_NOSUID | MS_NOEXEC, path);
    close(onto);
}

/* Own nodes, not binds of the host's: `chmod 600 /dev/null` in a script must not reach the host. */
static void mount_dev(int root, bool one_id)
{
    int dev = mount_new(root, "/dev", "tmpfs", MS_NOSUID, "mode=755,size=64m");
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (one_id)
            bind_device(dev, devices[i].name);
        else if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)))
            fail(REFUSED, "mknod", devices[i].name);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i].target, dev, links[i].name))
            fail(REFUSED, "symlink", links[i].name);
    mount_within(dev, "pts", "devpts", MS_NOSUID | MS_NOEXEC, one_id ? DEVPTS_OF_ONE_ID : DEVPTS);
    mount_within(dev, "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    close(dev);
}

/* The image's own /tmp is the script's to use. Where it has none, one for the run: half of all programs want it. */
static void mount_tmp(int root)
{
    struct stat found;
    if (fstatat(root, "tmp", &found, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
        return;
    close(mount_new(root, "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
}

/* Whose it is: really, or as far as the script can tell. */
static int give(int fd, const struct injected *file, struct owners *owners)
{
    if (!owners)
        return fchown(fd, (uid_t)file->uid, (gid_t)file->gid);
    return record_owner(owners, fd, (uid_t)file->uid, (gid_t)file->gid);
}

static int stage(int staging, const char *name, const struct injected *file, struct owners *owners)
{
    int fd = openat(staging, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(REFUSED, "open", file->path);
    write_all(fd, file->bytes, file->size, file->path);
    if (give(fd, file, owners) || fchmod(fd, (mode_t)file->mode))
        fail(REFUSED, "chown", file->path);
    close(fd);
    return openat(staging, name, O_PATH | O_CLOEXEC);
}

/* A folder in the place of a file (/etc/resolv.conf/) is left alone unless the file is a promise to the user. */
static void inject(int root, struct injected *file)
{
    int onto = open_mount_point(root, file->path, false);
    if (onto < 0 && errno == EISDIR && strncmp(file->path, "/etc/", 5) == 0)
        return;
    if (onto < 0)
        fail(UNFIT, "mount point", file->path);
    bind(file->fd, onto, file->path);
    close(onto);
    onto = open_mount_point(root, file->path, false);
    if (onto < 0)
        fail(UNFIT, "mount point", file->path);
    restrict_mount(onto, MS_RDONLY | MS_NOSUID | MS_NODEV, file->path);
    close(onto);
}

static void mount_all(int root, struct injected *files, struct owners *owners, enum proc proc)
{
    char name[32];
    struct injected nothing = {.path = "empty", .bytes = "", .mode = 0444};
    /* A tmpfs below the later /dev, where no script can get at it. */
    int staging = mount_new(root, "/dev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700");
    int count = 0;
    for (struct injected *file = files; file; file = file->next) {
        snprintf(name, sizeof name, "%d", count++);
        file->fd = stage(staging, name, file, owners);
    }
    int empty = stage(staging, "empty", &nothing, owners);
    if (proc == HOST_PROC)
        bind_proc(root);
    else
        mount_proc(root, empty);
    mount_sys(root, empty, owners);
    mount_dev(root, owners);
    mount_tmp(root);
    for (struct injected *file = files; file; file = file->next)
        inject(root, file);
}

void enter_root(const char *folder, struct injected *files, struct owners *owners, enum proc proc)
{
    if (unshare(CLONE_NEWNS))
        fail(REFUSED, "unshare", "(mount namespace)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        fail(REFUSED, "mount --make-rprivate", "/");
    if (mount(folder, folder, NULL, MS_BIND, NULL))
        fail(REFUSED, "mount --bind", folder);
    int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail(REFUSED, "open", folder);
    /* Device nodes may be made in the tree, but opening one would reach the host's disks. */
    restrict_mount(root, MS_NODEV, folder);
    mode_t mask = umask(0);
    mount_all(root, files, owners, proc);
    umask(mask);
    /* pivot_root(2), "pivot_root(".", ".")": the old root is stacked on the new one, and then taken away. */
    if (fchdir(root) || syscall(SYS_pivot_root, ".", "."))
        fail(REFUSED, "pivot_root", folder);
    if (umount2(".", MNT_DETACH))
        fail(REFUSED, "umount", "(the old root)");
    if (chdir("/"))
        fail(REFUSED, "chdir", "/");
}

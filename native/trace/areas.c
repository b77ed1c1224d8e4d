/*
 * What a script sees besides the root, without a mount: /dev is a folder of ours beside the root, in which empty files
 * stand for the host's six harmless devices; /proc and /sys are the host's, with proc.c between; injected files
 * are memory of this process, which lies over the inode of a stub as a bind mount would.
 */
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

char root_folder[PATH_MAX];
struct owners *owners;

static char beside[PATH_MAX]; /* ours: dev/ and perhaps tmp/ */
static bool has_tmp;
bool has_no_network;
static struct injected *covers;
static dev_t disks[2]; /* usually the same */

static const struct {
    const char *name;
    unsigned major, minor;
} devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
               {"ptmx", 5, 2}};

static struct file_id device_ids[sizeof devices / sizeof *devices];

static const struct {
    const char *name, *target;
} links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
             {"stderr", "/proc/self/fd/2"}};

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

enum area area_of(const char *guest)
{
    if (guest[0] == 0 || !strchr("pdst", guest[1]))
        return OF_ROOT;
    if (is_below(guest, "/proc"))
        return OF_PROC;
    if (is_below(guest, "/dev"))
        return OF_DEV;
    if (is_below(guest, "/sys"))
        return OF_SYS;
    return has_tmp && is_below(guest, "/tmp") ? OF_TMP : OF_ROOT;
}

static bool is_of_host(const char *guest)
{
    return is_below(guest, "/dev/pts");
}

/* Folders of /sys that tell about the host, and what is there instead, below `beside`. */
static const char *instead_of(const char *guest, const char **rest)
{
    static const struct {
        const char *hidden, *instead;
        bool without_network;
    } all[] = {{"/sys/fs/cgroup", "/empty", false}, {"/sys/firmware", "/empty", false}, {"/sys/class/net", "/net", true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_below(guest, all[i].hidden) && (has_no_network || !all[i].without_network)) {
            *rest = guest + strlen(all[i].hidden);
            return all[i].instead;
        }
    return NULL;
}

long host_path(const char *guest, char host[HOST_PATH_MAX])
{
    static const char *before[5];
    const char *rest, *instead = area_of(guest) == OF_SYS ? instead_of(guest, &rest) : NULL;
    if (instead)
        return snprintf(host, HOST_PATH_MAX, "%s%s%s", beside, instead, rest) < PATH_MAX ? 0 : -ENAMETOOLONG;
    before[OF_ROOT] = root_folder;
    before[OF_DEV] = is_of_host(guest) ? "" : beside;
    before[OF_TMP] = beside;
    before[OF_PROC] = before[OF_SYS] = "";
    int length = snprintf(host, HOST_PATH_MAX, "%s%s", before[area_of(guest)], guest);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool guest_path(const char *host, char guest[PATH_MAX])
{
    const char *rest;
    if (is_below(host, root_folder))
        rest = host + strlen(root_folder);
    else if (is_below(host, beside) && host[strlen(beside)])
        rest = host + strlen(beside);
    else if (is_below(host, "/proc") || is_below(host, "/sys") || is_of_host(host))
        rest = host;
    else {
        for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
            if (is_below(host, "/dev") && strcmp(host + 5, devices[i].name) == 0)
                return strcpy(guest, host), true;
        return false;
    }
    if (strlen(rest) >= PATH_MAX)
        return false;
    strcpy(guest, rest);
    return true;
}

bool is_on_disk(const struct statx *found)
{
    dev_t device = makedev(found->stx_dev_major, found->stx_dev_minor);
    return device == disks[0] || device == disks[1];
}

const struct injected *cover_of(const struct statx *found)
{
    dev_t device = makedev(found->stx_dev_major, found->stx_dev_minor);
    for (const struct injected *file = covers; file; file = file->next)
        if (file->covered_inode == found->stx_ino && file->covered_device == device)
            return file;
    return NULL;
}

void name_cover(const struct injected *file, char host[HOST_PATH_MAX])
{
    snprintf(host, HOST_PATH_MAX, "/proc/%d/fd/%d", getpid(), file->fd);
}

const struct injected *injected_in(dev_t device, ino_t inode)
{
    struct stat found;
    for (const struct injected *file = covers; file; file = file->next)
        if (fstat(file->fd, &found) == 0 && found.st_ino == inode && found.st_dev == device)
            return file;
    return NULL;
}

const char *device_node(const char *guest, const struct owner *owner)
{
    static char host[64];
    if (area_of(guest) != OF_DEV || owner->type != S_IFCHR)
        return NULL;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (owner->rdev == makedev(devices[i].major, devices[i].minor)) {
            snprintf(host, sizeof host, "/dev/%s", devices[i].name);
            return host;
        }
    return NULL;
}

static void make_folder(const char *name, mode_t mode)
{
    char path[HOST_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", beside, name);
    if (mkdir(path, mode) || chmod(path, mode))
        fail(REFUSED, "mkdir", path);
}

static void make_dev(void)
{
    char path[HOST_PATH_MAX];
    for (const struct owner *owner = NULL; (owner = next_owner(owners, (struct owner *)owner));)
        if (owner->type)
            note_device(owner->id.inode, true);
    make_folder("dev", 0755);
    make_folder("dev/shm", 01777);
    make_folder("dev/pts", 0755);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        struct found node;
        snprintf(path, sizeof path, "%s/dev/%s", beside, devices[i].name);
        if (mknod(path, S_IFREG | 0666, 0) || chmod(path, 0666) || look_at(path, false, &node.stat))
            fail(REFUSED, "mknod", path);
        struct owner *owner = make_owner(owners, file_id_of(&node.stat));
        owner->type = S_IFCHR;
        owner->rdev = makedev(devices[i].major, devices[i].minor);
        device_ids[i] = owner->id;
        note_device(owner->id.inode, false);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "%s/dev/%s", beside, links[i].name);
        if (symlink(links[i].target, path))
            fail(REFUSED, "symlink", path);
    }
}

/* As if something were mounted there: `ls /` shows it, and what was missing is taken away again. */
static void make_stub_of(int root, const char *path)
{
    int fd = open_mount_point(root, path, true);
    if (fd < 0)
        fail(UNFIT, "mount point", path);
    close(fd);
}

static int into_memory(const struct injected *file)
{
    int fd = memfd_create("injected", MFD_CLOEXEC);
    if (fd < 0)
        fail(REFUSED, "memfd_create", file->path);
    write_all(fd, file->bytes, file->size, file->path);
    return fd;
}

/* Where a bind mount would go: of the root, or of our /dev. */
static void cover(int root, int dev, struct injected *file)
{
    struct statx found;
    bool of_dev = is_below(file->path, "/dev");
    int onto = open_mount_point(of_dev ? dev : root, of_dev ? file->path + 4 : file->path, false);
    if (onto < 0 && errno == EISDIR && is_below(file->path, "/etc"))
        return;
    if (onto < 0)
        fail(UNFIT, "mount point", file->path);
    if (look_at(path_of(onto), true, &found))
        fail(REFUSED, "stat", file->path);
    file->covered_inode = found.stx_ino;
    file->covered_device = makedev(found.stx_dev_major, found.stx_dev_minor);
    file->fd = into_memory(file);
    close(onto);
}

static bool lacks_tmp(int root)
{
    struct stat found;
    return fstatat(root, "tmp", &found, AT_SYMLINK_NOFOLLOW) && errno == ENOENT;
}

static int open_folder(const char *path, dev_t *disk)
{
    struct stat found;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found))
        fail(REFUSED, "open", path);
    *disk = found.st_dev;
    return fd;
}

void make_areas(const char *folder, struct injected *files)
{
    if (!realpath(folder, root_folder))
        fail(REFUSED, "realpath", folder);
    if (snprintf(beside, sizeof beside, "%s.areas-XXXXXX", root_folder) >= (int)sizeof beside || !mkdtemp(beside))
        fail(REFUSED, "mkdtemp", beside);
    mode_t mask = umask(0);
    make_dev();
    make_folder("empty", 0555);
    make_folder("net", 0755);
    make_folder("net/lo", 0555);
    int root = open_folder(root_folder, &disks[0]);
    char path[HOST_PATH_MAX];
    snprintf(path, sizeof path, "%s/dev", beside);
    int dev = open_folder(path, &disks[1]);
    if ((has_tmp = lacks_tmp(root)))
        make_folder("tmp", 01777);
    make_stub_of(root, "/proc");
    make_stub_of(root, "/dev");
    make_stub_of(root, "/sys");
    if (has_tmp)
        make_stub_of(root, "/tmp");
    for (struct injected *file = files; file; file = file->next)
        cover(root, dev, file);
    covers = files;
    close(root);
    close(dev);
    umask(mask);
}

/* /dev does not come back with the root. */
void forget_areas(void)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        drop_owner(owners, device_ids[i]);
}

/* Scripts may have left anything in /dev/shm. */
static void remove_below(int folder)
{
    fchmod(folder, 0700);
    DIR *entries = fdopendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(folder, entry->d_name, 0) == 0)
            continue;
        fchmodat(folder, entry->d_name, 0700, 0);
        int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            remove_below(below);
        unlinkat(folder, entry->d_name, AT_REMOVEDIR);
    }
    if (entries)
        closedir(entries);
}

void remove_areas(void)
{
    int folder = beside[0] ? open(beside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (folder < 0)
        return;
    remove_below(folder);
    rmdir(beside);
}

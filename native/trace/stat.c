/* What is said of files: made here, from the disk and the table. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

/* Whoever opens it gets the host's node, and may compare the two: cp(1) does. */
static void see_node(struct found *found)
{
    struct statx node;
    const struct owner *owner = owner_of(&found->stat);
    const char *host = owner && owner->type ? device_node(found->guest, owner) : NULL;
    if (!host || look_at(host, true, &node))
        return;
    const mode_t mode = true_mode(owner, found->stat.stx_mode);
    found->stat = node;
    found->stat.stx_mode = (uint16_t)mode;
}

/* Whoever opens an injected file gets its memory: the same file by path and by descriptor. */
static void see_injected(struct found *found, const struct injected *file)
{
    char memory[HOST_PATH_MAX];
    struct statx told;
    name_cover(file, memory);
    if (look_at(memory, true, &told) == 0)
        found->stat = told;
    found->stat.stx_uid = (uint32_t)file->uid;
    found->stat.stx_gid = (uint32_t)file->gid;
    found->stat.stx_mode = (uint16_t)(S_IFREG | file->mode);
    found->stat.stx_nlink = 1;
}

/* The file that a script sees: an injected one lies over another. */
static void see(struct task *task, struct found *found)
{
    const struct injected *cover = cover_of(&found->stat);
    if (!cover && found->is_link_of_kernel)
        cover = injected_in(makedev(found->stat.stx_dev_major, found->stat.stx_dev_minor), found->stat.stx_ino);
    if (cover) {
        see_injected(found, cover);
        return;
    }
    see_node(found);
    apply_owner(task, &found->stat);
}

static struct timespec time_of(const struct statx_timestamp *stamp)
{
    return (struct timespec){.tv_sec = stamp->tv_sec, .tv_nsec = stamp->tv_nsec};
}

static long tell_stat(struct task *task, struct found *found, unsigned long into)
{
    struct stat told;
    see(task, found);
    const struct statx *stat = &found->stat;
    memset(&told, 0, sizeof told);
    told.st_dev = makedev(stat->stx_dev_major, stat->stx_dev_minor);
    told.st_ino = stat->stx_ino;
    told.st_nlink = stat->stx_nlink;
    told.st_mode = stat->stx_mode;
    told.st_uid = stat->stx_uid;
    told.st_gid = stat->stx_gid;
    told.st_rdev = makedev(stat->stx_rdev_major, stat->stx_rdev_minor);
    told.st_size = (off_t)stat->stx_size;
    told.st_blksize = (blksize_t)stat->stx_blksize;
    told.st_blocks = (blkcnt_t)stat->stx_blocks;
    told.st_atim = time_of(&stat->stx_atime);
    told.st_mtim = time_of(&stat->stx_mtime);
    told.st_ctim = time_of(&stat->stx_ctime);
    return write_memory(task, into, &told, sizeof told);
}

static long stat_at(struct task *task, int folder, unsigned long path, unsigned long into, int flags)
{
    struct found found;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    int how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | (flags & AT_EMPTY_PATH ? EMPTY : 0);
    long failed = walk_at(task, folder, path, how, &found);
    return failed ? failed : tell_stat(task, &found, into);
}

long on_stat(struct task *task, const unsigned long *a)
{
    return stat_at(task, AT_FDCWD, a[0], a[1], 0);
}

long on_lstat(struct task *task, const unsigned long *a)
{
    return stat_at(task, AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW);
}

long on_newfstatat(struct task *task, const unsigned long *a)
{
    return stat_at(task, (int)a[0], a[1], a[2], (int)a[3]);
}

long on_fstat(struct task *task, const unsigned long *a)
{
    struct found found;
    long failed = walk_descriptor(task, (int)a[0], &found);
    return failed ? failed : tell_stat(task, &found, a[1]);
}

long on_statx(struct task *task, const unsigned long *a)
{
    struct found found;
    int flags = (int)a[2];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) || a[3] & STATX__RESERVED ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    int how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | (flags & AT_EMPTY_PATH ? EMPTY : 0);
    long failed = walk_at(task, (int)a[0], a[1], how, &found);
    if (failed)
        return failed;
    see(task, &found);
    return write_memory(task, a[4], &found.stat, sizeof found.stat);
}

static long access_at(struct task *task, int folder, unsigned long path, int mode, int flags)
{
    struct found found;
    if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | (flags & AT_EMPTY_PATH ? EMPTY : 0) |
              (flags & AT_EACCESS ? 0 : BY_REAL_ID);
    long failed = walk_at(task, folder, path, how, &found);
    if (failed || mode == F_OK)
        return failed;
    const struct injected *cover = cover_of(&found.stat);
    enum area area = area_of(found.guest);
    if (mode & W_OK && (cover || (area == OF_SYS && !found.is_link_of_kernel)))
        return -EROFS;
    if (mode & W_OK && is_of_kernel(found.guest))
        return -EROFS;
    if (area == OF_PROC && !found.is_link_of_kernel)
        return access(found.host, mode) ? -errno : 0;
    see(task, &found);
    return cover ? 0 : may(task, &found.stat, mode, !(flags & AT_EACCESS));
}

long on_access(struct task *task, const unsigned long *a)
{
    return access_at(task, AT_FDCWD, a[0], (int)a[1], 0);
}

/* faccessat2(2); faccessat(2) has no flags, and garbage in their place. */
long on_faccessat2(struct task *task, const unsigned long *a)
{
    return access_at(task, (int)a[0], a[1], (int)a[2], (int)a[3]);
}

long on_faccessat(struct task *task, const unsigned long *a)
{
    return access_at(task, (int)a[0], a[1], (int)a[2], 0);
}

/* A guest path as seen by who has called chroot(2). */
static const char *seen(const struct task *task, const char *guest)
{
    const char *root = task->surroundings->root;
    size_t length = strlen(root);
    if (strncmp(guest, root, length) != 0 || (guest[length] != '/' && guest[length] != 0))
        return NULL;
    return guest[length] ? guest + length : "/";
}

static long read_link(struct task *task, const struct found *found, char target[PATH_MAX])
{
    char guest[PATH_MAX], host[HOST_PATH_MAX];
    if (area_of(found->guest) == OF_PROC && !found->is_link_of_kernel) {
        long length = read_proc_link(task, found->guest, guest);
        const char *shown = length > 0 && guest[0] == '/' ? seen(task, guest) : NULL;
        strcpy(target, length <= 0 ? "" : shown ? shown : guest);
        return length < 0 ? length : (long)strlen(target);
    }
    if (!found->is_link_of_kernel) {
        ssize_t length = readlink(found->host, target, PATH_MAX);
        return length < 0 ? -errno : length;
    }
    /* readlinkat(fd, ""): the descriptor is of the symlink itself. */
    ssize_t length = readlink(found->host, host, sizeof host - 1);
    if (length < 0)
        return -errno;
    host[length] = 0;
    length = guest_path(host, guest) ? readlink(host, target, PATH_MAX) : (errno = ENOENT, -1);
    return length < 0 ? -errno : length;
}

static long readlink_at(struct task *task, int folder, unsigned long path, unsigned long into, int room)
{
    struct found found;
    char target[PATH_MAX];
    if (room <= 0)
        return -EINVAL;
    long failed = walk_at(task, folder, path, EMPTY, &found);
    if (failed)
        return failed;
    if (!S_ISLNK(found.stat.stx_mode))
        return found.is_link_of_kernel ? -ENOENT : -EINVAL;
    long length = read_link(task, &found, target);
    if (length < 0)
        return length;
    if (length > room)
        length = room;
    failed = write_memory(task, into, target, (size_t)length);
    return failed ? failed : length;
}

long on_readlink(struct task *task, const unsigned long *a)
{
    return readlink_at(task, AT_FDCWD, a[0], a[1], (int)a[2]);
}

long on_readlinkat(struct task *task, const unsigned long *a)
{
    return readlink_at(task, (int)a[0], a[1], a[2], (int)a[3]);
}

long on_statfs(struct task *task, const unsigned long *a)
{
    struct found found;
    struct statfs told;
    long failed = walk_at(task, AT_FDCWD, a[0], FOLLOW, &found);
    if (failed)
        return failed;
    return statfs(found.host, &told) ? -errno : write_memory(task, a[1], &told, sizeof told);
}

long on_getcwd(struct task *task, const unsigned long *a)
{
    char guest[PATH_MAX];
    struct statx found;
    char host[HOST_PATH_MAX];
    long failed = working_folder(task, guest);
    if (!failed)
        failed = host_path(guest, host);
    if (!failed)
        failed = look_at(host, false, &found);
    if (failed)
        return failed;
    const char *shown = seen(task, guest);
    if (!shown)
        return -ENOENT;
    size_t size = strlen(shown) + 1;
    if (size > a[1])
        return -ERANGE;
    failed = write_memory(task, a[0], shown, size);
    return failed ? failed : (long)size;
}

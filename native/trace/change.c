/* Owners, modes, times, sizes. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define UNCHANGED ((uid_t)-1)

/* /dev/null and terminals stay what they are: to a script it worked. */
static bool is_node_of_host(const struct found *found)
{
    return S_ISCHR(found->stat.stx_mode) && !owner_of(&found->stat);
}

/* Of which the kernel lets root change the owner, which nobody can see. */
static bool is_of_process(const struct found *found)
{
    return !found->is_link_of_kernel && area_of(found->guest) == OF_PROC && !is_of_kernel(found->guest);
}

static long change_mode(struct task *task, struct found *found, mode_t mode)
{
    const struct owner *owner = owner_of(&found->stat);
    gid_t gid = owner ? owner->gid : 0;
    if (is_of_process(found))
        return -EPERM;
    long failed = may_touch(found);
    if (failed || is_node_of_host(found))
        return failed;
    if (!owns(task, &found->stat))
        return -EPERM;
    if (S_ISLNK(found->stat.stx_mode))
        return -EOPNOTSUPP;
    mode &= 07777;
    if (!is_root(task) && !S_ISDIR(found->stat.stx_mode) && !is_member(task, gid))
        mode &= (mode_t)~S_ISGID;
    struct statx seen = found->stat;
    apply_owner(task, &seen);
    record(found, seen.stx_uid, seen.stx_gid, mode);
    return 0;
}

static long chmod_at(struct task *task, int folder, unsigned long path, mode_t mode)
{
    struct found found;
    long failed = walk_at(task, folder, path, FOLLOW, &found);
    return failed ? failed : change_mode(task, &found, mode);
}

long on_chmod(struct task *task, const unsigned long *a)
{
    return chmod_at(task, AT_FDCWD, a[0], (mode_t)a[1]);
}

long on_fchmodat(struct task *task, const unsigned long *a)
{
    return chmod_at(task, (int)a[0], a[1], (mode_t)a[2]);
}

long on_fchmod(struct task *task, const unsigned long *a)
{
    struct found found;
    long failed = is_path_only(task, (int)a[0]) ? -EBADF : walk_descriptor(task, (int)a[0], &found);
    return failed ? failed : change_mode(task, &found, (mode_t)a[1]);
}

/* chown(2): who may, and the set-id bits and capabilities that go, also for root. */
static long change_owner(struct task *task, struct found *found, uid_t uid, gid_t gid)
{
    struct owner *owner = owner_of(&found->stat);
    mode_t mode = true_mode(owner, found->stat.stx_mode);
    uid_t was_uid = owner ? owner->uid : 0;
    gid_t was_gid = owner ? owner->gid : 0;
    if (is_of_process(found))
        return is_root(task) ? 0 : -EPERM;
    long failed = may_touch(found);
    if (failed || is_node_of_host(found))
        return failed;
    if (!is_root(task)) {
        bool keeps_uid = uid == UNCHANGED || uid == was_uid;
        bool may_give = gid == UNCHANGED || gid == was_gid || is_member(task, gid);
        if (!keeps_uid || !may_give || ((uid != UNCHANGED || gid != UNCHANGED) && !owns(task, &found->stat)))
            return -EPERM;
    }
    if (!S_ISDIR(mode) && !S_ISLNK(mode)) {
        mode &= (mode_t) ~(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
        if (owner)
            drop_xattr(owner, "security.capability");
    }
    record(found, uid == UNCHANGED ? was_uid : uid, gid == UNCHANGED ? was_gid : gid, mode & 07777);
    return 0;
}

static long chown_at(struct task *task, int folder, unsigned long path, uid_t uid, gid_t gid, int how)
{
    struct found found;
    long failed = walk_at(task, folder, path, how, &found);
    return failed ? failed : change_owner(task, &found, uid, gid);
}

long on_chown(struct task *task, const unsigned long *a)
{
    return chown_at(task, AT_FDCWD, a[0], (uid_t)a[1], (gid_t)a[2], FOLLOW);
}

long on_lchown(struct task *task, const unsigned long *a)
{
    return chown_at(task, AT_FDCWD, a[0], (uid_t)a[1], (gid_t)a[2], 0);
}

long on_fchownat(struct task *task, const unsigned long *a)
{
    int flags = (int)a[4];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | (flags & AT_EMPTY_PATH ? EMPTY : 0);
    return chown_at(task, (int)a[0], a[1], (uid_t)a[2], (gid_t)a[3], how);
}

long on_fchown(struct task *task, const unsigned long *a)
{
    struct found found;
    long failed = is_path_only(task, (int)a[0]) ? -EBADF : walk_descriptor(task, (int)a[0], &found);
    return failed ? failed : change_owner(task, &found, (uid_t)a[1], (gid_t)a[2]);
}

static bool is_valid(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT || (unsigned long)time->tv_nsec < 1000000000;
}

static long set_times(struct task *task, struct found *found, const struct timespec *times)
{
    if (times && (!is_valid(&times[0]) || !is_valid(&times[1])))
        return -EINVAL;
    long failed = may_touch(found);
    if (failed || is_node_of_host(found))
        return failed;
    bool is_now = !times || (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW);
    if (!owns(task, &found->stat) && (!is_now || may(task, &found->stat, MAY_WRITE, false)))
        return is_now ? -EACCES : -EPERM;
    int flags = found->is_link_of_kernel ? 0 : AT_SYMLINK_NOFOLLOW;
    return utimensat(AT_FDCWD, found->host, times, flags) ? -errno : 0;
}

static long set_times_at(struct task *task, int folder, unsigned long path, const struct timespec *times, int how)
{
    struct found found;
    long failed = walk_at(task, folder, path, how, &found);
    return failed ? failed : set_times(task, &found, times);
}

long on_utimensat(struct task *task, const unsigned long *a)
{
    struct timespec times[2];
    int flags = (int)a[3];
    if (a[2] && read_memory(task, a[2], times, sizeof times))
        return -EFAULT;
    if (a[2] && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
        return 0;
    if (!a[1] && (int)a[0] == AT_FDCWD)
        return -EFAULT;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) || (!a[1] && flags))
        return -EINVAL;
    int how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FOLLOW) | (flags & AT_EMPTY_PATH || !a[1] ? EMPTY : 0);
    return set_times_at(task, (int)a[0], a[1], a[2] ? times : NULL, how);
}

static long set_old_times(struct task *task, int folder, unsigned long path, unsigned long from)
{
    struct timeval old[2];
    if (!from)
        return set_times_at(task, folder, path, NULL, FOLLOW);
    if (read_memory(task, from, old, sizeof old))
        return -EFAULT;
    struct timespec times[2];
    for (int i = 0; i < 2; i++) {
        if (old[i].tv_usec < 0 || old[i].tv_usec >= 1000000)
            return -EINVAL;
        times[i] = (struct timespec){.tv_sec = old[i].tv_sec, .tv_nsec = old[i].tv_usec * 1000};
    }
    return set_times_at(task, folder, path, times, FOLLOW);
}

long on_utimes(struct task *task, const unsigned long *a)
{
    return set_old_times(task, AT_FDCWD, a[0], a[1]);
}

long on_futimesat(struct task *task, const unsigned long *a)
{
    return set_old_times(task, (int)a[0], a[1], a[2]);
}

long on_utime(struct task *task, const unsigned long *a)
{
    struct utimbuf old;
    if (!a[1])
        return set_times_at(task, AT_FDCWD, a[0], NULL, FOLLOW);
    if (read_memory(task, a[1], &old, sizeof old))
        return -EFAULT;
    const struct timespec times[2] = {{.tv_sec = old.actime}, {.tv_sec = old.modtime}};
    return set_times_at(task, AT_FDCWD, a[0], times, FOLLOW);
}

long on_truncate(struct task *task, const unsigned long *a)
{
    struct found found;
    if ((long)a[1] < 0)
        return -EINVAL;
    long failed = walk_at(task, AT_FDCWD, a[0], FOLLOW, &found);
    if (failed)
        return failed;
    mode_t mode = true_mode(owner_of(&found.stat), found.stat.stx_mode);
    if (!S_ISREG(mode))
        return S_ISDIR(mode) ? -EISDIR : -EINVAL;
    failed = may_touch(&found);
    if (!failed)
        failed = may(task, &found.stat, MAY_WRITE, false);
    if (failed)
        return failed;
    about_to_write(task, &found);
    return truncate(found.host, (off_t)a[1]) ? -errno : 0;
}

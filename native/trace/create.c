/* New names: files, folders, symlinks, nodes, hard links. All are made by the tracer, which knows whose they are. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Real root could make a node that opens this machine's disks. */
static int make(const struct found *found, mode_t mode, const char *target)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return mkdir(found->host, (mode & 01777) | 0700);
    case S_IFLNK:
        return symlink(target, found->host);
    case S_IFIFO:
    case S_IFSOCK:
        return mknod(found->host, (mode & (S_IFMT | 0777)) | 0600, 0);
    default:
        return mknod(found->host, S_IFREG | (mode & 0777) | 0600, 0);
    }
}

/* Makes a way into a folder that only the builder may not write to. */
static long make_here(const struct found *found, const struct found *parent, mode_t mode, const char *target)
{
    int failed = make(found, mode, target);
    if (failed && errno == EACCES && make_accessible(parent->host))
        failed = make(found, mode, target);
    return failed ? -errno : 0;
}

/* A list that the folder hands on takes the place of the umask, acl(5). */
static mode_t mode_of_new(const struct task *task, const struct found *parent, const struct found *made, mode_t asked)
{
    mode_t mode = asked & (S_ISDIR(asked) ? 01777 : 07777);
    if (!S_ISLNK(asked) && hands_on_list(&parent->stat))
        return inherit_list(&parent->stat, &made->stat, mode);
    return mode & ~task->surroundings->umask;
}

long create(struct task *task, struct found *found, mode_t mode, const char *target, dev_t device)
{
    struct found parent;
    enum area area = area_of(found->guest);
    long failed = area == OF_PROC ? -ENOENT : look_above(found, &parent); /* nothing is ever made in /proc */
    if (!failed)
        failed = may_change(task, &parent, NULL);
    if (!failed && area == OF_SYS)
        failed = -EROFS;
    if (!failed && (S_ISCHR(mode) || S_ISBLK(mode)) && !is_root(task))
        failed = -EPERM;
    if (!failed)
        failed = make_here(found, &parent, mode & ~(task->surroundings->umask & 0077), target);
    if (!failed)
        failed = look_at(found->host, false, &found->stat);
    if (failed)
        return failed;
    found->exists = true;
    forget_owner(&found->stat);
    const struct owner *above = owner_of(&parent.stat);
    bool inherits = true_mode(above, parent.stat.stx_mode) & S_ISGID;
    gid_t gid = !inherits ? task->ids.gid[FILE_SYSTEM] : above ? above->gid : 0;
    mode_t bits = mode_of_new(task, &parent, found, mode);
    if (inherits && S_ISDIR(mode))
        bits |= S_ISGID;
    else if (bits & S_ISGID && bits & S_IXGRP && !is_root(task) && !is_member(task, gid))
        bits &= (mode_t)~S_ISGID;
    if (S_ISCHR(mode) || S_ISBLK(mode)) {
        struct owner *owner = make_owner(owners, file_id_of(&found->stat));
        owner->type = mode & S_IFMT;
        owner->rdev = device;
        note_device(found->stat.stx_ino, area == OF_ROOT);
    }
    record(found, task->ids.uid[FILE_SYSTEM], gid, bits);
    /* Where the disk has other bits now (a set-group-id folder of the builder's), they are looked at again. */
    return look_at(found->host, false, &found->stat);
}

static long make_at(struct task *task, int folder, unsigned long path, mode_t mode, dev_t device)
{
    struct found found;
    long failed = walk_at(task, folder, path, MISSING | NAME, &found);
    if (failed)
        return failed;
    if (found.exists)
        return -EEXIST;
    if (found.wants_folder && !S_ISDIR(mode))
        return -ENOENT;
    return create(task, &found, mode, NULL, device);
}

long on_mkdir(struct task *task, const unsigned long *a)
{
    return make_at(task, AT_FDCWD, a[0], S_IFDIR | (a[1] & 01777), 0);
}

long on_mkdirat(struct task *task, const unsigned long *a)
{
    return make_at(task, (int)a[0], a[1], S_IFDIR | (a[2] & 01777), 0);
}

static long make_node(struct task *task, int folder, unsigned long path, mode_t mode, dev_t device)
{
    switch (mode & S_IFMT) {
    case 0:
    case S_IFREG:
        return make_at(task, folder, path, S_IFREG | (mode & 07777), 0);
    case S_IFIFO:
    case S_IFSOCK:
        return make_at(task, folder, path, mode & (S_IFMT | 07777), 0);
    case S_IFCHR:
    case S_IFBLK:
        return make_at(task, folder, path, mode & (S_IFMT | 07777), device);
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

/* The kernel's dev_t in a register is 32 bits, as glibc's for numbers that small. */
long on_mknod(struct task *task, const unsigned long *a)
{
    return make_node(task, AT_FDCWD, a[0], (mode_t)a[1], (unsigned)a[2]);
}

long on_mknodat(struct task *task, const unsigned long *a)
{
    return make_node(task, (int)a[0], a[1], (mode_t)a[2], (unsigned)a[3]);
}

static long link_to(struct task *task, unsigned long target, int folder, unsigned long path)
{
    struct found found;
    char said[PATH_MAX];
    long failed = read_string(task, target, said, sizeof said);
    if (failed == 0)
        return -ENOENT;
    if (failed > 0)
        failed = walk_at(task, folder, path, MISSING | NAME, &found);
    if (failed)
        return failed;
    if (found.exists)
        return -EEXIST;
    return found.wants_folder ? -ENOENT : create(task, &found, S_IFLNK | 0777, said, 0);
}

long on_symlink(struct task *task, const unsigned long *a)
{
    return link_to(task, a[0], AT_FDCWD, a[1]);
}

long on_symlinkat(struct task *task, const unsigned long *a)
{
    return link_to(task, a[0], (int)a[1], a[2]);
}

/* What others could use to keep a file of somebody else's: proc_sys_fs(5), protected_hardlinks. */
static bool may_be_linked(struct task *task, const struct found *file)
{
    mode_t mode = true_mode(owner_of(&file->stat), file->stat.stx_mode);
    if (owns(task, &file->stat))
        return true;
    bool is_safe = S_ISREG(mode) && !(mode & S_ISUID) && (mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP);
    return is_safe && may(task, &file->stat, MAY_READ | MAY_WRITE, false) == 0;
}

static long link_at(struct task *task, int from, unsigned long old, int to, unsigned long new, int flags)
{
    struct found file, name, parent;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int how = (flags & AT_SYMLINK_FOLLOW ? FOLLOW : 0) | (flags & AT_EMPTY_PATH ? EMPTY : 0);
    long failed = walk_at(task, from, old, how, &file);
    if (!failed)
        failed = walk_at(task, to, new, MISSING | NAME, &name);
    if (failed)
        return failed;
    if (name.exists)
        return -EEXIST;
    if (name.wants_folder)
        return -ENOENT;
    if (S_ISDIR(file.stat.stx_mode))
        return -EPERM;
    failed = look_above(&name, &parent);
    if (!failed && cover_of(&file.stat))
        failed = -EXDEV;
    if (!failed && !file.is_link_of_kernel && area_of(file.guest) != area_of(name.guest))
        failed = -EXDEV;
    if (!failed && !may_be_linked(task, &file))
        failed = -EPERM;
    if (!failed)
        failed = may_change(task, &parent, NULL);
    if (failed)
        return failed;
    int kernel = file.is_link_of_kernel ? AT_SYMLINK_FOLLOW : 0;
    int done = linkat(AT_FDCWD, file.host, AT_FDCWD, name.host, kernel);
    if (done && errno == EACCES && make_accessible(parent.host))
        done = linkat(AT_FDCWD, file.host, AT_FDCWD, name.host, kernel);
    return done ? -errno : 0;
}

long on_link(struct task *task, const unsigned long *a)
{
    return link_at(task, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long on_linkat(struct task *task, const unsigned long *a)
{
    return link_at(task, (int)a[0], a[1], (int)a[2], a[3], (int)a[4]);
}

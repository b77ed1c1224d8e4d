/* Names that go or move. A record ends with the last name of its file. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static bool is_last_name(const struct statx *found)
{
    return S_ISDIR(found->stx_mode) || found->stx_nlink <= 1;
}

static long remove_at(struct task *task, int folder, unsigned long path, int flags)
{
    struct found found, parent;
    bool is_folder = flags & AT_REMOVEDIR;
    char said[PATH_MAX];
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    long failed = read_string(task, path, said, sizeof said);
    if (failed >= 0)
        failed = walk(task, folder, said, 0, &found);
    if (failed)
        return failed;
    const char *last = strrchr(said, '/');
    last = last ? last + 1 : said;
    if (is_folder && strcmp(last, ".") == 0)
        return -EINVAL;
    if (is_folder && strcmp(last, "..") == 0)
        return -ENOTEMPTY;
    failed = may_remove(&found);
    if (!failed)
        failed = look_above(&found, &parent);
    if (!failed)
        failed = may_change(task, &parent, &found);
    if (failed)
        return failed;
    int done = unlinkat(AT_FDCWD, found.host, flags);
    if (done && errno == EACCES && make_accessible(parent.host))
        done = unlinkat(AT_FDCWD, found.host, flags);
    if (done)
        return -errno;
    if (is_last_name(&found.stat))
        forget_owner(&found.stat);
    if (is_folder)
        forget_folders();
    return 0;
}

long on_unlink(struct task *task, const unsigned long *a)
{
    return remove_at(task, AT_FDCWD, a[0], 0);
}

long on_rmdir(struct task *task, const unsigned long *a)
{
    return remove_at(task, AT_FDCWD, a[0], AT_REMOVEDIR);
}

long on_unlinkat(struct task *task, const unsigned long *a)
{
    return remove_at(task, (int)a[0], a[1], (int)a[2]);
}

/* The two names of a rename, and their folders. */
struct renaming {
    struct found from, to, above_from, above_to;
};

static long may_rename(struct task *task, const struct renaming *names)
{
    long failed = may_remove(&names->from);
    if (!failed && names->to.exists)
        failed = may_remove(&names->to);
    if (!failed && area_of(names->from.guest) != area_of(names->to.guest))
        failed = -EXDEV;
    if (!failed)
        failed = may_change(task, &names->above_from, &names->from);
    if (!failed)
        failed = may_change(task, &names->above_to, names->to.exists ? &names->to : NULL);
    return failed;
}

static int try_rename(const struct renaming *names, unsigned flags)
{
    const char *from = names->from.host, *to = names->to.host;
    if (flags == 0)
        return rename(from, to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static bool is_same_file(const struct found *a, const struct found *b)
{
    return a->stat.stx_ino == b->stat.stx_ino && a->stat.stx_dev_minor == b->stat.stx_dev_minor &&
           a->stat.stx_dev_major == b->stat.stx_dev_major;
}

static long rename_at(struct task *task, int from, unsigned long old, int to, unsigned long new, unsigned flags)
{
    struct renaming names;
    long failed = walk_at(task, from, old, 0, &names.from);
    if (!failed)
        failed = walk_at(task, to, new, MISSING, &names.to);
    if (!failed && !names.to.exists && names.to.wants_folder && !S_ISDIR(names.from.stat.stx_mode))
        failed = -ENOTDIR;
    if (!failed)
        failed = look_above(&names.from, &names.above_from);
    if (!failed)
        failed = look_above(&names.to, &names.above_to);
    if (!failed)
        failed = may_rename(task, &names);
    if (failed)
        return failed;
    int done = try_rename(&names, flags);
    if (done && errno == EACCES) {
        /* A folder that moves has its `..` written. */
        bool changed = make_accessible(names.above_from.host) | make_accessible(names.above_to.host);
        if (S_ISDIR(names.from.stat.stx_mode))
            changed |= make_accessible(names.from.host);
        done = changed ? try_rename(&names, flags) : (errno = EACCES, -1);
    }
    if (done)
        return -errno;
    if (names.to.exists && !(flags & RENAME_EXCHANGE) && is_last_name(&names.to.stat) &&
        !is_same_file(&names.from, &names.to))
        forget_owner(&names.to.stat);
    if (S_ISDIR(names.from.stat.stx_mode) || (names.to.exists && S_ISDIR(names.to.stat.stx_mode)))
        forget_folders();
    return 0;
}

long on_rename(struct task *task, const unsigned long *a)
{
    return rename_at(task, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

long on_renameat(struct task *task, const unsigned long *a)
{
    return rename_at(task, (int)a[0], a[1], (int)a[2], a[3], 0);
}

long on_renameat2(struct task *task, const unsigned long *a)
{
    return rename_at(task, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}

/* Names that go or move. */
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

/* Of a path without a last name. */
static long nothing_to_remove(enum ending ending, bool is_folder)
{
    if (!is_folder)
        return -EISDIR;
    return ending == IN_A_DOT ? -EINVAL : ending == IN_TWO_DOTS ? -ENOTEMPTY : -EBUSY;
}

static long remove_at(struct task *task, int folder, unsigned long path, int flags)
{
    struct found found, parent;
    bool is_folder = flags & AT_REMOVEDIR;
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    long failed = walk_at(task, folder, path, NAME, &found);
    if (failed)
        return failed;
    if (found.ending != IN_A_NAME)
        return nothing_to_remove(found.ending, is_folder);
    if (!is_folder && found.wants_folder)
        return S_ISDIR(found.stat.stx_mode) ? -EISDIR : -ENOTDIR;
    failed = look_above(&found, &parent);
    if (!failed && area_of(parent.guest) != OF_PROC)
        failed = may_change(task, &parent, &found);
    if (!failed)
        failed = may_remove(&found);
    if (failed)
        return failed;
    int done = unlinkat(AT_FDCWD, found.host, flags);
    if (done && errno == EACCES && make_accessible(parent.host))
        done = unlinkat(AT_FDCWD, found.host, flags);
    if (done)
        return -errno;
    if (is_last_name(&found.stat))
        lose_name(owners, file_id_of(&found.stat));
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
    long failed = may_change(task, &names->above_from, &names->from);
    if (!failed)
        failed = may_change(task, &names->above_to, names->to.exists ? &names->to : NULL);
    if (!failed)
        failed = may_remove(&names->from);
    if (!failed && names->to.exists)
        failed = may_remove(&names->to);
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

/* Without a look at who may what. */
static long do_names_fit(const struct renaming *names, unsigned flags)
{
    const bool moves_folder = S_ISDIR(names->from.stat.stx_mode);
    if (area_of(names->from.guest) != area_of(names->to.guest))
        return -EXDEV;
    if (names->from.ending != IN_A_NAME || names->to.ending != IN_A_NAME)
        return -EBUSY;
    if (!moves_folder && (names->from.wants_folder || (names->to.wants_folder && !(flags & RENAME_EXCHANGE))))
        return -ENOTDIR;
    return 0;
}

static long rename_at(struct task *task, int from, unsigned long old, int to, unsigned long new, unsigned flags)
{
    struct renaming names;
    long failed = walk_at(task, from, old, NAME, &names.from);
    if (!failed)
        failed = walk_at(task, to, new, MISSING | NAME, &names.to);
    if (!failed)
        failed = do_names_fit(&names, flags);
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
        lose_name(owners, file_id_of(&names.to.stat));
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

/* unlink(2), rmdir(2), rename(2): what becomes of records with the last name of a file (owners.h). */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A name that is to go. */
struct leaving {
    int folder;
    struct last_name name;
    bool exists;
    struct file file;
};

/* Opens the folder; false: the kernel's, or an error of ours. */
static bool find_leaving(struct call *call, struct leaving *leaving, int folder, __u64 path)
{
    leaving->folder = open_parent(call, folder, path, false, &leaving->name);
    leaving->exists = false;
    call->error = leaving->folder == -EACCES ? -EACCES : 0;
    call->native = !call->error;
    if (leaving->folder < 0)
        return false;
    int fd = *leaving->name.text ? openat(leaving->folder, leaving->name.text, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        leaving->exists = look_at(fd, &leaving->file) == 0;
        close(fd);
    }
    if (*leaving->name.text)
        return true;
    close(leaving->folder);
    return false;
}

static int may_leave(struct call *call, const struct leaving *leaving)
{
    struct file parent;
    if (all_are_root() || caller_of(call)->user.fs == 0)
        return 0;
    int error = look_at(leaving->folder, &parent);
    if (!error)
        error = may_change(call, leaving->folder, &parent);
    if (!error && leaving->exists && !may_remove(call->who, &parent, &leaving->file))
        error = -EPERM;
    return error;
}

static bool is_last_name(const struct leaving *leaving)
{
    return leaving->exists && leaving->file.owner && (S_ISDIR(leaving->file.disk_mode) || leaving->file.links == 1);
}

static void remove_at(struct call *call, int folder, __u64 path, int flags)
{
    struct leaving leaving;
    if (!find_leaving(call, &leaving, folder, path))
        return;
    /* With a slash after it, only a folder is removed. */
    bool fits = flags & AT_REMOVEDIR || !leaving.name.has_slash;
    call->error = fits ? may_leave(call, &leaving) : 0;
    call->native = !call->error && (!fits || !is_last_name(&leaving));
    if (!call->error && !call->native) {
        if (unlinkat(leaving.folder, leaving.name.text, flags))
            call->error = -errno;
        else
            lose_name(recorder.owners, leaving.file.id);
    }
    close(leaving.folder);
}

void serve_unlink(struct call *call)
{
    remove_at(call, AT_FDCWD, call->args[0], 0);
}

void serve_rmdir(struct call *call)
{
    remove_at(call, AT_FDCWD, call->args[0], AT_REMOVEDIR);
}

void serve_unlinkat(struct call *call)
{
    remove_at(call, (int)call->args[0], call->args[1], (int)call->args[2]);
}

static bool are_on_one_disk(int folder, int other)
{
    struct stat one, two;
    return fstat(folder, &one) || fstat(other, &two) || one.st_dev == two.st_dev;
}

/* Renames ourselves only if a record ends by it. */
static void rename_over(struct call *call, const struct leaving *from, const struct leaving *to, unsigned flags)
{
    call->error = are_on_one_disk(from->folder, to->folder) ? may_leave(call, from) : -EXDEV;
    if (!call->error)
        call->error = may_leave(call, to);
    bool wants_folder = from->name.has_slash || (to->name.has_slash && !(flags & RENAME_EXCHANGE));
    if (!call->error && from->exists && wants_folder && !S_ISDIR(from->file.disk_mode))
        call->error = -ENOTDIR;
    bool same = from->exists && to->exists && from->file.id.inode == to->file.id.inode;
    call->native = !call->error && (!is_last_name(to) || same || flags & RENAME_EXCHANGE);
    if (call->error || call->native)
        return;
    if (syscall(SYS_renameat2, from->folder, from->name.text, to->folder, to->name.text, flags))
        call->error = -errno;
    else
        lose_name(recorder.owners, to->file.id);
}

static void rename_at(struct call *call, int folder, __u64 path, int new_folder, __u64 new_path, unsigned flags)
{
    struct leaving from, to;
    if (!find_leaving(call, &to, new_folder, new_path))
        return;
    if (find_leaving(call, &from, folder, path)) {
        rename_over(call, &from, &to, flags);
        close(from.folder);
    }
    close(to.folder);
}

void serve_rename(struct call *call)
{
    rename_at(call, AT_FDCWD, call->args[0], AT_FDCWD, call->args[1], 0);
}

void serve_renameat(struct call *call)
{
    rename_at(call, (int)call->args[0], call->args[1], (int)call->args[2], call->args[3], 0);
}

void serve_renameat2(struct call *call)
{
    rename_at(call, (int)call->args[0], call->args[1], (int)call->args[2], call->args[3], (unsigned)call->args[4]);
}

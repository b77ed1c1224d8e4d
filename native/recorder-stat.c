/* What a file is shown as: stat(2), statx(2). A file that the table says nothing about is the kernel's to show. */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Whether the kernel would show something else: an unknown id is shown as nobody's. */
static bool is_shown_otherwise(struct call *call, int fd, struct file *file)
{
    struct stat shown;
    if (look_at_for(call, fd, file))
        return false;
    if (file->owner || file->of_root)
        return file->owner;
    return fstat(fd, &shown) == 0 && (shown.st_uid != file->uid || shown.st_gid != file->gid);
}

static void show(struct call *call, int fd, const struct file *file, __u64 buffer)
{
    struct stat shown;
    memset(&shown, 0, sizeof shown);
    if (fstat(fd, &shown)) {
        call->native = true;
        return;
    }
    shown.st_uid = file->uid;
    shown.st_gid = file->gid;
    shown.st_mode = file->mode;
    if (file->owner && file->owner->type)
        shown.st_rdev = file->owner->rdev;
    call->error = write_memory(call, buffer, &shown, sizeof shown);
}

/* Negative: for a user who is walked it is our answer, else the kernel finds out the same. */
static bool is_open(struct call *call, int fd)
{
    if (fd >= 0)
        return true;
    if (fd == -EACCES)
        call->error = fd;
    else
        call->native = true;
    return false;
}

static void stat_at(struct call *call, int folder, __u64 path, __u64 buffer, int flags)
{
    struct file file;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) {
        call->native = true;
        return;
    }
    int fd = open_target(call, folder, path, flags);
    if (!is_open(call, fd))
        return;
    if (is_shown_otherwise(call, fd, &file))
        show(call, fd, &file, buffer);
    else
        call->native = true;
    close(fd);
}

void serve_stat(struct call *call)
{
    stat_at(call, AT_FDCWD, call->args[0], call->args[1], 0);
}

void serve_lstat(struct call *call)
{
    stat_at(call, AT_FDCWD, call->args[0], call->args[1], AT_SYMLINK_NOFOLLOW);
}

void serve_newfstatat(struct call *call)
{
    stat_at(call, (int)call->args[0], call->args[1], call->args[2], (int)call->args[3]);
}

void serve_fstat(struct call *call)
{
    struct file file;
    int fd = open_descriptor(call, (int)call->args[0] < 0 ? -1 : (int)call->args[0]);
    if (fd >= 0 && is_shown_otherwise(call, fd, &file))
        show(call, fd, &file, call->args[1]);
    else
        call->native = true;
    if (fd >= 0)
        close(fd);
}

void serve_statx(struct call *call)
{
    struct file file;
    struct statx shown;
    int flags = (int)call->args[2];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) {
        call->native = true;
        return;
    }
    int fd = open_target(call, (int)call->args[0], call->args[1], flags);
    if (!is_open(call, fd))
        return;
    if (is_shown_otherwise(call, fd, &file) &&
        statx(fd, "", AT_EMPTY_PATH | (flags & AT_STATX_SYNC_TYPE), (unsigned)call->args[3], &shown) == 0) {
        shown.stx_uid = file.uid;
        shown.stx_gid = file.gid;
        shown.stx_mode = (uint16_t)file.mode;
        if (file.owner && file.owner->type) {
            shown.stx_rdev_major = major(file.owner->rdev);
            shown.stx_rdev_minor = minor(file.owner->rdev);
        }
        call->error = write_memory(call, call->args[4], &shown, sizeof shown);
    } else
        call->native = true;
    close(fd);
}

/* Whose a file is and what may be done with it: chown(2), chmod(2). */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAME ((uint32_t)-1)

/*
 * Gives the disk its part of `mode` and the record the rest. What is not on the root's own file system, the host's
 * devices, has only the record.
 */
int put_mode(int fd, struct file *file, mode_t mode)
{
    mode_t wanted = mode_on_disk((file->disk_mode & S_IFMT) | mode), got = file->disk_mode & 07777;
    struct stat now;
    if (chmod(path_of(fd), wanted) && file->of_root)
        return -errno;
    if (fstat(fd, &now) == 0)
        got = now.st_mode & 07777;
    struct owner *owner = record_of(file);
    owner->mode = got == mode ? MODE_OF_DISK : mode;
    chmod_acl(owner, mode);
    if (drop_if_plain(recorder.owners, owner))
        file->owner = NULL;
    return 0;
}

/* chown(2): set-id bits and capabilities of a file do not outlive a change of its owner. */
static void clear_privileges(struct file *file, struct owner *owner)
{
    if (S_ISDIR(file->mode))
        return;
    drop_xattr(owner, "security.capability");
    mode_t mode = file->mode & 07777;
    mode_t kept = mode & ~(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
    if (owner->mode != MODE_OF_DISK)
        owner->mode = kept == (file->disk_mode & 07777) ? MODE_OF_DISK : kept;
}

static int may_chown(const struct identity *who, const struct file *file, uid_t uid, gid_t gid)
{
    if (is_root(who))
        return 0;
    bool own = who->user.fs == file->uid;
    bool keeps_user = uid == SAME || (own && uid == file->uid);
    bool keeps_group = gid == SAME || (own && (gid == file->gid || is_in_group(who, gid)));
    return keeps_user && keeps_group ? 0 : -EPERM;
}

static void chown_opened(struct call *call, int fd, uid_t uid, gid_t gid)
{
    struct file file;
    call->error = look_at_for(call, fd, &file);
    if (!call->error)
        call->error = may_chown(caller_of(call), &file, uid, gid);
    /* The real call for its errors (a read-only file system) and for the time of change. */
    if (!call->error && fchownat(fd, "", SAME, SAME, AT_EMPTY_PATH) && file.of_root)
        call->error = -errno;
    if (call->error)
        return;
    struct owner *owner = make_owner(recorder.owners, file.id);
    owner->uid = uid == SAME ? file.uid : uid;
    owner->gid = gid == SAME ? file.gid : gid;
    clear_privileges(&file, owner);
    drop_if_plain(recorder.owners, owner);
}

static void chown_path(struct call *call, int folder, __u64 path, uint32_t uid, uint32_t gid, int flags)
{
    int fd = open_target(call, folder, path, flags);
    if (fd < 0) {
        call->error = fd;
        return;
    }
    chown_opened(call, fd, uid, gid);
    close(fd);
}

void serve_chown(struct call *call)
{
    chown_path(call, AT_FDCWD, call->args[0], (uint32_t)call->args[1], (uint32_t)call->args[2], 0);
}

void serve_lchown(struct call *call)
{
    chown_path(call, AT_FDCWD, call->args[0], (uint32_t)call->args[1], (uint32_t)call->args[2], AT_SYMLINK_NOFOLLOW);
}

void serve_fchownat(struct call *call)
{
    int flags = (int)call->args[4];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        call->error = -EINVAL;
    else
        chown_path(call, (int)call->args[0], call->args[1], (uint32_t)call->args[2], (uint32_t)call->args[3], flags);
}

static int open_used(struct call *call, int fd)
{
    return fd < 0 || is_path_only(call, fd) ? -EBADF : open_descriptor(call, fd);
}

void serve_fchown(struct call *call)
{
    int fd = open_used(call, (int)call->args[0]);
    if (fd < 0) {
        call->error = fd;
        return;
    }
    chown_opened(call, fd, (uint32_t)call->args[1], (uint32_t)call->args[2]);
    close(fd);
}

static void chmod_opened(struct call *call, int fd, mode_t mode)
{
    struct file file;
    const struct identity *who = caller_of(call);
    call->error = look_at_for(call, fd, &file);
    if (call->error)
        return;
    if (S_ISLNK(file.mode))
        call->error = -EOPNOTSUPP;
    else if (who->user.fs != 0 && who->user.fs != file.uid)
        call->error = -EPERM;
    if (call->error)
        return;
    mode &= 07777;
    /* inode_change_ok: who is not in the group makes nothing setgid. */
    if (who->user.fs != 0 && !is_in_group(who, file.gid))
        mode &= ~(mode_t)S_ISGID;
    call->error = put_mode(fd, &file, mode);
}

static void chmod_path(struct call *call, int folder, __u64 path, mode_t mode, int flags)
{
    int fd = open_target(call, folder, path, flags);
    if (fd < 0) {
        call->error = fd;
        return;
    }
    chmod_opened(call, fd, mode);
    close(fd);
}

void serve_chmod(struct call *call)
{
    chmod_path(call, AT_FDCWD, call->args[0], (mode_t)call->args[1], 0);
}

void serve_fchmodat(struct call *call)
{
    chmod_path(call, (int)call->args[0], call->args[1], (mode_t)call->args[2], 0);
}

void serve_fchmodat2(struct call *call)
{
    int flags = (int)call->args[3];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        call->error = -EINVAL;
    else
        chmod_path(call, (int)call->args[0], call->args[1], (mode_t)call->args[2], flags);
}

void serve_fchmod(struct call *call)
{
    int fd = open_used(call, (int)call->args[0]);
    if (fd < 0) {
        call->error = fd;
        return;
    }
    chmod_opened(call, fd, (mode_t)call->args[1]);
    close(fd);
}

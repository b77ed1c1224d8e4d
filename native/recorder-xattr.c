/*
 * Extended attributes, xattr(7). `user.*` is the disk's. The others need a privilege that an ordinary user has not
 * got, or speak of ids that this namespace has not got: they are in the table alone.
 */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The file that the call is about, by its first argument. */
static int open_first(struct call *call, bool descriptor, int flags)
{
    int fd = (int)call->args[0];
    if (descriptor)
        return fd < 0 || is_path_only(call, fd) ? -EBADF : open_descriptor(call, fd);
    return open_target(call, AT_FDCWD, call->args[0], flags);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool begin(struct call *call, bool descriptor, int flags, int *fd, struct file *file)
{
    *fd = open_first(call, descriptor, flags);
    call->error = *fd < 0 ? *fd : look_at(*fd, file);
    if (*fd >= 0 && call->error)
        close(*fd);
    return !call->error;
}

/* `user.*`: of files and folders alone, for those who may `wanted` (4 read, 2 write). The rest is the kernel's. */
static void check_user_attribute(struct call *call, bool descriptor, int flags, int wanted)
{
    struct file file;
    int fd;
    if (begin(call, descriptor, flags, &fd, &file)) {
        close(fd);
        if (file.owner && file.owner->type)
            call->error = wanted == 4 ? -ENODATA : -EPERM;
        else if (!may(caller_of(call), &file, wanted))
            call->error = -EACCES;
    }
    call->native = !call->error;
}

/* Whether this name is ours. Else call->native, or call->error. */
static bool read_name(struct call *call, bool descriptor, int flags, int wanted, char name[XATTR_NAME_MAX + 1])
{
    int length = read_string(call, call->args[1], name, XATTR_NAME_MAX + 1);
    if (length <= 0)
        call->native = true;
    else if (starts_with(name, "user."))
        check_user_attribute(call, descriptor, flags, wanted);
    else
        return true;
    return false;
}

/* No sandbox leaves a script CAP_SYS_ADMIN, without which `trusted.*` is not there, and `security.*` not to be set. */
static bool is_hidden(const char *name)
{
    return starts_with(name, "trusted.");
}

/* Capabilities need root (CAP_SETFCAP), an ACL is its owner's. */
static int may_set(const struct identity *who, const struct file *file, const char *name)
{
    bool root = who->user.fs == 0;
    if (strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0)
        return root || who->user.fs == file->uid ? 0 : -EPERM;
    if (!is_hidden(name) && !starts_with(name, "security."))
        return -EOPNOTSUPP;
    return root && strcmp(name, "security.capability") == 0 ? 0 : -EPERM;
}

static void set(struct call *call, int fd, struct file *file, const char *name)
{
    size_t size = (size_t)call->args[3];
    unsigned flags = (unsigned)call->args[4];
    bool there = file->owner && find_xattr(file->owner, name);
    bool capability = strcmp(name, "security.capability") == 0;
    if (flags & ~(unsigned)(XATTR_CREATE | XATTR_REPLACE))
        call->error = -EINVAL;
    else if (size > XATTR_SIZE_MAX)
        call->error = -E2BIG;
    if (call->error)
        return;
    void *value = allocate(size);
    if (size)
        call->error = read_memory(call, call->args[2], value, size);
    if (!call->error && capability && !is_file_capability(value, size))
        call->error = -EINVAL;
    if (!call->error)
        call->error = may_set(caller_of(call), file, name);
    if (!call->error && flags & XATTR_CREATE && there)
        call->error = -EEXIST;
    if (!call->error && flags & XATTR_REPLACE && !there)
        call->error = -ENODATA;
    if (!call->error && starts_with(name, "system."))
        call->error = set_acl(fd, file, name, value, size);
    else if (!call->error)
        put_xattr(record_of(file), name, value, size);
    free(value);
}

static void serve_set(struct call *call, bool descriptor, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    struct file file;
    int fd;
    if (!read_name(call, descriptor, flags, 2, name) || !begin(call, descriptor, flags, &fd, &file))
        return;
    set(call, fd, &file, name);
    close(fd);
}

static void serve_get(struct call *call, bool descriptor, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    struct file file;
    int fd;
    if (!read_name(call, descriptor, flags, 4, name) || !begin(call, descriptor, flags, &fd, &file))
        return;
    close(fd);
    const struct recorded_xattr *xattr = file.owner ? find_xattr(file.owner, name) : NULL;
    size_t room = (size_t)call->args[3];
    if (!xattr)
        call->native = true;
    else if (is_hidden(name))
        call->error = -ENODATA;
    else if (room && room < xattr->size)
        call->error = -ERANGE;
    else {
        call->value = (int64_t)xattr->size;
        if (room && xattr->size)
            call->error = write_memory(call, call->args[2], xattr->value, xattr->size);
    }
}

/* The disk's names and the table's. The path of a descriptor is followed, which is right for all but symlinks. */
static void serve_list(struct call *call, bool descriptor, int flags)
{
    static char names[XATTR_LIST_MAX];
    struct file file;
    int fd;
    if (!begin(call, descriptor, flags, &fd, &file))
        return;
    size_t room = (size_t)call->args[2], have = 0;
    if (file.owner && file.owner->xattrs) {
        ssize_t listed = S_ISLNK(file.disk_mode) ? 0 : listxattr(path_of(fd), names, sizeof names);
        have = listed < 0 ? 0 : (size_t)listed;
        for (const struct recorded_xattr *xattr = file.owner->xattrs; xattr; xattr = xattr->next) {
            size_t size = strlen(xattr->name) + 1;
            if (is_hidden(xattr->name))
                continue;
            if (have + size > sizeof names)
                break;
            memcpy(names + have, xattr->name, size);
            have += size;
        }
        call->value = (int64_t)have;
        if (room && room < have)
            call->error = -ERANGE;
        else if (room)
            call->error = write_memory(call, call->args[1], names, have);
    } else
        call->native = true;
    close(fd);
}

static void serve_remove(struct call *call, bool descriptor, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    struct file file;
    int fd;
    if (!read_name(call, descriptor, flags, 2, name) || !begin(call, descriptor, flags, &fd, &file))
        return;
    close(fd);
    call->error = may_set(caller_of(call), &file, name);
    if (call->error)
        return;
    if (!file.owner || !find_xattr(file.owner, name)) {
        call->native = true;
        return;
    }
    drop_xattr(file.owner, name);
    drop_if_plain(recorder.owners, file.owner);
}

void serve_setxattr(struct call *call)
{
    serve_set(call, false, 0);
}

void serve_lsetxattr(struct call *call)
{
    serve_set(call, false, AT_SYMLINK_NOFOLLOW);
}

void serve_fsetxattr(struct call *call)
{
    serve_set(call, true, 0);
}

void serve_getxattr(struct call *call)
{
    serve_get(call, false, 0);
}

void serve_lgetxattr(struct call *call)
{
    serve_get(call, false, AT_SYMLINK_NOFOLLOW);
}

void serve_fgetxattr(struct call *call)
{
    serve_get(call, true, 0);
}

void serve_listxattr(struct call *call)
{
    serve_list(call, false, 0);
}

void serve_llistxattr(struct call *call)
{
    serve_list(call, false, AT_SYMLINK_NOFOLLOW);
}

void serve_flistxattr(struct call *call)
{
    serve_list(call, true, 0);
}

void serve_removexattr(struct call *call)
{
    serve_remove(call, false, 0);
}

void serve_lremovexattr(struct call *call)
{
    serve_remove(call, false, AT_SYMLINK_NOFOLLOW);
}

void serve_fremovexattr(struct call *call)
{
    serve_remove(call, true, 0);
}

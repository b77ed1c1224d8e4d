/*
 * Extended attributes: file capabilities are for root, so they are in the table, and so is what else of security.* and
 * trusted.* the image came with: in a sandbox not even root may change it (it has no SYS_ADMIN, capabilities(7)).
 * Access lists are there too (acl.c). user.* is the disk's.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

static char value[XATTR_SIZE_MAX];

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_recorded(const char *name)
{
    return !starts_with(name, "user.");
}

static bool is_of_known_kind(const char *name)
{
    return starts_with(name, "user.") || starts_with(name, "trusted.") || starts_with(name, "security.");
}

static long read_name(struct task *task, unsigned long address, char name[XATTR_NAME_MAX + 1])
{
    long length = read_string(task, address, name, XATTR_NAME_MAX + 1);
    if (length == -ENAMETOOLONG || length == 0)
        return -ERANGE;
    return length < 0 ? length : 0;
}

/* Where the kernel itself would refuse a script's owner. */
static long may_set(struct task *task, const struct found *found, const char *name)
{
    long failed = may_touch(found);
    if (failed)
        return failed;
    if (is_list(name))
        return owns(task, &found->stat) ? 0 : -EPERM;
    if (!is_of_known_kind(name))
        return -EOPNOTSUPP;
    if (is_recorded(name))
        return is_root(task) && strcmp(name, "security.capability") == 0 ? 0 : -EPERM;
    mode_t type = true_mode(owner_of(&found->stat), found->stat.stx_mode) & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR)
        return -EPERM;
    return may(task, &found->stat, MAY_WRITE, false);
}

static long set_on_disk(const struct found *found, const char *name, size_t size, int flags)
{
    int (*set)(const char *, const char *, const void *, size_t, int) =
        found->is_link_of_kernel ? setxattr : lsetxattr;
    if (set(found->host, name, value, size, flags) == 0)
        return 0;
    if (errno != EACCES || !make_accessible(found->host))
        return -errno;
    return set(found->host, name, value, size, flags) ? -errno : 0;
}

static long set(struct task *task, struct found *found, const unsigned long *a)
{
    char name[XATTR_NAME_MAX + 1];
    size_t size = a[3];
    int flags = (int)a[4];
    long failed = read_name(task, a[1], name);
    if (!failed && size > sizeof value)
        failed = -E2BIG;
    if (!failed)
        failed = read_memory(task, a[2], value, size);
    if (!failed && strcmp(name, "security.capability") == 0 && !is_file_capability(value, size))
        failed = -EINVAL;
    if (!failed)
        failed = may_set(task, found, name);
    if (failed)
        return failed;
    if (is_list(name))
        return set_list(found, name, value, size);
    if (!is_recorded(name))
        return set_on_disk(found, name, size, flags);
    struct owner *owner = make_owner(owners, file_id_of(&found->stat));
    bool exists = find_xattr(owner, name);
    if (flags & XATTR_CREATE && exists)
        return -EEXIST;
    if (flags & XATTR_REPLACE && !exists) {
        drop_if_plain(owners, owner);
        return -ENODATA;
    }
    put_xattr(owner, name, value, size);
    return 0;
}

static long give(struct task *task, const void *bytes, size_t size, unsigned long into, size_t room)
{
    if (room == 0)
        return (long)size;
    if (size > room)
        return -ERANGE;
    long failed = write_memory(task, into, bytes, size);
    return failed ? failed : (long)size;
}

static long get(struct task *task, struct found *found, const unsigned long *a)
{
    char name[XATTR_NAME_MAX + 1];
    long failed = read_name(task, a[1], name);
    if (failed)
        return failed;
    if (!is_of_known_kind(name) && !is_list(name))
        return -EOPNOTSUPP;
    if (cover_of(&found->stat))
        return -ENODATA;
    struct owner *owner = owner_of(&found->stat);
    const struct recorded_xattr *xattr = owner ? find_xattr(owner, name) : NULL;
    if (starts_with(name, "trusted."))
        return -ENODATA;
    if (xattr)
        return give(task, xattr->value, xattr->size, a[2], a[3]);
    if (is_recorded(name)) /* what the disk has of these is this machine's: labels, lists of the work folder */
        return -ENODATA;
    if (may(task, &found->stat, MAY_READ, false))
        return -EACCES;
    ssize_t size = (found->is_link_of_kernel ? getxattr : lgetxattr)(found->host, name, value, sizeof value);
    return size < 0 ? -errno : give(task, value, (size_t)size, a[2], a[3]);
}

static size_t add_name(char *list, size_t size, const char *name)
{
    for (size_t at = 0; at < size; at += strlen(list + at) + 1)
        if (strcmp(list + at, name) == 0)
            return size;
    size_t length = strlen(name) + 1;
    if (size + length > XATTR_LIST_MAX)
        return size;
    memcpy(list + size, name, length);
    return size + length;
}

static long list(struct task *task, struct found *found, const unsigned long *a)
{
    static char disk[XATTR_LIST_MAX], names[XATTR_LIST_MAX];
    size_t size = 0;
    ssize_t got = (found->is_link_of_kernel ? listxattr : llistxattr)(found->host, disk, sizeof disk);
    if (got < 0 && errno != ENOTSUP)
        return -errno;
    for (ssize_t at = 0; at < got; at += (ssize_t)strlen(disk + at) + 1)
        if (!is_recorded(disk + at))
            size = add_name(names, size, disk + at);
    const struct owner *owner = owner_of(&found->stat);
    for (const struct recorded_xattr *xattr = owner ? owner->xattrs : NULL; xattr; xattr = xattr->next)
        if (!starts_with(xattr->name, "trusted."))
            size = add_name(names, size, xattr->name);
    return give(task, names, size, a[1], a[2]);
}

static long remove_one(struct task *task, struct found *found, const unsigned long *a)
{
    char name[XATTR_NAME_MAX + 1];
    long failed = read_name(task, a[1], name);
    if (!failed)
        failed = may_set(task, found, name);
    if (failed)
        return failed;
    struct owner *owner = owner_of(&found->stat);
    if (is_list(name) && S_ISLNK(found->stat.stx_mode))
        return -EOPNOTSUPP;
    if (is_recorded(name)) {
        if (!owner || !drop_xattr(owner, name))
            return is_list(name) ? 0 : -ENODATA;
        drop_if_plain(owners, owner);
        return 0;
    }
    int (*take)(const char *, const char *) = found->is_link_of_kernel ? removexattr : lremovexattr;
    if (take(found->host, name) == 0)
        return 0;
    if (errno != EACCES || !make_accessible(found->host))
        return -errno;
    return take(found->host, name) ? -errno : 0;
}

typedef long attribute_call(struct task *task, struct found *found, const unsigned long *arguments);

static long by_path(struct task *task, const unsigned long *a, int how, attribute_call *call)
{
    struct found found;
    long failed = walk_at(task, AT_FDCWD, a[0], how, &found);
    return failed ? failed : call(task, &found, a);
}

static long by_descriptor(struct task *task, const unsigned long *a, attribute_call *call)
{
    struct found found;
    long failed = is_path_only(task, (int)a[0]) ? -EBADF : walk_descriptor(task, (int)a[0], &found);
    return failed ? failed : call(task, &found, a);
}

long on_setxattr(struct task *task, const unsigned long *a) { return by_path(task, a, FOLLOW, set); }
long on_lsetxattr(struct task *task, const unsigned long *a) { return by_path(task, a, 0, set); }
long on_fsetxattr(struct task *task, const unsigned long *a) { return by_descriptor(task, a, set); }
long on_getxattr(struct task *task, const unsigned long *a) { return by_path(task, a, FOLLOW, get); }
long on_lgetxattr(struct task *task, const unsigned long *a) { return by_path(task, a, 0, get); }
long on_fgetxattr(struct task *task, const unsigned long *a) { return by_descriptor(task, a, get); }
long on_listxattr(struct task *task, const unsigned long *a) { return by_path(task, a, FOLLOW, list); }
long on_llistxattr(struct task *task, const unsigned long *a) { return by_path(task, a, 0, list); }
long on_flistxattr(struct task *task, const unsigned long *a) { return by_descriptor(task, a, list); }
long on_removexattr(struct task *task, const unsigned long *a) { return by_path(task, a, FOLLOW, remove_one); }
long on_lremovexattr(struct task *task, const unsigned long *a) { return by_path(task, a, 0, remove_one); }
long on_fremovexattr(struct task *task, const unsigned long *a) { return by_descriptor(task, a, remove_one); }

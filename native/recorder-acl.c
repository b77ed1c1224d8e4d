/*
 * Access control lists, acl(5), which the kernel keeps as the attributes system.posix_acl_access and _default and mixes
 * with the mode. Here they name ids that the namespace has not got, and so are recorded; what they do to modes is done
 * as fs/posix_acl.c does it. `cp -p` sets one for every file, to say no more than the mode.
 */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ACL_VERSION 2
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl_entry {
    uint16_t tag, bits;
    uint32_t id;
};

struct acl {
    uint32_t version;
    struct acl_entry entries[];
};

static size_t entry_count(size_t size)
{
    return (size - sizeof(struct acl)) / sizeof(struct acl_entry);
}

/* Users, then groups, mask, others: each of the plain ones once; the mask is needed with named ones. */
static bool is_valid(const struct acl *acl, size_t count)
{
    unsigned seen = 0, last = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned tag = acl->entries[i].tag;
        bool named = tag == USER || tag == GROUP;
        if ((tag & (tag - 1)) || tag == 0 || tag > OTHER || tag < last || (!named && tag == last))
            return false;
        if (acl->entries[i].bits > 7)
            return false;
        seen |= tag;
        last = tag;
    }
    unsigned plain = USER_OBJ | GROUP_OBJ | OTHER;
    return (seen & plain) == plain && (!(seen & (USER | GROUP)) || seen & MASK);
}

static struct acl_entry *entry_of(struct acl *acl, size_t count, unsigned tag)
{
    for (size_t i = 0; i < count; i++)
        if (acl->entries[i].tag == tag)
            return &acl->entries[i];
    return NULL;
}

/* The entry that the group's bits of the mode show. */
static struct acl_entry *group_entry(struct acl *acl, size_t count)
{
    struct acl_entry *mask = entry_of(acl, count, MASK);
    return mask ? mask : entry_of(acl, count, GROUP_OBJ);
}

static mode_t mode_of(struct acl *acl, size_t count)
{
    return (mode_t)(entry_of(acl, count, USER_OBJ)->bits << 6 | group_entry(acl, count)->bits << 3 |
                    entry_of(acl, count, OTHER)->bits);
}

/* Ids of plain entries mean nothing, and come back as this. */
static void forget_ids(struct acl *acl, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (acl->entries[i].tag != USER && acl->entries[i].tag != GROUP)
            acl->entries[i].id = UINT32_MAX;
}

static int set_access(int fd, struct file *file, struct acl *acl, size_t size)
{
    size_t count = entry_count(size);
    mode_t mode = (file->mode & 07000) | mode_of(acl, count);
    if (file->owner)
        drop_xattr(file->owner, ACL_ACCESS);
    int error = put_mode(fd, file, mode);
    if (error || count == 3)
        return error;
    put_xattr(record_of(file), ACL_ACCESS, acl, size);
    return 0;
}

int set_acl(int fd, struct file *file, const char *name, void *value, size_t size)
{
    struct acl *acl = value;
    bool access = strcmp(name, ACL_ACCESS) == 0;
    if (size < sizeof *acl || (size - sizeof *acl) % sizeof(struct acl_entry))
        return -EINVAL;
    if (acl->version != ACL_VERSION)
        return -EOPNOTSUPP;
    if (S_ISLNK(file->mode))
        return -EOPNOTSUPP;
    if (!access && !S_ISDIR(file->mode))
        return entry_count(size) ? -EACCES : 0;
    if (entry_count(size) == 0) {
        if (file->owner && drop_xattr(file->owner, name))
            drop_if_plain(recorder.owners, file->owner);
        return 0;
    }
    if (!is_valid(acl, entry_count(size)))
        return -EINVAL;
    forget_ids(acl, entry_count(size));
    if (access)
        return set_access(fd, file, acl, size);
    put_xattr(record_of(file), name, acl, size);
    return 0;
}

void chmod_acl(struct owner *owner, mode_t mode)
{
    struct recorded_xattr *xattr = find_xattr(owner, ACL_ACCESS);
    if (!xattr)
        return;
    struct acl *acl = xattr->value;
    size_t count = entry_count(xattr->size);
    entry_of(acl, count, USER_OBJ)->bits = mode >> 6 & 7;
    group_entry(acl, count)->bits = mode >> 3 & 7;
    entry_of(acl, count, OTHER)->bits = mode & 7;
}

bool hands_on_acl(const struct file *folder)
{
    return folder->owner && find_xattr(folder->owner, ACL_DEFAULT);
}

mode_t inherit_acl(const struct file *folder, struct owner *owner, mode_t mode, bool directory)
{
    const struct recorded_xattr *xattr = find_xattr(folder->owner, ACL_DEFAULT);
    size_t size = xattr->size, count = entry_count(size);
    if (directory)
        put_xattr(owner, ACL_DEFAULT, xattr->value, size);
    struct acl *acl = memcpy(allocate(size), xattr->value, size);
    entry_of(acl, count, USER_OBJ)->bits &= mode >> 6 & 7;
    group_entry(acl, count)->bits &= mode >> 3 & 7;
    entry_of(acl, count, OTHER)->bits &= mode & 7;
    mode = (mode & 07000) | mode_of(acl, count);
    if (count > 3)
        put_xattr(owner, ACL_ACCESS, acl, size);
    free(acl);
    return mode;
}

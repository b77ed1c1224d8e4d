/*
 * Access control lists, acl(5), which the kernel keeps as system.posix_acl_access and _default and mixes with the mode.
 * Here they are in the table, with the ids that the script knows; what they do to modes is done as fs/posix_acl.c does
 * it. `cp -p` sets one for every file, to say no more than the mode.
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 2 /* POSIX_ACL_XATTR_VERSION */
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct entry {
    uint16_t tag, bits;
    uint32_t id;
};

struct list {
    uint32_t version;
    struct entry entries[];
};

bool is_list(const char *name)
{
    return strcmp(name, ACCESS_LIST) == 0 || strcmp(name, DEFAULT_LIST) == 0;
}

static size_t count_of(size_t size)
{
    return (size - sizeof(struct list)) / sizeof(struct entry);
}

/* Users, then groups, mask, others: each of the plain ones once; named ones need the mask. */
static bool is_valid(const struct list *list, size_t count)
{
    unsigned seen = 0, last = 0;
    const unsigned plain = USER_OBJ | GROUP_OBJ | OTHER;
    for (size_t i = 0; i < count; i++) {
        unsigned tag = list->entries[i].tag;
        bool is_named = tag == USER || tag == GROUP;
        if (tag == 0 || tag > OTHER || tag & (tag - 1) || tag < last || (!is_named && tag == last))
            return false;
        if (list->entries[i].bits > 7)
            return false;
        seen |= tag;
        last = tag;
    }
    return (seen & plain) == plain && (!(seen & (USER | GROUP)) || seen & MASK);
}

static struct entry *entry_of(struct list *list, size_t count, unsigned tag)
{
    for (size_t i = 0; i < count; i++)
        if (list->entries[i].tag == tag)
            return &list->entries[i];
    return NULL;
}

/* Whose bits the mode shows as the group's. */
static struct entry *group_entry(struct list *list, size_t count)
{
    struct entry *mask = entry_of(list, count, MASK);
    return mask ? mask : entry_of(list, count, GROUP_OBJ);
}

static mode_t mode_of(struct list *list, size_t count)
{
    return (mode_t)(entry_of(list, count, USER_OBJ)->bits << 6 | group_entry(list, count)->bits << 3 |
                    entry_of(list, count, OTHER)->bits);
}

/* Ids of plain entries mean nothing, and come back as this. */
static void forget_ids(struct list *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list->entries[i].tag != USER && list->entries[i].tag != GROUP)
            list->entries[i].id = UINT32_MAX;
}

static void set_access(const struct found *found, struct list *list, size_t size)
{
    size_t count = count_of(size);
    struct owner *owner = make_owner(owners, file_id_of(&found->stat));
    mode_t special = true_mode(owner, found->stat.stx_mode) & 07000;
    drop_xattr(owner, ACCESS_LIST);
    if (count > 3)
        put_xattr(owner, ACCESS_LIST, list, size);
    record(found, owner->uid, owner->gid, special | mode_of(list, count));
}

long set_list(const struct found *found, const char *name, void *value, size_t size)
{
    struct list *list = value;
    bool is_access = strcmp(name, ACCESS_LIST) == 0;
    mode_t type = found->stat.stx_mode & S_IFMT;
    if (size < sizeof *list || (size - sizeof *list) % sizeof(struct entry))
        return -EINVAL;
    size_t count = count_of(size);
    if (list->version != VERSION || type == S_IFLNK)
        return -EOPNOTSUPP;
    if (!is_access && type != S_IFDIR)
        return count ? -EACCES : 0;
    struct owner *owner = owner_of(&found->stat);
    if (count == 0) {
        if (owner && drop_xattr(owner, name))
            drop_if_plain(owners, owner);
        return 0;
    }
    if (!is_valid(list, count))
        return -EINVAL;
    forget_ids(list, count);
    if (is_access)
        set_access(found, list, size);
    else
        put_xattr(make_owner(owners, file_id_of(&found->stat)), name, list, size);
    return 0;
}

void put_mode_in_list(struct owner *owner, mode_t mode)
{
    struct recorded_xattr *xattr = find_xattr(owner, ACCESS_LIST);
    if (!xattr)
        return;
    struct list *list = xattr->value;
    size_t count = count_of(xattr->size);
    entry_of(list, count, USER_OBJ)->bits = mode >> 6 & 7;
    group_entry(list, count)->bits = mode >> 3 & 7;
    entry_of(list, count, OTHER)->bits = mode & 7;
}

static const struct recorded_xattr *default_of(const struct statx *folder)
{
    struct owner *owner = owner_of(folder);
    return owner ? find_xattr(owner, DEFAULT_LIST) : NULL;
}

bool hands_on_list(const struct statx *folder)
{
    return default_of(folder) != NULL;
}

mode_t inherit_list(const struct statx *folder, const struct statx *made, mode_t mode)
{
    const struct recorded_xattr *xattr = default_of(folder);
    size_t size = xattr->size, count = count_of(size);
    struct list *list = memcpy(allocate(size), xattr->value, size);
    struct owner *owner = make_owner(owners, file_id_of(made));
    if (S_ISDIR(made->stx_mode))
        put_xattr(owner, DEFAULT_LIST, list, size);
    entry_of(list, count, USER_OBJ)->bits &= mode >> 6 & 7;
    group_entry(list, count)->bits &= mode >> 3 & 7;
    entry_of(list, count, OTHER)->bits &= mode & 7;
    mode = (mode & 07000) | mode_of(list, count);
    if (count > 3)
        put_xattr(owner, ACCESS_LIST, list, size);
    free(list);
    return mode;
}

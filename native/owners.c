#include "owners.h"

#include "ocibake-sandbox.h"

#include <linux/limits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define BUCKETS 65536 /* half a megabyte; a large tree has some ten thousand records */
#define ID_MAX 4294967294ul

struct owners {
    struct owner *buckets[BUCKETS];
    size_t count;
};

struct owners *new_owners(void)
{
    return allocate(sizeof(struct owners));
}

size_t owner_count(const struct owners *owners)
{
    return owners->count;
}

struct file_id file_id_of(const struct statx *found)
{
    bool born = found->stx_mask & STATX_BTIME;
    return (struct file_id){
        .device = makedev(found->stx_dev_major, found->stx_dev_minor),
        .inode = found->stx_ino,
        .is_nameless = found->stx_nlink == 0,
        .born = born ? found->stx_btime.tv_sec * 1000000000ll + found->stx_btime.tv_nsec : 0,
    };
}

/* Fibonacci hashing (Knuth 6.4): inode numbers come in runs. */
static size_t bucket_of(struct file_id id)
{
    return (size_t)((id.inode ^ id.device) * 0x9e3779b97f4a7c15ull >> 48) % BUCKETS;
}

static bool is_same_inode(const struct owner *owner, struct file_id id)
{
    return owner->id.inode == id.inode && owner->id.device == id.device;
}

static bool is_stale(const struct owner *owner, struct file_id id)
{
    return (owner->id.is_nameless && !id.is_nameless) || (owner->id.born && id.born && owner->id.born != id.born);
}

static void free_xattr(struct recorded_xattr *xattr)
{
    free(xattr->name);
    free(xattr->value);
    free(xattr);
}

/* Where the pointer to the record of this inode is; *result is NULL where there is none. Stale ones go. */
static struct owner **slot_of(struct owners *owners, struct file_id id)
{
    struct owner **slot = &owners->buckets[bucket_of(id)];
    while (*slot && !is_same_inode(*slot, id))
        slot = &(*slot)->next;
    return slot;
}

static void drop_slot(struct owners *owners, struct owner **slot)
{
    struct owner *owner = *slot;
    *slot = owner->next;
    while (owner->xattrs) {
        struct recorded_xattr *xattr = owner->xattrs;
        owner->xattrs = xattr->next;
        free_xattr(xattr);
    }
    free(owner);
    owners->count--;
}

struct owner *find_owner(struct owners *owners, struct file_id id)
{
    struct owner **slot = slot_of(owners, id);
    if (*slot && is_stale(*slot, id))
        drop_slot(owners, slot);
    else if (*slot)
        return *slot;
    return NULL;
}

struct owner *make_owner(struct owners *owners, struct file_id id)
{
    struct owner *owner = find_owner(owners, id);
    if (owner)
        return owner;
    owner = allocate(sizeof *owner);
    owner->id = id;
    owner->id.is_nameless = false; /* of O_TMPFILE: it may get a name */
    owner->mode = MODE_OF_DISK;
    struct owner **bucket = &owners->buckets[bucket_of(id)];
    owner->next = *bucket;
    *bucket = owner;
    owners->count++;
    return owner;
}

void drop_owner(struct owners *owners, struct file_id id)
{
    struct owner **slot = slot_of(owners, id);
    if (*slot)
        drop_slot(owners, slot);
}

void lose_name(struct owners *owners, struct file_id id)
{
    struct owner **slot = slot_of(owners, id);
    if (*slot)
        (*slot)->id.is_nameless = true;
}

bool drop_if_plain(struct owners *owners, struct owner *owner)
{
    bool plain = owner->uid == 0 && owner->gid == 0 && owner->mode == MODE_OF_DISK && !owner->type && !owner->xattrs;
    if (plain)
        drop_owner(owners, owner->id);
    return plain;
}

struct owner *next_owner(struct owners *owners, struct owner *previous)
{
    if (previous && previous->next)
        return previous->next;
    for (size_t i = previous ? bucket_of(previous->id) + 1 : 0; i < BUCKETS; i++)
        if (owners->buckets[i])
            return owners->buckets[i];
    return NULL;
}

int record_owner(struct owners *owners, int fd, uid_t uid, gid_t gid)
{
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found))
        return -1;
    struct owner *owner = make_owner(owners, file_id_of(&found));
    owner->uid = uid;
    owner->gid = gid;
    drop_if_plain(owners, owner);
    return 0;
}

mode_t mode_on_disk(mode_t mode)
{
    if (S_ISDIR(mode))
        return (mode & 07777) | 0700;
    return (mode & 01777) | 0600;
}

mode_t true_mode(const struct owner *owner, mode_t on_disk)
{
    mode_t type = owner && owner->type ? owner->type : on_disk & S_IFMT;
    return type | (owner && owner->mode != MODE_OF_DISK ? owner->mode : on_disk & 07777);
}

struct recorded_xattr *find_xattr(struct owner *owner, const char *name)
{
    for (struct recorded_xattr *xattr = owner->xattrs; xattr; xattr = xattr->next)
        if (strcmp(xattr->name, name) == 0)
            return xattr;
    return NULL;
}

void put_xattr(struct owner *owner, const char *name, const void *value, size_t size)
{
    struct recorded_xattr *xattr = find_xattr(owner, name);
    void *copy = memcpy(allocate(size), value, size);
    if (!xattr) {
        xattr = allocate(sizeof *xattr);
        xattr->name = strdup(name);
        if (!xattr->name)
            fail(REFUSED, "strdup", "");
        xattr->next = owner->xattrs;
        owner->xattrs = xattr;
    }
    free(xattr->value);
    xattr->value = copy;
    xattr->size = size;
}

bool drop_xattr(struct owner *owner, const char *name)
{
    for (struct recorded_xattr **at = &owner->xattrs; *at; at = &(*at)->next) {
        struct recorded_xattr *xattr = *at;
        if (strcmp(xattr->name, name) != 0)
            continue;
        *at = xattr->next;
        free_xattr(xattr);
        return true;
    }
    return false;
}

/* The next field as a number in this base; `dash` if it is "-". */
static unsigned long long next_word(struct request *request, int base, unsigned long long dash)
{
    char *field = next_field(request), *end;
    if (!field)
        fail_because(REFUSED, "read", "the request", "it ends within a record");
    unsigned long long number = strtoull(field, &end, base);
    if (strcmp(field, "-") == 0)
        number = dash;
    else if (*field < '0' || *field > '9' || *end)
        fail_because(REFUSED, "read", field, "not a number");
    free(field);
    return number;
}

static mode_t next_type(struct request *request)
{
    char *field = next_field(request);
    mode_t type = !field ? 0 : *field == 'c' ? S_IFCHR : *field == 'b' ? S_IFBLK : 0;
    free(field);
    return type;
}

void read_owner(struct owners *owners, struct request *request)
{
    struct file_id id = {.is_nameless = false};
    id.device = next_word(request, 10, 0);
    id.inode = next_word(request, 10, 0);
    id.born = (int64_t)next_word(request, 10, 0);
    struct owner *owner = make_owner(owners, id);
    owner->uid = (uid_t)next_number(request, ID_MAX);
    owner->gid = (gid_t)next_number(request, ID_MAX);
    owner->mode = (mode_t)next_word(request, 8, MODE_OF_DISK);
    owner->type = next_type(request);
    unsigned long major = next_number(request, 0xfffff), minor = next_number(request, 0xfffff);
    owner->rdev = makedev((unsigned)major, (unsigned)minor);
    for (unsigned long left = next_number(request, 65536); left; left--) {
        char *name = next_field(request);
        size_t size = next_number(request, XATTR_SIZE_MAX);
        char *value = next_bytes(request, size);
        put_xattr(owner, name, value, size);
        free(name);
        free(value);
    }
}

static void write_one(FILE *out, const struct owner *owner)
{
    size_t count = 0;
    for (const struct recorded_xattr *xattr = owner->xattrs; xattr; xattr = xattr->next)
        count++;
    fprintf(out, "owner%c%llu%c%llu%c%lld%c%u%c%u%c", 0, (unsigned long long)owner->id.device, 0,
            (unsigned long long)owner->id.inode, 0, (long long)owner->id.born, 0, owner->uid, 0, owner->gid, 0);
    if (owner->mode == MODE_OF_DISK)
        fputc('-', out);
    else
        fprintf(out, "%o", owner->mode);
    fprintf(out, "%c%c%c%u%c%u%c%zu%c", 0, owner->type == S_IFCHR ? 'c' : owner->type == S_IFBLK ? 'b' : '-', 0,
            major(owner->rdev), 0, minor(owner->rdev), 0, count, 0);
    for (const struct recorded_xattr *xattr = owner->xattrs; xattr; xattr = xattr->next) {
        fprintf(out, "%s%c%zu%c", xattr->name, 0, xattr->size, 0);
        fwrite(xattr->value, 1, xattr->size, out);
    }
}

void write_owners(struct owners *owners, int fd)
{
    FILE *out = fdopen(fd, "w");
    if (!out)
        fail(REFUSED, "fdopen", "(the records)");
    for (struct owner *owner = NULL; (owner = next_owner(owners, owner));)
        if (!owner->id.is_nameless)
            write_one(out, owner);
    fprintf(out, "end%c", 0);
    if (fclose(out))
        fail(REFUSED, "write", "(the records)");
}

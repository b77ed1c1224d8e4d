/*
 * What the owner table (owners.h) says to the script, and what the script may do by it.
 *
 * On the disk everything belongs to the builder, who needs more of a mode than root does: regular files and folders
 * keep u+rw(x) there, and no set-id bits, which the kernel would take away at the next write. What the script asked for
 * is in the table.
 */
#include "trace.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SET_ID (S_ISUID | S_ISGID)

struct owner *owner_of(const struct statx *found)
{
    return find_owner(owners, file_id_of(found));
}

/* A hint: what was a device once stays in it. */
#define NUMBERS 4096
static unsigned char numbers[NUMBERS];
static bool noted;

void note_device(ino_t inode, bool of_root)
{
    numbers[inode % NUMBERS] = 1;
    noted |= of_root;
}

bool is_number_of_device(ino_t inode)
{
    return numbers[inode % NUMBERS];
}

bool root_has_devices(void)
{
    return noted;
}

static mode_t true_mode_of(const struct statx *found)
{
    return true_mode(owner_of(found), found->stx_mode);
}

/* What has never had a name (a pipe) belongs to whoever made it, which is near enough to whoever looks. */
static bool is_anonymous(const struct statx *found)
{
    bool is_file = S_ISREG(found->stx_mode) && found->stx_nlink == 0;
    return (is_file || S_ISFIFO(found->stx_mode) || S_ISSOCK(found->stx_mode)) && found->stx_dev_major == 0 &&
           !is_on_disk(found);
}

void apply_owner(struct task *task, struct statx *found)
{
    const struct owner *owner = owner_of(found);
    if (owner) {
        found->stx_uid = owner->uid;
        found->stx_gid = owner->gid;
        found->stx_mode = (uint16_t)true_mode(owner, found->stx_mode);
        if (owner->type) {
            found->stx_rdev_major = major(owner->rdev);
            found->stx_rdev_minor = minor(owner->rdev);
        }
    } else if (is_anonymous(found)) {
        found->stx_uid = task->ids.uid[FILE_SYSTEM];
        found->stx_gid = task->ids.gid[FILE_SYSTEM];
    } else {
        found->stx_uid = found->stx_gid = 0;
    }
}

void record(const struct found *found, uid_t uid, gid_t gid, mode_t mode)
{
    mode_t type = found->stat.stx_mode & S_IFMT, now = found->stat.stx_mode & 07777;
    mode_t wanted = type == S_IFLNK ? now : mode_on_disk(type | mode);
    struct statx after;
    if (wanted != now && is_on_disk(&found->stat) && chmod(found->host, wanted) == 0)
        now = wanted;
    /* The kernel says yes, and drops it, where the builder is not of the folder's group. */
    if (now & S_ISGID && look_at(found->host, true, &after) == 0)
        now = after.stx_mode & 07777;
    struct owner *owner = make_owner(owners, file_id_of(&found->stat));
    owner->uid = uid;
    owner->gid = gid;
    owner->mode = type == S_IFLNK || now == mode ? MODE_OF_DISK : mode;
    put_mode_in_list(owner, mode);
    drop_if_plain(owners, owner);
}

void forget_owner(const struct statx *found)
{
    drop_owner(owners, file_id_of(found));
}

bool is_root(const struct task *task)
{
    return task->ids.uid[FILE_SYSTEM] == 0;
}

bool is_member(const struct task *task, gid_t gid)
{
    for (size_t i = 0; i < task->ids.group_count; i++)
        if (task->ids.groups[i] == gid)
            return true;
    return task->ids.gid[FILE_SYSTEM] == gid;
}

bool owns(struct task *task, const struct statx *found)
{
    const struct owner *owner = owner_of(found);
    if (!owner && is_anonymous(found))
        return true;
    return is_root(task) || task->ids.uid[FILE_SYSTEM] == (owner ? owner->uid : 0);
}

long may(struct task *task, const struct statx *found, int what, bool by_real_id)
{
    const struct owner *owner = owner_of(found);
    uid_t uid = task->ids.uid[by_real_id ? REAL : FILE_SYSTEM];
    gid_t gid = owner ? owner->gid : 0;
    mode_t mode = true_mode_of(found);
    if (is_anonymous(found))
        return 0;
    if (uid == 0) /* root needs one x to execute, and none for anything else: capabilities(7), CAP_DAC_OVERRIDE */
        return what & MAY_SEARCH && !S_ISDIR(mode) && !(mode & 0111) ? -EACCES : 0;
    bool in_group = is_member(task, gid) || (by_real_id && task->ids.gid[REAL] == gid);
    int bits = uid == (owner ? owner->uid : 0) ? mode >> 6 : in_group ? mode >> 3 : mode;
    return (bits & what) == what ? 0 : -EACCES;
}

long may_change(struct task *task, const struct found *parent, const struct found *child)
{
    if (is_root(task))
        return 0;
    if (may(task, &parent->stat, MAY_WRITE | MAY_SEARCH, false))
        return -EACCES;
    if (!child || !(true_mode_of(&parent->stat) & S_ISVTX) || owns(task, &parent->stat) || owns(task, &child->stat))
        return 0;
    return -EPERM;
}

bool lacks_access(const struct statx *found)
{
    mode_t needed = S_ISDIR(found->stx_mode) ? 0700 : 0600;
    return (found->stx_mode & needed) != needed;
}

/* A builder who is root could do it to this machine's /proc and /sys. */
static bool put_mode_on_disk(const char *host, const struct statx *found, mode_t mode)
{
    if (!is_on_disk(found) || chmod(host, mode))
        return false;
    struct owner *owner = make_owner(owners, file_id_of(found));
    if (owner->mode == MODE_OF_DISK)
        owner->mode = found->stx_mode & 07777;
    return true;
}

bool make_accessible(const char *host)
{
    struct statx found;
    if (look_at(host, true, &found) || found.stx_uid != geteuid() || !lacks_access(&found))
        return false;
    return put_mode_on_disk(host, &found, mode_on_disk(found.stx_mode));
}

void make_executable(const char *host, const struct statx *found)
{
    mode_t mode = found->stx_mode & 07777;
    if (found->stx_uid == geteuid() && (mode & 0500) != 0500)
        put_mode_on_disk(host, found, (mode & 01777) | 0700);
}

void about_to_write(struct task *task, struct found *found)
{
    struct owner *owner = owner_of(&found->stat);
    mode_t mode = true_mode(owner, found->stat.stx_mode) & 07777;
    if (!S_ISREG(found->stat.stx_mode) || (owner && owner->type))
        return;
    if (owner)
        drop_xattr(owner, "security.capability");
    /* Only root keeps the bits of what it writes to (CAP_FSETID): the builder does not. */
    if (!(mode & SET_ID) && (found->stat.stx_mode & 0600) == 0600)
        return;
    if (!is_root(task))
        mode &= (mode_t) ~(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
    record(found, owner ? owner->uid : 0, owner ? owner->gid : 0, mode);
}

long may_touch(const struct found *found)
{
    enum area area = area_of(found->guest);
    if (cover_of(&found->stat))
        return -EROFS;
    if (found->is_link_of_kernel)
        return 0;
    return area == OF_PROC || area == OF_SYS ? -EROFS : 0;
}

long may_remove(const struct found *found)
{
    static const char *const kept[] = {"", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(found->guest, kept[i]) == 0)
            return -EBUSY;
    if (strcmp(found->guest, "/tmp") == 0 && area_of("/tmp") == OF_TMP)
        return -EBUSY;
    if (cover_of(&found->stat))
        return -EBUSY;
    enum area area = area_of(found->guest);
    return area == OF_PROC ? -EPERM : area == OF_SYS ? -EROFS : 0;
}

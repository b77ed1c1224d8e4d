#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the kernel shows for an owner that this namespace does not know: of /proc and /dev, the host's root. */
#define UNKNOWN_ID 65534

int look_at(int fd, struct file *file)
{
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &found))
        return -errno;
    file->id = file_id_of(&found);
    file->owner = find_owner(recorder.owners, file->id);
    file->disk_mode = found.stx_mode;
    file->mode = true_mode(file->owner, found.stx_mode);
    file->uid = file->owner ? file->owner->uid : found.stx_uid == UNKNOWN_ID ? 0 : found.stx_uid;
    file->gid = file->owner ? file->owner->gid : found.stx_gid == UNKNOWN_ID ? 0 : found.stx_gid;
    file->links = found.stx_nlink;
    file->of_root = file->id.device == recorder.root_device;
    return 0;
}

int look_at_for(struct call *call, int fd, struct file *file)
{
    int error = look_at(fd, file);
    bool without_name = S_ISFIFO(file->mode) || S_ISSOCK(file->mode) || (S_ISREG(file->mode) && file->links == 0);
    if (error || file->owner || file->of_root || all_are_root() || major(file->id.device) != 0 || !without_name)
        return error;
    file->uid = caller_of(call)->user.fs;
    file->gid = call->who->group.fs;
    return 0;
}

struct owner *record_of(struct file *file)
{
    if (!file->owner) {
        file->owner = make_owner(recorder.owners, file->id);
        file->owner->uid = file->uid;
        file->owner->gid = file->gid;
    }
    return file->owner;
}

bool may(const struct identity *who, const struct file *file, int wanted)
{
    if (who->user.fs == 0)
        return !(wanted & 1) || S_ISDIR(file->mode) || (file->mode & 0111);
    /* A process is its own user's, whom the kernel takes for root: it decides. */
    if (file->id.device == recorder.proc_device)
        return true;
    int shift = who->user.fs == file->uid ? 6 : is_in_group(who, file->gid) ? 3 : 0;
    return ((int)(file->mode >> shift) & wanted) == wanted;
}

bool may_at(const struct identity *who, int fd, int wanted)
{
    struct file file;
    return look_at(fd, &file) == 0 && may(who, &file, wanted);
}

int may_change(struct call *call, int folder, const struct file *parent)
{
    struct file file;
    if (all_are_root() || caller_of(call)->user.fs == 0)
        return 0;
    if (!parent) {
        int error = look_at(folder, &file);
        if (error)
            return error;
        parent = &file;
    }
    return may(call->who, parent, 2 | 1) ? 0 : -EACCES;
}

bool may_remove(const struct identity *who, const struct file *parent, const struct file *file)
{
    uid_t uid = who->user.fs;
    return uid == 0 || !(parent->mode & S_ISVTX) || uid == file->uid || uid == parent->uid;
}

/*
 * New files: whose they are. For root in an ordinary folder the kernel does it; for another user, and in a folder
 * that hands its group on (setgid), we make the file ourselves and put down whose it is.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Where a file is to be made, and by whom. */
struct birth {
    int folder;
    struct last_name name;
    struct file parent;
    uid_t uid;
    gid_t gid;
};

/* False: it is the kernel's (or its error is). */
static bool begin(struct call *call, struct birth *birth, int folder, __u64 path, bool follow)
{
    birth->folder = open_parent(call, folder, path, follow, &birth->name);
    if (birth->folder == -EACCES)
        call->error = -EACCES;
    else
        call->native = true;
    if (birth->folder < 0)
        return false;
    if (*birth->name.text && look_at(birth->folder, &birth->parent) == 0) {
        const struct identity *who = caller_of(call);
        birth->uid = who->user.fs;
        birth->gid = birth->parent.mode & S_ISGID ? birth->parent.gid : who->group.fs;
        return true;
    }
    close(birth->folder);
    return false;
}

static bool exists(const struct birth *birth)
{
    struct stat found;
    return fstatat(birth->folder, birth->name.text, &found, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Nothing to put down. */
static bool is_plain(const struct birth *birth)
{
    return birth->uid == 0 && birth->gid == 0 && !hands_on_acl(&birth->parent);
}

/* Ours to make, if the caller may. Else call->error, or call->native. With a slash after it, only a folder is made. */
static bool is_ours(struct call *call, const struct birth *birth, bool folder)
{
    if (is_plain(birth) || exists(birth) || (birth->name.has_slash && !folder))
        return false;
    int refused = may_change(call, birth->folder, &birth->parent);
    call->native = false;
    call->error = refused;
    return !refused;
}

static mode_t umask_of(const struct call *call)
{
    char path[32], status[4096];
    snprintf(path, sizeof path, "%d/status", call->pid);
    int fd = openat(recorder.proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, status, sizeof status - 1);
    if (fd >= 0)
        close(fd);
    status[size < 0 ? 0 : size] = 0;
    const char *line = strstr(status, "\nUmask:");
    return line ? (mode_t)strtoul(line + 7, NULL, 8) : 022;
}

/* The permission bits of a new file: a list that the folder hands on takes the place of the umask, acl(5). */
static mode_t bits_of(const struct call *call, const struct birth *birth, mode_t mode)
{
    return hands_on_acl(&birth->parent) ? mode & 07777 : mode & 07777 & ~umask_of(call);
}

/* `type` is that of a device. */
static void put_down(int fd, const struct birth *birth, mode_t bits, mode_t type, dev_t device)
{
    struct file file;
    if (look_at(fd, &file))
        return;
    drop_owner(recorder.owners, file.id);
    struct owner *owner = make_owner(recorder.owners, file.id);
    owner->uid = birth->uid;
    owner->gid = birth->gid;
    owner->type = type;
    owner->rdev = device;
    if (!S_ISLNK(file.disk_mode)) {
        if (hands_on_acl(&birth->parent))
            bits = inherit_acl(&birth->parent, owner, bits, S_ISDIR(file.disk_mode));
        if (S_ISDIR(file.disk_mode))
            bits |= birth->parent.mode & S_ISGID;
        owner->mode = bits == (file.disk_mode & 07777) ? MODE_OF_DISK : bits;
    }
    drop_if_plain(recorder.owners, owner);
}

static void put_down_name(const struct birth *birth, mode_t bits, mode_t type, dev_t device)
{
    int fd = openat(birth->folder, birth->name.text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    put_down(fd, birth, bits, type, device);
    close(fd);
}

/* --- open(2) ------------------------------------------------------------------------------------------------------ */

/* Answers with a descriptor. */
static void send_descriptor(struct call *call, int fd, int flags)
{
    struct seccomp_notif_addfd answer = {.id = call->notif->id,
                                         .flags = SECCOMP_ADDFD_FLAG_SEND,
                                         .srcfd = (unsigned)fd,
                                         .newfd_flags = flags & O_CLOEXEC ? O_CLOEXEC : 0};
    if (ioctl(recorder.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer) >= 0)
        call->sent = true;
    else
        call->error = -errno;
}

static void create(struct call *call, const struct birth *birth, int flags, mode_t mode)
{
    mode_t bits = bits_of(call, birth, mode);
    /* O_EXCL: whoever made it meanwhile made it, and the kernel opens it. */
    int fd = openat(birth->folder, birth->name.text, flags | O_EXCL | O_NOFOLLOW | O_CLOEXEC, bits & 01777);
    if (fd < 0) {
        call->error = errno == EEXIST ? 0 : -errno;
        call->native = !call->error;
        return;
    }
    put_down(fd, birth, bits, 0, 0);
    send_descriptor(call, fd, flags);
    close(fd);
}

static void create_nameless(struct call *call, int folder, __u64 path, int flags, mode_t mode)
{
    struct birth birth = {.folder = open_target(call, folder, path, 0)};
    call->native = true;
    if (birth.folder < 0)
        return;
    if (look_at(birth.folder, &birth.parent) == 0) {
        birth.uid = caller_of(call)->user.fs;
        birth.gid = birth.parent.mode & S_ISGID ? birth.parent.gid : call->who->group.fs;
        mode_t bits = bits_of(call, &birth, mode);
        int fd = is_plain(&birth) ? -1 : openat(birth.folder, ".", flags | O_CLOEXEC, bits & 01777);
        if (fd >= 0) {
            call->native = false;
            put_down(fd, &birth, bits, 0, 0);
            send_descriptor(call, fd, flags);
            close(fd);
        }
    }
    close(birth.folder);
}

/* What the kernel would let through: negative errno, or 0. */
static int may_open(struct call *call, const struct file *file, int flags)
{
    static const int wanted[] = {4, 2, 4 | 2, 0};
    if (flags & O_PATH)
        return 0;
    /* A device of the root cannot be opened in any sandbox (nodev), and what stands for it must not be. */
    if (file->owner && file->owner->type)
        return -EACCES;
    if (all_are_root() || S_ISLNK(file->mode))
        return 0;
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_CREAT);
    if (S_ISDIR(file->mode) && writes)
        return 0; /* the kernel refuses it to all */
    return may(caller_of(call), file, wanted[flags & O_ACCMODE] | (flags & O_TRUNC ? 2 : 0)) ? 0 : -EACCES;
}

/* Writing takes a file's capabilities away, and set-id bits unless root does it; we see that it is opened for it. */
static void about_to_write(struct call *call, struct file *file)
{
    struct owner *owner = file->owner;
    if (!owner || !S_ISREG(file->mode))
        return;
    mode_t gone = S_ISUID | (file->mode & S_IXGRP ? S_ISGID : 0);
    if (caller_of(call)->user.fs != 0 && owner->mode != MODE_OF_DISK && owner->mode & gone) {
        owner->mode &= ~gone;
        if (owner->mode == (file->disk_mode & 07777))
            owner->mode = MODE_OF_DISK;
    }
    drop_xattr(owner, "security.capability");
    drop_if_plain(recorder.owners, owner);
}

static void open_existing(struct call *call, int folder, __u64 path, int flags)
{
    struct file file;
    int fd = open_target(call, folder, path, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
    call->error = fd == -EACCES ? fd : 0;
    if (fd >= 0) {
        if (look_at_for(call, fd, &file) == 0) {
            call->error = may_open(call, &file, flags);
            if (!call->error && ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
                about_to_write(call, &file);
        }
        close(fd);
    }
    call->native = !call->error;
}

static void open_at(struct call *call, int folder, __u64 path, int flags, mode_t mode)
{
    struct birth birth;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        create_nameless(call, folder, path, flags, mode);
        return;
    }
    if (!(flags & O_CREAT) || !begin(call, &birth, folder, path, !(flags & (O_EXCL | O_NOFOLLOW)))) {
        if (!call->error)
            open_existing(call, folder, path, flags);
        return;
    }
    if (is_ours(call, &birth, false))
        create(call, &birth, flags, mode);
    else if (call->native && exists(&birth))
        open_existing(call, folder, path, flags);
    close(birth.folder);
}

void serve_open(struct call *call)
{
    open_at(call, AT_FDCWD, call->args[0], (int)call->args[1], (mode_t)call->args[2]);
}

void serve_openat(struct call *call)
{
    open_at(call, (int)call->args[0], call->args[1], (int)call->args[2], (mode_t)call->args[3]);
}

void serve_creat(struct call *call)
{
    open_at(call, AT_FDCWD, call->args[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)call->args[1]);
}

/* By name: an open file is checked when it is opened. */
void serve_truncate(struct call *call)
{
    struct file file;
    int fd = open_target(call, AT_FDCWD, call->args[0], 0);
    if (fd >= 0 && look_at(fd, &file) == 0 && (int64_t)call->args[1] >= 0) {
        if (file.owner && file.owner->type)
            call->error = -EINVAL;
        else if (S_ISREG(file.mode) && !may(caller_of(call), &file, 2))
            call->error = -EACCES;
        else
            about_to_write(call, &file);
    }
    if (fd == -EACCES)
        call->error = fd;
    call->native = !call->error;
    if (fd >= 0)
        close(fd);
}

/* --- mkdir(2), symlink(2), mknod(2), link(2) ----------------------------------------------------------------------- */

static void make_folder(struct call *call, int folder, __u64 path, mode_t mode)
{
    struct birth birth;
    if (!begin(call, &birth, folder, path, false))
        return;
    if (is_ours(call, &birth, true)) {
        mode_t bits = bits_of(call, &birth, mode & 01777);
        if (mkdirat(birth.folder, birth.name.text, bits))
            call->error = -errno;
        else
            put_down_name(&birth, bits, 0, 0);
    }
    close(birth.folder);
}

void serve_mkdir(struct call *call)
{
    make_folder(call, AT_FDCWD, call->args[0], (mode_t)call->args[1]);
}

void serve_mkdirat(struct call *call)
{
    make_folder(call, (int)call->args[0], call->args[1], (mode_t)call->args[2]);
}

static void make_symlink(struct call *call, __u64 target_address, int folder, __u64 path)
{
    struct birth birth;
    char target[PATH_MAX];
    if (!begin(call, &birth, folder, path, false))
        return;
    if (is_ours(call, &birth, false)) {
        int length = read_string(call, target_address, target, sizeof target);
        if (length < 0)
            call->error = length;
        else if (symlinkat(target, birth.folder, birth.name.text))
            call->error = -errno;
        else
            put_down_name(&birth, 0, 0, 0);
    }
    close(birth.folder);
}

void serve_symlink(struct call *call)
{
    make_symlink(call, call->args[0], AT_FDCWD, call->args[1]);
}

void serve_symlinkat(struct call *call)
{
    make_symlink(call, call->args[0], (int)call->args[1], call->args[2]);
}

static bool is_device_type(mode_t mode)
{
    return S_ISCHR(mode) || S_ISBLK(mode);
}

/* A device is an empty file with a record, whoever makes it. */
static void make_node(struct call *call, int folder, __u64 path, mode_t mode, dev_t device)
{
    struct birth birth;
    if (!begin(call, &birth, folder, path, false))
        return;
    bool is_device = is_device_type(mode);
    bool ours = is_ours(call, &birth, false);
    if (!ours && call->native && is_device && !exists(&birth) && !birth.name.has_slash) {
        call->native = false;
        ours = true;
    }
    if (ours && is_device && !is_root(call->who)) {
        call->error = -EPERM;
        ours = false;
    }
    if (ours) {
        mode_t type = is_device ? mode & S_IFMT : 0, bits = bits_of(call, &birth, mode);
        mode_t stand_in = is_device ? S_IFREG | mode_on_disk(S_IFREG | bits) : (mode & S_IFMT) | (bits & 01777);
        if (mknodat(birth.folder, birth.name.text, stand_in, 0))
            call->error = -errno;
        else
            put_down_name(&birth, bits, type, is_device ? device : 0);
    }
    close(birth.folder);
}

void serve_mknod(struct call *call)
{
    make_node(call, AT_FDCWD, call->args[0], (mode_t)call->args[1], (dev_t)(unsigned)call->args[2]);
}

void serve_mknodat(struct call *call)
{
    make_node(call, (int)call->args[0], call->args[1], (mode_t)call->args[2], (dev_t)(unsigned)call->args[3]);
}

/* What others could use to keep a file of somebody else's: proc_sys_fs(5), protected_hardlinks. */
static bool may_be_linked(const struct identity *who, const struct file *file)
{
    if (who->user.fs == file->uid)
        return true;
    bool safe = S_ISREG(file->mode) && !(file->mode & S_ISUID) &&
                (file->mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP);
    return safe && may(who, file, 4 | 2);
}

static int may_link(struct call *call, int folder, __u64 path, int flags, const struct birth *birth)
{
    struct file file;
    int fd = open_target(call, folder, path, flags);
    if (fd < 0)
        return fd == -EACCES ? fd : 0; /* the kernel finds out the same */
    int error = look_at(fd, &file);
    close(fd);
    if (error || exists(birth) || birth->name.has_slash || file.id.device != birth->parent.id.device || S_ISDIR(file.mode))
        return error;
    return may_be_linked(call->who, &file) ? may_change(call, birth->folder, &birth->parent) : -EPERM;
}

/* A second name changes nothing but the folder: all that is ours is whether the caller may. */
static void link_at(struct call *call, int from, __u64 old, int folder, __u64 path, int flags)
{
    struct birth birth;
    if (all_are_root() || caller_of(call)->user.fs == 0) {
        call->native = true;
        return;
    }
    if (!begin(call, &birth, folder, path, false))
        return;
    int follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    call->error = may_link(call, from, old, follow | (flags & AT_EMPTY_PATH), &birth);
    call->native = !call->error;
    close(birth.folder);
}

void serve_link(struct call *call)
{
    link_at(call, AT_FDCWD, call->args[0], AT_FDCWD, call->args[1], 0);
}

void serve_linkat(struct call *call)
{
    link_at(call, (int)call->args[0], call->args[1], (int)call->args[2], call->args[3], (int)call->args[4]);
}

/* --- bind(2) ------------------------------------------------------------------------------------------------------- */

/* The caller's own socket; negative where a profile forbids pidfd_getfd(2). */
static int open_socket(const struct call *call, int fd)
{
    const unsigned of_thread = O_EXCL; /* PIDFD_THREAD, Linux 6.9 */
    int process = (int)syscall(SYS_pidfd_open, call->pid, of_thread);
    if (process < 0)
        process = (int)syscall(SYS_pidfd_open, call->pid, 0);
    int socket = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
    if (process >= 0)
        close(process);
    return socket;
}

/* Binds the socket for the caller, where it is, so that its address is what it said. */
static bool bind_there(struct call *call, const struct sockaddr_un *address, socklen_t size, mode_t mask)
{
    int socket = open_socket(call, (int)call->args[0]);
    int folder = socket < 0 || recorder.chrooted ? -1 : open_descriptor(call, AT_FDCWD);
    if (folder >= 0 && fchdir(folder) == 0) {
        umask(mask);
        call->error = bind(socket, (const struct sockaddr *)address, size) ? -errno : 0;
        umask(0);
        call->native = chdir("/") != 0;
    }
    if (folder >= 0)
        close(folder);
    if (socket >= 0)
        close(socket);
    return folder >= 0 && !call->error;
}

void serve_bind(struct call *call)
{
    struct birth birth;
    struct sockaddr_un address;
    const size_t at = offsetof(struct sockaddr_un, sun_path), size = (unsigned)call->args[2];
    call->native = true;
    if (size <= at || size > sizeof address || read_memory(call, call->args[1], &address, size))
        return;
    if (address.sun_family != AF_UNIX || !address.sun_path[0] || !memchr(address.sun_path, 0, size - at))
        return;
    call->native = false;
    if (!begin(call, &birth, AT_FDCWD, call->args[1] + at, false))
        return;
    if (is_ours(call, &birth, false)) {
        mode_t mask = umask_of(call);
        call->native = true;
        if (bind_there(call, &address, (socklen_t)size, mask))
            put_down_name(&birth, 0777 & ~mask, 0, 0);
    }
    close(birth.folder);
}

/* What a process becomes and may: execve(2) of set-id programs, access(2), chroot(2). */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Set-id bits of a script mean nothing, execve(2), and what is no program at all must not leave a shell with them. */
static bool is_program(int fd)
{
    char start[SELFMAG];
    int opened = open(path_of(fd), O_RDONLY | O_CLOEXEC);
    ssize_t size = opened < 0 ? -1 : read(opened, start, sizeof start);
    if (opened >= 0)
        close(opened);
    return size == sizeof start && memcmp(start, ELFMAG, sizeof start) == 0;
}

/* The saved ids become the effective ones, and set-id bits give others. */
static void become_program(struct call *call, int fd, const struct file *file)
{
    struct identity next = *caller_of(call);
    bool set_user = file->mode & S_ISUID, set_group = (file->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    if ((set_user || set_group) && (next.gains_nothing || !is_program(fd)))
        set_user = set_group = false;
    if (set_user)
        next.user.effective = file->uid;
    if (set_group)
        next.group.effective = file->gid;
    next.user.saved = next.user.fs = next.user.effective;
    next.group.saved = next.group.fs = next.group.effective;
    execute_as(&next.has, next.user.real, next.user.effective);
    call->error = become(call, &next);
    call->native = !call->error;
}

/* If the kernel refuses the program after all (no memory, no format), the caller keeps what it was given. */
static void exec_at(struct call *call, int folder, __u64 path, int flags)
{
    struct file file;
    call->native = true;
    int fd = open_target(call, folder, path, flags);
    if (fd == -EACCES) {
        call->native = false;
        call->error = -EACCES;
    }
    if (fd < 0)
        return;
    if (look_at(fd, &file) == 0 && S_ISREG(file.mode) && (file.mode & 0111)) {
        if (!may(caller_of(call), &file, 1)) {
            call->native = false;
            call->error = -EACCES;
        } else if ((file.mode & (S_ISUID | S_ISGID)) || !all_are_root())
            become_program(call, fd, &file);
    }
    close(fd);
}

void serve_execve(struct call *call)
{
    exec_at(call, AT_FDCWD, call->args[0], 0);
}

void serve_execveat(struct call *call)
{
    exec_at(call, (int)call->args[0], call->args[1], (int)call->args[4]);
}

static void access_at(struct call *call, int folder, __u64 path, int wanted, int flags)
{
    struct file file;
    call->native = true;
    if (all_are_root())
        return;
    struct identity who = *caller_of(call);
    if (!(flags & AT_EACCESS)) {
        who.user.fs = who.user.real;
        who.group.fs = who.group.real;
    }
    if (who.user.fs == 0)
        return;
    call->who = &who;
    int fd = open_target(call, folder, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    if (fd == -EACCES || (fd >= 0 && look_at(fd, &file) == 0 && !may(&who, &file, wanted & 7))) {
        call->native = false;
        call->error = -EACCES;
    }
    if (fd >= 0)
        close(fd);
    call->who = NULL;
}

void serve_access(struct call *call)
{
    access_at(call, AT_FDCWD, call->args[0], (int)call->args[1], 0);
}

void serve_faccessat(struct call *call)
{
    access_at(call, (int)call->args[0], call->args[1], (int)call->args[2], 0);
}

void serve_faccessat2(struct call *call)
{
    access_at(call, (int)call->args[0], call->args[1], (int)call->args[2], (int)call->args[3]);
}

/* What the kernel would let through, but for what only root may; negative errno, or 0. */
static int may_enter(struct call *call, __u64 path)
{
    struct file file;
    int fd = open_target(call, AT_FDCWD, path, 0);
    int error = fd < 0 ? fd : look_at(fd, &file);
    if (!error && !S_ISDIR(file.mode))
        error = -ENOTDIR;
    if (!error && !may(caller_of(call), &file, 1))
        error = -EACCES;
    if (fd >= 0)
        close(fd);
    return error;
}

/* From now on a path may start elsewhere. */
void serve_chroot(struct call *call)
{
    call->native = is_root(caller_of(call));
    if (call->native)
        recorder.chrooted = true;
    else {
        call->error = may_enter(call, call->args[0]);
        if (!call->error)
            call->error = -EPERM;
    }
}

void serve_chdir(struct call *call)
{
    call->error = all_are_root() || caller_of(call)->user.fs == 0 ? 0 : may_enter(call, call->args[0]);
    call->native = !call->error;
}

/*
 * Who may set the times of a file: utimensat(2), utimes(2), utime(2). The kernel takes every user of the script for
 * the builder, who may always, and so sets them after a look at who may not.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* `touch FILE` needs to be allowed to write; another time than now, or one of both alone, is for the owner to set. */
enum intent { TO_TOUCH, TO_SET, TO_FAIL };

static void check(struct call *call, int fd, enum intent intent)
{
    struct file file;
    if (intent == TO_FAIL || look_at_for(call, fd, &file) || call->who->user.fs == file.uid)
        return;
    if (intent == TO_SET)
        call->error = -EPERM;
    else if (!may(call->who, &file, 2))
        call->error = -EACCES;
}

/* Without a path: of the descriptor. What else is wrong with a call is the kernel's to say. */
static void check_call(struct call *call, int folder, __u64 path, int flags, enum intent intent)
{
    int fd = path                          ? open_target(call, folder, path, flags)
             : is_path_only(call, folder) ? -EBADF
                                          : open_descriptor(call, folder);
    if (fd == -EACCES)
        call->error = fd;
    if (fd >= 0) {
        check(call, fd, intent);
        close(fd);
    }
    call->native = !call->error;
}

static bool omits(const struct timespec *time)
{
    return time->tv_nsec == UTIME_OMIT;
}

static bool is_now(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW;
}

static bool is_valid(const struct timespec *time)
{
    return omits(time) || is_now(time) || (unsigned long)time->tv_nsec < 1000000000;
}

static enum intent intent_of(const struct timespec times[2])
{
    if (!is_valid(&times[0]) || !is_valid(&times[1]))
        return TO_FAIL;
    return is_now(&times[0]) && is_now(&times[1]) ? TO_TOUCH : TO_SET;
}

static bool may_all(struct call *call)
{
    call->native = all_are_root() || caller_of(call)->user.fs == 0;
    return call->native;
}

void serve_utimensat(struct call *call)
{
    struct timespec times[2];
    const int folder = (int)call->args[0], flags = (int)call->args[3];
    const __u64 path = call->args[1], from = call->args[2];
    if (may_all(call))
        return;
    call->native = true;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) || (!path && (flags || folder == AT_FDCWD)))
        return;
    if (from && (read_memory(call, from, times, sizeof times) || (omits(&times[0]) && omits(&times[1]))))
        return;
    check_call(call, folder, path, flags, from ? intent_of(times) : TO_TOUCH);
}

#ifdef SYS_utime
static void serve_older(struct call *call, int folder, __u64 path, __u64 times)
{
    if (!may_all(call))
        check_call(call, folder, path, 0, times ? TO_SET : TO_TOUCH);
}

void serve_utime(struct call *call)
{
    serve_older(call, AT_FDCWD, call->args[0], call->args[1]);
}

void serve_utimes(struct call *call)
{
    serve_older(call, AT_FDCWD, call->args[0], call->args[1]);
}

void serve_futimesat(struct call *call)
{
    serve_older(call, (int)call->args[0], call->args[1], call->args[2]);
}
#endif

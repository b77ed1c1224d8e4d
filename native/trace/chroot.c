/*
 * chroot(2). The filter of a container (Docker's, for who has no CAP_SYS_CHROOT) may refuse it with an error, which goes
 * before our stop. So the first process tries it; where it does not reach us, the programs that are for it are stopped
 * at every call. To all others it is refused there.
 */
#include "trace.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

static bool reaches_us;

static long change_root(struct task *task, unsigned long path)
{
    struct found found;
    long failed = walk_to_folder(task, path, &found);
    if (!failed && !(task->ids.has.effective & CAPABILITY(CAP_SYS_CHROOT)))
        return -EPERM;
    if (!failed)
        strcpy(task->surroundings->root, found.guest);
    return failed;
}

long on_chroot(struct task *task, const unsigned long *a)
{
    reaches_us = true;
    return change_root(task, a[0]);
}

bool calls_chroot(const struct program *program)
{
    const char *slash = strrchr(program->guest, '/'), *name = slash ? slash + 1 : program->guest;
    return !reaches_us && (strcmp(name, "chroot") == 0 || strcmp(name, "busybox") == 0);
}

static long answer(struct task *task, long result)
{
    (void)result;
    return (long)task->exit_data[0];
}

bool serve_chroot(struct task *task)
{
    if (!get_registers(task->tid, &task->now) || call_number(&task->now) != SYS_chroot)
        return false;
    const unsigned long path = call_argument(&task->now, 0);
    task->before = task->now;
    task->exit_data[0] = (unsigned long)change_root(task, path);
    task->at_exit = answer;
    /* No call at all would have the filter's answer: one that no filter refuses has ours. */
    set_call(&task->now, SYS_getpid);
    return task->is_rewritten = set_registers(task->tid, &task->now);
}

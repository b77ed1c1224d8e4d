/* Signals reach the script's own processes and no other: without a pid namespace, `kill -1` would end the caller. */
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void send(pid_t pid, int number)
{
    kill(pid, number);
}

/* Only root, and the same user, credentials(7). */
static long may_signal(const struct task *task, pid_t pid)
{
    const struct task *other = task_of(pid);
    if (!other)
        return -ESRCH;
    const uid_t *me = task->ids.uid, *it = other->ids.uid;
    bool same = me[EFFECTIVE] == it[REAL] || me[EFFECTIVE] == it[SAVED] || me[REAL] == it[REAL] || me[REAL] == it[SAVED];
    return me[EFFECTIVE] == 0 || same ? 0 : -EPERM;
}

long on_kill(struct task *task, const unsigned long *a)
{
    pid_t pid = (pid_t)a[0];
    int number = (int)a[1];
    if (number < 0 || number >= NSIG)
        return -EINVAL;
    if (pid == -1) {
        each_process(task->tgid, send, number);
        return 0;
    }
    if (pid < 0)
        return !has_group(-pid) ? -ESRCH : PASS;
    if (pid == 0)
        return PASS; /* the script's session is its own, so its groups are */
    long failed = may_signal(task, pid);
    return failed ? failed : PASS;
}

static long to_one(const struct task *task, pid_t pid)
{
    long failed = may_signal(task, pid);
    return failed ? failed : PASS;
}

long on_tkill(struct task *task, const unsigned long *a) { return to_one(task, (pid_t)a[0]); }
long on_tgkill(struct task *task, const unsigned long *a) { return to_one(task, (pid_t)a[1]); }
long on_rt_sigqueueinfo(struct task *task, const unsigned long *a) { return to_one(task, (pid_t)a[0]); }
long on_rt_tgsigqueueinfo(struct task *task, const unsigned long *a) { return to_one(task, (pid_t)a[1]); }

long on_pidfd_open(struct task *task, const unsigned long *a)
{
    (void)task;
    return has_process((pid_t)a[0]) ? PASS : -ESRCH;
}

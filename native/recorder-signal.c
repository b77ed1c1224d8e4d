/*
 * Where the kernel lets us have no /proc of our own (in a container that hides parts of its /proc), there is no pid
 * namespace either, or the numbers in /proc would be wrong. Then a script could signal every process of the builder,
 * who is its root: here it reaches only those of its own user namespace, and here they are found to be killed.
 */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool read_namespace(const char *process, char name[64])
{
    char path[64];
    snprintf(path, sizeof path, "%s/ns/user", process);
    ssize_t length = readlinkat(recorder.proc, path, name, 63);
    name[length < 0 ? 0 : length] = 0;
    return length > 0;
}

static bool is_ours(pid_t pid)
{
    char process[32], ours[64], theirs[64];
    snprintf(process, sizeof process, "%d", pid);
    return pid != getpid() && read_namespace("self", ours) && read_namespace(process, theirs) && strcmp(ours, theirs) == 0;
}

/* Calls `use` for each process of the namespace but ourselves, until it says no. */
static bool for_each(bool (*use)(pid_t pid, void *context), void *context)
{
    int fd = openat(recorder.proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        fail(REFUSED, "open", "/proc");
    bool on = true;
    for (struct dirent *entry; on && (entry = readdir(folder));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && is_ours(pid))
            on = use(pid, context);
    }
    closedir(folder);
    return on;
}

struct shot {
    int signal;
    pid_t except;
    int count;
};

static bool shoot(pid_t pid, void *context)
{
    struct shot *shot = context;
    if (pid != shot->except && kill(pid, shot->signal) == 0)
        shot->count++;
    return true;
}

/* Again and again: who is being started while we look is found the next time. */
void kill_namespace(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (;;) {
        struct shot shot = {.signal = SIGKILL};
        for_each(shoot, &shot);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (shot.count == 0)
            return;
        nanosleep(&pause, NULL);
    }
}

struct group {
    pid_t number;
    bool found;
};

static bool is_member(pid_t pid, void *context)
{
    struct group *group = context;
    group->found = getpgid(pid) == group->number;
    return !group->found;
}

/* A session is never shared with a process outside, and so is no group. */
static bool is_our_group(pid_t number)
{
    struct group group = {.number = number};
    for_each(is_member, &group);
    return group.found;
}

/* Root, and the same user, credentials(7). Who is not there is for the kernel to say. */
static bool may_signal(struct call *call, pid_t pid)
{
    const struct ids *me = &caller_of(call)->user;
    if (me->effective == 0 || (kill(pid, 0) && errno == ESRCH))
        return true;
    const struct ids *it = &identity_of(pid)->user;
    return me->effective == it->real || me->effective == it->saved || me->real == it->real || me->real == it->saved;
}

void serve_kill(struct call *call)
{
    pid_t pid = (pid_t)call->args[0];
    int number = (int)call->args[1];
    if (pid > 0 && !all_are_root() && !may_signal(call, pid))
        call->error = -EPERM;
    else if (!recorder.shares_pids)
        call->native = true;
    else if (pid == -1) {
        struct shot shot = {.signal = number, .except = call->pid};
        for_each(shoot, &shot);
        call->error = shot.count ? 0 : -ESRCH;
    } else if (pid == 0 || (pid > 0 ? is_ours(pid) : is_our_group(-pid)))
        call->native = true;
    else
        call->error = -ESRCH;
}

/* tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open: the first argument is one process or thread. */
void serve_signal(struct call *call)
{
    call->native = is_ours((pid_t)call->args[0]);
    if (!call->native)
        call->error = -ESRCH;
}

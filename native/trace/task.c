/* The processes of the script: who they think they are, and what they share. */
#include "trace.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS 1024

static struct task *buckets[BUCKETS];

struct task *task_of(pid_t tid)
{
    struct task *task = buckets[(unsigned)tid % BUCKETS];
    while (task && task->tid != tid)
        task = task->next;
    return task;
}

static struct task *add_task(pid_t tid)
{
    struct task *task = allocate(sizeof *task);
    struct task **bucket = &buckets[(unsigned)tid % BUCKETS];
    task->tid = task->tgid = tid;
    task->slot = task->lent = -1;
    task->next = *bucket;
    return *bucket = task;
}

struct task *early_task(pid_t tid)
{
    struct task *task = add_task(tid);
    task->is_waiting = true;
    return task;
}

void note_death(struct task *task)
{
    if (task->is_known)
        forget_task(task);
    else
        task->is_dead = true; /* its parent will tell of it */
}

bool take_slot(struct task *task)
{
    struct space *space = task->space;
    for (int slot = 0; slot < SCRATCH_SLOTS && task->slot < 0; slot++) {
        if (space->taken[slot / 8] & 1 << slot % 8)
            continue;
        space->taken[slot / 8] |= (unsigned char)(1 << slot % 8);
        task->slot = slot;
    }
    return task->slot >= 0;
}

void give_back(struct task *task)
{
    if (task->slot >= 0)
        task->space->taken[task->slot / 8] &= (unsigned char)~(1 << task->slot % 8);
    if (task->lent >= 0)
        close(task->lent);
    task->slot = task->lent = -1;
}

static void leave_space(struct task *task)
{
    give_back(task);
    if (--task->space->users == 0)
        free(task->space);
    task->space = NULL;
}

static void join_space(struct task *task, struct space *space)
{
    space->users++;
    task->space = space;
}

void enter_new_space(struct task *task)
{
    if (task->space)
        leave_space(task);
    join_space(task, allocate(sizeof(struct space)));
}

void leave_surroundings(struct task *task)
{
    struct surroundings *own = allocate(sizeof *own);
    *own = *task->surroundings;
    own->users = 1;
    if (--task->surroundings->users == 0)
        free(task->surroundings);
    task->surroundings = own;
}

struct task *first_task(pid_t tid)
{
    struct task *task = add_task(tid);
    task->is_known = true;
    task->ids.dumpable = true;
    task->ids.has = ALL_CAPABILITIES;
    task->surroundings = allocate(sizeof *task->surroundings);
    task->surroundings->users = 1;
    task->surroundings->umask = 022;
    enter_new_space(task);
    return task;
}

static void copy_ids(struct ids *to, const struct ids *from)
{
    *to = *from;
    size_t size = from->group_count * sizeof *from->groups;
    to->groups = memcpy(allocate(size), size ? from->groups : (void *)"", size);
}

struct task *inherit_task(struct task *parent, pid_t tid, unsigned long flags)
{
    struct task *task = task_of(tid);
    if (!task)
        task = add_task(tid);
    task->is_known = true;
    if (task->is_dead) {
        forget_task(task);
        return NULL;
    }
    task->tgid = flags & CLONE_THREAD ? parent->tgid : tid;
    task->reads_proc = parent->reads_proc;
    task->is_watched = parent->is_watched;
    copy_ids(&task->ids, &parent->ids);
    if (flags & CLONE_FS) {
        task->surroundings = parent->surroundings;
    } else {
        task->surroundings = allocate(sizeof *task->surroundings);
        *task->surroundings = *parent->surroundings;
        task->surroundings->users = 0;
    }
    task->surroundings->users++;
    if (flags & CLONE_VM) {
        join_space(task, parent->space);
    } else {
        enter_new_space(task);
        task->space->scratch = parent->space->scratch;
        task->space->room = parent->space->room;
        task->space->room_size = parent->space->room_size;
        strcpy(task->space->program, parent->space->program);
    }
    return task;
}

static void take_out(struct task *task)
{
    struct task **at = &buckets[(unsigned)task->tid % BUCKETS];
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
}

void forget_task(struct task *task)
{
    take_out(task);
    if (task->space)
        leave_space(task);
    if (task->surroundings && --task->surroundings->users == 0)
        free(task->surroundings);
    free(task->ids.groups);
    forget_program(task->loading);
    free(task);
}

void become_leader(struct task *task, pid_t former)
{
    struct task *survivor = former == task->tid ? NULL : task_of(former);
    if (!survivor)
        return;
    /* The leader is gone, and the thread that called execve(2) has its number now. */
    pid_t tid = task->tid;
    take_out(survivor);
    forget_task(task);
    survivor->tid = survivor->tgid = tid;
    struct task **bucket = &buckets[(unsigned)tid % BUCKETS];
    survivor->next = *bucket;
    *bucket = survivor;
}

bool has_process(pid_t pid)
{
    return pid > 0 && task_of(pid) != NULL;
}

bool has_group(pid_t pgid)
{
    for (int i = 0; i < BUCKETS; i++)
        for (const struct task *task = buckets[i]; task; task = task->next)
            if (getpgid(task->tid) == pgid)
                return true;
    return false;
}

void each_process(pid_t except, void (*visit)(pid_t tgid, int data), int data)
{
    for (int i = 0; i < BUCKETS; i++)
        for (const struct task *task = buckets[i]; task; task = task->next)
            if (task->tid == task->tgid && task->tgid != except)
                visit(task->tgid, data);
}

void note_proc_opened(pid_t tgid)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct task *task = buckets[i]; task; task = task->next)
            if (task->tgid == tgid)
                task->reads_proc = true;
}

/* Who a script thinks it is, credentials(7). The kernel is never asked: to it, everything is the builder. */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define UNCHANGED 0xffffffffu
#define GROUPS_MAX 65536

/* Users and groups follow the same rules. */
typedef unsigned id_set[KINDS_OF_ID];

/* By capability, which who is not root any more may have kept. */
static bool may_set(const struct task *task, const id_set ids)
{
    bool is_group = ids == task->ids.gid;
    return task->ids.has.effective & CAPABILITY(is_group ? CAP_SETGID : CAP_SETUID);
}

static bool is_one_of(const id_set ids, unsigned id)
{
    return id == ids[REAL] || id == ids[EFFECTIVE] || id == ids[SAVED];
}

static long set_one(const struct task *task, id_set ids, unsigned id)
{
    if (id == UNCHANGED)
        return -EINVAL;
    if (may_set(task, ids))
        ids[REAL] = ids[SAVED] = id;
    else if (id != ids[REAL] && id != ids[SAVED])
        return -EPERM;
    ids[EFFECTIVE] = ids[FILE_SYSTEM] = id;
    return 0;
}

static long set_two(const struct task *task, id_set ids, unsigned real, unsigned effective)
{
    unsigned before = ids[REAL];
    bool may = may_set(task, ids);
    if (real != UNCHANGED && !may && real != ids[REAL] && real != ids[EFFECTIVE])
        return -EPERM;
    if (effective != UNCHANGED && !may && !is_one_of(ids, effective))
        return -EPERM;
    if (real != UNCHANGED)
        ids[REAL] = real;
    if (effective != UNCHANGED)
        ids[EFFECTIVE] = effective;
    if (real != UNCHANGED || (effective != UNCHANGED && effective != before))
        ids[SAVED] = ids[EFFECTIVE];
    ids[FILE_SYSTEM] = ids[EFFECTIVE];
    return 0;
}

static long set_three(const struct task *task, id_set ids, const unsigned long *a)
{
    for (int kind = REAL; kind <= SAVED; kind++)
        if ((unsigned)a[kind] != UNCHANGED && !may_set(task, ids) && !is_one_of(ids, (unsigned)a[kind]))
            return -EPERM;
    for (int kind = REAL; kind <= SAVED; kind++)
        if ((unsigned)a[kind] != UNCHANGED)
            ids[kind] = (unsigned)a[kind];
    ids[FILE_SYSTEM] = ids[EFFECTIVE];
    return 0;
}

/* setfsuid(2) says nothing of failure: it answers what was. */
static long set_file_system(const struct task *task, id_set ids, unsigned id)
{
    long before = ids[FILE_SYSTEM];
    if (id != UNCHANGED && (may_set(task, ids) || is_one_of(ids, id) || id == ids[FILE_SYSTEM]))
        ids[FILE_SYSTEM] = id;
    return before;
}

static long tell_three(const struct task *task, const id_set ids, const unsigned long *a)
{
    for (int kind = REAL; kind <= SAVED; kind++)
        if (write_memory(task, a[kind], &ids[kind], sizeof ids[kind]))
            return -EFAULT;
    return 0;
}

#define UNUSED (void)a

long on_getuid(struct task *t, const unsigned long *a) { UNUSED; return t->ids.uid[REAL]; }
long on_geteuid(struct task *t, const unsigned long *a) { UNUSED; return t->ids.uid[EFFECTIVE]; }
long on_getgid(struct task *t, const unsigned long *a) { UNUSED; return t->ids.gid[REAL]; }
long on_getegid(struct task *t, const unsigned long *a) { UNUSED; return t->ids.gid[EFFECTIVE]; }
long on_getresuid(struct task *t, const unsigned long *a) { return tell_three(t, t->ids.uid, a); }
long on_getresgid(struct task *t, const unsigned long *a) { return tell_three(t, t->ids.gid, a); }
/* Users have capabilities, groups have none. */
static long with_capabilities(struct task *task, const id_set before, long failed)
{
    if (!failed)
        change_user(&task->ids.has, before, task->ids.uid);
    return failed;
}

long on_setuid(struct task *task, const unsigned long *a)
{
    const id_set before = {task->ids.uid[REAL], task->ids.uid[EFFECTIVE], task->ids.uid[SAVED]};
    return with_capabilities(task, before, set_one(task, task->ids.uid, (unsigned)a[0]));
}

long on_setreuid(struct task *task, const unsigned long *a)
{
    const id_set before = {task->ids.uid[REAL], task->ids.uid[EFFECTIVE], task->ids.uid[SAVED]};
    return with_capabilities(task, before, set_two(task, task->ids.uid, (unsigned)a[0], (unsigned)a[1]));
}

long on_setresuid(struct task *task, const unsigned long *a)
{
    const id_set before = {task->ids.uid[REAL], task->ids.uid[EFFECTIVE], task->ids.uid[SAVED]};
    return with_capabilities(task, before, set_three(task, task->ids.uid, a));
}

long on_setfsuid(struct task *task, const unsigned long *a)
{
    const unsigned before = (unsigned)set_file_system(task, task->ids.uid, (unsigned)a[0]);
    change_file_user(&task->ids.has, before, task->ids.uid[FILE_SYSTEM]);
    return before;
}

long on_setgid(struct task *t, const unsigned long *a) { return set_one(t, t->ids.gid, (unsigned)a[0]); }
long on_setregid(struct task *t, const unsigned long *a) { return set_two(t, t->ids.gid, (unsigned)a[0], (unsigned)a[1]); }
long on_setresgid(struct task *t, const unsigned long *a) { return set_three(t, t->ids.gid, a); }
long on_setfsgid(struct task *t, const unsigned long *a) { return set_file_system(t, t->ids.gid, (unsigned)a[0]); }

long on_getgroups(struct task *task, const unsigned long *a)
{
    int room = (int)a[0];
    size_t count = task->ids.group_count;
    if (room < 0 || (room && (size_t)room < count))
        return -EINVAL;
    long failed = room ? write_memory(task, a[1], task->ids.groups, count * sizeof(gid_t)) : 0;
    return failed ? failed : (long)count;
}

static int by_number(const void *a, const void *b)
{
    gid_t left = *(const gid_t *)a, right = *(const gid_t *)b;
    return (left > right) - (left < right);
}

long on_setgroups(struct task *task, const unsigned long *a)
{
    size_t count = (size_t)(int)a[0], size = count * sizeof(gid_t);
    if (!may_set(task, task->ids.gid))
        return -EPERM;
    if (count > GROUPS_MAX)
        return -EINVAL;
    gid_t *groups = allocate(size);
    long failed = read_memory(task, a[1], groups, size);
    if (failed) {
        free(groups);
        return failed;
    }
    /* As the kernel keeps them, and getgroups(2) shows. */
    qsort(groups, count, sizeof *groups, by_number);
    free(task->ids.groups);
    task->ids.groups = groups;
    task->ids.group_count = count;
    return 0;
}

long on_uname(struct task *task, const unsigned long *a)
{
    struct utsname name;
    if (uname(&name))
        return -errno;
    memset(name.nodename, 0, sizeof name.nodename);
    strcpy(name.nodename, "ocibake");
    return write_memory(task, a[0], &name, sizeof name);
}

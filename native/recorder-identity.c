/*
 * The kernel knows one user in this namespace, root. Who a process is taken for is therefore ours to remember, and to
 * hand on to what it starts: a child may outlive its parent before it makes a call that we see. So that the kernel
 * does the handing on, each process carries the number of its identity in a limit that is inherited by fork, kept by
 * exec, and without any effect: RLIMIT_RTTIME, the time that a realtime process may take, of which there are none
 * here (they need CAP_SYS_NICE). The script is shown that limit as it was.
 */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Microseconds: a number that nobody sets. */
#define TAG 4000000000000ull

static const struct identity root_identity = {.has = {KEPT_CAPABILITIES, KEPT_CAPABILITIES, 0, 0}};
static const struct identity *const *identities;
static size_t identity_count;

static size_t tag_of(pid_t pid)
{
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_RTTIME, NULL, &limit))
        return 0;
    unsigned long long number = limit.rlim_cur - TAG;
    return limit.rlim_cur > TAG && number <= identity_count ? number : 0;
}

const struct identity *identity_of(pid_t pid)
{
    size_t tag = identity_count ? tag_of(pid) : 0;
    return tag ? identities[tag - 1] : &root_identity;
}

const struct identity *caller_of(struct call *call)
{
    if (!call->who)
        call->who = identity_of(call->pid);
    return call->who;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return memcmp(&a->user, &b->user, sizeof a->user) == 0 && memcmp(&a->group, &b->group, sizeof a->group) == 0 &&
           memcmp(&a->has, &b->has, sizeof a->has) == 0 && a->gains_nothing == b->gains_nothing &&
           a->group_count == b->group_count &&
           (a->group_count == 0 || memcmp(a->groups, b->groups, a->group_count * sizeof *a->groups) == 0);
}

static const struct identity *copy_of(const struct identity *identity)
{
    struct identity *copy = allocate(sizeof *copy);
    *copy = *identity;
    size_t size = identity->group_count * sizeof *identity->groups;
    copy->groups = size ? memcpy(allocate(size), identity->groups, size) : NULL;
    return copy;
}

static size_t number_of(const struct identity *identity)
{
    if (is_same(identity, &root_identity))
        return 0;
    for (size_t i = 0; i < identity_count; i++)
        if (is_same(identity, identities[i]))
            return i + 1;
    const struct identity **more = realloc((void *)identities, (identity_count + 1) * sizeof *more);
    if (!more)
        fail(REFUSED, "realloc", "");
    more[identity_count++] = copy_of(identity);
    identities = (const struct identity *const *)more;
    return identity_count;
}

int become(struct call *call, const struct identity *identity)
{
    struct rlimit limit;
    size_t number = number_of(identity);
    if (prlimit(call->pid, RLIMIT_RTTIME, NULL, &limit))
        return -errno;
    limit.rlim_cur = number ? TAG + number : limit.rlim_max;
    call->who = NULL;
    return prlimit(call->pid, RLIMIT_RTTIME, &limit, NULL) ? -errno : 0;
}

/* getrlimit, setrlimit, prlimit64 of RLIMIT_RTTIME: as if nobody used it. */
void serve_limit(struct call *call)
{
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
#ifdef SYS_getrlimit
    if (call->notif->data.nr == SYS_getrlimit)
        call->error = write_memory(call, call->args[1], &none, sizeof none);
#endif
    if (call->notif->data.nr == SYS_prlimit64 && call->args[3])
        call->error = write_memory(call, call->args[3], &none, sizeof none);
}

bool is_root(const struct identity *who)
{
    return who->user.effective == 0;
}

bool all_are_root(void)
{
    return identity_count == 0;
}

bool is_in_group(const struct identity *who, gid_t gid)
{
    if (who->group.fs == gid)
        return true;
    for (size_t i = 0; i < who->group_count; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

/* --- the calls, credentials(7) ------------------------------------------------------------------------------------ */

#define SAME ((uint32_t)-1)

static bool is_one_of(const struct ids *ids, uint32_t id)
{
    return id == SAME || id == ids->real || id == ids->effective || id == ids->saved;
}

/* setuid(2), setgid(2): by capability, which who is not root any more may have kept. */
static bool may_set(const struct identity *who, bool group)
{
    return who->has.effective & CAPABILITY(group ? CAP_SETGID : CAP_SETUID);
}

static struct ids *ids_of(struct identity *identity, bool group)
{
    return group ? &identity->group : &identity->user;
}

/* Users have capabilities, groups have none. */
static void become_with(struct call *call, struct identity *next)
{
    const struct ids *old = &call->who->user, *new = &next->user;
    const uint32_t before[3] = {old->real, old->effective, old->saved};
    const uint32_t after[3] = {new->real, new->effective, new->saved};
    change_user(&next->has, before, after);
    call->error = become(call, next);
}

static void set_id(struct call *call, bool group)
{
    struct identity next = *caller_of(call);
    struct ids *ids = ids_of(&next, group);
    uint32_t id = (uint32_t)call->args[0];
    if (id == SAME) {
        call->error = -EINVAL;
        return;
    }
    if (may_set(call->who, group))
        ids->real = ids->saved = id;
    else if (id != ids->real && id != ids->saved) {
        call->error = -EPERM;
        return;
    }
    ids->effective = ids->fs = id;
    become_with(call, &next);
}

static void set_two_ids(struct call *call, bool group)
{
    struct identity next = *caller_of(call);
    struct ids *ids = ids_of(&next, group), old = *ids;
    uint32_t real = (uint32_t)call->args[0], effective = (uint32_t)call->args[1];
    bool allowed = (real == SAME || real == old.real || real == old.effective) && is_one_of(&old, effective);
    if (!may_set(call->who, group) && !allowed) {
        call->error = -EPERM;
        return;
    }
    if (real != SAME)
        ids->real = real;
    if (effective != SAME)
        ids->effective = effective;
    if (real != SAME || (effective != SAME && effective != old.real))
        ids->saved = ids->effective;
    ids->fs = ids->effective;
    become_with(call, &next);
}

static void set_three_ids(struct call *call, bool group)
{
    struct identity next = *caller_of(call);
    struct ids *ids = ids_of(&next, group);
    uint32_t asked[3] = {(uint32_t)call->args[0], (uint32_t)call->args[1], (uint32_t)call->args[2]};
    for (int i = 0; i < 3; i++)
        if (!may_set(call->who, group) && !is_one_of(ids, asked[i])) {
            call->error = -EPERM;
            return;
        }
    if (asked[0] != SAME)
        ids->real = asked[0];
    if (asked[1] != SAME)
        ids->effective = asked[1];
    if (asked[2] != SAME)
        ids->saved = asked[2];
    ids->fs = ids->effective;
    become_with(call, &next);
}

/* Never fails; tells what was. */
static void set_fs_id(struct call *call, bool group)
{
    struct identity next = *caller_of(call);
    struct ids *ids = ids_of(&next, group);
    uint32_t id = (uint32_t)call->args[0];
    call->value = ids->fs;
    if (id == SAME || (!may_set(call->who, group) && !is_one_of(ids, id) && id != ids->fs))
        return;
    if (!group)
        change_file_user(&next.has, ids->fs, id);
    ids->fs = id;
    (void)become(call, &next);
}

static void get_three_ids(struct call *call, bool group)
{
    const struct ids *ids = group ? &caller_of(call)->group : &caller_of(call)->user;
    const uint32_t values[3] = {ids->real, ids->effective, ids->saved};
    for (int i = 0; i < 3 && !call->error; i++)
        call->error = write_memory(call, call->args[i], &values[i], sizeof values[i]);
}

void serve_setuid(struct call *call)
{
    set_id(call, false);
}

void serve_setgid(struct call *call)
{
    set_id(call, true);
}

void serve_setreuid(struct call *call)
{
    set_two_ids(call, false);
}

void serve_setregid(struct call *call)
{
    set_two_ids(call, true);
}

void serve_setresuid(struct call *call)
{
    set_three_ids(call, false);
}

void serve_setresgid(struct call *call)
{
    set_three_ids(call, true);
}

void serve_setfsuid(struct call *call)
{
    set_fs_id(call, false);
}

void serve_setfsgid(struct call *call)
{
    set_fs_id(call, true);
}

void serve_getuid(struct call *call)
{
    call->value = caller_of(call)->user.real;
}

void serve_geteuid(struct call *call)
{
    call->value = caller_of(call)->user.effective;
}

void serve_getgid(struct call *call)
{
    call->value = caller_of(call)->group.real;
}

void serve_getegid(struct call *call)
{
    call->value = caller_of(call)->group.effective;
}

void serve_getresuid(struct call *call)
{
    get_three_ids(call, false);
}

void serve_getresgid(struct call *call)
{
    get_three_ids(call, true);
}

static int compare_groups(const void *a, const void *b)
{
    gid_t left = *(const gid_t *)a, right = *(const gid_t *)b;
    return left < right ? -1 : left > right;
}

void serve_setgroups(struct call *call)
{
    struct identity next = *caller_of(call);
    gid_t groups[NGROUPS_MAX];
    int count = (int)call->args[0];
    if (!may_set(call->who, true))
        call->error = -EPERM;
    else if (count < 0 || count > NGROUPS_MAX)
        call->error = -EINVAL;
    else
        call->error = read_memory(call, call->args[1], groups, (size_t)count * sizeof *groups);
    if (call->error)
        return;
    qsort(groups, (size_t)count, sizeof *groups, compare_groups); /* as the kernel does: getgroups shows it */
    next.groups = groups;
    next.group_count = (size_t)count;
    call->error = become(call, &next);
}

void serve_getgroups(struct call *call)
{
    const struct identity *who = caller_of(call);
    int room = (int)call->args[0];
    call->value = (int64_t)who->group_count;
    if (room == 0)
        return;
    if (room < 0 || (size_t)room < who->group_count)
        call->error = -EINVAL;
    else if (who->group_count)
        call->error = write_memory(call, call->args[1], who->groups, who->group_count * sizeof *who->groups);
}

/* capget(2), capset(2), prctl(2): what a process may, and would give up. */
#include "trace.h"

#include <errno.h>
#include <linux/prctl.h>

/* Reads the header. The number of words for each set, 0 for an unknown version, or -errno. */
static long read_header(const struct task *task, unsigned long address, struct __user_cap_header_struct *header)
{
    if (read_memory(task, address, header, sizeof *header))
        return -EFAULT;
    long words = capability_words(header->version);
    header->version = _LINUX_CAPABILITY_VERSION_3;
    return words || !write_memory(task, address, header, sizeof header->version) ? words : -EFAULT;
}

long on_capget(struct task *task, const unsigned long *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2];
    long words = read_header(task, a[0], &header);
    if (words <= 0)
        return words || !a[1] ? words : -EINVAL;
    if (header.pid < 0)
        return -EINVAL;
    const struct task *other = header.pid ? task_of(header.pid) : task;
    if (!other || !a[1])
        return other ? 0 : -ESRCH;
    tell_capabilities(&other->ids.has, data);
    return write_memory(task, a[1], data, (size_t)words * sizeof *data);
}

long on_capset(struct task *task, const unsigned long *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    long words = read_header(task, a[0], &header);
    if (words <= 0)
        return words ? words : -EINVAL;
    if (header.pid && header.pid != task->tid)
        return -EPERM;
    if (read_memory(task, a[1], data, (size_t)words * sizeof *data))
        return -EFAULT;
    return set_capabilities(&task->ids.has, data);
}

static bool may_set_capabilities(const struct task *task)
{
    return task->ids.has.effective & CAPABILITY(CAP_SETPCAP);
}

static long set_no_new_privileges(struct task *task, const unsigned long *a)
{
    if (a[1] != 1 || a[2] || a[3] || a[4])
        return -EINVAL;
    task->ids.no_new_privileges = true;
    return 0;
}

long on_prctl(struct task *task, const unsigned long *a)
{
    switch ((int)a[0]) {
    case PR_SET_DUMPABLE: /* the memory of one that is not could not be read by us either */
        if (a[1] > 1)
            return -EINVAL;
        task->ids.dumpable = a[1];
        return 0;
    case PR_GET_DUMPABLE:
        return task->ids.dumpable;
    case PR_CAPBSET_READ:
        return a[1] > CAP_LAST_CAP ? -EINVAL : (long)(KEPT_CAPABILITIES >> a[1] & 1);
    case PR_CAPBSET_DROP:
        return !may_set_capabilities(task) ? -EPERM : a[1] > CAP_LAST_CAP ? -EINVAL : 0;
    case PR_SET_KEEPCAPS:
        if (a[1] > 1)
            return -EINVAL;
        task->ids.has.is_keeping = a[1];
        return 0;
    case PR_GET_KEEPCAPS:
        return (long)task->ids.has.is_keeping;
    case PR_SET_NO_NEW_PRIVS: /* to the kernel all have it */
        return set_no_new_privileges(task, a);
    case PR_GET_NO_NEW_PRIVS:
        return a[1] || a[2] || a[3] || a[4] ? -EINVAL : task->ids.no_new_privileges;
    case PR_SET_SECUREBITS:
        return may_set_capabilities(task) ? 0 : -EPERM;
    case PR_CAP_AMBIENT:
        return 0;
    case PR_SET_MM:
        return -EPERM;
    default:
        return PASS;
    }
}

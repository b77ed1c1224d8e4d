/* The memory of a stopped thread. */
#include "trace.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE 4096ul /* the smallest that Linux has: a string never begins on a page that can be read and ends elsewhere */

long read_memory(const struct task *task, unsigned long address, void *into, size_t size)
{
    struct iovec here = {into, size}, there = {(void *)address, size};
    if (size == 0)
        return 0;
    return process_vm_readv(task->tid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

long write_memory(const struct task *task, unsigned long address, const void *from, size_t size)
{
    struct iovec here = {(void *)from, size}, there = {(void *)address, size};
    if (size == 0)
        return 0;
    return process_vm_writev(task->tid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

long read_string(const struct task *task, unsigned long address, char *into, size_t room)
{
    for (size_t have = 0; have < room;) {
        size_t size = PAGE - (address + have) % PAGE;
        /* Most are short. */
        if (have == 0 && size > 256)
            size = 256;
        if (size > room - have)
            size = room - have;
        struct iovec here = {into + have, size}, there = {(void *)(address + have), size};
        ssize_t got = process_vm_readv(task->tid, &here, 1, &there, 1, 0);
        if (got <= 0)
            return -EFAULT;
        const char *nul = memchr(into + have, 0, (size_t)got);
        if (nul)
            return nul - into;
        have += (size_t)got;
    }
    return -ENAMETOOLONG;
}

/*
 * On our own pages rather than on its stack: that of a goroutine may be too short. Only before the first exec, and in
 * the 257th thread, below the stack; also what is larger than a slot (the arguments of a script with thousands).
 */
unsigned long lend_room(const struct task *task, size_t size)
{
    if (task->space->scratch == 0 || task->slot < 0 || size > SLOT_SIZE)
        return (stack_pointer(&task->now) - red_zone - size) & ~15ul;
    return task->space->scratch + (unsigned long)task->slot * SLOT_SIZE;
}

long lend_memory(struct task *task, const void *from, size_t size)
{
    unsigned long address = lend_room(task, size);
    long failed = write_memory(task, address, from, size);
    return failed ? failed : (long)address;
}

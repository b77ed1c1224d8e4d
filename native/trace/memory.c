/* The memory of a stopped thread. */
#include "trace.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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
 * On our own pages rather than on its stack: that of a goroutine may be too short. There only before the first exec,
 * and when 256 threads of one process are in such calls at once.
 */
unsigned long lend_room(struct task *task, size_t size)
{
    if (task->space->scratch == 0 || (size <= SLOT_SIZE && !take_slot(task)))
        return (stack_pointer(&task->now) - red_zone - size) & ~15ul;
    if (size <= SLOT_SIZE)
        return task->space->scratch + (unsigned long)task->slot * SLOT_SIZE;
    return size <= task->space->room_size ? task->space->room : 0;
}

static long note_room(struct task *task, long result)
{
    if (result < 0)
        return result;
    task->space->room = (unsigned long)result;
    task->space->room_size = task->exit_data[0];
    return AGAIN;
}

long map_room(struct task *task, size_t size)
{
    const unsigned long arguments[6] = {0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (unsigned long)-1, 0};
    set_call(&task->now, SYS_mmap);
    for (int i = 0; i < 6; i++)
        set_argument(&task->now, i, arguments[i]);
    task->exit_data[0] = size;
    task->at_exit = note_room;
    return REWRITTEN;
}

long lend_memory(struct task *task, const void *from, size_t size)
{
    unsigned long address = lend_room(task, size);
    long failed = write_memory(task, address, from, size);
    return failed ? failed : (long)address;
}

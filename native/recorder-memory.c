#include "recorder.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

int read_memory(const struct call *call, __u64 address, void *bytes, size_t size)
{
    struct iovec here = {bytes, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(call->pid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int write_memory(const struct call *call, __u64 address, const void *bytes, size_t size)
{
    struct iovec here = {(void *)(uintptr_t)bytes, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_writev(call->pid, &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

/* Page by page: what follows the string's own page may not be mapped. */
int read_string(const struct call *call, __u64 address, char *text, size_t room)
{
    const size_t page = 4096;
    for (size_t have = 0; have < room;) {
        size_t take = page - (size_t)(address + have) % page;
        if (take > room - have)
            take = room - have;
        int error = read_memory(call, address + have, text + have, take);
        if (error)
            return error;
        const char *end = memchr(text + have, 0, take);
        if (end)
            return (int)(end - text);
        have += take;
    }
    return -ENAMETOOLONG;
}

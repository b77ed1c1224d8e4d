/* capget(2), capset(2): to the kernel every process is root and keeps what root has. */
#include "recorder.h"

#include <errno.h>

/* Reads the header; 0 if the call is answered with that. */
static unsigned begin(struct call *call, struct __user_cap_header_struct *header)
{
    call->error = read_memory(call, call->args[0], header, sizeof *header);
    if (call->error)
        return 0;
    unsigned words = capability_words(header->version);
    if (words == 0)
        call->native = true; /* it tells which version it knows */
    return words;
}

void serve_capget(struct call *call)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2];
    unsigned words = begin(call, &header);
    if (words == 0)
        return;
    /* Only of who is there; that is for the kernel to say. */
    if (call->args[1] == 0 || all_are_root() || header.pid < 0) {
        call->native = true;
        return;
    }
    tell_capabilities(header.pid ? &identity_of(header.pid)->has : &caller_of(call)->has, data);
    call->error = write_memory(call, call->args[1], data, words * sizeof *data);
}

void serve_capset(struct call *call)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    unsigned words = begin(call, &header);
    if (words == 0)
        return;
    struct identity next = *caller_of(call);
    if (header.pid != 0 && header.pid != call->pid)
        call->error = -EPERM;
    else
        call->error = read_memory(call, call->args[1], data, words * sizeof *data);
    if (!call->error)
        call->error = set_capabilities(&next.has, data);
    if (!call->error)
        call->error = become(call, &next);
}

/* prctl(PR_SET_KEEPCAPS) */
void serve_keep_capabilities(struct call *call)
{
    struct identity next = *caller_of(call);
    next.has.is_keeping = call->args[1] == 1;
    (void)become(call, &next);
    call->native = true;
}

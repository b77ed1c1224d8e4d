/* capget(2), capset(2), prctl(2): to the kernel every process is root and keeps what root has. */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

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
    /* Who is not there is for the kernel to say. */
    if (call->args[1] == 0 || all_are_root() || header.pid < 0 || (header.pid && kill(header.pid, 0) && errno == ESRCH)) {
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

static void keep_capabilities(struct call *call)
{
    struct identity next = *caller_of(call);
    if (call->args[1] > 1)
        return;
    next.has.is_keeping = call->args[1];
    call->error = become(call, &next);
}

/* To the kernel all have it, where the builder has it. */
static void gain_nothing(struct call *call)
{
    struct identity next = *caller_of(call);
    if (call->args[1] != 1 || call->args[2] || call->args[3] || call->args[4])
        return;
    next.gains_nothing = true;
    call->error = become(call, &next);
    call->native = false;
}

void serve_prctl(struct call *call)
{
    call->native = true;
    switch ((int)call->args[0]) {
    case PR_SET_KEEPCAPS:
        keep_capabilities(call);
        break;
    case PR_SET_NO_NEW_PRIVS:
        gain_nothing(call);
        break;
    case PR_GET_NO_NEW_PRIVS:
        call->native = call->args[1] || call->args[2] || call->args[3] || call->args[4];
        call->value = caller_of(call)->gains_nothing;
        break;
    case PR_CAPBSET_DROP:
        if (!(caller_of(call)->has.effective & CAPABILITY(CAP_SETPCAP)))
            call->error = -EPERM;
        break;
    }
    if (call->error)
        call->native = false;
}

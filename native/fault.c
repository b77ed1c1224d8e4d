#include "ocibake-sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_report *run_report;
int status_fd = -1;

/* Paths come from archives: a newline in one must not look like a second line of the status. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

_Noreturn void fail_with(enum outcome why, const char *message)
{
    if (status_fd >= 0) {
        dprintf(status_fd, "%s %s\n", why == UNFIT ? "unfit" : "refused", message);
    } else if (run_report) {
        run_report->outcome = why;
        snprintf(run_report->message, sizeof run_report->message, "%s", message);
    } else {
        fprintf(stderr, "ocibake-sandbox: %s\n", message);
    }
    _exit(125);
}

_Noreturn void fail_because(enum outcome why, const char *call, const char *path, const char *reason)
{
    char message[sizeof run_report->message];
    snprintf(message, sizeof message, "%s%s%.*s: %s", call, *path ? " " : "", PATH_MAX, path, reason);
    make_printable(message);
    fail_with(why, message);
}

_Noreturn void fail(enum outcome why, const char *call, const char *path)
{
    fail_because(why, call, path, strerror(errno));
}

void *allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        fail(REFUSED, "malloc", "");
    return memory;
}

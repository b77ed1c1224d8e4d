/*
 * ocibake-trace: the sandbox for those who may do nothing but ptrace(2) (Kubernetes' "restricted": no root, no
 * capability, no user namespace). It is called as ocibake-sandbox is:
 *
 *   ptrace --root DIR [options] -- PROGRAM [ARGUMENT]...     probe-ptrace --root DIR
 *
 * with the same options, request (fd 4, owners among it), status (fd 3) and records (fd 5): see ocibake-sandbox.c.
 *
 * How: a seccomp filter (filter.c) stops every process of the script at the calls that say a path or an id (calls.c).
 * Most of them the tracer makes itself and answers: a path is walked inside the root (path.c), owners, modes, devices
 * and attributes that only root could set are put into a table (owner.c) and told from there. Only what gives a process
 * something of its own (a descriptor, a folder to be in, a program to be) it has to do itself, with the host's path.
 *
 * This is not a wall. An honest script reaches nothing outside its root; one that wants out gets out, with the rights
 * of the builder, for instance by changing a path in one thread while another is stopped with it.
 */
#include "trace.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The tracer is dead: so is, or will be at once, everything else. */
static void tidy_up(void)
{
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        ;
    remove_areas();
}

/* A builder who is root is one like any other: what a script could do to this machine by them is no part of a build. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const struct __user_cap_data_struct none[2] = {{0}, {0}};
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, none))
        fail(REFUSED, "capset", "");
    /* It would have taken them from the next program; and a process that loses some may not be looked at. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        fail(REFUSED, "prctl", "");
}

static pid_t start_tracer(struct options *options, int parent_alive)
{
    /* What the tracer leaves when it is killed comes here, and is waited for. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        fail(REFUSED, "prctl", "PR_SET_CHILD_SUBREAPER");
    options->tidy_up = tidy_up;
    owners = options->owners ? options->owners : new_owners();
    has_no_network = !options->network;
    make_areas(options->root, options->files);
    pid_t tracer = fork();
    if (tracer < 0)
        fail(REFUSED, "fork", "");
    if (tracer > 0)
        return tracer;
    close(options->alive_writer);
    settle_init(options, parent_alive);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        fail(REFUSED, "prctl", "PR_SET_CHILD_SUBREAPER");
    drop_capabilities();
    trace_script(options);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "ptrace") == 0)
        return run_session(argc - 1, argv + 1, false, start_tracer);
    if (strcmp(verb, "probe-ptrace") == 0)
        return run_session(argc - 1, argv + 1, true, start_tracer);
    fputs("usage: ocibake-trace ptrace|probe-ptrace ...\n", stderr);
    return 2;
}

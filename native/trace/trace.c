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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The tracer is dead: so is, or will be at once, everything else. */
static void tidy_up(void)
{
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        ;
    remove_areas();
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

/*
 * The sandbox for root. Three processes:
 *
 *   first   stays outside (session.c): makes the pid namespace
 *   init    pid 1 inside: makes the mounts and enters the root, reaps, ends when the script ends
 *   script  what was asked for
 */
#include "ocibake-sandbox.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void be_init(struct options *options, int parent_alive)
{
    close(RECORDS);
    settle_init(options, parent_alive);
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC | (options->network ? 0 : CLONE_NEWNET)))
        fail(REFUSED, "unshare", "(uts, ipc, net namespaces)");
    /* Neither is worth a failure: Linux before 4.6 has no cgroup namespaces, some profiles refuse sethostname. */
    (void)!unshare(CLONE_NEWCGROUP);
    (void)!sethostname(options->hostname, strlen(options->hostname));
    enter_root(options->root, options->files, NULL, NEW_PROC);
    run_as_init(&options->script);
}

static pid_t start_init(struct options *options, int parent_alive)
{
    if (unshare(CLONE_NEWPID))
        fail(REFUSED, "unshare", "(pid namespace)");
    pid_t init = fork();
    if (init < 0)
        fail(REFUSED, "fork", "");
    if (init == 0) {
        close(options->alive_writer);
        be_init(options, parent_alive);
    }
    return init;
}

int chroot_verb(int argc, char **argv, bool probe)
{
    return run_session(argc, argv, probe, start_init);
}

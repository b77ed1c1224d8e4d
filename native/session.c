/*
 * The first process of a sandbox: it stays outside, passes the output on, removes stubs, and tells the outcome on
 * fd 3. Everything dies with it: by its lifeline (fd 4) when the caller closes it or is gone, by PR_SET_PDEATHSIG
 * when it is killed itself.
 */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* PR_SET_PDEATHSIG says nothing of a parent that died before it was set: a closed pipe does. */
static void die_with(int parent_alive)
{
    struct pollfd closed = {.fd = parent_alive};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        fail(REFUSED, "prctl", "PR_SET_PDEATHSIG");
    if (poll(&closed, 1, 0) > 0)
        _exit(125);
}

/* /proc/1/cmdline is the script's to read: the host's folder is none of its business. */
static void forget_arguments(struct options *options)
{
    size_t count = 0;
    while (options->script.argv[count])
        count++;
    char **copies = allocate((count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; i++)
        if (!(copies[i] = strdup(options->script.argv[i])))
            fail(REFUSED, "strdup", "");
    options->script.argv = copies;
    options->root = strdup(options->root);
    options->hostname = strdup(options->hostname);
    options->script.workdir = strdup(options->script.workdir);
    if (!options->root || !options->hostname || !options->script.workdir)
        fail(REFUSED, "strdup", "");
    for (char **argument = options->arguments; *argument; argument++)
        memset(*argument, 0, strlen(*argument));
}

void settle_init(struct options *options, int parent_alive)
{
    status_fd = -1;
    close(STATUS);
    close(REQUEST);
    die_with(parent_alive);
    setsid(); /* no controlling terminal: /dev/tty and TIOCSTI cannot reach the user's */
    forget_arguments(options);
}

static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC))
        fail(REFUSED, "pipe", "");
}

static void run(struct options *options, pid_t (*start_init)(struct options *, int))
{
    int alive[2], out[2], err[2];
    sigset_t child;
    make_pipe(alive);
    make_pipe(out);
    make_pipe(err);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    options->script.out = out[1];
    options->script.err = err[1];
    options->alive_writer = alive[1];
    options->script.parent_alive = alive[0];
    pid_t init = start_init(options, alive[0]);
    close(alive[0]);
    close(out[1]);
    close(err[1]);
    close(RECORDS);
    if (options->script.listening >= 0)
        close(options->script.listening);
    relay(init, REQUEST, (struct output[]){{out[0], 1}, {err[0], 2}}, options->script.shares_pids ? alive[1] : -1);
    if (options->tidy_up)
        options->tidy_up();
}

static int tell(void)
{
    const struct run_report *report = run_report;
    switch (report->outcome) {
    case REFUSED:
    case UNFIT:
        fail_with(report->outcome, report->message);
    case EXITED:
        dprintf(STATUS, "exited %d\n", report->code);
        return report->code;
    default:
        dprintf(STATUS, "killed %d\n", report->outcome == KILLED ? report->code : SIGKILL);
        return 128 + (report->outcome == KILLED ? report->code : SIGKILL);
    }
}

static void open_report(void)
{
    run_report = mmap(NULL, sizeof *run_report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run_report == MAP_FAILED) {
        run_report = NULL;
        fail(REFUSED, "mmap", "");
    }
}

int run_session(int argc, char **argv, bool probe, pid_t (*start_init)(struct options *, int))
{
    status_fd = STATUS;
    struct options options = parse_options(argc, argv);
    options.script.probe = probe;
    if (!options.root || (!probe && !options.script.argv[0])) {
        fprintf(stderr, "usage: ocibake-sandbox %s --root DIR [options] -- PROGRAM [ARGUMENT]...\n", argv[0]);
        return 2;
    }
    close_from(RECORDS + 1);
    /* Ctrl-C reaches the whole process group; the caller decides, and closes the lifeline. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    read_request(&options, REQUEST);
    if (options.socket)
        options.script.listening = listen_at(options.socket);
    open_report();
    int root = open(options.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail(REFUSED, "open", options.root);
    run(&options, start_init);
    remove_stubs(root);
    return tell();
}

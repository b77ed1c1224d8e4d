/*
 * The sandbox for root. Three processes:
 *
 *   first   stays outside: makes the pid namespace, passes the output on, removes stubs, tells the outcome on fd 3
 *   init    pid 1 inside: makes the mounts and enters the root, reaps, ends when the script ends
 *   script  what was asked for
 *
 * Everything dies with the first: by its lifeline (fd 4) when the caller closes it or is gone, by PR_SET_PDEATHSIG
 * when it is killed itself.
 */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STATUS 3
#define REQUEST 4
#define ID_MAX 4294967294ul /* chown(2): 2^32-1 means "leave it" */

struct options {
    char **arguments; /* all of main's, with the program's own path: the others are parts of them */
    const char *root, *hostname;
    bool network;
    struct injected *files;
    struct script script;
};

static void parse_groups(struct script *script, char *list)
{
    for (char *id = strtok(list, ","); id; id = strtok(NULL, ",")) {
        script->groups = realloc(script->groups, (script->group_count + 1) * sizeof *script->groups);
        if (!script->groups)
            fail(REFUSED, "realloc", "");
        script->groups[script->group_count++] = (gid_t)parse_number(id, ID_MAX);
    }
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"root", required_argument, NULL, 'r'},   {"uid", required_argument, NULL, 'u'},
        {"gid", required_argument, NULL, 'g'},    {"groups", required_argument, NULL, 'G'},
        {"workdir", required_argument, NULL, 'w'}, {"network", required_argument, NULL, 'n'},
        {"hostname", required_argument, NULL, 'h'}, {0}};
    struct options options = {.arguments = argv - 1, .hostname = "ocibake", .network = true, .script.workdir = "/"};
    for (int option; (option = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        switch (option) {
        case 'r': options.root = optarg; break;
        case 'u': options.script.uid = parse_number(optarg, ID_MAX); break;
        case 'g': options.script.gid = parse_number(optarg, ID_MAX); break;
        case 'G': parse_groups(&options.script, optarg); break;
        case 'w': options.script.workdir = optarg; break;
        case 'n': options.network = strcmp(optarg, "none") != 0; break;
        case 'h': options.hostname = optarg; break;
        default: _exit(125);
        }
    }
    options.script.argv = argv + optind;
    return options;
}

static struct injected *read_file(struct request *request)
{
    struct injected *file = allocate(sizeof *file);
    file->path = next_field(request);
    file->mode = next_number(request, 07777);
    file->uid = next_number(request, ID_MAX);
    file->gid = next_number(request, ID_MAX);
    file->size = next_number(request, LONG_MAX);
    file->bytes = next_bytes(request, file->size);
    return file;
}

/* What must not be seen in a list of processes comes by a pipe: environment, files, standard input. */
static void read_request(struct options *options)
{
    struct request request = {.fd = REQUEST};
    struct injected **last = &options->files;
    size_t count = 0;
    options->script.env = allocate(sizeof *options->script.env);
    for (char *kind; (kind = next_field(&request)) && strcmp(kind, "run") != 0; free(kind)) {
        if (strcmp(kind, "env") == 0) {
            options->script.env = realloc(options->script.env, (count + 2) * sizeof *options->script.env);
            if (!options->script.env)
                fail(REFUSED, "realloc", "");
            options->script.env[count++] = next_field(&request);
            options->script.env[count] = NULL;
        } else if (strcmp(kind, "file") == 0) {
            *last = read_file(&request);
            last = &(*last)->next;
        } else if (strcmp(kind, "stdin") == 0) {
            options->script.stdin_size = next_number(&request, LONG_MAX);
            options->script.stdin_bytes = next_bytes(&request, options->script.stdin_size);
        } else
            fail_because(REFUSED, "read", kind, "no such request");
    }
}

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
    options->script.workdir = strdup(options->script.workdir);
    if (!options->root || !options->script.workdir)
        fail(REFUSED, "strdup", "");
    for (char **argument = options->arguments; *argument; argument++)
        memset(*argument, 0, strlen(*argument));
}

static _Noreturn void be_init(struct options *options, int parent_alive)
{
    status_fd = -1;
    close(STATUS);
    close(REQUEST);
    die_with(parent_alive);
    setsid(); /* no controlling terminal: /dev/tty and TIOCSTI cannot reach the user's */
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC | (options->network ? 0 : CLONE_NEWNET)))
        fail(REFUSED, "unshare", "(uts, ipc, net namespaces)");
    unshare(CLONE_NEWCGROUP);                                  /* hides the host's path in /proc/self/cgroup; since 4.6 */
    if (sethostname(options->hostname, strlen(options->hostname))) /* some seccomp profiles refuse it; it is cosmetic */
        errno = 0;
    forget_arguments(options);
    enter_root(options->root, options->files);
    run_as_init(&options->script);
}

static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC))
        fail(REFUSED, "pipe", "");
}

static void run(struct options *options)
{
    int alive[2], out[2], err[2];
    sigset_t child;
    make_pipe(alive);
    make_pipe(out);
    make_pipe(err);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    if (unshare(CLONE_NEWPID))
        fail(REFUSED, "unshare", "(pid namespace)");
    pid_t init = fork();
    if (init < 0)
        fail(REFUSED, "fork", "");
    if (init == 0) {
        close(alive[1]);
        options->script.out = out[1];
        options->script.err = err[1];
        be_init(options, alive[0]);
    }
    close(alive[0]);
    close(out[1]);
    close(err[1]);
    relay(init, REQUEST, (struct output[]){{out[0], 1}, {err[0], 2}});
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

int chroot_verb(int argc, char **argv, bool probe)
{
    status_fd = STATUS;
    struct options options = parse_options(argc, argv);
    options.script.probe = probe;
    if (!options.root || (!probe && !options.script.argv[0])) {
        fputs("usage: ocibake-sandbox chroot --root DIR [options] -- PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    close_from(5);
    /* Ctrl-C reaches the whole process group; the caller decides, and closes the lifeline. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    read_request(&options);
    open_report();
    int root = open(options.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail(REFUSED, "open", options.root);
    run(&options);
    remove_stubs(root);
    return tell();
}

/*
 * The sandbox for any user who may have a user namespace: the same as for root (chroot.c), with one id. In it the
 * builder is root, but there is no second user, and no device can be made. What the script asks for of that kind is
 * recorded (recorder.h), and so the same tree comes back as from a sandbox of real root.
 *
 * Three processes: the first outside (session.c); init, which is pid 1 of the namespaces and the recorder; the script.
 */
#include "ocibake-sandbox.h"
#include "owners.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fail(REFUSED, "open", path);
    if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        fail(REFUSED, "write", path);
    close(fd);
}

/* Ids of the builder, from outside the namespace. */
static void become_root(uid_t uid, gid_t gid)
{
    char line[64];
    snprintf(line, sizeof line, "0 %u 1\n", uid);
    write_line("/proc/self/uid_map", line);
    /* user_namespaces(7): who may drop groups could get at files that a group is kept away from. */
    write_line("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "0 %u 1\n", gid);
    write_line("/proc/self/gid_map", line);
    if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
        fail(REFUSED, "setuid", "(in a user namespace)");
}

static _Noreturn void be_init(struct options *options, int parent_alive, uid_t uid, gid_t gid)
{
    struct script *script = &options->script;
    close(options->alive_writer);
    become_root(uid, gid);
    settle_init(options, parent_alive);
    if (script->shares_pids && prctl(PR_SET_CHILD_SUBREAPER, 1))
        fail(REFUSED, "prctl", "PR_SET_CHILD_SUBREAPER");
    (void)!unshare(CLONE_NEWCGROUP);
    (void)!sethostname(options->hostname, strlen(options->hostname));
    script->owners = options->owners ? options->owners : new_owners();
    enter_root(options->root, options->files, script->owners, script->shares_pids ? HOST_PROC : NEW_PROC);
    run_as_init(script);
}

/* fork(2) into new namespaces. */
static pid_t fork_into(unsigned long namespaces)
{
    return (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* mount_namespaces(7): not where parts of the /proc that is there are hidden by other mounts. */
static bool may_mount_proc(uid_t uid, gid_t gid)
{
    int status = 0;
    pid_t child = fork_into(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS);
    if (child == 0) {
        status_fd = -1;
        become_root(uid, gid);
        bool may = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
        _exit(may ? 0 : 1);
    }
    /* What else may be wrong is said by the real thing. */
    return child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}

static pid_t start_init(struct options *options, int parent_alive)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    options->script.shares_pids = !may_mount_proc(uid, gid);
    pid_t init = fork_into(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | (options->network ? 0 : CLONE_NEWNET) |
                           (options->script.shares_pids ? 0 : CLONE_NEWPID));
    if (init < 0)
        fail(REFUSED, "clone", "(user namespace)");
    if (init == 0)
        be_init(options, parent_alive, uid, gid);
    return init;
}

int userns_verb(int argc, char **argv, bool probe)
{
    return run_session(argc, argv, probe, start_init);
}

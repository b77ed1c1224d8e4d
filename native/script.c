#include "ocibake-sandbox.h"
#include "capabilities.h"
#include "owners.h"
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a user namespace of its own: to listen to the script's calls, and to read their arguments. */
static const unsigned long long recorder_capabilities = CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_PTRACE);

static void drop_capabilities(unsigned long long more)
{
    const unsigned long long kept = KEPT_CAPABILITIES | more;
    for (unsigned capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(kept & CAPABILITY(capability)) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            fail(REFUSED, "prctl", "PR_CAPBSET_DROP");
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &header, data))
        fail(REFUSED, "capget", "");
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (unsigned)(kept >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data))
        fail(REFUSED, "capset", "");
}

/* A session keyring of its own: the host's may hold keys of the login that started the build. */
static void leave_keyring(void)
{
    syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
}

/* Else `echo x > /dev/stderr` fails for an ordinary user (moby issue 31243). */
static void give(const struct script *script, int fd, const char *what)
{
    if (script->owners ? record_owner(script->owners, fd, (uid_t)script->uid, (gid_t)script->gid)
                       : fchown(fd, (uid_t)script->uid, (gid_t)script->gid))
        fail(REFUSED, "fchown", what);
}

/* A real file as standard input, so that /dev/stdin opens for every user. */
static int open_stdin(const struct script *script)
{
    if (script->listening >= 0)
        return script->listening;
    if (!script->stdin_bytes) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0)
            fail(REFUSED, "open", "/dev/null");
        return null;
    }
    int fd = open("/dev", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
    if (fd < 0)
        fail(REFUSED, "open", "(standard input)");
    write_all(fd, script->stdin_bytes, script->stdin_size, "(standard input)");
    if (lseek(fd, 0, SEEK_SET))
        fail(REFUSED, "lseek", "(standard input)");
    give(script, fd, "(standard input)");
    return fd;
}

static _Noreturn void start(const struct script *script, int in, int listening)
{
    default_signals();
    set_limits();
    umask(022);
    if (setsid() < 0)
        fail(REFUSED, "setsid", "");
    use_streams(in, script->out, script->err);
    if (script->owners) {
        /* The recorder reads our memory, too, and is no more than we are. Nobody else is there yet. */
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        be_recorded(script, listening);
        drop_capabilities(0);
    }
    close_rest_on_exec();
    if (script->probe) {
        look_around();
        _exit(0);
    }
    /* As root, like Docker: a user may be given a folder that only root may enter. */
    if (chdir(script->workdir))
        fail(UNFIT, "chdir", script->workdir);
    gid_t gid = (gid_t)script->gid;
    uid_t uid = (uid_t)script->uid;
    if (setgroups(script->group_count, script->groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
        fail(REFUSED, "setuid", "");
    execve(script->argv[0], script->argv, script->env);
    fail(UNFIT, "execve", script->argv[0]);
}

static _Noreturn void reap_until(pid_t child)
{
    close_from(0);
    for (;;) {
        int status;
        pid_t dead = wait(&status);
        if (dead < 0 && errno == EINTR)
            continue;
        if (dead != child && dead > 0)
            continue;
        if (dead == child && run_report->outcome == NOTHING_YET)
            note_end(status);
        _exit(0); /* the kernel kills everything that is left in the namespace, pid_namespaces(7) */
    }
}

_Noreturn void run_as_init(struct script *script)
{
    leave_keyring();
    /* The recorder's filter says so, too. Without SYS_ADMIN there are no filters. */
    if (!script->owners)
        ignore_syncs();
    drop_capabilities(script->owners ? recorder_capabilities : 0);
    /* /proc/1 (its exe, its descriptors) stays closed to the script, which has no SYS_PTRACE. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int in = open_stdin(script);
    give(script, script->out, "(output pipe)");
    give(script, script->err, "(output pipe)");
    int listening[2] = {-1, -1};
    if (script->owners && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, listening))
        fail(REFUSED, "socketpair", "");
    pid_t child = fork();
    if (child < 0)
        fail(REFUSED, "fork", "");
    if (child == 0)
        start(script, in, listening[1]);
    if (!script->owners)
        reap_until(child);
    close(listening[1]);
    record(script, child, listening[0]);
}

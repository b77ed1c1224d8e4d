/* What becomes the script: everything that is done before its first instruction. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0)
        fail(REFUSED, "memfd_create", "(standard input)");
    write_all(fd, script->stdin_bytes, script->stdin_size, "(standard input)");
    if (lseek(fd, 0, SEEK_SET))
        fail(REFUSED, "lseek", "(standard input)");
    return fd;
}

_Noreturn void start_script(struct options *options, int gate)
{
    const struct script *asked = &options->script;
    char opened;
    while (read(gate, &opened, 1) < 0 && errno == EINTR)
        ;
    default_signals();
    set_limits();
    if (setsid() < 0)
        fail(REFUSED, "setsid", "");
    use_streams(open_stdin(asked), asked->out, asked->err);
    umask(022);
    close_rest_on_exec();
    install_filter(options->network);
    (void)!chroot("/"); /* chroot.c looks whether it gets there */
    /* From here on every call that says a path or an id is answered by the tracer: this process is in the root. */
    if (asked->probe) {
        look_around();
        _exit(0);
    }
    if (chdir(asked->workdir))
        fail(UNFIT, "chdir", asked->workdir);
    gid_t gid = (gid_t)asked->gid;
    uid_t uid = (uid_t)asked->uid;
    if (setgroups(asked->group_count, asked->groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
        fail(REFUSED, "setuid", "");
    execve(asked->argv[0], asked->argv, asked->env);
    fail(UNFIT, "execve", asked->argv[0]);
}

/* What the script's process does in every sandbox before it is the script. */
#include "ocibake-sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

void default_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The same limits whatever the caller's: node raises its own number of files, over which old programs loop. */
void set_limits(void)
{
    struct rlimit none = {0, 0}, files;
    setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && (files.rlim_max == RLIM_INFINITY || files.rlim_max > 1024)) {
        files.rlim_cur = 1024;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

void use_streams(int in, int out, int err)
{
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        fail(REFUSED, "dup2", "(standard streams)");
}

void close_from(int first)
{
    if (syscall(SYS_close_range, first, ~0u, 0) == 0)
        return;
    for (int fd = first; fd < 1024; fd++) /* before Linux 5.9 */
        close(fd);
}

/* Every descriptor of ours has O_CLOEXEC; this is for what a caller may have left open. */
void close_rest_on_exec(void)
{
    if (syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) == 0)
        return;
    for (int fd = 3; fd < 1024; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void look_around(void)
{
    struct statvfs root;
    struct stat found;
    if (statvfs("/", &root) || stat("/proc/self", &found) || stat("/dev/null", &found))
        fail(REFUSED, "stat", "(the sandbox)");
    if (root.f_flag & ST_NOEXEC)
        fail_because(REFUSED, "execve", "(the work folder)", "its file system is mounted noexec");
    if (mknod("/ocibake-probe", S_IFCHR | 0600, makedev(1, 3)) || stat("/ocibake-probe", &found) ||
        unlink("/ocibake-probe"))
        fail(REFUSED, "mknod", "(the work folder)");
    if (!S_ISCHR(found.st_mode) || found.st_rdev != makedev(1, 3))
        fail_because(REFUSED, "mknod", "(the work folder)", "it made something else");
    if (chown("/", 65100, 65100) || stat("/", &found) || chown("/", 0, 0))
        fail(REFUSED, "chown", "(the work folder)");
    if (found.st_uid != 65100 || found.st_gid != 65100)
        fail_because(REFUSED, "chown", "(the work folder)", "it changed nothing");
}

void note_end(int status)
{
    run_report->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    run_report->outcome = WIFEXITED(status) ? EXITED : KILLED;
}

#include "calls.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>

static int nothing(void *unused)
{
    (void)unused;
    return 5;
}

static char stack[65536];

static int umask_and_folder(void *unused)
{
    (void)unused;
    umask(077);
    return chdir("/") != 0;
}

static long clone_with(int flags, int (*run)(void *))
{
    int status = 0;
    pid_t child = clone(run, stack + sizeof stack, flags | SIGCHLD, NULL);
    if (child < 0)
        return -1;
    waitpid(child, &status, 0);
    return status;
}

void processes(void)
{
    char here[64];
    int status, pipes[2];
    TRY(clone_with(0, nothing));
    TRY(clone_with(CLONE_VM, nothing));
    TRY(clone_with(CLONE_VM | CLONE_VFORK, nothing));
    TRY(clone_with(CLONE_FILES, nothing));
    TRY(clone_with(CLONE_VM | CLONE_FS, umask_and_folder));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s %o\n", here, umask(022));
    TRY(clone_with(CLONE_VM, umask_and_folder));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s %o\n", here, umask(022));
    TRY(clone_with(CLONE_NEWNS, nothing));
    TRY(unshare(CLONE_FS));
    TRY(unshare(CLONE_FILES));
    TRY(unshare(CLONE_NEWNS));
    TRY(waitpid(-1, &status, 0));
    TRY(waitpid(999999, &status, 0));
    TRY(pipe(pipes));
    pid_t child = fork();
    if (child == 0) {
        TRY(getpgid(0) == getpgid(getppid()));
        TRY(setsid() == getpid());
        TRY(setsid());
        TRY(setpgid(0, 0));
        TRY(getsid(0) == getpid());
        if (fork() == 0) {
            /* An orphan soon. */
            usleep(100000);
            TRY(getppid() > 0);
            close(pipes[1]);
            _exit(0);
        }
        close(pipes[1]);
        _exit(3);
    }
    close(pipes[1]);
    TRY(waitpid(child, &status, 0) == child);
    printf("  %x\n", status);
    TRY(read(pipes[0], here, 1));
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        pause();
    }
    setpgid(child, child);
    TRY(getpgid(child) == child);
    TRY(kill(-child, SIGTERM));
    TRY(waitpid(-child, &status, 0) == child);
    printf("  %x\n", status);
    TRY(kill(child, 0));
    TRY(kill(-child, 0));
    TRY(getpgid(child));
}

static volatile sig_atomic_t caught;

static void catch(int number)
{
    caught = number;
}

/* A call that a signal interrupts is made again, or not, as the handler was set. */
static void interrupted(void)
{
    struct sigaction again = {.sa_handler = catch, .sa_flags = SA_RESTART}, once = {.sa_handler = catch};
    mkfifo("fifo", 0600);
    for (int restart = 0; restart < 2; restart++) {
        sigaction(SIGUSR1, restart ? &again : &once, NULL);
        pid_t parent = getpid(), child = fork();
        if (child == 0) {
            usleep(50000);
            kill(parent, SIGUSR1);
            usleep(50000);
            if (restart)
                close(open("fifo", O_WRONLY));
            _exit(0);
        }
        caught = 0;
        int fd = (int)DOES(open("fifo", O_RDONLY));
        TRY(caught);
        if (fd >= 0)
            close(fd);
        waitpid(child, NULL, 0);
    }
}

static void stopped(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        struct stat found;
        _exit(stat("/", &found) ? 1 : 4);
    }
    TRY(waitpid(child, &status, WUNTRACED) == child);
    printf("  %x\n", status);
    TRY(waitpid(child, &status, WNOHANG));
    TRY(kill(child, SIGCONT));
    TRY(waitpid(child, &status, 0) == child);
    printf("  %x\n", status);
    child = fork();
    if (child == 0)
        for (;;) {
            struct stat found;
            stat("core", &found);
        }
    for (int i = 0; i < 20; i++) {
        kill(child, SIGSTOP);
        waitpid(child, &status, WUNTRACED);
        kill(child, SIGCONT);
    }
    TRY(kill(child, SIGKILL));
    TRY(waitpid(child, &status, 0) == child);
    printf("  %x\n", status);
}

/* Children that die at any moment. */
static void dying(void)
{
    int status, wrong = 0;
    for (int i = 0; i < 300; i++) {
        pid_t child = fork();
        if (child == 0)
            for (;;) {
                struct stat found;
                stat("core", &found);
                if (fork() == 0)
                    _exit(0);
                close(open("made", O_CREAT | O_WRONLY, 0600));
            }
        usleep((useconds_t)(i * 7 % 500));
        kill(child, SIGKILL);
        wrong += waitpid(child, &status, 0) != child || status != SIGKILL;
    }
    TRY(wrong);
}

static void trapped(void)
{
    signal(SIGTRAP, catch);
    caught = 0;
    raise(SIGTRAP);
    TRY(caught == SIGTRAP);
    caught = 0;
    __asm__ volatile("int3");
    TRY(caught == SIGTRAP);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGTRAP, SIG_IGN);
    char *arguments[] = {"blocked", "ids", NULL};
    execv(self, arguments);
}

static pid_t other;

static void signal_others(void)
{
    TRY(setuid(65100));
    TRY(kill(other, 0));
    TRY(kill(getppid(), 0));
    TRY(kill(getpid(), 0));
}

void signals(void)
{
    in_child("interrupted", interrupted);
    in_child("stopped", stopped);
    in_child("dying", dying);
    in_child("trapped", trapped);
    TRY(kill(getpid(), 0));
    TRY(kill(getpid(), 200));
    TRY(kill(0, 0));
    TRY(kill(99999999, 0));
    TRY(syscall(SYS_tgkill, getpid(), getpid(), 0));
    TRY(syscall(SYS_tgkill, getpid(), 99999999, 0));
    TRY(syscall(SYS_tkill, 99999999, 0));
    DOES(syscall(SYS_pidfd_open, getpid(), 0));
    TRY(syscall(SYS_pidfd_open, 99999999, 0));
    pid_t child = fork();
    if (child == 0)
        pause();
    other = child;
    in_child("of another user", signal_others);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

void refused(void)
{
    TRY(mount("none", "/", "tmpfs", 0, NULL));
    TRY(umount2("/proc", 0));
    TRY(syscall(SYS_pivot_root, ".", "."));
    TRY(sethostname("x", 1));
    TRY(syscall(SYS_swapon, "f", 0));
    TRY(syscall(SYS_reboot, 0, 0, 0, 0));
    TRY(syscall(SYS_settimeofday, NULL, NULL));
    TRY(syscall(-1));
    TRY(syscall(5000));
    TRY(syscall(0x40000000 | SYS_getpid));
}

void rooms(void)
{
    char here[256], home[256];
    TRY(getcwd(home, sizeof home) != NULL);
    TRY(mkdir("d", 0755));
    TRY(mkdir("d/e", 0755));
    TRY(chdir("core"));
    TRY(chdir("nothing"));
    TRY(chdir("core/"));
    TRY(chdir("d/e/"));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s\n", strchr(here + 1, '/'));
    TRY(syscall(SYS_getcwd, here, 3));
    TRY(syscall(SYS_getcwd, 8, 200));
    int folder = open(".", O_RDONLY), file = open("../../core", O_RDONLY), path = open("..", O_PATH);
    TRY(chdir(".."));
    TRY(rename("e", "f"));
    TRY(fchdir(folder));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s\n", strchr(here + 1, '/'));
    TRY(fchdir(file));
    TRY(fchdir(-1));
    TRY(fchdir(path));
    TRY(fchdir(folder));
    TRY(rmdir("../f"));
    TRY(syscall(SYS_getcwd, here, sizeof here));
    TRY(chdir("."));
    DOES(open("x", O_CREAT | O_WRONLY, 0600));
    TRY(mkdir("x", 0700));
    struct stat found;
    TRY(stat(".", &found));
    TRY(found.st_nlink);
    TRY(stat("..", &found));
    TRY(stat("x", &found));
    TRY(chdir(".."));
    TRY(getcwd(here, sizeof here) != NULL);
    TRY(mkdir("d (deleted)", 0700));
    TRY(chdir("d (deleted)"));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s\n", strchr(here + 1, '/'));
    DOES(open("x", O_CREAT | O_WRONLY, 0600));
    TRY(chdir("../../private"));
    TRY(chdir("../../closed"));
    TRY(chdir(home));
    TRY(chdir("private"));
    TRY(chdir(home));
    TRY(chroot("nothing"));
    TRY(chroot("core"));
    TRY(chroot("private"));
    TRY(chdir(".."));
    TRY(chdir(home));
    TRY(chroot("shared"));
    TRY(getcwd(here, sizeof here) != NULL);
    TRY(stat("old", &found));
    TRY(stat("shared/old", &found));
    TRY(stat("/old", &found));
    TRY(stat("/../old", &found));
    TRY(symlink("/old", "/link"));
    TRY(stat("/link", &found));
    TRY(chdir("/"));
    TRY(getcwd(here, sizeof here) != NULL);
    printf("  %s\n", here);
    TRY(stat("../../../old", &found));
}

void watching(void)
{
    char events[4096];
    int watch = inotify_init1(IN_NONBLOCK);
    make_file("f", "f", 0600);
    TRY(mkdir("d", 0755));
    TRY(symlink("f", "l"));
    TRY(inotify_add_watch(watch, "d", IN_CREATE | IN_DELETE | IN_ATTRIB));
    TRY(inotify_add_watch(watch, "nothing", IN_CREATE));
    TRY(inotify_add_watch(watch, "f", IN_ONLYDIR | IN_MODIFY));
    TRY(inotify_add_watch(watch, "l", IN_DONT_FOLLOW | IN_MODIFY));
    TRY(inotify_add_watch(watch, "l", IN_MODIFY));
    TRY(inotify_add_watch(-1, "l", IN_MODIFY));
    make_file("d/x", "x", 0600);
    unlink("d/x");
    ssize_t size = read(watch, events, sizeof events);
    for (ssize_t at = 0; at < size;) {
        struct inotify_event *event = (struct inotify_event *)(events + at);
        if (event->mask & (IN_CREATE | IN_DELETE))
            printf("  %x %s\n", event->mask, event->name);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linux 6.6: who waits for us runs on our processor next, which saves half of the time of a call. */
#define SET_FLAGS _IOW('!', 4, __u64)
#define SYNC_WAKE_UP 1ul

struct recorder recorder;

/* --- the listener goes from the script's process to init ----------------------------------------------------------- */

static void send_listener(int socket, int listener)
{
    char byte = 0, control[CMSG_SPACE(sizeof listener)] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof listener);
    memcpy(CMSG_DATA(header), &listener, sizeof listener);
    if (sendmsg(socket, &message, 0) != 1)
        fail(REFUSED, "sendmsg", "(the listener)");
}

/* -1: the script's process ended before it sent one, and said why. */
static int receive_listener(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    int listener = -1;
    if (header)
        memcpy(&listener, CMSG_DATA(header), sizeof listener);
    close(socket);
    return listener;
}

void be_recorded(const struct script *script, int listening)
{
    int listener = install_filter(script->shares_pids);
    if (listener < 0)
        fail(REFUSED, "seccomp", "(a filter with a listener, Linux 5.19)");
    send_listener(listening, listener);
    close(listener);
    close(listening);
}

/* --- the calls ----------------------------------------------------------------------------------------------------- */


/* Its calls have other numbers and structures: what it did to owners would be lost. */
static void end_foreign(const struct call *call)
{
    static const char why[] = "ocibake-sandbox: a program for another architecture (32 bit?) was ended: "
                              "this sandbox could not record what it does to owners\n";
    char path[32];
    snprintf(path, sizeof path, "%d/fd/2", call->pid);
    int fd = openat(recorder.proc, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, why, sizeof why - 1);
        close(fd);
    }
    if (ioctl(recorder.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->notif->id) == 0)
        kill(call->pid, SIGKILL);
}

static void serve(const struct seccomp_notif *notif, struct seccomp_notif_resp *answer)
{
    struct call call = {.notif = notif, .pid = (pid_t)notif->pid, .args = notif->data.args};
    if (!is_native(&notif->data))
        end_foreign(&call);
    else {
        handler *serve_it = handler_of(notif->data.nr);
        if (serve_it)
            serve_it(&call);
        else
            call.native = true;
    }
    if (call.sent)
        return;
    answer->id = notif->id;
    answer->error = call.native ? 0 : call.error;
    answer->val = call.native || call.error ? 0 : call.value;
    answer->flags = call.native ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    /* ENOENT: the caller was killed meanwhile. */
    if (ioctl(recorder.listener, SECCOMP_IOCTL_NOTIF_SEND, answer) && errno != ENOENT)
        fail(REFUSED, "ioctl", "SECCOMP_IOCTL_NOTIF_SEND");
}

/* The kernel's structures may be larger than ours. */
static void serve_one(void)
{
    static struct seccomp_notif_sizes sizes;
    static struct seccomp_notif *notif;
    static struct seccomp_notif_resp *answer;
    if (!notif) {
        if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
            fail(REFUSED, "seccomp", "SECCOMP_GET_NOTIF_SIZES");
        notif = allocate(sizes.seccomp_notif > sizeof *notif ? sizes.seccomp_notif : sizeof *notif);
        answer = allocate(sizes.seccomp_notif_resp > sizeof *answer ? sizes.seccomp_notif_resp : sizeof *answer);
    }
    memset(notif, 0, sizes.seccomp_notif);
    memset(answer, 0, sizes.seccomp_notif_resp);
    if (ioctl(recorder.listener, SECCOMP_IOCTL_NOTIF_RECV, notif) == 0)
        serve(notif, answer);
    else if (errno != ENOENT && errno != EINTR)
        fail(REFUSED, "ioctl", "SECCOMP_IOCTL_NOTIF_RECV");
}

/* --- until the script ends ----------------------------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        fail(REFUSED, "signalfd", "");
    return fd;
}

/* Whether the script has ended; everything else that ended is buried. */
static bool has_ended(pid_t script, int *status)
{
    int one;
    pid_t dead;
    while ((dead = waitpid(-1, &one, WNOHANG)) > 0)
        if (dead == script) {
            *status = one;
            return true;
        }
    return false;
}

/* `alive` closes when the first process is gone, or wants an end. */
static int serve_until_end(pid_t script, int alive)
{
    struct signalfd_siginfo ignored;
    int status = 0, signals = open_signals();
    struct pollfd polled[3] = {
        {.fd = recorder.listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}, {.fd = alive, .events = POLLIN}};
    while (!has_ended(script, &status)) {
        do {
            if (poll(polled, 3, -1) < 0)
                continue;
            if (polled[2].revents)
                return SIGKILL;
            if (polled[0].revents & POLLIN)
                serve_one();
            else if (polled[0].revents) /* nobody is left who could call */
                polled[0].fd = -1;
        } while (!polled[1].revents);
        (void)!read(signals, &ignored, sizeof ignored);
    }
    return status;
}

/* What the script left running must not change the root after the records were written. */
static void kill_the_rest(const struct script *script)
{
    if (script->shares_pids) {
        kill_namespace();
        return;
    }
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

static void prepare(struct owners *owners, int listener)
{
    struct stat root, proc;
    umask(0);
    recorder.owners = owners;
    recorder.listener = listener;
    recorder.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (recorder.proc < 0 || stat("/", &root) || fstat(recorder.proc, &proc))
        fail(REFUSED, "open", "/proc");
    recorder.proc_device = proc.st_dev;
    recorder.root_device = root.st_dev;
    ioctl(recorder.listener, SET_FLAGS, SYNC_WAKE_UP);
}

_Noreturn void record(const struct script *script, pid_t process, int listening)
{
    int status, listener = receive_listener(listening);
    /* What is left would outlive us: parent_alive is watched instead. */
    if (script->shares_pids)
        prctl(PR_SET_PDEATHSIG, 0);
    recorder.shares_pids = script->shares_pids;
    prepare(script->owners, listener);
    if (listener >= 0)
        status = serve_until_end(process, script->parent_alive);
    else
        while (waitpid(process, &status, 0) < 0 && errno == EINTR)
            ;
    kill_the_rest(script);
    write_owners(script->owners, RECORDS);
    if (run_report->outcome == NOTHING_YET)
        note_end(status);
    _exit(0);
}

/* The loop: every process of the script stops here when it makes a call of calls.c, is born, or executes a program. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static pid_t script;

static void resume(const struct task *task, int request, int signal)
{
    if (request == PTRACE_CONT && task->is_watched && !task->loading)
        request = PTRACE_SYSCALL;
    /* It fails only if the thread was killed meanwhile; then wait(2) tells. */
    ptrace(request, task->tid, NULL, (void *)(long)signal);
}

_Noreturn void give_up(const char *what)
{
    fail_with(UNFIT, what); /* PTRACE_O_EXITKILL */
}

static bool is_foreign(const struct task *task)
{
    struct __ptrace_syscall_info info;
    return ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) > 0 && info.arch != audit_arch;
}

/* A filter of the script's own may have asked for a tracer, too: then the event's message is not ours. */
static bool is_ours(const struct task *task, unsigned long which)
{
    return which < call_count && calls[which].number == call_number(&task->now);
}

static void serve(struct task *task)
{
    unsigned long which = 0, arguments[6];
    ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &which);
    if (which == FOREIGN_CALL && is_foreign(task))
        give_up("the script runs a program for 32 bits or another processor, which the ptrace sandbox cannot follow");
    if ((task->loading && !task->at_exit) || !get_registers(task->tid, &task->now)) {
        resume(task, PTRACE_CONT, 0); /* a call of ours, load.c */
        return;
    }
    task->before = task->now;
    task->at_exit = NULL;
    task->is_rewritten = false;
    for (int i = 0; i < 6; i++)
        arguments[i] = call_argument(&task->now, i);
    long result = is_ours(task, which) ? calls[which].handle(task, arguments) : -ENOSYS;
    if (result == PASS) {
        resume(task, PTRACE_CONT, 0);
        return;
    }
    task->is_rewritten = result == REWRITTEN;
    if (!task->is_rewritten) {
        give_back(task);
        skip_call(&task->now, result);
    }
    set_registers(task->tid, &task->now);
    resume(task, task->is_rewritten ? PTRACE_SYSCALL : PTRACE_CONT, 0);
}

/* A call that we have changed is over: the thread finds its registers as it left them, but for the result. */
static void finish(struct task *task)
{
    if (task->is_rewritten && get_registers(task->tid, &task->now)) {
        long result = call_result(&task->now);
        at_exit *hook = task->at_exit;
        task->at_exit = NULL;
        if (hook)
            result = hook(task, result);
        for (int i = 0; i < 6; i++)
            set_argument(&task->now, i, call_argument(&task->before, i));
        set_call(&task->now, call_number(&task->before));
        if (result == AGAIN)
            repeat_call(&task->now);
        else
            set_result(&task->now, result);
        set_registers(task->tid, &task->now);
    }
    give_back(task);
    task->is_rewritten = false;
    resume(task, PTRACE_CONT, 0);
}

/* One that stops at every call: before it, and after it. */
static void watch(struct task *task)
{
    struct __ptrace_syscall_info info;
    long size = ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info);
    if (size <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        finish(task);
        return;
    }
    serve_chroot(task);
    resume(task, PTRACE_SYSCALL, 0);
}

static unsigned long clone_flags(struct task *parent)
{
    get_registers(parent->tid, &parent->now);
    switch (call_number(&parent->now)) {
    case SYS_clone:
        return call_argument(&parent->now, 0);
#ifdef SYS_vfork
    case SYS_vfork:
        return CLONE_VM | CLONE_VFORK;
#endif
    default:
        return 0;
    }
}

static void note_birth(struct task *parent)
{
    unsigned long tid = 0;
    ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid);
    struct task *child = inherit_task(parent, (pid_t)tid, clone_flags(parent));
    if (child && child->is_waiting) {
        child->is_waiting = false;
        resume(child, PTRACE_CONT, 0);
    }
    resume(parent, PTRACE_CONT, 0);
}

static void note_exec(pid_t tid)
{
    unsigned long former = 0;
    ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former);
    become_leader(task_of(tid), (pid_t)former);
    struct task *task = task_of(tid);
    task->at_exit = NULL;
    task->is_rewritten = false;
    if (task->loading)
        begin_loading(task);
    resume(task, PTRACE_CONT, 0);
}

static bool is_group_stop(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void attend(struct task *task, int status)
{
    int signal = WSTOPSIG(status);
    switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP:
        serve(task);
        break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        note_birth(task);
        break;
    case PTRACE_EVENT_EXEC:
        note_exec(task->tid);
        break;
    case PTRACE_EVENT_STOP:
        resume(task, is_group_stop(signal) ? PTRACE_LISTEN : PTRACE_CONT, 0);
        break;
    default:
        if (signal == CALL_STOP) {
            (task->is_watched ? watch : finish)(task);
        } else if (signal == SIGTRAP && task->loading && !task->at_exit) {
            end_loading(task);
            resume(task, PTRACE_CONT, 0);
        } else {
            resume(task, PTRACE_CONT, signal);
        }
    }
}

static void end(pid_t pid, int signal)
{
    kill(pid, signal);
}

/* Everything that is left dies; until it is dead, it may still be born, or stop. */
static void end_all(void)
{
    int status;
    each_process(0, end, SIGKILL);
    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == ECHILD)
            return;
        if (tid > 0 && WIFSTOPPED(status))
            kill(tid, SIGKILL);
    }
}

/* Serves until the script itself has ended. */
static void serve_all(void)
{
    for (;;) {
        int status;
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            fail(REFUSED, "wait", "(the script)");
        struct task *task = task_of(tid);
        if (WIFSTOPPED(status)) {
            if (!task || task->is_dead) {
                if (task)
                    forget_task(task); /* the number has been given again */
                task = early_task(tid);
            }
            if (task->is_known)
                attend(task, status);
            else
                task->is_waiting = true;
            continue;
        }
        if (task)
            note_death(task);
        if (tid == script) {
            if (run_report->outcome == NOTHING_YET)
                note_end(status);
            return;
        }
    }
}

/* One for each thread that is in a call with a socket. */
static void allow_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

_Noreturn void trace_script(struct options *options)
{
    const long wanted = PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                        PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
    int gate[2];
    if (pipe2(gate, O_CLOEXEC))
        fail(REFUSED, "pipe", "");
    script = fork();
    if (script < 0)
        fail(REFUSED, "fork", "");
    if (script == 0) {
        close(gate[1]);
        start_script(options, gate[0]);
    }
    if (ptrace(PTRACE_SEIZE, script, NULL, (void *)wanted)) {
        int error = errno;
        kill(script, SIGKILL);
        errno = error;
        fail(REFUSED, "ptrace", "(the script)");
    }
    first_task(script);
    allow_files();
    close(gate[0]);
    close(gate[1]);
    close(options->script.out);
    close(options->script.err);
    umask(0);
    serve_all();
    end_all();
    forget_areas();
    if (run_report->outcome == EXITED && run_report->code == 0)
        write_owners(owners, RECORDS);
    _exit(0);
}

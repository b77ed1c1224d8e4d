/* Which system calls are the recorder's, which are refused, which do nothing, and the filters that say so, seccomp(2). */
#include "recorder.h"
#include "syncs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the recorder knows the system calls of x86-64 and arm64"
#endif

/* Calls that are newer than some headers; the numbers are the same everywhere. */
enum { CALL_PIDFD_OPEN = 434, CALL_CLONE3 = 435, CALL_OPENAT2 = 437, CALL_FACCESSAT2 = 439, CALL_FCHMODAT2 = 452, CALL_IO_URING_SETUP = 425 };
enum { CALL_SETXATTRAT = 463, CALL_GETXATTRAT, CALL_LISTXATTRAT, CALL_REMOVEXATTRAT };

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define REFUSED_WITH(error) (SECCOMP_RET_ERRNO | (error))
#define ANY (-1)

/* A rule with an argument holds when that argument has one of `bits`, or is equal to them. */
struct rule {
    int number;
    handler *serve; /* NULL: `action` */
    unsigned action;
    int argument;
    unsigned bits;
    bool equal;
    bool signals; /* only where signals are served */
};

#define SERVE(name) {SYS_##name, serve_##name, SECCOMP_RET_USER_NOTIF, ANY, 0, false, false}
#define SERVE_NEW(number, name) {number, serve_##name, SECCOMP_RET_USER_NOTIF, ANY, 0, false, false}
#define SERVE_EQUAL(name, by, argument, value) {SYS_##name, by, SECCOMP_RET_USER_NOTIF, argument, value, true, false}
#define SERVE_SIGNAL(number, by) {number, by, SECCOMP_RET_USER_NOTIF, ANY, 0, false, true}
#define REFUSE(number, error) {number, NULL, REFUSED_WITH(error), ANY, 0, false, false}
#define REFUSE_BITS(name, argument, bits, error) {SYS_##name, NULL, REFUSED_WITH(error), argument, bits, false, false}

static const struct rule rules[] = {
    SERVE(fchown), SERVE(fchownat), SERVE(fchmod), SERVE(fchmodat), SERVE_NEW(CALL_FCHMODAT2, fchmodat2),
    SERVE(newfstatat), SERVE(fstat), SERVE(statx),
    SERVE(openat), SERVE(mkdirat), SERVE(mknodat), SERVE(symlinkat), SERVE(linkat),
    SERVE(unlinkat), SERVE(renameat2),
    SERVE(setuid), SERVE(setgid), SERVE(setreuid), SERVE(setregid), SERVE(setresuid), SERVE(setresgid),
    SERVE(setfsuid), SERVE(setfsgid), SERVE(setgroups), SERVE(getgroups),
    SERVE(getuid), SERVE(geteuid), SERVE(getgid), SERVE(getegid), SERVE(getresuid), SERVE(getresgid),
    SERVE(setxattr), SERVE(lsetxattr), SERVE(fsetxattr), SERVE(getxattr), SERVE(lgetxattr), SERVE(fgetxattr),
    SERVE(listxattr), SERVE(llistxattr), SERVE(flistxattr), SERVE(removexattr), SERVE(lremovexattr),
    SERVE(fremovexattr),
    SERVE(execve), SERVE(execveat), SERVE(faccessat), SERVE_NEW(CALL_FACCESSAT2, faccessat2), SERVE(chroot),
    SERVE_EQUAL(prlimit64, serve_limit, 1, RLIMIT_RTTIME),
    SERVE(capget), SERVE(capset), SERVE(prctl), SERVE(chdir), SERVE(truncate), SERVE(bind), SERVE(kill),
    SERVE(utimensat),
#ifdef SYS_renameat
    SERVE(renameat),
#endif
#ifdef SYS_chown
    SERVE(chown), SERVE(lchown), SERVE(chmod), SERVE(stat), SERVE(lstat), SERVE(open), SERVE(creat),
    SERVE(mkdir), SERVE(mknod), SERVE(symlink), SERVE(link), SERVE(unlink), SERVE(rmdir), SERVE(rename), SERVE(access),
#endif
#ifdef SYS_utime
    SERVE(utime), SERVE(utimes), SERVE(futimesat),
#endif
#ifdef SYS_getrlimit
    SERVE_EQUAL(getrlimit, serve_limit, 0, RLIMIT_RTTIME), SERVE_EQUAL(setrlimit, serve_limit, 0, RLIMIT_RTTIME),
#endif
    SERVE_SIGNAL(SYS_tkill, serve_signal), SERVE_SIGNAL(SYS_tgkill, serve_signal),
    SERVE_SIGNAL(SYS_rt_sigqueueinfo, serve_signal), SERVE_SIGNAL(SYS_rt_tgsigqueueinfo, serve_signal),
    SERVE_SIGNAL(CALL_PIDFD_OPEN, serve_signal),
    /* These take their flags from memory, or do what other calls do: programs know kernels that lack them. */
    REFUSE(CALL_OPENAT2, ENOSYS), REFUSE(CALL_CLONE3, ENOSYS), REFUSE(CALL_IO_URING_SETUP, ENOSYS),
    REFUSE(CALL_SETXATTRAT, ENOSYS), REFUSE(CALL_GETXATTRAT, ENOSYS), REFUSE(CALL_LISTXATTRAT, ENOSYS),
    REFUSE(CALL_REMOVEXATTRAT, ENOSYS),
    /* A user namespace below this one would have other ids and other mounts. */
    REFUSE_BITS(unshare, 0, CLONE_NEWUSER, EPERM), REFUSE_BITS(clone, 0, CLONE_NEWUSER, EPERM),
};

#define RULES (sizeof rules / sizeof *rules)
#define LENGTH_MAX (RULES * 5 + SYNCS * 2 + 16)

handler *handler_of(int number)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].number == number)
            return rules[i].serve;
    return NULL;
}

static struct sock_filter *load(struct sock_filter *at, size_t offset)
{
    *at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset);
    return at;
}

static struct sock_filter *give(struct sock_filter *at, unsigned action)
{
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    return at;
}

/* If the number is the rule's: its action, or none; else on to the next rule. The low half of an argument is enough. */
static struct sock_filter *put_rule(struct sock_filter *at, const struct rule *rule)
{
    unsigned char length = rule->argument == ANY ? 1 : 4;
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)rule->number, 0, length);
    if (rule->argument != ANY) {
        at = load(at, offsetof(struct seccomp_data, args) + (size_t)rule->argument * sizeof(__u64));
        unsigned short test = rule->equal ? BPF_JEQ : BPF_JSET;
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, rule->bits, 0, 1);
        at = give(at, rule->action);
        return give(at, SECCOMP_RET_ALLOW);
    }
    return give(at, rule->action);
}

static struct sock_filter *put_syncs(struct sock_filter *at)
{
    for (size_t i = 0; i < SYNCS; i++)
        at = put_rule(at, &(struct rule){.number = syncs[i], .action = REFUSED_WITH(0), .argument = ANY});
    return at;
}

/* For calls of this architecture; those of another one (i386) get `foreign`. */
static struct sock_filter *begin(struct sock_filter *code, unsigned foreign)
{
    struct sock_filter *at = load(code, offsetof(struct seccomp_data, arch));
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    at = give(at, foreign);
    return load(at, offsetof(struct seccomp_data, nr));
}

void ignore_syncs(void)
{
    struct sock_filter code[LENGTH_MAX];
    struct sock_filter *at = give(put_syncs(begin(code, SECCOMP_RET_ALLOW)), SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {(unsigned short)(at - code), code};
    /* Not for safety, so nothing of the processor has to be turned off for it; where it is not allowed, disks are waited for. */
    (void)!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

int install_filter(bool signals)
{
    static struct sock_filter code[LENGTH_MAX];
    /* recorder.c says why foreign programs end. */
    struct sock_filter *at = begin(code, SECCOMP_RET_USER_NOTIF);
#ifdef __x86_64__
    /* x32: other numbers for the same calls. Most kernels lack it, and so says the answer. */
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    at = give(at, REFUSED_WITH(ENOSYS));
#endif
    for (size_t i = 0; i < RULES; i++)
        if (signals || !rules[i].signals)
            at = put_rule(at, &rules[i]);
    at = give(put_syncs(at), SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {(unsigned short)(at - code), code};
    const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener >= 0 || errno != EACCES)
        return listener;
    /* Without CAP_SYS_ADMIN, only for those who give up on set-id programs: real ones, of which we have none. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

bool is_native(const struct seccomp_data *data)
{
    return data->arch == NATIVE_ARCH;
}

/*
 * Which system calls stop a thread (those of calls.c), which fail, which do nothing, and which run at full speed: all
 * others. What says a path in a way that we do not read must fail: it would reach the host.
 */
#include "trace.h"
#include "../syncs.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later ones are new to us, and may say paths. mseal(2), Linux 6.10. */
#define LAST_KNOWN 462

/* As on an older kernel: programs know what to do without them. */
static const int unknown[] = {
    SYS_clone3,        SYS_execveat,   SYS_openat2,      SYS_open_by_handle_at, SYS_io_uring_setup,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig,      SYS_fsmount,    SYS_fspick,       428 /* open_tree */,   442 /* mount_setattr */,
    444 /* landlock_create_ruleset */, 445, 446, 452 /* fchmodat2 */, 457 /* statmount */, 458 /* listmount */,
    SYS_add_key,       SYS_request_key, SYS_keyctl,      SYS_fanotify_init,     SYS_fanotify_mark,
    SYS_quotactl,      443 /* quotactl_fd */,
};

/* As for root in a container. */
static const int forbidden[] = {
    SYS_mount,         SYS_umount2,        SYS_pivot_root,    SYS_swapon,       SYS_swapoff,     SYS_reboot,
    SYS_sethostname,   SYS_setdomainname,  SYS_settimeofday,  SYS_clock_settime, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_kexec_load,     SYS_bpf,           SYS_perf_event_open, SYS_acct,     SYS_setns,
    SYS_ptrace,        SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,   438 /* pidfd_getfd */,
    SYS_vhangup,       SYS_syslog,        SYS_kexec_file_load, SYS_adjtimex, SYS_clock_adjtime,
#ifdef SYS_iopl
    SYS_iopl,          SYS_ioperm,
#endif
};

#define INSTRUCTIONS_MAX 1024

struct program_text {
    struct sock_filter code[INSTRUCTIONS_MAX];
    unsigned short length;
};

static void add(struct program_text *text, struct sock_filter instruction)
{
    text->code[text->length++] = instruction;
}

static void load(struct program_text *text, size_t offset)
{
    add(text, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void answer(struct program_text *text, unsigned with)
{
    add(text, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, with));
}

/* Skips the next instructions unless what is loaded is `value`. */
static void unless(struct program_text *text, unsigned value, unsigned char skipped)
{
    add(text, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped));
}

static void answer_to(struct program_text *text, int number, unsigned with)
{
    unless(text, (unsigned)number, 1);
    answer(text, with);
}

static unsigned argument(int which)
{
    return (unsigned)(offsetof(struct seccomp_data, args) + (size_t)which * sizeof(unsigned long long));
}

/* The call if `which` argument has one of the bits; the number is not loaded afterwards, so it ends here either way. */
static void refuse_bits(struct program_text *text, int number, int which, unsigned bits)
{
    unless(text, (unsigned)number, 4);
    load(text, argument(which));
    add(text, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    answer(text, SECCOMP_RET_ERRNO | EPERM);
    answer(text, SECCOMP_RET_ALLOW);
}

/* The kernel's log of who did what is not the builder's to write: programs know kernels without it. */
static void refuse_audit(struct program_text *text)
{
    unless(text, SYS_socket, 6);
    load(text, argument(0));
    unless(text, AF_NETLINK, 3);
    load(text, argument(2));
    unless(text, NETLINK_AUDIT, 1);
    answer(text, SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
    load(text, offsetof(struct seccomp_data, nr));
}

/* Not even loopback: only sockets between the script's own processes. */
static void refuse_network(struct program_text *text)
{
    unless(text, SYS_socket, 4);
    load(text, argument(0));
    unless(text, AF_UNIX, 1);
    answer(text, SECCOMP_RET_ALLOW);
    answer(text, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void write_filter(struct program_text *text, bool network)
{
    load(text, offsetof(struct seccomp_data, arch));
    add(text, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit_arch, 1, 0));
    answer(text, SECCOMP_RET_TRACE | FOREIGN_CALL);
    load(text, offsetof(struct seccomp_data, nr));
    /* Above it are also the x32 calls, bit 30, which most kernels lack: so says the answer. */
    add(text, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_KNOWN, 0, 1));
    answer(text, SECCOMP_RET_ERRNO | ENOSYS);
    for (size_t i = 0; i < call_count; i++)
        answer_to(text, calls[i].number, SECCOMP_RET_TRACE | (unsigned)i);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        answer_to(text, unknown[i], SECCOMP_RET_ERRNO | ENOSYS);
    for (size_t i = 0; i < SYNCS; i++)
        answer_to(text, syncs[i], SECCOMP_RET_ERRNO | 0);
    answer_to(text, SYS_name_to_handle_at, SECCOMP_RET_ERRNO | EOPNOTSUPP);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        answer_to(text, forbidden[i], SECCOMP_RET_ERRNO | EPERM);
    const unsigned namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                CLONE_NEWPID | CLONE_NEWNET;
    refuse_bits(text, SYS_clone, 0, namespaces | CLONE_UNTRACED);
    refuse_audit(text);
    if (!network)
        refuse_network(text);
    answer(text, SECCOMP_RET_ALLOW);
}

void install_filter(bool network)
{
    struct program_text text = {.length = 0};
    write_filter(&text, network);
    const struct sock_fprog program = {.len = text.length, .filter = text.code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        fail(REFUSED, "prctl", "PR_SET_NO_NEW_PRIVS");
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        fail(REFUSED, "seccomp", "");
}

#include "arch.h"

#if defined(__x86_64__)

#include <elf.h>
#include <linux/audit.h>
#include <sys/ptrace.h>

const unsigned audit_arch = AUDIT_ARCH_X86_64;
const unsigned elf_machine = EM_X86_64;
/* The kernel's own programs and heaps are above 0x555555554000, libraries and stacks near 0x7fff00000000. */
const unsigned long program_base = 0x550000000000;
const unsigned long scratch_base = 0x540000000000;
const unsigned long red_zone = 128; /* System V ABI, AMD64 supplement, 3.2.2 */

bool get_registers(pid_t tid, struct registers *registers)
{
    return ptrace(PTRACE_GETREGS, tid, NULL, &registers->user) == 0;
}

bool set_registers(pid_t tid, struct registers *registers)
{
    return ptrace(PTRACE_SETREGS, tid, NULL, &registers->user) == 0;
}

long call_number(const struct registers *registers)
{
    return (long)registers->user.orig_rax;
}

unsigned long call_argument(const struct registers *registers, int which)
{
    const struct user_regs_struct *user = &registers->user;
    const unsigned long long all[] = {user->rdi, user->rsi, user->rdx, user->r10, user->r8, user->r9};
    return all[which];
}

long call_result(const struct registers *registers)
{
    return (long)registers->user.rax;
}

unsigned long stack_pointer(const struct registers *registers)
{
    return registers->user.rsp;
}

unsigned long program_counter(const struct registers *registers)
{
    return registers->user.rip;
}

void set_call(struct registers *registers, long number)
{
    registers->user.orig_rax = (unsigned long)number;
}

void set_argument(struct registers *registers, int which, unsigned long value)
{
    struct user_regs_struct *user = &registers->user;
    unsigned long long *const all[] = {&user->rdi, &user->rsi, &user->rdx, &user->r10, &user->r8, &user->r9};
    *all[which] = value;
}

void set_result(struct registers *registers, long result)
{
    registers->user.rax = (unsigned long)result;
}

void skip_call(struct registers *registers, long result)
{
    set_call(registers, -1);
    set_result(registers, result);
}

void repeat_call(struct registers *registers)
{
    registers->user.rip -= 2; /* syscall */
    registers->user.rax = registers->user.orig_rax;
}

/* rbx: the row's next call; rbp: calls that are left; r12: the first result. */
const unsigned char call_row[] = {
    0x48, 0x8b, 0x03,                   /* mov rax, [rbx] */
    0x48, 0x8b, 0x7b, 0x08,             /* mov rdi, [rbx+8] */
    0x48, 0x8b, 0x73, 0x10,             /* mov rsi, [rbx+16] */
    0x48, 0x8b, 0x53, 0x18,             /* mov rdx, [rbx+24] */
    0x4c, 0x8b, 0x53, 0x20,             /* mov r10, [rbx+32] */
    0x4c, 0x8b, 0x43, 0x28,             /* mov r8, [rbx+40] */
    0x4c, 0x8b, 0x4b, 0x30,             /* mov r9, [rbx+48] */
    0x0f, 0x05,                         /* syscall */
    0x48, 0x89, 0x03,                   /* mov [rbx], rax */
    0x49, 0x89, 0xc4,                   /* mov r12, rax */
    0x48, 0x83, 0xc3, 0x38,             /* next: add rbx, 56 */
    0x48, 0xff, 0xcd,                   /* dec rbp */
    0x74, 0x29,                         /* jz done */
    0x48, 0x8b, 0x03,                   /* mov rax, [rbx] */
    0x48, 0x8b, 0x7b, 0x08,             /* mov rdi, [rbx+8] */
    0x48, 0x83, 0xfd, 0x01,             /* cmp rbp, 1 */
    0x49, 0x0f, 0x44, 0xfc,             /* cmove rdi, r12 */
    0x48, 0x8b, 0x73, 0x10,             /* mov rsi, [rbx+16] */
    0x48, 0x8b, 0x53, 0x18,             /* mov rdx, [rbx+24] */
    0x4c, 0x8b, 0x53, 0x20,             /* mov r10, [rbx+32] */
    0x4d, 0x89, 0xe0,                   /* mov r8, r12 */
    0x4c, 0x8b, 0x4b, 0x30,             /* mov r9, [rbx+48] */
    0x0f, 0x05,                         /* syscall */
    0x48, 0x89, 0x03,                   /* mov [rbx], rax */
    0xeb, 0xce,                         /* jmp next */
    0xcc,                               /* done: int3 */
};
const size_t call_row_size = sizeof call_row;

void start_call_row(struct registers *registers, unsigned long code, unsigned long table, unsigned long count)
{
    registers->user.rip = code;
    registers->user.rbx = table;
    registers->user.rbp = count;
}

#endif

/* What differs from processor to processor. One ARCH.c for each implements it. */
#ifndef OCIBAKE_TRACE_ARCH_H
#define OCIBAKE_TRACE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#if defined(__x86_64__)
#include <sys/user.h>
struct registers {
    struct user_regs_struct user;
};
#endif

/* Memory of ours in every address space of the script's: a slot for each thread that may be in a call at once. */
#define SCRATCH_SLOTS 256
#define SLOT_SIZE 16384ul

extern const unsigned audit_arch;
extern const unsigned elf_machine;
/* Where programs without an address of their own go, away from where the kernel puts things. */
extern const unsigned long program_base;
extern const unsigned long scratch_base;

bool get_registers(pid_t tid, struct registers *registers);
bool set_registers(pid_t tid, struct registers *registers);
long call_number(const struct registers *registers);
unsigned long call_argument(const struct registers *registers, int which);
long call_result(const struct registers *registers);
unsigned long stack_pointer(const struct registers *registers);
unsigned long program_counter(const struct registers *registers);
void set_call(struct registers *registers, long number);
void set_argument(struct registers *registers, int which, unsigned long value);
void set_result(struct registers *registers, long result);
/* The call is not made, and this is its result. */
void skip_call(struct registers *registers, long result);
/* After a call: the thread makes it once more. */
void repeat_call(struct registers *registers);

/*
 * A piece of code that makes a row of system calls and then stops with SIGTRAP: `table` has seven words for each, the
 * number and six arguments; the result takes the place of the number. Argument 5 of all but the first is the result
 * of the first, argument 1 of the last one too: "open, then map, map, ..., close".
 */
extern const unsigned char call_row[];
extern const size_t call_row_size;
void start_call_row(struct registers *registers, unsigned long code, unsigned long table, unsigned long count);
/* Bytes below the stack pointer that a function may use without moving it. */
extern const unsigned long red_zone;

#endif

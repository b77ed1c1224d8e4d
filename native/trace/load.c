/*
 * The part of execve(2) that the kernel was not asked for. It has just loaded the root's ld.so (or a static program),
 * and nothing has run yet. A row of system calls, made by the new process itself, maps the program and some memory
 * for us; then the auxiliary vector is made to say what it would have said, and ld.so finds everything in its place.
 */
#include "trace.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS 7
#define CALLS_MAX 40
#define SCRATCH_SIZE (SCRATCH_SLOTS * SLOT_SIZE + PATH_MAX) /* the last page holds AT_EXECFN's text */

struct row {
    unsigned long calls[CALLS_MAX][WORDS];
    unsigned long count;
};

static unsigned long page_down(unsigned long address)
{
    return address & ~((unsigned long)sysconf(_SC_PAGESIZE) - 1);
}

static unsigned long page_up(unsigned long address)
{
    return page_down(address + (unsigned long)sysconf(_SC_PAGESIZE) - 1);
}

static void add_call(struct row *row, long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                     unsigned long f)
{
    const unsigned long call[WORDS] = {(unsigned long)number, a, b, c, d, 0, f};
    memcpy(row->calls[row->count++], call, sizeof call);
}

static void add_memory(struct row *row, unsigned long address, unsigned long size, int protection)
{
    unsigned long flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    add_call(row, SYS_mmap, address, size, (unsigned long)protection, flags, 0);
}

static void add_segment(struct row *row, const struct segment *segment, unsigned long bias)
{
    unsigned long start = page_down(bias + segment->address), before = bias + segment->address - start;
    unsigned long file_end = bias + segment->address + segment->file_size;
    unsigned long end = page_up(bias + segment->address + segment->size);
    if (segment->file_size)
        add_call(row, SYS_mmap, start, segment->file_size + before, (unsigned long)segment->protection,
                 MAP_PRIVATE | MAP_FIXED, segment->offset - before);
    unsigned long rest = segment->file_size ? page_up(file_end) : start;
    if (end > rest)
        add_memory(row, rest, end - rest, segment->protection);
}

/* The first call opens the program, if there is one to open, and then the last one closes it. */
static void write_row(struct row *row, const struct program *program, unsigned long host, unsigned long name)
{
    if (program->interpreter[0])
        add_call(row, SYS_openat, (unsigned long)AT_FDCWD, host, O_RDONLY | O_CLOEXEC, 0, 0);
    add_memory(row, scratch_base, SCRATCH_SIZE, PROT_READ | PROT_WRITE);
    if (program->interpreter[0])
        for (int i = 0; i < program->segment_count; i++)
            add_segment(row, &program->segments[i], bias_of(program));
    add_call(row, SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
    add_call(row, program->interpreter[0] ? SYS_close : SYS_getpid, 0, 0, 0, 0, 0);
}

static bool poke(pid_t tid, unsigned long address, const unsigned char *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(long)) {
        long word;
        memcpy(&word, bytes + at, sizeof word);
        if (ptrace(PTRACE_POKETEXT, tid, (void *)(address + at), (void *)word))
            return false;
    }
    return true;
}

/* Whole words: call_row is shorter than program->replaced. */
static bool replace_code(struct task *task, struct program *program)
{
    unsigned char code[sizeof program->replaced];
    program->code = page_down(program_counter(&program->start));
    if (read_memory(task, program->code, program->replaced, sizeof program->replaced))
        return false;
    memcpy(code, program->replaced, sizeof code);
    memcpy(code, call_row, call_row_size);
    return poke(task->tid, program->code, code, sizeof code);
}

static void adopt_ids(struct task *task, const struct program *program)
{
    if (program->uid >= 0 && !task->ids.no_new_privileges)
        task->ids.uid[EFFECTIVE] = (uid_t)program->uid;
    if (program->gid >= 0 && !task->ids.no_new_privileges)
        task->ids.gid[EFFECTIVE] = (gid_t)program->gid;
    task->ids.uid[SAVED] = task->ids.uid[FILE_SYSTEM] = task->ids.uid[EFFECTIVE];
    task->ids.gid[SAVED] = task->ids.gid[FILE_SYSTEM] = task->ids.gid[EFFECTIVE];
    execute_as(&task->ids.has, task->ids.uid[REAL], task->ids.uid[EFFECTIVE]);
}

/* Neither can be: the process is dead, or as good as. */
static void abandon(struct task *task)
{
    forget_program(task->loading);
    task->loading = NULL;
    kill(task->tid, SIGKILL);
}

/* The row, below the new stack. */
static bool write_memory_of(const struct task *task, const struct program *program, const struct row *row,
                            const char name[16])
{
    unsigned long at = program->table, strings = at + sizeof row->calls;
    return !write_memory(task, at, row->calls, row->count * sizeof *row->calls) &&
           !write_memory(task, strings, name, 16) &&
           !write_memory(task, strings + 16, program->host, strlen(program->host) + 1);
}

/*
 * The kernel has made room below the stack, unless the arguments were many. Then a row of one call, all zeros, that
 * does nothing lets it grow: only the process itself can.
 */
static void start_row(struct task *task, struct program *program)
{
    struct row row = {.count = 0};
    const char *slash = strrchr(program->said, '/');
    char name[16] = "";
    snprintf(name, sizeof name, "%.15s", slash ? slash + 1 : program->said);
    write_row(&row, program, program->table + sizeof row.calls + sizeof name, program->table + sizeof row.calls);
    program->table_count = row.count;
    bool is_written = write_memory_of(task, program, &row, name);
    program->is_growing = !is_written && !program->is_growing;
    task->now = program->start;
    start_call_row(&task->now, program->code, program->table, is_written ? row.count : 1);
    if ((!is_written && !program->is_growing) || !set_registers(task->tid, &task->now))
        abandon(task);
}

void begin_loading(struct task *task)
{
    struct program *program = task->loading;
    enter_new_space(task);
    strcpy(task->space->program, program->guest);
    task->ids.dumpable = true;
    task->is_watched = calls_chroot(program);
    adopt_ids(task, program);
    if (!get_registers(task->tid, &program->start) || !replace_code(task, program)) {
        abandon(task);
        return;
    }
    const unsigned long size = sizeof(struct row) + HOST_PATH_MAX + 16;
    program->table = (stack_pointer(&program->start) - red_zone - size) & ~15ul;
    start_row(task, program);
}

/* The zeros between the end of a segment's bytes and the end of their page. */
static long clear_rest(const struct task *task, const struct program *program)
{
    static const char zeros[65536];
    for (int i = 0; i < program->segment_count; i++) {
        const struct segment *segment = &program->segments[i];
        unsigned long end = bias_of(program) + segment->address + segment->file_size;
        unsigned long size = page_up(end) - end;
        if (segment->size == segment->file_size || !(segment->protection & PROT_WRITE) || size > sizeof zeros)
            continue;
        long failed = write_memory(task, end, zeros, size);
        if (failed)
            return failed;
    }
    return 0;
}

/* Where the text of AT_EXECFN is: the kernel's own says where the root lies. */
static unsigned long place_name(const struct task *task, const char *said)
{
    unsigned long address = scratch_base + SCRATCH_SLOTS * SLOT_SIZE;
    return write_memory(task, address, said, strlen(said) + 1) ? 0 : address;
}

static void correct(const struct task *task, const struct program *program, Elf64_auxv_t *entry)
{
    bool is_beside = program->interpreter[0];
    unsigned long bias = bias_of(program), *value = &entry->a_un.a_val;
    switch (entry->a_type) {
    case AT_PHDR: *value = is_beside ? bias + program->headers : *value; break;
    case AT_PHNUM: *value = is_beside ? program->header_count : *value; break;
    case AT_ENTRY: *value = is_beside ? bias + program->entry : *value; break;
    case AT_BASE: *value = is_beside ? program_counter(&program->start) - program->interpreter_entry : *value; break;
    case AT_EXECFN: *value = place_name(task, program->said); break;
    case AT_UID: *value = task->ids.uid[REAL]; break;
    case AT_EUID: *value = task->ids.uid[EFFECTIVE]; break;
    case AT_GID: *value = task->ids.gid[REAL]; break;
    case AT_EGID: *value = task->ids.gid[EFFECTIVE]; break;
    case AT_SECURE:
        *value = task->ids.uid[REAL] != task->ids.uid[EFFECTIVE] || task->ids.gid[REAL] != task->ids.gid[EFFECTIVE];
        break;
    }
}

/* Skips the words of the stack up to and with the next 0. */
static long skip_words(const struct task *task, unsigned long *at)
{
    unsigned long words[256];
    for (;;) {
        size_t room = sizeof words;
        while (room > sizeof *words && read_memory(task, *at, words, room))
            room /= 2; /* the end of the stack is near */
        if (room == sizeof *words && read_memory(task, *at, words, room))
            return -EFAULT;
        for (size_t i = 0; i < room / sizeof *words; i++, *at += sizeof *words)
            if (words[i] == 0) {
                *at += sizeof *words;
                return 0;
            }
    }
}

static long correct_vector(const struct task *task, const struct program *program)
{
    unsigned long at = stack_pointer(&program->start) + sizeof(long);
    Elf64_auxv_t entry;
    long failed = skip_words(task, &at);
    if (!failed)
        failed = skip_words(task, &at);
    for (; !failed; at += sizeof entry) {
        failed = read_memory(task, at, &entry, sizeof entry);
        if (failed || entry.a_type == AT_NULL)
            break;
        Elf64_auxv_t before = entry;
        correct(task, program, &entry);
        if (entry.a_un.a_val != before.a_un.a_val)
            failed = write_memory(task, at, &entry, sizeof entry);
    }
    return failed;
}

static bool row_worked(const struct task *task, const struct program *program)
{
    unsigned long calls[CALLS_MAX][WORDS];
    if (read_memory(task, program->table, calls, program->table_count * sizeof *calls))
        return false;
    /* The last two, a name and a close, may fail: a filter of the script's own may forbid them. */
    for (unsigned long i = 0; i + 2 < program->table_count; i++)
        if ((long)calls[i][0] < 0 && (long)calls[i][0] > -4096)
            return false;
    return true;
}

void end_loading(struct task *task)
{
    struct program *program = task->loading;
    if (program->is_growing) {
        start_row(task, program);
        return;
    }
    bool worked = row_worked(task, program) && poke(task->tid, program->code, program->replaced, sizeof program->replaced);
    if (worked)
        task->space->scratch = scratch_base;
    skip_call(&program->start, 0); /* it is not in execve(2) any more */
    if (!worked || (program->interpreter[0] && clear_rest(task, program)) || correct_vector(task, program) ||
        !set_registers(task->tid, &program->start)) {
        abandon(task);
        return;
    }
    forget_program(program);
    task->loading = NULL;
}

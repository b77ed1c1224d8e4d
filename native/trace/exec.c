/*
 * execve(2). The kernel would look for a program's interpreter on the host: so it is made to execute the root's own
 * ld.so as if that were the program, and load.c then puts the program beside it. `#!` lines are read here.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPTS_MAX 5      /* as the kernel, exec_binprm() */
#define FIRST_BYTES 256    /* BINPRM_BUF_SIZE */
#define ARGUMENTS_MAX (6l << 20) /* three quarters of _STK_LIM, execve(2) */

/* Arguments that `#!` lines put before those of the script's caller, and in the place of the first. */
struct prefix {
    int count;
    char *words[2 * SCRIPTS_MAX + 3]; /* of each an interpreter and an argument, and the name of the first */
};

static void put_before(struct prefix *prefix, const char *word)
{
    memmove(prefix->words + 1, prefix->words, (size_t)prefix->count * sizeof *prefix->words);
    prefix->words[0] = strdup(word);
    prefix->count++;
}

static void free_prefix(struct prefix *prefix)
{
    for (int i = 0; i < prefix->count; i++)
        free(prefix->words[i]);
}

void forget_program(struct program *program)
{
    if (program && program->kept > 0)
        close(program->kept);
    free(program);
}

/* By fexecve(3): it may have no name any more, and the descriptor may end with the old program. */
static void keep_program(struct program *program, int fd)
{
    char host[HOST_PATH_MAX];
    if (program->kept > 0)
        close(program->kept);
    program->kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    ssize_t length = readlink(program->host, host, sizeof host - 1);
    host[length < 0 ? 0 : length] = 0;
    if (!guest_path(host, program->guest))
        program->guest[0] = 0;
    snprintf(program->host, sizeof program->host, "/proc/%d/fd/%d", getpid(), program->kept);
}

/* What an executable is on the disk, with what it may not be. */
static long open_executable(struct task *task, const char *path, struct found *found, struct program *program)
{
    char host[HOST_PATH_MAX];
    long failed = walk(task, AT_FDCWD, path, FOLLOW, found);
    if (failed)
        return failed;
    const struct injected *cover = cover_of(&found->stat);
    const struct owner *owner = owner_of(&found->stat);
    mode_t mode = cover ? (mode_t)(S_IFREG | cover->mode) : true_mode(owner, found->stat.stx_mode);
    if (!S_ISREG(mode))
        return -EACCES;
    if (cover ? !(cover->mode & 0111) : may(task, &found->stat, MAY_SEARCH, false) != 0)
        return -EACCES;
    if (cover)
        name_cover(cover, host), strcpy(found->host, host);
    else
        make_executable(found->host, &found->stat);
    program->uid = !cover && mode & S_ISUID ? (long)(owner ? owner->uid : 0) : -1;
    program->gid = !cover && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ? (long)(owner ? owner->gid : 0) : -1;
    strcpy(program->guest, found->guest);
    strcpy(program->host, found->host);
    int fd = open(found->host, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && found->is_link_of_kernel)
        keep_program(program, fd);
    return fd < 0 ? -errno : fd;
}

/* The words of a `#!` line: an interpreter and at most one argument, execve(2). What is cut off is no name. */
static long split_line(char *line, ssize_t size, char **interpreter, char **argument)
{
    bool is_cut = size == FIRST_BYTES && !memchr(line, '\n', FIRST_BYTES);
    line[is_cut ? FIRST_BYTES - 1 : strcspn(line, "\n")] = 0;
    *interpreter = line + 2 + strspn(line + 2, " \t");
    size_t length = strcspn(*interpreter, " \t");
    if (length == 0 || (is_cut && (*interpreter)[length] == 0))
        return -ENOEXEC;
    *argument = *interpreter + length;
    *argument += strspn(*argument, " \t");
    (*interpreter)[length] = 0;
    for (char *end = *argument + strlen(*argument); end > *argument && (end[-1] == ' ' || end[-1] == '\t');)
        *--end = 0;
    return 0;
}

/* Follows `#!` lines to a program. */
static long find_program(struct task *task, struct program *program, struct prefix *prefix)
{
    char path[PATH_MAX], line[FIRST_BYTES + 1], *interpreter, *argument;
    struct found found;
    strcpy(path, program->said);
    for (int depth = 0; depth <= SCRIPTS_MAX; depth++) {
        long fd = open_executable(task, path, &found, program);
        if (fd < 0)
            return fd;
        ssize_t size = pread((int)fd, line, FIRST_BYTES, 0);
        line[size > 0 ? size : 0] = 0;
        if (size < 2 || memcmp(line, "#!", 2) != 0) {
            long failed = read_program((int)fd, program);
            close((int)fd);
            return failed;
        }
        close((int)fd);
        long failed = split_line(line, size, &interpreter, &argument);
        if (failed)
            return failed;
        if (depth > 0)
            free(prefix->words[0]), memmove(prefix->words, prefix->words + 1, (size_t)--prefix->count * sizeof(char *));
        put_before(prefix, path);
        if (*argument)
            put_before(prefix, argument);
        put_before(prefix, interpreter);
        strcpy(path, interpreter);
    }
    return -ELOOP;
}

/* The interpreter takes the program's place for the kernel. @returns 0 or -errno */
static long find_interpreter(struct task *task, struct program *program, char host[HOST_PATH_MAX])
{
    struct program *interpreter = allocate(sizeof *interpreter);
    struct found found;
    long fd = open_executable(task, program->interpreter, &found, interpreter);
    long failed = fd < 0 ? fd : read_program((int)fd, interpreter);
    if (fd >= 0)
        close((int)fd);
    if (!failed && (interpreter->interpreter[0] || interpreter->is_fixed))
        failed = -ELIBBAD;
    program->interpreter_entry = interpreter->entry;
    strcpy(host, found.host);
    forget_program(interpreter);
    return failed;
}

/* The addresses of the caller's arguments but the first, which ends with 0. */
static long read_arguments(const struct task *task, unsigned long argv, unsigned long **arguments)
{
    size_t count = 0;
    unsigned long word = 1;
    *arguments = NULL;
    for (unsigned long at = argv; argv && word; at += sizeof word) {
        if (read_memory(task, at, &word, sizeof word))
            return -EFAULT;
        if (at == argv && word)
            continue;
        if (count * sizeof word > ARGUMENTS_MAX)
            return -E2BIG;
        *arguments = realloc(*arguments, (count + 1) * sizeof word);
        if (!*arguments)
            return -ENOMEM;
        (*arguments)[count++] = word;
    }
    return (long)count;
}

/* Lends the thread: a host path, and the arguments of an interpreter of scripts. */
static long lend_arguments(struct task *task, const char *host, const struct prefix *prefix)
{
    unsigned long *rest = NULL;
    long count = prefix->count ? read_arguments(task, call_argument(&task->now, 1), &rest) : 0;
    if (count < 0) {
        free(rest);
        return count;
    }
    size_t words = (size_t)(prefix->count + count) * sizeof *rest, size = words + strlen(host) + 1;
    for (int i = 0; i < prefix->count; i++)
        size += strlen(prefix->words[i]) + 1;
    unsigned long address = lend_room(task, size), *vector = address ? allocate(size) : NULL;
    if (!vector) {
        free(rest);
        return map_room(task, size);
    }
    char *text = (char *)vector + words;
    for (int i = 0; i < prefix->count; i++) {
        vector[i] = address + (unsigned long)(text - (char *)vector);
        text = stpcpy(text, prefix->words[i]) + 1;
    }
    if (count)
        memcpy(vector + prefix->count, rest, (size_t)count * sizeof *rest);
    strcpy(text, host);
    long failed = write_memory(task, address, vector, size);
    set_argument(&task->now, 0, address + (unsigned long)(text - (char *)vector));
    if (prefix->count)
        set_argument(&task->now, 1, address);
    free(vector);
    free(rest);
    return failed;
}

static long exec_failed(struct task *task, long result)
{
    forget_program(task->loading);
    task->loading = NULL;
    return result;
}

static long execute(struct task *task, struct program *program)
{
    char host[HOST_PATH_MAX];
    struct prefix prefix = {0};
    long failed = find_program(task, program, &prefix);
    strcpy(host, program->host);
    if (!failed && program->interpreter[0])
        failed = find_interpreter(task, program, host);
    if (!failed)
        failed = lend_arguments(task, host, &prefix);
    free_prefix(&prefix);
    return failed;
}

long on_execve(struct task *task, const unsigned long *a)
{
    struct program *program = allocate(sizeof *program);
    long failed = read_string(task, a[0], program->said, sizeof program->said);
    if (failed == 0)
        failed = -ENOENT;
    if (failed > 0)
        failed = execute(task, program);
    if (failed) {
        forget_program(program);
        return failed; /* or REWRITTEN, by map_room */
    }
    forget_program(task->loading);
    task->loading = program;
    task->at_exit = exec_failed;
    return REWRITTEN;
}

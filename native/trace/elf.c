/* What the kernel would read of a program before it loads it, elf(5). */
#include "trace.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADERS_MAX 64

static int protection_of(Elf64_Word flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

static long add_segment(struct program *program, const Elf64_Phdr *header)
{
    if (program->segment_count == sizeof program->segments / sizeof *program->segments)
        return -ENOEXEC;
    program->segments[program->segment_count++] = (struct segment){
        .address = header->p_vaddr,
        .size = header->p_memsz,
        .file_size = header->p_filesz,
        .offset = header->p_offset,
        .protection = protection_of(header->p_flags),
    };
    return 0;
}

static long read_interpreter(int fd, const Elf64_Phdr *header, struct program *program)
{
    size_t size = header->p_filesz;
    if (size < 2 || size > sizeof program->interpreter)
        return -ENOEXEC;
    if (pread(fd, program->interpreter, size, (off_t)header->p_offset) != (ssize_t)size)
        return -ENOEXEC;
    return program->interpreter[size - 1] ? -ENOEXEC : 0;
}

static bool holds(const Elf64_Phdr *header, Elf64_Off offset)
{
    return header->p_type == PT_LOAD && offset >= header->p_offset && offset < header->p_offset + header->p_filesz;
}

static long read_headers(int fd, const Elf64_Ehdr *file, struct program *program)
{
    static Elf64_Phdr headers[HEADERS_MAX];
    size_t size = file->e_phnum * sizeof *headers;
    if (file->e_phnum == 0 || file->e_phnum > HEADERS_MAX || file->e_phentsize != sizeof *headers)
        return -ENOEXEC;
    if (pread(fd, headers, size, (off_t)file->e_phoff) != (ssize_t)size)
        return -ENOEXEC;
    for (int i = 0; i < file->e_phnum; i++) {
        const Elf64_Phdr *header = &headers[i];
        long failed = 0;
        if (header->p_type == PT_LOAD)
            failed = add_segment(program, header);
        else if (header->p_type == PT_INTERP)
            failed = read_interpreter(fd, header, program);
        if (failed)
            return failed;
        if (holds(header, file->e_phoff))
            program->headers = header->p_vaddr + file->e_phoff - header->p_offset;
    }
    program->header_count = file->e_phnum;
    return program->segment_count ? 0 : -ENOEXEC;
}

long read_program(int fd, struct program *program)
{
    Elf64_Ehdr file;
    ssize_t size = pread(fd, &file, sizeof file, 0);
    if (size < EI_NIDENT || memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    if (file.e_ident[EI_CLASS] == ELFCLASS32 && (file.e_machine == EM_386 || file.e_machine == EM_ARM)) {
        char what[PATH_MAX + 64];
        snprintf(what, sizeof what, "%s is a 32-bit program, which the ptrace sandbox cannot follow", program->guest);
        give_up(what);
    }
    if (size != sizeof file || file.e_machine != elf_machine || (file.e_type != ET_EXEC && file.e_type != ET_DYN))
        return -ENOEXEC;
    program->is_fixed = file.e_type == ET_EXEC;
    program->entry = file.e_entry;
    program->segment_count = 0;
    program->interpreter[0] = 0;
    return read_headers(fd, &file, program);
}

unsigned long bias_of(const struct program *program)
{
    return program->is_fixed ? 0 : program_base;
}

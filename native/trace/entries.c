/* What a script reads of a folder where the disk does not say the truth: /proc, and folders with devices. */
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char entries[1 << 20];

static bool is_hidden(const struct dirent *entry)
{
    char *end;
    long pid = strtol(entry->d_name, &end, 10);
    return *end == 0 && end > entry->d_name && !has_process((pid_t)pid);
}

/* The kernel's struct linux_dirent64, getdents(2), is glibc's struct dirent on 64 bits. */
static bool read_entries(struct task *task, long size)
{
    return size > 0 && (size_t)size <= sizeof entries &&
           read_memory(task, task->exit_data[0], entries, (size_t)size) == 0;
}

static long keep_own_processes(struct task *task, long result)
{
    long kept = 0;
    if (!read_entries(task, result))
        return result;
    for (long at = 0; at < result;) {
        struct dirent *entry = (struct dirent *)(entries + at);
        long size = entry->d_reclen;
        bool is_last = at + size >= result;
        /* An empty answer would be taken for the end of the folder. */
        if (is_last && kept == 0 && is_hidden(entry))
            strcpy(entry->d_name, ".");
        if (!is_hidden(entry)) {
            memmove(entries + kept, entries + at, (size_t)size);
            kept += size;
        }
        at += size;
    }
    write_memory(task, task->exit_data[0], entries, (size_t)kept);
    return kept;
}

/* find(1) believes the type that a folder gives, and does not look at the file. */
static long tell_devices(struct task *task, long result)
{
    char host[HOST_PATH_MAX + NAME_MAX + 2];
    if (!read_entries(task, result))
        return result;
    for (long at = 0; at < result; at += ((struct dirent *)(entries + at))->d_reclen) {
        struct dirent *entry = (struct dirent *)(entries + at);
        struct statx found;
        if (entry->d_type != DT_REG || !is_number_of_device(entry->d_ino))
            continue;
        snprintf(host, sizeof host, "/proc/%d/fd/%d/%s", task->tid, (int)task->exit_data[1], entry->d_name);
        const struct owner *owner = look_at(host, false, &found) == 0 ? owner_of(&found) : NULL;
        if (owner && owner->type)
            entry->d_type = owner->type == S_IFCHR ? DT_CHR : DT_BLK;
    }
    write_memory(task, task->exit_data[0], entries, (size_t)result);
    return result;
}

long on_getdents64(struct task *task, const unsigned long *a)
{
    char link[64], host[HOST_PATH_MAX], guest[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", task->tid, (int)a[0]);
    ssize_t length = readlink(link, host, sizeof host - 1);
    host[length < 0 ? 0 : length] = 0;
    if (length < 0 || !guest_path(host, guest))
        return PASS;
    bool is_proc = task->reads_proc && strcmp(guest, "/proc") == 0;
    if (!is_proc && !root_has_devices() && area_of(guest) != OF_DEV)
        return PASS;
    task->exit_data[0] = a[1];
    task->exit_data[1] = a[0];
    task->at_exit = is_proc ? keep_own_processes : tell_devices;
    return REWRITTEN;
}

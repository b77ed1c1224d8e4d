/*
 * /proc is the host's own: a script may see itself in it and the other processes of the script, the kernel's public
 * facts, and nothing that tells of this machine's mounts, name or other processes.
 */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOUNTS                                                                                                         \
    "overlay / overlay rw,relatime 0 0\n"                                                                              \
    "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n"                                                            \
    "sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime 0 0\n"                                                           \
    "tmpfs /dev tmpfs rw,nosuid,relatime 0 0\n"                                                                       \
    "tmpfs /dev/shm tmpfs rw,nosuid,nodev,relatime 0 0\n"                                                             \
    "devpts /dev/pts devpts rw,nosuid,noexec,relatime 0 0\n"                                                          \
    "tmpfs /etc/hosts tmpfs ro,nosuid,nodev,relatime 0 0\n"                                                           \
    "tmpfs /etc/resolv.conf tmpfs ro,nosuid,nodev,relatime 0 0\n"
#define LOOPBACK                                                                                                       \
    "Inter-|   Receive                                                |  Transmit\n"                                  \
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier " \
    "compressed\n"                                                                                                     \
    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0 " \
    "         0\n"
#define MOUNT_INFO                                                                                                     \
    "1 0 0:1 / / rw,relatime - overlay overlay rw\n"                                                                   \
    "2 1 0:2 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"                                                 \
    "3 1 0:3 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro\n"                                                \
    "4 1 0:4 / /dev rw,nosuid,relatime - tmpfs tmpfs rw\n"

/* The number that a path goes on with, after which comes '/' or its end; 0 if there is none. */
static pid_t number_at(const char *path)
{
    char *end;
    if (*path < '1' || *path > '9')
        return 0;
    long number = strtol(path, &end, 10);
    return *end == 0 || *end == '/' ? (pid_t)number : 0;
}

/* The process of "/proc/PID/..."; 0 if it is another path. */
static pid_t process_of(const char *guest)
{
    return strncmp(guest, "/proc/", 6) == 0 ? number_at(guest + 6) : 0;
}

/* What follows "/proc/PID/" or "/proc/PID/task/TID/"; "" for other paths. */
static const char *entry_of(const char *guest)
{
    const char *entry = process_of(guest) ? strchr(guest + 6, '/') : NULL;
    if (entry && strncmp(entry, "/task/", 6) == 0)
        entry = strchr(entry + 6, '/');
    return entry ? entry + 1 : "";
}

bool is_of_kernel(const char *guest)
{
    return area_of(guest) == OF_PROC && !process_of(guest);
}

bool is_descriptor_link(const char *guest)
{
    const char *entry = entry_of(guest);
    return strncmp(entry, "fd/", 3) == 0 && entry[3] && !strchr(entry + 3, '/');
}

long look_at_proc(struct task *task, const char *guest, struct statx *found)
{
    char host[HOST_PATH_MAX];
    (void)task;
    pid_t pid = process_of(guest);
    if (pid && !has_process(pid))
        return -ENOENT;
    long failed = host_path(guest, host);
    return failed ? failed : look_at(host, false, found);
}

static long answer(char target[PATH_MAX], const char *text)
{
    size_t length = strlen(text);
    memcpy(target, text, length + 1);
    return (long)length;
}

/* Where a descriptor, or the like, leads: to a guest path, or the kernel's own words ("pipe:[123]"). */
static long read_through(const char *link, char target[PATH_MAX])
{
    char host[HOST_PATH_MAX], guest[PATH_MAX];
    struct stat found;
    ssize_t length = readlink(link, host, PATH_MAX - 1);
    if (length < 0)
        return -errno;
    host[length] = 0;
    if (guest_path(host, guest))
        return answer(target, guest[0] ? guest : "/");
    const struct injected *file = stat(link, &found) == 0 ? injected_in(found.st_dev, found.st_ino) : NULL;
    return answer(target, file ? file->path : host);
}

long read_proc_link(struct task *task, const char *guest, char target[PATH_MAX])
{
    char text[64];
    const struct task *other = task_of(process_of(guest));
    const char *entry = entry_of(guest);
    if (strcmp(guest, "/proc/self") == 0) {
        snprintf(text, sizeof text, "%d", task->tgid);
        return answer(target, text);
    }
    if (strcmp(guest, "/proc/thread-self") == 0) {
        snprintf(text, sizeof text, "%d/task/%d", task->tgid, task->tid);
        return answer(target, text);
    }
    if (other && other->space && strcmp(entry, "exe") == 0)
        return other->space->program[0] ? answer(target, other->space->program) : -ENOENT;
    if (other && other->surroundings && strcmp(entry, "root") == 0)
        return answer(target, other->surroundings->root[0] ? other->surroundings->root : "/");
    return read_through(guest, target);
}

static int text_file(int *known, const char *text)
{
    if (*known >= 0)
        return *known;
    *known = memfd_create("proc", MFD_CLOEXEC);
    if (*known >= 0)
        write_all(*known, text, strlen(text), "(memory)");
    return *known;
}

int stand_in(const char *guest)
{
    static int mounts = -1, mount_info = -1, nothing = -1, name = -1, network = -1;
    const char *entry = entry_of(guest);
    if (strcmp(entry, "mounts") == 0)
        return text_file(&mounts, MOUNTS);
    if (strcmp(entry, "mountinfo") == 0)
        return text_file(&mount_info, MOUNT_INFO);
    if (strcmp(entry, "mountstats") == 0)
        return text_file(&nothing, "");
    if (has_no_network && strcmp(entry, "net/dev") == 0)
        return text_file(&network, LOOPBACK);
    if (has_no_network && strncmp(entry, "net/", 4) == 0)
        return text_file(&nothing, "");
    if (strcmp(guest, "/proc/sys/kernel/hostname") == 0)
        return text_file(&name, "ocibake\n");
    return -1;
}

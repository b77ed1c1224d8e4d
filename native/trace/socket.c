/*
 * Sockets with a path. A host path may not fit the 108 bytes of an address, so the kernel is given one through a
 * descriptor of this process: /proc/PID/fd/N is the socket, or the folder it goes to.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* The one descriptor that a socket call needs; it is closed when the next one begins. */
static int lent = -1;

static void lend_descriptor(const char *host)
{
    if (lent >= 0)
        close(lent);
    lent = open(host, O_PATH | O_CLOEXEC);
}

/* 1 and the path if it is a UNIX address with one; 0 if it is another; or -errno. */
static long read_address(const struct task *task, unsigned long address, size_t size, char path[PATH_MAX])
{
    struct sockaddr_un socket;
    memset(&socket, 0, sizeof socket);
    if (address == 0 || size <= PATH_AT || size > sizeof socket)
        return 0;
    if (read_memory(task, address, &socket, size))
        return -EFAULT;
    if (socket.sun_family != AF_UNIX || socket.sun_path[0] == 0)
        return 0;
    snprintf(path, PATH_MAX, "%.*s", (int)(size - PATH_AT), socket.sun_path);
    return 1;
}

/* Puts `/proc/PID/fd/N` and `name` into an address that the thread may use. Its size or -errno. */
static long write_address(struct task *task, const char *name, unsigned long *address)
{
    struct sockaddr_un socket = {.sun_family = AF_UNIX};
    if (lent < 0)
        return -ENOENT;
    int length = snprintf(socket.sun_path, sizeof socket.sun_path, "/proc/%d/fd/%d%s", getpid(), lent, name);
    if ((size_t)length >= sizeof socket.sun_path)
        return -ENAMETOOLONG;
    long at = lend_memory(task, &socket, sizeof socket);
    *address = (unsigned long)at;
    return at < 0 ? at : (long)(PATH_AT + (size_t)length + 1);
}

/* The address of a socket that is there, in the arguments `at` and `at + 1`. */
static long use_address(struct task *task, const unsigned long *a, int at)
{
    char path[PATH_MAX];
    struct found found;
    unsigned long address;
    long size = read_address(task, a[at], (unsigned)a[at + 1], path);
    if (size <= 0)
        return size ? size : PASS;
    long failed = walk(task, AT_FDCWD, path, FOLLOW, &found);
    if (!failed)
        failed = may(task, &found.stat, MAY_WRITE, false);
    if (failed)
        return failed;
    if (lacks_access(&found.stat))
        make_accessible(found.host);
    lend_descriptor(found.host);
    size = write_address(task, "", &address);
    if (size < 0)
        return size;
    set_argument(&task->now, at, address);
    set_argument(&task->now, at + 1, (unsigned long)size);
    return REWRITTEN;
}

long on_connect(struct task *task, const unsigned long *a)
{
    return use_address(task, a, 1);
}

long on_sendto(struct task *task, const unsigned long *a)
{
    return a[4] ? use_address(task, a, 4) : PASS;
}

/* Its address is deep in memory, and hardly ever one with a path: that one is not sent. */
long on_sendmsg(struct task *task, const unsigned long *a)
{
    struct msghdr message;
    char path[PATH_MAX];
    if (read_memory(task, a[1], &message, sizeof message))
        return PASS;
    long found = read_address(task, (unsigned long)message.msg_name, message.msg_namelen, path);
    return found == 0 ? PASS : found < 0 ? found : -ECONNREFUSED;
}

/* The kernel has made the socket's file. */
static long own_socket(struct task *task, long result)
{
    struct found found, parent;
    char path[PATH_MAX];
    if (result < 0)
        return result;
    if (read_address(task, task->exit_data[0], task->exit_data[1], path) <= 0 ||
        walk(task, AT_FDCWD, path, 0, &found) || look_above(&found, &parent))
        return result;
    const struct owner *above = owner_of(&parent.stat);
    bool inherits = true_mode(above, parent.stat.stx_mode) & S_ISGID;
    forget_owner(&found.stat);
    record(&found, task->ids.uid[FILE_SYSTEM], !inherits ? task->ids.gid[FILE_SYSTEM] : above ? above->gid : 0,
           found.stat.stx_mode & 07777);
    return result;
}

long on_bind(struct task *task, const unsigned long *a)
{
    char path[PATH_MAX];
    struct found found, parent;
    unsigned long address;
    long size = read_address(task, a[1], (unsigned)a[2], path);
    if (size <= 0)
        return size ? size : PASS;
    long failed = walk(task, AT_FDCWD, path, MISSING, &found);
    if (!failed && found.exists)
        failed = -EADDRINUSE;
    if (!failed)
        failed = look_above(&found, &parent);
    if (!failed)
        failed = may_change(task, &parent, NULL);
    if (failed)
        return failed;
    if (lacks_access(&parent.stat))
        make_accessible(parent.host);
    lend_descriptor(parent.host);
    size = write_address(task, strrchr(found.guest, '/'), &address);
    if (size < 0)
        return size;
    task->exit_data[0] = a[1];
    task->exit_data[1] = (unsigned)a[2];
    task->at_exit = own_socket;
    set_argument(&task->now, 1, address);
    set_argument(&task->now, 2, (unsigned long)size);
    return REWRITTEN;
}

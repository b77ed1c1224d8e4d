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
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* The path if it is a UNIX address with one. */
static bool read_address(const struct task *task, unsigned long address, size_t size, char path[PATH_MAX])
{
    struct sockaddr_un socket;
    memset(&socket, 0, sizeof socket);
    if (address == 0 || size <= PATH_AT || size > sizeof socket)
        return false;
    if (read_memory(task, address, &socket, size))
        return false; /* the kernel says so, if it is a socket at all */
    if (socket.sun_family != AF_UNIX || socket.sun_path[0] == 0)
        return false;
    snprintf(path, PATH_MAX, "%.*s", (int)(size - PATH_AT), socket.sun_path);
    return true;
}

/* The address `/proc/PID/fd/N` and `name`, where N is what lies at `host`. Its size or -errno. */
static long name_socket(struct task *task, const char *host, const char *name, struct sockaddr_un *socket)
{
    task->lent = open(host, O_PATH | O_CLOEXEC);
    if (task->lent < 0)
        return -errno;
    *socket = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(socket->sun_path, sizeof socket->sun_path, "/proc/%d/fd/%d%s", getpid(), task->lent, name);
    return (size_t)length < sizeof socket->sun_path ? (long)(PATH_AT + (size_t)length + 1) : -ENAMETOOLONG;
}

/* The address of a socket that is there, for the kernel. Its size, 0 if it is none with a path, or -errno. */
static long find_socket(struct task *task, unsigned long address, unsigned size, struct sockaddr_un *socket)
{
    char path[PATH_MAX];
    struct found found;
    if (!read_address(task, address, size, path))
        return 0;
    long failed = walk(task, AT_FDCWD, path, FOLLOW, &found);
    if (!failed)
        failed = may(task, &found.stat, MAY_WRITE, false);
    if (failed)
        return failed;
    if (lacks_access(&found.stat))
        make_accessible(found.host);
    return name_socket(task, found.host, "", socket);
}

static long use_address(struct task *task, const unsigned long *a, int at)
{
    struct sockaddr_un socket;
    long size = find_socket(task, a[at], (unsigned)a[at + 1], &socket);
    if (size <= 0)
        return size ? size : PASS;
    long address = lend_memory(task, &socket, sizeof socket);
    if (address < 0)
        return address;
    set_argument(&task->now, at, (unsigned long)address);
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

/* A message, or the first of some, that says its address: a copy that says the kernel's. */
struct message {
    struct mmsghdr header;
    struct sockaddr_un socket;
};

static long use_message(struct task *task, unsigned long from, size_t size, struct message *message)
{
    if (read_memory(task, from, &message->header, size))
        return PASS;
    struct msghdr *header = &message->header.msg_hdr;
    long length = find_socket(task, (unsigned long)header->msg_name, header->msg_namelen, &message->socket);
    if (length <= 0)
        return length ? length : PASS;
    unsigned long address = lend_room(task, sizeof *message);
    header->msg_name = (void *)(address + offsetof(struct message, socket));
    header->msg_namelen = (socklen_t)length;
    long failed = write_memory(task, address, message, sizeof *message);
    set_argument(&task->now, 1, address);
    task->exit_data[0] = from;
    task->exit_data[1] = address;
    return failed ? failed : REWRITTEN;
}

long on_sendmsg(struct task *task, const unsigned long *a)
{
    struct message message;
    return use_message(task, a[1], sizeof message.header.msg_hdr, &message);
}

static long tell_length(struct task *task, long result)
{
    const size_t at = offsetof(struct mmsghdr, msg_len);
    unsigned length;
    if (result == 1 && !read_memory(task, task->exit_data[1] + at, &length, sizeof length))
        write_memory(task, task->exit_data[0] + at, &length, sizeof length);
    return result;
}

/* Where one has a path, they go one at a time: whoever sends many goes on after those that were sent. */
long on_sendmmsg(struct task *task, const unsigned long *a)
{
    struct message message;
    for (unsigned i = 0; i < (unsigned)a[2] && i < UIO_MAXIOV; i++) {
        long result = use_message(task, a[1] + i * sizeof message.header, sizeof message.header, &message);
        if (i == 0 && result == REWRITTEN) {
            set_argument(&task->now, 2, 1);
            task->at_exit = tell_length;
        }
        if (i == 0 && result != PASS)
            return result;
        if (result != PASS) { /* those before it first */
            task->now = task->before;
            set_argument(&task->now, 2, i);
            return REWRITTEN;
        }
    }
    return PASS;
}

/* The kernel has made the socket's file. */
static long own_socket(struct task *task, long result)
{
    struct found found, parent;
    char path[PATH_MAX];
    if (result < 0)
        return result;
    if (!read_address(task, task->exit_data[0], task->exit_data[1], path) ||
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
    struct sockaddr_un socket;
    if (!read_address(task, a[1], (unsigned)a[2], path))
        return PASS;
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
    long size = name_socket(task, parent.host, strrchr(found.guest, '/'), &socket);
    long address = size < 0 ? size : lend_memory(task, &socket, sizeof socket);
    if (address < 0)
        return address;
    task->exit_data[0] = a[1];
    task->exit_data[1] = (unsigned)a[2];
    task->at_exit = own_socket;
    set_argument(&task->now, 1, (unsigned long)address);
    set_argument(&task->now, 2, (unsigned long)size);
    return REWRITTEN;
}

/* Calls that give the script something only the kernel can: it makes them itself, with the host's path. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATES_NOTHING (~(O_CREAT | O_EXCL))

static bool is_for_writing(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
}

/* Makes the thread's call an openat(2) of a host path. */
static long let_open(struct task *task, const char *host, int flags, mode_t mode)
{
    long address = lend_memory(task, host, strlen(host) + 1);
    if (address < 0)
        return address;
    set_call(&task->now, SYS_openat);
    set_argument(&task->now, 0, (unsigned long)AT_FDCWD);
    set_argument(&task->now, 1, (unsigned long)address);
    set_argument(&task->now, 2, (unsigned long)(unsigned)flags);
    set_argument(&task->now, 3, mode);
    return REWRITTEN;
}

static long let_open_ours(struct task *task, int fd, int flags)
{
    char host[64];
    if (is_for_writing(flags))
        return -EROFS;
    snprintf(host, sizeof host, "/proc/%d/fd/%d", getpid(), fd);
    return let_open(task, host, flags & ~O_NOFOLLOW, 0);
}

/* A file without a name belongs to its maker too, and may get a name later (linkat). */
static long own_nameless(struct task *task, long fd)
{
    struct found found;
    if (fd < 0 || walk_descriptor(task, (int)fd, &found))
        return fd;
    forget_owner(&found.stat);
    record(&found, task->ids.uid[FILE_SYSTEM], (gid_t)task->exit_data[1], (mode_t)task->exit_data[0] & 07777);
    return fd;
}

static long open_nameless(struct task *task, struct found *folder, int flags, mode_t mode)
{
    const struct owner *owner = owner_of(&folder->stat);
    bool inherits = true_mode(owner, folder->stat.stx_mode) & S_ISGID;
    long failed = may_change(task, folder, NULL);
    if (failed)
        return failed;
    make_accessible(folder->host);
    task->exit_data[0] = mode & ~task->surroundings->umask;
    task->exit_data[1] = !inherits ? task->ids.gid[FILE_SYSTEM] : owner ? owner->gid : 0;
    task->at_exit = own_nameless;
    return let_open(task, folder->host, flags, mode | 0600);
}

static long may_open(struct task *task, const struct found *found, int flags)
{
    int accessed = flags & O_ACCMODE;
    int what = (accessed != O_WRONLY ? MAY_READ : 0) | (is_for_writing(flags) ? MAY_WRITE : 0);
    if (S_ISLNK(found->stat.stx_mode))
        return -ELOOP;
    if (is_for_writing(flags) && S_ISDIR(found->stat.stx_mode))
        return -EISDIR;
    if (found->is_link_of_kernel)
        return 0;
    if (is_for_writing(flags) && (area_of(found->guest) == OF_SYS || is_of_kernel(found->guest)))
        return -EROFS;
    if (area_of(found->guest) == OF_PROC)
        return 0;
    return may(task, &found->stat, what, false);
}

static long open_node(struct task *task, const struct found *found, const struct owner *owner, int flags)
{
    const char *host = device_node(found->guest, owner);
    return host ? let_open(task, host, flags & CREATES_NOTHING, 0) : -EACCES; /* as on a file system with nodev */
}

static long open_found(struct task *task, struct found *found, int flags)
{
    const struct owner *owner = owner_of(&found->stat);
    const struct injected *cover = cover_of(&found->stat);
    /* The builder's own descriptor of a link is opened again with all that it is. */
    int nofollow = found->is_link_of_kernel ? 0 : O_NOFOLLOW;
    if (flags & O_DIRECTORY && !S_ISDIR(found->stat.stx_mode))
        return -ENOTDIR;
    if (cover)
        return let_open_ours(task, cover->fd, flags);
    int stand = area_of(found->guest) == OF_PROC ? stand_in(found->guest) : -1;
    if (stand >= 0)
        return let_open_ours(task, stand, flags);
    if (flags & O_PATH)
        return let_open(task, found->host, flags | nofollow, 0);
    long failed = may_open(task, found, flags);
    if (failed)
        return failed;
    if (owner && owner->type)
        return open_node(task, found, owner, flags);
    if (strcmp(found->guest, "/proc") == 0)
        note_proc_opened(task->tgid);
    if (is_for_writing(flags))
        about_to_write(task, found);
    else if (lacks_access(&found->stat))
        make_accessible(found->host);
    return let_open(task, found->host, (flags & CREATES_NOTHING) | nofollow, 0);
}

static long open_at(struct task *task, int folder, unsigned long path, int flags, mode_t mode)
{
    struct found found;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    bool makes = flags & O_CREAT && (flags & O_TMPFILE) != O_TMPFILE;
    bool follows = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    if (makes && flags & O_DIRECTORY)
        return -EINVAL;
    int how = (follows ? FOLLOW : 0) | (makes ? MISSING | NO_SLASH : 0);
    long failed = walk_at(task, folder, path, how, &found);
    if (failed)
        return failed;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return S_ISDIR(found.stat.stx_mode) ? open_nameless(task, &found, flags, mode) : -ENOTDIR;
    if (found.exists && makes && flags & O_EXCL)
        return -EEXIST;
    if (makes && found.exists && S_ISDIR(found.stat.stx_mode))
        return -EISDIR;
    if (found.exists)
        return open_found(task, &found, flags);
    failed = create(task, &found, S_IFREG | (mode & 07777), NULL, 0);
    return failed ? failed : let_open(task, found.host, (flags & CREATES_NOTHING) | O_NOFOLLOW, 0);
}

long on_open(struct task *task, const unsigned long *a)
{
    return open_at(task, AT_FDCWD, a[0], (int)a[1], (mode_t)a[2]);
}

long on_openat(struct task *task, const unsigned long *a)
{
    return open_at(task, (int)a[0], a[1], (int)a[2], (mode_t)a[3]);
}

long on_creat(struct task *task, const unsigned long *a)
{
    return open_at(task, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
}

/* The call stays what it is, with another path as its argument number `which`. */
static long let_use(struct task *task, int which, const char *host)
{
    long address = lend_memory(task, host, strlen(host) + 1);
    if (address < 0)
        return address;
    set_argument(&task->now, which, (unsigned long)address);
    return REWRITTEN;
}

long walk_to_folder(struct task *task, unsigned long path, struct found *found)
{
    long failed = walk_at(task, AT_FDCWD, path, FOLLOW, found);
    if (failed)
        return failed;
    if (!S_ISDIR(found->stat.stx_mode))
        return -ENOTDIR;
    if (lacks_access(&found->stat))
        make_accessible(found->host);
    return area_of(found->guest) == OF_PROC ? 0 : may(task, &found->stat, MAY_SEARCH, false);
}

long on_chdir(struct task *task, const unsigned long *a)
{
    struct found found;
    long failed = walk_to_folder(task, a[0], &found);
    return failed ? failed : let_use(task, 0, found.host);
}

long on_inotify_add_watch(struct task *task, const unsigned long *a)
{
    struct found found;
    unsigned nofollow = 0x02000000; /* IN_DONT_FOLLOW */
    long failed = walk_at(task, AT_FDCWD, a[1], a[2] & nofollow ? 0 : FOLLOW, &found);
    return failed ? failed : let_use(task, 1, found.host);
}

/* Not of namespaces: for those it would need what no script has. */
long on_unshare(struct task *task, const unsigned long *a)
{
    if (a[0] & ~(unsigned long)(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM))
        return -EPERM;
    if (a[0] & CLONE_FS)
        leave_surroundings(task);
    return PASS;
}

/* The kernel keeps it too, for what it makes itself. */
long on_umask(struct task *task, const unsigned long *a)
{
    task->surroundings->umask = (mode_t)a[0] & 0777;
    return PASS;
}

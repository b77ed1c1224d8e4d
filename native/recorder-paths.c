/*
 * What a caller's path leads to. It is looked up in init, which has the same root, with two differences from the
 * caller: /proc/self is another process, and a caller may have changed its root. So openat2 finds what needs no
 * magic link of /proc (`/dev/stdin` does), and everything else is walked here, name by name. For a user who is not
 * taken for root every path is walked, because the kernel would let him through every folder.
 */
#include "recorder.h"

#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel, path_resolution(7) */

static int open_in_proc(const struct call *call, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "%d/%s", call->pid, what);
    int fd = openat(recorder.proc, path, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int open_descriptor(const struct call *call, int fd)
{
    char path[32];
    if (fd < 0 && fd != AT_FDCWD)
        return -EBADF;
    snprintf(path, sizeof path, "fd/%d", fd);
    int opened = open_in_proc(call, fd == AT_FDCWD ? "cwd" : path);
    return opened == -ENOENT ? -EBADF : opened;
}

/* Where a walk is, and what is left of the path. */
struct walk {
    struct call *call;
    int root, at;
    int links;
    bool permitted; /* each folder has to let the caller through */
    char rest[2 * PATH_MAX];
};

static void move_to(struct walk *walk, int fd)
{
    close(walk->at);
    walk->at = fd;
}

static bool is_same_place(int a, int b)
{
    struct stat one, other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static bool is_folder(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_on_proc(int fd)
{
    struct statfs found;
    return fstatfs(fd, &found) == 0 && found.f_type == PROC_SUPER_MAGIC;
}

/* Puts the target of a symlink before what is left. Negative errno, or 0. */
static int put_before(struct walk *walk, const char *target)
{
    char joined[sizeof walk->rest];
    int length = snprintf(joined, sizeof joined, "%s%s%s", target, *walk->rest ? "/" : "", walk->rest);
    if (length < 0 || (size_t)length >= sizeof joined)
        return -ENAMETOOLONG;
    memcpy(walk->rest, joined, (size_t)length + 1);
    if (target[0] == '/') {
        int root = fcntl(walk->root, F_DUPFD_CLOEXEC, 3);
        if (root < 0)
            return -errno;
        move_to(walk, root);
    }
    return 0;
}

/*
 * A symlink of /proc: `self` is the caller, and what is below a process is no path but a way into it, which the kernel
 * has to open. Negative errno, or 0.
 */
static int follow_in_proc(struct walk *walk, const char *name, const char *target)
{
    char self[64];
    struct stat at, proc;
    bool top = fstat(walk->at, &at) == 0 && fstat(recorder.proc, &proc) == 0 && at.st_ino == proc.st_ino;
    if (!top) {
        int jumped = openat(walk->at, name, O_PATH | O_CLOEXEC);
        if (jumped < 0)
            return -errno;
        move_to(walk, jumped);
        return 0;
    }
    if (strcmp(name, "self") == 0)
        snprintf(self, sizeof self, "%d", walk->call->pid);
    else if (strcmp(name, "thread-self") == 0)
        snprintf(self, sizeof self, "%d/task/%d", walk->call->pid, walk->call->pid);
    else
        return put_before(walk, target);
    return put_before(walk, self);
}

/* `link` is the symlink `name` in walk->at, and is closed. Negative errno, or 0 with the walk gone on. */
static int follow(struct walk *walk, int link, const char *name)
{
    char target[PATH_MAX];
    bool magic = is_on_proc(link);
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    int error = length < 0 ? -errno : length == 0 ? -ENOENT : 0;
    close(link);
    if (error)
        return error;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    target[length] = 0;
    return magic ? follow_in_proc(walk, name, target) : put_before(walk, target);
}

/* Takes the first name off the rest. False at the end. Negative length: too long. */
static bool take_name(struct walk *walk, char name[NAME_MAX + 1], bool *last, bool *slash, int *error)
{
    char *start = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(start, "/");
    if (length == 0)
        return false;
    *error = length > NAME_MAX ? -ENAMETOOLONG : 0;
    if (length > NAME_MAX)
        length = NAME_MAX;
    memcpy(name, start, length);
    name[length] = 0;
    const char *after = start + length;
    *slash = *after == '/';
    *last = after[strspn(after, "/")] == 0;
    memmove(walk->rest, after, strlen(after) + 1);
    return true;
}

/* What `parent` wants to know: the last name, unless it is no plain one. */
enum purpose { TARGET, TARGET_ITSELF, PARENT, PARENT_FOLLOWED };

/* Goes to the end, or to the folder of the last name. Negative errno, or 0. */
static int go(struct walk *walk, enum purpose purpose, char name[NAME_MAX + 1])
{
    bool last, slash;
    int error;
    while (take_name(walk, name, &last, &slash, &error)) {
        if (error)
            return error;
        if (walk->permitted && !may_at(walk->call->who, walk->at, 1))
            return is_folder(walk->at) ? -EACCES : -ENOTDIR;
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (last && purpose == PARENT && !dots)
            return 0;
        if (strcmp(name, "..") == 0 && is_same_place(walk->at, walk->root))
            continue;
        int next = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOENT && last && purpose == PARENT_FOLLOWED)
            return 0;
        if (next < 0)
            return -errno;
        struct stat found;
        if (fstat(next, &found)) {
            close(next);
            return -errno;
        }
        if (S_ISLNK(found.st_mode) && (!last || slash || purpose == TARGET || purpose == PARENT_FOLLOWED)) {
            error = follow(walk, next, name);
            if (error)
                return error;
        } else if (last && purpose == PARENT_FOLLOWED) {
            close(next);
            return -EEXIST;
        } else if ((!last || slash) && !S_ISDIR(found.st_mode)) {
            close(next);
            return -ENOTDIR;
        } else
            move_to(walk, next);
    }
    name[0] = 0;
    return 0;
}

static bool is_walked(struct call *call)
{
    return recorder.chrooted || (!all_are_root() && caller_of(call)->user.fs != 0);
}

static int open_start(const struct call *call, int folder, const char *path, int root)
{
    if (path[0] != '/')
        return open_descriptor(call, folder);
    int fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

static int walk_path(struct call *call, int folder, const char *path, enum purpose purpose, char name[NAME_MAX + 1])
{
    struct walk walk = {.call = call, .permitted = !all_are_root() && caller_of(call)->user.fs != 0};
    walk.root = recorder.chrooted ? open_in_proc(call, "root") : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (walk.root < 0)
        return recorder.chrooted ? walk.root : -errno;
    walk.at = open_start(call, folder, path, walk.root);
    int error = walk.at < 0 ? walk.at : 0;
    if (!error) {
        strcpy(walk.rest, path);
        error = go(&walk, purpose, name);
        if (error)
            close(walk.at);
    }
    close(walk.root);
    return error ? error : walk.at;
}

/* As the kernel finds it, when no magic link is on the way. */
static int find_quickly(struct call *call, int folder, const char *path, bool itself)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (itself ? O_NOFOLLOW : 0), .resolve = RESOLVE_NO_MAGICLINKS};
    int start = AT_FDCWD;
    if (path[0] != '/') {
        start = open_descriptor(call, folder);
        if (start < 0)
            return start;
    }
    int fd = (int)syscall(SYS_openat2, start, path, &how, sizeof how);
    int error = fd < 0 ? -errno : 0;
    if (start >= 0)
        close(start);
    return error ? error : fd;
}

/* Linux before 5.6, a profile that forbids openat2, a magic link. */
static bool needs_walk(int error)
{
    return error == -ELOOP || error == -ENOSYS || error == -EPERM;
}

static int find(struct call *call, int folder, const char *path, bool itself)
{
    char name[NAME_MAX + 1];
    if (!is_walked(call)) {
        int fd = find_quickly(call, folder, path, itself);
        if (!needs_walk(fd))
            return fd;
    }
    return walk_path(call, folder, path, itself ? TARGET_ITSELF : TARGET, name);
}

int open_target(struct call *call, int folder, __u64 address, int flags)
{
    char path[PATH_MAX];
    int length = address == 0 && (flags & AT_EMPTY_PATH) ? 0 : read_string(call, address, path, sizeof path);
    if (length < 0)
        return length;
    if (length == 0)
        return flags & AT_EMPTY_PATH ? open_descriptor(call, folder) : -ENOENT;
    return find(call, folder, path, flags & AT_SYMLINK_NOFOLLOW);
}

/* Cuts the last name off a path that needs no walk. False: it is no plain name. */
static bool cut_name(char *path, char name[NAME_MAX + 1])
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = 0;
    char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    if (strlen(last) > NAME_MAX)
        return false;
    strcpy(name, last);
    if (!slash)
        strcpy(path, ".");
    else if (slash == path)
        slash[1] = 0;
    else
        *slash = 0;
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int open_parent(struct call *call, int folder, __u64 address, bool follow, struct last_name *name)
{
    char path[PATH_MAX], parent[PATH_MAX];
    struct stat found;
    int length = read_string(call, address, path, sizeof path);
    if (length <= 0)
        return length < 0 ? length : -ENOENT;
    name->has_slash = path[length - 1] == '/';
    if (!is_walked(call)) {
        strcpy(parent, path);
        bool plain = cut_name(parent, name->text);
        int fd = plain ? find_quickly(call, folder, parent, false) : -EINVAL;
        if (fd >= 0 && follow && fstatat(fd, name->text, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode)) {
            close(fd);
            fd = -ELOOP;
        }
        if (!needs_walk(fd))
            return fd;
    }
    return walk_path(call, folder, path, follow ? PARENT_FOLLOWED : PARENT, name->text);
}

/* The mode of its link says what it was opened for: nothing. */
bool is_path_only(const struct call *call, int fd)
{
    char link[64];
    struct stat found;
    snprintf(link, sizeof link, "%d/fd/%d", call->pid, fd);
    return fstatat(recorder.proc, link, &found, AT_SYMLINK_NOFOLLOW) == 0 && !(found.st_mode & 0700);
}

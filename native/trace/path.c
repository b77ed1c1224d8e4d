/*
 * Path resolution inside the root: one name at a time, symlinks read and followed by us, `..` never above the root.
 * What is known to be a real folder is remembered, because every change to the root goes through this process.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel, path_resolution(7) */
#define FOLDERS 4096

static char *folders[FOLDERS];

static size_t folder_slot(const char *guest)
{
    unsigned long hash = 5381;
    while (*guest)
        hash = hash * 33 + (unsigned char)*guest++;
    return hash % FOLDERS;
}

void forget_folders(void)
{
    for (int i = 0; i < FOLDERS; i++) {
        free(folders[i]);
        folders[i] = NULL;
    }
}

static bool is_folder(const char *guest)
{
    const char *known = folders[folder_slot(guest)];
    return known && strcmp(known, guest) == 0;
}

static void note_folder(const char *guest)
{
    char **slot = &folders[folder_slot(guest)];
    if (area_of(guest) == OF_PROC || area_of(guest) == OF_SYS)
        return;
    free(*slot);
    *slot = strdup(guest);
}

long look_at(const char *host, bool follow, struct statx *found)
{
    int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    return syscall(SYS_statx, AT_FDCWD, host, flags, STATX_BASIC_STATS | STATX_BTIME, found) ? -errno : 0;
}

static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
}

/* What is at a guest path. Where only the builder may not go, the way is opened. */
static long look(struct task *task, const char *guest, struct statx *found)
{
    char host[HOST_PATH_MAX];
    long failed = host_path(guest, host);
    if (failed)
        return failed;
    if (area_of(guest) == OF_PROC)
        return look_at_proc(task, guest, found);
    failed = look_at(host, false, found);
    if (failed != -EACCES)
        return failed;
    char parent[HOST_PATH_MAX];
    strcpy(parent, host);
    cut_last(parent);
    return make_accessible(parent) ? look_at(host, false, found) : failed;
}

long look_above(const struct found *found, struct found *parent)
{
    memset(parent, 0, offsetof(struct found, guest));
    strcpy(parent->guest, found->guest);
    cut_last(parent->guest);
    long failed = host_path(parent->guest, parent->host);
    parent->exists = true;
    return failed ? failed : look_at(parent->host, true, &parent->stat);
}

long working_folder(struct task *task, char guest[PATH_MAX])
{
    char link[64], host[HOST_PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/cwd", task->tid);
    ssize_t length = readlink(link, host, sizeof host - 1);
    if (length < 0)
        return -errno;
    host[length] = 0;
    return guest_path(host, guest) ? 0 : -ENOENT;
}

/* The guest path of a descriptor. */
static long descriptor_path(struct task *task, int fd, char guest[PATH_MAX])
{
    char link[64], host[HOST_PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", task->tid, fd);
    ssize_t length = readlink(link, host, sizeof host - 1);
    if (length < 0)
        return errno == ENOENT ? -EBADF : -errno;
    host[length] = 0;
    return guest_path(host, guest) ? 0 : -ENOTDIR;
}

/* Where a walk is. */
struct walk {
    struct task *task;
    int how;
    int links;
    char at[PATH_MAX];       /* a folder, as a guest path */
    char rest[2 * PATH_MAX]; /* what is to be walked from there */
};

static long begin(struct walk *walk, int folder, const char *path)
{
    const char *root = walk->task->surroundings->root;
    size_t length = strlen(path);
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(walk->rest, path, length + 1);
    if (path[0] == '/') {
        strcpy(walk->at, root);
        return 0;
    }
    return folder == AT_FDCWD ? working_folder(walk->task, walk->at) : descriptor_path(walk->task, folder, walk->at);
}

/* Takes the next name off the rest. False at its end. */
static bool take_name(struct walk *walk, char name[NAME_MAX + 2], bool *has_slash)
{
    const char *rest = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(rest, "/");
    if (length == 0)
        return false;
    size_t kept = length > NAME_MAX ? NAME_MAX + 1 : length;
    memcpy(name, rest, kept);
    name[kept] = 0;
    *has_slash = rest[length] == '/';
    memmove(walk->rest, rest + length, strlen(rest + length) + 1);
    return true;
}

static bool is_at_end(const struct walk *walk)
{
    return walk->rest[strspn(walk->rest, "/")] == 0;
}

/* Puts the target of the symlink `link` before what is left of the path. */
static long follow(struct walk *walk, const char *link)
{
    char target[2 * PATH_MAX], host[HOST_PATH_MAX];
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    long length = host_path(link, host);
    if (length == 0)
        length = area_of(link) == OF_PROC ? read_proc_link(walk->task, link, target) : readlink(host, target, PATH_MAX);
    if (length < 0)
        return area_of(link) == OF_PROC ? length : -errno;
    target[length] = 0;
    if ((size_t)length + strlen(walk->rest) + 2 > sizeof walk->rest)
        return -ENAMETOOLONG;
    if (walk->rest[0])
        strcat(target, walk->rest);
    strcpy(walk->rest, target);
    /* The target of a link below /proc is a guest path from the true root. */
    if (target[0] == '/')
        strcpy(walk->at, area_of(link) == OF_PROC ? "" : walk->task->surroundings->root);
    return 0;
}

static void step_up(struct walk *walk)
{
    if (strcmp(walk->at, walk->task->surroundings->root) != 0)
        cut_last(walk->at);
}

static long arrive(struct walk *walk, const char *guest, struct found *found)
{
    strcpy(found->guest, guest);
    (void)walk;
    return host_path(guest, found->host);
}

static long may_search(struct walk *walk, const char *guest)
{
    struct statx folder;
    bool by_real_id = walk->how & BY_REAL_ID;
    if (walk->task->ids.uid[by_real_id ? REAL : FILE_SYSTEM] == 0 || area_of(guest) == OF_PROC)
        return 0;
    long failed = look(walk->task, guest, &folder);
    if (!failed && !S_ISDIR(folder.stx_mode))
        return -ENOTDIR;
    return failed ? failed : may(walk->task, &folder, MAY_SEARCH, by_real_id);
}

/* The last name, or one that is no folder yet: 1 if the walk has arrived, 0 if it goes on, or -errno. */
static long step(struct walk *walk, const char *name, bool has_slash, struct found *found)
{
    char next[PATH_MAX + NAME_MAX + 2];
    const int how = walk->how;
    bool is_last = is_at_end(walk), is_meant = is_last && how & NAME;
    long failed = may_search(walk, walk->at);
    if (failed)
        return failed;
    if (is_last && has_slash && how & NO_SLASH)
        return -EISDIR;
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    if (snprintf(next, sizeof next, "%s/%s", walk->at, name) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (!is_last && is_folder(next))
        return strcpy(walk->at, next), 0;
    failed = look(walk->task, next, &found->stat);
    if (failed == -ENOENT && is_last && how & MISSING) {
        found->wants_folder = has_slash;
        failed = arrive(walk, next, found);
        return failed ? failed : 1;
    }
    if (failed)
        return failed;
    mode_t type = found->stat.stx_mode & S_IFMT;
    if (type == S_IFLNK && is_last && !has_slash && how & FOLLOW && is_descriptor_link(next)) {
        failed = arrive(walk, next, found);
        found->is_link_of_kernel = found->exists = true;
        if (!failed)
            failed = look_at(found->host, true, &found->stat);
        return failed ? failed : 1;
    }
    if (type == S_IFLNK && !is_meant && (!is_last || has_slash || how & FOLLOW))
        return follow(walk, next);
    if (type != S_IFDIR && !is_meant && (!is_last || has_slash))
        return -ENOTDIR;
    if (type == S_IFDIR)
        note_folder(next);
    if (!is_last)
        return strcpy(walk->at, next), 0;
    found->exists = true;
    found->wants_folder = has_slash;
    failed = arrive(walk, next, found);
    return failed ? failed : 1;
}

/* A path that ends in `.`, `..` or nothing: the folder where the walk is. */
static long stay(struct walk *walk, struct found *found)
{
    found->exists = found->wants_folder = true;
    long failed = arrive(walk, walk->at, found);
    if (failed)
        return failed;
    failed = look(walk->task, walk->at, &found->stat);
    if (failed == 0 && !S_ISDIR(found->stat.stx_mode))
        return -ENOTDIR;
    return failed;
}

static bool is_here(const char *path)
{
    return path[0] == '.' && path[strspn(path, "./")] == 0 && !strstr(path, "..");
}

/* A folder that was removed is still there for who is in it. */
static long stay_where_removed(struct task *task, struct found *found)
{
    found->exists = found->is_link_of_kernel = found->wants_folder = true;
    found->ending = IN_A_DOT;
    found->guest[0] = 0;
    snprintf(found->host, sizeof found->host, "/proc/%d/cwd", task->tid);
    return look_at(found->host, true, &found->stat);
}

static bool is_removed(const struct walk *walk)
{
    struct statx at;
    char host[HOST_PATH_MAX];
    return host_path(walk->at, host) == 0 && area_of(walk->at) == OF_ROOT && look_at(host, false, &at) == -ENOENT;
}

long walk(struct task *task, int folder, const char *path, int how, struct found *found)
{
    struct walk walk = {.task = task, .how = how};
    char name[NAME_MAX + 2];
    bool has_slash;
    memset(found, 0, offsetof(struct found, guest));
    if (path[0] == 0)
        return how & EMPTY ? walk_descriptor(task, folder, found) : -ENOENT;
    long failed = begin(&walk, folder, path);
    if (failed)
        return failed;
    if (folder == AT_FDCWD && is_here(path) && is_removed(&walk))
        return stay_where_removed(task, found);
    found->ending = AT_THE_TOP;
    while (take_name(&walk, name, &has_slash)) {
        found->ending = IN_A_NAME;
        if (strcmp(name, ".") == 0) {
            found->ending = IN_A_DOT;
            continue;
        }
        if (strcmp(name, "..") == 0) {
            found->ending = IN_TWO_DOTS;
            step_up(&walk);
            continue;
        }
        long arrived = step(&walk, name, has_slash, found);
        if (arrived)
            return arrived < 0 ? arrived : 0;
    }
    return stay(&walk, found);
}

long walk_at(struct task *task, int folder, unsigned long path, int how, struct found *found)
{
    char said[PATH_MAX];
    if (path == 0 && how & EMPTY)
        return walk_descriptor(task, folder, found);
    long failed = read_string(task, path, said, sizeof said);
    return failed < 0 ? failed : walk(task, folder, said, how, found);
}

/* The mode of its link says what it was opened for: nothing. */
bool is_path_only(const struct task *task, int fd)
{
    char link[64];
    struct stat found;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", task->tid, fd);
    return lstat(link, &found) == 0 && !(found.st_mode & 0700);
}

long walk_descriptor(struct task *task, int fd, struct found *found)
{
    memset(found, 0, offsetof(struct found, guest));
    found->exists = true;
    if (fd == AT_FDCWD) {
        long failed = working_folder(task, found->guest);
        if (failed == 0)
            failed = host_path(found->guest, found->host);
        return failed ? failed : look_at(found->host, true, &found->stat);
    }
    found->is_link_of_kernel = true;
    found->guest[0] = 0;
    snprintf(found->host, sizeof found->host, "/proc/%d/fd/%d", task->tid, fd);
    long failed = look_at(found->host, true, &found->stat);
    return failed == -ENOENT ? -EBADF : failed;
}

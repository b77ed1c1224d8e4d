/*
 * The root may be hostile: /etc, /proc or /dev may be symlinks that lead out. Every path is therefore walked one
 * name at a time with O_NOFOLLOW, and symlinks are read and followed by us, from the root. (openat2 would do the
 * first half, but cannot make what is missing, and older kernels and container profiles lack it.)
 */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel, path_resolution(7) */

const char *path_of(int fd)
{
    static char paths[4][32];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "/proc/self/fd/%d", fd);
    return path;
}

/* Takes the first name off `rest`; of one that is too long, as much as the kernel still refuses. */
static bool next_name(const char **rest, char name[NAME_MAX + 2])
{
    while (**rest == '/')
        (*rest)++;
    size_t length = strcspn(*rest, "/");
    if (length == 0)
        return false;
    if (length > NAME_MAX)
        length = NAME_MAX + 1;
    memcpy(name, *rest, length);
    name[length] = 0;
    *rest += strcspn(*rest, "/");
    return true;
}

int open_real(int root, const char *path)
{
    char name[NAME_MAX + 2];
    int at = fcntl(root, F_DUPFD_CLOEXEC, 5);
    while (at >= 0 && next_name(&path, name)) {
        errno = EXDEV; /* a real path has no `..`: this one leads out */
        int next = strcmp(name, "..") == 0 ? -1 : openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(at);
        errno = error;
        at = next;
    }
    return at;
}

/* Where a walk is: the descriptor and its real path. */
struct place {
    int root, at;
    char real[PATH_MAX];
};

static int move_to(struct place *place, int fd)
{
    if (fd < 0)
        return -1;
    close(place->at);
    place->at = fd;
    return 0;
}

static int step_up(struct place *place)
{
    char *slash = strrchr(place->real, '/');
    *(slash ? slash : place->real) = 0;
    return move_to(place, open_real(place->root, place->real));
}

static int step_down(struct place *place, const char *name, int fd)
{
    size_t length = strlen(place->real);
    if (length + strlen(name) + 2 > sizeof place->real) {
        close(fd);
        errno = ENAMETOOLONG;
        return -1;
    }
    if (length)
        place->real[length++] = '/';
    strcpy(place->real + length, name);
    return move_to(place, fd);
}

/* Puts the target of the symlink `fd` before what is left of the path. */
static int follow(struct place *place, int fd, char *rest, size_t room)
{
    char target[2 * PATH_MAX];
    ssize_t length = readlinkat(fd, "", target, PATH_MAX);
    close(fd);
    if (length < 0)
        return -1;
    target[length] = 0;
    if ((size_t)length + 1 + strlen(rest) + 1 > room) {
        errno = ENAMETOOLONG;
        return -1;
    }
    target[length] = '/';
    strcpy(target + length + 1, rest);
    strcpy(rest, target);
    if (target[0] != '/')
        return 0;
    place->real[0] = 0;
    return move_to(place, open_real(place->root, ""));
}

/* One name further. 1: a symlink was met, `rest` is new. */
static int advance(struct place *place, const char *name, bool directory, char *rest, size_t room)
{
    struct stat found;
    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0)
        return step_up(place);
    int fd = openat(place->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        fd = make_stub(place->root, place->at, place->real, name, directory);
    if (fd < 0 || fstat(fd, &found))
        return -1;
    if (S_ISLNK(found.st_mode))
        return follow(place, fd, rest, room) ? -1 : 1;
    if (directory != S_ISDIR(found.st_mode)) {
        close(fd);
        errno = directory ? ENOTDIR : EISDIR;
        return -1;
    }
    return step_down(place, name, fd);
}

int open_mount_point(int root, const char *path, bool directory)
{
    struct place place = {.root = root, .at = open_real(root, "")};
    char rest[PATH_MAX], name[NAME_MAX + 2];
    int links = 0;
    if (strlen(path) >= sizeof rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(rest, path);
    for (const char *left = rest; next_name(&left, name);) {
        bool last = left[strspn(left, "/")] == 0;
        char after[PATH_MAX];
        strcpy(after, left);
        int walked = advance(&place, name, last ? directory : true, after, sizeof after);
        if (walked < 0)
            return -1;
        if (walked == 0)
            continue;
        if (++links > LINKS_MAX) {
            errno = ELOOP;
            return -1;
        }
        strcpy(rest, after);
        left = rest;
    }
    if (place.real[0] == 0) { /* `/proc -> /`: a mount there would hide the root itself */
        errno = EBUSY;
        return -1;
    }
    return place.at;
}

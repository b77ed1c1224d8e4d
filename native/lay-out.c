/*
 * Makes files as a request on fd 0 says, in the folder that is given; fields end in NUL, PATH is a real path from it:
 *
 *   folder PATH                                               mode 0700, for now
 *   file PATH MODE UID GID SECONDS SOURCE OFFSET SIZE         bytes of fd SOURCE; with `-` they follow here
 *   symlink PATH UID GID SECONDS TARGET
 *   link PATH EXISTING
 *   node PATH c|b|p MAJOR MINOR                               mode 0600, for now
 *   attrs PATH MODE UID GID SECONDS                           of what is there; a symlink has no mode
 *   xattr PATH NAME SIZE bytes
 *   remove PATH                                               with all that is in it
 *   end
 *
 * MODE is decimal, SECONDS the time of access and of change. An id of 2^32-1 is left as it is, as by chown(2).
 * Answers `refused PATH NAME ERROR` for each attribute that the file system did not take, and, before it fails,
 * `failed PATH ERRNO` for the path that could not be made; ERRNO 0: SOURCE is too short.
 */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ANY_ID 4294967295ul

struct attributes {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
};

static _Noreturn void fail_at(const char *path, const char *call)
{
    int error = errno;
    printf("failed%c%s%c%d%c", 0, path, 0, error, 0);
    fflush(stdout);
    errno = error;
    fail(REFUSED, call, path);
}

static char *wanted_field(struct request *request)
{
    char *field = next_field(request);
    if (!field)
        fail_because(REFUSED, "read", "the request", "it ends within a record");
    return field;
}

static time_t next_seconds(struct request *request)
{
    char *field = wanted_field(request), *digits = field + (*field == '-');
    long seconds = (long)parse_number(digits, LONG_MAX);
    if (digits > field)
        seconds = -seconds;
    free(field);
    return seconds;
}

static void next_owner_and_time(struct request *request, struct attributes *attributes)
{
    attributes->uid = (uid_t)next_number(request, ANY_ID);
    attributes->gid = (gid_t)next_number(request, ANY_ID);
    attributes->times[0] = attributes->times[1] = (struct timespec){.tv_sec = next_seconds(request)};
}

static struct attributes next_attributes(struct request *request)
{
    struct attributes attributes = {.mode = (mode_t)next_number(request, 07777)};
    next_owner_and_time(request, &attributes);
    return attributes;
}

static void make_folder(int root, struct request *request)
{
    char *path = wanted_field(request);
    if (mkdir(enter_parent(root, path), 0700))
        fail_at(path, "mkdir");
    free(path);
}

/* From memory that stays in the processor's cache; a copy within the kernel is none between these file systems. */
static void copy_slice(int source, off_t offset, size_t size, int to, const char *path)
{
    static char buffer[1 << 18];
    while (size > 0) {
        ssize_t got = pread(source, buffer, size < sizeof buffer ? size : sizeof buffer, offset);
        if (got <= 0) {
            errno = got < 0 ? errno : 0;
            fail_at(path, "pread");
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t written = write(to, buffer + done, (size_t)(got - done));
            if (written < 0)
                fail_at(path, "write");
            done += written;
        }
        offset += got;
        size -= (size_t)got;
    }
}

static void make_file(int root, struct request *request)
{
    char *path = wanted_field(request);
    struct attributes attributes = next_attributes(request);
    char *source = wanted_field(request);
    off_t offset = (off_t)next_number(request, LONG_MAX);
    size_t size = next_number(request, LONG_MAX);
    int fd = open(enter_parent(root, path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        fail_at(path, "open");
    if (*source != '-')
        copy_slice((int)parse_number(source, 1 << 20), offset, size, fd, path);
    else if (!copy_bytes(request, size, fd))
        fail_at(path, "write");
    /* chmod after chown, which clears setuid and setgid. */
    if (fchown(fd, attributes.uid, attributes.gid) || fchmod(fd, attributes.mode) || futimens(fd, attributes.times))
        fail_at(path, "fchown");
    if (close(fd))
        fail_at(path, "close");
    free(path);
    free(source);
}

static void make_symlink(int root, struct request *request)
{
    char *path = wanted_field(request);
    struct attributes attributes = {0};
    next_owner_and_time(request, &attributes);
    char *target = wanted_field(request);
    const char *name = enter_parent(root, path);
    if (symlink(target, name) || lchown(name, attributes.uid, attributes.gid) ||
        utimensat(AT_FDCWD, name, attributes.times, AT_SYMLINK_NOFOLLOW))
        fail_at(path, "symlink");
    free(path);
    free(target);
}

static void make_link(int root, struct request *request)
{
    char *path = wanted_field(request), *existing = wanted_field(request);
    const char *name = enter_parent(root, existing);
    int folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || linkat(folder, name, AT_FDCWD, enter_parent(root, path), 0))
        fail_at(path, "link");
    close(folder);
    free(path);
    free(existing);
}

static void make_node(int root, struct request *request)
{
    char *path = wanted_field(request), *type = wanted_field(request);
    unsigned long major = next_number(request, 0xffffffff), minor = next_number(request, 0xffffffff);
    mode_t kind = *type == 'c' ? S_IFCHR : *type == 'b' ? S_IFBLK : S_IFIFO;
    if (mknod(enter_parent(root, path), kind | 0600, makedev((unsigned)major, (unsigned)minor)))
        fail_at(path, "mknod");
    free(path);
    free(type);
}

static void set_attributes(int root, struct request *request)
{
    char *path = wanted_field(request);
    struct attributes attributes = next_attributes(request);
    const char *name = enter_parent(root, path);
    struct stat found;
    if (lstat(name, &found) || lchown(name, attributes.uid, attributes.gid) ||
        (!S_ISLNK(found.st_mode) && chmod(name, attributes.mode)) ||
        utimensat(AT_FDCWD, name, attributes.times, AT_SYMLINK_NOFOLLOW))
        fail_at(path, "chown");
    free(path);
}

static void remove_path(int root, struct request *request)
{
    char *path = wanted_field(request);
    const char *name = enter_parent(root, path);
    if (strcmp(name, ".") == 0)
        fail_because(REFUSED, "remove", path, "it is where we are");
    remove_name(name);
    free(path);
}

int lay_out_verb(const char *folder)
{
    static const struct {
        const char *kind;
        void (*perform)(int root, struct request *request);
    } records[] = {{"folder", make_folder},    {"file", make_file},       {"symlink", make_symlink},
                   {"link", make_link},        {"node", make_node},       {"attrs", set_attributes},
                   {"xattr", set_xattr},       {"remove", remove_path}};
    struct request request = {.fd = 0};
    int root = open_root(folder);
    umask(0);
    for (char *kind; (kind = next_field(&request)); free(kind)) {
        size_t i = 0;
        if (strcmp(kind, "end") == 0)
            return fflush(stdout) ? 1 : 0;
        while (i < sizeof records / sizeof *records && strcmp(kind, records[i].kind) != 0)
            i++;
        if (i == sizeof records / sizeof *records)
            fail_because(REFUSED, "read", kind, "no such record");
        records[i].perform(root, &request);
    }
    fail_because(REFUSED, "read", "the request", "it ends too early");
}

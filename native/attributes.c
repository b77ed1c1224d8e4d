/* What Node has no call for: device nodes and extended attributes. Paths are real paths from the root. */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <linux/limits.h>
#include <unistd.h>

static int open_root(const char *folder)
{
    int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail(REFUSED, "open", folder);
    return root;
}

/*
 * Enters the folder that holds `path` and gives the last name: there is no lsetxattrat before Linux 6.13, and a
 * relative name without '/' is the only other way to follow no symlink. The root itself is ".".
 */
static const char *enter_parent(int root, const char *path)
{
    char parent[PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    if (slash) {
        if ((size_t)(slash - path) >= sizeof parent)
            fail_because(REFUSED, "open", path, "the path is too long");
        memcpy(parent, path, (size_t)(slash - path));
    }
    int fd = open_real(root, parent);
    int entered = fd < 0 ? -1 : fchdir(fd);
    if (fd >= 0)
        close(fd);
    if (entered)
        fail(REFUSED, "open", path);
    const char *name = slash ? slash + 1 : *path ? path : ".";
    if (strcmp(name, "..") == 0)
        fail_because(REFUSED, "open", path, "it leads out of the root");
    return name;
}

static void make_node(int root, struct request *request)
{
    char *path = next_field(request), *type = next_field(request);
    unsigned long major = next_number(request, 0xfffff), minor = next_number(request, 0xfffff);
    if (!type)
        fail_because(REFUSED, "read", "the request", "it ends within a record");
    mode_t kind = *type == 'c' ? S_IFCHR : *type == 'b' ? S_IFBLK : S_IFIFO;
    const char *name = enter_parent(root, path);
    if (mknod(name, kind | 0600, makedev((unsigned)major, (unsigned)minor)))
        fail(REFUSED, "mknod", path);
    free(path);
    free(type);
}

/* A file system may not hold every attribute (tmpfs has no user.*): the caller is told which, and decides. */
static void set_xattr(int root, struct request *request)
{
    char *path = next_field(request), *key = next_field(request);
    size_t size = next_number(request, XATTR_SIZE_MAX);
    char *value = next_bytes(request, size);
    const char *name = enter_parent(root, path);
    if (lsetxattr(name, key, value, size, 0))
        printf("%s%c%s%c%s%c", path, 0, key, 0, strerror(errno), 0);
    free(path);
    free(key);
    free(value);
}

/* `node PATH c|b|p MAJOR MINOR` and `xattr PATH NAME SIZE bytes`, then `end`; answers `PATH NAME ERROR` for each refused. */
int lay_out_verb(const char *folder)
{
    struct request request = {.fd = 0};
    int root = open_root(folder);
    for (char *kind; (kind = next_field(&request)); free(kind)) {
        if (strcmp(kind, "end") == 0)
            return fflush(stdout) ? 1 : 0;
        if (strcmp(kind, "node") == 0)
            make_node(root, &request);
        else
            set_xattr(root, &request);
    }
    fail_because(REFUSED, "read", "the request", "it ends too early");
}

static void write_xattr(const char *name, const char *key, const char *path)
{
    static char value[XATTR_SIZE_MAX];
    ssize_t size = lgetxattr(name, key, value, sizeof value);
    /* An empty capability can be set, is listed, and cannot be read: nothing to bring back. */
    if (size < 0 && (errno == EINVAL || errno == ENODATA))
        return;
    if (size < 0)
        fail(REFUSED, "getxattr", path);
    printf("%s%c%zd%c", key, 0, size, 0);
    fwrite(value, 1, (size_t)size, stdout);
}

static void write_xattrs(int root, const char *path)
{
    static char list[XATTR_LIST_MAX];
    const char *name = enter_parent(root, path);
    ssize_t size = llistxattr(name, list, sizeof list);
    if (size < 0 && errno != ENOTSUP)
        fail(REFUSED, "listxattr", path);
    for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
        write_xattr(name, list + at, path);
    putchar(0);
}

/* Paths until the end of the input; answers for each `NAME SIZE bytes`... and an empty name. */
int read_xattrs_verb(const char *folder)
{
    struct request request = {.fd = 0};
    int root = open_root(folder);
    for (char *path; (path = next_field(&request)); free(path))
        write_xattrs(root, path);
    return fflush(stdout) ? 1 : 0;
}

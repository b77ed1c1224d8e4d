/* Extended attributes, for which Node has no calls. Paths are real paths from the root. */
#include "ocibake-sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <linux/limits.h>

/* A file system may not hold every attribute (tmpfs has no user.*): the caller is told which, and decides. */
void set_xattr(int root, struct request *request)
{
    char *path = next_field(request), *key = next_field(request);
    size_t size = next_number(request, XATTR_SIZE_MAX);
    char *value = next_bytes(request, size);
    const char *name = enter_parent(root, path);
    if (lsetxattr(name, key, value, size, 0))
        printf("refused%c%s%c%s%c%s%c", 0, path, 0, key, 0, strerror(errno), 0);
    free(path);
    free(key);
    free(value);
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

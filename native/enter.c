/* The way to a path of a root for calls that take a name in the current folder. Paths are real paths from the root. */
#include "ocibake-sandbox.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <unistd.h>

/* The folder that we are in, if `is_known`: most paths lie beside the one before. */
static char current[PATH_MAX];
static bool is_known;

int open_root(const char *folder)
{
    int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail(REFUSED, "open", folder);
    return root;
}

const char *enter_parent(int root, const char *path)
{
    char parent[PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : *path ? path : ".";
    if (slash) {
        if ((size_t)(slash - path) >= sizeof parent)
            fail_because(REFUSED, "open", path, "the path is too long");
        memcpy(parent, path, (size_t)(slash - path));
    }
    if (strcmp(name, "..") == 0)
        fail_because(REFUSED, "open", path, "it leads out of the root");
    if (is_known && strcmp(parent, current) == 0)
        return name;
    int fd = open_real(root, parent);
    int entered = fd < 0 ? -1 : fchdir(fd);
    if (fd >= 0)
        close(fd);
    if (entered)
        fail(REFUSED, "open", path);
    strcpy(current, parent);
    is_known = true;
    return name;
}

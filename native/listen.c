#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING_MAX 64

int listen_at(const char *path)
{
    char folder[PATH_MAX];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(path, '/');
    if (!slash || snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) >= (int)sizeof folder)
        fail_because(REFUSED, "bind", path, "not an absolute path, or too long");
    int parent = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        fail(REFUSED, "open", folder);
    /* The path of a cache folder may not fit the 108 bytes of an address. */
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s%s~", path_of(parent), slash);
    if (length >= (int)sizeof address.sun_path)
        fail_because(REFUSED, "bind", path, "its last name is too long");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, WAITING_MAX))
        fail(REFUSED, "bind", path);
    /* Who finds it is let in: between bind(2) and listen(2) he would be refused. */
    if (renameat(AT_FDCWD, address.sun_path, parent, slash + 1))
        fail(REFUSED, "rename", path);
    close(parent);
    return fd;
}

int listen_verb(const char *path, char **program)
{
    if (dup2(listen_at(path), 0) < 0)
        fail(REFUSED, "dup2", path);
    execv(program[0], program);
    fail(UNFIT, "execve", program[0]);
}

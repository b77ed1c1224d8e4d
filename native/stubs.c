/* Mount points that the root lacks: they are there for the run and never come back with it. */
#include "ocibake-sandbox.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Making and removing a stub must not show in its folder's time. */
static void keep_times(int folder, const struct stat *before)
{
    struct timespec times[2] = {before->st_atim, before->st_mtim};
    utimensat(AT_FDCWD, path_of(folder), times, 0);
}

static void note_stub(int root_fd, const char *parent, const char *name, const struct stat *made, bool directory)
{
    struct stat root;
    if (fstat(root_fd, &root) || made->st_dev != root.st_dev)
        return;
    if (run_report->stub_count == STUBS_MAX)
        fail_because(UNFIT, "mount", name, "too many mount points are missing");
    struct stub *stub = &run_report->stubs[run_report->stub_count];
    strcpy(stub->parent, parent);
    strcpy(stub->name, name);
    stub->device = made->st_dev;
    stub->inode = made->st_ino;
    stub->directory = directory;
    run_report->stub_count++;
}

int make_stub(int root, int folder, const char *parent, const char *name, bool directory)
{
    struct stat before, made;
    if (fstat(folder, &before))
        return -1;
    if (directory ? mkdirat(folder, name, 0755) : mknodat(folder, name, S_IFREG | 0644, 0))
        return -1;
    int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &made))
        return -1;
    note_stub(root, parent, name, &made, directory);
    keep_times(folder, &before);
    return fd;
}

void remove_stubs(int root)
{
    for (int i = run_report->stub_count - 1; i >= 0; i--) {
        struct stub *stub = &run_report->stubs[i];
        struct stat before, now;
        int parent = open_real(root, stub->parent);
        if (parent < 0)
            continue;
        if (fstat(parent, &before) == 0 && fstatat(parent, stub->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
            now.st_dev == stub->device && now.st_ino == stub->inode &&
            unlinkat(parent, stub->name, stub->directory ? AT_REMOVEDIR : 0) == 0)
            keep_times(parent, &before);
        close(parent);
    }
}

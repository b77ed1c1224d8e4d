/* Removes what a script had its hands on. Nothing is followed, nothing on another file system is touched. */
#include "names.h"
#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void remove_folder(const char *name, dev_t device);

/* Whoever may not write to a folder, or read it, cannot empty it. */
static void empty_current(dev_t device)
{
    struct names names = read_names(".");
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.all[i].text;
        if (!names.all[i].is_folder && (unlink(name) == 0 || errno == ENOENT))
            continue;
        if (!names.all[i].is_folder && errno != EISDIR)
            fail(REFUSED, "unlink", name);
        remove_folder(name, device);
    }
    free_names(&names);
}

static void remove_folder(const char *name, dev_t device)
{
    struct stat found;
    if (lstat(name, &found))
        fail(REFUSED, "lstat", name);
    /* Of a mount that was left: rmdir says that it is busy. */
    if (found.st_dev == device) {
        if ((geteuid() && chmod(name, 0700)) || chdir(name))
            fail(REFUSED, "chdir", name);
        empty_current(device);
        /* Nobody moves folders meanwhile, so this is where we came from. */
        if (chdir(".."))
            fail(REFUSED, "chdir", "..");
    }
    if (rmdir(name) && errno != ENOENT)
        fail(REFUSED, "rmdir", name);
}

void remove_name(const char *name)
{
    struct stat found;
    if (lstat(name, &found)) {
        if (errno != ENOENT)
            fail(REFUSED, "lstat", name);
    } else if (S_ISDIR(found.st_mode)) {
        remove_folder(name, found.st_dev);
    } else if (unlink(name)) {
        fail(REFUSED, "unlink", name);
    }
}

int remove_verb(const char *folder)
{
    remove_name(folder);
    return 0;
}

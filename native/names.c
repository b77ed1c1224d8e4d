#include "names.h"

#include "ocibake-sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool is_wanted(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void add(struct names *names, const struct dirent *found)
{
    if (names->count == names->room) {
        names->room = names->room ? 2 * names->room : 32;
        names->all = realloc(names->all, names->room * sizeof *names->all);
        if (!names->all)
            fail(REFUSED, "realloc", "");
    }
    struct name *name = &names->all[names->count++];
    name->is_folder = found->d_type == DT_DIR;
    name->text = strdup(found->d_name);
    if (!name->text)
        fail(REFUSED, "strdup", "");
}

struct names read_names(const char *path)
{
    struct names names = {0};
    /* To read a folder is no access that a script should see; only its owner and root may ask for that. */
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
    if (fd < 0)
        fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        fail(REFUSED, "opendir", path);
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(folder);
        if (!found)
            break;
        if (is_wanted(found->d_name))
            add(&names, found);
    }
    if (errno)
        fail(REFUSED, "readdir", path);
    closedir(folder);
    if (names.count > 0)
        qsort(names.all, names.count, sizeof *names.all, by_bytes);
    return names;
}

void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->all[i].text);
    free(names->all);
}

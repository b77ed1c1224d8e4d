/* What lies in a root: names and what statx(2) says of them. Nothing is read. */
#include "names.h"
#include "ocibake-sandbox.h"
#include "owners.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Twice as long as any path that a caller can use: he sees the first that is too long. */
static char path[2 * PATH_MAX];
static bool opens_up;

static long long nanoseconds(struct statx_timestamp time)
{
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void write_entry(const struct statx *found)
{
    struct file_id id = file_id_of(found);
    printf("%s%c%lu:%lu-%lld%c%u%c%u%c%u%c%llu%c%lld%c%lld%c%lld%c%u:%u%c", path, 0, (unsigned long)id.device,
           (unsigned long)id.inode, (long long)id.born, 0, found->stx_mode, 0, found->stx_uid, 0, found->stx_gid, 0,
           (unsigned long long)found->stx_size, 0, nanoseconds(found->stx_ctime), 0, nanoseconds(found->stx_mtime), 0,
           nanoseconds(found->stx_atime), 0, found->stx_rdev_major, found->stx_rdev_minor, 0);
}

/* A script's root may read everything; who builds as an ordinary user must be allowed to. */
static void open_up(const char *name, mode_t mode)
{
    mode_t wanted = S_ISDIR(mode) ? 0700 : S_ISREG(mode) ? 0400 : 0;
    if ((mode & wanted) != wanted && chmod(name, mode_on_disk(mode) & 07777))
        fail(REFUSED, "chmod", path);
}

static void look_in(size_t length);

static void look_at(const char *name, size_t length)
{
    struct statx found;
    if (statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &found))
        fail(REFUSED, "statx", path);
    write_entry(&found);
    if (opens_up)
        open_up(name, found.stx_mode);
    if (!S_ISDIR(found.stx_mode) || length >= PATH_MAX)
        return;
    if (chdir(name))
        fail(REFUSED, "chdir", path);
    look_in(length);
    /* Nobody moves folders meanwhile, so this is where we came from. */
    if (length > 0 && chdir(".."))
        fail(REFUSED, "chdir", "..");
}

static void look_in(size_t length)
{
    struct names names = read_names(path);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.all[i].text;
        size_t start = length > 0 ? length + 1 : 0;
        if (length > 0)
            path[length] = '/';
        strcpy(path + start, name);
        look_at(name, start + strlen(name));
        path[length] = 0;
    }
    free_names(&names);
}

/*
 * For each entry, parents first, names in the order of their bytes: PATH IDENTITY MODE UID GID SIZE CHANGED MODIFIED
 * ACCESSED DEVICE, each ended by NUL. The root's path is empty; IDENTITY is that of owners.h as DEVICE:INODE-BORN,
 * MODE has the type and is decimal, times are nanoseconds, DEVICE is MAJOR:MINOR. `opens` makes everything readable.
 */
int survey_verb(const char *folder, bool opens)
{
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    opens_up = opens;
    if (chdir(folder))
        fail(REFUSED, "chdir", folder);
    look_at(".", 0);
    return fflush(stdout) ? 1 : 0;
}

#include "calls.h"

#include <sys/mman.h>

const char *self = "/calls";

static const struct {
    const char *name;
    void (*run)(void);
} families[] = {
    {"opening", opening},       {"looking", looking},       {"owning", owning},         {"changing", changing},
    {"naming", naming},         {"removing", removing},     {"long paths", long_paths}, {"attributes", attributes},
    {"lists", lists},           {"becoming", becoming},     {"executing", executing},   {"scripts", scripts},
    {"capabilities", capabilities}, {"processes", processes}, {"threads", threads},     {"signals", signals},
    {"sockets", sockets},       {"proc", proc},             {"refused", refused},       {"rooms", rooms},
    {"devices", devices},       {"watching", watching},
};

long say_whether(const char *what, long result)
{
    printf("%s: %s\n", what, result < 0 && result >= -4095 ? strerrorname_np(errno) : "done");
    fflush(stdout);
    return result;
}

long say(const char *what, long result)
{
    if (result < 0 && result >= -4095 && errno)
        return say_whether(what, result);
    printf("%s: %ld\n", what, result);
    fflush(stdout);
    return result;
}

void show(const char *name)
{
    struct stat found;
    if (fstatat(AT_FDCWD, name, &found, AT_SYMLINK_NOFOLLOW))
        printf("  %s: %s\n", name, strerrorname_np(errno));
    else
        printf("  %s: %o %u:%u links %lu rdev %lx size %ld\n", name, found.st_mode, found.st_uid, found.st_gid,
               S_ISDIR(found.st_mode) ? 0 : (unsigned long)found.st_nlink, (unsigned long)found.st_rdev,
               S_ISDIR(found.st_mode) ? 0 : (long)found.st_size);
    fflush(stdout);
}

void make_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) || close(fd))
        printf("  %s cannot be made: %s\n", name, strerrorname_np(errno));
}

void in_child(const char *name, void (*what)(void))
{
    int status;
    printf("-- %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        what();
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("-- %s %d\n", WIFEXITED(status) ? "exits with" : "is ended by",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    fflush(stdout);
}

char *at_end_of_page(const char *text, size_t size)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    return memcpy(pages + 4096 - size, text, size);
}

void show_ids(const char *when)
{
    uid_t u[3];
    gid_t g[3], groups[64];
    getresuid(&u[0], &u[1], &u[2]);
    getresgid(&g[0], &g[1], &g[2]);
    printf("  %s: uid %u %u %u gid %u %u %u groups", when, u[0], u[1], u[2], g[0], g[1], g[2]);
    for (int i = 0, count = getgroups(64, groups); i < count; i++)
        printf(" %u", groups[i]);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "ids") == 0) {
        show_ids(argv[0]);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "arguments") == 0) {
        for (int i = 0; i < argc; i++)
            printf("  %d: %s\n", i, argv[i]);
        return 7;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (argc > 1 && strcmp(argv[1], families[i].name) == 0) {
            families[i].run();
            return 0;
        }
    for (int i = 0; i < argc && i < 12; i++)
        printf("  argument %d: %s\n", i, argv[i]);
    printf("  %d arguments\n", argc);
    return 3;
}

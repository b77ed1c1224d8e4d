#include "calls.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

static void show_link(const char *path)
{
    char target[4096];
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = 0;
    printf("  %s -> %s\n", path, size < 0 ? strerrorname_np(errno) : target);
}

static void count_lines(const char *path)
{
    int lines = 0;
    FILE *file = fopen(path, "r");
    for (int byte; file && (byte = getc(file)) != EOF;)
        lines += byte == '\n';
    printf("  %s: %s\n", path, !file ? strerrorname_np(errno) : lines ? "lines" : "nothing");
    if (file)
        fclose(file);
}

void proc(void)
{
    struct stat found;
    char path[64];
    show_link("/proc/self/exe");
    show_link("/proc/self/cwd");
    show_link("/proc/self/root");
    int file = open("core", O_RDONLY);
    sprintf(path, "/proc/self/fd/%d", file);
    show_link(path);
    sprintf(path, "/dev/fd/%d", file);
    show_link(path);
    DOES(open(path, O_RDONLY));
    DOES(open(path, O_RDONLY | O_NOFOLLOW));
    TRY(stat("/proc/self/exe", &found));
    printf("  %o\n", found.st_mode);
    TRY(lstat("/proc/self/exe", &found));
    printf("  %o\n", found.st_mode);
    DOES(open("/proc/self/exe", O_RDONLY));
    char here[64], there[128];
    TRY(getcwd(here, sizeof here) != NULL);
    sprintf(there, "/proc/self/root%s/core", here);
    DOES(open(there, O_RDONLY));
    DOES(open("/proc/self/cwd/core", O_RDONLY));
    DOES(open("/proc/thread-self/cwd/core", O_RDONLY));
    DOES(open("/proc/self/task/1/x", O_RDONLY));
    DOES(open("/proc/self/nothing", O_RDONLY));
    DOES(open("/proc/self/fd/99", O_RDONLY));
    DOES(open("/proc/99999999/status", O_RDONLY));
    DOES(open("/proc/new", O_CREAT | O_WRONLY, 0600));
    DOES(mkdir("/proc/new", 0600));
    DOES(unlink("/proc/self/status"));
    DOES(open("/proc/self/oom_score_adj", O_WRONLY));
    DOES(open("/proc/sys/kernel/ostype", O_RDONLY));
    DOES(access("/proc/self/fd", R_OK | X_OK));
    count_lines("/proc/self/maps");
    count_lines("/proc/self/status");
    count_lines("/proc/self/mounts");
    count_lines("/proc/mounts");
    count_lines("/proc/self/mountinfo");
    count_lines("/proc/meminfo");
    count_lines("/proc/cpuinfo");
    count_lines("/proc/self/cgroup");
    count_lines("/proc/filesystems");
    sprintf(path, "/proc/%d/cmdline", getpid());
    DOES(open(path, O_RDONLY));
    /* A descriptor of what has no name any more. */
    make_file("gone", "x", 0600);
    int gone = open("gone", O_RDWR);
    unlink("gone");
    sprintf(path, "/proc/self/fd/%d", gone);
    DOES(open(path, O_RDWR));
    TRY(stat(path, &found));
    TRY(chmod(path, 0640));
    TRY(truncate(path, 5));
    TRY(fstat(gone, &found));
    printf("  %o %ld\n", found.st_mode, (long)found.st_size);
    sprintf(path, "/proc/self/fd/%d", memfd_create("m", 0));
    DOES(open(path, O_RDWR));
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (folder && readdir(folder))
        count++;
    TRY(count);
}

void devices(void)
{
    struct stat found;
    struct statfs system;
    char bytes[16];
    int null = (int)DOES(open("/dev/null", O_RDWR));
    TRY(write(null, "x", 1));
    TRY(read(null, bytes, 1));
    DOES(open("/dev/null", O_CREAT | O_WRONLY | O_TRUNC, 0600));
    DOES(open("/dev/null", O_CREAT | O_EXCL | O_WRONLY, 0600));
    TRY(truncate("/dev/null", 5));
    TRY(fstat(null, &found));
    printf("  %o %lx %ld\n", found.st_mode, (unsigned long)found.st_rdev, (long)found.st_size);
    TRY(read(open("/dev/zero", O_RDONLY), bytes, 16));
    TRY(write(open("/dev/full", O_WRONLY), "x", 1));
    TRY(read(open("/dev/urandom", O_RDONLY), bytes, 16));
    DOES(open("/dev/tty", O_RDWR));
    DOES(open("/dev/nothing", O_RDWR));
    DOES(open("/dev/shm/x", O_CREAT | O_RDWR, 0600));
    DOES(unlink("/dev/shm/x"));
    show("/dev/shm");
    DOES(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    DOES(open("null", O_RDWR));
    DOES(unlink("null"));
    DOES(mknod("null2", S_IFCHR | 0666, found.st_rdev));
    DOES(open("null2", O_RDWR));
    DOES(rename("/dev/null", "null3"));
    DOES(link("/dev/null", "null3"));
    DOES(rmdir("/dev/shm"));
    DOES(rmdir("/proc"));
    TRY(statfs("/proc", &system));
    TRY(statfs("/", &system));
    TRY(statfs("nothing", &system));
    struct utsname name;
    TRY(uname(&name));
    printf("  %s %s\n", name.nodename, name.sysname);
}

#include "calls.h"

#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

static void run(const char *path, char *const arguments[])
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execv(path, arguments);
        printf("  %s: %s\n", path, strerrorname_np(errno));
        fflush(stdout);
        _exit(126);
    }
    waitpid(child, &status, 0);
    printf("  %s ends with %x\n", path, status);
}

static void copy_self(const char *name, mode_t mode)
{
    static char bytes[65536];
    int from = open(self, O_RDONLY), to = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0700);
    for (ssize_t size; (size = read(from, bytes, sizeof bytes)) > 0;)
        if (write(to, bytes, (size_t)size) != size)
            printf("  cannot copy\n");
    close(from);
    fchmod(to, mode);
    close(to);
}

static char *const plain[] = {"zero", "ids", NULL};

static void refused_programs(void)
{
    TRY(execv("nothing", plain));
    TRY(execv("", plain));
    TRY(execv(".", plain));
    TRY(execv("none", plain));
    TRY(execv("core/x", plain));
    TRY(execv("private/secret", plain));
    make_file("text", "text", 0755);
    TRY(execv("text", plain));
    TRY(execv("text/", plain));
    make_file("empty", "", 0755);
    TRY(execv("empty", plain));
    make_file("half", "\177ELF\2\1\1", 0755);
    TRY(execv("half", plain));
    TRY(execv("null", plain));
    TRY(mkfifo("fifo", 0777));
    TRY(execv("fifo", plain));
    TRY(symlink("loop", "loop"));
    TRY(execv("loop", plain));
    TRY(syscall(SYS_execve, NULL, plain, NULL));
    TRY(syscall(SYS_execve, self, 8, NULL));
    TRY(execv("/proc/self/fd/77", plain));
    TRY(execv("/proc/self/cwd", plain));
}

static void *execute_here(void *path)
{
    execv(path, plain);
    return NULL;
}

static void *wait_here(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static void from_a_thread(void)
{
    pthread_t thread;
    for (int i = 0; i < 5; i++)
        pthread_create(&thread, NULL, wait_here, NULL);
    pthread_create(&thread, NULL, execute_here, (void *)self);
    pthread_join(thread, NULL);
}

static void without_a_leader(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, execute_here, (void *)self);
    pthread_exit(NULL);
}

static void *execute_often(void *number)
{
    for (;;)
        execv(number ? self : "nothing", plain);
    return NULL;
}

static void by_all_at_once(void)
{
    pthread_t thread;
    for (long i = 0; i < 6; i++)
        pthread_create(&thread, NULL, execute_often, (void *)i);
    /* The last of them may be seen to die before all do. */
    for (;;)
        pause();
}

static void by_descriptor(void)
{
    int file = open("copy", O_RDONLY | O_CLOEXEC);
    unlink("copy");
    char path[32];
    sprintf(path, "/proc/self/fd/%d", file);
    run(path, plain);
    fflush(stdout);
    if (fork() == 0)
        TRY(fexecve(file, plain, (char *[]){NULL})), _exit(1);
    wait(NULL);
    int through = open(self, O_PATH | O_CLOEXEC);
    if (fork() == 0)
        TRY(fexecve(through, plain, (char *[]){NULL})), _exit(1);
    wait(NULL);
}

static void without_new_privileges(void)
{
    TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    run("set-id", plain);
}

static void as_another(void)
{
    TRY(setgid(1000));
    TRY(setuid(65100));
    run("set-id", plain);
    run("not ours", plain);
    run("set-id text", plain);
    without_new_privileges();
}

void executing(void)
{
    copy_self("copy", 0755);
    copy_self("set-id", 0755);
    TRY(chown("set-id", 12, 13));
    TRY(chmod("set-id", 06755));
    copy_self("not ours", 0700);
    make_file("set-id text", "text", 06755);
    in_child("refused", refused_programs);
    run("copy", plain);
    run("./copy", (char *[]){NULL});
    run(self, (char *[]){"arguments", "", "arguments", "\377", NULL});
    run("set-id", plain);
    in_child("from a thread", from_a_thread);
    in_child("without a leader", without_a_leader);
    in_child("by all at once", by_all_at_once);
    in_child("by a descriptor", by_descriptor);
    in_child("as another", as_another);
    pid_t child = vfork();
    if (child == 0) {
        execv(self, plain);
        _exit(1);
    }
    DOES(waitpid(child, NULL, 0));
    child = vfork();
    if (child == 0) {
        execv("nothing", plain);
        _exit(9);
    }
    DOES(waitpid(child, NULL, 0));
}

static void script(const char *name, const char *line)
{
    make_file(name, line, 0755);
    run(name, (char *[]){"zero", "one", "two", NULL});
}

void scripts(void)
{
    char line[600], name[32];
    script("plain", "#!/calls\n");
    script("argument", "#!/calls  a b \t\nx");
    script("spaces", "#! \t /calls\tx");
    script("no end", "#!/calls");
    script("nobody", "#!\n");
    script("nobody2", "#! \n");
    script("missing", "#!/nothing\n");
    script("relative", "#!plain\n");
    script("folder", "#!/\n");
    script("itself", "#!itself\n");
    for (int i = 1; i <= 8; i++) {
        sprintf(name, "deep%d", i);
        sprintf(line, i > 1 ? "#!deep%d a%d\n" : "#!/calls a%d\n", i - 1, i);
        if (i == 1)
            sprintf(line, "#!/calls a1\n");
        script(name, line);
    }
    memset(line, 'y', sizeof line);
    memcpy(line, "#!/calls ", 9);
    line[400] = 0;
    script("long argument", line);
    memcpy(line, "#!/cally", 8);
    line[8] = 'y';
    script("long name", line);
    memset(line, ' ', 300);
    memcpy(line, "#!", 2);
    strcpy(line + 300, "/calls\n");
    script("long gap", line);
    char **many = calloc(60002, sizeof *many);
    for (int i = 0; i < 60000; i++)
        many[i] = "argument";
    printf("many\n");
    fflush(stdout);
    run("plain", many);
}

static void *look_often(void *result)
{
    struct stat found;
    int failed = 0;
    for (int i = 0; i < 20; i++) {
        failed += stat("core", &found) != 0 || found.st_uid != 65100;
        int fd = open("linked", O_RDONLY);
        failed += fd < 0 || close(fd);
    }
    *(int *)result = failed;
    return NULL;
}

void threads(void)
{
    static int results[300];
    static pthread_t all[300];
    pthread_attr_t small;
    int failed = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (int i = 0; i < 300; i++)
        failed += pthread_create(&all[i], &small, look_often, &results[i]) != 0;
    for (int i = 0; i < 300; i++) {
        pthread_join(all[i], NULL);
        failed += results[i];
    }
    TRY(failed);
    TRY(setresuid(65100, 65100, 65100));
}

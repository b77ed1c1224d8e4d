#include "calls.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void show_capabilities(const char *when)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data))
        printf("  %s: %s\n", when, strerrorname_np(errno));
    else
        printf("  %s: permitted %x effective %x inheritable %x\n", when, data[0].permitted, data[0].effective,
               data[0].inheritable);
}

static long set(unsigned permitted, unsigned effective, unsigned inheritable)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{effective, permitted, inheritable}, {0, 0, 0}};
    return syscall(SYS_capset, &header, data);
}

static void one_by_one(void)
{
    TRY(syscall(SYS_setresuid, 1, 2, 3));
    show_ids("setresuid");
    TRY(syscall(SYS_setuid, 2));
    TRY(syscall(SYS_setuid, 0));
    TRY(syscall(SYS_setuid, -1));
    TRY(syscall(SYS_setreuid, 3, -1));
    TRY(syscall(SYS_setreuid, -1, 3));
    TRY(syscall(SYS_setresuid, 3, 3, 3));
    TRY(syscall(SYS_setfsuid, 9));
    TRY(syscall(SYS_setfsuid, -1));
    TRY(syscall(SYS_setresgid, 1, 1, 1));
    TRY(syscall(SYS_setgroups, 0, NULL));
    show_ids("then");
}

static void groups(void)
{
    gid_t many[20], back[20];
    for (unsigned i = 0; i < 20; i++)
        many[i] = 100 - i;
    TRY(syscall(SYS_setgroups, 20, many));
    TRY(syscall(SYS_getgroups, 5, back));
    TRY(syscall(SYS_getgroups, 0, NULL));
    TRY(syscall(SYS_getgroups, -1, back));
    TRY(syscall(SYS_getgroups, 20, 8));
    TRY(syscall(SYS_getgroups, 20, back));
    TRY(back[0]);
    TRY(syscall(SYS_setgroups, 70000, many));
    TRY(syscall(SYS_setgroups, -1, many));
    TRY(syscall(SYS_setgroups, 3, 8));
    TRY(syscall(SYS_setresgid, 5, 6, 7));
    TRY(syscall(SYS_setregid, -1, 5));
    TRY(syscall(SYS_setgid, 8));
    TRY(syscall(SYS_setfsgid, 9));
    show_ids("groups");
    TRY(syscall(SYS_getresuid, 8, 8, 8));
}

/* Files go by fsuid. */
static void for_files(void)
{
    TRY(syscall(SYS_setfsgid, 77));
    TRY(syscall(SYS_setfsuid, 66));
    DOES(open("sticky/of 66", O_CREAT | O_WRONLY, 0600));
    DOES(open("private/secret", O_RDONLY));
    TRY(syscall(SYS_setfsuid, 0));
    DOES(open("private/secret", O_RDONLY));
    show("sticky/of 66");
}

static void back_and_forth(void)
{
    TRY(seteuid(65100));
    DOES(open("private/secret", O_RDONLY));
    DOES(open("core", O_RDONLY));
    TRY(access("private/secret", R_OK));
    TRY(syscall(SYS_faccessat2, AT_FDCWD, "private/secret", R_OK, AT_EACCESS));
    TRY(seteuid(0));
    DOES(open("private/secret", O_RDONLY));
    TRY(setuid(65100));
    TRY(seteuid(0));
}

void becoming(void)
{
    show_ids("first");
    in_child("one by one", one_by_one);
    in_child("groups", groups);
    in_child("for files", for_files);
    in_child("back and forth", back_and_forth);
    show_ids("last");
}

static void given_up(void)
{
    TRY(set(1 << CAP_CHOWN | 1 << CAP_SETUID, 1 << CAP_CHOWN, 0));
    show_capabilities("given up");
    TRY(set(1 << CAP_CHOWN | 1 << CAP_KILL, 0, 0));
    TRY(set(1 << CAP_CHOWN, 1 << CAP_SETUID, 0));
    TRY(set(1 << CAP_CHOWN, 0, 1 << CAP_CHOWN));
    show_capabilities("less");
}

static void kept(void)
{
    TRY(prctl(PR_GET_KEEPCAPS));
    TRY(prctl(PR_SET_KEEPCAPS, 2));
    TRY(prctl(PR_SET_KEEPCAPS, 1));
    TRY(prctl(PR_GET_KEEPCAPS));
    TRY(setuid(65100));
    show_capabilities("kept");
    TRY(set(1 << CAP_NET_RAW, 1 << CAP_NET_RAW, 0));
    show_capabilities("one");
    char *arguments[] = {"show", "capabilities", NULL};
    if (getenv("AGAIN") == NULL) {
        setenv("AGAIN", "1", 1);
        execv(self, arguments);
    }
}

static void not_kept(void)
{
    TRY(seteuid(65100));
    show_capabilities("effective");
    TRY(seteuid(0));
    show_capabilities("back");
    TRY(setfsuid(5));
    show_capabilities("files");
    TRY(setfsuid(0));
    TRY(setresuid(65100, 65100, 65100));
    show_capabilities("gone");
    TRY(set(0, 0, 0));
    TRY(set(1, 0, 0));
    TRY(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
}

void capabilities(void)
{
    struct __user_cap_header_struct old = {1, 0}, other = {_LINUX_CAPABILITY_VERSION_3, 99999999};
    struct __user_cap_data_struct data[2];
    show_capabilities("first");
    if (getenv("AGAIN"))
        return;
    TRY(syscall(SYS_capget, &old, NULL));
    printf("  version %x\n", old.version);
    old.version = 1;
    TRY(syscall(SYS_capget, &old, data));
    TRY(syscall(SYS_capget, &other, data));
    other.pid = -5;
    TRY(syscall(SYS_capget, &other, data));
    TRY(syscall(SYS_capset, &other, data));
    TRY(prctl(PR_CAPBSET_READ, CAP_CHOWN));
    TRY(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN));
    TRY(prctl(PR_CAPBSET_READ, 100));
    TRY(prctl(PR_GET_SECUREBITS));
    in_child("given up", given_up);
    in_child("kept", kept);
    in_child("not kept", not_kept);
}

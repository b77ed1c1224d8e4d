#include "calls.h"

#include <stdint.h>
#include <sys/xattr.h>

static const unsigned char capability[20] = {1, 0, 0, 2, 1};

static void show_list(const char *name)
{
    char list[4096];
    ssize_t size = llistxattr(name, list, sizeof list);
    printf("  %s has", name);
    for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
        if (strncmp(list + at, "security.selinux", 16) != 0)
            printf(" %s", list + at);
    printf("%s\n", size < 0 ? strerrorname_np(errno) : "");
}

void attributes(void)
{
    static char huge[65537];
    char value[64];
    make_file("f", "f", 0644);
    TRY(mkdir("d", 0755));
    TRY(symlink("f", "l"));
    TRY(mkfifo("p", 0600));
    int file = open("f", O_RDONLY), path = open("f", O_PATH);
    TRY(setxattr("f", "user.a", "12345", 5, 0));
    TRY(setxattr("f", "user.a", "1", 1, XATTR_CREATE));
    TRY(setxattr("f", "user.b", "1", 1, XATTR_REPLACE));
    TRY(setxattr("f", "user.b", "1", 1, 64));
    TRY(setxattr("f", "user.", "1", 1, 0));
    TRY(setxattr("f", "user", "1", 1, 0));
    TRY(setxattr("f", "", "1", 1, 0));
    TRY(setxattr("f", "other.a", "1", 1, 0));
    TRY(setxattr("f", "trusted.a", "1", 1, 0));
    TRY(setxattr("f", "security.other", "1", 1, 0));
    TRY(setxattr("f", "system.other", "1", 1, 0));
    TRY(setxattr("f", "user.a", NULL, 0, 0));
    TRY(setxattr("f", "user.huge", huge, sizeof huge, 0));
    TRY(lsetxattr("l", "user.a", "1", 1, 0));
    TRY(setxattr("p", "user.a", "1", 1, 0));
    TRY(getxattr("p", "user.a", value, 1));
    TRY(setxattr("null", "user.a", "1", 1, 0));
    TRY(getxattr("null", "user.a", value, 1));
    TRY(setxattr("d", "user.d", "1", 1, 0));
    TRY(fsetxattr(file, "user.c", "333", 3, 0));
    TRY(fsetxattr(path, "user.c", "333", 3, 0));
    TRY(fsetxattr(-1, "user.c", "333", 3, 0));
    TRY(getxattr("f", "user.c", value, 2));
    TRY(getxattr("f", "user.c", value, 0));
    TRY(getxattr("f", "user.c", value, sizeof value));
    TRY(getxattr("f", "user.none", value, sizeof value));
    TRY(getxattr("f", "trusted.none", value, sizeof value));
    TRY(getxattr("f", "other.none", value, sizeof value));
    TRY(getxattr("nothing", "user.none", value, sizeof value));
    TRY(fgetxattr(file, "user.c", value, sizeof value));
    TRY(listxattr("f", value, 1));
    TRY(listxattr("f", NULL, 0));
    TRY(listxattr("nothing", NULL, 0));
    show_list("f");
    show_list("l");
    TRY(setxattr("f", "security.capability", capability, sizeof capability, 0));
    TRY(setxattr("f", "security.capability", capability, 19, 0));
    TRY(setxattr("f", "security.capability", capability, sizeof capability, XATTR_CREATE));
    TRY(getxattr("f", "security.capability", value, 0));
    TRY(getxattr("f", "security.capability", value, 3));
    TRY(getxattr("f", "security.capability", value, sizeof value));
    TRY(lsetxattr("l", "security.capability", capability, sizeof capability, 0));
    TRY(setxattr("d", "security.capability", capability, sizeof capability, 0));
    show_list("f");
    show_list("d");
    TRY(removexattr("f", "user.c"));
    TRY(removexattr("f", "user.c"));
    TRY(removexattr("f", "security.capability"));
    TRY(removexattr("f", "security.capability"));
    TRY(removexattr("f", "other.a"));
    TRY(removexattr("f", "trusted.a"));
    TRY(fremovexattr(file, "user.a"));
    TRY(fremovexattr(path, "user.a"));
    TRY(lremovexattr("l", "user.a"));
    TRY(setxattr("caps", "user.a", "1", 1, 0));
    TRY(getxattr("caps", "security.capability", value, sizeof value));
    TRY(getxattr("none", "user.a", value, sizeof value));
    TRY(removexattr("caps", "security.capability"));
    TRY(setxattr("f", "security.capability", capability, sizeof capability, 0));
    int written = open("f", O_WRONLY);
    TRY(write(written, "x", 1));
    TRY(getxattr("f", "security.capability", value, sizeof value));
    TRY(setxattr("f", "security.capability", capability, sizeof capability, 0));
    TRY(truncate("f", 0));
    TRY(getxattr("f", "security.capability", value, sizeof value));
    show_list("caps");
}

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct entry {
    uint16_t tag, bits;
    uint32_t id;
};
struct list {
    uint32_t version;
    struct entry entries[6];
};

static void show_entries(const char *name, const char *kind)
{
    struct list list;
    ssize_t size = getxattr(name, kind, &list, sizeof list);
    printf("  %s %s:", name, kind);
    for (ssize_t i = 0; i < (size - 4) / 8; i++)
        printf(" %u/%d/%u", list.entries[i].tag, (int)list.entries[i].id, list.entries[i].bits);
    printf("%s\n", size < 0 ? strerrorname_np(errno) : "");
}

void lists(void)
{
    struct list list = {2, {{1, 7, 0}, {2, 5, 44}, {4, 5, 0}, {16, 6, 0}, {32, 4, 0}}};
    struct list plain = {2, {{1, 6, 0}, {4, 4, 0}, {32, 1, 0}}};
    struct list bad = {2, {{1, 6, 0}, {2, 4, 3}, {4, 4, 0}, {32, 1, 0}}};
    umask(027);
    make_file("f", "f", 0600);
    TRY(symlink("f", "l"));
    TRY(mkdir("d", 0755));
    TRY(setxattr("f", ACCESS, &list, 4 + 5 * 8, 0));
    show("f");
    show_entries("f", ACCESS);
    TRY(chmod("f", 0640));
    show_entries("f", ACCESS);
    TRY(chown("f", 0, 0));
    TRY(setxattr("f", ACCESS, &plain, 4 + 3 * 8, 0));
    show("f");
    show_entries("f", ACCESS);
    TRY(setxattr("f", ACCESS, &bad, 4 + 4 * 8, 0));
    TRY(setxattr("f", ACCESS, &list, 11, 0));
    TRY(setxattr("f", ACCESS, &list, 4, 0));
    TRY(setxattr("f", DEFAULT, &plain, 4 + 3 * 8, 0));
    TRY(removexattr("f", ACCESS));
    TRY(lsetxattr("l", ACCESS, &list, 4 + 5 * 8, 0));
    TRY(setxattr("d", DEFAULT, &list, 4 + 5 * 8, 0));
    show("d");
    TRY(mkdir("d/e", 0777));
    make_file("d/m", "x", 0600);
    TRY(open("d/f", O_CREAT | O_WRONLY, 0666) > 0);
    TRY(mkfifo("d/p", 0644));
    TRY(symlink("x", "d/l"));
    const char *all[] = {"d/e", "d/f", "d/m", "d/p", "d/l"};
    for (int i = 0; i < 5; i++) {
        show(all[i]);
        show_entries(all[i], ACCESS);
        show_entries(all[i], DEFAULT);
    }
    TRY(removexattr("d", DEFAULT));
    TRY(removexattr("d", DEFAULT));
    TRY(removexattr("d/f", ACCESS));
    show("d/f");
    TRY(setxattr("caps", ACCESS, &list, 4 + 5 * 8, 0));
}

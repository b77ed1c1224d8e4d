#include "agent.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 4294967294ul /* chown(2): 2^32-1 means "leave it" */

static bool parse_id(const char *text, unsigned *id)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || number > ID_MAX)
        return false;
    *id = (unsigned)number;
    return true;
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        fail(REFUSED, "strdup", "");
    return copy;
}

/* Names win over numbers, as in chown(1). */
static bool find_user(const char *user, struct account *account)
{
    unsigned id = 0;
    /* There is always a root, in an image without accounts, too. */
    bool is_id = parse_id(user, &id) || strcmp(user, "root") == 0, found = is_id;
    *account = (struct account){.uid = id, .home = id == 0 ? "/root" : "/", .shell = "/bin/sh"};
    FILE *file = fopen("/etc/passwd", "re");
    for (struct passwd *entry; file && (entry = fgetpwent(file));) {
        bool is_named = strcmp(entry->pw_name, user) == 0;
        if (!is_named && (!is_id || entry->pw_uid != id || account->name))
            continue;
        found = true;
        account->uid = entry->pw_uid;
        account->gid = entry->pw_gid;
        account->name = copy_of(entry->pw_name);
        account->home = entry->pw_dir[0] == '/' ? copy_of(entry->pw_dir) : entry->pw_uid == 0 ? "/root" : "/";
        account->shell = entry->pw_shell[0] == '/' ? copy_of(entry->pw_shell) : "/bin/sh";
        if (is_named)
            break;
    }
    if (file)
        fclose(file);
    return found;
}

static bool find_group(const char *group, gid_t *gid)
{
    FILE *file = fopen("/etc/group", "re");
    bool found = false;
    for (struct group *entry; file && !found && (entry = fgetgrent(file));)
        if ((found = strcmp(entry->gr_name, group) == 0))
            *gid = entry->gr_gid;
    if (file)
        fclose(file);
    return found || parse_id(group, gid);
}

static void find_groups(struct account *account)
{
    FILE *file = fopen("/etc/group", "re");
    for (struct group *entry; file && (entry = fgetgrent(file));)
        for (char **member = entry->gr_mem; *member; member++) {
            if (strcmp(*member, account->name) != 0)
                continue;
            account->groups = realloc(account->groups, (account->group_count + 1) * sizeof(gid_t));
            if (!account->groups)
                fail(REFUSED, "realloc", "");
            account->groups[account->group_count++] = entry->gr_gid;
            break;
        }
    if (file)
        fclose(file);
}

bool find_account(const char *text, struct account *account)
{
    char user[256];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    if (length >= sizeof user)
        return false;
    snprintf(user, sizeof user, "%.*s", (int)length, text);
    if (!find_user(user, account))
        return false;
    if (colon)
        return find_group(colon + 1, &account->gid);
    if (account->name)
        find_groups(account);
    return true;
}

/* What the parts of the agent share. */
#ifndef OCIBAKE_AGENT_H
#define OCIBAKE_AGENT_H

#include "../ocibake-sandbox.h"

/* What a client's connection asks for: three fields that end in NUL, then the input until the client shuts it down. */
struct order {
    const char *verb;     /* "exec", "put", "fetch" or "quit" */
    const char *user;     /* `user` or `user:group`, names or numbers */
    const char *argument; /* a command for /bin/sh, or a path */
};

/* accounts.c: by the image's own /etc/passwd and /etc/group. */
struct account {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
    const char *name, *home, *shell; /* name: NULL for a number that /etc/passwd does not have */
};

/* False if there is no such user or group. */
bool find_account(const char *text, struct account *account);

/* work.c: becomes what was asked for, as that user. Its exit code 254 says that this failed, and stderr why. */
#define CANNOT 254
_Noreturn void work(const struct order *order, const struct account *account);

/* serve.c: does what one client asks for. The exit code of its process. */
#define SERVED 0
#define TOLD_TO_QUIT 3
int serve(int client);

#endif

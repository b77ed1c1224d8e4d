#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void cannot(const char *call, const char *what)
{
    fprintf(stderr, "%s %s: %s\n", call, what, strerror(errno));
    _exit(CANNOT);
}

static void become(const struct account *account)
{
    if (setgroups(account->group_count, account->groups) || setresgid(account->gid, account->gid, account->gid) ||
        setresuid(account->uid, account->uid, account->uid))
        cannot("setuid", account->name ? account->name : "(a number)");
    setenv("HOME", account->home, 1);
    if (!account->name)
        return;
    setenv("USER", account->name, 1);
    setenv("LOGNAME", account->name, 1);
}

static void copy(int from, int to, const char *path)
{
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            cannot("read", path);
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = write(to, buffer + done, (size_t)(got - done))) < 0) {
                if (errno != EINTR)
                    cannot("write", path);
                put = 0;
            }
    }
}

_Noreturn void work(const struct order *order, const struct account *account)
{
    become(account);
    const char *path = order->argument;
    if (strcmp(order->verb, "exec") == 0) {
        execl("/bin/sh", "/bin/sh", "-c", path, NULL);
        cannot("execve", "/bin/sh");
    }
    bool puts = strcmp(order->verb, "put") == 0;
    int file = open(path, puts ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0666);
    if (file < 0)
        cannot("open", path);
    if (puts)
        copy(0, file, path);
    else
        copy(file, 1, path);
    if (close(file))
        cannot("close", path);
    _exit(0);
}

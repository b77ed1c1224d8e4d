/*
 * The agent: what runs in a sandbox for a program of the host. fd 0 is a socket that listens: each client
 * says who does what (agent.h), and gets what that writes and how it ends (serve.c). The folder is a place for files in
 * between: everybody's, made at the start and gone at the end, which is when a client says so.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore(int number)
{
    (void)number;
}

/* True when one of them was told to quit. */
static bool reap(void)
{
    int status;
    bool quit = false;
    while (waitpid(-1, &status, WNOHANG) > 0)
        quit = quit || (WIFEXITED(status) && WEXITSTATUS(status) == TOLD_TO_QUIT);
    return quit;
}

static void accept_client(void)
{
    int client = accept4(0, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    pid_t server = fork();
    if (server == 0) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0 || dup2(null, 0) < 0)
            fail(REFUSED, "open", "/dev/null");
        _exit(serve(client));
    }
    close(client);
}

int agent_verb(const char *folder)
{
    sigset_t before, child_died;
    struct sigaction noticed = {.sa_handler = ignore};
    sigemptyset(&child_died);
    sigaddset(&child_died, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_died, &before);
    sigaction(SIGCHLD, &noticed, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (mkdir(folder, 0700) || chmod(folder, 01777))
        fail(UNFIT, "mkdir", folder);
    while (!reap()) {
        struct pollfd listening = {.fd = 0, .events = POLLIN};
        if (ppoll(&listening, 1, NULL, &before) > 0)
            accept_client();
    }
    remove_name(folder);
    return 0;
}

/*
 * ocibake-agent FOLDER: what runs in a sandbox for a program of the host. fd 0 is a socket that listens: each client
 * says who does what (agent.h), and gets what that writes and how it ends (serve.c). FOLDER is a place for files in
 * between: everybody's, made at the start and gone at the end, which is when a client says so.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found, (void)kind, (void)place;
    return remove(path);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: ocibake-agent FOLDER\n", stderr);
        return 2;
    }
    sigset_t before, child_died;
    struct sigaction noticed = {.sa_handler = ignore};
    sigemptyset(&child_died);
    sigaddset(&child_died, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_died, &before);
    sigaction(SIGCHLD, &noticed, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (mkdir(argv[1], 0700) || chmod(argv[1], 01777))
        fail(UNFIT, "mkdir", argv[1]);
    while (!reap()) {
        struct pollfd listening = {.fd = 0, .events = POLLIN};
        if (ppoll(&listening, 1, NULL, &before) > 0)
            accept_client();
    }
    if (nftw(argv[1], remove_one, 16, FTW_DEPTH | FTW_PHYS))
        fail(UNFIT, "remove", argv[1]);
    return 0;
}

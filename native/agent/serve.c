/*
 * One client. What its command writes goes back in frames: 'o' or 'e', the size as four bytes with the highest first, and
 * the bytes. The last one is 'x' with the exit code as a number, or 's' with a signal's, or 'f' with what is wrong.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a child's pipes, our ends: what it reads, and what it writes. -1: closed. */
struct child {
    pid_t pid;
    int in, out, err;
};

static bool send_all(int client, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t sent = write(client, at, size);
        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0)
            at += sent, size -= (size_t)sent;
    }
    return true;
}

static bool send_frame(int client, char kind, const void *bytes, size_t size)
{
    unsigned char head[5] = {(unsigned char)kind, (unsigned char)(size >> 24), (unsigned char)(size >> 16),
                             (unsigned char)(size >> 8), (unsigned char)size};
    return send_all(client, head, sizeof head) && send_all(client, bytes, size);
}

/* Input that nobody read would be a reset to the client, who might not see the answer for it. */
static int send_end(int client, char kind, const char *text)
{
    char rest[65536];
    send_frame(client, kind, text, strlen(text));
    shutdown(client, SHUT_WR);
    while (read(client, rest, sizeof rest) > 0)
        ;
    return SERVED;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void make_pipe(int ends[2], int ours)
{
    if (pipe2(ends, O_CLOEXEC))
        fail(REFUSED, "pipe", "");
    fcntl(ends[ours], F_SETFL, O_NONBLOCK);
}

static void use(int fd, int as, const struct account *account)
{
    /* Else `echo x > /dev/stderr` fails for an ordinary user (moby issue 31243). */
    if (account->uid && fchown(fd, account->uid, account->gid))
        fail(REFUSED, "fchown", "(pipe)");
    if (dup2(fd, as) < 0)
        fail(REFUSED, "dup2", "(pipe)");
}

static struct child start(const struct order *order, const struct account *account)
{
    int in[2], out[2], err[2];
    make_pipe(in, 1);
    make_pipe(out, 0);
    make_pipe(err, 0);
    pid_t pid = fork();
    if (pid < 0)
        fail(REFUSED, "fork", "");
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setsid();
        /* Not every worker becomes another program: one would wait for the end of a pipe that it holds itself. */
        close(in[1]);
        close(out[0]);
        close(err[0]);
        use(in[0], 0, account);
        use(out[1], 1, account);
        use(err[1], 2, account);
        work(order, account);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    return (struct child){pid, in[1], out[0], err[0]};
}

/* What there is to read now. False when the client is gone. */
static bool pass_output(int client, char kind, int *from)
{
    char buffer[65536];
    for (ssize_t got; *from >= 0;) {
        got = read(*from, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return true;
        if (got == 0)
            close_end(from);
        else if (!send_frame(client, kind, buffer, (size_t)got))
            return false;
    }
    return true;
}

/* What the client sent, as far as the child takes it now. */
static void pass_input(struct request *input, struct child *child)
{
    if (input->at == input->end)
        return;
    ssize_t put = write(child->in, input->buffer + input->at, input->end - input->at);
    if (put > 0)
        input->at += (size_t)put;
    else if (errno != EAGAIN && errno != EINTR)
        close_end(&child->in); /* it reads no further */
}

/* False when the client is gone. */
static bool refill(struct request *input, struct child *child)
{
    ssize_t got = read(input->fd, input->buffer, sizeof input->buffer);
    input->at = 0;
    input->end = got > 0 ? (size_t)got : 0;
    if (got == 0)
        close_end(&child->in);
    return got >= 0 || errno == EINTR;
}

static void ignore(int number)
{
    (void)number;
}

/* What wait(2) says of the child, or -1 when the client is gone. */
static int attend(struct request *input, struct child *child)
{
    sigset_t none;
    int status, client = input->fd;
    sigemptyset(&none);
    for (;;) {
        pid_t dead = waitpid(child->pid, &status, WNOHANG);
        bool held = input->at < input->end;
        struct pollfd polled[4] = {{.fd = client, .events = child->in >= 0 && !held ? POLLIN : 0},
                                   {.fd = held ? child->in : -1, .events = POLLOUT},
                                   {.fd = child->out, .events = POLLIN},
                                   {.fd = child->err, .events = POLLIN}};
        if (!pass_output(client, 'o', &child->out) || !pass_output(client, 'e', &child->err))
            return -1;
        if (dead == child->pid)
            return status;
        if (ppoll(polled, 4, NULL, &none) < 0)
            continue;
        if (polled[0].revents & (POLLHUP | POLLERR))
            return -1;
        if (polled[0].revents && !refill(input, child))
            return -1;
        if (polled[1].revents)
            pass_input(input, child);
    }
}

/* Who starts a daemon does not wait for it: what the command itself wrote is there when it has ended. */
static int finish(int client, const struct child *child, int status)
{
    char text[16];
    if (status < 0) {
        kill(-child->pid, SIGKILL);
        return SERVED;
    }
    snprintf(text, sizeof text, "%d", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return send_end(client, WIFEXITED(status) ? 'x' : 's', text);
}

int serve(int client)
{
    static struct request request;
    struct account account;
    struct sigaction noticed = {.sa_handler = ignore};
    sigset_t child_died;
    /* Blocked but in ppoll: none is missed. */
    sigemptyset(&child_died);
    sigaddset(&child_died, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_died, NULL);
    sigaction(SIGCHLD, &noticed, NULL);
    request.fd = client;
    struct order order = {.verb = next_field(&request)};
    order.user = next_field(&request);
    order.argument = next_field(&request);
    if (!order.verb || !order.user || !order.argument)
        return SERVED;
    if (strcmp(order.verb, "quit") == 0)
        return TOLD_TO_QUIT;
    if (!find_account(order.user, &account)) {
        char text[512];
        snprintf(text, sizeof text, "the image's /etc/passwd and /etc/group have no '%.200s'", order.user);
        return send_end(client, 'f', text);
    }
    if (strcmp(order.verb, "exec") == 0 && access("/bin/sh", X_OK))
        return send_end(client, 'f', "the image has no /bin/sh, which Ansible needs");
    struct child child = start(&order, &account);
    return finish(client, &child, attend(&request, &child));
}

#include "ocibake-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The caller's pipes may be sockets (Node's are), which /dev/stdout cannot open again: the script gets real pipes.
 * POLLOUT promises room for PIPE_BUF bytes, so that no write blocks while the lifeline has to be watched.
 */
struct stream {
    int from, to;
    size_t size;
    char buffer[PIPE_BUF];
};

/* False when there is nothing to read now; closes the source at its end. */
static bool read_some(struct stream *stream)
{
    ssize_t got = stream->from < 0 ? -1 : read(stream->from, stream->buffer, sizeof stream->buffer);
    if (got > 0) {
        stream->size = (size_t)got;
        return true;
    }
    if (stream->from >= 0 && got == 0) {
        close(stream->from);
        stream->from = -1;
    }
    return false;
}

/* False when nobody reads any more. */
static bool write_some(struct stream *stream)
{
    ssize_t written = write(stream->to, stream->buffer, stream->size);
    if (written < 0)
        return errno == EINTR || errno == EAGAIN;
    stream->size -= (size_t)written;
    memmove(stream->buffer, stream->buffer + written, stream->size);
    return true;
}

static bool pass_on(struct stream *stream)
{
    if (stream->size == 0) {
        read_some(stream);
        return true;
    }
    if (write_some(stream))
        return true;
    stream->size = 0;
    return false;
}

/* With every writer dead, an empty pipe is at its end, even if a descriptor of it was sent out of the namespace. */
static void drain(struct stream *stream)
{
    while (stream->size || read_some(stream)) {
        struct pollfd ready = {stream->to, POLLOUT, 0};
        if (poll(&ready, 1, -1) > 0 && !pass_on(stream))
            return;
    }
}

static int open_signals(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        fail(REFUSED, "signalfd", "");
    return fd;
}

void relay(pid_t init, int lifeline, const struct output *outputs, int init_watches)
{
    struct stream streams[2];
    struct signalfd_siginfo ignored;
    int signals = open_signals();
    for (int i = 0; i < 2; i++) {
        streams[i].from = outputs[i].from;
        streams[i].to = outputs[i].to;
        streams[i].size = 0;
        fcntl(outputs[i].from, F_SETFL, O_NONBLOCK);
    }
    while (waitpid(init, NULL, WNOHANG) == 0) {
        struct pollfd polled[4] = {{.fd = lifeline, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        for (int i = 0; i < 2; i++) {
            polled[2 + i].fd = streams[i].size ? streams[i].to : streams[i].from;
            polled[2 + i].events = streams[i].size ? POLLOUT : POLLIN;
        }
        if (poll(polled, 4, -1) < 0)
            continue;
        bool stop = polled[0].revents != 0;
        if (stop)
            lifeline = -1;
        if (polled[1].revents && read(signals, &ignored, sizeof ignored) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (polled[2 + i].revents && !pass_on(&streams[i]))
                stop = true;
        if (stop && init_watches < 0)
            kill(init, SIGKILL);
        if (stop && init_watches >= 0) {
            close(init_watches);
            init_watches = -1;
        }
    }
    for (int i = 0; i < 2; i++)
        drain(&streams[i]);
}

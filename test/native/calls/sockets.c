#include "calls.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address;

static socklen_t named(const char *path)
{
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof address.sun_path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

#define BIND(type, path)                                                                                               \
    ({                                                                                                                 \
        int made = socket(AF_UNIX, type, 0);                                                                           \
        socklen_t size = named(path);                                                                                  \
        errno = 0, say_whether("bind " path, bind(made, (void *)&address, size));                                       \
        made;                                                                                                          \
    })
#define CONNECT(type, path)                                                                                            \
    ({                                                                                                                 \
        int made = socket(AF_UNIX, type, 0);                                                                           \
        socklen_t size = named(path);                                                                                  \
        errno = 0, say_whether("connect " path, connect(made, (void *)&address, size));                                 \
        made;                                                                                                          \
    })

static long send_to(int from, const char *path)
{
    struct iovec part = {"x", 1};
    socklen_t size = named(path);
    struct msghdr message = {.msg_name = &address, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(from, &message, 0);
}

static long send_many(int from, const char *path)
{
    struct iovec part = {"x", 1};
    socklen_t size = named(path);
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_name = &address, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_name = &address, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1}}};
    int sent = sendmmsg(from, messages, 2, 0);
    return sent == 1 ? 1 + sendmmsg(from, messages + 1, 1, 0) : sent;
}

static void at_once(void)
{
    /* Two processes that connect at the same moment, each to its own. */
    int wrong = 0, status;
    int a = BIND(SOCK_STREAM, "a"), b = BIND(SOCK_STREAM, "b");
    listen(a, 200), listen(b, 200);
    pid_t child = fork();
    for (int i = 0; i < 150; i++) {
        int made = socket(AF_UNIX, SOCK_STREAM, 0);
        socklen_t size = named(child ? "a" : "b");
        wrong += connect(made, (void *)&address, size) != 0;
        wrong += write(made, child ? "a" : "b", 1) != 1;
        close(made);
    }
    if (child == 0)
        _exit(wrong != 0);
    waitpid(child, &status, 0);
    for (int i = 0; i < 300; i++) {
        char said = 0;
        int met = accept4(i < 150 ? a : b, NULL, NULL, SOCK_NONBLOCK);
        wrong += met < 0 || read(met, &said, 1) != 1 || said != (i < 150 ? 'a' : 'b');
        close(met);
    }
    TRY(wrong);
    TRY(status);
}

void sockets(void)
{
    char byte;
    umask(027);
    make_file("f", "f", 0644);
    TRY(symlink("stream", "l"));
    int stream = BIND(SOCK_STREAM, "stream");
    TRY(listen(stream, 5));
    show("stream");
    BIND(SOCK_STREAM, "stream");
    BIND(SOCK_STREAM, "f");
    BIND(SOCK_STREAM, "l");
    BIND(SOCK_STREAM, "nothing/x");
    BIND(SOCK_STREAM, "f/x");
    BIND(SOCK_STREAM, "private/x");
    BIND(SOCK_STREAM, "shared/x");
    show("shared/x");
    BIND(SOCK_STREAM, "sticky/mine");
    show("sticky/mine");
    CONNECT(SOCK_STREAM, "l");
    TRY(accept(stream, NULL, NULL) > 0);
    CONNECT(SOCK_STREAM, "f");
    CONNECT(SOCK_STREAM, "nothing");
    CONNECT(SOCK_DGRAM, "stream");
    CONNECT(SOCK_STREAM, "sticky/mine");
    CONNECT(SOCK_STREAM, "/dev/null");
    int datagrams = BIND(SOCK_DGRAM, "datagrams"), from = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = named("datagrams");
    TRY(sendto(from, "x", 1, 0, (void *)&address, size));
    TRY(read(datagrams, &byte, 1));
    TRY(send_to(from, "datagrams"));
    TRY(send_to(from, "nothing"));
    TRY(send_to(from, "f"));
    TRY(recv(datagrams, &byte, 1, MSG_DONTWAIT));
    TRY(send_many(from, "nothing"));
    TRY(send_many(from, "datagrams"));
    TRY(recv(datagrams, &byte, 1, MSG_DONTWAIT));
    CONNECT(SOCK_DGRAM, "datagrams");
    TRY(unlink("sticky/mine"));
    TRY(unlink("stream"));
    size = named("stream");
    TRY(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size));
    address.sun_path[0] = 0;
    TRY(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size));
    TRY(bind(-1, (void *)&address, size));
    TRY(bind(0, (void *)8, size));
    in_child("at once", at_once);
}

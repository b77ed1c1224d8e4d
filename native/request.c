#include "ocibake-sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool refill(struct request *request)
{
    ssize_t got;
    do
        got = read(request->fd, request->buffer, sizeof request->buffer);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        fail(REFUSED, "read", "the request");
    request->at = 0;
    request->end = (size_t)got;
    return got > 0;
}

char *next_field(struct request *request)
{
    size_t size = 0;
    char *field = NULL;
    for (;;) {
        if (request->at == request->end && !refill(request)) {
            if (field)
                fail_because(REFUSED, "read", "the request", "it ends in the middle of a field");
            return NULL;
        }
        char *start = request->buffer + request->at;
        size_t left = request->end - request->at;
        char *nul = memchr(start, 0, left);
        size_t take = nul ? (size_t)(nul - start) + 1 : left;
        field = realloc(field, size + take);
        if (!field)
            fail(REFUSED, "realloc", "");
        memcpy(field + size, start, take);
        size += take;
        request->at += take;
        if (nul)
            return field;
    }
}

unsigned long parse_number(const char *text, unsigned long most)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || number > most)
        fail_because(REFUSED, "read", text, "not a number, or too large");
    return number;
}

unsigned long next_number(struct request *request, unsigned long most)
{
    char *field = next_field(request);
    if (!field)
        fail_because(REFUSED, "read", "the request", "it ends where a number should be");
    unsigned long number = parse_number(field, most);
    free(field);
    return number;
}

char *next_bytes(struct request *request, size_t size)
{
    char *bytes = allocate(size);
    for (size_t have = 0; have < size;) {
        if (request->at == request->end && !refill(request))
            fail_because(REFUSED, "read", "the request", "it ends in the middle of a value");
        size_t take = request->end - request->at;
        if (take > size - have)
            take = size - have;
        memcpy(bytes + have, request->buffer + request->at, take);
        request->at += take;
        have += take;
    }
    return bytes;
}

bool copy_bytes(struct request *request, size_t size, int to)
{
    while (size > 0) {
        if (request->at == request->end && !refill(request))
            fail_because(REFUSED, "read", "the request", "it ends in the middle of a value");
        size_t take = request->end - request->at;
        ssize_t written = write(to, request->buffer + request->at, take < size ? take : size);
        if (written < 0)
            return false;
        request->at += (size_t)written;
        size -= (size_t)written;
    }
    return true;
}

void write_all(int fd, const char *bytes, size_t size, const char *what)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail(REFUSED, "write", what);
        bytes += written;
        size -= (size_t)written;
    }
}

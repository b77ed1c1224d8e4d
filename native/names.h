/* What lies in the current folder. */
#ifndef OCIBAKE_NAMES_H
#define OCIBAKE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct name {
    char *text;
    bool is_folder; /* false: something else, or this file system does not say */
};

struct names {
    struct name *all;
    size_t count, room;
};

/*
 * All names of the current folder in the order of their bytes, without . and .. ; nothing stays open, so that depth
 * costs no descriptors. `path` is for the message of a failure.
 */
struct names read_names(const char *path);
void free_names(struct names *names);

#endif

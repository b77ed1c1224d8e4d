/* Makes the system calls of one family and says how each ends: no shell can ask for most of these. */
#ifndef CALLS_H
#define CALLS_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Says the call as it is written here, and its result, or its error by name. */
#define TRY(call) (errno = 0, say(#call, (long)(call)))
/* The same without the number, where it means nothing. */
#define DOES(call) (errno = 0, say_whether(#call, (long)(call)))

long say(const char *what, long result);
long say_whether(const char *what, long result);
/* Mode, owner, device and size of a name, not followed. */
void show(const char *name);
void make_file(const char *name, const char *text, mode_t mode);
/* Runs it in a child, and says how that ends. */
void in_child(const char *name, void (*what)(void));
/* A copy of the text that ends with the last byte of a page that nothing follows. */
char *at_end_of_page(const char *text, size_t size);
/* The real, effective and saved ids. */
void show_ids(const char *when);
/* This program's own path. */
extern const char *self;

void opening(void), looking(void), owning(void), changing(void), naming(void), removing(void), long_paths(void);
void attributes(void), lists(void), becoming(void), capabilities(void), executing(void), scripts(void);
void processes(void), threads(void), signals(void), sockets(void), proc(void), refused(void), rooms(void);
void devices(void), watching(void);

#endif

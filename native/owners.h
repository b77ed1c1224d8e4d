/*
 * What the files of a root would be if the builder were root. Where an ordinary user's kernel refuses an owner, a
 * device node, a mode or an attribute, the recorder (userns) and the tracer (ptrace) put it down here and answer
 * from here; ocibake reads it after the run and trusts it more than the disk.
 *
 * A file is known by its inode, so that all names of a hard link share one record, and a rename needs nothing.
 * Rules that keep the table true:
 *   - A file without a record is 0:0, and everything else about it is what the disk says. A record that says no more
 *     than this is dropped (drop_if_plain), so that "no record before, none after" means "nobody touched it".
 *   - An inode number is given again when its file is gone. Whoever removes the last name of a file (unlink, rmdir,
 *     rename over it) says so (lose_name): from then on its record is found by those who have it open, and is stale as
 *     soon as something with that number has a name. `born` is a second net for removals that nobody saw: a record
 *     whose file has another time of birth is stale, too.
 *   - Nobody keeps a pointer to a record across a call that makes or drops one.
 */
#ifndef OCIBAKE_OWNERS_H
#define OCIBAKE_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct request;
struct statx;
struct owners;

/* Which file it is. */
struct file_id {
    dev_t device;
    ino_t inode;
    int64_t born; /* nanoseconds since 1970; 0: this file system does not know */
    bool is_nameless;
};

/* Of what statx(2) said with STATX_BASIC_STATS | STATX_BTIME. */
struct file_id file_id_of(const struct statx *found);

/* An attribute that the disk does not hold, or holds with another value. */
struct recorded_xattr {
    struct recorded_xattr *next;
    char *name;
    void *value;
    size_t size;
};

#define MODE_OF_DISK ((mode_t)-1)

struct owner {
    struct file_id id;
    uid_t uid;
    gid_t gid;
    mode_t mode; /* 0..07777, or MODE_OF_DISK: the disk's bits are the true ones */
    mode_t type; /* S_IFCHR or S_IFBLK where an empty regular file stands on the disk; else 0 */
    dev_t rdev;  /* with `type` */
    struct recorded_xattr *xattrs;
    struct owner *next; /* of the same bucket: owners.c's alone */
};

struct owners *new_owners(void);
size_t owner_count(const struct owners *owners);

/* NULL if there is none. */
struct owner *find_owner(struct owners *owners, struct file_id id);
/* What is there, or a new one: 0:0, all else the disk's. */
struct owner *make_owner(struct owners *owners, struct file_id id);
/* Does nothing if there is none. */
void drop_owner(struct owners *owners, struct file_id id);
/* Its last name is gone; it may still be open. Does nothing if there is no record. */
void lose_name(struct owners *owners, struct file_id id);
/* Drops a record that says nothing, and tells whether it did: the pointer is dead then. */
bool drop_if_plain(struct owners *owners, struct owner *owner);
/* All of them, in no order: NULL begins and ends. */
struct owner *next_owner(struct owners *owners, struct owner *previous);

/* Puts down that an open file is theirs; drops a record that says nothing. -1 and errno if it cannot be looked at. */
int record_owner(struct owners *owners, int fd, uid_t uid, gid_t gid);

/*
 * What is given to the disk for `mode`, with its type: the builder can read and write everything, and no set-id bit
 * of a file is real. What `mode` has more or less goes into the record.
 */
mode_t mode_on_disk(mode_t mode);

/* The mode with the file's type, when the disk says `on_disk`; `owner` may be NULL. */
mode_t true_mode(const struct owner *owner, mode_t on_disk);

struct recorded_xattr *find_xattr(struct owner *owner, const char *name);
void put_xattr(struct owner *owner, const char *name, const void *value, size_t size);
/* False if there was none. */
bool drop_xattr(struct owner *owner, const char *name);

/*
 * The form in which records come and go; NUL ends each field, numbers are decimal unless said:
 *
 *   owner DEVICE INODE BORN UID GID MODE TYPE MAJOR MINOR COUNT   then COUNT times   NAME SIZE bytes
 *
 * DEVICE is st_dev, BORN nanoseconds (0: unknown), MODE octal 0..7777 or `-` for the disk's, TYPE `c`, `b` or `-`;
 * SIZE counts the bytes of the value that follow. What is read comes without the word `owner`, by which the reader
 * has chosen this function; what is written ends with `end`, so that a cut file is seen.
 */
void read_owner(struct owners *owners, struct request *request);
void write_owners(struct owners *owners, int fd);

#endif

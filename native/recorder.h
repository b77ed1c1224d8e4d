/*
 * The recorder: answers the system calls of a script that show or set what an ordinary user's kernel refuses, from
 * the table of owners (owners.h). Everything else is the kernel's to answer.
 *
 * How: every process of the script has a seccomp filter (filter.c) that hands some calls to a listener,
 * seccomp_unotify(2); init, which is pid 1 of the script's namespace and has the same root, serves them one by one.
 * Files are reached as the caller would reach them (recorder-paths.c); who the caller is taken for is kept by
 * recorder-identity.c.
 *
 * What a caller's memory holds may be changed by another of its threads after we read it, and a path may lead
 * elsewhere by the time the kernel resumes the call ("TOCTOU" in the manual page). No limit of the sandbox rests on
 * what is read here: a script may give any owner to any file of its root anyway, and can reach nothing but its root.
 * One that races against itself gets records that are as good as its own order of calls.
 */
#ifndef OCIBAKE_RECORDER_H
#define OCIBAKE_RECORDER_H

#include "capabilities.h"
#include "owners.h"

#include <limits.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* --- recorder.c ------------------------------------------------------------------------------------------------ */

struct script;

/* In the script's process, before it starts: puts the filter on, and sends the listener to init. */
void be_recorded(const struct script *script, int listening);
/* In init: serves until the script ends, kills what is left, writes the records to fd 5. */
_Noreturn void record(const struct script *script, pid_t process, int listening);

struct recorder {
    struct owners *owners;
    int listener;
    int proc;            /* /proc, opened before the script could do anything */
    dev_t root_device;   /* of the root's own file system */
    dev_t proc_device;
    bool chrooted;       /* some process may have another root than ours */
    bool shares_pids;    /* there is no pid namespace: recorder-signal.c */
};
extern struct recorder recorder;

/* One system call, and its answer. */
struct call {
    const struct seccomp_notif *notif;
    pid_t pid; /* of the thread */
    const __u64 *args;
    const struct identity *who; /* by caller_of */
    bool native;                /* let the kernel do it */
    bool sent;                  /* answered already, with a descriptor */
    int error;                  /* negative */
    int64_t value;
};

/* filter.c */
typedef void handler(struct call *call);
/* NULL: not ours. */
handler *handler_of(int number);
/* False: of a program for another architecture. */
bool is_native(const struct seccomp_data *data);
/* The listener, or -1 and errno. With `signals`, those are served too (recorder-signal.c). */
int install_filter(bool signals);
/* For scripts without a recorder: syncs.h. To be called with CAP_SYS_ADMIN. */
void ignore_syncs(void);

/* --- recorder-memory.c: the caller's memory. Negative errno, or 0. ----------------------------------------------- */

int read_memory(const struct call *call, __u64 address, void *bytes, size_t size);
int write_memory(const struct call *call, __u64 address, const void *bytes, size_t size);
/* Length, or negative errno; the whole string has to fit. */
int read_string(const struct call *call, __u64 address, char *text, size_t room);

/* --- recorder-identity.c: who a process is taken for ------------------------------------------------------------- */

struct ids {
    uint32_t real, effective, saved, fs;
};

struct identity {
    struct ids user, group;
    struct capabilities has;
    bool gains_nothing; /* PR_SET_NO_NEW_PRIVS */
    gid_t *groups;
    size_t group_count;
};

/* Valid until the program ends. */
const struct identity *caller_of(struct call *call);
/* From now on the caller, and what it starts, is this. Groups are copied. */
int become(struct call *call, const struct identity *identity);
bool is_root(const struct identity *who);
bool is_in_group(const struct identity *who, gid_t gid);
/* Who another process is taken for. */
const struct identity *identity_of(pid_t pid);
/* Whether nobody has ever been anybody but root. */
bool all_are_root(void);

/* --- recorder-paths.c -------------------------------------------------------------------------------------------- */

/* O_PATH descriptors, or negative errno. AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count among `flags`. */
int open_target(struct call *call, int folder, __u64 path, int flags);
int open_descriptor(const struct call *call, int fd);
/* The last name of a path: "" if it has no plain one (`/`, `.`, `..`). */
struct last_name {
    char text[NAME_MAX + 1];
    bool has_slash; /* after it */
};

/*
 * The folder in which the path's last name is. With `follow`, when the name is a symlink that leads to nothing yet:
 * the folder and name that it leads to.
 */
int open_parent(struct call *call, int folder, __u64 path, bool follow, struct last_name *name);
/* Whether a descriptor was opened with O_PATH. */
bool is_path_only(const struct call *call, int fd);

/* --- recorder-files.c: what both disk and table say of a file ----------------------------------------------------- */

struct file {
    struct file_id id;
    struct owner *owner; /* NULL: no record */
    mode_t disk_mode;
    mode_t mode; /* the true ones, from here on */
    uid_t uid;
    gid_t gid;
    unsigned links;
    bool of_root; /* on the root's own file system, which comes back as a layer */
};

/* Negative errno, or 0. */
int look_at(int fd, struct file *file);
/* The same as the caller shall see it: what has never had a name (a pipe) is his who looks. */
int look_at_for(struct call *call, int fd, struct file *file);
/* 4 read, 2 write, 1 search or execute. */
bool may(const struct identity *who, const struct file *file, int wanted);
bool may_at(const struct identity *who, int fd, int wanted);
/* May files be made and removed in this folder? Negative errno, or 0. */
int may_change(struct call *call, int folder, const struct file *parent);
/* The sticky bit: may this file be removed from this folder? */
bool may_remove(const struct identity *who, const struct file *parent, const struct file *file);

/* The record of a file, made if there is none, with the owner that it is shown with. */
struct owner *record_of(struct file *file);
/* recorder-owner.c: chmod. Negative errno, or 0. */
int put_mode(int fd, struct file *file, mode_t mode);

/* --- recorder-acl.c ---------------------------------------------------------------------------------------------- */

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* setxattr of one of these; `value` is changed. Negative errno, or 0. */
int set_acl(int fd, struct file *file, const char *name, void *value, size_t size);
/* What chmod does to an access list. */
void chmod_acl(struct owner *owner, mode_t mode);
/* Whether new files in this folder get a list from it. */
bool hands_on_acl(const struct file *folder);
/* Gives a new file its list; the mode that it has then, of the one that was asked for, whatever the umask. */
mode_t inherit_acl(const struct file *folder, struct owner *owner, mode_t mode, bool directory);

/* --- recorder-signal.c ------------------------------------------------------------------------------------------ */

/* Ends every process of this user namespace but the caller, which is the reaper of all. */
void kill_namespace(void);

/* --- the handlers ------------------------------------------------------------------------------------------------ */

handler serve_stat, serve_lstat, serve_fstat, serve_newfstatat, serve_statx;
handler serve_chown, serve_lchown, serve_fchown, serve_fchownat;
handler serve_chmod, serve_fchmod, serve_fchmodat, serve_fchmodat2;
handler serve_open, serve_openat, serve_creat, serve_mkdir, serve_mkdirat, serve_mknod, serve_mknodat, serve_symlink,
    serve_symlinkat, serve_link, serve_linkat;
handler serve_unlink, serve_rmdir, serve_unlinkat, serve_rename, serve_renameat, serve_renameat2;
handler serve_setuid, serve_setgid, serve_setreuid, serve_setregid, serve_setresuid, serve_setresgid, serve_setfsuid,
    serve_setfsgid, serve_getuid, serve_geteuid, serve_getgid, serve_getegid, serve_getresuid, serve_getresgid,
    serve_setgroups, serve_getgroups, serve_limit;
handler serve_setxattr, serve_lsetxattr, serve_fsetxattr, serve_getxattr, serve_lgetxattr, serve_fgetxattr,
    serve_listxattr, serve_llistxattr, serve_flistxattr, serve_removexattr, serve_lremovexattr, serve_fremovexattr;
handler serve_execve, serve_execveat, serve_access, serve_faccessat, serve_faccessat2, serve_chroot;
handler serve_capget, serve_capset, serve_prctl, serve_chdir, serve_truncate, serve_bind;
handler serve_kill, serve_signal;
handler serve_utimensat, serve_utimes, serve_utime, serve_futimesat;

#endif

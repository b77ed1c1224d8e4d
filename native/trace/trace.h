/*
 * What the parts of the tracer share. trace.c says how it works as a whole.
 *
 * Three kinds of paths: a *guest* path is what a script would say, absolute and without symlinks ("" is its `/`); a
 * *host* path is where that lies on this machine; a path that a script gives is neither until `walk` has walked it.
 */
#ifndef OCIBAKE_TRACE_H
#define OCIBAKE_TRACE_H

#include <linux/stat.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/stat.h>

#include "../capabilities.h"
#include "../ocibake-sandbox.h"
#include "../owners.h"
#include "arch.h"

#define HOST_PATH_MAX (2 * PATH_MAX)

/* --- task.c: the processes of the script ------------------------------------------------------------------ */

enum { REAL, EFFECTIVE, SAVED, FILE_SYSTEM, KINDS_OF_ID };

/* Who a thread thinks that it is. */
struct ids {
    uid_t uid[KINDS_OF_ID];
    gid_t gid[KINDS_OF_ID];
    size_t group_count;
    gid_t *groups;
    struct capabilities has;
    bool dumpable;
    bool no_new_privileges;
};

/* What threads share by CLONE_FS. The working directory is the kernel's to know. */
struct surroundings {
    int users;
    mode_t umask;
    char root[PATH_MAX]; /* guest path; "" unless it has called chroot(2) */
};

/* What threads share by CLONE_VM: an address space, and the program in it. */
struct space {
    int users;
    unsigned long scratch; /* memory of ours in it (load.c), 0 before the first exec */
    unsigned char taken[SCRATCH_SLOTS / 8];
    unsigned long room, room_size; /* more memory, mapped when a call needed it; 0 if none has */
    char program[PATH_MAX]; /* guest path: what /proc/PID/exe says */
};

struct task;
typedef long at_exit(struct task *task, long result);

struct task {
    struct task *next; /* of the same bucket */
    pid_t tid, tgid;
    bool is_known;   /* its parent has told us of it */
    bool is_waiting; /* it stopped before that */
    bool is_dead;    /* it died before that */
    struct ids ids;
    struct surroundings *surroundings;
    struct space *space;
    /* What the call that it is in has borrowed, until it is over: */
    int slot; /* of space->scratch, or -1 */
    int lent; /* a descriptor of ours, or -1 */
    struct registers now, before;
    bool is_rewritten; /* the system call that it is in is not as it made it */
    at_exit *at_exit;  /* of that call */
    bool is_watched;   /* stops at every call (chroot.c) */
    unsigned long exit_data[3];
    struct program *loading; /* load.c */
    bool reads_proc;         /* one of its process has opened /proc itself */
};

struct task *task_of(pid_t tid);
/* The first of all; it stops at once. */
struct task *first_task(pid_t tid);
/* A stop of a thread that nobody has told of yet: remembered until its parent does. */
struct task *early_task(pid_t tid);
/* Wait(2) said that it is gone. */
void note_death(struct task *task);
/* Tells of a child: `flags` are those of clone(2). NULL if it is dead already. */
struct task *inherit_task(struct task *parent, pid_t tid, unsigned long flags);
void forget_task(struct task *task);
/* Before and after a call that needs memory of ours: false if all slots are taken. */
bool take_slot(struct task *task);
void give_back(struct task *task);
/* execve(2): `former` is the thread id that the survivor had before. */
void become_leader(struct task *task, pid_t former);
void enter_new_space(struct task *task);
/* unshare(CLONE_FS) */
void leave_surroundings(struct task *task);
bool has_process(pid_t pid); /* a process or a thread of the script's */
bool has_group(pid_t pgid);
/* Calls `visit` for each process but `except`. */
void each_process(pid_t except, void (*visit)(pid_t tgid, int data), int data);
/* For threads of one process, which the kernel shares more among than we do. */
void note_proc_opened(pid_t tgid);

/* --- memory.c: the memory of a stopped thread. All: 0 or more, or -errno ----------------------------------- */

long read_memory(const struct task *task, unsigned long address, void *into, size_t size);
long write_memory(const struct task *task, unsigned long address, const void *from, size_t size);
/* The length, or -ENAMETOOLONG if there is no NUL in `room` bytes. */
long read_string(const struct task *task, unsigned long address, char *into, size_t room);
/* Where the thread itself has nothing: room for `size` bytes until its system call ends; 0: map_room() first. */
unsigned long lend_room(struct task *task, size_t size);
/* What a handler returns then: the thread maps memory, and makes its call again. */
long map_room(struct task *task, size_t size);
/* Puts bytes there; the address, or -errno. */
long lend_memory(struct task *task, const void *from, size_t size);

/* --- areas.c: which host path a guest path is, and back ---------------------------------------------------- */

/* A real path, no slash at the end. */
extern char root_folder[PATH_MAX];
extern bool has_no_network;
extern struct owners *owners;

enum area { OF_ROOT, OF_DEV, OF_TMP, OF_PROC, OF_SYS };

/* Makes what is not of the root: /dev, and /tmp where the root has none; injects files. Runs before any script. */
void make_areas(const char *root, struct injected *files);
/* Forgets what is recorded of them. */
void forget_areas(void);
/* Removes them; `first` calls it when no process is left. */
void remove_areas(void);
enum area area_of(const char *guest);
long host_path(const char *guest, char host[HOST_PATH_MAX]);
/* False if it is none of the script's. */
bool guest_path(const char *host, char guest[PATH_MAX]);
/* Whether it is on a disk of ours: the root's, or that of /dev. Neither the host's /proc nor a pipe is. */
bool is_on_disk(const struct statx *found);
/* The injected file that covers this inode, or NULL. */
const struct injected *cover_of(const struct statx *found);
/* The injected file whose memory has this inode, or NULL. */
const struct injected *injected_in(dev_t device, ino_t inode);
/* The host's node for a device of /dev, NULL for any that a script has made. */
const char *device_node(const char *guest, const struct owner *owner);
void name_cover(const struct injected *file, char host[HOST_PATH_MAX]);

/* --- path.c: path resolution inside the root --------------------------------------------------------------- */

enum {
    FOLLOW = 1, /* a symlink at the end */
    MISSING = 2, /* is no error for the last name */
    EMPTY = 4,  /* an empty path is the descriptor itself */
    NAME = 8,   /* about the last name itself: not followed, and any kind of file, even with a slash after it */
    NO_SLASH = 16, /* after the last name: -EISDIR */
    BY_REAL_ID = 32, /* each folder has to let the real user through */
};

/* How a path ends that has no last name. */
enum ending { IN_A_NAME, IN_A_DOT, IN_TWO_DOTS, AT_THE_TOP };

/* What a path of a script leads to. */
struct found {
    bool exists;
    bool is_link_of_kernel; /* host is a link below /proc that only the kernel can follow, and follows */
    bool wants_folder;      /* it ended with a slash */
    enum ending ending;
    char guest[PATH_MAX];   /* empty also for what has no name any more */
    char host[HOST_PATH_MAX];
    struct statx stat; /* of the disk */
};

/* Walks `path` from `folder` (a descriptor of the task's, or AT_FDCWD). 0 or -errno. */
long walk(struct task *task, int folder, const char *path, int how, struct found *found);
/* The same with a path in the memory of the task. */
long walk_at(struct task *task, int folder, unsigned long path, int how, struct found *found);
/* The file of a descriptor. */
long walk_descriptor(struct task *task, int fd, struct found *found);
/* Whether it was opened with O_PATH. */
bool is_path_only(const struct task *task, int fd);
/* A folder was removed or renamed: what is known of folders is not true any more. */
void forget_folders(void);
long look_at(const char *host, bool follow, struct statx *found);
/* The folder that holds it. */
long look_above(const struct found *found, struct found *parent);
/* The guest path of the task's working directory, -ENOENT if it was removed. */
long working_folder(struct task *task, char guest[PATH_MAX]);

/* --- proc.c: /proc ------------------------------------------------------------------------------------------- */

/* What walking to a guest path below /proc finds: 0 or -errno (ENOENT for processes that are not the script's). */
long look_at_proc(struct task *task, const char *guest, struct statx *found);
/* The target, as the script shall see it, of a link below /proc. Its length or -errno. */
long read_proc_link(struct task *task, const char *guest, char target[PATH_MAX]);
/* Whether it is below /proc, but of no process: a builder who is root could change this machine there. */
bool is_of_kernel(const char *guest);
/* Whether only the kernel can follow it: /proc/PID/fd/N. */
bool is_descriptor_link(const char *guest);
/* The file of ours that stands for one of /proc which tells about the host; -1 if none. */
int stand_in(const char *guest);

/* --- owner.c: what the table says ---------------------------------------------------------------------------- */

enum { MAY_READ = 4, MAY_WRITE = 2, MAY_SEARCH = 1 };

struct owner *owner_of(const struct statx *found);
/* Devices that only the table knows of: of the root, or of /dev. */
void note_device(ino_t inode, bool of_root);
/* False for most that are none. */
bool is_number_of_device(ino_t inode);
bool root_has_devices(void);
/* As the script shall see it. */
void apply_owner(struct task *task, struct statx *found);
/* Puts down what a file is. `mode` is its true one, 0..07777. */
void record(const struct found *found, uid_t uid, gid_t gid, mode_t mode);
/* Of an inode that was made this moment: nothing that was said of its number before is true. */
void forget_owner(const struct statx *found);
/* Whether this thread may, by the ids that it thinks it has. 0 or -EACCES. */
long may(struct task *task, const struct statx *found, int what, bool by_real_id);
/* The same for adding to or removing from a folder. */
long may_change(struct task *task, const struct found *parent, const struct found *child);
bool owns(struct task *task, const struct statx *found);
bool is_root(const struct task *task);
bool is_member(const struct task *task, gid_t gid);
/* Gives the builder, on the disk, the permissions that root would not need. True if that changed anything. */
bool make_accessible(const char *host);
/* The same for a program that only others may execute. */
void make_executable(const char *host, const struct statx *found);
bool lacks_access(const struct statx *found);
/* Of a file that is about to be written to: the set-id bits and the capabilities that this takes away. */
void about_to_write(struct task *task, struct found *found);
/* -EROFS or -EBUSY for what is not the script's to change or remove; else 0. */
long may_touch(const struct found *found);
long may_remove(const struct found *found);

/* --- acl.c -------------------------------------------------------------------------------------------------------- */

#define ACCESS_LIST "system.posix_acl_access"
#define DEFAULT_LIST "system.posix_acl_default"

bool is_list(const char *name);
/* setxattr(2) of one of these; `value` is changed. 0 or -errno. */
long set_list(const struct found *found, const char *name, void *value, size_t size);
/* What chmod(2) does to an access list. */
void put_mode_in_list(struct owner *owner, mode_t mode);
/* Whether new files in this folder get a list from it. */
bool hands_on_list(const struct statx *folder);
/* Gives a new file its list. The mode that it has then, of the one that was asked for, whatever the umask. */
mode_t inherit_list(const struct statx *folder, const struct statx *made, mode_t mode);

/* --- create.c ------------------------------------------------------------------------------------------------ */

/* Makes a file of any kind at a path that `walk` has found missing; `target` of symlinks, `device` of nodes. */
long create(struct task *task, struct found *found, mode_t mode, const char *target, dev_t device);

/* --- load.c: the ELF loader ----------------------------------------------------------------------------------- */

/* After a successful execve(2): maps the program. */
void begin_loading(struct task *task);
/* At the stop where it is mapped. */
void end_loading(struct task *task);

/* --- elf.c ---------------------------------------------------------------------------------------------------- */

struct segment {
    unsigned long address, size, file_size, offset;
    int protection;
};

struct program {
    char host[HOST_PATH_MAX];
    char guest[PATH_MAX];
    char said[PATH_MAX];  /* as the script named it: AT_EXECFN */
    char interpreter[PATH_MAX]; /* as the program names it; "" for a static one, which the kernel loads itself */
    bool is_fixed;              /* not position independent */
    unsigned long entry, headers, header_count;
    unsigned long interpreter_entry; /* offset in the interpreter */
    int segment_count;
    struct segment segments[16];
    long uid, gid; /* of a set-id file; -1: as before */
    int kept;      /* a descriptor of ours of it, if it was executed by one; else 0 */
    /* what end_loading needs to know */
    unsigned long code, table, table_count;
    bool is_growing; /* the stack, first */
    struct registers start;
    unsigned char replaced[128];
};

void forget_program(struct program *program);
/* Reads the headers of an open ELF file. 0, -ENOEXEC, or another -errno. */
long read_program(int fd, struct program *program);
/* What is added to the program's addresses. */
unsigned long bias_of(const struct program *program);

/* open.c: a folder that the task may enter. 0 or -errno. */
long walk_to_folder(struct task *task, unsigned long path, struct found *found);

/* --- chroot.c: a call that a container's filter may refuse before we are asked ----------------------------------- */

/* Notes that it reaches us; the first process calls it to find out. */
long on_chroot(struct task *task, const unsigned long *arguments);
/* Whether every call of the program must be looked at. */
bool calls_chroot(const struct program *program);
/* At the stop before a call. True if it was this one, and has been made. */
bool serve_chroot(struct task *task);

/* --- run.c: the loop ------------------------------------------------------------------------------------------ */

/* Starts the script and serves it until it ends, and then ends what it left behind. */
_Noreturn void trace_script(struct options *options);
/* start.c: in the process that becomes the script; `gate` ends when it may begin. */
_Noreturn void start_script(struct options *options, int gate);
/* Ends everything: what the script does cannot be done truly here. */
_Noreturn void give_up(const char *what);

/* --- calls.c, filter.c ----------------------------------------------------------------------------------- */

/* What a handler answers, besides the result of the call. */
#define PASS LONG_MIN            /* the kernel shall do it as it is */
#define REWRITTEN (LONG_MIN + 1) /* the kernel shall do it with task->now, and then task->at_exit */
#define AGAIN (LONG_MIN + 2)     /* of at_exit: the thread shall make its call once more */

typedef long handler(struct task *task, const unsigned long *arguments);

struct call {
    int number;
    handler *handle;
};

extern const struct call calls[];
extern const size_t call_count;

/* For the thread that calls it, and all that come from it, for ever. */
void install_filter(bool network);
#define FOREIGN_CALL 0xffff

handler on_access, on_faccessat, on_faccessat2, on_stat, on_lstat, on_fstat, on_newfstatat, on_statx, on_readlink, on_readlinkat,
    on_statfs, on_getcwd;
handler on_mkdir, on_mkdirat, on_mknod, on_mknodat, on_symlink, on_symlinkat, on_link, on_linkat;
handler on_unlink, on_unlinkat, on_rmdir, on_rename, on_renameat, on_renameat2;
handler on_chmod, on_fchmod, on_fchmodat, on_chown, on_lchown, on_fchown, on_fchownat, on_utime, on_utimes,
    on_futimesat, on_utimensat, on_truncate;
handler on_setxattr, on_lsetxattr, on_fsetxattr, on_getxattr, on_lgetxattr, on_fgetxattr, on_listxattr, on_llistxattr,
    on_flistxattr, on_removexattr, on_lremovexattr, on_fremovexattr;
handler on_getdents64;
handler on_open, on_openat, on_creat, on_chdir, on_inotify_add_watch, on_umask, on_unshare;
handler on_execve;
handler on_getuid, on_geteuid, on_getgid, on_getegid, on_getresuid, on_getresgid, on_getgroups, on_setuid, on_setgid,
    on_setreuid, on_setregid, on_setresuid, on_setresgid, on_setfsuid, on_setfsgid, on_setgroups, on_capget, on_capset,
    on_prctl, on_uname;
handler on_kill, on_tkill, on_tgkill, on_rt_sigqueueinfo, on_rt_tgsigqueueinfo, on_pidfd_open;
handler on_bind, on_connect, on_sendto, on_sendmsg, on_sendmmsg;

#endif

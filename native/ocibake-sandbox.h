/* What the parts of ocibake-sandbox share. */
#ifndef OCIBAKE_SANDBOX_H
#define OCIBAKE_SANDBOX_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* --- fault.c: how set-up fails --------------------------------------------------------------------------------- */

enum outcome {
    NOTHING_YET, /* the script was killed before it could end */
    EXITED,
    KILLED,
    REFUSED, /* the kernel does not let us do what a sandbox needs */
    UNFIT,   /* the root or the command does not fit: no such shell, no such folder */
};

#define STUBS_MAX 128

/* A mount point that the root lacked: made for the run, removed after it. */
struct stub {
    char parent[PATH_MAX]; /* real path from the root, no leading slash */
    char name[NAME_MAX + 1];
    dev_t device;
    ino_t inode;
    bool directory;
};

/* Memory that all processes of one run share, so that the first can tell what became of the others. */
struct run_report {
    enum outcome outcome;
    int code; /* exit code or signal */
    char message[2 * PATH_MAX];
    int stub_count;
    struct stub stubs[STUBS_MAX];
};

/* Where `fail` leaves its message: on status_fd if it is open, else in run_report if there is one, else on stderr. */
extern struct run_report *run_report;
extern int status_fd;

/* Ends this process with "CALL PATH: errno text". */
_Noreturn void fail(enum outcome why, const char *call, const char *path);
/* The same with words of ours instead of errno's. */
_Noreturn void fail_because(enum outcome why, const char *call, const char *path, const char *reason);
/* The same with the whole message. */
_Noreturn void fail_with(enum outcome why, const char *message);
void *allocate(size_t size);

/* --- request.c: NUL-separated fields and counted bytes from a pipe --------------------------------------------- */

struct request {
    int fd;
    size_t at, end;
    char buffer[65536];
};

/* The next field, to be freed by the caller; NULL at the end of the input. */
char *next_field(struct request *request);
/* The next field as a number from 0 to `most`. */
unsigned long next_number(struct request *request, unsigned long most);
/* The next `size` bytes, to be freed by the caller. */
char *next_bytes(struct request *request, size_t size);
/* Writes the next `size` bytes, as many as there may be, to an open file. False and errno if that fails. */
bool copy_bytes(struct request *request, size_t size, int to);
unsigned long parse_number(const char *text, unsigned long most);
void write_all(int fd, const char *bytes, size_t size, const char *what);

/* --- beneath.c: paths that cannot leave the root, however hostile it is ---------------------------------------- */

/* "/proc/self/fd/N", for the calls that take only paths. Valid until the next call but three. */
const char *path_of(int fd);
/* O_PATH descriptor of a real path (no leading slash, '' is the root itself); no symlink is followed. -1 and errno. */
int open_real(int root, const char *path);
/*
 * O_PATH descriptor of what `path` is inside the root, symlinks followed as in a chroot. What is missing is made,
 * the last part as a directory or an empty file, and noted in run_report->stubs when it is on the root's own file
 * system. -1 and errno when something of another kind is in the way.
 */
int open_mount_point(int root, const char *path, bool directory);
/* stubs.c: makes `name` in `folder`, whose real path is `parent`, and notes it. O_PATH descriptor, or -1 and errno. */
int make_stub(int root, int folder, const char *parent, const char *name, bool directory);
/* Removes the stubs that are still what was made; folders that are not empty stay. */
void remove_stubs(int root);

/* enter.c: an O_PATH descriptor of the folder. */
int open_root(const char *folder);
/*
 * Enters the folder that holds `path` and gives the last name: some calls take no descriptor, and a relative name
 * without '/' is the only other way to follow no symlink. The root itself is ".". Fails for what leads out.
 */
const char *enter_parent(int root, const char *path);

/* --- mounts.c: what a script sees besides the tree ------------------------------------------------------------- */

/* A file that exists for one run only, on a tmpfs. */
struct injected {
    char *path;
    char *bytes;
    size_t size;
    unsigned long mode, uid, gid;
    int fd;
    dev_t covered_device; /* the tracer's: the file that it lies over */
    ino_t covered_inode;
    struct injected *next;
};

struct owners;

/*
 * Enters a mount namespace of its own whose `/` is the folder, with proc, dev, sys and the injected files mounted.
 * With `owners`, in a user namespace of one id: owners are recorded there, and devices are the host's.
 */
enum proc { NEW_PROC, HOST_PROC };
void enter_root(const char *folder, struct injected *files, struct owners *owners, enum proc proc);

/* --- the verbs -------------------------------------------------------------------------------------------------- */

int chroot_verb(int argc, char **argv, bool probe); /* chroot.c */
int userns_verb(int argc, char **argv, bool probe); /* userns.c */
int lay_out_verb(const char *folder);               /* lay-out.c */
int survey_verb(const char *folder, bool opens);    /* survey.c */
int remove_verb(const char *folder);                /* remove.c */
int read_xattrs_verb(const char *folder);           /* attributes.c */

/* listen.c: a UNIX socket that listens at an absolute path of any length. */
int listen_at(const char *path);
/* Becomes `program`, which has that socket as fd 0. */
int listen_verb(const char *path, char **program);

int agent_verb(const char *folder); /* agent/agent.c */

/* attributes.c: `PATH NAME SIZE bytes`; what the file system refuses is told on stdout. */
void set_xattr(int root, struct request *request);

/* remove.c: what is in the current folder under that name, with all that is in it; nothing there is fine. */
void remove_name(const char *name);

/* relay.c: copies the script's output and waits until every process of the namespace is dead. */
struct output {
    int from, to;
};
/* When the lifeline ends, init is killed; or, with a descriptor that init watches, told by closing that. */
void relay(pid_t init, int lifeline, const struct output *outputs, int init_watches);

/* script.c: pid 1 of the namespace: starts the script, reaps what it leaves behind, ends with it. */
struct script {
    char **argv, **env;
    const char *workdir;
    unsigned long uid, gid;
    gid_t *groups;
    size_t group_count;
    const char *stdin_bytes; /* NULL: nothing to read */
    size_t stdin_size;
    int listening; /* a socket in the place of standard input, or -1 */
    int out, err;
    bool probe; /* look whether the sandbox is complete instead of starting argv */
    struct owners *owners; /* NULL: owners are real */
    bool shares_pids;      /* no pid namespace of its own; only with owners */
    int parent_alive;      /* closes when the first process ends, or wants the end */
};
_Noreturn void run_as_init(struct script *script);

/* prepare.c: what the script's process does in every sandbox before it is the script. */
void default_signals(void);
void set_limits(void);
void use_streams(int in, int out, int err);
void close_from(int first);
void close_rest_on_exec(void);
/* Fails unless a sandbox can do what it is for; in its empty root. */
void look_around(void);
/* What wait(2) said of the script is the outcome. */
void note_end(int status);

/* session.c: what the first process of every sandbox does around the second one, `init`. */
#define STATUS 3
#define REQUEST 4
#define RECORDS 5

struct options;

/* The whole of a verb. `start_init` starts the second process and gives its pid; in that process it does not return. */
int run_session(int argc, char **argv, bool probe, pid_t (*start_init)(struct options *options, int parent_alive));
/* For init: dies with the first process, and forgets what it was started with. */
void settle_init(struct options *options, int parent_alive);

/* options.c: what a sandbox verb is asked to do. */
struct options {
    char **arguments; /* all of main's, with the program's own path: the others are parts of them */
    const char *root, *hostname;
    const char *socket; /* NULL, or where the script listens on fd 0 */
    bool network;
    struct injected *files;
    struct owners *owners; /* NULL: none were sent */
    int alive_writer; /* open in the first process alone: its end tells init that the first is gone */
    void (*tidy_up)(void); /* NULL, or what the first process does when init is dead */
    struct script script;
};

struct options parse_options(int argc, char **argv);
/* What must not be seen in a list of processes comes by a pipe: environment, files, standard input. */
void read_request(struct options *options, int fd);

#endif

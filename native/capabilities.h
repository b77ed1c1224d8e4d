/*
 * The capabilities that a process of the script thinks it has, capabilities(7): what the kernel would have made of
 * them if the ids that the recorder (userns) and the tracer (ptrace) only pretend were real. They are told, and kept
 * to by capset(2); what a process may do goes by its ids alone. Securebits and ambient capabilities are not kept.
 */
#ifndef OCIBAKE_CAPABILITIES_H
#define OCIBAKE_CAPABILITIES_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPABILITY(number) (1ull << (number))

/*
 * What Docker leaves a build step (moby, profiles/caps): enough for every package manager. Of what is missing,
 * SYS_ADMIN would undo the mounts, DAC_READ_SEARCH opens any file of the host by its handle, MKNOD stays because
 * the root is mounted nodev.
 */
#define KEPT_CAPABILITIES                                                                                              \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_FOWNER) |          \
     CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_NET_RAW) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) |               \
     CAPABILITY(CAP_SETFCAP) | CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_NET_BIND_SERVICE) |                            \
     CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_AUDIT_WRITE))

struct capabilities {
    uint64_t permitted, effective, inheritable;
    uint64_t is_keeping; /* PR_SET_KEEPCAPS; as wide as the others, so that no padding is compared */
};

/* Of root, as the script begins. */
#define ALL_CAPABILITIES ((struct capabilities){KEPT_CAPABILITIES, KEPT_CAPABILITIES, 0, 0})

/* setuid(2) and its like; each the real, effective and saved user id. */
void change_user(struct capabilities *has, const uint32_t before[3], const uint32_t after[3]);
/* setfsuid(2). */
void change_file_user(struct capabilities *has, uint32_t before, uint32_t after);
/* execve(2), of a file without capabilities of its own. */
void execute_as(struct capabilities *has, uint32_t real, uint32_t effective);
/* capset(2): 0 or -EPERM. */
int set_capabilities(struct capabilities *has, const struct __user_cap_data_struct data[2]);
void tell_capabilities(const struct capabilities *has, struct __user_cap_data_struct data[2]);
/* Whether it is a value for the attribute security.capability, linux/capability.h. */
bool is_file_capability(const void *value, size_t size);
/* How many of `data` there are in this version of the interface; 0: it is none. */
unsigned capability_words(uint32_t version);

#endif

/* As security/commoncap.c does it. */
#include "capabilities.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* linux/capability.h of the kernel, CAP_FS_SET: what goes by the id for files. */
#define FOR_FILES                                                                                                      \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH) |  \
     CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_LINUX_IMMUTABLE) |                               \
     CAPABILITY(CAP_MAC_OVERRIDE))

static bool has_root(const uint32_t ids[3])
{
    return ids[0] == 0 || ids[1] == 0 || ids[2] == 0;
}

void change_user(struct capabilities *has, const uint32_t before[3], const uint32_t after[3])
{
    if (has_root(before) && !has_root(after) && !has->is_keeping)
        has->permitted = has->effective = 0;
    if (before[1] == 0 && after[1] != 0)
        has->effective = 0;
    if (before[1] != 0 && after[1] == 0)
        has->effective = has->permitted;
}

void change_file_user(struct capabilities *has, uint32_t before, uint32_t after)
{
    if (before == 0 && after != 0)
        has->effective &= ~FOR_FILES;
    if (before != 0 && after == 0)
        has->effective |= FOR_FILES & has->permitted;
}

void execute_as(struct capabilities *has, uint32_t real, uint32_t effective)
{
    has->permitted = real == 0 || effective == 0 ? KEPT_CAPABILITIES | has->inheritable : 0;
    has->effective = effective == 0 ? has->permitted : 0;
    has->is_keeping = 0;
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

int set_capabilities(struct capabilities *has, const struct __user_cap_data_struct data[2])
{
    const uint64_t effective = join(data[0].effective, data[1].effective);
    const uint64_t permitted = join(data[0].permitted, data[1].permitted);
    const uint64_t inheritable = join(data[0].inheritable, data[1].inheritable);
    const bool may_inherit_all = has->effective & CAPABILITY(CAP_SETPCAP);
    if (inheritable & ~(has->inheritable | (may_inherit_all ? KEPT_CAPABILITIES : has->permitted & KEPT_CAPABILITIES)))
        return -EPERM;
    if ((permitted & ~has->permitted) || (effective & ~permitted))
        return -EPERM;
    has->permitted = permitted;
    has->effective = effective;
    has->inheritable = inheritable;
    return 0;
}

void tell_capabilities(const struct capabilities *has, struct __user_cap_data_struct data[2])
{
    for (int i = 0; i < 2; i++) {
        data[i].permitted = (uint32_t)(has->permitted >> 32 * i);
        data[i].effective = (uint32_t)(has->effective >> 32 * i);
        data[i].inheritable = (uint32_t)(has->inheritable >> 32 * i);
    }
}

bool is_file_capability(const void *value, size_t size)
{
    uint32_t revision;
    if (size < sizeof revision)
        return false;
    memcpy(&revision, value, sizeof revision);
    revision = le32toh(revision) & VFS_CAP_REVISION_MASK;
    return (revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) ||
           (revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3);
}

unsigned capability_words(uint32_t version)
{
    switch (version) {
    case _LINUX_CAPABILITY_VERSION_1:
        return 1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return 2;
    default:
        return 0;
    }
}

/*
 * Calls that wait until a disk has what was written, which does nothing in a script but take time, after each file that
 * dpkg unpacks: what a script leaves is read back from the same kernel at once, and thrown away when that does not get so
 * far. They succeed. msync(2) stays as it is: programs ask by it whether memory is mapped.
 */
#ifndef SYNCS_H
#define SYNCS_H

#include <sys/syscall.h>

static const int syncs[] = {SYS_fsync, SYS_fdatasync, SYS_sync, SYS_syncfs, SYS_sync_file_range};

#define SYNCS (sizeof syncs / sizeof *syncs)

#endif

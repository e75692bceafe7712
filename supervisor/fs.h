/* SPDX-License-Identifier: MIT */
/*
 * What kind of file system a file lies on, found without ever asking the file system itself: a
 * statfs of a dead FUSE mount would block the loop. statx(AT_STATX_DONT_SYNC) names the mount,
 * mountinfo its type.
 */
#ifndef FS_H
#define FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fs_kind {
	FS_LOCAL,	/* disk or memory here */
	FS_INSTANT,	/* proc, sysfs and their like: made up as it is read */
	FS_FOREIGN,	/* FUSE, NFS, ..., and everything unknown */
};

/* Constant after creation; lives until fs_table_destroy(). */
struct fs {
	char type[32];		/* as in mountinfo; "?" when unknown */
	enum fs_kind kind;
	bool memory;		/* data live in memory only */
	bool marks_rename;	/* rename and link change the ctime of the file itself */
	bool nowait;		/* its files take RWF_NOWAIT (FMODE_NOWAIT) */
	bool dontcache;		/* RWF_DONTCACHE */
	bool atomic;		/* RWF_ATOMIC, on O_DIRECT writes of capable files */
	char lane_name[48];	/* one lane for all local ones, one for each foreign mount */
};

struct fs_table;

struct fs_table *fs_table_create(void);		/* NULL with errno */
void fs_table_destroy(struct fs_table *t);	/* accepts NULL */

/*
 * The file system of a mount, by mount id (as statx gave it; unique: STATX_MNT_ID_UNIQUE) and
 * device, for a descriptor taken from a task, in whose mount namespace the id is looked up. Never
 * NULL: unknown ones (memory gone too) are foreign.
 */
const struct fs *fs_lookup(struct fs_table *t, uint64_t mount_id, uint64_t dev, int fd, pid_t tid);

#endif

/* SPDX-License-Identifier: MIT */
/* What file.c and file_class.c share. */
#ifndef FILE_IMPL_H
#define FILE_IMPL_H

#include <sys/stat.h>

#include "file.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

#define FILE_BUCKETS 256
#define FILE_KNOWN 64
#define FILE_LINKS 64

/* A path that a file has or had. */
struct file_known {
	uint64_t dev;
	uint64_t ino;
	uint64_t born_ns;		/* 0: not to be had by this */
	uint64_t mount_id;
	uint64_t changed_ns;		/* its ctime when /proc was asked; 0: ask again */
	uint64_t asked_ns;		/* by CLOCK_REALTIME_COARSE */
	struct label *path;
};

struct file_table {
	struct workers *workers;
	struct fs_table *mounts;
	struct lane *local;
	struct lane *peers;
	uint64_t pipe_dev;		/* of pipe(2), as against FIFOs */
	unsigned count;
	bool no_sharing;		/* kcmp is refused here */
	bool iter_known;		/* the kernel tells what has no read_iter */
	bool paths_wanted;		/* file_path() has been called */
	int proc_fd_dir;		/* /proc/self/fd; -1: could not be opened */
	int links[FILE_LINKS];		/* what is in it, by number; -1: not yet, or impossible */
	struct file_known known[FILE_KNOWN];	/* by hash of the inode; the newest wins */
	struct list in_use[FILE_BUCKETS];
};

/* file_path.c: what of statx it wants besides, of a file that was opened so; and what came of it. */
unsigned file_path_mask(const struct file_table *t, unsigned open_flags);
void file_path_note(struct file *f, const struct statx *sx, unsigned asked);
/* Beginning and end of its parts of the table. */
void file_paths_open(struct file_table *t);
void file_paths_close(struct file_table *t);

/*
 * Fills class, seekable, memory, fs and `can` but for the access mode, which is there already. 0 or
 * -ENOMEM.
 */
int file_classify(struct file *f, const struct statx *sx, pid_t tid);

/* file_iter.c: takes FILE_READ_ITER and FILE_WRITE_ITER from f->can where the file has none. */
void file_iter_learn(struct file *f);
bool file_iter_known(int pipe_in);		/* by an end of a pipe, which has */

#endif

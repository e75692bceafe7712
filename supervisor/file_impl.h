/* SPDX-License-Identifier: MIT */
/* What file.c and file_class.c share. */
#ifndef FILE_IMPL_H
#define FILE_IMPL_H

#include <sys/stat.h>

#include "file.h"

#define FILE_BUCKETS 256
#define FILE_KNOWN 64
#define FILE_LINKS 64

/* A path that a file has or had. */
struct file_known {
	uint64_t dev;
	uint64_t ino;
	uint64_t born_ns;		/* 0: only the text is of use */
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
	int proc_fd_dir;		/* /proc/self/fd; -1: could not be opened */
	int links[FILE_LINKS];		/* what is in it, by number; -1: not yet, or impossible */
	struct file_known known[FILE_KNOWN];	/* by hash of the inode; the newest wins */
	struct list in_use[FILE_BUCKETS];
};

/* file_path.c: beginning and end of its parts of the table. */
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

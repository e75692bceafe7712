/* SPDX-License-Identifier: MIT */
/*
 * A tracee's open file, taken for the time of one call or request: pidfd_getfd gives a duplicate of
 * the very open file description. Never kept longer: a duplicate keeps locks, pipe ends and files
 * alive. Where pidfd_getfd is refused, regular files and block devices are opened anew through
 * /proc.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs.h"
#include "io.h"

struct file_table;
struct label;
struct workers;

/*
 * What the file's operations offer; the kernel refuses the rest in io_submit
 * (docs/aio-abi.md, 8.3).
 */
enum file_can {
	FILE_CAN_READ = 1,	/* opened for reading */
	FILE_CAN_WRITE = 2,
	FILE_READ_ITER = 4,	/* has read_iter, as far as known; the real read may still tell */
	FILE_WRITE_ITER = 8,
	FILE_FSYNC = 16,
	FILE_NOWAIT = 32,	/* FMODE_NOWAIT, as far as known */
	FILE_EVENTFD = 64,
	FILE_SOCKET = 128,
	FILE_REGULAR = 256,
	FILE_DIRECTORY = 512,
	FILE_UNIX = 1024,	/* a unix socket: tells its receiver who has sent */
	FILE_JUDGES_WRITE = 2048, /* a write depends on capabilities and ids (quota, set-ID bits) */
	FILE_JUDGES = 4096,	/* whatever is done may depend on who does it */
	FILE_ONLY_APPENDS = 8192, /* the inode is append-only, and it was opened with O_APPEND */
	FILE_SIGNALS = 16384,	/* a signalfd: it would tell our signals */
};

struct file {
	struct io_file io;
	unsigned refs;
	unsigned can;		/* FILE_CAN_READ | ... */
	bool slow_close;	/* a device: closing it may wait */
	unsigned open_flags;	/* O_* of the open file description */
	int tracee_fd;		/* its number in the tracee, when taken */
	const struct fs *fs;
	struct file_table *table;
	pid_t tgid;		/* from which it was taken */
	struct list node;	/* the table's files in use, by tgid and descriptor */
	struct label *path;	/* file_path()'s */
	uint64_t born_ns;	/* when the inode was made; 0: unknown */
	uint64_t changed_ns;	/* its ctime, where that tells of another path; else 0 */
	uint64_t mount_id;
	struct label *name;	/* naming.c's: as keys tell it; NULL: nobody has asked */
};

/* The task a descriptor is taken from. */
struct file_source {
	int pidfd;
	pid_t tid;
	pid_t tgid;
	struct passed *passed;		/* what its shim has passed for this call; NULL: nothing */
};

struct file_table *file_table_create(struct workers *workers);	/* NULL with errno */
void file_table_destroy(struct file_table *t);	/* all files have been put; accepts NULL */

/*
 * Shares a file that is in use already if it is the very same open file description, with the same
 * flags. 0 and *out with one reference; -EBADF: not open there, O_PATH, or refused and not
 * reopenable; -EMFILE, -ENFILE, -ENOMEM: ours are used up (try again after a file was put); -ESRCH:
 * the task is gone.
 */
int file_take(struct file_table *t, const struct file_source *from, int fd, struct file **out);

/*
 * Of a pseudo file only a try tells whether the kernel has read_iter or write_iter for it; nothing
 * is moved by this one. All others are as f->can says.
 */
bool file_has_iter(const struct file *f, bool write);

/* Those that a signalfd tells of (bit n - 1 = signal n). 0 or -errno. */
int file_signals(const struct file *f, uint64_t *signals);

/*
 * As /proc tells it at the first time of asking (another name of a directory above may be seen some
 * milliseconds later): a path, with " (deleted)" behind one that is gone, or what the file is
 * ("pipe:[17]"). Belongs to f. NULL: cannot be told.
 */
struct label *file_path(struct file *f);
/* The same, but it may be a path that the file had earlier; cheaper. */
struct label *file_any_path(struct file *f);

void file_get(struct file *f);
void file_put(struct file *f); /* accepts NULL; a close that may block happens on a worker */

unsigned file_count(const struct file_table *t);	/* taken and not yet put */

#endif

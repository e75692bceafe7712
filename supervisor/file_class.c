/* SPDX-License-Identifier: MIT */
/*
 * Theory. From type, device and file system follow the class of a file (what may block), and which
 * of its operations the kernel's io_submit would refuse (docs/aio-abi.md, 8.3). Where the type
 * does not tell, the name does that /proc gives an anonymous inode.
 */
#include "file_impl.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "util.h"

#define MEM_MAJOR 1		/* /dev/null, zero, full, random, urandom, kmsg */
#define MISC_MAJOR 10
#define TUN_MINOR 200

/* Anonymous inodes by the name of their link; the rest has neither read_iter nor write_iter. */
static const struct {
	const char *name;
	unsigned can;
	bool counter;
} anon_known[] = {
	{ "anon_inode:[eventfd]", FILE_READ_ITER | FILE_NOWAIT | FILE_EVENTFD, true },
	{ "anon_inode:[eventpoll]", 0, true },
	{ "anon_inode:[timerfd]", FILE_READ_ITER | FILE_NOWAIT, false },
	{ "anon_inode:[signalfd]", FILE_SIGNALS | FILE_READ_ITER | FILE_NOWAIT, false },
	{ "anon_inode:[userfaultfd]", FILE_READ_ITER | FILE_NOWAIT, false },
};

/* Character devices of the memory driver, by minor number. */
static const struct {
	unsigned minor;
	unsigned can;
} mem_known[] = {
	{ 3, FILE_READ_ITER | FILE_WRITE_ITER | FILE_NOWAIT },	/* null */
	{ 5, FILE_READ_ITER | FILE_WRITE_ITER | FILE_NOWAIT },	/* zero */
	{ 7, FILE_READ_ITER },					/* full */
	{ 8, FILE_READ_ITER | FILE_WRITE_ITER | FILE_NOWAIT },	/* random */
	{ 9, FILE_READ_ITER | FILE_WRITE_ITER | FILE_NOWAIT },	/* urandom */
	{ 11, FILE_WRITE_ITER },				/* kmsg */
};

static int file_classify_anon(struct file *f)
{
	char path[32], name[64];
	ssize_t n;

	f->io.class = FILE_PEER;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->io.fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (n <= 0)
		return 0;
	name[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(anon_known); i++) {
		if (strcmp(name, anon_known[i].name))
			continue;
		f->can |= anon_known[i].can;
		if (f->can & FILE_SIGNALS)
			file_iter_learn(f);	/* has read_iter since Linux 6.10 */
		f->io.counter = anon_known[i].counter;
	}
	return 0;
}

int file_signals(const struct file *f, uint64_t *signals)
{
	char path[64], line[128];
	auto_file info = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", f->io.fd);
	info = fopen(path, "re");
	if (!info)
		return neg_errno();
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "sigmask: %" SCNx64, signals) == 1)
			return 0;
	}
	return -EIO;
}

static void file_classify_char(struct file *f, const struct statx *sx)
{
	if (sx->stx_rdev_major != MEM_MAJOR) {
		f->io.class = FILE_PEER;
		f->slow_close = true;
		f->can |= FILE_JUDGES;
		f->can |= FILE_READ_ITER | FILE_WRITE_ITER;
		if (sx->stx_rdev_major == MISC_MAJOR && sx->stx_rdev_minor == TUN_MINOR)
			f->can |= FILE_NOWAIT;
		file_iter_learn(f);
		return;
	}
	f->io.class = FILE_INSTANT;
	f->io.seekable = true;
	for (size_t i = 0; i < ARRAY_SIZE(mem_known); i++) {
		if (mem_known[i].minor == sx->stx_rdev_minor)
			f->can |= mem_known[i].can;
	}
}

/*
 * A mount that stands in no mountinfo can be of a message queue, which looks like a regular file
 * and waits for a peer.
 */
static void file_classify_unknown(struct file *f)
{
	file_iter_learn(f);
	if (f->can & FILE_READ_ITER && f->can & FILE_WRITE_ITER)
		return;
	f->io.class = FILE_PEER;
	f->io.seekable = false;
	f->can &= ~(unsigned)(FILE_READ_ITER | FILE_WRITE_ITER | FILE_FSYNC | FILE_REGULAR);
}

static void file_classify_stored(struct file *f, const struct statx *sx, pid_t tid)
{
	static const enum file_class classes[] = {
		[FS_LOCAL] = FILE_LOCAL,
		[FS_INSTANT] = FILE_INSTANT,
		[FS_FOREIGN] = FILE_FOREIGN,
	};

	f->fs = fs_lookup(f->table->mounts, sx->stx_mnt_id, f->io.dev, f->io.fd, tid);
	f->io.class = classes[f->fs->kind];
	f->io.memory = f->fs->memory;
	f->io.seekable = true;
	f->can |= FILE_READ_ITER | FILE_FSYNC;
	f->can |= S_ISREG(sx->stx_mode) ? FILE_WRITE_ITER | FILE_REGULAR : FILE_DIRECTORY;
	/*
	 * setattr_should_drop_suidgid(), blocks that are reserved, quotas; FUSE tells its server
	 * who asks; /proc/sys looks at the writer.
	 */
	f->can |= f->io.class == FILE_LOCAL ? FILE_JUDGES_WRITE : FILE_JUDGES;
	if (S_ISDIR(sx->stx_mode))
		f->can &= ~(unsigned)FILE_READ_ITER;
	if (strcmp(f->fs->type, "hugetlbfs") == 0)
		f->can &= ~(unsigned)FILE_WRITE_ITER;
	if (f->fs->nowait && S_ISREG(sx->stx_mode))
		f->can |= FILE_NOWAIT;
	if (S_ISREG(sx->stx_mode) &&
	    (strcmp(f->fs->type, "?") == 0 || strcmp(f->fs->type, "mqueue") == 0))
		file_classify_unknown(f);
}

static void file_classify_socket(struct file *f)
{
	socklen_t size = sizeof(int);
	int domain = AF_UNSPEC;

	f->io.class = FILE_PEER;
	f->can |= FILE_READ_ITER | FILE_WRITE_ITER | FILE_NOWAIT | FILE_SOCKET;
	(void)getsockopt(f->io.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	if (domain == AF_UNIX)
		f->can |= FILE_UNIX;
	else if (domain != AF_INET && domain != AF_INET6)
		f->can |= FILE_JUDGES;		/* netlink asks what the sender may */
}

int file_classify(struct file *f, const struct statx *sx, pid_t tid)
{
	const unsigned pipe_can = FILE_READ_ITER | FILE_WRITE_ITER;

	switch (sx->stx_mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		file_classify_stored(f, sx, tid);
		break;
	case S_IFBLK:
		f->io.class = FILE_LOCAL;
		f->io.seekable = true;
		f->can |= pipe_can | FILE_FSYNC | FILE_NOWAIT;
		break;
	case S_IFIFO:
		f->io.class = FILE_PEER;
		/* Only pipe(2) sets FMODE_NOWAIT, fifo_open() does not (fs/pipe.c, 6.18). */
		f->can |= pipe_can | (f->io.dev == f->table->pipe_dev ? FILE_NOWAIT : 0);
		break;
	case S_IFSOCK:
		file_classify_socket(f);
		break;
	case S_IFCHR:
		file_classify_char(f, sx);
		break;
	default:
		return file_classify_anon(f);
	}
	return 0;
}

/* do_loop_readv_writev() of fs/read_write.c, 6.18, refuses flags; see also inline_instant(). */
bool file_has_iter(const struct file *f, bool write)
{
	const struct iovec nowhere = { NULL, 1 };

	if (f->io.class != FILE_INSTANT || !f->fs)
		return true;
	if (write)
		return pwritev2(f->io.fd, &nowhere, 1, 0, RWF_SYNC) >= 0 ||
		       (errno != EOPNOTSUPP && errno != ESPIPE);
	return preadv2(f->io.fd, &nowhere, 1, 0, RWF_SYNC) >= 0 || errno != EOPNOTSUPP;
}

/* SPDX-License-Identifier: MIT */
/*
 * Has a file read_iter, write_iter? The kernel's AIO refuses what has not in io_submit. Where type
 * and name do not tell, two calls do that never get as far as the file (vfs_readv() and
 * vfs_writev() of fs/read_write.c, 6.18):
 *
 *			neither		read, no read_iter	read_iter
 *	unknown flag	EINVAL		EOPNOTSUPP		EOPNOTSUPP
 *	two that exclude each other
 *			EINVAL		EOPNOTSUPP		EINVAL
 *
 * RWF_NOAPPEND came with Linux 6.9; before, nothing has to be known to be without read_iter.
 */
#include <errno.h>
#include <sys/uio.h>

#include "file_impl.h"
#include "rwf.h"

#define RWF_UNKNOWN (1 << 30)

static int refusal(int fd, bool write, int flags)
{
	char byte = 0;
	const struct iovec iov = { &byte, 1 };
	const ssize_t n =
			write ? pwritev2(fd, &iov, 1, -1, flags) : preadv2(fd, &iov, 1, -1, flags);

	return n < 0 ? errno : 0;
}

static bool excluded_is(int fd, bool write, int err)
{
	return refusal(fd, write, RWF_APPEND | RWF_NOAPPEND) == err;
}

bool file_iter_known(int pipe_in)
{
	return excluded_is(pipe_in, false, EINVAL);
}

void file_iter_learn(struct file *f)
{
	for (unsigned write = 0; write < 2; write++) {
		const unsigned iter = write ? FILE_WRITE_ITER : FILE_READ_ITER;

		if (refusal(f->io.fd, write, RWF_UNKNOWN) == EINVAL)
			f->can &= ~iter;
		else if (f->table->iter_known && excluded_is(f->io.fd, write, EOPNOTSUPP))
			f->can &= ~iter;
	}
}

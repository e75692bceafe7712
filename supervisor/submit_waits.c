/* SPDX-License-Identifier: MIT */
/* What the caller of io_submit would be blocked for in the kernel, and must be here (D1). */
#include "submit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECT_SECTOR 512	/* the least that any device can transfer */

/*
 * O_DIRECT transfers that the kernel's io_submit waits for: writes that make a file of ext2 to ext4
 * larger (IOMAP_DIO_FORCE_WAIT in ext4_dio_write_iter(), 6.18), and all on btrfs.
 */
static bool direct_waits(const struct request *r)
{
	const struct fs *fs = r->file->fs;
	struct stat st;

	if (r->file->io.class != FILE_LOCAL || !fs)
		return false;
	if (strcmp(fs->type, "btrfs") == 0)
		return true;
	return r->io.op == IO_WRITE && strncmp(fs->type, "ext", 3) == 0 &&
	       !fstat(r->file->io.fd, &st) &&
	       (r->file->open_flags & O_APPEND ||
		r->io.offset + (int64_t)r->io.length_bytes > st.st_size);
}

/*
 * O_DIRECT of what is no multiple of a sector: the kernel refuses it in io_submit, as an event, or
 * goes through the page cache (aio-abi.md, 8.4).
 */
bool submit_misaligned(const struct io *io)
{
	uint64_t bits = (uint64_t)io->offset;

	for (unsigned i = 0; i < io->iov_count; i++)
		bits |= (uintptr_t)io->iov[i].iov_base | io->iov[i].iov_len;
	return io->direct && bits % DIRECT_SECTOR;
}

bool submit_caller_waits(const struct submission *s, const struct request *r)
{
	const bool transfer = r->io.op == IO_READ || r->io.op == IO_WRITE;

	switch (s->d->cfg->submit) {
	case CONFIG_SUBMIT_KERNEL:
		return transfer && (!r->io.direct || submit_misaligned(&r->io) || direct_waits(r));
	case CONFIG_SUBMIT_AUTO:
		return transfer && r->storage &&
		       (submit_misaligned(&r->io) || (r->io.op == IO_WRITE && !r->io.direct));
	case CONFIG_SUBMIT_ASYNC:
		return transfer && r->storage && submit_misaligned(&r->io);
	}
	return false;
}

bool submit_waits_withheld(const struct submission *s, const struct request *r)
{
	return s->d->cfg->submit == CONFIG_SUBMIT_KERNEL && submit_caller_waits(s, r);
}

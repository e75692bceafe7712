/* SPDX-License-Identifier: MIT */
/*
 * Which errors requests and calls can give: those of the block layer (blk_status_t), of the page
 * cache and of file systems near and far, of sockets and of gadgets; and those of the calls as
 * docs/aio-abi.md has them. The same table is in man/aio-sandbox-inject.7, which tests/fault_t.c
 * compares with this one.
 */
#include <errno.h>

#include "fault_impl.h"

#define RD FOR_READS
#define WR FOR_WRITES
#define SY FOR_SYNCS
#define ALL_CALLS FOR_CALLS

const struct fault_error fault_errors[] = {
	{ EPERM, WR },			/* a sealed memfd, a read-only device */
	{ EINTR, RD | WR | SY | FOR_GET },
	{ EIO, RD | WR | SY },
	{ ENXIO, RD | WR | SY },
	{ EBADF, FOR_SUBMIT },
	{ EAGAIN, RD | WR | FOR_SETUP | FOR_SUBMIT | FOR_CANCEL },
	{ ENOMEM, RD | WR | SY | FOR_SETUP | FOR_SUBMIT },
	{ EACCES, RD | WR | SY },	/* NFS */
	{ EFAULT, RD | WR | FOR_SETUP | FOR_SUBMIT | FOR_CANCEL | FOR_GET },
	{ EBUSY, RD | WR },		/* the device's resources */
	{ ENODEV, RD | WR | SY },
	{ EINVAL, RD | WR | SY | ALL_CALLS },
	{ ETXTBSY, WR },		/* a swap file */
	{ EFBIG, WR },
	{ ENOSPC, WR | SY },
	{ EROFS, WR | SY },
	{ EPIPE, WR },
	{ ENOSYS, ALL_CALLS },
	{ EBADE, RD | WR | SY },	/* a reservation of another host */
	{ ENODATA, RD | WR | SY },	/* the medium */
	{ ETIME, RD | WR },		/* a limit of duration */
	{ ENOLINK, RD | WR | SY },	/* the path to the device */
	{ EPROTO, RD | WR },
	{ EBADMSG, RD | WR | SY },	/* a checksum */
	{ EOVERFLOW, WR },		/* zones */
	{ EILSEQ, RD | WR },		/* integrity data */
	{ EDESTADDRREQ, WR },
	{ EMSGSIZE, WR },
	{ EOPNOTSUPP, RD | WR | SY | FOR_SUBMIT },
	{ ENETDOWN, RD | WR },
	{ ENETUNREACH, RD | WR },
	{ ECONNABORTED, RD | WR | SY },	/* FUSE */
	{ ECONNRESET, RD | WR },
	{ ENOBUFS, WR },
	{ ENOTCONN, RD | WR | SY },
	{ ESHUTDOWN, RD | WR },
	{ ETOOMANYREFS, WR },		/* zones */
	{ ETIMEDOUT, RD | WR | SY },
	{ ECONNREFUSED, RD | WR },
	{ EHOSTDOWN, RD | WR | SY },
	{ EHOSTUNREACH, RD | WR },
	{ EINPROGRESS, FOR_CANCEL },
	{ ESTALE, RD | WR | SY },
	{ EUCLEAN, RD | WR | SY },	/* a damaged file system */
	{ EREMOTEIO, RD | WR | SY },	/* the target */
	{ EDQUOT, WR | SY },
	{ ECANCELED, RD | WR },
	{ 0, 0 },
};

static unsigned givers_of(int error)
{
	for (const struct fault_error *e = fault_errors; e->error; e++) {
		if (e->error == error)
			return e->of;
	}
	return 0;
}

const char *fault_error_unknown(unsigned of, int error)
{
	static const struct { unsigned of; const char *name; } names[] = {
		{ FOR_READS, "a read" },	  { FOR_WRITES, "a write" },
		{ FOR_SYNCS, "a sync" },	  { FOR_POLLS, "a poll" },
		{ FOR_SETUP, "io_setup" },	  { FOR_DESTROY, "io_destroy" },
		{ FOR_SUBMIT, "io_submit" },	  { FOR_CANCEL, "io_cancel" },
		{ FOR_GET, "io_getevents" },
	};
	const unsigned givers = givers_of(error);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (of & ~givers & names[i].of)
			return names[i].name;
	}
	return NULL;
}

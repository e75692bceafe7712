/* SPDX-License-Identifier: MIT */
#include "iocb.h"

#include <errno.h>
#include <fcntl.h>

#include "file.h"
#include "request.h"
#include "rwf.h"

#define RWF_KNOWN \
	((uint32_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND | \
		    RWF_ATOMIC | RWF_DONTCACHE | RWF_NOSIGNAL))

#define IOPRIO_CLASS(prio) ((uint16_t)(prio) >> 13)
#define IOPRIO_LEVEL(prio) ((prio) & 0x1fff)

int iocb_check_fields(const struct iocb *cb)
{
	if (cb->aio_reserved2)
		return -EINVAL;
	return (int64_t)cb->aio_nbytes < 0 ? -EINVAL : 0;
}

int iocb_check_opcode(const struct iocb *cb)
{
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
	case IOCB_CMD_POLL:
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		return 0;
	}
	return -EINVAL;
}

int iocb_check_sync(const struct iocb *cb, unsigned file_can)
{
	if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	return file_can & FILE_FSYNC ? 0 : -EINVAL;
}

int iocb_check_poll(const struct iocb *cb)
{
	if ((uint16_t)cb->aio_buf != cb->aio_buf)
		return -EINVAL;
	return cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags ? -EINVAL : 0;
}

bool iocb_wants_realtime(const struct iocb *cb)
{
	return cb->aio_flags & IOCB_FLAG_IOPRIO && IOPRIO_CLASS(cb->aio_reqprio) == 1;
}

bool iocb_is_vector(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_PREADV || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

/* ioprio_check_cap() of block/ioprio.c */
static int check_priority(const struct iocb *cb, bool realtime_allowed)
{
	if (!(cb->aio_flags & IOCB_FLAG_IOPRIO))
		return 0;
	switch (IOPRIO_CLASS(cb->aio_reqprio)) {
	case 0:
		return IOPRIO_LEVEL(cb->aio_reqprio) ? -EINVAL : 0;
	case 1:
		return realtime_allowed ? 0 : -EPERM;
	case 2:
	case 3:
		return 0;
	}
	return -EINVAL;
}

/* kiocb_set_rw_flags() of include/linux/fs.h */
static int check_flags(uint32_t flags, const struct iocb_rw *facts)
{
	if (flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((flags & RWF_APPEND) && (flags & RWF_NOAPPEND))
		return -EINVAL;
	if (flags & RWF_NOWAIT && !(facts->file_can & FILE_NOWAIT))
		return -EOPNOTSUPP;
	if (flags & RWF_ATOMIC && !(facts->write && facts->atomic))
		return -EOPNOTSUPP;
	if (flags & RWF_DONTCACHE && !facts->dontcache)
		return -EOPNOTSUPP;
	return flags & RWF_NOAPPEND && facts->file_can & FILE_ONLY_APPENDS ? -EPERM : 0;
}

int iocb_check_rw(const struct iocb *cb, const struct iocb_rw *facts)
{
	const unsigned mode = facts->write ? FILE_CAN_WRITE : FILE_CAN_READ;
	const unsigned iter = facts->write ? FILE_WRITE_ITER : FILE_READ_ITER;
	int err = check_priority(cb, facts->realtime_allowed);

	if (!err)
		err = check_flags((uint32_t)cb->aio_rw_flags, facts);
	if (err)
		return err;
	if (!(facts->file_can & mode))
		return -EBADF;
	return facts->file_can & iter ? 0 : -EINVAL;
}

static int check_address(const struct uvec *seg, uaddr space_end)
{
	return seg->length_bytes > space_end || seg->base > space_end - seg->length_bytes ? -EFAULT
											   : 0;
}

int iocb_check_segments(struct uvec *seg, unsigned *count, uint64_t *total, uaddr space_end)
{
	unsigned kept = 0;

	*total = 0;
	for (unsigned i = 0; i < *count; i++) {
		if ((int64_t)seg[i].length_bytes < 0)
			return -EINVAL;
	}
	if (*count ==
	    1) /* scalar or vector: import_ubuf() of lib/iov_iter.c, 6.18, cuts it first */
		seg[0].length_bytes = min_u64(seg[0].length_bytes, REQUEST_BYTES_MAX);
	for (unsigned i = 0; i < *count; i++) {
		if (check_address(&seg[i], space_end))
			return -EFAULT;
	}
	for (unsigned i = 0; i < *count; i++) {
		seg[i].length_bytes = min_u64(seg[i].length_bytes, REQUEST_BYTES_MAX - *total);
		*total += seg[i].length_bytes;
		if (seg[i].length_bytes)
			seg[kept++] = seg[i];
	}
	*count = kept;
	return 0;
}

int iocb_check_range(int64_t offset, uint64_t length)
{
	return offset < 0 || length > (uint64_t)(INT64_MAX - offset) ? -EINVAL : 0;
}

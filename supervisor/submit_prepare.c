/* SPDX-License-Identifier: MIT */
/*
 * Theory. A request is made in the order in which the kernel looks at things, because the first
 * thing that is wrong decides the error: descriptor, eventfd, aio_key, opcode, then what belongs to
 * the operation. The copy of the iocb is checked and used, never the tracee's own again.
 */
#include "submit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "errand.h"
#include "iocb.h"
#include "rwf.h"
#include "submitter.h"

static int key_store(struct submission *s, uint64_t at, bool known)
{
	uint32_t zero = 0;
	const struct iovec from = { &zero, sizeof(zero) };

	at += offsetof(struct iocb, aio_key);
	if (known || !tracee_write_all(s->call->thread->source.tid, at, &zero, sizeof(zero)))
		return 0;
	return errand_write(s->call, at, &from, 1);
}

static int take_anew(struct submission *s, int fd, struct file **out)
{
	struct thread *th = s->call->thread;
	int err = th->source.pidfd < 0 ? thread_refresh(th) : 0;

	if (!err)
		err = file_take(s->d->files, &th->source, fd, out);
	if (err == -ESRCH && thread_refresh(th) == 0)
		err = file_take(s->d->files, &th->source, fd, out);
	return err;
}

/* One duplicate per descriptor and call; *out has a reference of its own. */
static int take_file(struct submission *s, int fd, struct file **out)
{
	int err;

	for (unsigned i = 0; i < s->file_count; i++) {
		if (s->files[i]->tracee_fd != fd)
			continue;
		*out = s->files[i];
		file_get(*out);
		return 0;
	}
	pulse_step(s->d->pulse, "pidfd_getfd", fd);
	err = take_anew(s, fd, out);
	if (!err && s->file_count < SUBMIT_FILES) {
		s->files[s->file_count++] = *out;
		file_get(*out);
	}
	return err;
}

void submit_put_files(struct submission *s)
{
	while (s->file_count)
		file_put(s->files[--s->file_count]);
}

static int take_resfd(struct submission *s, struct request *r, const struct iocb *cb)
{
	int err;

	if (!(cb->aio_flags & IOCB_FLAG_RESFD))
		return 0;
	err = take_file(s, (int)cb->aio_resfd, &r->resfd);
	if (err)
		return err;
	return r->resfd->can & FILE_EVENTFD ? 0 : -EINVAL;
}

static int read_vector(struct submission *s, struct request *r, const struct iocb *cb)
{
	const uint32_t count = (uint32_t)cb->aio_nbytes; /* cut to 32 bits, as the kernel does */
	const pid_t tid = s->call->thread->source.tid;
	const size_t bytes = count * sizeof(r->user[0]);
	int err = -EFAULT;
	ssize_t n;

	if (count > REQUEST_SEGMENTS_MAX)
		return -EINVAL;
	if (request_segments(r, count))
		return -ENOMEM;
	r->iov_at = cb->aio_buf;
	r->iov_count = r->user_count = count;
	if (count == 0)
		return 0;
	n = tracee_read(tid, cb->aio_buf, r->user, bytes);
	if (n == (ssize_t)bytes)
		return 0;
	if (tracee_hides(tid, cb->aio_buf + (n > 0 ? (uint64_t)n : 0), false))
		err = errand_read(s->call, cb->aio_buf, r->user, bytes);
	if (err != -EFAULT)
		return err;
	/* copy_iovec_from_user() of lib/iov_iter.c, 6.18: one after the other */
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(r->user[0]); i++) {
		if ((int64_t)r->user[i].length_bytes < 0)
			return -EINVAL;
	}
	return -EFAULT;
}

static int import_segments(struct submission *s, struct request *r, const struct iocb *cb)
{
	int err = 0;

	if (iocb_is_vector(cb)) {
		err = read_vector(s, r, cb);
	} else {
		r->user[0] = (struct uvec){ cb->aio_buf, cb->aio_nbytes };
		r->user_count = 1;
		/* these two fields look like a vector of one */
		r->iov_at = r->obj + offsetof(struct iocb, aio_buf);
		r->iov_count = 1;
	}
	if (!err)
		err = iocb_check_segments(r->user, &r->user_count, &r->total_bytes,
					  s->d->space_end);
	return err ? err : iocb_check_range(cb->aio_offset, r->total_bytes);
}

static int prepare_rw(struct submission *s, struct request *r, const struct iocb *cb)
{
	const struct file *f = r->file;
	const struct iocb_rw facts = {
		.write = r->io.op == IO_WRITE,
		.realtime_allowed = !iocb_wants_realtime(cb) ||
				    tracee_may_realtime(s->call->thread->source.tid),
		.file_can = f->can,
		.dontcache = f->can & FILE_REGULAR && f->fs && f->fs->dontcache,
		.atomic = f->fs && f->fs->atomic,
	};
	int err = iocb_check_rw(cb, &facts);

	if (err)
		return err;
	err = import_segments(s, r, cb);
	/* what is read or written tells by itself */
	if ((err || !r->total_bytes) && !file_has_iter(f, facts.write))
		err = -EINVAL;
	if (err)
		return err;
	r->io.offset = cb->aio_offset;
	r->io.rw_flags = (uint32_t)cb->aio_rw_flags & ~(uint32_t)RWF_HIPRI;	/* has no effect */
	r->io.has_ioprio = cb->aio_flags & IOCB_FLAG_IOPRIO;
	r->io.ioprio = (uint16_t)cb->aio_reqprio;
	r->io.direct = f->io.direct;
	r->shaped = f->io.direct;
	r->all_or_none = f->io.direct && f->can & FILE_REGULAR && f->io.class == FILE_LOCAL &&
			 !f->io.memory && strcmp(f->fs->type, "btrfs") != 0;
	return 0;
}

static int prepare_op(struct submission *s, struct request *r, const struct iocb *cb)
{
	int err = iocb_check_opcode(cb);

	if (err)
		return err;
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		r->io.op = IO_READ;
		return prepare_rw(s, r, cb);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		r->io.op = IO_WRITE;
		return prepare_rw(s, r, cb);
	case IOCB_CMD_POLL:
		r->io.op = IO_POLL;
		r->io.poll_events = (uint16_t)(cb->aio_buf | POLLERR | POLLHUP);
		return iocb_check_poll(cb);
	}
	r->io.op = cb->aio_lio_opcode == IOCB_CMD_FSYNC ? IO_FSYNC : IO_FDSYNC;
	return iocb_check_sync(cb, r->file->can);
}

int submit_prepare(struct submission *s, struct request *r, const struct iocb *cb, bool key_known)
{
	int err = take_file(s, (int)cb->aio_fildes, &r->file);

	if (!err)
		err = take_resfd(s, r, cb);
	if (!err)
		err = key_store(s, r->obj, key_known);
	if (!err) {
		r->io.file = &r->file->io;
		err = prepare_op(s, r, cb);
	}
	return err ? err : submitter_take(s, r);
}

/* ext4_file_write_iter() of 6.18 says so to buffered writes before it looks at limits. */
static bool refuses_nowait(const struct request *r)
{
	const struct iovec nowhere = { NULL, 1 };

	return r->io.rw_flags & RWF_NOWAIT && !r->io.direct &&
	       pwritev2(r->file->io.fd, &nowhere, 1, r->io.offset, (int)r->io.rw_flags) < 0 &&
	       errno == EOPNOTSUPP;
}

/* generic_write_check_limits() of mm/filemap.c. 0: go on; else the result, without any I/O. */
static int64_t apply_size_limit(struct submission *s, struct request *r)
{
	const pid_t tgid = s->call->thread->source.tgid;
	uint64_t limit, at = (uint64_t)r->io.offset;
	struct statx sx;

	if (r->io.op != IO_WRITE || !(r->file->can & FILE_REGULAR) || !r->total_bytes)
		return 0;
	limit = tracee_file_size_limit(tgid);
	if (limit == UINT64_MAX)
		return 0;
	/* what is known of it here: FUSE or NFS would be asked otherwise, and may not answer */
	if (request_appends(r)) {
		if (statx(r->file->io.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &sx))
			return neg_errno();
		at = sx.stx_size;
	}
	if (at >= limit && refuses_nowait(r))
		return -EOPNOTSUPP;
	if (at >= limit) {
		submit_raise(s->call, SIGXFSZ);
		return -EFBIG;
	}
	r->total_bytes = min_u64(r->total_bytes, limit - at);
	return 0;
}

int64_t submit_prepare_data(struct submission *s, struct request *r)
{
	int64_t result;
	ssize_t copied;

	if (r->io.op == IO_POLL)
		return submit_poll_signals(s->call, r);
	if (r->io.op != IO_READ && r->io.op != IO_WRITE)
		return 0;
	if (r->file->can & FILE_SOCKET && r->io.offset)
		return -ESPIPE;
	result = apply_size_limit(s, r);
	if (!result)
		result = submit_apply_signals(s->call, r);
	if (result)
		return result;
	r->whole = s->d->plan;
	if (request_next_piece(r))
		return -ENOMEM;
	if (r->io.op == IO_READ)
		return 0;
	if (!r->io.length_bytes)
		return submit_look_at_signals(s->call, r, 0);
	pulse_step(s->d->pulse, "a copy from the program", r->file->tracee_fd);
	copied = tracee_readv(s->call->thread->source.tid, r->remote, r->remote_count, r->local,
			      r->local_count);
	submit_note_copied(r, copied);
	result = request_copied_in(r, copied);
	if (!result)
		result = submit_look_at_signals(s->call, r, copied);
	return result ? result : submit_member(s, r);
}

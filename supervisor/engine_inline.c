/* SPDX-License-Identifier: MIT */
/*
 * Theory. The top of the chain does at once what needs no waiting, so that it is complete, in list
 * order, before io_submit returns (docs/aio-abi.md, D1): page-cache reads (RWF_NOWAIT tells),
 * buffered writes (a copy into memory), everything on memory file systems and pseudo files, zero
 * lengths. What would wait is passed on: to `next` for local storage and peers, to `foreign` for
 * file systems that may never answer.
 *
 * A buffered write, or a read where the file system refuses RWF_NOWAIT, can turn out to wait after
 * all (dirty throttling, a cold lower layer). One that took longer than SLOW_NS sends its file's
 * next ones to workers for a while.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "creds.h"
#include "engine.h"
#include "rwf.h"
#include "util.h"

#define SLOW_NS (2 * NSEC_PER_MSEC)
#define SLOW_FOR_NS (200 * NSEC_PER_MSEC)
#define SLOW_SLOTS 64
#define RWF_UNKNOWN (1u << 30)
#define ASK_TRIES 3

struct slow_file {
	uint64_t dev;
	uint64_t ino;
	uint64_t until_ns;
};

struct inline_engine {
	struct engine engine;
	struct engine *foreign;
	struct slow_file slow[SLOW_SLOTS];	/* by hash of the inode; the newest wins */
};

static struct slow_file *slow_slot(struct inline_engine *in, const struct io_file *f)
{
	return &in->slow[hash_u64(f->ino ^ f->dev << 32) % SLOW_SLOTS];
}

static bool slow_now(struct inline_engine *in, const struct io_file *f)
{
	const struct slow_file *s = slow_slot(in, f);

	return s->until_ns && s->ino == f->ino && s->dev == f->dev && now_ns() < s->until_ns;
}

static void slow_note(struct inline_engine *in, const struct io_file *f, uint64_t begin_ns)
{
	const uint64_t end_ns = now_ns();

	if (end_ns - begin_ns > SLOW_NS)
		*slow_slot(in, f) = (struct slow_file){ f->dev, f->ino, end_ns + SLOW_FOR_NS };
}

static int64_t io_call_as_we_are(const struct io *io, uint32_t extra_flags)
{
	const int flags = (int)(io->rw_flags | extra_flags);
	const off_t at = io->file->seekable ? io->offset : -1;
	ssize_t n;

	do {
		if (io->op == IO_READ)
			n = preadv2(io->file->fd, io->iov, (int)io->iov_count, at, flags);
		else
			n = pwritev2(io->file->fd, io->iov, (int)io->iov_count, at, flags);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? neg_errno() : n;
}

/* Some 6 us more for somebody else: the thread changes its credentials and comes back. */
static int64_t io_call(const struct io *io, uint32_t extra_flags)
{
	int64_t n;

	if (!io->who)
		return io_call_as_we_are(io, extra_flags);
	n = creds_be(io->who);
	if (!n)
		n = io_call_as_we_are(io, extra_flags);
	(void)creds_be(NULL);
	return n;
}

static enum engine_answer finish(struct io *io, int64_t result)
{
	io->result = result;
	return ENGINE_DONE;
}

static enum engine_answer inline_timed(struct inline_engine *in, struct io *io)
{
	uint64_t begin_ns;
	int64_t result;

	if (io->file->memory)
		return finish(io, io_call(io, 0));
	begin_ns = now_ns();
	result = io_call(io, 0);
	slow_note(in, io->file, begin_ns);
	return finish(io, result);
}

static bool write_waits(struct inline_engine *in, const struct io *io)
{
	return io->file->sync || io->rw_flags & (RWF_DSYNC | RWF_SYNC) || slow_now(in, io->file);
}

static bool is_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISBLK(st.st_mode);
}

/*
 * With two flags that exclude each other (EINVAL); it never writes. RWF_NOAPPEND came with Linux 6.9,
 * before that it is EOPNOTSUPP. What else a failure may be tells nothing.
 */
static bool knows_noappend(int fd, const struct iovec *byte)
{
	int err = 0;

	for (unsigned i = 0; i < ASK_TRIES && err != EINVAL && err != EOPNOTSUPP; i++)
		err = pwritev2(fd, byte, 1, INT64_MAX - 1, RWF_APPEND | RWF_NOAPPEND) < 0 ? errno : 0;
	return err == EINVAL;
}

/*
 * pwritev2() of nothing returns before the file is asked (vfs_writev() of fs/read_write.c, 6.18), but
 * ext4 refuses RWF_NOWAIT whatever the length. It is asked where no file has room and nothing
 * changes: EFBIG, of a device ENOSPC. O_APPEND would write elsewhere, and a file that may only grow
 * says EPERM to whoever takes that back.
 */
static int64_t write_nothing_nowait(const struct io *io)
{
	char nothing = 0;
	const struct iovec byte = { &nothing, 1 };
	const int fd = io->file->fd;
	const bool append = fcntl(fd, F_GETFL) & O_APPEND;

	if (io->direct || (append && !knows_noappend(fd, &byte)))
		return 0;
	while (pwritev2(fd, &byte, 1, INT64_MAX - 1, RWF_NOWAIT | (append ? RWF_NOAPPEND : 0)) < 0) {
		const int err = neg_errno();

		if (err == -EFBIG || err == -EINVAL || err == -EAGAIN ||
		    (err == -ENOSPC && is_device(fd)) || (err == -EPERM && append))
			break;
		if (err != -EINTR)
			return err;
	}
	return 0;
}

static enum engine_answer inline_write(struct inline_engine *in, struct io *io)
{
	if (io->length_bytes == 0 && io->rw_flags & RWF_NOWAIT && !io->file->memory)
		return finish(io, write_nothing_nowait(io));
	if (io->file->memory || io->length_bytes == 0 || io->rw_flags & RWF_NOWAIT)
		return inline_timed(in, io);
	if (io->direct)
		return engine_submit(in->engine.next, io);
	if (write_waits(in, io))
		return engine_submit(in->foreign, io);
	return inline_timed(in, io);
}

/* After a short read: is the file at its end there, or only the cache? */
static bool at_end(const struct io *io, size_t done_bytes)
{
	struct iovec rest = { NULL, 0 };
	size_t at = 0;

	for (unsigned i = 0; i < io->iov_count && !rest.iov_len; at += io->iov[i++].iov_len) {
		if (done_bytes < at + io->iov[i].iov_len)
			rest = (struct iovec){ (char *)io->iov[i].iov_base + (done_bytes - at),
					       io->iov[i].iov_len - (done_bytes - at) };
	}
	return preadv2(io->file->fd, &rest, 1, io->offset + (off_t)done_bytes,
		       (int)(io->rw_flags | RWF_NOWAIT)) == 0;
}

static enum engine_answer inline_read_cached(struct inline_engine *in, struct io *io)
{
	int64_t n = io_call(io, RWF_NOWAIT);

	if (n > 0 && (size_t)n < io->length_bytes && at_end(io, (size_t)n))
		return finish(io, n);
	if (n == (int64_t)io->length_bytes || n == 0 || io->rw_flags & RWF_NOWAIT)
		return finish(io, n);
	if (n == -EOPNOTSUPP) {
		io->file->nowait = false;
		return inline_timed(in, io);
	}
	if (n > 0 || n == -EAGAIN)
		return engine_submit(in->engine.next, io);
	return finish(io, n);
}

static enum engine_answer inline_read(struct inline_engine *in, struct io *io)
{
	if (io->file->memory || io->length_bytes == 0)
		return inline_timed(in, io);
	if (io->direct && !(io->rw_flags & RWF_NOWAIT))
		return engine_submit(in->engine.next, io);
	if (io->file->nowait)
		return inline_read_cached(in, io);
	return slow_now(in, io->file) ? engine_submit(in->foreign, io) : inline_timed(in, io);
}

static enum engine_answer inline_sync(struct inline_engine *in, struct io *io)
{
	if (!io->file->memory)
		return engine_submit(in->engine.next, io);
	if (io->op == IO_FSYNC)
		return finish(io, fsync(io->file->fd) ? neg_errno() : 0);
	return finish(io, fdatasync(io->file->fd) ? neg_errno() : 0);
}

/*
 * Only a security module or a fanotify listener forbids the reading of an open file here, in
 * rw_verify_area() of fs/read_write.c: the kernel's AIO asks it in io_submit.
 */
static enum engine_answer inline_read_allowed(struct inline_engine *in, struct io *io)
{
	const enum engine_answer answer = inline_read(in, io);

	if (answer == ENGINE_DONE)
		io->refused = io->result == -EPERM || io->result == -EACCES;
	return answer;
}

static enum engine_answer inline_local(struct inline_engine *in, struct io *io)
{
	switch (io->op) {
	case IO_READ:
		return inline_read_allowed(in, io);
	case IO_WRITE:
		return inline_write(in, io);
	case IO_FSYNC:
	case IO_FDSYNC:
		return inline_sync(in, io);
	case IO_POLL:
		break;
	}
	return engine_submit(in->engine.next, io);
}

/*
 * Pseudo files never wait. A file without read_iter or write_iter is known by its refusal of flags
 * (do_loop_readv_writev() of fs/read_write.c, 6.18), one that has not even read or write by what it
 * says to an unknown flag (vfs_readv(), vfs_writev()); RWF_SYNC changes nothing else here. The
 * kernel's AIO refuses both in io_submit, and asks nobody whether a position can be had
 * (seq_open(), nonseekable_open()).
 */
static bool lacks_operation(const struct io *io, int64_t result)
{
	if (result == -EOPNOTSUPP)
		return !(io->rw_flags & RWF_NOWAIT);
	return result == -EINVAL && io_call(io, RWF_UNKNOWN) == -EINVAL;
}

static enum engine_answer inline_instant(struct io *io)
{
	int64_t n;

	if (io->op == IO_FSYNC || io->op == IO_FDSYNC) {
		n = fsync(io->file->fd) ? neg_errno() : 0;
		io->refused = n == -EINVAL;
		return finish(io, n);
	}
	n = io_call(io, RWF_SYNC);
	if (n == -ESPIPE) {
		io->file->seekable = false;
		n = io_call(io, RWF_SYNC);
	}
	if (lacks_operation(io, n)) {
		io->refused = true;
		n = -EINVAL;
	}
	return finish(io, n);
}

static enum engine_answer inline_route(struct engine *e, struct io *io)
{
	struct inline_engine *in = container_of(e, struct inline_engine, engine);

	if (io->op == IO_POLL)
		return engine_submit(e->next, io);
	switch (io->file->class) {
	case FILE_LOCAL:
		return inline_local(in, io);
	case FILE_INSTANT:
		return inline_instant(io);
	case FILE_FOREIGN:
		return engine_submit(in->foreign, io);
	case FILE_PEER:
		break;
	}
	return engine_submit(e->next, io);
}

static enum engine_answer inline_submit(struct engine *e, struct io *io)
{
	const uint64_t begin_ns = e->stamps ? now_ns() : 0;
	const enum engine_answer answer = inline_route(e, io);

	if (e->stamps && answer == ENGINE_DONE && !io->done_ns) {	/* by ourselves */
		io->started_ns = begin_ns;
		io->done_ns = now_ns();
	}
	return answer;
}

static void inline_close(struct engine *e)
{
	free(container_of(e, struct inline_engine, engine));
}

static const struct engine_ops inline_ops = {
	.name = "inline",
	.submit = inline_submit,
	.close = inline_close,
};

struct engine *engine_inline_open(struct engine *next, struct engine *foreign)
{
	struct inline_engine *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->engine.ops = &inline_ops;
	in->engine.next = next;
	in->foreign = foreign;
	return &in->engine;
}

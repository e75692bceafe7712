/* SPDX-License-Identifier: MIT */
/*
 * The engine that does no I/O: each transfer and sync is complete, in full, as soon as it is
 * submitted, and no file is touched. What remains is what the sandbox itself costs, copies
 * included, and what it tells without any I/O.
 *
 * Reads give zeros, not what the buffer held before: that could be another process's data. A poll
 * moves no data, and to say "ready" at once would be a lie that programs turn in circles for: it is
 * passed on.
 */
#include "engine.h"

#include <string.h>

#include "util.h"

/* Memory that the program does not have is in the first page (request.c): the kernel's fault. */
static int64_t move(const struct io *io)
{
	int64_t bytes = 0;

	for (unsigned i = 0; i < io->iov_count; i++) {
		if ((uintptr_t)io->iov[i].iov_base < PAGE_BYTES && io->iov[i].iov_len)
			return bytes ? bytes : -EFAULT;
		if (io->op == IO_READ)
			memset(io->iov[i].iov_base, 0, io->iov[i].iov_len);
		bytes += (int64_t)io->iov[i].iov_len;
	}
	return bytes;
}

static enum engine_answer finish(struct io *io, int64_t bytes)
{
	io->result = bytes;
	return ENGINE_DONE;
}

static enum engine_answer null_submit(struct engine *e, struct io *io)
{
	if (io->op == IO_POLL)
		return engine_submit(e->next, io);
	if (e->stamps)
		io->started_ns = io->done_ns = now_ns();
	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		return finish(io, move(io));
	case IO_FSYNC:
	case IO_FDSYNC:
	case IO_POLL:
		break;
	}
	return finish(io, 0);
}

static void null_close(struct engine *e)
{
	free(e);
}

static const struct engine_ops null_ops = {
	.name = "null",
	.submit = null_submit,
	.close = null_close,
};

struct engine *engine_null_open(struct engine *next)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e)
		*e = (struct engine){ .ops = &null_ops, .next = next };
	return e;
}

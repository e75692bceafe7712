/* SPDX-License-Identifier: MIT */
/*
 * The guarded entries to an engine: whatever a layer gets wrong at its border stops here, at the
 * spot, and not later in somebody's file.
 *
 * cancel() needs no map from io to layer: a layer that does not hold the io says -ENOENT, as does
 * one that cannot cancel it, and the next layer is asked.
 */
#include "engine.h"

#include <assert.h>
#include <errno.h>

/* The largest count is the kernel's MAX_RW_COUNT, below 2 GiB; errno values end at 4095. */
static bool result_is_valid(const struct io *io)
{
	if (io->result < 0)
		return io->result >= -4095;
	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		return (uint64_t)io->result <= io->length_bytes;
	case IO_FSYNC:
	case IO_FDSYNC:
		return io->result == 0;
	case IO_POLL:
		return io->result <= UINT16_MAX;
	}
	return false;
}

enum engine_answer engine_submit(struct engine *e, struct io *io)
{
	enum engine_answer answer;

	assert(list_empty(&io->node));
	assert(io->file && io->file->fd >= 0 && io->file->lane);
	assert(io->iov || !io->iov_count);
	answer = e->ops->submit(e, io);
	switch (answer) {
	case ENGINE_DONE:
		assert(list_empty(&io->node) && result_is_valid(io));
		break;
	case ENGINE_QUEUED:
		break;
	case ENGINE_BUSY:
		assert(list_empty(&io->node));
		break;
	}
	return answer;
}

void engine_flush(struct engine *e)
{
	for (; e; e = e->next)
		if (e->ops->flush)
			e->ops->flush(e);
}

void engine_look(struct engine *e, struct list *ios)
{
	for (; e; e = e->next)
		if (e->ops->look)
			e->ops->look(e, ios);
}

void engine_harvest(struct engine *e, struct list *ios)
{
	for (; e; e = e->next)
		if (e->ops->harvest)
			e->ops->harvest(e, ios);
}

int engine_cancel(struct engine *e, struct io *io)
{
	int rc = -ENOENT;

	for (; e && rc == -ENOENT; e = e->next)
		if (e->ops->cancel)
			rc = e->ops->cancel(e, io);
	return rc;
}

void engine_close(struct engine *e)
{
	while (e) {
		struct engine *next = e->next;

		e->ops->close(e);
		e = next;
	}
}

#ifndef HAVE_URING
struct engine *engine_uring_open(struct loop *loop, unsigned depth, engine_done_fn *done, void *arg)
{
	errno = ENOSYS;
	return NULL;
}
#endif

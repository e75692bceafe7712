/* SPDX-License-Identifier: MIT */
/*
 * Theory. The kernel's io_submit has finished a buffered read before it looks at the next entry,
 * whose data, vector, iocb or place in the list may be what was read. Here reads that are done are
 * copied out together later, entries are fetched ahead, and reads that would wait go on behind the
 * call. So an entry that takes something from where a read of its list goes makes the call
 * complete what it has done, or wait for that read. Of what is done only the hull is kept: no
 * program has its buffers around its iocbs, and completing too early costs a system call.
 */
#include "submit.h"

enum { VECTOR_LOOK = 64 };	/* longer ones are taken to depend on everything */

static bool overlap(struct uvec a, uaddr from, uaddr to)
{
	return a.base < to && from < to && (a.base >= from || from - a.base < a.length_bytes);
}

void submit_note_read(struct submission *s, const struct request *r)
{
	for (unsigned i = 0; i < r->remote_count; i++) {
		const struct uvec *to = &r->remote[i];

		if (s->fresh_from == s->fresh_to)
			s->fresh_from = s->fresh_to = to->base;
		s->fresh_from = min_u64(s->fresh_from, to->base);
		s->fresh_to = max_u64(s->fresh_to, to->base + to->length_bytes);
	}
}

/* Where it stands: its place in the list, and the iocb. */
static bool entry_is_in(const struct submission *s, uint64_t index, uaddr from, uaddr to)
{
	const struct submit_batch *b = &s->batch;
	const struct uvec slot = { s->call->notice.args[2] + index * sizeof(uint64_t),
				   sizeof(uint64_t) };
	const struct uvec iocb = { b->at[index - b->first], sizeof(struct iocb) };

	return overlap(slot, from, to) || overlap(iocb, from, to);
}

/* What it points at: data to write, or a vector. */
static bool operand_is_in(const struct iocb *cb, uaddr from, uaddr to)
{
	struct uvec at = { cb->aio_buf, cb->aio_nbytes };

	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PWRITE:
		return overlap(at, from, to);
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		at.length_bytes = (uint32_t)cb->aio_nbytes * sizeof(struct uvec);
		return overlap(at, from, to);
	}
	return false;
}

bool submit_depends(struct submission *s, uint64_t index)
{
	const struct submit_batch *b = &s->batch;

	if (s->fresh_from == s->fresh_to)
		return false;
	if (index - b->first >= b->valid)
		return true;		/* about to be fetched */
	return entry_is_in(s, index, s->fresh_from, s->fresh_to) ||
	       b->cb[index - b->first].aio_lio_opcode == IOCB_CMD_PWRITEV ||
	       operand_is_in(&b->cb[index - b->first], s->fresh_from, s->fresh_to);
}

void submit_settled(struct submission *s)
{
	struct submit_batch *b = &s->batch;

	for (uint64_t i = s->call->cursor; i - b->first < b->valid; i++) {
		if (entry_is_in(s, i, s->fresh_from, s->fresh_to))
			b->valid = (unsigned)(i - b->first);
	}
	s->fresh_from = s->fresh_to = 0;
}

/* The data of a PWRITEV, if its vector is there. */
struct sources {
	struct uvec iov[VECTOR_LOOK];
	unsigned count;
	bool any;		/* too many to look at */
};

static void sources_read(struct sources *from, const struct submission *s, const struct iocb *cb)
{
	from->count = 0;
	from->any = false;
	if (cb->aio_lio_opcode != IOCB_CMD_PWRITEV)
		return;
	from->any = (uint32_t)cb->aio_nbytes > VECTOR_LOOK;
	if (from->any || !cb->aio_nbytes)
		return;
	from->count = (uint32_t)cb->aio_nbytes;
	if (tracee_read_all(s->call->thread->source.tid, cb->aio_buf, from->iov,
			    from->count * sizeof(from->iov[0])))
		from->count = 0;
}

static bool sources_are_in(const struct sources *from, uaddr low, uaddr high)
{
	bool in = from->any;

	for (unsigned i = 0; i < from->count && !in; i++)
		in = overlap(from->iov[i], low, high);
	return in;
}

static bool takes_from(const struct submission *s, uint64_t index, const struct sources *from,
		       const struct request *r)
{
	const struct submit_batch *b = &s->batch;

	for (unsigned i = 0; i < r->user_count; i++) {
		const uaddr low = r->user[i].base, high = low + r->user[i].length_bytes;

		if (entry_is_in(s, index, low, high) ||
		    operand_is_in(&b->cb[index - b->first], low, high) ||
		    sources_are_in(from, low, high))
			return true;
	}
	return false;
}

struct request *submit_pending(struct submission *s, uint64_t index)
{
	const struct submit_batch *b = &s->batch;
	struct sources from;

	if (!s->call->first_behind || index - b->first >= b->valid)
		return NULL;
	sources_read(&from, s, &b->cb[index - b->first]);
	for (struct list *at = s->ctx->requests.prev; at != &s->ctx->requests; at = at->prev) {
		struct request *r = list_entry(at, struct request, node);

		if (r->id < s->call->first_behind)
			break;
		if (r->io.op == IO_READ && !r->io.direct && r->withheld != WITHHELD_EVENT && r->tid == s->call->thread->source.tid &&
		    takes_from(s, index, &from, r))
			return r;
	}
	return NULL;
}

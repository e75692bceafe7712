/* SPDX-License-Identifier: MIT */
/*
 * Theory. The kernel reads a pointer, its iocb, and stores 0 into aio_key, entry by entry. Three
 * remote copies do it for up to SUBMIT_BATCH entries: a list or an iocb that cannot be read further
 * ends the batch, and is looked at again when its turn comes. What a slot carries, the shim has
 * copied, and probed. Another copy looks whether the buffers of reads are there (copy_out_reach()),
 * where somebody asks and there are several: it costs as much as one alone.
 */
#include "submit.h"

#include <stddef.h>
#include <string.h>

#include "channel.h"
#include "copy_out.h"
#include "errand.h"

enum { PROBE_PAGES = 256 };

_Static_assert(sizeof(((struct channel_carried *)0)->iocbs[0]) == sizeof(struct iocb), "an iocb");
_Static_assert(sizeof(((struct channel_carried *)0)->ring) == sizeof(struct ring_words), "its header");
_Static_assert((int)CHANNEL_CARRIED <= (int)SUBMIT_BATCH, "they fit");

static struct uvec iocb_place(uint64_t at)
{
	return (struct uvec){ at, sizeof(struct iocb) };
}

static void batch_fetch_iocbs(struct submission *s)
{
	struct submit_batch *b = &s->batch;
	struct iovec to = { b->cb, b->pointers * sizeof(b->cb[0]) };
	struct uvec from[SUBMIT_BATCH];
	ssize_t n;

	for (unsigned i = 0; i < b->pointers; i++)
		from[i] = iocb_place(b->at[i]);
	n = tracee_readv(s->call->thread->source.tid, from, b->pointers, &to, 1);
	b->valid = n > 0 ? (unsigned)((size_t)n / sizeof(b->cb[0])) : 0;
}

/*
 * Storing 0 over 0 changes nothing but tells whether aio_key can be written: once for all of them.
 */
static void batch_probe_keys(struct submission *s)
{
	static const uint32_t zeros[SUBMIT_BATCH];
	struct submit_batch *b = &s->batch;
	struct iovec from = { (void *)(uintptr_t)zeros, 0 };
	struct uvec to[SUBMIT_BATCH];
	unsigned count = 0;
	ssize_t n;

	while (count < b->valid && b->cb[count].aio_key == 0) {
		to[count] = (struct uvec){ b->at[count] + offsetof(struct iocb, aio_key),
					   sizeof(uint32_t) };
		count++;
	}
	from.iov_len = count * sizeof(uint32_t);
	n = count ? tracee_writev(s->call->thread->source.tid, to, count, &from, 1) : 0;
	b->keys = n > 0 ? (unsigned)n / sizeof(uint32_t) : 0;
}

/*
 * One byte of each page of the buffer; false: not a plain read, or too large to be looked at here.
 */
static bool probe_pages(const struct iocb *cb, struct uvec *at, unsigned *count)
{
	const uint64_t in_page = cb->aio_buf % PAGE_BYTES;
	unsigned pages;

	if (cb->aio_lio_opcode != IOCB_CMD_PREAD || !cb->aio_nbytes ||
	    cb->aio_nbytes > PROBE_PAGES * PAGE_BYTES - in_page)
		return false;
	pages = (unsigned)((in_page + cb->aio_nbytes + PAGE_BYTES - 1) / PAGE_BYTES);
	if (*count + pages > PROBE_PAGES)
		return false;
	at[(*count)++] = (struct uvec){ cb->aio_buf, 1 };
	for (unsigned i = 1; i < pages; i++)
		at[(*count)++] =
			(struct uvec){ cb->aio_buf - in_page + (uint64_t)i * PAGE_BYTES, 1 };
	return true;
}

static void batch_probe_buffers(struct submission *s, unsigned from)
{
	struct submit_batch *b = &s->batch;
	unsigned count = 0, reads = 0, end[SUBMIT_BATCH] = { 0 };
	struct uvec at[PROBE_PAGES];
	char bytes[PROBE_PAGES];
	struct iovec to = { bytes, 0 };
	ssize_t n;

	memset(b->there, 0, sizeof(b->there));
	for (unsigned i = from; i < b->valid; i++) {
		if (!probe_pages(&b->cb[i], at, &count))
			continue;
		end[i] = count;
		reads++;
	}
	if (reads < 2)
		return;
	to.iov_len = count;
	n = tracee_readv(s->call->thread->source.tid, at, count, &to, 1);
	for (unsigned i = from; i < b->valid; i++)
		b->there[i] = end[i] && n >= (ssize_t)end[i];
}

static struct uvec list_place(const struct submission *s, uint64_t first)
{
	const uint64_t want = min_u64(SUBMIT_BATCH, s->nr - first);

	return (struct uvec){ s->call->notice.args[2] + first * sizeof(uint64_t),
			      want * sizeof(uint64_t) };
}

static void batch_fill(struct submission *s, uint64_t first, ssize_t pointer_bytes)
{
	struct submit_batch *b = &s->batch;

	b->first = first;
	b->valid = 0;
	b->keys = 0;
	b->probed = false;
	b->pointers = pointer_bytes > 0 ? (unsigned)((size_t)pointer_bytes / sizeof(uint64_t)) : 0;
	if (!b->pointers)
		return;
	batch_fetch_iocbs(s);
	batch_probe_keys(s);
}

static void batch_fetch(struct submission *s, uint64_t first)
{
	const struct uvec from = list_place(s, first);
	const struct iovec to = { s->batch.at, from.length_bytes };

	batch_fill(s, first, tracee_readv(s->call->thread->source.tid, &from, 1, &to, 1));
}

/* What the call's slot carries; false: nothing. */
static bool batch_unpack(struct submission *s, struct ring_words *words)
{
	const struct call *call = s->call;
	struct submit_batch *b = &s->batch;
	struct channel_carried carried;

	if (call->door != DOOR_CHANNEL || call->cursor)
		return false;
	b->valid = channel_carried(call->channel, call->slot, &carried);
	if (!b->valid)
		return false;
	b->first = 0;
	b->probed = false;
	b->pointers = b->valid;
	memcpy(words, carried.ring, sizeof(*words));
	memcpy(b->at, carried.at, b->valid * sizeof(b->at[0]));
	memcpy(b->cb, carried.iocbs, b->valid * sizeof(b->cb[0]));
	for (b->keys = 0; b->keys < b->valid && b->cb[b->keys].aio_key == 0;)
		b->keys++;
	return true;
}

static int open_by_slot(struct submission *s, const struct ring_words *words)
{
	int err = -EINVAL;

	s->ctx = context_confirm(s->call, s->call->notice.args[0], words, &err);
	if (!s->ctx)
		return err;
	s->nr = min_u64(s->nr, s->ctx->ring.nr);
	return 0;
}

int submit_open(struct submission *s)
{
	const uaddr handle = s->call->notice.args[0];
	const uint64_t first = s->call->cursor;
	struct ring_words words;
	const struct uvec from[] = { { handle, sizeof(words) }, list_place(s, first) };
	const struct iovec to[] = { { &words, sizeof(words) },
				    { s->batch.at, from[1].length_bytes } };
	ssize_t n;
	int err = -EINVAL;

	if (batch_unpack(s, &words))
		return open_by_slot(s, &words);
	n = tracee_readv(s->call->thread->source.tid, from, 2, to, 2);
	/* one that was parked goes on with what it has looked up, dead by now or not */
	s->ctx = s->call->ctx;
	if (!s->ctx && n >= (ssize_t)sizeof(words))
		s->ctx = context_confirm(s->call, handle, &words, &err);
	if (!s->ctx)
		return err;
	n = n < (ssize_t)sizeof(words) ? (ssize_t)sizeof(words) : n;
	s->nr = min_u64(s->nr, s->ctx->ring.nr);
	batch_fill(s, first, n - (ssize_t)sizeof(words));
	return 0;
}

const struct iocb *submit_entry(struct submission *s, uint64_t index, uint64_t *at, bool *key_known)
{
	struct submit_batch *b = &s->batch;

	if (index < b->first || index >= b->first + b->valid || !b->valid)
		batch_fetch(s, index);
	*at = index - b->first < b->pointers ? b->at[index - b->first] : 0;
	if (index - b->first >= b->valid)
		return NULL;
	*key_known = index - b->first < b->keys;
	return &b->cb[index - b->first];
}

int submit_entry_by_caller(struct submission *s, uint64_t index)
{
	const uaddr place = s->call->notice.args[2] + index * sizeof(uint64_t);
	struct submit_batch *b = &s->batch;
	int err = 0;

	b->first = index;
	b->probed = false;
	if (!b->pointers)
		err = errand_read(s->call, place, &b->at[0], sizeof(b->at[0]));
	if (!err)
		err = errand_read(s->call, b->at[0], &b->cb[0], sizeof(b->cb[0]));
	b->pointers = b->valid = !err;
	return err;
}

uint64_t submit_reach(struct submission *s, struct request *r)
{
	struct submit_batch *b = &s->batch;
	const unsigned index = (unsigned)(s->call->cursor - b->first);

	if (!b->probed)
		batch_probe_buffers(s, index);
	b->probed = true;
	r->was_mapped = b->there[index];
	return copy_out_reach(r);
}

/* SPDX-License-Identifier: MIT */
/*
 * Theory. The kernel reads a pointer, its iocb, and stores 0 into aio_key, entry by entry. Three remote copies
 * do it for up to SUBMIT_BATCH entries: a list or an iocb that cannot be read further ends the batch, and is
 * looked at again when its turn comes.
 */
#include "submit.h"

#include <stddef.h>

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

/* Storing 0 over 0 changes nothing but tells whether aio_key can be written: once for all of them. */
static void batch_probe_keys(struct submission *s)
{
	static const uint32_t zeros[SUBMIT_BATCH];
	struct submit_batch *b = &s->batch;
	struct iovec from = { (void *)(uintptr_t)zeros, 0 };
	struct uvec to[SUBMIT_BATCH];
	unsigned count = 0;
	ssize_t n;

	while (count < b->valid && b->cb[count].aio_key == 0) {
		to[count] = (struct uvec){ b->at[count] + offsetof(struct iocb, aio_key), sizeof(uint32_t) };
		count++;
	}
	from.iov_len = count * sizeof(uint32_t);
	n = count ? tracee_writev(s->call->thread->source.tid, to, count, &from, 1) : 0;
	b->keys = n > 0 ? (unsigned)n / sizeof(uint32_t) : 0;
}

static void batch_fetch(struct submission *s, uint64_t first)
{
	struct submit_batch *b = &s->batch;
	const uint64_t want = min_u64(SUBMIT_BATCH, s->nr - first);
	ssize_t n;

	b->first = first;
	b->valid = 0;
	b->keys = 0;
	n = tracee_read(s->call->thread->source.tid, s->call->notice.args[2] + first * sizeof(uint64_t), b->at,
			want * sizeof(uint64_t));
	b->pointers = n > 0 ? (unsigned)((size_t)n / sizeof(uint64_t)) : 0;
	if (!b->pointers)
		return;
	batch_fetch_iocbs(s);
	batch_probe_keys(s);
}

const struct iocb *submit_entry(struct submission *s, uint64_t index, uint64_t *at, bool *key_known)
{
	struct submit_batch *b = &s->batch;

	if (index < b->first || index >= b->first + b->valid || !b->valid)
		batch_fetch(s, index);
	if (index - b->first >= b->valid)
		return NULL;
	*at = b->at[index - b->first];
	*key_known = index - b->first < b->keys;
	return &b->cb[index - b->first];
}

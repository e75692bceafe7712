/* SPDX-License-Identifier: MIT */
/*
 * Theory. The kernel hands slots out in batches per CPU and learns lazily which events have been
 * read: at a completion when more than one is unaccounted for, and in io_submit when no slot is
 * left. Programs can see that arithmetic (how many requests are accepted before EAGAIN), so it is
 * imitated step by step: get_reqs_available, put_reqs_available, refill_reqs_available and
 * aio_complete of fs/aio.c, 6.18.
 */
#include "context.h"

#include <assert.h>

#include "channel_abi.h"

void credit_init(struct credit *c, unsigned ring_nr, unsigned possible_cpus)
{
	*c = (struct credit){
		.pool = ring_nr - 1,
		.batch = (unsigned)max_u64(1, (ring_nr - 1) / (4 * possible_cpus)),
	};
}

bool credit_take(struct credit *c)
{
	if (c->local == 0) {
		if (c->pool < c->batch)
			return false;
		c->pool -= c->batch;
		c->local = c->batch;
	}
	c->local--;
	return true;
}

void credit_put(struct credit *c, unsigned n)
{
	c->local += n;
	while (c->local >= 2 * c->batch) {
		c->local -= c->batch;
		c->pool += c->batch;
	}
}

void credit_refill(struct credit *c, unsigned in_ring)
{
	const unsigned read = in_ring < c->completed ? c->completed - in_ring : 0;

	if (read == 0)
		return;
	c->completed -= read;
	credit_put(c, read);
}

struct context *context_create(struct mm *mm, uint32_t slot, uint32_t max_nr,
			       unsigned possible_cpus, int *err)
{
	struct context *ctx = calloc(1, sizeof(*ctx));
	unsigned slots = 0;
	size_t bytes = 0;

	*err = ctx ? ring_size(max_nr, possible_cpus, &slots, &bytes) : -ENOMEM;
	if (!*err)
		*err = ring_create(&ctx->ring, slots, bytes, slot);
	if (*err) {
		free(ctx);
		return NULL;
	}
	list_init(&ctx->node);
	list_init(&ctx->requests);
	list_init(&ctx->waiters);
	list_init(&ctx->drain);
	ctx->mm = mm;
	ctx->slot = slot;
	ctx->max_nr = max_nr;
	credit_init(&ctx->credit, slots, possible_cpus);
	return ctx;
}

void context_destroy(struct context *ctx)
{
	if (!ctx)
		return;
	assert(ctx->outstanding == 0);
	assert(list_empty(&ctx->waiters) && list_empty(&ctx->drain) && list_empty(&ctx->requests));
	list_del(&ctx->node);
	ring_destroy(&ctx->ring);
	free(ctx);
}

int context_reserve(struct context *ctx)
{
	if (!credit_take(&ctx->credit)) {
		credit_refill(&ctx->credit, ring_count(&ctx->ring, ring_head(&ctx->ring)));
		if (!credit_take(&ctx->credit))
			return -EAGAIN;
	}
	ctx->outstanding++;
	return 0;
}

void context_refuse(struct context *ctx)
{
	assert(ctx->outstanding > 0);
	ctx->outstanding--;
	credit_put(&ctx->credit, 1);
}

void context_finish(struct context *ctx, const struct ring_event *ev)
{
	assert(ctx->outstanding > 0);
	ctx->outstanding--;
	ctx->published++;
	if (ctx->line)	/* before the tail: shim/reap.c */
		__atomic_store_n(&ctx->line->published, ctx->published, __ATOMIC_RELEASE);
	ring_publish(&ctx->ring, ev);
	if (++ctx->credit.completed > 1)
		credit_refill(&ctx->credit, ring_count(&ctx->ring, ring_head(&ctx->ring)));
}

void context_peers(struct context *ctx, int more)
{
	ctx->peers += (unsigned)more;
	if (ctx->line)
		__atomic_store_n(&ctx->line->peers, ctx->peers, __ATOMIC_RELEASE);
}

void context_drop(struct context *ctx)
{
	assert(ctx->outstanding > 0);
	ctx->outstanding--;
}

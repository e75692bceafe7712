/* SPDX-License-Identifier: MIT */
/*
 * The program may write anything into the page. The order of our stores is what the shim relies on:
 * a handle is stored when all of its line is there; events are counted before they are published
 * (context.c).
 */
#include "channel.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "util.h"

struct channel {
	int memfd;
	struct channel_page *page;
	uint64_t used;			/* bit n: rings[n] */
	uint64_t reaped;		/* when it was asked last */
};

_Static_assert(CHANNEL_RINGS < 64, "a bit each");

/* Sealed, so that the program cannot take the page away under us. */
static int channel_map(struct channel *ch)
{
	void *map;

	ch->memfd = memfd_create("aio-sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ch->memfd < 0)
		return neg_errno();
	if (ftruncate(ch->memfd, CHANNEL_BYTES) || fallocate(ch->memfd, 0, 0, CHANNEL_BYTES) ||
	    fcntl(ch->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return neg_errno();
	map = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ch->memfd, 0);
	if (map == MAP_FAILED)
		return neg_errno();
	ch->page = map;
	return 0;
}

struct channel *channel_create(bool may_reap)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return NULL;
	ch->memfd = -1;
	err = channel_map(ch);
	if (err) {
		channel_destroy(ch);
		errno = -err;
		return NULL;
	}
	ch->page->version = CHANNEL_VERSION;
	ch->page->flags = may_reap ? CHANNEL_REAP : 0;
	return ch;
}

void channel_destroy(struct channel *ch)
{
	if (!ch)
		return;
	if (ch->page)
		munmap(ch->page, CHANNEL_BYTES);
	close_fd(&ch->memfd);
	free(ch);
}

int channel_fd(const struct channel *ch)
{
	return ch->memfd;
}

void channel_given(struct channel *ch)
{
	close_fd(&ch->memfd);
}

static void handle_store(struct channel_ring *line, uint64_t handle)
{
	__atomic_store_n(&line->handle, handle, __ATOMIC_RELEASE);
}

void channel_enter(struct channel *ch, struct context *ctx)
{
	const unsigned place = (unsigned)__builtin_ctzll(~ch->used);
	struct channel_ring *line;

	if (place >= CHANNEL_RINGS)
		return;
	ch->used |= 1ull << place;
	line = &ch->page->rings[place];
	*line = (struct channel_ring){
		.number = ctx->number, .id = ctx->slot, .nr = ctx->ring.nr,
	};
	handle_store(line, ctx->handle);
	ctx->line = line;
}

void channel_leave(struct channel *ch, struct context *ctx)
{
	handle_store(ctx->line, 0);
	ch->used &= ~(1ull << (ctx->line - ch->page->rings));
	ctx->line = NULL;
}

void channel_moved(struct context *ctx)
{
	if (ctx->line)
		handle_store(ctx->line, ctx->handle);
}

uint64_t channel_reaped(struct channel *ch)
{
	const uint64_t before = ch->reaped;

	ch->reaped = __atomic_load_n(&ch->page->reaped, __ATOMIC_RELAXED);
	return ch->reaped - before;
}

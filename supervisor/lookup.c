/* SPDX-License-Identifier: MIT */
/*
 * From handle to context (docs/aio-abi.md, 5). The kernel reads the header's id from the caller's
 * memory and wants it to be right, so that an unmapped or protected ring makes the handle invalid
 * until it is restored. A ring that was moved by mremap(2), or a piece of one, is found again at
 * its first use: an unknown handle where a mapping of one of our memfds begins is that ring's new
 * address. Until then the old handle is good no more unless its header is still there: when the
 * piece was not the first (D4).
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "channel.h"
#include "dispatch.h"

/* Where a ring is mapped in a process. */
struct place {
	int64_t offset;		/* in the ring, of the mapping that begins at the given address, or -1 */
	bool elsewhere;		/* one of its mappings begins at another address */
};

/* 0 or -errno */
static int find_place(pid_t tgid, uaddr at, const struct ring *r, struct place *place)
{
	unsigned long long start, offset, ino;
	unsigned dev_major, dev_minor;
	char path[64], line[512];
	auto_file f = NULL;

	*place = (struct place){ .offset = -1 };
	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : neg_errno();
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%*x %*s %llx %x:%x %llu", &start, &offset, &dev_major,
			   &dev_minor, &ino) != 5 ||
		    ino != r->ino || makedev(dev_major, dev_minor) != r->dev || start == r->second)
			continue;
		if (start == at)
			place->offset = (int64_t)offset;
		else
			place->elsewhere = true;
	}
	return ferror(f) ? -EIO : 0;
}

/*
 * aio_ring_mremap() of fs/aio.c, 6.18: whatever piece was moved, its new address is the handle.
 * 0, 1 or -errno.
 */
static int moved_to(const struct call *call, const struct context *ctx, uaddr handle)
{
	const pid_t tgid = call->thread->source.tgid;
	struct place new, old;
	int err = find_place(tgid, handle, &ctx->ring, &new);

	if (err || new.offset < 0)
		return err;
	if (new.offset > 0)
		return 1;
	err = find_place(tgid, ctx->handle, &ctx->ring, &old);
	return err ? err : old.offset < 0;
}

/* Not when it was unmapped: then whatever is there instead and has its id will do. */
static int moved_away(const struct call *call, const struct context *ctx)
{
	struct place place;
	int err = find_place(call->thread->source.tgid, ctx->handle, &ctx->ring, &place);

	return err ? err : place.offset < 0 && place.elsewhere;
}

static struct context *adopt_moved(struct call *call, struct context *ctx, uaddr handle, int *err)
{
	const int moved = moved_to(call, ctx, handle);

	if (moved < 0)
		*err = -EAGAIN;
	if (moved <= 0)
		return NULL;
	ctx->handle = handle;
	ctx->succeeded = false;
	channel_moved(ctx);
	return ctx;
}

/* What is at the handle may be something else by now that has the id of a moved ring by chance. */
static struct context *confirm(struct call *call, uaddr handle, const struct ring_words *words,
			       int *err)
{
	struct context *ctx = mm_context(call->mm, words->id);
	int moved;

	*err = -EINVAL;
	if (!ctx)
		return NULL;
	if (ctx->handle != handle)
		return adopt_moved(call, ctx, handle, err);
	moved = ring_has_words(&ctx->ring, words) && !ctx->succeeded ? 0 : moved_away(call, ctx);
	if (moved < 0)
		*err = -EAGAIN;
	return moved ? NULL : ctx;
}

struct context *context_confirm(struct call *call, uaddr handle, const struct ring_words *words,
				int *err)
{
	struct context *ctx = confirm(call, handle, words, err);

	if (ctx)
		call->ctx_number = ctx->number;
	return ctx;
}

struct context *context_lookup(struct call *call, uaddr handle, int *err)
{
	struct ring_words words;

	*err = -EINVAL;
	if (list_empty(&call->mm->contexts))
		return NULL;
	if (tracee_read_all(call->thread->source.tid, handle, &words, sizeof(words)))
		return NULL;
	return context_confirm(call, handle, &words, err);
}

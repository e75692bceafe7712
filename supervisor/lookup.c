/* SPDX-License-Identifier: MIT */
/*
 * From handle to context (docs/aio-abi.md, 5). The kernel reads the header's id from the caller's
 * memory and wants it to be right, so that an unmapped or protected ring makes the handle invalid
 * until it is restored. A ring that was moved by mremap(2), or a piece of one, is found again at its
 * first use: an unknown handle where a mapping of one of our memfds begins is that ring's new
 * address. When the piece is not the first, the old handle is good until then (D4).
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "dispatch.h"

/* The offset in this ring at which the mapping that begins at this address starts, or -1. */
static int64_t mapped_from(pid_t tgid, uaddr at, const struct ring *r)
{
	unsigned long long start, offset, ino;
	unsigned dev_major, dev_minor;
	char path[64], line[512];
	auto_file f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%*x %*s %llx %x:%x %llu", &start, &offset, &dev_major,
			   &dev_minor, &ino) != 5 || start != at)
			continue;
		if (ino == r->ino && makedev(dev_major, dev_minor) == r->dev)
			return (int64_t)offset;
		break;
	}
	return -1;
}

/* aio_ring_mremap() of fs/aio.c, 6.18: whatever piece was moved, its new address is the handle. */
static bool moved_to(const struct call *call, const struct context *ctx, uaddr handle)
{
	const pid_t tgid = call->thread->source.tgid;
	const int64_t offset = mapped_from(tgid, handle, &ctx->ring);

	return offset > 0 ||
	       (offset == 0 && mapped_from(tgid, ctx->handle, &ctx->ring) < 0);
}

static struct context *adopt_moved(struct call *call, uaddr handle, uint32_t slot)
{
	list_for_each(node, tmp, &call->mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		if (ctx->dead || ctx->slot != slot || !moved_to(call, ctx, handle))
			continue;
		ctx->handle = handle;
		return ctx;
	}
	return NULL;
}

struct context *context_confirm(struct call *call, uaddr handle, uint32_t slot)
{
	struct context *ctx = mm_context(call->mm, handle, slot);

	return ctx ? ctx : adopt_moved(call, handle, slot);
}

struct context *context_lookup(struct call *call, uaddr handle)
{
	uint32_t slot;

	if (list_empty(&call->mm->contexts))
		return NULL;
	if (tracee_read_all(call->thread->source.tid, handle, &slot, sizeof(slot)))
		return NULL;
	return context_confirm(call, handle, slot);
}

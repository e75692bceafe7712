/* SPDX-License-Identifier: MIT */
/*
 * From handle to context (docs/aio-abi.md, 5). The kernel reads the header's id from the caller's
 * memory and wants it to be right, so that an unmapped or protected ring makes the handle invalid
 * until it is restored. A ring that was moved by mremap(2), or a piece of one, is found again at
 * its first use: an unknown handle where a mapping of one of our memfds begins is that ring's new
 * address. When the piece is not the first, the old handle is good until then (D4).
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "dispatch.h"

/*
 * The offset in this ring at which the mapping that begins at this address starts, or -ENOENT;
 * another -errno: cannot be told.
 */
static int64_t mapped_from(pid_t tgid, uaddr at, const struct ring *r)
{
	unsigned long long start, offset, ino;
	unsigned dev_major, dev_minor;
	char path[64], line[512];
	auto_file f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : neg_errno();
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%*x %*s %llx %x:%x %llu", &start, &offset, &dev_major,
			   &dev_minor, &ino) != 5 || start != at)
			continue;
		if (ino == r->ino && makedev(dev_major, dev_minor) == r->dev)
			return (int64_t)offset;
		break;
	}
	return ferror(f) ? -EIO : -ENOENT;
}

/* aio_ring_mremap() of fs/aio.c, 6.18: whatever piece was moved, its new address is the handle. */
static int moved_to(const struct call *call, const struct context *ctx, uaddr handle)
{
	const pid_t tgid = call->thread->source.tgid;
	const int64_t offset = mapped_from(tgid, handle, &ctx->ring);
	int64_t old;

	if (offset)
		return offset > 0 ? 1 : (int)offset;
	old = mapped_from(tgid, ctx->handle, &ctx->ring);
	return old < 0 && old != -ENOENT ? (int)old : old < 0;
}

static struct context *adopt_moved(struct call *call, uaddr handle, uint32_t slot, int *err)
{
	int moved;

	list_for_each(node, tmp, &call->mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		if (ctx->dead || ctx->slot != slot)
			continue;
		moved = moved_to(call, ctx, handle);
		if (moved < 0 && moved != -ENOENT)
			*err = -EAGAIN;
		if (moved <= 0)
			continue;
		ctx->handle = handle;
		return ctx;
	}
	return NULL;
}

struct context *context_confirm(struct call *call, uaddr handle, uint32_t slot,
				int *err)
{
	struct context *ctx = mm_context(call->mm, handle, slot);

	*err = -EINVAL;
	return ctx ? ctx : adopt_moved(call, handle, slot, err);
}

struct context *context_lookup(struct call *call, uaddr handle, int *err)
{
	uint32_t slot;

	*err = -EINVAL;
	if (list_empty(&call->mm->contexts))
		return NULL;
	if (tracee_read_all(call->thread->source.tid, handle, &slot, sizeof(slot)))
		return NULL;
	return context_confirm(call, handle, slot, err);
}

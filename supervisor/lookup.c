/* SPDX-License-Identifier: MIT */
/*
 * From handle to context (docs/aio-abi.md, 5). The kernel reads the header's id from the caller's
 * memory and wants it to be right, so that an unmapped or protected ring makes the handle invalid
 * until it is restored. A ring that was moved by mremap(2) is found again at its first use: an
 * unknown handle whose memory is a mapping of one of our memfds from its start is that ring's new
 * address.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dispatch.h"

/* Is the mapping that begins at this address one of this memfd from offset 0? */
static bool mapped_at(pid_t tgid, uaddr at, int memfd)
{
	unsigned long long start, offset, ino;
	unsigned dev_major, dev_minor;
	char path[64], line[512];
	auto_file f = NULL;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	f = fstat(memfd, &st) ? NULL : fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%*x %*s %llx %x:%x %llu", &start, &offset, &dev_major,
			   &dev_minor, &ino) != 5)
			continue;
		if (start == at)
			return offset == 0 && ino == st.st_ino &&
			       makedev(dev_major, dev_minor) == st.st_dev;
	}
	return false;
}

static struct context *adopt_moved(struct call *call, uaddr handle, uint32_t slot)
{
	list_for_each(node, tmp, &call->mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		if (ctx->dead || ctx->slot != slot ||
		    mapped_at(call->thread->source.tgid, ctx->handle, ctx->ring.memfd))
			continue;
		if (!mapped_at(call->thread->source.tgid, handle, ctx->ring.memfd))
			continue;
		ctx->handle = handle;
		return ctx;
	}
	return NULL;
}

struct context *context_confirm(struct call *call, uaddr handle, uint32_t slot)
{
	struct context *ctx = mm_context(call->mm, handle);

	if (ctx)
		return ctx->slot == slot ? ctx : NULL;
	return adopt_moved(call, handle, slot);
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

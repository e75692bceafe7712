/* SPDX-License-Identifier: MIT */
/* Section 5: which handles the calls accept; all of them must agree. */
#include "victim.h"

#include <sched.h>

static int null_fd;

/* What the calls say of a handle, in one line: submit, submit 0, getevents, pgetevents, cancel. */
static void calls(const char *tag, aio_context_t ctx)
{
	struct timespec now = { 0 };
	struct iocb cb, *list[] = { &cb };
	struct io_event ev;
	long submit, empty, get, pget, cancel;

	prep(&cb, IOCB_CMD_PREAD, null_fd, &ev, 0, 0);
	submit = aio_submit(ctx, 1, list);
	empty = aio_submit(ctx, 0, NULL);
	get = aio_getevents(ctx, 0, 1, &ev, &now);
	pget = aio_pgetevents(ctx, 0, 1, &ev, &now, NULL);
	cancel = aio_cancel(ctx, &cb, &ev);
	obs(tag, "%s %s %s %s %s", num(submit), num(empty), num(get), num(pget), num(cancel));
}

static void nonsense(aio_context_t ctx)
{
	static const struct { const char *tag; aio_context_t ctx; } rows[] = {
		{ "5.1/null", 0 },
		{ "5.1/one", 1 },
		{ "5.1/minus-one", -1 },
		{ "5.1/kernel", KERNEL_ADDRESS },
	};
	char *page = pages(1);
	char tag[64];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		calls(rows[i].tag, rows[i].ctx);
		snprintf(tag, sizeof(tag), "%s-destroy", rows[i].tag);
		obs_num(tag, aio_destroy(rows[i].ctx));
	}
	calls("5.1/unmapped", (aio_context_t)(page + PAGE));
	calls("5.3/zero-page", (aio_context_t)page);
	memcpy(page, ring_of(ctx), sizeof(struct ring));
	calls("5.3/copy-of-header", (aio_context_t)page);
	calls("5.3/handle-plus-4", ctx + 4);
	obs_num("5.3/handle-plus-4-destroy", aio_destroy(ctx + 4));
}

static void edited_id(aio_context_t ctx)
{
	struct ring *ring = ring_of(ctx);
	uint32_t id = ring->id;

	ring->id = id + 1;
	calls("5.id-edited/changed", ctx);
	obs_num("5.id-edited/changed-destroy", aio_destroy(ctx));
	ring->id = 1000000;
	calls("5.2/id-beyond-table", ctx);
	ring->id = id;
	calls("5.id-edited/restored", ctx);
}

static int in_clone(void *ctx)
{
	calls("5.mm/clone-vm", *(aio_context_t *)ctx);
	return 0;
}

static void other_tasks(aio_context_t ctx)
{
	char *stack = pages(16);
	pid_t pid = victim_fork();

	if (!pid) {
		calls("5.mm/fork-child", 0);
		obs_num("15.fork/submit-0", aio_submit(ctx, 0, NULL));
		_exit(0);
	}
	obs_num("5.mm/fork-child-exit", wait_child(pid));
	pid = clone(in_clone, stack + 16 * PAGE, CLONE_VM | SIGCHLD, &ctx);
	need(pid > 0);
	obs_num("5.mm/clone-vm-exit", wait_child(pid));
}

/* Where the ring was, something else by chance has its id. */
static void same_id_at(aio_context_t old, uint32_t id)
{
	uint32_t *page = mmap((void *)old, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	need(page == (void *)old);
	*page = id;
	calls("4.mremap-move/old-address-same-id", old);
	obs_num("4.mremap-move/destroy-old-same-id", aio_destroy(old));
	need(!munmap(page, PAGE));
}

/* Nothing but the move has told that the handle is another now: not even the header has gone. */
static void header_left_behind(void)
{
	aio_context_t ctx = aio_context(8);
	char *there = pages(1), header[32];
	void *at, *page;

	memcpy(header, (void *)ctx, sizeof(header));
	at = mremap((void *)ctx, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	need(at == there);
	page = mmap((void *)ctx, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(page == (void *)ctx);
	memcpy(page, header, sizeof(header));
	obs_num("4.mremap-move/old-address-same-header", aio_submit(ctx, 0, NULL));
	need(!munmap(page, PAGE));
	obs_num("4.mremap-move/destroy-moved", aio_destroy((aio_context_t)at));
}

static void moved(void)
{
	aio_context_t ctx = aio_context(8), old = ctx;
	char *there = pages(1);
	void *at;

	at = mremap((void *)ctx, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	obs_yes("4.mremap-move/moves", at == there);
	ctx = (aio_context_t)at;
	calls("4.mremap-move/old-address", old);
	same_id_at(old, ring_of(ctx)->id);
	calls("4.mremap-move/new-address", ctx);
	obs_num("4.mremap-move/events-at-new-address", ring_of(ctx)->tail);
	obs_num("4.mremap-move/destroy-old", aio_destroy(old));
	obs_num("4.mremap-move/destroy-new", aio_destroy(ctx));

	ctx = aio_context(8);
	need(!mprotect((void *)ctx, PAGE, PROT_NONE));
	calls("4.mprotect-none/calls", ctx);
	need(!mprotect((void *)ctx, PAGE, PROT_READ));
	calls("4.mprotect-read/calls", ctx);
	need(!mprotect((void *)ctx, PAGE, PROT_READ | PROT_WRITE));
	calls("4.mprotect-none/restored", ctx);
	need(!munmap((void *)ctx, PAGE));
	calls("4.munmap/calls", ctx);
	obs_num("4.munmap/destroy", aio_destroy(ctx));
}

int main(void)
{
	aio_context_t ctx;

	victim_start();
	null_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	ctx = aio_context(8);
	calls("5.2/live", ctx);
	nonsense(ctx);
	edited_id(ctx);
	other_tasks(ctx);
	moved();
	header_left_behind();
	obs_num("5.3/destroy", aio_destroy(ctx));
	calls("5.3/destroyed", ctx);
	obs_num("5.3/destroyed-destroy", aio_destroy(ctx));
	return victim_end();
}

/* SPDX-License-Identifier: MIT */
/* Section 7: io_submit's tests of the call and of each iocb, and their order. */
#include "victim.h"

#include <sys/eventfd.h>

static aio_context_t ctx;
static int zero_fd, path_fd, event_fd;
static char buf[512];

static struct iocb *read_zero(struct iocb *cb)
{
	return prep(cb, IOCB_CMD_PREAD, zero_fd, buf, 5, 0);
}

static void call_arguments(void)
{
	struct iocb a, b, *list[] = { read_zero(&a), read_zero(&b) };
	struct io_event ev[2];

	obs_num("7.1/nr-minus-1", aio_submit(ctx, -1, list));
	obs_num("7.1/nr-long-min", aio_submit(ctx, LONG_MIN, list));
	obs_num("7.1/nr-minus-1-bad-ctx", aio_submit(0, -1, list));
	obs_num("7.2/bad-ctx-nr-0", aio_submit(0, 0, NULL));
	obs_num("7.4/nr-0-list-null", aio_submit(ctx, 0, NULL));
	obs_num("7.a/list-null", aio_submit(ctx, 1, NULL));
	obs_num("7.a/list-minus-1", aio_submit(ctx, 1, (void *)-1));
	obs_num("7.a/list-kernel", aio_submit(ctx, 1, (void *)KERNEL_ADDRESS));
	obs_num("7.5/two", aio_submit(ctx, 2, list));
	obs_num("7.5/two-events", reap(ctx, 2, ev));
	obs_yes("7.list-order/in-list-order", ev[0].obj == (uintptr_t)&a && ev[1].obj == (uintptr_t)&b);
	obs_num("7.event/res", ev[0].res);
	obs_num("7.event/res2", ev[0].res2);
	list[1] = list[0];
	obs_num("7.twice/same-iocb-twice", aio_submit(ctx, 2, list));
	obs_num("7.twice/same-iocb-twice-events", reap(ctx, 2, ev));
}

/* {good, bad} counts the good one and forgets the error; {bad, good} stops at once. */
static void lists(void)
{
	struct iocb good, bad, *list[3];
	struct io_event ev[3];

	read_zero(&good);
	prep(&bad, IOCB_CMD_PREAD, -1, buf, 5, 0);
	list[0] = &good;
	list[1] = NULL;
	obs_num("7.return/good-null", aio_submit(ctx, 2, list));
	list[1] = &bad;
	list[2] = &good;
	obs_num("7.return/good-bad-good", aio_submit(ctx, 3, list));
	obs_num("7.return/bad-good", aio_submit(ctx, 2, list + 1));
	list[1] = (void *)KERNEL_ADDRESS;
	obs_num("7.return/kernel-good", aio_submit(ctx, 2, list + 1));
	obs_num("7.return/events-of-these", reap(ctx, 2, ev));
	obs_num("7.return/no-more-events", reap_now(ctx, 1, ev));
}

static void page_ends(void)
{
	char *page = pages(1), *hole = page + PAGE;
	struct iocb good, **list = (struct iocb **)hole - 2, *half;
	struct io_event ev[4];

	list[0] = list[1] = read_zero(&good);
	obs_num("7.lazy/list-ends-after-2", aio_submit(ctx, 3, list));
	obs_num("7.lazy/list-ends-after-2-long-max", aio_submit(ctx, LONG_MAX, list));
	obs_num("7.lazy/list-ends-events", reap(ctx, 4, ev));
	obs_num("7.a/list-in-hole", aio_submit(ctx, 1, (void *)hole));
	obs_num("7.a/list-slot-half-mapped", aio_submit(ctx, 1, (void *)(hole - 4)));
	obs_num("7.a/iocb-in-hole", aio_submit1(ctx, (void *)hole));
	half = (void *)(hole - 60);
	memset(half, 0, 60);
	obs_num("7.a/iocb-half-mapped", aio_submit1(ctx, half));
	memcpy(hole - 64 - 1, read_zero(&good), sizeof(good));
	half = (void *)(hole - 64 - 1);
	obs_num("1.alignment/iocb", aio_submit1(ctx, half));
	obs_num("1.alignment/iocb-event", reap(ctx, 1, ev));
	obs_yes("1.alignment/iocb-obj", ev[0].obj == (uintptr_t)half);
}

struct row {
	const char *tag;
	int fd;
	uint32_t op, reserved2, flags;
	int32_t resfd;
	uint64_t nbytes;
};

/* One iocb each; "key" is the field's value afterwards, 7 if it was not written. */
static void iocb_tests(void)
{
	const struct row rows[] = {
		{ "7.b/reserved2", zero_fd, 0, 1, 0, 0, 5 },
		{ "7.b/reserved2-bad-fd", -1, 0, 1, 0, 0, 5 },
		{ "7.b/reserved2-high", zero_fd, 0, 0x80000000, 0, 0, 5 },
		{ "7.c/nbytes-2^63", zero_fd, 0, 0, 0, 0, 1ull << 63 },
		{ "7.c/nbytes-2^63-bad-fd", -1, 0, 0, 0, 0, 1ull << 63 },
		{ "7.c/nbytes-2^63-fsync", zero_fd, 2, 0, 0, 0, 1ull << 63 },
		{ "7.c/nbytes-2^63-bad-opcode", zero_fd, 99, 0, 0, 0, 1ull << 63 },
		{ "7.e/bad-fd", -1, 0, 0, 0, 0, 5 },
		{ "7.e/closed-fd", 900, 0, 0, 0, 0, 5 },
		{ "7.e/path-fd", path_fd, 0, 0, 0, 0, 5 },
		{ "7.e/bad-fd-bad-opcode", -1, 99, 0, 0, 0, 5 },
		{ "7.e/bad-fd-not-eventfd", -1, 0, 0, 1, zero_fd, 5 },
		{ "7.f/resfd-closed", zero_fd, 0, 0, 1, -1, 5 },
		{ "7.f/resfd-path", zero_fd, 0, 0, 1, path_fd, 5 },
		{ "7.f/resfd-not-eventfd", zero_fd, 0, 0, 1, zero_fd, 5 },
		{ "7.f/resfd-not-eventfd-bad-opcode", zero_fd, 99, 0, 1, zero_fd, 5 },
		{ "7.f/resfd-unused-without-flag", zero_fd, 0, 0, 0, -1, 5 },
		{ "7.f/resfd", zero_fd, 0, 0, 1, event_fd, 5 },
		{ "7.h/opcode-4", zero_fd, 4, 0, 0, 0, 5 },
		{ "7.h/opcode-6", zero_fd, 6, 0, 0, 0, 5 },
		{ "7.h/opcode-9", zero_fd, 9, 0, 0, 0, 5 },
		{ "7.h/opcode-0xffff", zero_fd, 0xffff, 0, 0, 0, 5 },
		{ "7.flags/other-flags-ignored", zero_fd, 0, 0, 0xfffffffc, -1, 5 },
		{ "7.key-input/good", zero_fd, 0, 0, 0, 0, 5 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		const char *result;
		struct iocb cb;

		prep(&cb, r->op, r->fd, buf, r->nbytes, 0);
		cb.aio_reserved2 = r->reserved2;
		cb.aio_flags = r->flags;
		cb.aio_resfd = r->resfd;
		cb.aio_key = 7;
		result = outcome(ctx, &cb);
		obs(r->tag, "%s key %u", result, cb.aio_key);
	}
}

/* The iocb in memory that cannot be written: found at (g). */
static void read_only_iocb(void)
{
	static const struct { const char *tag; int op, fd, resfd; } rows[] = {
		{ "7.g/read-only", 0, 0, 0 },
		{ "7.g/read-only-bad-fd", 0, -1, 0 },
		{ "7.g/read-only-bad-resfd", 0, 0, -1 },
		{ "7.g/read-only-bad-opcode", 99, 0, 0 },
	};
	struct iocb *cb = (void *)pages(1);

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		need(!mprotect(cb, PAGE, PROT_READ | PROT_WRITE));
		prep(cb, rows[i].op, rows[i].fd ? -1 : zero_fd, buf, 5, 0);
		cb->aio_flags = rows[i].resfd ? IOCB_FLAG_RESFD : 0;
		cb->aio_resfd = -1;
		need(!mprotect(cb, PAGE, PROT_READ));
		obs_num(rows[i].tag, aio_submit1(ctx, cb));
	}
}

/* The iocb is copied at (a): a read may overwrite its own iocb. */
static void overwritten(void)
{
	struct iocb cb, *list[] = { &cb };
	struct io_event ev;
	uint64_t data;

	prep(&cb, IOCB_CMD_PREAD, zero_fd, &cb, sizeof(cb), 0);
	data = cb.aio_data;
	obs_num("7.copied/read-into-own-iocb", aio_submit(ctx, 1, list));
	obs_num("7.copied/read-into-own-iocb-event", reap(ctx, 1, &ev));
	obs_yes("7.copied/read-into-own-iocb-data", ev.data == data && ev.obj == (uintptr_t)&cb);
	obs_num("7.copied/read-into-own-iocb-res", ev.res);
	obs_yes("7.copied/read-into-own-iocb-zero", !cb.aio_data && !cb.aio_buf);
	read_zero(&cb);
	obs_num("7.copied/trashed-after-submit", aio_submit(ctx, 1, list));
	memset(&cb, 0xee, sizeof(cb));
	obs_num("7.copied/trashed-event", reap(ctx, 1, &ev));
	obs("7.copied/trashed-res", "%s", num(ev.res));
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	path_fd = open("/dev/zero", O_PATH | O_CLOEXEC);
	event_fd = eventfd(0, EFD_CLOEXEC);
	ctx = aio_context(8);
	call_arguments();
	lists();
	page_ends();
	iocb_tests();
	read_only_iocb();
	overwritten();
	return victim_end();
}

/* SPDX-License-Identifier: MIT */
/* Sections 1 and 2: how the calls are reached, the layout of their structures, the range of nr. */
#include "victim.h"

#include <sched.h>

static int zero_fd;

static struct iocb *read_zero(struct iocb *cb, char *byte)
{
	return prep(cb, IOCB_CMD_PREAD, zero_fd, byte, 1, 0);
}

static void numbers(void)
{
	struct timespec now = { 0 };
	struct iocb cb[2], *list[] = { &cb[0], &cb[1] };
	struct io_event ev[2];
	aio_context_t ctx = 0;
	long setup, submit, get, pget, cancel, destroy;
	char byte[2];

	read_zero(&cb[0], &byte[0]);
	read_zero(&cb[1], &byte[1]);
	setup = victim_call(syscall(206, 4, &ctx));
	submit = victim_call(syscall(209, ctx, 2, list));
	victim_count->requests += submit > 0 ? submit : 0;
	get = victim_call(syscall(208, ctx, 1, 1, ev, &now));
	pget = victim_call(syscall(333, ctx, 1, 1, ev, &now, NULL));
	cancel = victim_call(syscall(210, ctx, &cb[0], ev));
	destroy = victim_call(syscall(207, ctx));
	obs("1.numbers/all-six", "%s %s %s %s %s %s", num(setup), num(submit), num(get), num(pget),
	    num(cancel), num(destroy));
}

/* nr_events is cut to 32 bits, all other numbers are not. */
static void widths(aio_context_t ctx)
{
	struct timespec now = { 0 };
	struct iocb cb, **last = (struct iocb **)(pages(1) + PAGE) - 1;
	struct io_event ev;
	aio_context_t wide = 0;
	char byte;

	obs_num("1.setup-nr/0x100000001", victim_call(syscall(SYS_io_setup, 0x100000001ul, &wide)));
	obs_formula("1.setup-nr/ring-nr", ring_of(wide)->nr, ring_size(1));
	aio_destroy(wide);
	wide = 0;
	obs_num("1.setup-nr/0x100000000", victim_call(syscall(SYS_io_setup, 0x100000000ul, &wide)));
	*last = read_zero(&cb, &byte);
	obs_num("1.longs/submit-0x100000000", aio_submit(ctx, 0x100000000l, NULL));
	obs_num("1.longs/submit-0x100000001", aio_submit(ctx, 0x100000001l, last));
	obs_num("1.longs/min-0x100000000", aio_getevents(ctx, 0x100000000l, 1, &ev, &now));
	obs_num("1.longs/nr-0x100000000", aio_getevents(ctx, 0, 0x100000000l, &ev, &now));
}

static void put(char *raw, unsigned at, unsigned size, uint64_t value)
{
	memcpy(raw + at, &value, size);		/* little endian */
}

static uint64_t get64(const char *raw, unsigned at)
{
	uint64_t value;

	memcpy(&value, raw + at, sizeof(value));
	return value;
}

/* A write of 5 bytes at offset 11, by position; the field at `at` then gets `value`. */
static const char *by_position(aio_context_t ctx, int fd, char *raw, unsigned at, uint64_t value)
{
	memset(raw, 0, 64);
	put(raw, 0, 8, 0x0123456789abcdef);
	put(raw, 8, 4, 77);
	put(raw, 16, 2, IOCB_CMD_PWRITE);
	put(raw, 20, 4, fd);
	put(raw, 24, 8, (uintptr_t)"hello");
	put(raw, 32, 8, 5);
	put(raw, 40, 8, 11);
	put(raw, at, at == 18 ? 2 : 4, value);
	if (at == 18)
		put(raw, 56, 4, IOCB_FLAG_IOPRIO);
	if (at == 60)
		put(raw, 56, 4, IOCB_FLAG_RESFD);
	return outcome(ctx, (struct iocb *)raw);
}

static void layout(aio_context_t ctx)
{
	char *raw = pages(1), back[6] = "";
	const char *event;
	uint32_t last;
	int fd = tmp_open(O_RDWR);

	obs("1.offsets/write", "%s", by_position(ctx, fd, raw, 8, 77));
	obs_num("1.offsets/size", file_size(fd));
	obs("1.offsets/content", "%s", pread(fd, back, 5, 11) == 5 ? back : "nothing");
	obs_num("1.offsets/key-at-8", *(uint32_t *)(raw + 8));
	last = (ring_of(ctx)->tail + ring_of(ctx)->nr - 1) % ring_of(ctx)->nr;
	event = (char *)ctx + 32 + 32 * last;
	obs_yes("1.offsets/event", get64(event, 0) == 0x0123456789abcdef &&
		get64(event, 8) == (uintptr_t)raw && get64(event, 16) == 5 && !get64(event, 24));
	obs("1.offsets/rw-flags-at-12", "%s", by_position(ctx, fd, raw, 12, 1u << 31));
	obs("1.offsets/reqprio-at-18", "%s", by_position(ctx, fd, raw, 18, 4 << 13));
	obs("1.offsets/reserved2-at-48", "%s", by_position(ctx, fd, raw, 48, 1));
	obs("1.offsets/resfd-at-60", "%s", by_position(ctx, fd, raw, 60, -1));
	close(fd);
}

static void ranges(void)
{
	static const struct { const char *tag; unsigned nr; } rows[] = {
		{ "2.in-range/nr-1", 1 },
		{ "2.in-range/nr-20000", 20000 },
		{ "2.above-max/nr-4194303", 4194303 },
		{ "2.above-max/nr-4194304", 4194304 },
		{ "2.too-large/nr-4194305", 4194305 },
		{ "2.wraps/nr-0x80000000", 0x80000000 },
		{ "2.negative/nr-minus-2", -2 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		aio_context_t ctx = 0;

		obs_num(rows[i].tag, aio_setup(rows[i].nr, &ctx));
		if (ctx)
			aio_destroy(ctx);
	}
}

/* Bound to one CPU, a program still gets the ring of all possible ones. */
static void bound(void)
{
	cpu_set_t set, one;
	unsigned cpu = 0;
	aio_context_t ctx;

	need(!sched_getaffinity(0, sizeof(set), &set));
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
	ctx = aio_context(1);
	obs_formula("2.possible-cpus/bound-to-one", ring_of(ctx)->nr, ring_size(1));
	aio_destroy(ctx);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

int main(void)
{
	aio_context_t ctx;

	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ctx = aio_context(8);
	numbers();
	widths(ctx);
	layout(ctx);
	ranges();
	bound();
	return victim_end();
}

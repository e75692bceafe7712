/* SPDX-License-Identifier: MIT */
/* The slots of a context. If this breaks, io_submit accepts another number of requests than the kernel. */
#include "context.h"

#include "unit.h"

enum { CPUS = 2, PLENTY = 10000 };

static struct context *ctx;

static void create(uint32_t nr)
{
	int err = 0;

	ctx = context_create(NULL, 0, nr, CPUS, &err);
	ck_assert_ptr_nonnull(ctx);
	ck_assert_int_eq(err, 0);
}

static void set_head(uint32_t head)
{
	((volatile uint32_t *)ctx->ring.map)[2] = head;
}

static uint32_t tail(void)
{
	return ((volatile uint32_t *)ctx->ring.map)[3];
}

/* Accepted before EAGAIN. */
static unsigned reserve_all(void)
{
	unsigned n = 0;

	while (n < PLENTY && context_reserve(ctx) == 0)
		n++;
	ck_assert_int_eq(context_reserve(ctx), -EAGAIN);
	return n;
}

static void finish(unsigned n)
{
	const struct ring_event ev = { .res = 1 };

	while (n--)
		context_finish(ctx, &ev);
}

static void destroy(void)
{
	while (ctx->outstanding)
		context_drop(ctx);
	context_destroy(ctx);
}

START_TEST(as_many_are_accepted_as_by_the_kernel)
{
	/* docs/aio-abi.md, 6 */
	static const struct {
		uint32_t nr;
		unsigned slots, accepted;
	} known[] = {
		{ 1, 127, 120 }, { 63, 255, 248 }, { 127, 383, 376 }, { 256, 639, 632 }, { 512, 1151, 1144 },
		{ 1024, 2175, 2168 }, { 4096, 8319, 8312 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		create(known[i].nr);
		ck_assert_uint_eq(ctx->ring.nr, known[i].slots);
		ck_assert_uint_eq(reserve_all(), known[i].accepted);
		ck_assert_uint_eq(ctx->outstanding, known[i].accepted);
		destroy();
	}
}
END_TEST

START_TEST(one_slot_of_the_ring_is_never_used)
{
	struct credit c;
	unsigned n = 0;

	credit_init(&c, 5, CPUS);	/* a batch is one slot then */
	while (n < PLENTY && credit_take(&c))
		n++;
	ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(unread_completions_hold_their_slots)
{
	create(1);
	ck_assert_uint_eq(reserve_all(), 120);
	finish(120);
	ck_assert_uint_eq(ctx->outstanding, 0);
	ck_assert_int_eq(context_reserve(ctx), -EAGAIN);
	ck_assert_uint_eq(ctx->outstanding, 0);
	destroy();
}
END_TEST

START_TEST(one_read_gives_one_slot)
{
	create(1);
	ck_assert_uint_eq(reserve_all(), 120);
	finish(120);
	for (uint32_t head = 1; head < 4; head++) {
		set_head(head);
		ck_assert_int_eq(context_reserve(ctx), 0);
		ck_assert_int_eq(context_reserve(ctx), -EAGAIN);
	}
	set_head(tail());
	ck_assert_uint_eq(reserve_all(), 117);
	destroy();
}
END_TEST

START_TEST(all_read_gives_all_slots)
{
	create(1);
	for (unsigned round = 0; round < 5; round++) {		/* the ring wraps */
		ck_assert_uint_eq(reserve_all(), 120);
		finish(120);
		set_head(tail());
	}
	ck_assert_uint_eq(reserve_all(), 120);
	destroy();
}
END_TEST

START_TEST(a_nonsense_head_frees_nothing)
{
	create(1);
	ck_assert_uint_eq(reserve_all(), 120);
	finish(120);
	set_head(tail() + 5);
	ck_assert_int_eq(context_reserve(ctx), -EAGAIN);
	set_head(tail());
	ck_assert_uint_eq(reserve_all(), 120);
	destroy();
}
END_TEST

/* The head can say anything at any time: never may more be in flight or unread than there are slots. */
START_TEST(no_head_makes_more_slots_than_there_are)
{
	uint64_t random = 1;

	create(1);
	for (unsigned round = 0; round < 2000; round++) {
		random = hash_u64(random + round);
		set_head((uint32_t)random);
		while (ctx->outstanding < PLENTY && context_reserve(ctx) == 0)
			;
		ck_assert_uint_le(ctx->outstanding, 126);
		finish((unsigned)((random >> 32) % (ctx->outstanding + 1)));
		ck_assert_uint_lt(ctx->credit.local, 2 * ctx->credit.batch);
	}
	while (ctx->outstanding)
		finish(1);
	set_head(tail());
	ck_assert_uint_eq(reserve_all(), 120);
	destroy();
}
END_TEST

START_TEST(completions_give_slots_back_by_the_way)
{
	create(1);
	ck_assert_uint_eq(reserve_all(), 120);
	finish(60);
	set_head(tail());
	finish(1);		/* sees that 60 were read */
	ck_assert_uint_eq(ctx->credit.completed, 1);
	ck_assert_uint_eq(reserve_all(), 60);
	destroy();
}
END_TEST

START_TEST(a_single_completion_accounts_nothing)
{
	create(1);
	ck_assert_int_eq(context_reserve(ctx), 0);
	set_head(1);		/* read, as it seems, before it was there */
	finish(1);
	ck_assert_uint_eq(ctx->credit.completed, 1);
	ck_assert_uint_eq(ctx->outstanding, 0);
	destroy();
}
END_TEST

START_TEST(a_refused_request_gives_its_slot_back)
{
	create(1);
	ck_assert_uint_eq(reserve_all(), 120);
	context_refuse(ctx);
	ck_assert_uint_eq(ctx->outstanding, 119);
	ck_assert_int_eq(context_reserve(ctx), 0);
	ck_assert_int_eq(context_reserve(ctx), -EAGAIN);
	for (unsigned i = 0; i < 120; i++)
		context_refuse(ctx);
	ck_assert_uint_eq(reserve_all(), 120);
	ck_assert_uint_eq(tail(), 0);
	destroy();
}
END_TEST

START_TEST(a_dropped_completion_is_not_seen)
{
	create(1);
	ck_assert_int_eq(context_reserve(ctx), 0);
	ck_assert_int_eq(context_reserve(ctx), 0);
	context_drop(ctx);
	ck_assert_uint_eq(tail(), 0);
	ck_assert_uint_eq(ctx->outstanding, 1);
	finish(1);
	ck_assert_uint_eq(tail(), 1);
	ck_assert_uint_eq(ctx->outstanding, 0);
	destroy();
}
END_TEST

START_TEST(creation_reports_the_ring_s_error)
{
	int err = 0;

	ck_assert_ptr_null(context_create(NULL, 0, 4194305, CPUS, &err));
	ck_assert_int_eq(err, -EINVAL);
	ck_assert_ptr_null(context_create(NULL, 0, 0x80000000, CPUS, &err));
	ck_assert_int_eq(err, -EAGAIN);
	context_destroy(NULL);
}
END_TEST

UNIT_MAIN("context", as_many_are_accepted_as_by_the_kernel, one_slot_of_the_ring_is_never_used,
	  unread_completions_hold_their_slots,
	  one_read_gives_one_slot, all_read_gives_all_slots, a_nonsense_head_frees_nothing,
	  no_head_makes_more_slots_than_there_are, completions_give_slots_back_by_the_way,
	  a_single_completion_accounts_nothing, a_refused_request_gives_its_slot_back,
	  a_dropped_completion_is_not_seen, creation_reports_the_ring_s_error)

/* SPDX-License-Identifier: MIT */
/* Timers of the loop. If this breaks, they come late, early, in disorder or not at all. */
#include "loop.h"

#include <assert.h>

#include "unit.h"
#include "util.h"

enum { SOON_NS = 2000000 };

static struct loop *loop;
static unsigned calls;		/* of counted() */
static char order[64];		/* one letter per thing that happened */

static void counted(void *arg)
{
	calls++;
}

static void letter_noted(void *arg)
{
	assert(strlen(order) + 1 < sizeof(order));
	order[strlen(order)] = *(const char *)arg;
}

static void stop(void *arg)
{
	loop_stop(loop);
}

static void start(struct loop_timer *t, uint64_t due_ns)
{
	ck_assert_int_eq(loop_timer_start(loop, t, due_ns), 0);
}

static void open_loop(void)
{
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
}

START_TEST(timers_fire_in_order_and_not_early)
{
	open_loop();

	struct loop_timer a = { .fn = letter_noted, .arg = (void *)"a" };
	struct loop_timer b = { .fn = letter_noted, .arg = (void *)"b" };
	struct loop_timer gone = { .fn = letter_noted, .arg = (void *)"x" };
	struct loop_timer end = { .fn = stop };
	uint64_t due_ns = now_ns() + SOON_NS;

	start(&end, due_ns);
	start(&b, due_ns - SOON_NS / 2);
	start(&gone, due_ns - SOON_NS / 2);
	start(&a, due_ns + 10 * NSEC_PER_SEC);
	start(&a, 0);
	loop_timer_stop(loop, &gone);
	ck_assert(!loop_timer_armed(&gone) && loop_timer_armed(&a));
	loop_run(loop);
	ck_assert_str_eq(order, "ab");
	ck_assert_uint_ge(now_ns(), due_ns);
	ck_assert(!loop_timer_armed(&a));
	loop_destroy(loop);
}
END_TEST

/* The timerfd stays set for the one that was stopped: the later one must fire all the same. */
START_TEST(a_timer_behind_a_stopped_one_fires)
{
	open_loop();

	struct loop_timer first = { .fn = counted };
	struct loop_timer end = { .fn = stop };
	struct loop_timer early = { .fn = stop };
	uint64_t soon_ns = SOON_NS;

	start(&early, now_ns() + SOON_NS);
	loop_run(loop);
	/* on a busy machine the first may have fired before it can be stopped: that was no trial */
	do {
		calls = 0;
		start(&first, now_ns() + soon_ns);
		start(&end, now_ns() + 3 * soon_ns);
		start(&early, 1);
		loop_run(loop);
		soon_ns *= 2;
	} while (calls);
	loop_timer_stop(loop, &first);
	loop_run(loop);
	ck_assert_uint_eq(calls, 0);
	ck_assert(!loop_timer_armed(&end));
	loop_destroy(loop);
}
END_TEST

/* The timerfd stays readable until it is set again: no turn may be spent on that. */
START_TEST(an_expired_timer_does_not_spin)
{
	open_loop();

	struct loop_timer first = { .fn = letter_noted, .arg = (void *)"a" };
	struct loop_timer end = { .fn = stop };
	uint64_t now = now_ns();

	ck_assert_int_eq(loop_each_turn(loop, counted, NULL), 0);
	start(&first, now + SOON_NS);
	start(&end, now + 10 * SOON_NS);
	loop_run(loop);
	ck_assert_str_eq(order, "a");
	ck_assert_uint_le(calls, 4);
	loop_destroy(loop);
}
END_TEST

static void timer_from_hook(void *arg)
{
	if (!calls++)
		start(arg, 1);
}

START_TEST(a_timer_from_a_hook_is_not_slept_over)
{
	open_loop();

	struct loop_timer end = { .fn = stop };

	ck_assert_int_eq(loop_each_turn(loop, timer_from_hook, &end), 0);
	loop_run(loop);
	ck_assert_uint_eq(calls, 1);
	loop_destroy(loop);
}
END_TEST

UNIT_MAIN("loop_timer", timers_fire_in_order_and_not_early, a_timer_behind_a_stopped_one_fires,
	  an_expired_timer_does_not_spin, a_timer_from_a_hook_is_not_slept_over)

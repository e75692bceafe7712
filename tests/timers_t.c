/* SPDX-License-Identifier: MIT */
/* The heap of timers. If this breaks, timers fire in the wrong order or not at all. */
#include "timers.h"

#include "unit.h"
#include "util.h"

enum { MANY = 500 };

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	return hash_u64(seed++);
}

static void start(struct timers *h, struct loop_timer *t, uint64_t due_ns)
{
	ck_assert_int_eq(timers_start(h, t, due_ns), 0);
	ck_assert_uint_eq(h->heap[t->heap_slot] == t, 1);
}

/* Takes all timers off; fails unless they come in order and number `expected`. */
static void drain(struct timers *h, unsigned expected)
{
	struct loop_timer *t;
	uint64_t last = 0;

	while ((t = timers_first(h))) {
		ck_assert_uint_ge(t->due_ns, last);
		last = t->due_ns;
		timers_stop(h, t);
		ck_assert_uint_eq(t->heap_slot, 0);
		expected--;
	}
	ck_assert_uint_eq(expected, 0);
	timers_free(h);
}

START_TEST(first_is_the_one_due_first)
{
	struct timers h = { 0 };
	struct loop_timer t[MANY] = { 0 };

	ck_assert_ptr_null(timers_first(&h));
	for (unsigned i = 0; i < MANY; i++)
		start(&h, &t[i], next_random() % 100);
	drain(&h, MANY);
}
END_TEST

START_TEST(stopping_any_keeps_the_order)
{
	struct timers h = { 0 };
	struct loop_timer t[MANY] = { 0 };
	unsigned stopped = 0;

	for (unsigned i = 0; i < MANY; i++)
		start(&h, &t[i], next_random());
	for (unsigned i = 0; i < MANY; i++) {
		if (next_random() % 3)
			continue;
		timers_stop(&h, &t[i]);
		timers_stop(&h, &t[i]);
		stopped++;
	}
	ck_assert_uint_gt(stopped, 0);
	drain(&h, MANY - stopped);
}
END_TEST

START_TEST(starting_again_moves_both_ways)
{
	struct timers h = { 0 };
	struct loop_timer t[MANY] = { 0 };

	for (unsigned i = 0; i < MANY; i++)
		start(&h, &t[i], next_random());
	for (unsigned i = 0; i < 4 * MANY; i++)
		start(&h, &t[next_random() % MANY], next_random());
	drain(&h, MANY);
}
END_TEST

START_TEST(an_armed_timer_always_has_room)
{
	struct timers h = { 0 };
	struct loop_timer t[64] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		start(&h, &t[i], UINT64_MAX);

	unsigned room = h.room;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		timers_stop(&h, &t[i]);
		start(&h, &t[i], i);
	}
	ck_assert_uint_eq(h.room, room);
	drain(&h, ARRAY_SIZE(t));
}
END_TEST

START_TEST(free_stops_all)
{
	struct timers h = { 0 };
	struct loop_timer t[3] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		start(&h, &t[i], i);
	timers_free(&h);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_uint_eq(t[i].heap_slot, 0);
	ck_assert_ptr_null(timers_first(&h));
}
END_TEST

UNIT_MAIN("timers", first_is_the_one_due_first, stopping_any_keeps_the_order,
	  starting_again_moves_both_ways, an_armed_timer_always_has_room, free_stops_all)

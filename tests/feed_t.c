/* SPDX-License-Identifier: MIT */
/* The queue between the loop and the trace's thread. If this breaks, lines are lost or come twice. */
#include "feed.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#define UNITS 8192u		/* as feed.c has them */
#define MANY 300000u

static struct feed *feed;
static _Atomic bool filled;		/* the producer has found it full, and waits */

/* Large ones and small ones. */
static void push(uint64_t id)
{
	const bool small = id % 3 == 1;
	struct record *r = feed_slot(feed, small ? RECORD_BYTES(id) : RECORD_BYTES(request));

	r->id_only = small;
	if (small)
		r->id = (struct record_id){ .id = id };
	else
		r->request = (struct record_request){ .id = id, .resfd = 7 };
	feed_push(feed, r);
}

static void pop(uint64_t id)
{
	struct record *r = feed_peek(feed);

	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->id_only ? r->id.id : r->request.id, id);
	ck_assert(r->id_only || r->request.resfd == 7);
	feed_pop(feed);
}

static void open_feed(void)
{
	feed = feed_create();
	ck_assert_ptr_nonnull(feed);
}

START_TEST(records_come_in_order_and_room_is_used_again)
{
	open_feed();
	ck_assert_ptr_null(feed_peek(feed));
	for (uint64_t n = 1; n <= 3 * UNITS; n++) {
		push(2 * n);
		push(2 * n + 1);
		pop(2 * n);
		pop(2 * n + 1);
	}
	ck_assert_ptr_null(feed_peek(feed));
	feed_destroy(feed);
	feed_destroy(NULL);
}
END_TEST

/* More fit in than a third of the units, and it is only full for a while. */
START_TEST(it_is_full_with_all_room_in_use)
{
	uint64_t pushed = 0, popped = 0;

	open_feed();
	for (; !feed_full(feed); pushed++)
		push(pushed);
	ck_assert_uint_gt(pushed, UNITS / 4);
	ck_assert_uint_lt(pushed, UNITS);
	for (; feed_full(feed); popped++)
		pop(popped);
	ck_assert_uint_lt(popped, pushed / 2);
	push(pushed++);
	for (; popped < pushed; popped++)
		pop(popped);
	ck_assert_ptr_null(feed_peek(feed));
	feed_destroy(feed);
}
END_TEST

START_TEST(what_was_pushed_before_the_stop_is_still_there)
{
	open_feed();
	push(1);
	feed_stop(feed);
	ck_assert(feed_wait(feed));
	pop(1);
	ck_assert(!feed_wait(feed));
	feed_destroy(feed);
}
END_TEST

static void *produce(void *arg)
{
	const uint64_t count = *(uint64_t *)arg;

	for (uint64_t n = 0; n < count; n++) {
		if (feed_full(feed))
			atomic_store(&filled, true);
		push(n);
	}
	feed_stop(feed);
	return NULL;
}

/* A slow reader lets the other side fill everything before it takes what is there. */
static void two_threads(uint64_t count, bool slow)
{
	pthread_t producer;
	uint64_t next = 0;

	open_feed();
	ck_assert_int_eq(pthread_create(&producer, NULL, produce, &count), 0);
	do {
		while (slow && count - next > UNITS && !atomic_exchange(&filled, false))
			sched_yield();
		while (feed_peek(feed))
			pop(next++);
	} while (next < count && (feed_peek(feed) || feed_wait(feed)));
	ck_assert_uint_eq(next, count);
	ck_assert(!feed_wait(feed));
	ck_assert_int_eq(pthread_join(producer, NULL), 0);
	feed_destroy(feed);
}

START_TEST(a_quick_reader_gets_everything_once)
{
	two_threads(MANY, false);
}
END_TEST

START_TEST(a_slow_reader_makes_the_producer_wait_and_gets_everything_once)
{
	two_threads(20 * UNITS, true);
}
END_TEST

UNIT_MAIN("feed", records_come_in_order_and_room_is_used_again, it_is_full_with_all_room_in_use,
	  what_was_pushed_before_the_stop_is_still_there, a_quick_reader_gets_everything_once,
	  a_slow_reader_makes_the_producer_wait_and_gets_everything_once)

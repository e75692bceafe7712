/* SPDX-License-Identifier: MIT */
/* If this breaks, the loop gives its CPU away for long on a busy machine, or never again after once. */
#include "courtesy.h"

#include "unit.h"
#include "util.h"

#define START (5 * NSEC_PER_SEC)

START_TEST(short_yields_go_on)
{
	struct courtesy c = { 0 };

	for (uint64_t now = START; now < START + NSEC_PER_MSEC; now += 5 * NSEC_PER_USEC) {
		ck_assert(courtesy_allowed(&c, now));
		courtesy_took(&c, now, now + 4 * NSEC_PER_USEC);
	}
}
END_TEST

START_TEST(a_long_one_rests_a_hundred_times_as_long)
{
	const uint64_t end_ns = START + 3 * NSEC_PER_MSEC;
	struct courtesy c = { 0 };

	courtesy_took(&c, START, end_ns);
	ck_assert(!courtesy_allowed(&c, end_ns));
	ck_assert(!courtesy_allowed(&c, end_ns + 300 * NSEC_PER_MSEC - 1));
	ck_assert(courtesy_allowed(&c, end_ns + 300 * NSEC_PER_MSEC));
}
END_TEST

START_TEST(a_yield_on_the_clock)
{
	const uint64_t begin_ns = now_ns();
	struct courtesy c = { 0 };

	ck_assert_uint_ge(courtesy_yield(&c), begin_ns);
	c.not_before_ns = 0;
	ck_assert_uint_le(courtesy_yield(&c), now_ns());
	c.not_before_ns = UINT64_MAX;
	ck_assert_uint_eq(courtesy_yield(&c), 0);
}
END_TEST

UNIT_MAIN("courtesy", short_yields_go_on, a_long_one_rests_a_hundred_times_as_long,
	  a_yield_on_the_clock)

/* SPDX-License-Identifier: MIT */
/* If this breaks, an idle program costs CPU time, or one that calls all the time is served slowly. */
#include "spin.h"

#include "unit.h"
#include "util.h"

#define START (5 * NSEC_PER_SEC)

/* As if there were two CPUs. */
static struct spin on_two(uint64_t longest_ns)
{
	struct spin s;

	spin_init(&s, longest_ns);
	s.cpus = 2;
	s.counted_ns = START;
	return s;
}

START_TEST(zero_is_never)
{
	struct spin s = on_two(0);

	ck_assert(spin_is_off(&s));
	ck_assert(!spin_pays(&s, START));
	ck_assert(!spin_goes_on(&s, START));
}
END_TEST

START_TEST(one_cpu_is_never)
{
	struct spin s = on_two(SPIN_AUTO);

	s.cpus = 1;
	ck_assert(!spin_is_off(&s));
	ck_assert(!spin_goes_on(&s, START));
}
END_TEST

START_TEST(as_long_as_told)
{
	struct spin s = on_two(20 * NSEC_PER_USEC);

	ck_assert(spin_goes_on(&s, START));
	ck_assert(spin_goes_on(&s, START + 19 * NSEC_PER_USEC));
	ck_assert(!spin_goes_on(&s, START + 20 * NSEC_PER_USEC));
}
END_TEST

START_TEST(a_call_begins_anew)
{
	struct spin s = on_two(20 * NSEC_PER_USEC);

	ck_assert(spin_goes_on(&s, START));
	spin_found(&s);
	ck_assert(spin_goes_on(&s, START + 19 * NSEC_PER_USEC));
	ck_assert(spin_goes_on(&s, START + 30 * NSEC_PER_USEC));
	ck_assert(!spin_goes_on(&s, START + 40 * NSEC_PER_USEC));
}
END_TEST

/* Sleeps in a row before it looks again. */
static unsigned rests(struct spin *s)
{
	unsigned n = 0;

	for (; spin_rests(s); n++)
		spin_slept(s);
	return n;
}

START_TEST(in_vain_it_rests_longer_each_time)
{
	struct spin s = on_two(SPIN_AUTO);
	unsigned last = 0;

	for (unsigned i = 0; i < 40; i++) {
		unsigned n;

		spin_failed(&s);
		n = rests(&s);
		ck_assert_uint_ge(n, last);
		ck_assert_uint_le(n, 1024);
		last = n;
	}
	ck_assert_uint_eq(last, 1024);
	spin_found(&s);
	spin_failed(&s);
	ck_assert_uint_eq(rests(&s), 0);
}
END_TEST

START_TEST(told_how_long_it_never_rests)
{
	struct spin s = on_two(NSEC_PER_MSEC);

	for (unsigned i = 0; i < 40; i++) {
		spin_failed(&s);
		ck_assert(!spin_rests(&s));
	}
}
END_TEST

UNIT_MAIN("spin", zero_is_never, one_cpu_is_never, as_long_as_told, a_call_begins_anew,
	  in_vain_it_rests_longer_each_time, told_how_long_it_never_rests)

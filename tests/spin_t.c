/* SPDX-License-Identifier: MIT */
/* If this breaks, an idle program costs CPU time, or one that calls all the time is served slowly. */
#include "spin.h"

#include "unit.h"
#include "util.h"

#define START (5 * NSEC_PER_SEC)

static uint64_t now;

/* As if there were so many CPUs. */
static struct spin spin_on(unsigned cpus, uint64_t longest_ns)
{
	struct spin s;

	now = START;
	spin_init(&s, longest_ns);
	s.cpus = cpus;
	s.counted_ns = UINT64_MAX / 2;	/* never again */
	return s;
}

/* So long, with so many calls a second; what the last one was told. */
static bool calls(struct spin *s, uint64_t ns, uint64_t rate)
{
	const uint64_t end = now + ns;
	bool pays = false;

	for (; now < end; now += NSEC_PER_SEC / rate)
		pays = spin_called(s, now);
	return pays;
}

/* Until it looks (or, told so, does not), at the rate that is given for either; how long it took. */
static uint64_t until(struct spin *s, bool on, uint64_t without, uint64_t with)
{
	const uint64_t begin = now;

	while (s->on != on && now - begin < 10 * NSEC_PER_SEC)
		(void)calls(s, NSEC_PER_MSEC, s->on ? with : without);
	return now - begin;
}

START_TEST(zero_is_never)
{
	struct spin s = spin_on(2, 0);

	ck_assert(spin_is_off(&s));
	ck_assert(!calls(&s, NSEC_PER_SEC, 200000));
	ck_assert(!spin_goes_on(&s, now));
}
END_TEST

START_TEST(one_cpu_is_never)
{
	struct spin s = spin_on(1, SPIN_AUTO);

	ck_assert(!spin_is_off(&s));
	ck_assert(!calls(&s, NSEC_PER_SEC, 200000));
}
END_TEST

START_TEST(as_long_as_told)
{
	struct spin s = spin_on(2, 20 * NSEC_PER_USEC);

	ck_assert(calls(&s, NSEC_PER_MSEC, 10000));
	ck_assert(spin_goes_on(&s, START));
	ck_assert(spin_goes_on(&s, START + 19 * NSEC_PER_USEC));
	ck_assert(!spin_goes_on(&s, START + 20 * NSEC_PER_USEC));
}
END_TEST

START_TEST(a_call_begins_anew)
{
	struct spin s = spin_on(2, 20 * NSEC_PER_USEC);

	ck_assert(spin_goes_on(&s, START));
	spin_found(&s);
	ck_assert(spin_goes_on(&s, START + 19 * NSEC_PER_USEC));
	ck_assert(spin_goes_on(&s, START + 30 * NSEC_PER_USEC));
	ck_assert(!spin_goes_on(&s, START + 40 * NSEC_PER_USEC));
}
END_TEST

START_TEST(few_calls_are_not_tried)
{
	struct spin s = spin_on(2, SPIN_AUTO);

	ck_assert_uint_ge(until(&s, true, 5000, 20000), 10 * NSEC_PER_SEC);
}
END_TEST

START_TEST(what_is_better_is_kept)
{
	struct spin s = spin_on(2, SPIN_AUTO);

	ck_assert_uint_lt(until(&s, true, 100000, 120000), 15 * NSEC_PER_MSEC);
	ck_assert_uint_ge(until(&s, false, 100000, 120000), 105 * NSEC_PER_MSEC);
}
END_TEST

START_TEST(what_is_no_better_is_not)
{
	struct spin s = spin_on(2, SPIN_AUTO);

	(void)until(&s, true, 100000, 103000);
	ck_assert_uint_lt(until(&s, false, 100000, 103000), 15 * NSEC_PER_MSEC);
}
END_TEST

START_TEST(the_same_result_is_kept_longer)
{
	struct spin s = spin_on(2, SPIN_AUTO);
	uint64_t last = 0, without;

	for (unsigned i = 0; i < 8; i++) {
		without = until(&s, true, 100000, 50000);
		ck_assert_uint_ge(without + NSEC_PER_MSEC, last);
		ck_assert_uint_lt(without, 2100 * NSEC_PER_MSEC);
		last = without;
		(void)until(&s, false, 100000, 50000);
	}
	ck_assert_uint_gt(last, 1900 * NSEC_PER_MSEC);
	(void)until(&s, true, 100000, 200000);
	ck_assert_uint_lt(until(&s, false, 100000, 200000), 125 * NSEC_PER_MSEC);
}
END_TEST

START_TEST(a_pause_ends_it)
{
	struct spin s = spin_on(2, SPIN_AUTO);

	(void)until(&s, true, 100000, 200000);
	(void)calls(&s, 50 * NSEC_PER_MSEC, 200000);
	now += NSEC_PER_SEC;
	ck_assert(!spin_called(&s, now));
	ck_assert_uint_ge(until(&s, true, 1000, 1000), 10 * NSEC_PER_SEC);
}
END_TEST

UNIT_MAIN("spin", zero_is_never, one_cpu_is_never, as_long_as_told, a_call_begins_anew,
	  few_calls_are_not_tried, what_is_better_is_kept, what_is_no_better_is_not,
	  the_same_result_is_kept_longer, a_pause_ends_it)

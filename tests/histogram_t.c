/* SPDX-License-Identifier: MIT */
/* What a histogram tells against what the sorted values tell. If this breaks, percentiles lie. */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "util.h"

enum { VALUES = 20000 };

static uint64_t seed;

static uint64_t random_u64(void)
{
	return hash_u64(++seed * 0x9e3779b97f4a7c15ull);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Below 2 % of what it should be. */
static void must_be_near(uint64_t got, uint64_t wanted)
{
	const uint64_t off = got > wanted ? got - wanted : wanted - got;

	ck_assert_msg(off * 50 < wanted || off == 0, "%llu instead of %llu",
		      (unsigned long long)got, (unsigned long long)wanted);
}

static void check_against_sorted(uint64_t *values, unsigned count)
{
	static const unsigned per_mille[] = { 0, 1, 10, 250, 500, 900, 990, 999, 1000 };
	struct histogram h = { 0 };
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		histogram_add(&h, values[i]);
		sum += values[i];
	}
	qsort(values, count, sizeof(*values), by_value);
	ck_assert_uint_eq(h.count, count);
	ck_assert_uint_eq(h.min, values[0]);
	ck_assert_uint_eq(h.max, values[count - 1]);
	ck_assert_uint_eq(histogram_mean(&h), sum / count);
	for (unsigned i = 0; i < ARRAY_SIZE(per_mille); i++) {
		const uint64_t rank = max_u64(1, ((uint64_t)count * per_mille[i] + 999) / 1000);

		must_be_near(histogram_percentile(&h, per_mille[i]), values[rank - 1]);
	}
}

START_TEST(random_values_of_all_sizes)
{
	static uint64_t values[VALUES];

	for (unsigned bits = 1; bits <= 41; bits++) {
		for (unsigned i = 0; i < VALUES; i++)
			values[i] = random_u64() >> (64 - bits);
		check_against_sorted(values, VALUES);
	}
}
END_TEST

START_TEST(values_over_many_orders)
{
	static uint64_t values[VALUES];

	for (unsigned i = 0; i < VALUES; i++)
		values[i] = random_u64() >> (24 + random_u64() % 40);
	check_against_sorted(values, VALUES);
}
END_TEST

START_TEST(few_values)
{
	for (unsigned count = 1; count < 40; count++) {
		uint64_t values[40];

		for (unsigned i = 0; i < count; i++)
			values[i] = random_u64() >> 40;
		check_against_sorted(values, count);
	}
}
END_TEST

START_TEST(every_small_value_and_every_border)
{
	for (uint64_t v = 1; v < 100000; v++) {
		struct histogram h = { 0 };

		histogram_add(&h, 0);
		histogram_add(&h, v);
		histogram_add(&h, UINT64_MAX);
		must_be_near(histogram_percentile(&h, 600), v);
	}
	for (unsigned bit = 10; bit < 41; bit++) {
		for (int off = -1; off <= 1; off++) {
			const uint64_t v = (1ull << bit) + (uint64_t)off;
			struct histogram h = { 0 };

			histogram_add(&h, 0);
			histogram_add(&h, v);
			histogram_add(&h, UINT64_MAX);
			must_be_near(histogram_percentile(&h, 600), v);
		}
	}
}
END_TEST

START_TEST(empty_tells_nothing)
{
	struct histogram h = { 0 };

	ck_assert_uint_eq(h.count, 0);
	ck_assert_uint_eq(histogram_mean(&h), 0);
	ck_assert_uint_eq(histogram_percentile(&h, 500), 0);
}
END_TEST

START_TEST(octaves_hold_everything_once)
{
	struct histogram h = { 0 };
	uint64_t sum = 0;

	for (unsigned power = 0; power < 40; power++) {
		histogram_add(&h, 1ull << power);
		histogram_add(&h, (1ull << (power + 1)) - 1);
	}
	histogram_add(&h, 0);
	for (unsigned power = 0; power < 40; power++) {
		ck_assert_uint_eq(histogram_octave(&h, power), power ? 2 : 3);
		sum += histogram_octave(&h, power);
	}
	ck_assert_uint_eq(sum, h.count);
}
END_TEST

UNIT_MAIN("histogram", random_values_of_all_sizes, values_over_many_orders, few_values,
	  every_small_value_and_every_border, empty_tells_nothing, octaves_hold_everything_once)

/* SPDX-License-Identifier: MIT */
/* Text made at a cursor. If this breaks, JSON readers stumble over numbers or odd paths. */
#include "format.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "util.h"

static void check_number(uint64_t value)
{
	char got[64], wanted[64];

	*format_u64(got, value) = '\0';
	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)value);
	ck_assert_str_eq(got, wanted);
}

START_TEST(numbers_of_each_length_are_as_printf_has_them)
{
	uint64_t power = 1;

	for (unsigned digits = 1; digits <= 20; digits++, power *= 10) {
		check_number(power - 1);
		check_number(power);
		check_number(power / 9 * 8 + 7);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		check_number((1ull << bit) - 1);
		check_number(1ull << bit);
	}
}
END_TEST

START_TEST(numbers_are_as_printf_has_them)
{
	static const uint64_t values[] = { 0,  1,   9,	 10,	 99,	     100,	    101,
					   999, 1000, 4095, 123456, 1ull << 32, INT64_MAX, UINT64_MAX };
	char got[64], wanted[64];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		*format_u64(got, values[i]) = '\0';
		snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)values[i]);
		ck_assert_str_eq(got, wanted);
		*format_i64(got, -(int64_t)values[i]) = '\0';
		snprintf(wanted, sizeof(wanted), "%lld", -(long long)values[i]);
		ck_assert_str_eq(got, wanted);
	}
	*format_i64(got, INT64_MIN) = '\0';
	ck_assert_str_eq(got, "-9223372036854775808");
	ck_assert_uint_le(strlen(got), FORMAT_NUMBER_BYTES);
}
END_TEST

#define BAD(hex) "\xef\xbf\xbd" hex

START_TEST(any_bytes_make_a_json_string)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{ "", "\"\"" },
		{ "/a b", "\"/a b\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "a\nb\t\x01\x7f", "\"a\\nb\\u0009\\u0001\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"" },
		/* no UTF-8: alone, cut short, too long, a surrogate, beyond U+10FFFF */
		{ "\xff-\x80", "\"" BAD("ff") "-" BAD("80") "\"" },
		{ "\xc3", "\"" BAD("c3") "\"" },
		{ "\xe2\x82", "\"" BAD("e2") BAD("82") "\"" },
		{ "\xf0\x9f\x98z", "\"" BAD("f0") BAD("9f") BAD("98") "z\"" },
		{ "\xc0\xaf", "\"" BAD("c0") BAD("af") "\"" },
		{ "\xe0\x9f\xbf", "\"" BAD("e0") BAD("9f") BAD("bf") "\"" },
		{ "\xf0\x8f\xbf\xbf", "\"" BAD("f0") BAD("8f") BAD("bf") BAD("bf") "\"" },
		{ "\xed\xa0\x80", "\"" BAD("ed") BAD("a0") BAD("80") "\"" },
		{ "\xf4\x90\x80\x80", "\"" BAD("f4") BAD("90") BAD("80") BAD("80") "\"" },
		{ "\xf5\x80\x80\x80", "\"" BAD("f5") BAD("80") BAD("80") BAD("80") "\"" },
		/* what marks a bad byte cannot be mistaken for one */
		{ "\xef\xbf\xbd" "41", "\"" BAD("ef") BAD("bf") BAD("bd") "41\"" },
	};
	char got[256];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const size_t count = strlen(table[i].in);
		char *end = format_json(got, table[i].in, count);

		ck_assert_uint_le((size_t)(end - got), count * FORMAT_JSON_GROWTH + 2);
		*end = '\0';
		ck_assert_str_eq(got, table[i].out);
	}
}
END_TEST

UNIT_MAIN("format", numbers_of_each_length_are_as_printf_has_them, numbers_are_as_printf_has_them, any_bytes_make_a_json_string)

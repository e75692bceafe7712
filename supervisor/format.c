/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

static const char digits_of_two[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
static const char hex_digits[] = "0123456789abcdef";

static unsigned count_digits(uint64_t value)
{
	static const uint64_t powers[] = { 0, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
					   100000000, 1000000000, 10000000000, 100000000000,
					   1000000000000, 10000000000000, 100000000000000,
					   1000000000000000, 10000000000000000,
					   100000000000000000, 1000000000000000000,
					   10000000000000000000u };
	/* bits times the logarithm of 2: right, or one too few */
	const unsigned n = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;

	return n + (value >= powers[n]);
}

static void put_two(char *at, unsigned value)
{
	memcpy(at, &digits_of_two[value * 2], 2);
}

char *format_u64(char *at, uint64_t value)
{
	char *const end = at + count_digits(value);
	char *begin = end;
	unsigned four;

	for (; value >= 10000; value /= 10000) {
		four = (unsigned)(value % 10000);
		begin -= 4;
		put_two(begin, four / 100);
		put_two(begin + 2, four % 100);
	}
	four = (unsigned)value;
	if (four >= 100) {
		put_two(begin - 2, four % 100);
		four /= 100;
	}
	if (four >= 10)
		put_two(at, four);
	else
		*at = (char)('0' + four);
	return end;
}

char *format_i64(char *at, int64_t value)
{
	if (value >= 0)
		return format_u64(at, (uint64_t)value);
	*at = '-';
	return format_u64(at + 1, 0 - (uint64_t)value);
}

/* --- JSON --- */

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * How many bytes the character has that begins here, as RFC 3629 has it: shortest form, no
 * surrogates, up to U+10FFFF. 0: none.
 */
static size_t character(const unsigned char *c, size_t count)
{
	const bool two = count >= 2 && is_tail(c[1]);
	const bool three = two && count >= 3 && is_tail(c[2]);

	if (c[0] < 0x80)
		return 1;
	if (c[0] >= 0xc2 && c[0] <= 0xdf && two)
		return 2;
	if ((c[0] & 0xf0) == 0xe0 && three && !(c[0] == 0xe0 && c[1] < 0xa0) &&
	    !(c[0] == 0xed && c[1] > 0x9f))
		return 3;
	if (c[0] >= 0xf0 && c[0] <= 0xf4 && three && count >= 4 && is_tail(c[3]) &&
	    !(c[0] == 0xf0 && c[1] < 0x90) && !(c[0] == 0xf4 && c[1] > 0x8f))
		return 4;
	return 0;
}

static char *put_hex(char *at, unsigned char c)
{
	*at++ = hex_digits[c >> 4];
	*at++ = hex_digits[c & 15];
	return at;
}

static char *put_ascii(char *at, unsigned char c)
{
	if (c == '"' || c == '\\') {
		*at++ = '\\';
	} else if (c == '\n') {
		*at++ = '\\';
		c = 'n';
	} else if (c < ' ' || c == 0x7f) {
		return put_hex(format_literal(at, "\\u00"), c);
	}
	*at++ = (char)c;
	return at;
}

/* Most characters of most strings. */
static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

char *format_json(char *at, const char *bytes, size_t count)
{
	const unsigned char *c = (const unsigned char *)bytes;
	const unsigned char *const end = c + count;

	*at++ = '"';
	while (c < end) {
		size_t length;

		if (is_plain(*c)) {
			*at++ = (char)*c++;
			continue;
		}
		length = character(c, (size_t)(end - c));
		if (length == 1) {
			at = put_ascii(at, *c++);
		} else if (length && memcmp(c, REPLACEMENT, 3) != 0) {
			at = format_bytes(at, (const char *)c, length);
			c += length;
		} else {
			at = put_hex(format_literal(at, REPLACEMENT), *c++);
		}
	}
	*at++ = '"';
	return at;
}

char *format_json_label(char *at, const struct label *l)
{
	return l ? format_json(at, l->text, l->length_bytes) : format_literal(at, "null");
}

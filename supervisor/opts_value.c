/* SPDX-License-Identifier: MIT */
#include "opts_value.h"

#include <errno.h>
#include <string.h>

/* Decimal digits only, so no sign and no space; *end is what follows them. */
static int parse_digits(const char *s, uint64_t max, uint64_t *out, const char **end)
{
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (n > (max - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*out = n;
	*end = s;
	return 0;
}

int opts_value_number(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;
	uint64_t n;

	if (parse_digits(s, max, &n, &end) || *end || n < min)
		return -EINVAL;
	*out = n;
	return 0;
}

int opts_value_size(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *end, *unit;
	unsigned shift = 0;
	uint64_t n;

	if (parse_digits(s, max, &n, &end))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (n > max >> shift || n << shift < min)
		return -EINVAL;
	*out = n << shift;
	return 0;
}

int opts_value_choice(const char *s, const struct opts_choice *choices, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(s, choices[i].name))
			return choices[i].value;
	return -EINVAL;
}

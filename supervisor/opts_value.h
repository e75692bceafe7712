/* SPDX-License-Identifier: MIT */
/* Values of options: pure functions from text. 0 (or the choice's value), or -EINVAL. */
#ifndef OPTS_VALUE_H
#define OPTS_VALUE_H

#include <stdint.h>

struct opts_choice {
	const char *name;
	int value;
};

/* Decimal, no sign; min and max are allowed. */
int opts_value_number(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* As a number, in bytes, or with one unit: K, M and G are powers of 1024, in either case. */
int opts_value_size(const char *s, uint64_t min, uint64_t max, uint64_t *out);

int opts_value_choice(const char *s, const struct opts_choice *choices, unsigned count);

#endif

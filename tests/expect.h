/* SPDX-License-Identifier: MIT */
/* For victims that print what is not as it should be, and nothing when all is well. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>

static int failures;		/* in this file */

#define expect(cond) expected(!!(cond), #cond, __func__, __LINE__)
static inline void expected(int good, const char *what, const char *func, int line)
{
	if (good)
		return;
	printf("%s, line %d: not so: %s\n", func, line, what);
	fflush(stdout);
	failures++;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "courtesy.h"

#include <sched.h>

#include "util.h"

#define LONG_NS (200 * NSEC_PER_USEC)	/* a call of a lonely program takes a few us */
#define REST 100

bool courtesy_allowed(const struct courtesy *c, uint64_t now)
{
	return now >= c->not_before_ns;
}

void courtesy_took(struct courtesy *c, uint64_t begin_ns, uint64_t end_ns)
{
	if (end_ns - begin_ns > LONG_NS)
		c->not_before_ns = end_ns + REST * (end_ns - begin_ns);
}

uint64_t courtesy_yield(struct courtesy *c)
{
	const uint64_t begin_ns = now_ns();
	uint64_t end_ns;

	if (!courtesy_allowed(c, begin_ns))
		return 0;
	sched_yield();
	end_ns = now_ns();
	courtesy_took(c, begin_ns, end_ns);
	return end_ns;
}

/* SPDX-License-Identifier: MIT */
#include "courtesy.h"

#include <sched.h>

#include "util.h"

/*
 * A single program has its next call ready in a few us; one that computes for longer in between
 * pays for our sleep, at most 3 in 100. Other processes keep a CPU for 3 ms and more.
 */
#define LONG_NS NSEC_PER_MSEC
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

/* SPDX-License-Identifier: MIT */
#include "spin.h"

#include <sched.h>
#include <sys/resource.h>

#include "util.h"

#define AUTO_NS (50 * NSEC_PER_USEC)
#define COUNT_AGAIN_NS NSEC_PER_SEC
#define FREE_FAILURES 2u		/* a program may pause now and then */
#define REST_MAX 1024u

void spin_init(struct spin *s, uint64_t longest_ns)
{
	*s = (struct spin){
		.longest_ns = longest_ns == SPIN_AUTO ? AUTO_NS : longest_ns,
		.adapts = longest_ns == SPIN_AUTO,
	};
}

bool spin_is_off(const struct spin *s)
{
	return !s->longest_ns;
}

bool spin_rests(const struct spin *s)
{
	return s->rest > 0;
}

void spin_failed(struct spin *s)
{
	s->begin_ns = 0;
	if (!s->adapts || ++s->failures <= FREE_FAILURES)
		return;
	s->rest = s->failures - FREE_FAILURES >= 10 ? REST_MAX
						    : 1u << (s->failures - FREE_FAILURES);
}

void spin_found(struct spin *s)
{
	s->begin_ns = 0;
	s->failures = 0;
}

void spin_slept(struct spin *s)
{
	s->rest -= s->rest > 0;
}

/* The program's CPUs may be others; that there is a second one is all that can be asked cheaply. */
static unsigned cpus(struct spin *s, uint64_t now)
{
	cpu_set_t set;

	if (s->counted_ns && now - s->counted_ns < COUNT_AGAIN_NS)
		return s->cpus;
	s->counted_ns = now;
	s->cpus = sched_getaffinity(0, sizeof(set), &set) ? 2 : (unsigned)CPU_COUNT(&set);
	return s->cpus;
}

static uint64_t pushed(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : (uint64_t)usage.ru_nivcsw;
}

bool spin_pays(struct spin *s, uint64_t now)
{
	return s->longest_ns && !spin_rests(s) && cpus(s, now) > 1;
}

bool spin_goes_on(struct spin *s, uint64_t now)
{
	if (!s->begin_ns) {
		if (!spin_pays(s, now))
			return false;
		s->begin_ns = now;
		s->begin_pushed = pushed();
		return true;
	}
	if (now - s->begin_ns < s->longest_ns)
		return true;
	if (pushed() != s->begin_pushed)
		s->failures += 2;
	spin_failed(s);
	return false;
}

/* SPDX-License-Identifier: MIT */
#include "spin.h"

#include <sched.h>

#include "util.h"

#define AUTO_NS (50 * NSEC_PER_USEC)
#define COUNT_AGAIN_NS NSEC_PER_SEC
#define TRY_NS (10 * NSEC_PER_MSEC)
#define KEEP_MIN_NS (100 * NSEC_PER_MSEC)
#define KEEP_MAX_NS (2 * NSEC_PER_SEC)
#define BUSY_RATE 10000u		/* calls a second; with fewer, sleeping is not what takes the time */
#define GAIN 16u			/* it must be better by one in so many */

void spin_init(struct spin *s, uint64_t longest_ns)
{
	*s = (struct spin){
		.longest_ns = longest_ns == SPIN_AUTO ? AUTO_NS : longest_ns,
		.tries = longest_ns == SPIN_AUTO,
		.on = longest_ns && longest_ns != SPIN_AUTO,
	};
}

bool spin_is_off(const struct spin *s)
{
	return !s->longest_ns;
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

static void phase_begin(struct spin *s, enum spin_phase phase, bool on, uint64_t now)
{
	s->phase = phase;
	s->on = on;
	s->phase_ns = now;
	s->calls = 0;
}

static void settle(struct spin *s, bool on, uint64_t now)
{
	s->settled_ns = on == s->settled_on ? min_u64(2 * s->settled_ns, KEEP_MAX_NS) : 0;
	s->settled_ns = max_u64(s->settled_ns, KEEP_MIN_NS);
	s->settled_on = on;
	phase_begin(s, SPIN_SETTLED, on, now);
}

static void phase_over(struct spin *s, uint64_t now)
{
	const uint64_t rate = s->calls * NSEC_PER_SEC / (now - s->phase_ns);

	if (s->phase == SPIN_TRY_WITHOUT && rate >= BUSY_RATE) {
		s->without = rate;
		phase_begin(s, SPIN_TRY_WITH, true, now);
	} else if (s->phase == SPIN_TRY_WITH) {
		settle(s, rate > s->without + s->without / GAIN, now);
	} else {
		phase_begin(s, SPIN_TRY_WITHOUT, false, now);
	}
}

bool spin_called(struct spin *s, uint64_t now)
{
	const uint64_t phase_ns = s->phase == SPIN_SETTLED ? s->settled_ns : TRY_NS;

	if (!s->longest_ns || cpus(s, now) == 1)
		return false;
	if (!s->tries)
		return true;
	s->calls++;
	if (!s->phase_ns)
		phase_begin(s, SPIN_TRY_WITHOUT, false, now);
	else if (now - s->phase_ns >= phase_ns)
		phase_over(s, now);
	return s->on;
}

bool spin_goes_on(struct spin *s, uint64_t now)
{
	if (!s->begin_ns)
		s->begin_ns = now;
	if (s->on && now - s->begin_ns < s->longest_ns)
		return true;
	s->begin_ns = 0;
	return false;
}

void spin_found(struct spin *s)
{
	s->begin_ns = 0;
}

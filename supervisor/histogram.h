/* SPDX-License-Identifier: MIT */
/*
 * How often which value came, in fixed memory: 32 equal steps from each power of two to the next,
 * so that what is told of a value is wrong by less than 2 %. All zero is an empty one. Pure.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 32u		/* each at most 1/32 wide: its middle is wrong by 1/64 */
#define HISTOGRAM_OCTAVES 37u		/* nanoseconds up to 73 minutes; beyond: the last step */
#define HISTOGRAM_POWERS 42u		/* of two: HISTOGRAM_STEPS << (HISTOGRAM_OCTAVES - 1) < 2^42 */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * (HISTOGRAM_OCTAVES + 1))

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min;			/* valid when count is not 0, as max */
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
uint64_t histogram_mean(const struct histogram *h);	/* exact; 0: empty */
/* The smallest value that per_mille of all do not exceed; 0: empty. 0 and 1000 are exact. */
uint64_t histogram_percentile(const struct histogram *h, unsigned per_mille);
/* How many are at least 2^power and below 2^(power + 1); power 0: 0 too. */
uint64_t histogram_octave(const struct histogram *h, unsigned power);

#endif

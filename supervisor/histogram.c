/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include "util.h"

/* Below 2 * STEPS each value has a bucket of its own; from there on each octave has STEPS. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value / HISTOGRAM_STEPS);
	if (shift >= HISTOGRAM_OCTAVES)
		return HISTOGRAM_BUCKETS - 1;
	return HISTOGRAM_STEPS * shift + (unsigned)(value >> shift);
}

static uint64_t bucket_begin(unsigned bucket)
{
	unsigned shift;

	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	shift = bucket / HISTOGRAM_STEPS - 1;
	return (uint64_t)(bucket - HISTOGRAM_STEPS * shift) << shift;
}

static uint64_t bucket_middle(unsigned bucket)
{
	return bucket_begin(bucket) + (bucket_begin(bucket + 1) - bucket_begin(bucket)) / 2;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->min = h->count ? min_u64(h->min, value) : value;
	h->max = max_u64(h->max, value);
	h->count++;
	h->sum += value;
	h->buckets[bucket_of(value)]++;
}

uint64_t histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / h->count : 0;
}

uint64_t histogram_percentile(const struct histogram *h, unsigned per_mille)
{
	/* rounded up, without h->count * per_mille, which may be too large */
	const uint64_t rank = h->count / 1000 * per_mille +
			      (h->count % 1000 * per_mille + 999) / 1000;
	uint64_t seen = 0;
	unsigned i = 0;

	if (!h->count || rank <= 1)
		return h->min;
	if (rank >= h->count)
		return h->max;
	while ((seen += h->buckets[i]) < rank)
		i++;
	return max_u64(h->min, min_u64(h->max, bucket_middle(i)));
}

uint64_t histogram_octave(const struct histogram *h, unsigned power)
{
	const unsigned first = power ? bucket_of(1ull << power) : 0;
	const unsigned end = bucket_of(1ull << (power + 1));
	uint64_t sum = 0;

	for (unsigned i = first; i < end; i++)
		sum += h->buckets[i];
	return sum;
}

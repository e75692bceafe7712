/* SPDX-License-Identifier: MIT */
/*
 * Writes of which a part is done: the first bytes, or some of the sectors of the file that they
 * touch, as by a power cut: at least one of several is written, and at least one is not. Each run of
 * neighbours is an I/O of its own, from the same bounce memory, one after the other.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "faults_impl.h"

#define DIRECT_UNIT_BYTES 512u

enum { ROLL_MISSING = 1, ROLL_WRITTEN = 2, ROLL_SECTOR = 16 };

/* What O_DIRECT takes; the rest of a part is not written. */
static uint64_t unit_bytes(const struct request *r)
{
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (r->io.direct &&
	    !statx(r->io.file->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_DIOALIGN, &sx) &&
	    sx.stx_mask & STATX_DIOALIGN && sx.stx_dio_offset_align)
		return sx.stx_dio_offset_align;
#endif
	return r->io.direct ? DIRECT_UNIT_BYTES : 1;
}

static uint64_t sector_of(const struct fault_fate *fate, uint64_t at)
{
	const uint64_t sector = fate->torn.sector_bytes, offset = (uint64_t)fate->torn.offset;

	return (offset + at) / sector - offset / sector;
}

/* The first byte behind that sector. */
static uint64_t sector_end(const struct fault_fate *fate, uint64_t at)
{
	const uint64_t sector = fate->torn.sector_bytes, offset = (uint64_t)fate->torn.offset;

	return min_u64(((offset + at) / sector + 1) * sector - offset, fate->torn.total_bytes);
}

static bool is_written(const struct fault_fate *fate, uint64_t at)
{
	const uint64_t n = sector_of(fate, fate->torn.total_bytes - 1) + 1;
	const uint64_t i = sector_of(fate, at), missing = fate_roll(fate, ROLL_MISSING) % n;

	if (i == missing)
		return false;
	if (i == (missing + 1 + fate_roll(fate, ROLL_WRITTEN) % (n - 1)) % n)
		return true;
	return fate_roll(fate, ROLL_SECTOR + i) & 1;
}

/* The next run from torn.at on: false: none. */
static bool next_run(struct fault_fate *fate, uint64_t *from, uint64_t *to)
{
	*from = fate->torn.at;
	*to = fate->torn.first_bytes;
	if (!fate->torn.sector_bytes) {
		fate->torn.at = fate->torn.first_bytes;
		return *from < *to;
	}
	while (*from < fate->torn.total_bytes && !is_written(fate, *from))
		*from = sector_end(fate, *from);
	for (*to = *from; *to < fate->torn.total_bytes && is_written(fate, *to);)
		*to = sector_end(fate, *to);
	fate->torn.at = *to;
	return *from < *to;
}

/* The io is these bytes of the piece that has been laid out. */
static void lay_out(struct request *r, uint64_t from, uint64_t to)
{
	struct fault_fate *fate = r->fate;
	uint64_t before = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < r->local_count; i++) {
		const struct iovec *v = &r->local[i];
		const uint64_t begin = max_u64(from, before);
		const uint64_t end = min_u64(to, before + v->iov_len);

		if (begin < end)
			fate->iov[n++] = (struct iovec){
				(char *)v->iov_base + (begin - before), end - begin };
		before += v->iov_len;
	}
	r->io.iov = fate->iov;
	r->io.iov_count = n;
	r->io.offset = fate->torn.offset + (int64_t)from;
	r->io.length_bytes = to - from;
	r->io.done_bytes = 0;
}

bool torn_next(struct request *r)
{
	uint64_t from, to;

	if (!next_run(r->fate, &from, &to))
		return false;
	lay_out(r, from, to);
	return true;
}

bool torn_begin(struct request *r, uint64_t bytes, int64_t result)
{
	const uint64_t unit = unit_bytes(r), total = r->io.length_bytes;
	const uint64_t sector = max_u64(r->fate->rule->torn_sector_bytes, unit);
	struct fault_fate *fate = r->fate;

	fate->torn.is = true;
	fate->torn.result = result;
	fate->torn.offset = r->io.offset;
	fate->torn.total_bytes = total;
	fate->torn.first_bytes = min_u64(bytes, total) / unit * unit;
	if (fate_does(fate, FAULT_TORN) && fate->rule->torn_sector_bytes) {
		if (r->io.file->seekable && !request_appends(r))
			fate->torn.sector_bytes = (unsigned)sector;
		else	/* what is missing in the middle would move what comes behind */
			fate->torn.first_bytes =
				fate_roll(fate, ROLL_MISSING) % (total / sector + 1) * sector;
	}
	r->faulted = true;		/* no further piece */
	return torn_next(r);
}

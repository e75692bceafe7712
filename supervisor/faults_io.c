/* SPDX-License-Identifier: MIT */
/*
 * What a fault does to the I/O of a request. Writes are changed before an engine has them, in bounce
 * memory, so that the program's own stays as it is; reads before they are copied out. A request
 * whose memory ends early (r->faulted) is an error of the program: of what is here only made-up
 * results hold for it.
 */
#include "complete.h"
#include "faults_impl.h"

enum { ROLL_BIT = 1000, ROLL_SECTOR = 1 };

static bool finish(struct faults *f, struct request *r, int64_t result)
{
	r->io.result = result;
	r->faulted = true;		/* no further piece */
	r->made_up = true;
	r->fate->ended = true;
	list_add_tail(&f->d->finished, &r->io.node);
	return true;
}

static unsigned char *byte_at(const struct request *r, uint64_t at)
{
	unsigned i = 0;

	for (; at >= r->io.iov[i].iov_len; i++)
		at -= r->io.iov[i].iov_len;
	return (unsigned char *)r->io.iov[i].iov_base + at;
}

/* One in each of so many equal parts, so that no two are the same. */
static void flip_bits(const struct request *r, uint64_t bits, uint64_t bytes)
{
	const uint64_t all = bytes * 8, n = min_u64(bits, all);

	for (uint64_t i = 0; i < n; i++) {
		const uint64_t from = all / n * i, to = i + 1 == n ? all : all / n * (i + 1);
		const uint64_t at = from + fate_roll(r->fate, ROLL_BIT + i) % (to - from);

		*byte_at(r, at / 8) ^= (unsigned char)(1u << at % 8);
	}
}

/* Every byte of one sector of the file becomes another. */
static void spoil_sector(const struct request *r, uint64_t sector, uint64_t bytes)
{
	const uint64_t lead = (uint64_t)r->io.offset % sector;
	const uint64_t n = (lead + bytes + sector - 1) / sector;
	const uint64_t which = fate_roll(r->fate, ROLL_SECTOR) % n;
	const uint64_t from = which ? which * sector - lead : 0;
	const uint64_t to = min_u64((which + 1) * sector - lead, bytes);

	for (uint64_t at = from; at < to; at++)
		*byte_at(r, at) ^= (unsigned char)(fate_roll(r->fate, ROLL_BIT + at) | 1);
}

/* The first `bytes` of the piece in hand. */
static void corrupt(const struct request *r, uint64_t bytes)
{
	const struct fault_rule *rule = r->fate->rule;

	if (!bytes || !r->io.iov_count)
		return;
	if (rule->corrupt_bits)
		flip_bits(r, rule->corrupt_bits, bytes);
	else if (rule->corrupt_sector_bytes)
		spoil_sector(r, rule->corrupt_sector_bytes, bytes);
}

static uint64_t short_bytes(const struct request *r)
{
	const struct fault_rule *rule = r->fate->rule;

	if (!rule->short_percent)
		return min_u64(rule->short_bytes, r->total_bytes);
	return r->total_bytes / 100 * rule->short_percent +
	       r->total_bytes % 100 * rule->short_percent / 100;
}

/* Where an append goes nobody can say beforehand; a pipe has no offsets. */
static void misdirect(struct request *r)
{
	const int64_t by = r->fate->rule->misdirect_bytes;

	if (!r->io.file->seekable || request_appends(r))
		return;
	if (by < 0 && r->io.offset < -by)
		r->io.offset = 0;
	else if (by < 0 || r->io.offset <= INT64_MAX - by)
		r->io.offset += by;
}

static int64_t torn_result(const struct request *r)
{
	const struct fault_rule *rule = r->fate->rule;

	if (rule->torn_end != FAULT_TORN_ERROR)
		return (int64_t)r->total_bytes;
	return rule->actions & FAULT_ERROR ? -rule->error : -EIO;
}

static bool begin_write(struct faults *f, struct request *r)
{
	const struct fault_fate *fate = r->fate;
	bool part = true;

	if (fate_does(fate, FAULT_LOST))
		return finish(f, r, (int64_t)r->total_bytes);
	if (fate_does(fate, FAULT_MISDIRECT))
		misdirect(r);
	if (fate_does(fate, FAULT_CORRUPT))
		corrupt(r, r->io.length_bytes);
	if (fate_does(fate, FAULT_TORN))
		part = torn_begin(r, fate->rule->torn_bytes, torn_result(r));
	else if (fate_does(fate, FAULT_SHORT))
		part = torn_begin(r, short_bytes(r), 0);
	if (part)
		return false;
	if (fate_does(fate, FAULT_TORN) && fate->rule->torn_end == FAULT_TORN_KILL)
		faults_kill(r, fate->rule->signal);
	return finish(f, r, r->fate->torn.result);
}

bool faults_begin(struct faults *f, struct request *r)
{
	struct fault_fate *fate = r->fate;

	fate->begun = true;
	if (fate_does(fate, FAULT_KILL) && !fate->rule->kill_after)
		faults_kill(r, fate->rule->signal);
	if (fate_does(fate, FAULT_ERROR) && !fate_does(fate, FAULT_TORN))
		return finish(f, r, -fate->rule->error);
	if (r->faulted)
		return false;
	switch (r->io.op) {
	case IO_WRITE:
		return r->total_bytes && begin_write(f, r);
	case IO_READ:
		if (fate_does(fate, FAULT_MISDIRECT))
			misdirect(r);
		return false;
	case IO_FSYNC:
	case IO_FDSYNC:
		return fate_does(fate, FAULT_LIE) && finish(f, r, 0);
	case IO_POLL:
		break;
	}
	return false;
}

/* What is behind it in the program's memory stays as it was. */
static void cut(struct request *r)
{
	const uint64_t most = short_bytes(r);

	if (r->io.result < 0 || r->moved_bytes + (uint64_t)r->io.result < most)
		return;
	r->io.result = (int64_t)(most - r->moved_bytes);
	r->faulted = true;
}

static void piece_read(struct request *r)
{
	if (r->faulted || r->by_caller)
		return;
	if (fate_does(r->fate, FAULT_CORRUPT) && !r->moved_bytes && r->io.result > 0)
		corrupt(r, (uint64_t)r->io.result);
	if (fate_does(r->fate, FAULT_SHORT))
		cut(r);
}

static bool part_written(struct faults *f, struct request *r)
{
	const struct fault_rule *rule = r->fate->rule;
	const bool whole = r->io.result == (int64_t)r->io.length_bytes;

	if (whole && torn_next(r)) {
		list_del(&r->io.node);
		request_start(f->d, r);
		return true;
	}
	r->fate->ended = true;
	if (r->io.result < 0 && !r->fate->moved_bytes)
		return false;		/* the file's own error */
	if (rule->actions & FAULT_TORN && rule->torn_end == FAULT_TORN_KILL)
		faults_kill(r, rule->signal);
	r->io.result = rule->actions & FAULT_TORN ? r->fate->torn.result
						  : (int64_t)r->fate->moved_bytes;
	r->made_up = true;
	return false;
}

bool faults_piece_done(struct faults *f, struct request *r)
{
	struct fault_fate *fate = r->fate;
	bool again = false;

	if (r->io.op == IO_READ)
		piece_read(r);
	if (r->io.result > 0 && (r->io.op == IO_READ || r->io.op == IO_WRITE))
		fate->moved_bytes += (uint64_t)r->io.result;
	if (fate->torn.is)
		again = part_written(f, r);
	return again;
}

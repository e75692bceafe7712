/* SPDX-License-Identifier: MIT */
/*
 * Theory. O_DIRECT judges alignment by address, so bounce memory for direct I/O keeps each
 * segment's offset within the page and the number and lengths of segments: its errors are then the
 * kernel's own. For all else one contiguous piece is enough.
 *
 * A request that is larger than its block runs in pieces, one after the other, and stops at the
 * first short one; the result is the sum, or the error if nothing was moved. Buffered I/O is cut
 * small to stay in cache, except appends, which must not be interleaved with those of others.
 */
#include "request.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "creds.h"
#include "rwf.h"

#define PAGE_MASK ((uint64_t)PAGE_BYTES - 1)

struct request *request_create(struct buffers *buffers)
{
	struct request *r = zeroed(sizeof(*r));

	if (!r)
		return NULL;
	list_init(&r->io.node);
	list_init(&r->node);
	list_init(&r->lint_node);
	r->buffers = buffers;
	r->user = &r->user_one;
	r->local = r->local_two;
	r->remote = &r->remote_one;
	return r;
}

void request_destroy(struct request *r)
{
	if (!r)
		return;
	list_del(&r->lint_node);
	key_put(&r->key);
	file_put(r->file);
	file_put(r->resfd);
	creds_unref(r->who);
	free(r->fate);
	buffer_put(r->buffers, r->block, r->block_bytes);
	if (r->user != &r->user_one) {
		free(r->user);
		free(r->local);
		free(r->remote);
	}
	free(r);
}

int request_segments(struct request *r, unsigned n)
{
	assert(r->user == &r->user_one);
	if (n <= 1)
		return 0;
	r->user = calloc(n, sizeof(*r->user));
	r->local = calloc(n + 1, sizeof(*r->local));
	r->remote = calloc(n, sizeof(*r->remote));
	if (r->user && r->local && r->remote)
		return 0;
	free(r->user);
	free(r->local);
	free(r->remote);
	r->user = &r->user_one;
	r->local = r->local_two;
	r->remote = &r->remote_one;
	return -ENOMEM;
}

uint64_t request_asked_bytes(const struct request *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->user_count; i++)
		sum += r->user[i].length_bytes;
	return sum;
}

/* Bounce memory that `bytes` at this address need. */
static uint64_t slot_bytes(const struct request *r, uaddr base, uint64_t bytes)
{
	if (!r->shaped)
		return bytes;
	return ((base & PAGE_MASK) + bytes + PAGE_MASK) & ~PAGE_MASK;
}

static uint64_t needed_bytes(const struct request *r)
{
	uint64_t need = 0;

	for (unsigned i = 0; i < r->user_count; i++)
		need += slot_bytes(r, r->user[i].base, r->user[i].length_bytes);
	return need;
}

/* kiocb_set_rw_flags() of include/linux/fs.h: RWF_NOAPPEND takes what O_APPEND has set away. */
bool request_appends(const struct request *r)
{
	return r->io.rw_flags & RWF_APPEND ||
	       (r->file->open_flags & O_APPEND && !(r->io.rw_flags & RWF_NOAPPEND));
}

static bool in_small_pieces(const struct request *r)
{
	const uint32_t append = RWF_APPEND;

	if (r->io.direct || r->whole || r->file->io.class != FILE_LOCAL)
		return false;
	return r->io.op == IO_READ || !(r->file->open_flags & O_APPEND || r->io.rw_flags & append);
}

static int allocate_block(struct request *r)
{
	uint64_t bytes = min_u64(needed_bytes(r), buffers_largest_bytes(r->buffers));

	if (in_small_pieces(r))
		bytes = min_u64(bytes, REQUEST_INLINE_PIECE_BYTES);
	r->block = buffer_get(r->buffers, bytes);
	if (!r->block)
		return -ENOMEM;
	r->block_bytes = bytes;
	return 0;
}

/* Adds the segment's part from `skip` on to the piece; returns the bytes taken. */
static uint64_t lay_out(struct request *r, const struct uvec *segment, uint64_t skip,
			uint64_t *used, uint64_t limit)
{
	const uaddr base = segment->base + skip;
	const uint64_t lead = r->shaped ? base & PAGE_MASK : 0;
	uint64_t room = r->block_bytes - *used, bytes;

	if (room <= lead)
		return 0;
	bytes = min_u64(min_u64(segment->length_bytes - skip, room - lead), limit);
	if (bytes == 0)
		return 0;
	r->remote[r->remote_count++] = (struct uvec){ base, bytes };
	if (r->shaped || r->local_count == 0)
		r->local[r->local_count++] =
			(struct iovec){ (char *)r->block + *used + lead, bytes };
	else
		r->local[0].iov_len += bytes;
	*used += slot_bytes(r, base, bytes);
	return bytes;
}

static uint64_t lay_out_all(struct request *r)
{
	uint64_t at = 0, used = 0, laid = 0, taken, skip;

	r->local_count = 0;
	r->remote_count = 0;
	for (unsigned i = 0; i < r->user_count; i++) {
		const struct uvec *segment = &r->user[i];

		skip = r->moved_bytes > at ? r->moved_bytes - at : 0;
		at += segment->length_bytes;
		if (skip >= segment->length_bytes)
			continue;
		taken = lay_out(r, segment, skip, &used, r->total_bytes - r->moved_bytes - laid);
		laid += taken;
		if (taken < segment->length_bytes - skip)
			break;
	}
	return laid;
}

static char *last_byte(const struct request *r)
{
	const struct iovec *last = &r->local[r->local_count - 1];

	return (char *)last->iov_base + last->iov_len - 1;
}

/* Nothing else is behind the end of a file in a block but zeros, as a rule. */
enum { NOT_CLEARED = 0x5a };

bool request_tail_cleared(const struct request *r)
{
	return r->all_or_none && r->io.op == IO_READ && !r->faulted && r->io.result > 0 &&
	       (uint64_t)r->io.result < r->io.length_bytes && *last_byte(r) != NOT_CLEARED;
}

int request_next_piece(struct request *r)
{
	if (r->total_bytes && !r->block && allocate_block(r))
		return -ENOMEM;
	r->io.length_bytes = r->total_bytes ? lay_out_all(r) : 0;
	if (r->all_or_none && r->io.op == IO_READ && r->io.length_bytes)
		*last_byte(r) = NOT_CLEARED;
	r->io.iov = r->local;
	r->io.iov_count = r->local_count;
	r->io.done_bytes = 0;
	return 0;
}

bool request_has_more(const struct request *r)
{
	return !r->faulted && r->moved_bytes + r->io.length_bytes < r->total_bytes;
}

/* Nothing is mapped in the first page, and O_DIRECT judges the offset within it. */
static void *nowhere(const struct request *r, uaddr base)
{
	return r->shaped ? (void *)(uintptr_t)(base & PAGE_MASK) : NULL;
}

/* The first `bytes` of the piece are there, the rest of the request is nowhere. */
static void spoil(struct request *r, uint64_t bytes)
{
	const uint64_t missing = r->total_bytes - r->moved_bytes - bytes;
	unsigned i = 0, last = r->local_count;

	for (; i < last && r->local[i].iov_len <= bytes; i++)
		bytes -= r->local[i].iov_len;
	if (bytes) {
		memmove(&r->local[i + 1], &r->local[i], (last++ - i) * sizeof(r->local[0]));
		r->local[i++].iov_len = bytes;
		r->local[i].iov_len -= bytes;
		r->local[i].iov_base = (char *)r->local[i].iov_base + bytes;
	}
	if (!r->shaped) {
		r->local[i].iov_len = missing;
		last = i + 1;
		r->io.length_bytes = r->total_bytes - r->moved_bytes;
	}
	for (; i < last; i++)
		r->local[i].iov_base = nowhere(r, (uaddr)(uintptr_t)r->local[i].iov_base);
	r->io.iov_count = min_u64(last, REQUEST_SEGMENTS_MAX);
}

void request_reaches(struct request *r, uint64_t bytes)
{
	r->faulted = true;
	spoil(r, bytes);
}

int request_copied_in(struct request *r, ssize_t copied)
{
	if (copied == (ssize_t)r->io.length_bytes)
		return 0;
	r->faulted = true;
	if (copied == -ESRCH)
		return -EFAULT;
	spoil(r, copied > 0 ? (uint64_t)copied : 0);
	return 0;
}

bool request_piece_done(struct request *r)
{
	const int64_t result = r->io.result;
	const bool full = result == (int64_t)r->io.length_bytes;

	if (r->io.op != IO_READ && r->io.op != IO_WRITE)
		return true;
	if (result > 0 && full && request_has_more(r)) {
		r->moved_bytes += (uint64_t)result;
		r->io.offset += result;
		return false;
	}
	if (result > 0)
		r->io.result = (int64_t)r->moved_bytes + result;
	else if (r->moved_bytes && !(r->all_or_none && result < 0))
		r->io.result = (int64_t)r->moved_bytes;
	return true;
}

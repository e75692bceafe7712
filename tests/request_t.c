/* SPDX-License-Identifier: MIT */
/* Layout of bounce memory and pieces. If this breaks, data land at the wrong place or a sum is wrong. */
#include "request.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>

#include "unit.h"

enum { KIB = 1024, MIB = 1 << 20 };

static struct buffers *buffers;
static struct file file;

static struct request *create(enum io_op op, enum file_class class, bool direct)
{
	struct request *r;

	if (!buffers)
		buffers = buffers_create(16 * MIB);		/* one block: 4 MiB at most */
	file = (struct file){ .io.class = class, .io.direct = direct };
	r = request_create(buffers);
	ck_assert_ptr_nonnull(r);
	r->file = &file;
	r->io.file = &file.io;
	r->io.op = op;
	r->io.direct = direct;
	r->shaped = direct;
	return r;
}

static void segment(struct request *r, uaddr base, uint64_t bytes)
{
	r->user[r->user_count++] = (struct uvec){ base, bytes };
	r->total_bytes += bytes;
}

static void destroy(struct request *r)
{
	r->file = NULL;
	request_destroy(r);
	ck_assert_uint_eq(buffers_used_bytes(buffers), 0);
}

static void finish(void)
{
	buffers_destroy(buffers);
	buffers = NULL;
	request_destroy(NULL);
}

/* Every byte of the piece has a place here and there, in the same order, inside the block. */
static void check_layout(const struct request *r)
{
	uint64_t here = 0, there = 0;

	for (unsigned i = 0; i < r->local_count; i++) {
		const char *base = r->local[i].iov_base;

		ck_assert(base >= (char *)r->block);
		ck_assert(base + r->local[i].iov_len <= (char *)r->block + r->block_bytes);
		ck_assert(i == 0 || base >= (char *)r->local[i - 1].iov_base + r->local[i - 1].iov_len);
		here += r->local[i].iov_len;
	}
	for (unsigned i = 0; i < r->remote_count; i++)
		there += r->remote[i].length_bytes;
	ck_assert_uint_eq(here, r->io.length_bytes);
	ck_assert_uint_eq(there, r->io.length_bytes);
	ck_assert_ptr_eq(r->io.iov, r->local);
	ck_assert_uint_eq(r->io.iov_count, r->local_count);
	ck_assert_uint_eq(r->io.done_bytes, 0);
}

START_TEST(direct_io_keeps_offsets_and_segments)
{
	static const struct uvec user[] = {
		{ 0x10000 + 512, 1024 }, { 0x20000, 4096 }, { 0x30000 + 1, 4096 }, { 0x40000 + 4095, 2 },
		{ 0x50000 + 8, 100 },
	};
	struct request *r = create(IO_READ, FILE_LOCAL, true);

	ck_assert_int_eq(request_segments(r, ARRAY_SIZE(user)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(user); i++)
		segment(r, user[i].base, user[i].length_bytes);
	ck_assert_int_eq(request_next_piece(r), 0);
	check_layout(r);
	ck_assert_uint_eq(r->io.iov_count, ARRAY_SIZE(user));
	for (size_t i = 0; i < ARRAY_SIZE(user); i++) {
		ck_assert_uint_eq((uintptr_t)r->local[i].iov_base % PAGE_BYTES, user[i].base % PAGE_BYTES);
		ck_assert_uint_eq(r->local[i].iov_len, user[i].length_bytes);
		ck_assert_uint_eq(r->remote[i].base, user[i].base);
	}
	ck_assert(!request_has_more(r));
	destroy(r);
	finish();
}
END_TEST

START_TEST(other_io_is_one_contiguous_piece)
{
	struct request *r = create(IO_WRITE, FILE_PEER, false);

	ck_assert_int_eq(request_segments(r, 3), 0);
	segment(r, 0x10001, 10);
	segment(r, 0x20002, 20);
	segment(r, 0x30003, 30);
	ck_assert_int_eq(request_next_piece(r), 0);
	check_layout(r);
	ck_assert_uint_eq(r->local_count, 1);
	ck_assert_ptr_eq(r->local[0].iov_base, r->block);
	ck_assert_uint_eq(r->remote_count, 3);
	ck_assert_uint_eq(r->io.length_bytes, 60);
	destroy(r);
	finish();
}
END_TEST

START_TEST(nothing_needs_no_memory)
{
	struct request *r = create(IO_WRITE, FILE_LOCAL, false);

	ck_assert_int_eq(request_next_piece(r), 0);
	ck_assert_ptr_null(r->block);
	ck_assert_uint_eq(r->io.length_bytes, 0);
	ck_assert_uint_eq(r->io.iov_count, 0);
	r->io.result = 0;
	ck_assert(request_piece_done(r));
	ck_assert_int_eq(r->io.result, 0);
	destroy(r);
	finish();
}
END_TEST

/* Runs a request whose pieces are all full; every byte must be visited once, in order. */
static unsigned run_pieces(struct request *r)
{
	uint64_t sum = 0;
	const int64_t begin = r->io.offset;
	unsigned pieces = 0, segment_at = 0;
	uint64_t in_segment = 0;
	bool over;

	do {
		ck_assert_int_eq(request_next_piece(r), 0);
		check_layout(r);
		ck_assert_uint_gt(r->io.length_bytes, 0);
		ck_assert_int_eq(r->io.offset, begin + (int64_t)sum);
		for (unsigned i = 0; i < r->remote_count; i++) {
			if (in_segment == r->user[segment_at].length_bytes) {
				segment_at++;
				in_segment = 0;
			}
			ck_assert_uint_eq(r->remote[i].base, r->user[segment_at].base + in_segment);
			in_segment += r->remote[i].length_bytes;
		}
		sum += r->io.length_bytes;
		pieces++;
		r->io.result = (int64_t)r->io.length_bytes;
		ck_assert(request_has_more(r) == (sum < r->total_bytes));
		over = request_piece_done(r);
	} while (!over);
	ck_assert_uint_eq(sum, r->total_bytes);
	ck_assert_int_eq(r->io.result, (int64_t)sum);
	return pieces;
}

START_TEST(large_requests_run_in_pieces)
{
	static const struct {
		enum io_op op;
		enum file_class class;
		bool direct;
		unsigned append;		/* 1: O_APPEND, 2: RWF_APPEND */
		unsigned pieces;		/* of 10 MiB */
	} table[] = {
		{ IO_READ, FILE_LOCAL, false, 0, 40 },
		{ IO_WRITE, FILE_LOCAL, false, 0, 40 },
		{ IO_READ, FILE_LOCAL, false, 1, 40 },
		{ IO_WRITE, FILE_LOCAL, false, 1, 3 },		/* must not be interleaved */
		{ IO_WRITE, FILE_LOCAL, false, 2, 3 },
		{ IO_READ, FILE_PEER, false, 0, 3 },
		{ IO_WRITE, FILE_FOREIGN, false, 0, 3 },
		{ IO_WRITE, FILE_LOCAL, true, 0, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct request *r = create(table[i].op, table[i].class, table[i].direct);
		unsigned pieces;

		file.open_flags = table[i].append == 1 ? O_APPEND : 0;
		r->io.rw_flags = table[i].append == 2 ? RWF_APPEND : 0;
		r->io.offset = 4096;
		segment(r, 0x100000, 10 * MIB);
		pieces = run_pieces(r);
		ck_assert_msg(pieces == table[i].pieces, "row %zu: %u pieces", i, pieces);
		destroy(r);
	}
	finish();
}
END_TEST

START_TEST(pieces_cross_segments)
{
	for (unsigned direct = 0; direct < 2; direct++) {
		struct request *r = create(IO_READ, FILE_LOCAL, direct);

		ck_assert_int_eq(request_segments(r, REQUEST_SEGMENTS_MAX), 0);
		for (unsigned i = 0; i < REQUEST_SEGMENTS_MAX; i++)
			segment(r, 0x100000 * (i + 1ull) + 512 * (i % 8), 512 * (1 + i % 40));
		ck_assert_uint_gt(run_pieces(r), 1);
		destroy(r);
	}
	finish();
}
END_TEST

START_TEST(aligned_segments_stay_aligned_in_later_pieces)
{
	struct request *r = create(IO_WRITE, FILE_LOCAL, true);

	segment(r, 0x100000 + 512, 9 * MIB);
	do {
		ck_assert_int_eq(request_next_piece(r), 0);
		check_layout(r);
		ck_assert_uint_eq(r->io.length_bytes % 512, 0);
		ck_assert_uint_eq((uintptr_t)r->local[0].iov_base % PAGE_BYTES, r->remote[0].base % PAGE_BYTES);
		r->io.result = (int64_t)r->io.length_bytes;
	} while (!request_piece_done(r));
	ck_assert_int_eq(r->io.result, 9 * MIB);
	destroy(r);
	finish();
}
END_TEST

START_TEST(the_first_short_piece_ends_it)
{
	static const struct {
		int64_t second;		/* result of the second piece */
		int64_t whole;
	} table[] = {
		{ 0, 256 * KIB }, { 1, 256 * KIB + 1 }, { 256 * KIB - 1, 512 * KIB - 1 },
		{ -EIO, 256 * KIB }, { -ECANCELED, 256 * KIB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct request *r = create(IO_READ, FILE_LOCAL, false);

		segment(r, 0x100000, MIB);
		ck_assert_int_eq(request_next_piece(r), 0);
		r->io.result = 256 * KIB;
		ck_assert(!request_piece_done(r));
		ck_assert_int_eq(request_next_piece(r), 0);
		r->io.result = table[i].second;
		ck_assert(request_piece_done(r));
		ck_assert_int_eq(r->io.result, table[i].whole);
		destroy(r);
	}
	finish();
}
END_TEST

START_TEST(a_first_piece_that_fails_is_the_result)
{
	struct request *r = create(IO_WRITE, FILE_LOCAL, false);

	segment(r, 0x100000, MIB);
	ck_assert_int_eq(request_next_piece(r), 0);
	r->io.result = -ENOSPC;
	ck_assert(request_piece_done(r));
	ck_assert_int_eq(r->io.result, -ENOSPC);
	destroy(r);
	finish();
}
END_TEST

/* docs/aio-abi.md, 8.fault: O_DIRECT on ext4, xfs, overlay */
START_TEST(an_error_of_all_or_none_is_the_result)
{
	struct request *r = create(IO_READ, FILE_LOCAL, true);

	r->all_or_none = true;
	segment(r, 0x100000, 64 * MIB);
	while (r->moved_bytes == 0) {
		ck_assert_int_eq(request_next_piece(r), 0);
		r->io.result = (int64_t)r->io.length_bytes;
		ck_assert(!request_piece_done(r));
	}
	r->io.result = -EIO;
	ck_assert(request_piece_done(r));
	ck_assert_int_eq(r->io.result, -EIO);
	ck_assert_int_eq(request_copied_in(r, 4096), 0);
	destroy(r);
	finish();
}
END_TEST

START_TEST(a_lower_total_cuts_the_last_piece)
{
	for (unsigned direct = 0; direct < 2; direct++) {
		struct request *r = create(IO_WRITE, FILE_LOCAL, direct);

		ck_assert_int_eq(request_segments(r, 2), 0);
		segment(r, 0x100000, 300 * KIB);
		segment(r, 0x200000, 300 * KIB);
		r->total_bytes = 301 * KIB + 7;		/* RLIMIT_FSIZE */
		while (request_next_piece(r) == 0) {
			check_layout(r);
			r->io.result = (int64_t)r->io.length_bytes;
			if (request_piece_done(r))
				break;
		}
		ck_assert_int_eq(r->io.result, 301 * KIB + 7);
		destroy(r);
	}
	finish();
}
END_TEST

/* What could not be copied in lies nowhere, at the user's offset in the page if that matters. */
START_TEST(a_fault_in_copy_in_leaves_the_rest_nowhere)
{
	for (unsigned direct = 0; direct < 2; direct++) {
		struct request *r = create(IO_WRITE, FILE_LOCAL, direct);
		const unsigned last = direct ? 2 : 1;

		ck_assert_int_eq(request_segments(r, 2), 0);
		segment(r, 0x100000, 100 * KIB);
		segment(r, 0x200200, 800 * KIB);
		ck_assert_int_eq(request_next_piece(r), 0);
		ck_assert(request_has_more(r) == !direct);
		ck_assert_int_eq(request_copied_in(r, 100 * KIB + 10), 0);
		ck_assert_uint_eq(r->io.length_bytes, 900 * KIB);
		ck_assert_uint_eq(r->io.iov_count, last + 1);
		ck_assert_uint_eq(r->io.iov[last - 1].iov_len, direct ? 10 : 100 * KIB + 10);
		ck_assert_uint_eq(r->io.iov[last].iov_len, 800 * KIB - 10);
		ck_assert_uint_eq((uintptr_t)r->io.iov[last].iov_base, direct ? 0x20a : 0);
		ck_assert(!request_has_more(r));
		r->io.result = 100 * KIB + 10;
		ck_assert(request_piece_done(r));
		ck_assert_int_eq(r->io.result, 100 * KIB + 10);
		destroy(r);
	}
	finish();
}
END_TEST

START_TEST(not_a_byte_copied_in_is_judged_by_the_kernel_too)
{
	static const ssize_t none[] = { 0, -EFAULT };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		struct request *r = create(IO_WRITE, FILE_LOCAL, false);

		segment(r, 0x100000, 100);
		ck_assert_int_eq(request_next_piece(r), 0);
		ck_assert_int_eq(request_copied_in(r, none[i]), 0);
		ck_assert(r->faulted);
		ck_assert_uint_eq(r->io.iov_count, 1);
		ck_assert_ptr_null(r->io.iov[0].iov_base);
		ck_assert_uint_eq(r->io.iov[0].iov_len, 100);
		ck_assert_int_eq(request_copied_in(r, -ESRCH), -EFAULT);
		destroy(r);
	}
	finish();
}
END_TEST

START_TEST(no_memory_now_is_said_and_can_be_tried_again)
{
	struct request *r[4], *late;

	for (unsigned i = 0; i < 4; i++) {
		r[i] = create(IO_READ, FILE_PEER, false);
		segment(r[i], 0x100000, 8 * MIB);
		ck_assert_int_eq(request_next_piece(r[i]), 0);
	}
	late = create(IO_READ, FILE_PEER, false);
	segment(late, 0x100000, 1);
	ck_assert_int_eq(request_next_piece(late), -ENOMEM);
	r[0]->file = NULL;
	request_destroy(r[0]);
	ck_assert_int_eq(request_next_piece(late), 0);
	for (unsigned i = 1; i < 4; i++) {
		r[i]->file = NULL;
		request_destroy(r[i]);
	}
	destroy(late);
	finish();
}
END_TEST

UNIT_MAIN("request", direct_io_keeps_offsets_and_segments, other_io_is_one_contiguous_piece,
	  nothing_needs_no_memory, large_requests_run_in_pieces, pieces_cross_segments,
	  aligned_segments_stay_aligned_in_later_pieces, the_first_short_piece_ends_it,
	  a_first_piece_that_fails_is_the_result, an_error_of_all_or_none_is_the_result,
	  a_lower_total_cuts_the_last_piece, a_fault_in_copy_in_leaves_the_rest_nowhere,
	  not_a_byte_copied_in_is_judged_by_the_kernel_too,
	  no_memory_now_is_said_and_can_be_tried_again)

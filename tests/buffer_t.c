/* SPDX-License-Identifier: MIT */
/* Bounce memory and its limit. If this breaks, data of two requests meet, or the limit does not hold. */
#include "buffer.h"

#include <string.h>

#include "unit.h"
#include "util.h"

enum { MIB = 1 << 20 };

START_TEST(blocks_are_aligned_and_apart)
{
	static const size_t sizes[] = { 1, 4096, 4097, 8192, 65536, 65537, 262144, 1000000, MIB };
	struct buffers *b = buffers_create(16 * MIB);
	char *block[2 * ARRAY_SIZE(sizes)];

	for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
		block[i] = buffer_get(b, sizes[i / 2]);
		ck_assert_ptr_nonnull(block[i]);
		ck_assert_uint_eq((uintptr_t)block[i] % PAGE_BYTES, 0);
		memset(block[i], (int)i, sizes[i / 2]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
		for (size_t at = 0; at < sizes[i / 2]; at += 4096)
			ck_assert_int_eq(block[i][at], (char)i);
		ck_assert_int_eq(block[i][sizes[i / 2] - 1], (char)i);
		buffer_put(b, block[i], sizes[i / 2]);
	}
	ck_assert_uint_eq(buffers_used_bytes(b), 0);
	buffers_destroy(b);
}
END_TEST

START_TEST(the_limit_holds_for_what_is_in_use)
{
	static const size_t sizes[] = { 4096, 65536, 131072, MIB / 4 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct buffers *b = buffers_create(MIB);
		const unsigned fit = (unsigned)(MIB / sizes[i]);
		void *block[MIB / 4096];

		for (unsigned n = 0; n < fit; n++) {
			block[n] = buffer_get(b, sizes[i]);
			ck_assert_ptr_nonnull(block[n]);
		}
		ck_assert_uint_eq(buffers_used_bytes(b), MIB);
		ck_assert_ptr_null(buffer_get(b, 1));
		buffer_put(b, block[0], sizes[i]);
		block[0] = buffer_get(b, sizes[i]);
		ck_assert_ptr_nonnull(block[0]);
		for (unsigned n = 0; n < fit; n++)
			buffer_put(b, block[n], sizes[i]);
		buffers_destroy(b);
	}
}
END_TEST

START_TEST(a_block_counts_as_its_whole_class)
{
	struct buffers *b = buffers_create(MIB);
	void *block = buffer_get(b, 65537);

	ck_assert_uint_eq(buffers_used_bytes(b), 131072);
	buffer_put(b, block, 65537);
	ck_assert_uint_eq(buffers_used_bytes(b), 0);
	buffer_put(b, NULL, 4096);
	ck_assert_uint_eq(buffers_used_bytes(b), 0);
	buffers_destroy(b);
	buffers_destroy(NULL);
}
END_TEST

START_TEST(what_is_put_back_is_used_again)
{
	static const size_t sizes[] = { 4096, 65536, 262144 };
	struct buffers *b = buffers_create(MIB);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *block = buffer_get(b, sizes[i]);

		memset(block, 'k', sizes[i]);
		for (unsigned round = 0; round < 20; round++) {
			buffer_put(b, block, sizes[i]);
			ck_assert_ptr_eq(buffer_get(b, sizes[i]), block);
			ck_assert_int_eq(block[sizes[i] - 1], 'k');	/* not mapped anew */
		}
		buffer_put(b, block, sizes[i]);
	}
	buffers_destroy(b);
}
END_TEST

static size_t mapped_bytes(void)
{
	auto_file f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	ck_assert_int_eq(fscanf(f, "%zu", &pages), 1);
	return pages * PAGE_BYTES;
}

/* Kept blocks of one size must never keep another size from being had. */
START_TEST(kept_blocks_make_way)
{
	struct buffers *b = buffers_create(MIB);
	const size_t before = mapped_bytes();
	void *block[8];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 8; i++)
			block[i] = buffer_get(b, 131072);
		for (unsigned i = 0; i < 8; i++)
			buffer_put(b, block[i], 131072);
		block[0] = buffer_get(b, MIB);
		ck_assert_ptr_nonnull(block[0]);
		memset(block[0], 1, MIB);
		ck_assert_uint_le(mapped_bytes(), before + MIB);
		buffer_put(b, block[0], MIB);
	}
	ck_assert_uint_eq(buffers_used_bytes(b), 0);
	buffers_destroy(b);
}
END_TEST

/* After a burst of small requests their memory is the host's again, but for what is kept at hand. */
START_TEST(idle_slabs_are_given_back)
{
	static void *block[2][128 * 1024];
	struct buffers *b = buffers_create(1024ull * MIB);
	const size_t before = mapped_bytes();
	const unsigned count = 64 * MIB / PAGE_BYTES;

	for (unsigned i = 0; i < count; i++) {
		block[0][i] = buffer_get(b, PAGE_BYTES);
		block[1][i] = i % 16 ? NULL : buffer_get(b, 16 * PAGE_BYTES);
	}
	ck_assert_uint_ge(mapped_bytes(), before + 128 * MIB);
	for (unsigned i = 0; i < count; i++) {
		buffer_put(b, block[0][i], PAGE_BYTES);
		buffer_put(b, block[1][i], 16 * PAGE_BYTES);
	}
	ck_assert_uint_le(mapped_bytes(), before + 16 * MIB);
	buffers_destroy(b);
	ck_assert_uint_le(mapped_bytes(), before);
}
END_TEST

START_TEST(one_request_gets_a_quarter_at_most)
{
	static const struct {
		uint64_t limit, largest;
	} known[] = {
		{ MIB, MIB / 4 }, { 256ull * MIB, 64ull * MIB }, { 7ull * MIB, MIB }, { 1, PAGE_BYTES },
		{ 4 * PAGE_BYTES, PAGE_BYTES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct buffers *b = buffers_create(known[i].limit);

		ck_assert_uint_eq(buffers_largest_bytes(b), known[i].largest);
		buffers_destroy(b);
	}
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
	struct buffers *b = buffers_create(UINT64_MAX);

	ck_assert_ptr_null(buffer_get(b, (size_t)1 << 40));
	ck_assert_uint_eq(buffers_used_bytes(b), 0);
	buffers_destroy(b);
}
END_TEST

UNIT_MAIN("buffer", blocks_are_aligned_and_apart, the_limit_holds_for_what_is_in_use,
	  a_block_counts_as_its_whole_class, what_is_put_back_is_used_again, kept_blocks_make_way,
	  idle_slabs_are_given_back,
	  one_request_gets_a_quarter_at_most, absurd_sizes_are_refused)

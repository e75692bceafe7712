/* SPDX-License-Identifier: MIT */
/* Size and bookkeeping of the completion ring. If this breaks, programs that read the ring see nonsense. */
#include "ring.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit.h"
#include "util.h"

static const uint32_t MAGIC = 0xa10a10a1;

static struct ring ring;

/* As a program in the sandbox sees it: by position only (docs/aio-abi.md, 3). */
static volatile uint32_t *word(unsigned offset)
{
	return (volatile uint32_t *)((char *)ring.map + offset);
}

static const struct ring_event *slot(unsigned index)
{
	return (const struct ring_event *)((const char *)ring.map + 32) + index;
}

static void create(uint32_t nr, uint32_t id)
{
	unsigned slots;
	size_t bytes;

	ck_assert_int_eq(ring_size(nr, 2, &slots, &bytes), 0);
	ck_assert_int_eq(ring_create(&ring, slots, bytes, id), 0);
}

static void publish(uint64_t data)
{
	const struct ring_event ev = { .data = data, .obj = ~data, .res = (int64_t)data * 2, .res2 = 0 };

	ring_publish(&ring, &ev);
}

START_TEST(sizes_are_the_kernel_s)
{
	/* measured with 2 possible CPUs: docs/aio-abi.md, 2 */
	static const struct {
		uint32_t first, last;
		unsigned slots, pages;
	} known[] = {
		{ 1, 62, 127, 1 },	{ 63, 126, 255, 2 },	{ 127, 190, 383, 3 },
		{ 191, 254, 511, 4 },	{ 255, 256, 639, 5 },	{ 512, 512, 1151, 9 },
		{ 1000, 1000, 2047, 16 }, { 1024, 1024, 2175, 17 }, { 4096, 4096, 8319, 65 },
		{ 10000, 10000, 20095, 157 }, { 65536, 65536, 131199, 1025 },
		{ 4194304, 4194304, 8388735, 65537 },
		{ 0x80000001, 0x80000001, 127, 1 },	/* 2 * nr wraps to 2 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (uint32_t nr = known[i].first; nr <= known[i].last; nr++) {
			unsigned slots = 0;
			size_t bytes = 0;

			ck_assert_int_eq(ring_size(nr, 2, &slots, &bytes), 0);
			ck_assert_msg(slots == known[i].slots, "nr %u: %u slots", nr, slots);
			ck_assert_uint_eq(bytes, known[i].pages * (size_t)PAGE_BYTES);
		}
	}
}
END_TEST

START_TEST(more_cpus_make_small_rings_larger)
{
	/* 2 * max(nr, 4 * CPUs) + 2 events and the header, in whole pages */
	static const struct {
		uint32_t nr;
		unsigned cpus, slots;
	} known[] = {
		{ 1, 1, 127 }, { 1, 15, 127 }, { 1, 16, 255 }, { 1, 64, 639 }, { 256, 64, 639 }, { 257, 64, 639 },
		{ 1, 8192, 65663 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		unsigned slots = 0;
		size_t bytes = 0;

		ck_assert_int_eq(ring_size(known[i].nr, known[i].cpus, &slots, &bytes), 0);
		ck_assert_msg(slots == known[i].slots, "nr %u on %u CPUs: %u slots", known[i].nr, known[i].cpus,
			      slots);
	}
}
END_TEST

START_TEST(refused_sizes_have_the_kernel_s_error)
{
	static const struct {
		uint32_t nr;
		int err;
	} known[] = {
		{ 4194304, 0 }, { 4194305, -EINVAL }, { 0x7fffffff, -EINVAL }, { 0x80000000, -EAGAIN },
		{ 0x80400000, 0 }, { 0x80400001, -EINVAL }, { 0xffffffff, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		unsigned slots;
		size_t bytes;
		int err = ring_size(known[i].nr, 2, &slots, &bytes);

		ck_assert_msg(err == known[i].err, "nr %u: %d", known[i].nr, err);
	}
}
END_TEST

START_TEST(header_is_the_kernel_s)
{
	static const uint32_t expected[8] = { 7, 127, 0, 0, MAGIC, 1, 0, 32 };

	create(1, 7);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_msg(*word(4 * i) == expected[i], "word %u is %u", i, *word(4 * i));
	for (size_t at = 32; at < ring.map_bytes; at++)
		ck_assert_int_eq(((const char *)ring.map)[at], 0);
	ring_destroy(&ring);
}
END_TEST

START_TEST(entry_and_tail_are_what_a_reader_expects)
{
	create(1, 0);
	publish(21);
	ck_assert_uint_eq(*word(12), 1);
	ck_assert_uint_eq(*word(8), 0);
	ck_assert_uint_eq(slot(0)->data, 21);
	ck_assert_uint_eq(slot(0)->obj, ~(uint64_t)21);
	ck_assert_int_eq(slot(0)->res, 42);
	ck_assert_int_eq(slot(0)->res2, 0);
	ring_destroy(&ring);
}
END_TEST

/* Publishes `count`, takes them in as few pieces as there are, and checks each. */
static void round_trip(uint64_t *next, unsigned count, unsigned pieces)
{
	const struct ring_event *events;
	uint64_t expected = *next;
	unsigned head = ring_head(&ring), got = 0;

	for (unsigned i = 0; i < count; i++)
		publish((*next)++);
	ck_assert_uint_eq(ring_count(&ring, head), count);
	while (got < count) {
		unsigned n = ring_peek(&ring, (head + got) % ring.nr, count - got, &events);

		ck_assert_uint_gt(n, 0);
		for (unsigned i = 0; i < n; i++)
			ck_assert_uint_eq(events[i].data, expected++);
		got += n;
		pieces--;
	}
	ck_assert_uint_eq(pieces, 0);
	ring_consume(&ring, head, count);
	ck_assert_uint_eq(*word(8), (head + count) % ring.nr);
	ck_assert_uint_eq(ring_count(&ring, ring_head(&ring)), 0);
}

START_TEST(events_cross_the_end_in_order)
{
	uint64_t next = 1;

	create(1, 0);
	round_trip(&next, 100, 1);
	round_trip(&next, 27, 1);	/* up to the very end */
	ck_assert_uint_eq(*word(12), 0);
	round_trip(&next, 126, 1);	/* a full ring; the last slot stays free */
	round_trip(&next, 126, 2);
	for (unsigned i = 0; i < 300; i++)
		round_trip(&next, 1, 1);
	ck_assert_uint_lt(*word(12), ring.nr);
	ring_destroy(&ring);
}
END_TEST

START_TEST(peek_gives_no_more_than_asked)
{
	const struct ring_event *events;

	create(1, 0);
	publish(1);
	publish(2);
	ck_assert_uint_eq(ring_peek(&ring, 0, 1, &events), 1);
	ck_assert_uint_eq(ring_peek(&ring, 1, 5, &events), 5);
	ck_assert_uint_eq(events->data, 2);
	ck_assert_uint_eq(ring_peek(&ring, 125, 5, &events), 2);
	ring_destroy(&ring);
}
END_TEST

START_TEST(a_hostile_head_stays_in_the_ring)
{
	static const uint32_t heads[] = { 127, 128, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	const struct ring_event *events;

	create(1, 0);
	publish(1);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		unsigned head, n;

		*word(8) = heads[i];
		head = ring_head(&ring);
		ck_assert_uint_eq(head, heads[i] % 127);
		ck_assert_uint_lt(ring_count(&ring, head), 127);
		n = ring_peek(&ring, head, UINT32_MAX, &events);
		ck_assert_uint_le(head + n, 127);
	}
	ring_destroy(&ring);
}
END_TEST

/* docs/aio-abi.md, 3.tail-stored: io_getevents believes it until the next completion. */
START_TEST(a_stored_tail_is_believed_until_the_next_completion)
{
	static const struct { uint32_t head, tail; bool any; unsigned at, present; } cases[] = {
		{ 1, 5, true, 1, 4 },		{ 5, 5, false, 5, 0 },
		{ 5, 2, true, 5, 124 },		{ 3, 130, true, 3, 0 },
		{ 0xfffffff0, 2, true, 0xfffffff0 % 127, (2 + 127 - 0xfffffff0 % 127) % 127 },
		{ 2, 0xffffffff, true, 2, (0xffffffff % 127 + 127 - 2) % 127 },
	};
	unsigned head, present;

	create(1, 0);
	publish(1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		*word(8) = cases[i].head;
		*word(12) = cases[i].tail;
		ck_assert_int_eq(ring_view(&ring, &head, &present), cases[i].any);
		ck_assert_uint_eq(head, cases[i].at);
		ck_assert_uint_eq(present, cases[i].present);
	}
	publish(2);
	ck_assert_uint_eq(*word(12), 2);
	*word(8) = 1;
	ck_assert_uint_eq(ring_available(&ring), 1);
	*word(8) = 2;
	ck_assert_uint_eq(ring_available(&ring), 127);
	*word(8) = 1000;
	ck_assert_uint_gt(ring_available(&ring), 0xffff0000);
	ring_destroy(&ring);
}
END_TEST

START_TEST(other_fields_are_never_believed)
{
	create(1, 0);
	publish(1);
	memset(ring.map, 0xff, 32);
	*word(8) = 0;
	ck_assert_uint_eq(ring_count(&ring, ring_head(&ring)), 1);
	publish(2);
	ck_assert_uint_eq(*word(12), 2);
	ck_assert_uint_eq(slot(1)->data, 2);
	ring_destroy(&ring);
}
END_TEST

/* Section 4: MADV_REMOVE by the program leaves the contents alone. */
START_TEST(the_file_cannot_be_emptied)
{
	struct stat st;
	int fd;

	create(1, 7);
	publish(1);
	fd = fcntl(ring.memfd, F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(ring_seal(&ring), 0);
	ck_assert_int_eq(ring.memfd, -1);
	ck_assert(fstat(fd, &st) == 0 && st.st_dev == ring.dev && st.st_ino == ring.ino);
	ck_assert_int_eq(madvise(ring.map, ring.map_bytes, MADV_REMOVE), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_uint_eq(*word(0), 7);
	publish(2);
	ck_assert_uint_eq(*word(12), 2);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_ne(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
	close(fd);
	ring_destroy(&ring);
}
END_TEST

START_TEST(the_file_cannot_change_its_size)
{
	create(1, 0);
	ck_assert_int_eq(fcntl(ring.memfd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	ck_assert_int_ne(fcntl(ring.memfd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(ftruncate(ring.memfd, 0), 0);
	ck_assert_int_ne(ftruncate(ring.memfd, (off_t)ring.map_bytes + 4096), 0);
	ring_destroy(&ring);
	ck_assert_int_eq(ring.memfd, -1);
	ring_destroy(&ring);
}
END_TEST

static int create_below(rlim_t limit_bytes, size_t bytes)
{
	struct rlimit old, less;
	int err;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	less = (struct rlimit){ limit_bytes, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &less), 0);
	err = ring_create(&ring, (unsigned)(bytes / 32) - 1, bytes, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	return err;
}

START_TEST(a_limit_on_file_sizes_must_reach_into_the_last_page)
{
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(create_below(4096, 8192), -EFBIG);
	ck_assert_int_eq(ring.memfd, -1);
	ck_assert_int_eq(create_below(0, 4096), -EFBIG);
	for (size_t bytes = 4096; bytes <= 8192; bytes += 4096) {
		char *other;

		ck_assert_int_eq(create_below(bytes - 4095, bytes), 0);
		other = mmap(NULL, bytes, PROT_READ, MAP_SHARED, ring.memfd, 0);
		ck_assert_ptr_ne(other, MAP_FAILED);
		memset(ring.map, 'e', bytes);
		ck_assert(other[0] == 'e' && other[bytes - 1] == 'e');
		munmap(other, bytes);
		ring_destroy(&ring);
	}
}
END_TEST

UNIT_MAIN("ring", sizes_are_the_kernel_s, more_cpus_make_small_rings_larger,
	  refused_sizes_have_the_kernel_s_error, header_is_the_kernel_s,
	  entry_and_tail_are_what_a_reader_expects, events_cross_the_end_in_order,
	  peek_gives_no_more_than_asked, a_hostile_head_stays_in_the_ring, a_stored_tail_is_believed_until_the_next_completion,
	  other_fields_are_never_believed,
	  the_file_cannot_be_emptied, the_file_cannot_change_its_size,
	  a_limit_on_file_sizes_must_reach_into_the_last_page)

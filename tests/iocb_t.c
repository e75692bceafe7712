/* SPDX-License-Identifier: MIT */
/* What io_submit refuses, and what it looks at first. If this breaks, programs get another error than natively. */
#include "iocb.h"

#include <errno.h>
#include <linux/fs.h>
#include <poll.h>

#include "file.h"
#include "request.h"
#include "unit.h"

enum {
	NOAPPEND = 0x20,	/* RWF_*, some of which headers may lack */
	ATOMIC = 0x40,
	DONTCACHE = 0x80,
	NOSIGNAL = 0x100,
	ALL_KNOWN = 0x1ff,

	ALL_CAN = FILE_CAN_READ | FILE_CAN_WRITE | FILE_READ_ITER | FILE_WRITE_ITER | FILE_FSYNC | FILE_NOWAIT,

	BEST_EFFORT = 2 << 13,
	REALTIME = 1 << 13,
};

#define END_OF_USER 0x7ffffffff000ull
#define KERNEL 0xffff800000000000ull

START_TEST(fields_are_checked_whatever_the_opcode)
{
	static const struct {
		struct iocb cb;
		int err;
	} table[] = {
		{ { .aio_lio_opcode = 99 }, 0 },
		{ { .aio_reserved2 = 1 }, -EINVAL },
		{ { .aio_nbytes = INT64_MAX }, 0 },
		{ { .aio_nbytes = 1ull << 63 }, -EINVAL },
		{ { .aio_nbytes = UINT64_MAX, .aio_lio_opcode = IOCB_CMD_FSYNC }, -EINVAL },
		{ { .aio_flags = 0xfffffffc, .aio_key = 7 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		ck_assert_msg(iocb_check_fields(&table[i].cb) == table[i].err, "row %zu", i);
}
END_TEST

START_TEST(seven_opcodes_are_known)
{
	for (unsigned op = 0; op <= UINT16_MAX; op++) {
		const struct iocb cb = { .aio_lio_opcode = (uint16_t)op };
		const bool known = op <= 3 || op == 5 || op == 7 || op == 8;

		ck_assert_msg(iocb_check_opcode(&cb) == (known ? 0 : -EINVAL), "opcode %u", op);
	}
}
END_TEST

struct rw_case {
	uint32_t flags;
	uint32_t rw_flags;
	int16_t reqprio;
	struct iocb_rw facts;
	int err;
};

static void check_rw(const struct rw_case *table, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		struct iocb cb = { .aio_flags = table[i].flags, .aio_reqprio = table[i].reqprio };
		int err;

		cb.aio_rw_flags = (__kernel_rwf_t)table[i].rw_flags;
		err = iocb_check_rw(&cb, &table[i].facts);
		ck_assert_msg(err == table[i].err, "row %zu: %d, not %d", i, err, table[i].err);
	}
}

START_TEST(priorities_are_the_kernel_s)
{
	static const struct iocb_rw plain = { .file_can = ALL_CAN }, root = { .file_can = ALL_CAN,
									      .realtime_allowed = true };
	const struct rw_case table[] = {
		{ 0, 0, (int16_t)(7 << 13), plain, 0 },			/* without the flag it is not looked at */
		{ IOCB_FLAG_IOPRIO, 0, 0, plain, 0 },
		{ IOCB_FLAG_IOPRIO, 0, 1, plain, -EINVAL },
		{ IOCB_FLAG_IOPRIO, 0, REALTIME, plain, -EPERM },
		{ IOCB_FLAG_IOPRIO, 0, REALTIME | 4, root, 0 },
		{ IOCB_FLAG_IOPRIO, 0, BEST_EFFORT | 0x1fff, plain, 0 },
		{ IOCB_FLAG_IOPRIO, 0, 3 << 13, plain, 0 },
		{ IOCB_FLAG_IOPRIO, 0, (int16_t)(4 << 13), root, -EINVAL },
		{ IOCB_FLAG_IOPRIO, 0, -1, root, -EINVAL },
	};
	const struct iocb realtime = { .aio_flags = IOCB_FLAG_IOPRIO, .aio_reqprio = REALTIME };
	const struct iocb other = { .aio_flags = IOCB_FLAG_IOPRIO, .aio_reqprio = BEST_EFFORT };
	const struct iocb unasked = { .aio_reqprio = REALTIME };

	check_rw(table, ARRAY_SIZE(table));
	ck_assert(iocb_wants_realtime(&realtime));
	ck_assert(!iocb_wants_realtime(&other));
	ck_assert(!iocb_wants_realtime(&unasked));
}
END_TEST

START_TEST(flags_depend_on_file_and_direction)
{
	static const struct iocb_rw all = { .file_can = ALL_CAN };
	static const struct iocb_rw write = { .write = true, .file_can = ALL_CAN };
	static const struct iocb_rw waits = { .file_can = ALL_CAN & ~FILE_NOWAIT };
	static const struct iocb_rw atomic = { .write = true, .file_can = ALL_CAN, .atomic = true };
	static const struct iocb_rw atomic_read = { .file_can = ALL_CAN, .atomic = true };
	static const struct iocb_rw dontcache = { .file_can = ALL_CAN, .dontcache = true };
	static const struct iocb_rw grows = { .file_can = ALL_CAN | FILE_ONLY_APPENDS };
	const struct rw_case table[] = {
		{ 0, RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | NOSIGNAL, 0, all, 0 },
		{ 0, NOAPPEND, 0, write, 0 },
		{ 0, RWF_APPEND | NOAPPEND, 0, write, -EINVAL },
		{ 0, NOAPPEND, 0, grows, -EPERM },
		{ 0, NOAPPEND | DONTCACHE, 0, grows, -EOPNOTSUPP },
		{ 0, RWF_APPEND, 0, grows, 0 },
		{ 0, RWF_NOWAIT, 0, all, 0 },
		{ 0, RWF_NOWAIT, 0, waits, -EOPNOTSUPP },
		{ 0, ATOMIC, 0, write, -EOPNOTSUPP },
		{ 0, ATOMIC, 0, atomic_read, -EOPNOTSUPP },
		{ 0, ATOMIC, 0, atomic, 0 },
		{ 0, DONTCACHE, 0, all, -EOPNOTSUPP },
		{ 0, DONTCACHE, 0, dontcache, 0 },
		{ 0, 0x200, 0, all, -EOPNOTSUPP },
		{ 0, 1u << 31, 0, all, -EOPNOTSUPP },
	};

	check_rw(table, ARRAY_SIZE(table));
	for (unsigned bit = 0; bit < 32; bit++) {
		const struct rw_case unknown = { 0, 1u << bit, 0, all, -EOPNOTSUPP };

		if (!(1u << bit & ALL_KNOWN))
			check_rw(&unknown, 1);
	}
}
END_TEST

START_TEST(mode_comes_before_operations)
{
	static const struct iocb_rw to_read = { .file_can = FILE_CAN_WRITE | FILE_READ_ITER };
	static const struct iocb_rw to_write = { .write = true, .file_can = FILE_CAN_READ | FILE_WRITE_ITER };
	static const struct iocb_rw neither = { .file_can = FILE_CAN_WRITE };
	static const struct iocb_rw no_read = { .file_can = FILE_CAN_READ | FILE_WRITE_ITER };
	static const struct iocb_rw no_write = { .write = true, .file_can = FILE_CAN_WRITE | FILE_READ_ITER };
	static const struct iocb_rw ok = { .file_can = FILE_CAN_READ | FILE_READ_ITER };
	const struct rw_case table[] = {
		{ 0, 0, 0, to_read, -EBADF }, { 0, 0, 0, to_write, -EBADF }, { 0, 0, 0, neither, -EBADF },
		{ 0, 0, 0, no_read, -EINVAL }, { 0, 0, 0, no_write, -EINVAL }, { 0, 0, 0, ok, 0 },
	};

	check_rw(table, ARRAY_SIZE(table));
}
END_TEST

/* Two things are wrong: which is told? docs/aio-abi.md, 8, "Proven pairs". */
START_TEST(the_first_wrong_thing_decides)
{
	static const struct iocb_rw wrong_mode = { .file_can = FILE_READ_ITER };
	static const struct iocb_rw good = { .file_can = ALL_CAN };
	const struct rw_case table[] = {
		{ 0, 0x200, 0, wrong_mode, -EOPNOTSUPP },
		{ 0, RWF_APPEND | NOAPPEND, 0, wrong_mode, -EINVAL },
		{ 0, RWF_APPEND | NOAPPEND | 0x200, 0, good, -EOPNOTSUPP },
		{ 0, RWF_NOWAIT, 0, wrong_mode, -EOPNOTSUPP },
		{ 0, RWF_APPEND | NOAPPEND | ATOMIC, 0, good, -EINVAL },
		{ IOCB_FLAG_IOPRIO, 0x200, 1, good, -EINVAL },
		{ IOCB_FLAG_IOPRIO, 0, REALTIME, wrong_mode, -EPERM },
		{ IOCB_FLAG_IOPRIO, 0x200, REALTIME, good, -EPERM },
	};

	check_rw(table, ARRAY_SIZE(table));
}
END_TEST

START_TEST(segments_are_checked_in_two_passes)
{
	/* proven natively: the vectors of one segment too */
	static const struct {
		struct uvec seg[3];
		unsigned count;
		int err;
		uint64_t total;
		unsigned kept;
	} table[] = {
		{ { { 0, 0 } }, 0, 0, 0, 0 },
		{ { { 0, 0 } }, 1, 0, 0, 0 },				/* NULL with length 0 */
		{ { { 4096, 10 }, { 0, 0 }, { 8192, 5 } }, 3, 0, 15, 2 },
		{ { { KERNEL, 0 } }, 1, -EFAULT, 0, 1 },		/* even with length 0 */
		{ { { END_OF_USER, 0 } }, 1, 0, 0, 0 },
		{ { { END_OF_USER + 1, 0 } }, 1, -EFAULT, 0, 1 },
		{ { { END_OF_USER - 1, 1 } }, 1, 0, 1, 1 },
		{ { { END_OF_USER - 1, 2 } }, 1, -EFAULT, 0, 1 },
		{ { { 4096, UINT64_MAX } }, 1, -EINVAL, 0, 1 },
		{ { { KERNEL, 1 }, { 4096, UINT64_MAX } }, 2, -EINVAL, 0, 2 },
		{ { { 4096, 1 }, { UINT64_MAX, 0 } }, 2, -EFAULT, 0, 2 },
		{ { { 4096, 1ull << 62 } }, 1, 0, 0x7ffff000, 1 },	/* one: cut first */
		{ { { 4096, 1ull << 62 }, { 4096, 1 } }, 2, -EFAULT, 0, 2 },
		{ { { 4096, 0x7ffff000 }, { KERNEL, 1 } }, 2, -EFAULT, 0, 2 },
		{ { { 4096, 0x7fffefff }, { 4096, 2 }, { 4096, 2 } }, 3, 0, 0x7ffff000, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct uvec seg[3] = { table[i].seg[0], table[i].seg[1], table[i].seg[2] };
		unsigned count = table[i].count;
		uint64_t total = 0, sum = 0;
		int err = iocb_check_segments(seg, &count, &total, END_OF_USER);

		ck_assert_msg(err == table[i].err, "row %zu: %d", i, err);
		if (err)
			continue;
		ck_assert_msg(total == table[i].total && count == table[i].kept, "row %zu: %llu in %u", i,
			      (unsigned long long)total, count);
		for (unsigned n = 0; n < count; n++)
			sum += seg[n].length_bytes;
		ck_assert_uint_eq(sum, total);
	}
}
END_TEST

START_TEST(ranges_end_below_2_63)
{
	static const struct {
		int64_t offset;
		uint64_t length;
		int err;
	} table[] = {
		{ 0, 0, 0 }, { -1, 0, -EINVAL }, { INT64_MIN, 1, -EINVAL }, { INT64_MAX, 0, 0 },
		{ INT64_MAX, 1, -EINVAL }, { INT64_MAX - 1, 1, 0 }, { 1, INT64_MAX, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		ck_assert_msg(iocb_check_range(table[i].offset, table[i].length) == table[i].err, "row %zu", i);
}
END_TEST

START_TEST(sync_wants_zeros_and_an_operation)
{
	static const struct {
		struct iocb cb;
		unsigned can;
		int err;
	} table[] = {
		{ { .aio_buf = 0 }, FILE_FSYNC, 0 },		/* open mode does not matter */
		{ { .aio_flags = IOCB_FLAG_IOPRIO, .aio_reqprio = -1 }, FILE_FSYNC, 0 },
		{ { .aio_buf = 1 }, FILE_FSYNC, -EINVAL },
		{ { .aio_offset = -1 }, FILE_FSYNC, -EINVAL },
		{ { .aio_nbytes = 1 }, FILE_FSYNC, -EINVAL },
		{ { .aio_rw_flags = RWF_HIPRI }, FILE_FSYNC, -EINVAL },
		{ { .aio_buf = 0 }, ALL_CAN & ~FILE_FSYNC, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		ck_assert_msg(iocb_check_sync(&table[i].cb, table[i].can) == table[i].err, "row %zu", i);
}
END_TEST

START_TEST(poll_wants_16_bits_and_zeros)
{
	static const struct {
		struct iocb cb;
		int err;
	} table[] = {
		{ { .aio_buf = POLLIN }, 0 }, { { .aio_buf = 0 }, 0 }, { { .aio_buf = 0xffff }, 0 },
		{ { .aio_buf = 0x10001 }, -EINVAL }, { { .aio_buf = 1ull << 32 }, -EINVAL },
		{ { .aio_buf = POLLIN, .aio_offset = 1 }, -EINVAL }, { { .aio_nbytes = 1 }, -EINVAL },
		{ { .aio_rw_flags = RWF_NOWAIT }, -EINVAL },
		{ { .aio_flags = IOCB_FLAG_IOPRIO, .aio_reqprio = -1 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		ck_assert_msg(iocb_check_poll(&table[i].cb) == table[i].err, "row %zu", i);
}
END_TEST

UNIT_MAIN("iocb", fields_are_checked_whatever_the_opcode, seven_opcodes_are_known, priorities_are_the_kernel_s,
	  flags_depend_on_file_and_direction, mode_comes_before_operations, the_first_wrong_thing_decides,
	  segments_are_checked_in_two_passes, ranges_end_below_2_63, sync_wants_zeros_and_an_operation,
	  poll_wants_16_bits_and_zeros)

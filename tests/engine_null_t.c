/* SPDX-License-Identifier: MIT */
/*
 * The engine that does no I/O. If this breaks, it measures the storage too, writes where nothing should
 * be written, or shows a program what another one has left in a buffer.
 */
#include "engine.h"

#include <poll.h>
#include <string.h>

#include "unit.h"
#include "util.h"

/* Whatever touched it would get EBADF. */
static struct io_file file = { .fd = 1 << 20, .class = FILE_LOCAL, .lane = (struct lane *)&file };
static unsigned polls;

static enum engine_answer take_poll(struct engine *e, struct io *io)
{
	ck_assert_int_eq(io->op, IO_POLL);
	polls++;
	return ENGINE_QUEUED;
}

static int cancel_poll(struct engine *e, struct io *io)
{
	return io->op == IO_POLL ? 0 : -ENOENT;
}

static void close_below(struct engine *e)
{
	polls = 0;
}

static const struct engine_ops below_ops = {
	.name = "below", .submit = take_poll, .cancel = cancel_poll, .close = close_below,
};
static struct engine below = { .ops = &below_ops };

static struct io io_of(enum io_op op, struct iovec *iov, unsigned count)
{
	struct io io = { .op = op, .file = &file, .iov = iov, .iov_count = count, .result = INT64_MIN };

	for (unsigned i = 0; i < count; i++)
		io.length_bytes += iov[i].iov_len;
	return io;
}

static enum engine_answer submit(struct engine *e, struct io *io)
{
	list_init(&io->node);
	return engine_submit(e, io);
}

START_TEST(everything_is_done_in_full_at_once)
{
	struct engine *e = engine_null_open(&below);
	char data[] = "abcdefgh";
	struct iovec iov[] = { { data, 3 }, { data + 3, 0 }, { data + 3, 5 } };
	const enum io_op ops[] = { IO_WRITE, IO_READ, IO_FSYNC, IO_FDSYNC };

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		const bool transfer = ops[i] == IO_READ || ops[i] == IO_WRITE;
		struct io io = io_of(ops[i], iov, transfer ? 3 : 0);

		ck_assert_int_eq(submit(e, &io), ENGINE_DONE);
		ck_assert_int_eq(io.result, transfer ? 8 : 0);
		ck_assert(!io.started_ns && !io.done_ns);
		ck_assert_int_eq(engine_cancel(e, &io), -ENOENT);
	}
	engine_close(e);
}
END_TEST

START_TEST(a_read_gives_zeros_and_a_write_keeps_its_data)
{
	struct engine *e = engine_null_open(&below);
	char data[] = "abcdefgh";
	struct iovec iov[] = { { data, 3 }, { data + 5, 2 } };
	struct io write = io_of(IO_WRITE, iov, 2), read = io_of(IO_READ, iov, 2);

	ck_assert_int_eq(submit(e, &write), ENGINE_DONE);
	ck_assert_str_eq(data, "abcdefgh");
	ck_assert_int_eq(submit(e, &read), ENGINE_DONE);
	ck_assert_mem_eq(data, "\0\0\0de\0\0h", 9);
	engine_close(e);
}
END_TEST

START_TEST(a_poll_is_passed_on)
{
	struct engine *e = engine_null_open(&below);
	struct io io = io_of(IO_POLL, NULL, 0);

	io.poll_events = POLLIN | POLLERR | POLLHUP;
	ck_assert_int_eq(submit(e, &io), ENGINE_QUEUED);
	ck_assert_uint_eq(polls, 1);
	ck_assert_int_eq(engine_cancel(e, &io), 0);
	engine_close(e);
	ck_assert_uint_eq(polls, 0);
}
END_TEST

START_TEST(stamps_are_taken_when_asked_for)
{
	struct engine *e = engine_null_open(&below);
	struct io io = io_of(IO_FSYNC, NULL, 0);
	const uint64_t before = now_ns();

	e->stamps = true;
	ck_assert_int_eq(submit(e, &io), ENGINE_DONE);
	ck_assert_uint_ge(io.started_ns, before);
	ck_assert_uint_ge(io.done_ns, io.started_ns);
	ck_assert_uint_ge(now_ns(), io.done_ns);
	engine_close(e);
}
END_TEST

UNIT_MAIN("engine_null", everything_is_done_in_full_at_once,
	  a_read_gives_zeros_and_a_write_keeps_its_data, a_poll_is_passed_on,
	  stamps_are_taken_when_asked_for)

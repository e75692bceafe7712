/* SPDX-License-Identifier: MIT */
/* What only the thread engine does: files that block without limit. If this breaks, they block for ever. */
#include <poll.h>
#include <sys/uio.h>

#include "engine_rig.h"

static struct io_file pipe_file(int fd, enum file_class class)
{
	struct io_file file = file_of(fd);

	file.class = class;
	file.seekable = false;
	return file;
}

START_TEST(a_peer_is_waited_for_and_can_be_cancelled)
{
	enum { PIPE_READS = 6 };	/* more than the lane has threads */
	struct io ios[PIPE_READS];
	char c[PIPE_READS];
	struct iovec iovs[PIPE_READS];
	int ends[2];

	ck_assert(open_engine(0));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);

	struct io_file file = pipe_file(ends[0], FILE_PEER);

	for (unsigned i = 0; i < PIPE_READS; i++) {
		iovs[i] = (struct iovec){ &c[i], 1 };
		ios[i] = io_of(IO_READ, &file, &iovs[i], 1, 4096);
		ck_assert_int_eq(submit(&ios[i]), ENGINE_QUEUED);
	}
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	run_until(1);
	for (unsigned i = 0; i < PIPE_READS; i++)
		ck_assert_int_eq(engine_cancel(engine, &ios[i]), ios[i].result == 1 ? -ENOENT : 0);
	run_until(PIPE_READS);
	for (unsigned i = 0; i < PIPE_READS; i++)
		ck_assert(ios[i].result == 1 || ios[i].result == -ECANCELED);
	close(ends[0]);
	close(ends[1]);
	close_engine();
}
END_TEST

START_TEST(a_poll_that_may_block_is_for_threads)
{
	ck_assert(open_engine(0));

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	struct io io = io_of(IO_POLL, &file, NULL, 0, 0);

	io.poll_events = POLLIN;
	ck_assert_int_eq(do_io(io), POLLIN);
	close_engine();
}
END_TEST

static void cancel_last(void *arg)
{
	struct io *io = arg;

	if (io->result == INT64_MIN)
		ck_assert_int_eq(engine_cancel(engine, io), 0);
}

/* All threads wait for a pipe that stays empty, so nothing else makes the loop turn. */
START_TEST(a_cancel_from_a_hook_is_not_slept_over)
{
	enum { READS = 5 };		/* one more than the lane has threads */
	struct io ios[READS];
	char c;
	struct iovec iov = { &c, 1 };
	int ends[2];

	ck_assert(open_engine(0));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);

	struct io_file file = pipe_file(ends[0], FILE_PEER);

	for (unsigned i = 0; i < READS; i++) {
		ios[i] = io_of(IO_READ, &file, &iov, 1, 0);
		ck_assert_int_eq(submit(&ios[i]), ENGINE_QUEUED);
	}
	ck_assert_int_eq(loop_each_turn(loop, cancel_last, &ios[READS - 1]), 0);
	run_until(1);
	ck_assert_int_eq(ios[READS - 1].result, -ECANCELED);
	loop_each_turn_end(loop, cancel_last, &ios[READS - 1]);
	close(ends[1]);
	run_until(READS);
	ck_assert_int_eq(ios[0].result, 0);
	close(ends[0]);
	close_engine();
}
END_TEST

/* A pipe plays a slow disk. When it is readable, the write of more than it holds is in the kernel. */
START_TEST(running_storage_is_not_interrupted)
{
	enum { BYTES = 1 << 20 };
	static char data[BYTES], sink[BYTES];
	struct iovec iov = { data, BYTES };
	size_t got = 0;
	int ends[2];

	ck_assert(open_engine(0));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);

	struct io_file file = pipe_file(ends[1], FILE_FOREIGN);
	struct io io = io_of(IO_WRITE, &file, &iov, 1, 0);
	struct pollfd p = { .fd = ends[0], .events = POLLIN };

	ck_assert_int_eq(submit(&io), ENGINE_QUEUED);
	ck_assert_int_eq(poll(&p, 1, -1), 1);
	ck_assert_int_eq(engine_cancel(engine, &io), -ENOENT);
	while (got < BYTES && poll(&p, 1, 1000) == 1)
		got += (size_t)read(ends[0], sink, BYTES);
	run_until(1);
	ck_assert_int_eq(io.result, BYTES);
	close(ends[0]);
	close(ends[1]);
	close_engine();
}
END_TEST

/* As in the kernel, which has nothing to wait for; but not before a write that may make it untrue. */
START_TEST(a_direct_read_without_a_block_is_done_at_once)
{
	enum { BYTES = 4096 };
	static _Alignas(BYTES) char data[2][BYTES];
	struct iovec to = { data[0], BYTES }, from = { data[1], BYTES };

	ck_assert(open_engine(0));

	auto_fd fd = scratch_file(0);
	struct io_file file = file_of(fd);
	struct io hole = io_of(IO_READ, &file, &to, 1, BYTES);
	struct io write = io_of(IO_WRITE, &file, &from, 1, 0);
	struct io end = io_of(IO_READ, &file, &to, 1, 3 * BYTES);

	hole.direct = write.direct = end.direct = true;
	memset(data, 1, sizeof(data));
	ck_assert_int_eq(ftruncate(fd, 3 * BYTES), 0);
	if (fcntl(fd, F_SETFL, O_DIRECT) || preadv2(fd, &to, 1, 0, RWF_NOWAIT) != BYTES) {
		close_engine();
		return;	/* not on this file system: the read is queued */
	}
	ck_assert_int_eq(submit(&hole), ENGINE_DONE);
	ck_assert_int_eq(hole.result, BYTES);
	ck_assert_int_eq(data[0][0] | data[0][BYTES - 1], 0);
	ck_assert_int_eq(submit(&end), ENGINE_DONE);
	ck_assert_int_eq(end.result, 0);

	ck_assert_int_eq(submit(&write), ENGINE_QUEUED);
	hole.offset = 0;
	ck_assert_int_eq(submit(&hole), ENGINE_QUEUED);
	run_until(2);
	ck_assert_int_eq(submit(&hole), ENGINE_QUEUED);
	run_until(3);
	ck_assert_int_eq(data[0][0] & data[0][BYTES - 1], 1);
	close_engine();
}
END_TEST

UNIT_MAIN("engine_threads", a_peer_is_waited_for_and_can_be_cancelled,
	  a_poll_that_may_block_is_for_threads, a_cancel_from_a_hook_is_not_slept_over,
	  running_storage_is_not_interrupted, a_direct_read_without_a_block_is_done_at_once)

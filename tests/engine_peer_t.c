/* SPDX-License-Identifier: MIT */
/*
 * Transfers from and to peers. If this breaks, a program hangs, a full pipe shortens a write, or a
 * result is not the kernel's.
 */
#include "peer_rig.h"

#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/eventfd.h>

START_TEST(a_read_that_needs_no_waiting_is_done_at_once)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "now");
	set_job(&j, IO_READ, p[0], 100);
	ck_assert_int_eq(result_now(&j), 3);
	ck_text(&j, "now");
	close_fd(&p[1]);
	set_job(&j, IO_READ, p[0], 100);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_read_of_an_empty_pipe_waits_and_returns_what_there_is)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 100);
	submit(&j, ENGINE_QUEUED);
	put(p[1], "late");
	ck_assert_uint_eq(j.done_as, 0);
	wait_done(1);
	result_of(&j);
	ck_text(&j, "late");
	close_two(p);
	close_all();
}
END_TEST

START_TEST(what_must_not_wait_says_again)
{
	struct job waits, j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	set_job(&waits, IO_READ, p[0], 8);
	submit(&waits, ENGINE_QUEUED);
	put(p[1], "for the first");
	set_job(&j, IO_READ, p[0], 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	wait_done(1);
	ck_assert_int_eq(result_of(&waits), 8);
	set_nonblock(p[0]);
	set_job(&j, IO_READ, p[0], 8);
	ck_assert_int_eq(result_now(&j), 5);
	set_job(&j, IO_READ, p[0], 8);
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	close_two(p);
	close_all();
}
END_TEST

static void check_long_write(int from, int to)
{
	static struct job j;
	static char got[LONG_BYTES + 1];
	struct iovec parts[40];

	set_job(&j, IO_WRITE, to, LONG_BYTES);
	fill(j.data, LONG_BYTES);
	for (unsigned i = 0; i < 40; i++)
		parts[i] = (struct iovec){ j.data + 250 * i, 250 };
	j.io.iov = parts;
	j.io.iov_count = 40;
	put(to, "x");
	submit(&j, ENGINE_QUEUED);
	drain(from, got, LONG_BYTES + 1);
	wait_job(&j);
	ck_assert_int_eq(result_of(&j), LONG_BYTES);
	ck_assert_int_eq(got[0], 'x');
	ck_assert_int_eq(memcmp(got + 1, j.data, LONG_BYTES), 0);
}

START_TEST(a_blocking_write_goes_on_until_all_is_written)
{
	int p[2], fifo, size = 2000;

	open_all();
	open_pipe(p);
	check_long_write(p[0], p[1]);
	close_two(p);
	fifo = open_fifo();
	check_long_write(fifo, fifo);
	close_fd(&fifo);
	open_sockets(SOCK_STREAM, p);
	setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	check_long_write(p[0], p[1]);
	close_two(p);
	close_all();
}
END_TEST

/* No change comes any more once there is room for all: the rest must not wait for one. */
START_TEST(a_long_vector_needs_one_readiness_only)
{
	enum { PARTS = 40 };
	static char room[1 << 16];
	struct iovec parts[PARTS];
	struct job j;
	int p[2];

	open_all();
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(write(p[1], room, sizeof(room)), sizeof(room));
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	for (unsigned i = 0; i < PARTS; i++)
		parts[i] = (struct iovec){ j.data + i * (LONG_BYTES / PARTS), LONG_BYTES / PARTS };
	j.io.iov = parts;
	j.io.iov_count = PARTS;
	j.io.done_bytes = 250;	/* a part of it is done: goes on by pieces of the vector */
	submit(&j, ENGINE_QUEUED);
	ck_assert_int_eq(read(p[0], room, sizeof(room)), sizeof(room));
	wait_done(1);
	ck_assert_int_eq(result_of(&j), LONG_BYTES);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_write_without_a_reader_gets_epipe)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	close_fd(&p[0]);
	set_job(&j, IO_WRITE, p[1], 10);
	ck_assert_int_eq(result_now(&j), -EPIPE);
	close_two(p);
	make_fifo((int[]){ O_RDONLY, O_WRONLY }, p, 2);
	close_fd(&p[0]);
	set_job(&j, IO_WRITE, p[1], 10);
	ck_assert_int_eq(result_now(&j), -EPIPE);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(an_error_after_some_bytes_is_a_short_count)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	submit(&j, ENGINE_QUEUED);
	close_fd(&p[0]);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), PIPE_BYTES);
	close_two(p);
	open_pipe(p);
	set_nonblock(p[1]);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	ck_assert_int_eq(result_now(&j), PIPE_BYTES);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(the_end_of_a_stream_is_a_read_of_nothing)
{
	struct job j;
	int s[2];

	open_all();
	open_sockets(SOCK_STREAM, s);
	set_job(&j, IO_READ, s[0], 4);
	submit(&j, ENGINE_QUEUED);
	close_fd(&s[1]);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), 0);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(nothing_is_asked_of_the_file_too)
{
	struct job j;
	int s[2], e = eventfd(0, EFD_CLOEXEC);
	char c;

	open_all();
	open_sockets(SOCK_DGRAM, s);
	set_job(&j, IO_WRITE, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	ck_assert_int_eq(recv(s[1], &c, 1, MSG_DONTWAIT), 0);
	set_job(&j, IO_READ, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(s);
	set_job(&j, IO_READ, e, 0);
	ck_assert_int_eq(result_now(&j), -EINVAL);
	close_fd(&e);
	open_pipe(s);
	set_job(&j, IO_READ, s[0], 0);
	ck_assert_int_eq(result_now(&j), 0);
	close_two(s);
	close_all();
}
END_TEST

/* A transmit time stamp keeps a socket in error for poll(2), not for reads. */
START_TEST(an_error_that_a_read_does_not_get_does_not_spin)
{
	const int stamp = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct pollfd error = { .events = 0 };
	socklen_t size = sizeof(to);
	struct job in, slow;
	int from, sink, p[2];

	open_all();
	from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(sink, (struct sockaddr *)&to, size), 0);
	ck_assert_int_eq(getsockname(sink, (struct sockaddr *)&to, &size), 0);
	ck_assert_int_eq(connect(from, (struct sockaddr *)&to, size), 0);
	ck_assert_int_eq(setsockopt(from, SOL_SOCKET, SO_TIMESTAMPING, &stamp, sizeof(stamp)), 0);
	put(from, "x");
	error.fd = from;
	ck_assert_int_eq(poll(&error, 1, 1000), 1);
	set_job(&in, IO_READ, from, 8);
	submit(&in, ENGINE_QUEUED);
	open_sockets(SOCK_STREAM, p);
	ck_assert_int_eq(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_usec = 50000 },
				    sizeof(struct timeval)), 0);
	set_job(&slow, IO_READ, p[0], 8);
	submit(&slow, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_uint_ne(slow.done_as, 0);
	ck_assert_uint_lt(turns, 20);
	cancel(&in);
	wait_done(2);
	end_job(&in);
	end_job(&slow);
	close_fd(&from);
	close_fd(&sink);
	close_two(p);
	close_all();
}
END_TEST

/* --submit=kernel breaks such a write off: it reports what the reader can read. */
START_TEST(a_cancelled_write_tells_what_it_has_written)
{
	struct job out;
	int p[2];

	open_all();
	open_pipe(p);
	ck_assert_int_eq(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
	set_job(&out, IO_WRITE, p[1], LONG_BYTES);
	submit(&out, ENGINE_QUEUED);
	cancel(&out);
	wait_done(1);
	ck_assert_int_eq(result_of(&out), 4096);
	end_job(&out);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(an_engine_that_cannot_be_opened_leaves_nothing)
{
	loop = loop_create();
	workers = workers_create(loop, 1);
	deny(SYS_epoll_create1, EMFILE);
	ck_assert_ptr_null(engine_peer_open(loop, workers, &below, on_done, NULL));
	ck_assert_int_eq(errno, EMFILE);
	workers_destroy(workers);
	loop_destroy(loop);
}
END_TEST

START_TEST(the_rest_is_passed_on)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_READ, p[0], 4);
	j.file.class = FILE_LOCAL;
	ck_assert_int_eq(engine_cancel(engine, &j.io), -ENOENT);
	ck_assert_int_eq(result_now(&j), 0);
	set_job(&j, IO_FSYNC, p[0], 0);
	ck_assert_int_eq(engine_cancel(engine, &j.io), -ENOENT);
	ck_assert_int_eq(result_now(&j), 0);
	ck_assert_uint_eq(passed_on, 2);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(stamps_are_taken_when_asked_for)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "x");
	set_job(&j, IO_READ, p[0], 1);
	result_now(&j);
	ck_assert_uint_eq(j.io.started_ns, 0);
	engine->stamps = true;
	put(p[1], "x");
	set_job(&j, IO_READ, p[0], 1);
	result_now(&j);
	ck_assert_uint_gt(j.io.done_ns, 0);
	set_job(&j, IO_READ, p[0], 1);
	submit(&j, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(1);
	result_of(&j);
	ck_assert_uint_gt(j.io.started_ns, 0);
	ck_assert_uint_le(j.io.started_ns, j.io.done_ns);
	close_two(p);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_peer");
	TCase *c = tcase_create("transfers");

	tcase_set_timeout(c, 20);
	tcase_add_test(c, a_read_that_needs_no_waiting_is_done_at_once);
	tcase_add_test(c, a_read_of_an_empty_pipe_waits_and_returns_what_there_is);
	tcase_add_test(c, what_must_not_wait_says_again);
	tcase_add_test(c, a_blocking_write_goes_on_until_all_is_written);
	tcase_add_test(c, a_long_vector_needs_one_readiness_only);
	tcase_add_test(c, a_write_without_a_reader_gets_epipe);
	tcase_add_test(c, an_error_after_some_bytes_is_a_short_count);
	tcase_add_test(c, the_end_of_a_stream_is_a_read_of_nothing);
	tcase_add_test(c, nothing_is_asked_of_the_file_too);
	tcase_add_test(c, an_error_that_a_read_does_not_get_does_not_spin);
	tcase_add_test(c, a_cancelled_write_tells_what_it_has_written);
	tcase_add_test(c, an_engine_that_cannot_be_opened_leaves_nothing);
	tcase_add_test(c, the_rest_is_passed_on);
	tcase_add_test(c, stamps_are_taken_when_asked_for);
	suite_add_tcase(s, c);
	return unit_run(s);
}

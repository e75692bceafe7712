/* SPDX-License-Identifier: MIT */
/* Polls. If this breaks, a program misses a wake-up or is told what the kernel would not tell. */
#include "peer_rig.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

#include "hostaio.h"

static bool host_is_missing(void)
{
	struct hostaio *h = hostaio_create(loop, 1, NULL, NULL, NULL);

	hostaio_destroy(h);
	return !h;
}

static int64_t poll_now(int fd, unsigned events)
{
	struct job j;

	set_poll(&j, fd, events);
	return result_now(&j);
}

/* docs/aio-abi.md, 10 */
START_TEST(a_ready_poll_is_done_at_once)
{
	int p[2], m = memfd_create("regular", MFD_CLOEXEC);
	struct job j;

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	put(p[1], "x");
	ck_assert_int_eq(poll_now(p[0], POLLIN), POLLIN);
	ck_assert_int_eq(poll_now(p[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	ck_assert_int_eq(poll_now(p[0], 0xffff), POLLIN | POLLRDNORM);
	close_fd(&p[1]);
	ck_assert_int_eq(poll_now(p[0], 0), POLLHUP);
	ck_assert_int_eq(poll_now(m, POLLIN), POLLIN);
	ck_assert_int_eq(poll_now(m, 0xffff), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	set_poll(&j, m, POLLPRI);
	ck_assert_int_eq(result_now(&j), -EINVAL);
	ck_assert(j.io.refused);
	close_two(p);
	close_fd(&m);
	close_all();
}
END_TEST

START_TEST(a_poll_by_the_host_has_the_raw_key)
{
	struct job in, out, sock;
	int p[2], s[2], t[2];

	open_all();
	if (host_is_missing())
		return;
	ck_assert_uint_eq(engine_peer_host_polls(engine), 0);
	open_pipe(p);
	open_sockets(SOCK_STREAM, s);
	open_tty(t, false, 0);
	set_poll(&in, p[0], POLLIN);
	set_poll(&sock, s[0], POLLPRI);
	submit(&in, ENGINE_QUEUED);
	submit(&sock, ENGINE_QUEUED);
	ck_assert_uint_gt(engine_peer_host_polls(engine), 0);
	put(p[1], "x");
	put(s[1], "x");
	wait_done(2);
	ck_assert_int_eq(result_of(&in), POLLIN | POLLRDNORM);
	ck_assert_int_eq(result_of(&sock), 0xc3);
	set_nonblock(p[1]);
	while (write(p[1], "x", 1) == 1)
		;
	set_poll(&out, p[1], POLLOUT);
	submit(&out, ENGINE_QUEUED);
	ck_assert_int_gt(read(p[0], in.data, LONG_BYTES), 0);
	wait_done(3);
	ck_assert_int_eq(result_of(&out), POLLOUT | POLLWRNORM);
	ck_assert_int_eq(poll_now(t[1], POLLIN), -EINVAL);
	ck_assert_int_eq(poll_now(t[1], POLLOUT), POLLOUT);
	close_two(p);
	close_two(s);
	close_two(t);
	close_all();
}
END_TEST

START_TEST(a_poll_without_the_host_is_masked)
{
	struct job in, hup;
	int p[2];

	if (_i)
		deny(SYS_io_setup, ENOSYS);
	open_without(_i ? 0 : PEER_NO_HOST_AIO);
	open_pipe(p);
	set_poll(&in, p[0], POLLIN);
	set_poll(&hup, p[0], 0);
	submit(&in, ENGINE_QUEUED);
	submit(&hup, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(1);
	ck_assert_int_eq(result_of(&in), POLLIN);
	close_fd(&p[1]);
	wait_done(2);
	ck_assert_int_eq(result_of(&hup), POLLHUP);
	close_two(p);
	close_all();
}
END_TEST

/* Trap 15, whoever does the polls */
START_TEST(what_has_two_wait_queues_is_refused_unless_ready)
{
	int fifo, t[2];

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	fifo = open_fifo();
	open_tty(t, false, 0);
	ck_assert_int_eq(poll_now(fifo, POLLIN), -EINVAL);
	ck_assert_int_eq(poll_now(fifo, POLLIN | POLLOUT), POLLOUT);
	ck_assert_int_eq(poll_now(t[0], POLLIN), -EINVAL);
	ck_assert_int_eq(poll_now(t[1], 0), -EINVAL);
	ck_assert_int_eq(poll_now(t[1], POLLOUT), POLLOUT);
	close_fd(&fifo);
	close_two(t);
	close_all();
}
END_TEST

START_TEST(two_polls_of_one_file_are_told_what_each_asked_for)
{
	struct job a, b;
	int p[2];

	open_without(PEER_NO_HOST_AIO);
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	set_poll(&b, p[0], POLLIN | POLLRDNORM);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(2);
	ck_assert_int_eq(result_of(&a), POLLIN);
	ck_assert_int_eq(result_of(&b), POLLIN | POLLRDNORM);
	end_job(&a);
	end_job(&b);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(two_polls_of_one_file_are_told_newest_first)
{
	struct job a, b;
	int p[2];

	open_without(_i & 1 ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	set_poll(&b, p[0], POLLIN);
	if (_i & 2)
		b.io.file = &a.file;
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(p[1], "x");
	wait_done(2);
	ck_assert_uint_eq(b.done_as, 1);
	ck_assert_uint_eq(a.done_as, 2);
	end_job(&a);
	end_job(&b);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_poll_has_no_events)
{
	struct job a, b;
	int p[2];

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	set_poll(&b, p[0], POLLIN);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	cancel(&a);
	wait_done(1);
	ck_assert_int_eq(result_of(&a), 0);
	put(p[1], "x");
	wait_done(2);
	ck_assert_int_eq(result_of(&b) & POLLIN, POLLIN);
	close_two(p);
	close_all();
}
END_TEST

/* What a harvest finds beside the poll just submitted is told from the loop. */
START_TEST(a_poll_finished_meanwhile_is_not_told_inside_submit)
{
	struct job a, b;
	int p[2];

	open_all();
	open_pipe(p);
	set_poll(&a, p[0], POLLIN);
	submit(&a, ENGINE_QUEUED);
	put(p[1], "x");
	set_poll(&b, p[0], POLLIN);
	ck_assert_int_eq(result_now(&b), POLLIN);
	ck_assert_uint_eq(done_count, 0);
	cancel(&a);
	wait_done(1);
	ck_assert_int_eq(result_of(&a) & POLLIN, POLLIN);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(more_polls_than_the_host_takes_are_taken)
{
	enum { POLLS = HOSTAIO_POLLS + 3 };
	static struct job j[POLLS];
	int e = eventfd(0, EFD_CLOEXEC);

	open_all();
	for (unsigned i = 0; i < POLLS; i++) {
		set_poll(&j[i], e, POLLIN);
		end_job(&j[i]);
		j[i].file.fd = e;
		submit(&j[i], ENGINE_QUEUED);
	}
	ck_assert_int_eq(eventfd_write(e, 1), 0);
	wait_done(POLLS);
	for (unsigned i = 0; i < POLLS; i++)
		ck_assert_int_eq(j[i].io.result, POLLIN);
	close_fd(&e);
	close_all();
}
END_TEST

/* Ordinary data wake epoll for the urgent kind too; the loop must sleep on all the same. */
START_TEST(what_a_wait_cannot_use_does_not_spin)
{
	enum { ROUNDS = 10 };
	struct job watch, in;
	int s[2];

	open_without(PEER_NO_HOST_AIO);
	open_sockets(SOCK_STREAM, s);
	set_poll(&watch, s[0], POLLPRI);
	submit(&watch, ENGINE_QUEUED);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		put(s[1], "ordinary");
		set_job(&in, IO_READ, s[1], 1);
		submit(&in, ENGINE_QUEUED);
		put(s[0], "y");
		wait_done(i);
		ck_assert_int_eq(result_of(&in), 1);
	}
	ck_assert_uint_lt(turns, 4 * ROUNDS);
	cancel(&watch);
	wait_done(ROUNDS + 1);
	ck_assert_int_eq(result_of(&watch), 0);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(a_poll_of_a_foreign_file_is_asked_by_a_worker)
{
	struct job a, b;
	int p[2];

	open_all();
	open_pipe(p);
	put(p[1], "x");
	set_poll(&a, p[0], POLLIN);
	a.file.class = FILE_FOREIGN;
	submit(&a, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&a), POLLIN);
	ck_assert_int_eq(read(p[0], a.data, 1), 1);
	set_poll(&b, p[0], POLLIN);
	b.file.class = FILE_FOREIGN;
	submit(&b, ENGINE_QUEUED);
	cancel(&b);
	wait_done(2);
	ck_assert_int_eq(result_of(&b), 0);
	set_poll(&b, p[0], POLLPRI);
	b.file.class = FILE_FOREIGN;
	ck_assert_int_eq(result_now(&b), -EINVAL);
	close_two(p);
	close_all();
}
END_TEST

/* A worker of the kernel would have to run first, who may have no CPU. */
START_TEST(a_counters_poll_is_there_when_it_was_counted)
{
	enum { ROUNDS = 500 };
	int e = eventfd(0, EFD_CLOEXEC);
	struct list told;
	struct job j;

	open_all();
	if (host_is_missing())
		return;
	list_init(&told);
	for (unsigned i = 0; i < ROUNDS; i++) {
		set_poll(&j, e, POLLIN);
		j.file.counter = true;
		submit(&j, ENGINE_QUEUED);
		ck_assert_int_eq(eventfd_write(e, 1), 0);
		engine_look(engine, &told);
		ck_assert_ptr_eq(list_pop(&told), &j.io.node);
		ck_assert_int_eq(j.io.result, POLLIN);
		ck_assert_int_eq(read(e, j.data, 8), 8);
		end_job(&j);
	}
	close_fd(&e);
	close_all();
}
END_TEST

START_TEST(a_counters_poll_wakes_the_loop)
{
	enum { ROUNDS = 100 };
	int e = eventfd(0, EFD_CLOEXEC);
	struct job j;

	open_all();
	for (unsigned i = 0; i < ROUNDS; i++) {
		set_poll(&j, e, POLLIN);
		j.file.counter = true;
		submit(&j, ENGINE_QUEUED);
		ck_assert_int_eq(eventfd_write(e, 1), 0);
		wait_done(i + 1);
		ck_assert_int_eq(result_of(&j), POLLIN);
		ck_assert_int_eq(read(e, j.data, 8), 8);
	}
	close_fd(&e);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_peer_poll");
	TCase *c = tcase_create("polls");

	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, a_ready_poll_is_done_at_once, 0, 2);
	tcase_add_test(c, a_poll_by_the_host_has_the_raw_key);
	tcase_add_loop_test(c, a_poll_without_the_host_is_masked, 0, 2);
	tcase_add_loop_test(c, what_has_two_wait_queues_is_refused_unless_ready, 0, 2);
	tcase_add_test(c, two_polls_of_one_file_are_told_what_each_asked_for);
	tcase_add_loop_test(c, two_polls_of_one_file_are_told_newest_first, 0, 4);
	tcase_add_loop_test(c, a_cancelled_poll_has_no_events, 0, 2);
	tcase_add_test(c, a_poll_finished_meanwhile_is_not_told_inside_submit);
	tcase_add_test(c, more_polls_than_the_host_takes_are_taken);
	tcase_add_test(c, what_a_wait_cannot_use_does_not_spin);
	tcase_add_test(c, a_counters_poll_is_there_when_it_was_counted);
	tcase_add_test(c, a_counters_poll_wakes_the_loop);
	tcase_add_test(c, a_poll_of_a_foreign_file_is_asked_by_a_worker);
	suite_add_tcase(s, c);
	return unit_run(s);
}

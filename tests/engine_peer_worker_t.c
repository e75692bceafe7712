/* SPDX-License-Identifier: MIT */
/*
 * Files that RWF_NOWAIT does not serve: ttys, FIFOs, devices. If this breaks, a terminal or a FIFO holds up
 * the loop, or cannot be cancelled.
 */
#include "peer_rig.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

START_TEST(a_receive_timeout_ends_a_read)
{
	const struct timeval after = { .tv_usec = 20000 };
	struct job j;
	int s[2];

	open_all();
	open_sockets(SOCK_STREAM, s);
	ck_assert_int_eq(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &after, sizeof(after)), 0);
	set_job(&j, IO_READ, s[0], 4);
	submit(&j, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), -EAGAIN);
	close_two(s);
	close_all();
}
END_TEST

START_TEST(a_tty_gives_a_line)
{
	struct job j;
	int t[2];

	open_all();
	open_tty(t, false, 0);
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	put(t[0], "a line");
	put(t[0], "\n");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "a line\n");
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(2);
	ck_assert_int_eq(result_of(&j), -ECANCELED);
	set_job(&j, IO_WRITE, t[1], 5);
	fill(j.data, 5);
	submit(&j, ENGINE_QUEUED);
	wait_done(3);
	ck_assert_int_eq(result_of(&j), 5);
	close_two(t);
	close_all();
}
END_TEST

/* VMIN 5: poll(2) is silent while a read of 2 bytes, or one with O_NONBLOCK, takes fewer than 5. */
START_TEST(a_raw_tty_is_read_by_its_own_rules)
{
	struct job j, again;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&j, IO_READ, t[1], 2);
	submit(&j, ENGINE_QUEUED);
	put(t[0], "12345");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "12");
	set_nonblock(t[1]);
	set_job(&j, IO_READ, t[1], 100);
	submit(&j, ENGINE_QUEUED);
	wait_done(2);
	end_job(&j);
	ck_text(&j, "345");
	set_job(&again, IO_READ, t[1], 100);
	ck_assert_int_eq(result_now(&again), -EAGAIN);
	close_two(t);
	close_all();
}
END_TEST

START_TEST(reads_on_workers_keep_their_order_too)
{
	struct job a, b;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&a, IO_READ, t[1], 2);
	set_job(&b, IO_READ, t[1], 2);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(t[0], "1234");
	wait_done(2);
	end_job(&a);
	end_job(&b);
	ck_text(&a, "12");
	ck_text(&b, "34");
	close_two(t);
	close_all();
}
END_TEST

static void interrupt_workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	ck_assert_ptr_nonnull(dir);
	while ((d = readdir(dir))) {
		pid_t tid = atoi(d->d_name);

		if (tid > 0 && tid != getpid())
			syscall(SYS_tgkill, getpid(), tid, SIGRTMIN);	/* worker.h */
	}
	closedir(dir);
}

/* Being stopped or traced interrupts system calls: that is the supervisor's affair, not the program's. */
START_TEST(a_stray_interrupt_is_not_seen)
{
	enum { BYTES = 300000, PART = 3000 };
	static char out[BYTES], in[BYTES];
	struct job r, w;
	int t[2];

	open_all();
	open_tty(t, true, 5);
	set_job(&r, IO_READ, t[1], 10);
	set_job(&w, IO_WRITE, t[1], 0);
	fill(out, BYTES);
	w.iov = (struct iovec){ out, BYTES };
	w.io.length_bytes = BYTES;
	submit(&r, ENGINE_QUEUED);
	submit(&w, ENGINE_QUEUED);
	for (size_t got = 0; got < BYTES; got += PART) {
		drain(t[0], in + got, PART);
		interrupt_workers();
	}
	wait_job(&w);
	ck_assert_int_eq(result_of(&w), BYTES);
	ck_assert_int_eq(memcmp(in, out, BYTES), 0);
	put(t[0], "12345");
	wait_job(&r);
	end_job(&r);
	ck_text(&r, "12345");
	close_two(t);
	close_all();
}
END_TEST

START_TEST(a_read_on_a_worker_is_cancelled_in_each_state)
{
	enum { READS = 6 };	/* of 4 threads */
	struct job j[READS];
	int t[READS][2];

	open_all();
	for (unsigned i = 0; i < READS; i++) {
		open_tty(t[i], true, 5);
		set_job(&j[i], IO_READ, t[i][1], 100);
		submit(&j[i], ENGINE_QUEUED);
	}
	for (unsigned i = 0; i < READS; i++)
		cancel(&j[READS - 1 - i]);
	wait_done(READS);
	for (unsigned i = 0; i < READS; i++) {
		ck_assert_int_eq(result_of(&j[i]), -ECANCELED);
		close_two(t[i]);
	}
	close_all();
}
END_TEST

START_TEST(reads_that_never_end_do_not_hold_up_writes)
{
	enum { READS = 6 };
	struct job j[READS], w;
	int t[READS][2];

	open_all();
	for (unsigned i = 0; i < READS; i++) {
		open_tty(t[i], true, 5);
		set_job(&j[i], IO_READ, t[i][1], 100);
		submit(&j[i], ENGINE_QUEUED);
	}
	set_job(&w, IO_WRITE, t[READS - 1][1], 5);
	fill(w.data, 5);
	submit(&w, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_eq(result_of(&w), 5);
	for (unsigned i = 0; i < READS; i++)
		cancel(&j[i]);
	wait_done(1 + READS);
	for (unsigned i = 0; i < READS; i++) {
		end_job(&j[i]);
		close_two(t[i]);
	}
	close_all();
}
END_TEST

START_TEST(a_fifo_waits_like_a_pipe)
{
	struct job j;
	int p[2], fifo;

	open_all();
	fifo = open_fifo();
	set_job(&j, IO_READ, fifo, 100);
	submit(&j, ENGINE_QUEUED);
	put(fifo, "fifo");
	wait_done(1);
	end_job(&j);
	ck_text(&j, "fifo");
	put(fifo, "more");
	set_job(&j, IO_READ, fifo, 100);
	ck_assert_int_eq(result_now(&j), 4);
	set_job(&j, IO_READ, fifo, 8);
	j.io.rw_flags = RWF_NOWAIT;
	ck_assert_int_eq(result_now(&j), -EOPNOTSUPP);
	ck_assert(j.io.refused);
	set_job(&j, IO_READ, fifo, 8);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(2);
	ck_assert_int_eq(result_of(&j), -ECANCELED);
	set_nonblock(fifo);
	set_job(&j, IO_READ, fifo, 8);
	ck_assert_int_eq(result_now(&j), -EAGAIN);
	close_fd(&fifo);
	make_fifo((int[]){ O_RDONLY, O_WRONLY }, p, 2);
	set_job(&j, IO_READ, p[0], 8);
	submit(&j, ENGINE_QUEUED);
	close_fd(&p[1]);
	wait_done(3);
	ck_assert_int_eq(result_of(&j), 0);
	close_two(p);
	close_all();
}
END_TEST

/* No descriptor is left for a description of our own: a worker does it. */
START_TEST(a_fifo_that_cannot_be_opened_again_still_works)
{
	struct job r, w, c;
	struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY }, normal;
	int fifo;

	open_all();
	fifo = open_fifo();
	set_job(&r, IO_READ, fifo, LONG_BYTES);
	set_job(&w, IO_WRITE, fifo, LONG_BYTES);
	set_job(&c, IO_READ, fifo, 8);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &normal), 0);
	none.rlim_max = normal.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	submit(&r, ENGINE_QUEUED);
	submit(&w, ENGINE_QUEUED);
	wait_done(1);
	ck_assert_int_gt(r.io.result, 0);
	cancel(&w);
	wait_done(2);
	ck_assert_int_gt(w.io.result, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &normal), 0);
	end_job(&r);
	end_job(&w);
	end_job(&c);
	close_fd(&fifo);
	close_all();
}
END_TEST

START_TEST(a_file_without_readiness_is_read_by_a_worker)
{
	struct job j;
	int m = memfd_create("device", MFD_CLOEXEC);

	open_all();
	put(m, "0123456789");
	set_job(&j, IO_READ, m, 4);
	j.file.seekable = true;
	j.io.offset = 3;
	submit(&j, ENGINE_QUEUED);
	wait_done(1);
	end_job(&j);
	ck_text(&j, "3456");
	close_fd(&m);
	close_all();
}
END_TEST

START_TEST(where_readiness_cannot_be_watched_a_worker_waits)
{
	struct job r, c;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&r, IO_READ, p[0], 100);
	submit(&r, ENGINE_QUEUED);
	cancel(&r);
	wait_done(1);		/* the loop has its own descriptors watched now */
	end_job(&r);
	deny(SYS_epoll_ctl, ENOSPC);
	set_job(&r, IO_READ, p[0], 100);
	set_job(&c, IO_READ, p[0], 100);
	submit(&r, ENGINE_QUEUED);
	submit(&c, ENGINE_QUEUED);
	put(p[1], "worker");
	wait_done(2);
	end_job(&r);
	ck_text(&r, "worker");
	cancel(&c);
	wait_done(3);
	ck_assert_int_eq(result_of(&c), -ECANCELED);
	close_two(p);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_peer_worker");
	TCase *c = tcase_create("workers");

	tcase_set_timeout(c, 20);
	tcase_add_test(c, a_receive_timeout_ends_a_read);
	tcase_add_test(c, a_tty_gives_a_line);
	tcase_add_test(c, a_raw_tty_is_read_by_its_own_rules);
	tcase_add_test(c, reads_on_workers_keep_their_order_too);
	tcase_add_test(c, a_stray_interrupt_is_not_seen);
	tcase_add_test(c, a_read_on_a_worker_is_cancelled_in_each_state);
	tcase_add_test(c, reads_that_never_end_do_not_hold_up_writes);
	tcase_add_test(c, a_fifo_waits_like_a_pipe);
	tcase_add_test(c, a_fifo_that_cannot_be_opened_again_still_works);
	tcase_add_test(c, a_file_without_readiness_is_read_by_a_worker);
	tcase_add_test(c, where_readiness_cannot_be_watched_a_worker_waits);
	suite_add_tcase(s, c);
	return unit_run(s);
}

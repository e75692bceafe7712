/* SPDX-License-Identifier: MIT */
/*
 * Ios that wait for one file, and how they leave. If this breaks, two reads of one pipe swap, data go to
 * a cancelled read, or an io meets a file that is not its own.
 */
#include "peer_rig.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

static void check_order(int from, int to)
{
	struct job a, b, c;
	unsigned n = done_count;

	set_job(&a, IO_READ, from, 2);
	set_job(&b, IO_READ, from, 2);
	set_job(&c, IO_READ, from, 100);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(to, "aabbcc");
	submit(&c, ENGINE_QUEUED);	/* not the first: the data are not for it */
	wait_done(n + 3);
	ck_assert_uint_eq(a.done_as, n + 1);
	ck_assert_uint_eq(b.done_as, n + 2);
	ck_text(&a, "aa");
	ck_text(&b, "bb");
	ck_text(&c, "cc");
	end_job(&a);
	end_job(&b);
	end_job(&c);
}

START_TEST(reads_of_one_open_file_keep_their_order)
{
	int p[2];

	open_without(_i ? PEER_NO_KCMP : 0);
	open_pipe(p);
	check_order(p[0], p[1]);
	close_two(p);
	p[0] = open_fifo();
	check_order(p[0], p[0]);
	close_fd(&p[0]);
	open_sockets(SOCK_STREAM, p);
	check_order(p[0], p[1]);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(the_second_waits_on_when_the_first_is_served)
{
	struct job a, b, c;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&a, IO_READ, p[0], 8);
	set_job(&b, IO_READ, p[0], 8);
	set_job(&c, IO_READ, p[0], 8);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	put(p[1], "one");
	wait_done(1);
	end_job(&a);
	ck_text(&a, "one");
	put(p[1], "two");
	submit(&c, ENGINE_QUEUED);
	wait_done(2);
	end_job(&b);
	ck_text(&b, "two");
	cancel(&c);
	wait_done(3);
	ck_assert_int_eq(result_of(&c), -ECANCELED);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(files_that_share_an_inode_do_not_wait_for_each_other)
{
	enum { FILES = 8 };
	struct job j[FILES], again;
	int e[FILES];

	if (_i == 2)
		deny(SYS_kcmp, EPERM);
	open_without(_i == 1 ? PEER_NO_KCMP : 0);
	for (unsigned i = 0; i < FILES; i++) {
		e[i] = eventfd(0, EFD_CLOEXEC);
		set_job(&j[i], IO_READ, e[i], 8);
		submit(&j[i], ENGINE_QUEUED);
	}
	for (unsigned i = FILES; i-- > 0;) {
		ck_assert_int_eq(eventfd_write(e[i], 7), 0);
		wait_done(FILES - i);
		ck_assert_int_eq(result_of(&j[i]), 8);
		ck_assert_int_eq(eventfd_write(e[i], 7), 0);
		set_job(&again, IO_READ, e[i], 8);
		ck_assert_int_eq(result_now(&again), 8);
		close_fd(&e[i]);
	}
	close_all();
}
END_TEST

START_TEST(ios_of_one_descriptor_share_it)
{
	struct job in, out, watch;
	int s[2], size = 2000;

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_sockets(SOCK_STREAM, s);
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	set_job(&in, IO_READ, s[0], 4);
	set_job(&out, IO_WRITE, s[0], LONG_BYTES);
	set_poll(&watch, s[0], POLLIN);
	out.io.file = &in.file;
	watch.io.file = &in.file;
	submit(&in, ENGINE_QUEUED);
	submit(&out, ENGINE_QUEUED);
	submit(&watch, ENGINE_QUEUED);
	put(s[1], "four");
	wait_done(2);
	ck_text(&in, "four");
	ck_assert_int_eq(watch.io.result & POLLIN, POLLIN);
	cancel(&out);
	wait_done(3);
	ck_assert_int_gt(out.io.result, 0);
	end_job(&in);
	end_job(&out);
	end_job(&watch);
	close_two(s);
	close_all();
}
END_TEST

/* Data that come after the cancel are for the program, not for a cancelled read. */
START_TEST(a_cancelled_read_takes_nothing)
{
	struct job a, b, c;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&a, IO_READ, p[0], 4);
	set_job(&b, IO_READ, p[0], 4);
	set_job(&c, IO_READ, p[0], 4);
	submit(&a, ENGINE_QUEUED);
	submit(&b, ENGINE_QUEUED);
	submit(&c, ENGINE_QUEUED);
	put(p[1], "data");
	cancel(&b);
	cancel(&a);
	cancel(&a);	/* finished, not yet told */
	wait_done(3);
	ck_assert_int_eq(result_of(&a), -ECANCELED);
	ck_assert_int_eq(result_of(&b), -ECANCELED);
	ck_text(&c, "data");
	end_job(&c);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_line_leaves_its_data_in_the_pipe)
{
	struct job j[3];
	int p[2];
	char got[8];

	open_all();
	open_pipe(p);
	for (unsigned i = 0; i < 3; i++) {
		set_job(&j[i], IO_READ, p[0], 4);
		submit(&j[i], ENGINE_QUEUED);
	}
	put(p[1], "data");
	for (unsigned i = 0; i < 3; i++)
		cancel(&j[i]);
	wait_done(3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(result_of(&j[i]), -ECANCELED);
	ck_assert_int_eq(read(p[0], got, sizeof(got)), 4);
	close_two(p);
	close_all();
}
END_TEST

START_TEST(a_cancelled_write_reports_what_it_wrote)
{
	struct job j;
	int p[2];

	open_all();
	open_pipe(p);
	set_job(&j, IO_WRITE, p[1], LONG_BYTES);
	submit(&j, ENGINE_QUEUED);
	cancel(&j);
	wait_done(1);
	ck_assert_int_eq(result_of(&j), PIPE_BYTES);
	close_two(p);
	close_all();
}
END_TEST

/* The owner closes the file as soon as it is told; its number is taken again at once. */
START_TEST(a_descriptor_number_can_be_used_again)
{
	struct job j;
	int p[2], q[2];

	open_without(_i ? PEER_NO_HOST_AIO : 0);
	for (unsigned i = 0; i < 20; i++) {
		open_pipe(p);
		open_pipe(q);
		set_job(&j, IO_READ, p[0], 4);
		submit(&j, ENGINE_QUEUED);
		put(p[1], "x");
		wait_done(3 * i + 1);
		result_of(&j);
		set_job(&j, IO_READ, p[0], 4);
		submit(&j, ENGINE_QUEUED);
		ck_assert_uint_eq(workers_lane_load(workers_lane(workers, "peer reads")), 0);
		put(p[1], "y");
		wait_done(3 * i + 2);
		result_of(&j);
		set_poll(&j, q[0], POLLIN);
		submit(&j, ENGINE_QUEUED);
		put(q[1], "x");
		wait_done(3 * i + 3);
		result_of(&j);
		close_two(p);
		close_two(q);
	}
	close_all();
}
END_TEST

/* Sanitizers allocate beside malloc and give up where we go on. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

struct hoard {
	struct hoard *next;
};

/* Until give_back() nothing can be allocated, by Check's assertions neither. */
static struct hoard *take_all_memory(struct rlimit *normal)
{
	struct hoard *all = NULL, *h;
	struct rlimit none;

	getrlimit(RLIMIT_AS, normal);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = normal->rlim_max };
	setrlimit(RLIMIT_AS, &none);
	for (size_t bytes = 1 << 16; bytes >= sizeof(*h); bytes /= 2) {
		while ((h = malloc(bytes))) {
			h->next = all;
			all = h;
		}
	}
	return all;
}

static void give_back(struct hoard *all, const struct rlimit *normal)
{
	setrlimit(RLIMIT_AS, normal);
	while (all) {
		struct hoard *next = all->next;

		free(all);
		all = next;
	}
}

START_TEST(without_memory_the_caller_keeps_the_io)
{
	struct job in, behind, p1, p2;
	enum engine_answer answers[4];
	struct rlimit normal;
	struct hoard *all;
	int p[2], e = eventfd(0, EFD_CLOEXEC);

	if (SANITIZED)
		return;
	open_without(_i ? PEER_NO_HOST_AIO : 0);
	open_pipe(p);
	set_job(&in, IO_READ, p[0], 4);
	set_job(&behind, IO_READ, p[0], 4);
	set_poll(&p1, p[0], POLLIN);
	set_poll(&p2, e, POLLIN);
	p2.file.class = FILE_FOREIGN;
	submit(&in, ENGINE_QUEUED);
	all = take_all_memory(&normal);
	answers[0] = engine_submit(engine, &behind.io);
	answers[1] = engine_submit(engine, &p1.io);
	answers[2] = engine_submit(engine, &p2.io);
	p1.io.op = IO_READ;
	p1.io.file = &p2.file;
	p2.file.class = FILE_PEER;
	p1.io.length_bytes = 8;
	p1.io.iov_count = 1;
	p1.iov.iov_len = 8;
	answers[3] = engine_submit(engine, &p1.io);
	give_back(all, &normal);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(answers[i], ENGINE_BUSY);
	submit(&behind, ENGINE_QUEUED);
	put(p[1], "12345678");
	wait_done(2);
	end_job(&in);
	end_job(&behind);
	ck_text(&in, "1234");
	ck_text(&behind, "5678");
	end_job(&p1);
	end_job(&p2);
	close_two(p);
	close_fd(&e);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_peer_line");
	TCase *c = tcase_create("lines");

	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, reads_of_one_open_file_keep_their_order, 0, 2);
	tcase_add_test(c, the_second_waits_on_when_the_first_is_served);
	tcase_add_loop_test(c, files_that_share_an_inode_do_not_wait_for_each_other, 0, 3);
	tcase_add_loop_test(c, ios_of_one_descriptor_share_it, 0, 2);
	tcase_add_test(c, a_cancelled_read_takes_nothing);
	tcase_add_test(c, a_cancelled_line_leaves_its_data_in_the_pipe);
	tcase_add_test(c, a_cancelled_write_reports_what_it_wrote);
	tcase_add_loop_test(c, a_descriptor_number_can_be_used_again, 0, 2);
	tcase_add_loop_test(c, without_memory_the_caller_keeps_the_io, 0, 2);
	suite_add_tcase(s, c);
	return unit_run(s);
}

/* SPDX-License-Identifier: MIT */
/*
 * What io_uring refuses or reports and native AIO does not: io_uring_submit() is replaced here by one
 * that fails on demand and falsifies results. If this breaks, requests are lost on a busy host, or
 * programs see an EINTR or EAGAIN that the kernel's AIO would never give.
 */
#include "engine.h"

#include <fcntl.h>

#include "loop.h"
#include "unit.h"
#include "util.h"

#ifdef HAVE_URING
#include <liburing.h>

enum { BYTES = 6, DEPTH = 2 };

static struct loop *loop;
static struct engine *engine;
static int submit_fails[4];	/* what the next calls return; 0: they work */
static int false_results[4];	/* what the next completions say; 0: the truth */
static unsigned submits, results;
static unsigned last_flags;	/* of the last entry submitted */

int io_uring_submit(struct io_uring *ring)
{
	int fail = submits < ARRAY_SIZE(submit_fails) ? submit_fails[submits] : 0;
	struct io_uring_cqe *cqe;
	unsigned head, seen = io_uring_cq_ready(ring);
	int n;

	submits++;
	last_flags = ring->sq.sqes[(ring->sq.sqe_tail - 1) % DEPTH].flags;
	if (fail)
		return fail;
	n = io_uring_submit_and_wait(ring, seen + io_uring_sq_ready(ring));
	io_uring_for_each_cqe(ring, head, cqe) {
		if (seen) {
			seen--;
			continue;
		}
		if (results < ARRAY_SIZE(false_results) && false_results[results])
			cqe->res = false_results[results];
		results++;
	}
	return n;
}

static void on_done(void *arg, struct list *ios)
{
	unsigned *left = arg;

	while (list_pop(ios))
		(*left)--;
	if (!*left)
		loop_stop(loop);
}

/* Two ios read the same bytes; returns the result of the first. */
static int64_t read_twice(uint32_t rw_flags)
{
	static unsigned left = 2;
	char path[] = "engine_uring_t.XXXXXX", in[2][BYTES];
	auto_fd fd = mkostemp(path, O_CLOEXEC);
	struct io_file file = { .fd = fd, .class = FILE_LOCAL, .seekable = true,
				.lane = (struct lane *)&left };
	struct iovec iovs[2] = { { in[0], BYTES }, { in[1], BYTES } };
	struct io ios[2];

	unlink(path);
	ck_assert_int_eq(write(fd, "foobar", BYTES), BYTES);
	loop = loop_create();
	engine = engine_uring_open(loop, DEPTH, on_done, &left);
	ck_assert_ptr_nonnull(engine);
	for (unsigned i = 0; i < 2; i++) {
		ios[i] = (struct io){ .op = IO_READ, .file = &file, .iov = &iovs[i], .iov_count = 1,
				      .length_bytes = BYTES, .rw_flags = rw_flags };
		list_init(&ios[i].node);
		ck_assert_int_eq(engine_submit(engine, &ios[i]), ENGINE_QUEUED);
	}
	engine_flush(engine);
	loop_run(loop);
	ck_assert_int_eq(ios[1].result, BYTES);
	if (ios[0].result == BYTES)
		ck_assert_mem_eq(in[0], "foobar", BYTES);
	engine_close(engine);
	loop_destroy(loop);
	return ios[0].result;
}

static bool host_has_uring(void)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(1, &ring, 0);

	if (rc == 0)
		io_uring_queue_exit(&ring);
	return rc == 0;
}

START_TEST(what_the_kernel_does_not_take_is_tried_again)
{
	if (!host_has_uring())
		return;
	submit_fails[0] = -EAGAIN;
	submit_fails[1] = -EINTR;
	submit_fails[2] = -EBUSY;
	ck_assert_int_eq(read_twice(0), BYTES);
	ck_assert_uint_eq(submits, 4);
}
END_TEST

START_TEST(an_interrupted_io_is_done_again)
{
	if (!host_has_uring())
		return;
	false_results[0] = -EINTR;
	false_results[2] = -EINTR;
	ck_assert_int_eq(read_twice(0), BYTES);
	ck_assert_uint_eq(results, 4);
}
END_TEST

START_TEST(an_io_that_may_wait_waits)
{
	if (!host_has_uring())
		return;
	false_results[0] = -EAGAIN;
	ck_assert_int_eq(read_twice(0), BYTES);
	ck_assert_uint_eq(results, 3);
	ck_assert(last_flags & IOSQE_ASYNC);
}
END_TEST

START_TEST(an_eagain_that_stays_is_the_result)
{
	if (!host_has_uring())
		return;
	false_results[0] = -EAGAIN;
	false_results[2] = -EAGAIN;
	ck_assert_int_eq(read_twice(0), -EAGAIN);
}
END_TEST

START_TEST(nowait_gives_eagain_at_once)
{
	if (!host_has_uring())
		return;
	false_results[0] = -EAGAIN;
	ck_assert_int_eq(read_twice(RWF_NOWAIT), -EAGAIN);
	ck_assert_uint_eq(results, 2);
}
END_TEST

UNIT_MAIN("engine_uring", what_the_kernel_does_not_take_is_tried_again,
	  an_interrupted_io_is_done_again, an_io_that_may_wait_waits,
	  an_eagain_that_stays_is_the_result, nowait_gives_eagain_at_once)
#else
START_TEST(without_liburing_the_engine_says_so)
{
	ck_assert_ptr_null(engine_uring_open(NULL, 1, NULL, NULL));
	ck_assert_int_eq(errno, ENOSYS);
}
END_TEST

UNIT_MAIN("engine_uring", without_liburing_the_engine_says_so)
#endif

/* SPDX-License-Identifier: MIT */
/* The worker pool. If this breaks, accepted work is lost, or one stalled lane stops all others. */
#include "workers.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "unit.h"
#include "util.h"

enum { LANE_THREADS = 4, MANY = 200 };

static struct loop *loop;
static struct workers *pool;
static pthread_t loop_thread;
static unsigned done_count;
static unsigned stop_at;

/* Work that reads one byte from a pipe, so that a test decides when it ends. */
struct item {
	struct work work;
	int fd;			/* -1: does not wait */
	unsigned ignores;	/* so many interrupts are not heard */
	bool ran;
	ssize_t result;		/* of the read */
	bool cancelled;
	unsigned done_as;	/* 1: came back first */
};

static void item_run(struct work *w)
{
	struct item *i = container_of(w, struct item, work);
	char c;

	ck_assert(!pthread_equal(pthread_self(), loop_thread));
	i->ran = true;
	while (i->fd >= 0) {
		i->result = read(i->fd, &c, 1);
		i->cancelled = workers_cancelled(w);
		if (i->result >= 0 || errno != EINTR || (i->cancelled && !i->ignores--))
			break;
	}
}

static void item_done(struct work *w)
{
	struct item *i = container_of(w, struct item, work);

	ck_assert(pthread_equal(pthread_self(), loop_thread));
	i->done_as = ++done_count;
	if (done_count == stop_at)
		loop_stop(loop);
}

static void queue(const char *lane, struct item *i, int fd)
{
	struct lane *l = workers_lane(pool, lane);

	ck_assert_ptr_nonnull(l);
	*i = (struct item){ .work = { .run = item_run, .done = item_done }, .fd = fd };
	workers_queue(pool, l, &i->work);
}

static void run_until(unsigned count)
{
	stop_at = count;
	if (done_count < count)
		loop_run(loop);
	ck_assert_uint_eq(done_count, count);
}

static void open_pool(void)
{
	loop_thread = pthread_self();
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
	pool = workers_create(loop, LANE_THREADS);
	ck_assert_ptr_nonnull(pool);
}

static void close_pool(void)
{
	workers_destroy(pool);
	loop_destroy(loop);
}

static void open_pipe(int ends[2])
{
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

static void feed(int fd, unsigned bytes)
{
	while (bytes--)
		ck_assert_int_eq(write(fd, "x", 1), 1);
}

static unsigned threads_now(void)
{
	char line[128];
	unsigned n = 0;
	auto_file f = fopen("/proc/self/status", "re");

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %u", &n) == 1)
			break;
	return n;
}

START_TEST(all_work_runs_and_comes_back)
{
	static struct item items[MANY];

	open_pool();
	for (unsigned i = 0; i < MANY; i++)
		queue(i % 2 ? "a" : "b", &items[i], -1);
	run_until(MANY);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert(items[i].ran);
	ck_assert_uint_eq(workers_lane_load(workers_lane(pool, "a")), 0);
	close_pool();
}
END_TEST

START_TEST(a_stalled_lane_starves_no_other)
{
	static struct item stalled[3 * LANE_THREADS], first, other;
	int ends[2];
	unsigned before;

	open_pool();
	open_pipe(ends);
	/* a sanitizer starts a thread of its own with our first one */
	queue("alive", &first, -1);
	run_until(1);
	before = threads_now();
	for (unsigned i = 0; i < ARRAY_SIZE(stalled); i++)
		queue("dead", &stalled[i], ends[0]);
	ck_assert_uint_eq(threads_now() - before, LANE_THREADS);
	ck_assert_uint_eq(workers_lane_load(workers_lane(pool, "dead")), ARRAY_SIZE(stalled));
	queue("alive", &other, -1);
	run_until(2);
	ck_assert_uint_eq(other.done_as, 2);
	feed(ends[1], ARRAY_SIZE(stalled));
	run_until(2 + ARRAY_SIZE(stalled));
	close_pool();
}
END_TEST

START_TEST(threads_are_kept_and_used_again)
{
	struct item first, second;
	unsigned threads;

	open_pool();
	queue("a", &first, -1);
	run_until(1);
	threads = threads_now();
	for (unsigned i = 2; i < 50; i++) {
		queue("a", &second, -1);
		run_until(i);
	}
	/* the thread may not be idle again when the next item comes: one more then */
	ck_assert_uint_le(threads_now(), threads + LANE_THREADS - 1);
	close_pool();
}
END_TEST

START_TEST(queued_work_is_given_back_by_cancel)
{
	struct item busy[LANE_THREADS], queued;
	int ends[2];

	open_pool();
	open_pipe(ends);
	for (unsigned i = 0; i < LANE_THREADS; i++)
		queue("a", &busy[i], ends[0]);
	queue("a", &queued, ends[0]);
	/* four threads for five items, and nothing to read: the last one cannot have begun */
	ck_assert_int_eq(workers_cancel(pool, &queued.work), 0);
	ck_assert_uint_eq(workers_lane_load(workers_lane(pool, "a")), LANE_THREADS);
	feed(ends[1], LANE_THREADS);
	run_until(LANE_THREADS);
	ck_assert(!queued.ran && !queued.done_as);
	close_pool();
}
END_TEST

/* Returns once the item is in run(), by letting it write to a pipe. */
struct told {
	struct item item;
	int tell;
};

static void told_run(struct work *w)
{
	struct told *t = container_of(w, struct told, item.work);

	feed(t->tell, 1);
	item_run(w);
}

static void queue_and_wait(struct told *t, int fd)
{
	int ends[2];
	char c;

	open_pipe(ends);
	t->item = (struct item){ .work = { .run = told_run, .done = item_done }, .fd = fd,
				 .ignores = 2 };
	t->tell = ends[1];
	workers_queue(pool, workers_lane(pool, "a"), &t->item.work);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
}

/* Many times, so that interrupts also come before the thread blocks, and after. */
START_TEST(running_work_is_interrupted_by_cancel)
{
	int ends[2];

	open_pool();
	open_pipe(ends);
	for (unsigned i = 1; i <= 30; i++) {
		struct told t;

		queue_and_wait(&t, ends[0]);
		ck_assert_int_eq(workers_withdraw(pool, &t.item.work), -EINPROGRESS);
		ck_assert_int_eq(workers_cancel(pool, &t.item.work), -EINPROGRESS);
		run_until(i);
		ck_assert_int_eq(t.item.result, -1);
		ck_assert(t.item.cancelled);
	}
	close_pool();
}
END_TEST

START_TEST(finished_work_comes_back_in_spite_of_cancel)
{
	int ends[2];
	struct item i;

	open_pool();
	open_pipe(ends);
	queue("a", &i, ends[0]);
	feed(ends[1], 1);
	while (workers_withdraw(pool, &i.work) == 0)
		workers_queue(pool, workers_lane(pool, "a"), &i.work);
	workers_cancel(pool, &i.work);
	run_until(1);
	ck_assert_uint_eq(i.done_as, 1);
	close_pool();
}
END_TEST

static struct item second_item;

static void queue_second(struct work *w)
{
	item_done(w);
	queue("late", &second_item, -1);
}

START_TEST(destroy_finishes_all_even_what_done_adds)
{
	static struct item items[MANY];

	open_pool();
	for (unsigned i = 0; i < MANY; i++)
		queue("a", &items[i], -1);
	items[0].work.done = queue_second;
	close_pool();
	ck_assert_uint_eq(done_count, MANY + 1);
	ck_assert(second_item.ran);
}
END_TEST

START_TEST(destroy_interrupts_cancelled_work_until_it_ends)
{
	int ends[2];
	struct told t;

	open_pool();
	open_pipe(ends);
	queue_and_wait(&t, ends[0]);
	workers_cancel(pool, &t.item.work);
	close_pool();
	ck_assert_uint_eq(done_count, 1);
}
END_TEST

static void allow_threads(void *arg)
{
	struct rlimit limit;

	ck_assert_uint_eq(done_count, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
}

/* Root is not limited: the test runs as nobody, in the process that Check has forked for it. */
START_TEST(work_waits_until_a_thread_can_be_created)
{
	struct rlimit limit;
	struct item i;
	struct loop_timer later = { .fn = allow_threads };

	open_pool();
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
	queue("a", &i, -1);
	ck_assert_int_eq(loop_timer_start(loop, &later, now_ns() + 10 * NSEC_PER_MSEC), 0);
	run_until(1);
	ck_assert(!loop_timer_armed(&later));
	close_pool();
}
END_TEST

START_TEST(a_lane_is_known_by_its_name)
{
	open_pool();

	char name[] = "nfs";
	struct lane *lane = workers_lane(pool, name);

	ck_assert_ptr_nonnull(lane);
	ck_assert_ptr_eq(workers_lane(pool, "nfs"), lane);
	name[0] = 'x';
	ck_assert_ptr_eq(workers_lane(pool, "nfs"), lane);
	ck_assert_ptr_ne(workers_lane(pool, "cifs"), lane);
	close_pool();
}
END_TEST

UNIT_MAIN("workers", all_work_runs_and_comes_back, a_stalled_lane_starves_no_other,
	  threads_are_kept_and_used_again, queued_work_is_given_back_by_cancel,
	  running_work_is_interrupted_by_cancel, finished_work_comes_back_in_spite_of_cancel,
	  destroy_finishes_all_even_what_done_adds,
	  destroy_interrupts_cancelled_work_until_it_ends,
	  work_waits_until_a_thread_can_be_created, a_lane_is_known_by_its_name)

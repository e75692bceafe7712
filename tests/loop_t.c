/* SPDX-License-Identifier: MIT */
/* The loop. If this breaks, work is slept over, or libev meddles with the process. */
#include "loop.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "unit.h"
#include "util.h"

enum { SOON_NS = 2000000 };

static struct loop *loop;
static unsigned calls;		/* of a callback that counts them */
static unsigned seen;		/* what the last descriptor callback was told */
static char order[64];		/* one letter per thing that happened */
static char one[] = "1";

static void note(char what)
{
	assert(strlen(order) + 1 < sizeof(order));
	order[strlen(order)] = what;
}

static void letter_noted(void *arg)
{
	note(*(const char *)arg);
}

static void stop(void *arg)
{
	loop_stop(loop);
}

static void stop_on_event(void *arg, unsigned events)
{
	seen = events;
	note('f');
	loop_stop(loop);
}

static void start(struct loop_timer *t, uint64_t due_ns)
{
	ck_assert_int_eq(loop_timer_start(loop, t, due_ns), 0);
}

/* An eventfd that is readable at once. */
static int ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct loop_watch *watch(int fd, unsigned events, loop_fd_fn *fn, void *arg)
{
	struct loop_watch *w = loop_watch(loop, fd, events, fn, arg);

	ck_assert_ptr_nonnull(w);
	return w;
}

/* Runs until fd is ready; returns for what. */
static unsigned ready_for(int fd, unsigned events)
{
	struct loop_watch *w = watch(fd, events, stop_on_event, NULL);

	loop_run(loop);
	loop_unwatch(w);
	return seen;
}

static void open_loop(void)
{
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
}

START_TEST(a_descriptor_tells_what_it_is_ready_for)
{
	open_loop();

	auto_fd fd = ready_fd();
	ck_assert_uint_eq(ready_for(fd, LOOP_READ), LOOP_READ);
	ck_assert_uint_eq(ready_for(fd, LOOP_READ | LOOP_WRITE), LOOP_READ | LOOP_WRITE);
	loop_destroy(loop);
}
END_TEST

START_TEST(a_closed_peer_is_readable)
{
	int ends[2];

	open_loop();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	ck_assert_uint_eq(ready_for(ends[0], LOOP_READ), LOOP_READ);
	close(ends[0]);
	loop_destroy(loop);
}
END_TEST

static struct loop_watch *own_watch;

static void unwatch_itself(void *arg, unsigned events)
{
	calls++;
	loop_unwatch(own_watch);
}

START_TEST(a_watch_may_end_itself)
{
	open_loop();

	auto_fd fd = ready_fd();
	struct loop_timer end = { .fn = stop };

	own_watch = watch(fd, LOOP_READ, unwatch_itself, NULL);
	start(&end, now_ns() + SOON_NS);
	loop_run(loop);
	ck_assert_uint_eq(calls, 1);
	loop_destroy(loop);
}
END_TEST

static void start_again(void *arg)
{
	calls++;
	start(arg, 1);
}

START_TEST(a_timer_in_the_past_starves_nobody)
{
	open_loop();

	auto_fd fd = ready_fd();
	struct loop_timer past = { .fn = start_again, .arg = &past };
	struct loop_watch *w = watch(fd, LOOP_READ, stop_on_event, NULL);

	start(&past, 1);
	loop_run(loop);
	ck_assert_uint_le(calls, 2);
	loop_unwatch(w);
	loop_destroy(loop);
}
END_TEST

static void *kick_many(void *arg)
{
	for (unsigned i = 0; i < 10000; i++)
		loop_kick_now(arg);
	return NULL;
}

START_TEST(a_kick_wakes_from_another_thread)
{
	pthread_t thread;

	open_loop();

	struct loop_kick *k = loop_kick_create(loop, stop, NULL);

	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(pthread_create(&thread, NULL, kick_many, k), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
	loop_kick_destroy(k);
	loop_destroy(loop);
}
END_TEST

struct eventfd_and_kick {
	int fd;
	struct loop_kick *kick;
};

static void event_noted(void *arg, unsigned events)
{
	struct eventfd_and_kick *both = arg;
	eventfd_t n;

	note('f');
	ck_assert_int_eq(eventfd_read(both->fd, &n), 0);
	loop_kick_now(both->kick);
}

/* Hooks run after the descriptors of a turn and before its sleep, in order of registration. */
START_TEST(hooks_run_at_the_end_of_each_turn)
{
	open_loop();

	struct eventfd_and_kick both = { ready_fd(), loop_kick_create(loop, stop, NULL) };
	struct loop_watch *w = watch(both.fd, LOOP_READ, event_noted, &both);

	ck_assert_int_eq(loop_each_turn(loop, letter_noted, one), 0);
	ck_assert_int_eq(loop_each_turn(loop, letter_noted, (void *)"2"), 0);
	loop_run(loop);
	ck_assert_str_eq(order, "12f12");
	loop_each_turn_end(loop, letter_noted, one);
	ck_assert_int_eq(eventfd_write(both.fd, 1), 0);
	loop_run(loop);
	ck_assert_str_eq(order, "12f122f2");
	loop_unwatch(w);
	loop_kick_destroy(both.kick);
	close(both.fd);
	loop_destroy(loop);
}
END_TEST

static void kick_three_times(void *arg)
{
	if (++calls < 4)
		loop_kick_now(arg);
	else
		loop_stop(loop);
}

/* Nothing else ever becomes ready here: a kick that is slept over is a hang. */
START_TEST(a_kick_from_a_hook_is_not_slept_over)
{
	open_loop();

	struct loop_kick *k = loop_kick_create(loop, letter_noted, (void *)"k");

	ck_assert_int_eq(loop_each_turn(loop, kick_three_times, k), 0);
	loop_run(loop);
	ck_assert_uint_eq(calls, 4);
	ck_assert_str_eq(order, "kkk");
	loop_kick_destroy(k);
	loop_destroy(loop);
}
END_TEST

static void asleep(void *arg)
{
	note('s');
}

static void awake(void *arg)
{
	note('w');
}

START_TEST(the_sleep_is_bracketed)
{
	open_loop();

	auto_fd fd = ready_fd();
	struct loop_watch *w = watch(fd, LOOP_READ, stop_on_event, NULL);

	loop_on_sleep(loop, asleep, awake, NULL);
	ck_assert_int_eq(loop_each_turn(loop, letter_noted, one), 0);
	loop_run(loop);
	ck_assert_str_eq(order, "1swf");
	loop_unwatch(w);
	loop_destroy(loop);
}
END_TEST

START_TEST(a_stop_before_the_run_is_kept)
{
	open_loop();
	loop_stop(loop);
	loop_run(loop);
	loop_destroy(loop);
}
END_TEST

/* LIBEV_FLAGS of the environment is meant for the program under us: 1 is select. */
START_TEST(libev_keeps_out_of_the_process)
{
	struct sigaction before, after;

	ck_assert_int_eq(setenv("LIBEV_FLAGS", "1", 1), 0);
	ck_assert_int_eq(sigaction(SIGCHLD, NULL, &before), 0);
	open_loop();
	ck_assert_int_eq(sigaction(SIGCHLD, NULL, &after), 0);
	ck_assert(before.sa_handler == after.sa_handler);

	struct loop_kick *k = loop_kick_create(loop, stop, NULL);
	unsigned epolls = 0;

	for (int fd = 3; fd < 64; fd++) {
		char path[64], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			continue;
		if (!strncmp(target, "anon_inode:", 11))
			ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		epolls += !strcmp(target, "anon_inode:[eventpoll]");
	}
	ck_assert_uint_eq(epolls, 1);
	loop_kick_destroy(k);
	loop_destroy(loop);
}
END_TEST

UNIT_MAIN("loop", a_descriptor_tells_what_it_is_ready_for, a_closed_peer_is_readable,
	  a_watch_may_end_itself, a_timer_in_the_past_starves_nobody,
	  a_kick_wakes_from_another_thread, hooks_run_at_the_end_of_each_turn,
	  a_kick_from_a_hook_is_not_slept_over, the_sleep_is_bracketed,
	  a_stop_before_the_run_is_kept, libev_keeps_out_of_the_process)

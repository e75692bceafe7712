/* SPDX-License-Identifier: MIT */
/*
 * victim_busy: on a machine whose CPUs are all busy, and among processes that make calls without end, how long after a
 * pipe became readable is its POLL told? Natively a process that has slept is given a CPU at once. Prints "prompt", or
 * the median.
 */
#include "parity/victim_env.h"

#include <libaio.h>

#define CALLERS 8
#define ROUNDS 60
#define LIMIT_NS 8000000		/* two turns of the others; with a yield per call it was 20 to 40 ms */

static pid_t others[64];
static unsigned others_count;

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static io_context_t setup(void)
{
	io_context_t ctx = NULL;

	need(io_setup(4, &ctx) == 0);
	return ctx;
}

static void compute(void)
{
	for (;;)
		now_ns();
}

static void call(void)
{
	struct timespec at_once = { 0, 0 };
	io_context_t ctx = setup();
	struct io_event ev;

	for (;;)
		io_getevents(ctx, 0, 1, &ev, &at_once);
}

/* Writes the time into a pipe, a moment after it was told to. */
static int to_writer[2], from_writer[2];

static void write_times(void)
{
	long long now;

	while (read(to_writer[0], &now, sizeof(now)) == sizeof(now)) {
		poll(NULL, 0, 2);	/* that moment: who asked is to wait by then */
		now = now_ns();
		need(write(from_writer[1], &now, sizeof(now)) == sizeof(now));
	}
	for (;;)
		pause();
}

static void start(void (*what)(void))
{
	pid_t pid = victim_fork();

	if (!pid) {
		close(to_writer[1]);
		what();
	}
	need(others_count < ARRAY_SIZE(others));
	others[others_count++] = pid;
}

static long long lateness_of_poll(io_context_t ctx)
{
	struct iocb cb, *list = &cb;
	struct io_event ev;
	long long then = 0, now;

	io_prep_poll(&cb, from_writer[0], POLLIN);
	need(io_submit(ctx, 1, &list) == 1);
	need(write(to_writer[1], &then, sizeof(then)) == sizeof(then));
	need(io_getevents(ctx, 1, 1, &ev, NULL) == 1);
	now = now_ns();
	need(read(from_writer[0], &then, sizeof(then)) == sizeof(then));
	return now - then;
}

/* What the machine itself needs for it. */
static long long lateness_of_read(void)
{
	long long then = 0;

	need(write(to_writer[1], &then, sizeof(then)) == sizeof(then));
	need(read(from_writer[0], &then, sizeof(then)) == sizeof(then));
	return now_ns() - then;
}

static int by_size(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long long median(long long *of)
{
	qsort(of, ROUNDS, sizeof(*of), by_size);
	return of[ROUNDS / 2];
}

int main(void)
{
	long long polls[ROUNDS], reads[ROUNDS];
	io_context_t ctx = setup();

	alarm(VICTIM_SECONDS);
	need(!pipe2(to_writer, O_CLOEXEC) && !pipe2(from_writer, O_CLOEXEC));
	start(write_times);
	for (unsigned i = 0; i < 2 * possible_cpus() && i < 32; i++)
		start(compute);
	for (unsigned i = 0; i < CALLERS; i++)
		start(call);
	for (unsigned i = 0; i < ROUNDS; i++) {
		polls[i] = lateness_of_poll(ctx);
		reads[i] = lateness_of_read();
	}
	for (unsigned i = 0; i < others_count; i++) {
		kill(others[i], SIGKILL);
		wait_child(others[i]);
	}
	if (median(polls) < LIMIT_NS || polls[ROUNDS / 2] < 4 * median(reads))
		printf("prompt\n");
	else
		printf("%lld us late, a read %lld us\n", polls[ROUNDS / 2] / 1000, reads[ROUNDS / 2] / 1000);
	return 0;
}

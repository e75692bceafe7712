/* SPDX-License-Identifier: MIT */
/*
 * Signals all the time, on a kernel that lets them break off calls that were received (tests/old_kernel.sh).
 *
 *	victim_interrupted WHAT FLAGS COUNT: FLAGS is restart (SA_RESTART) or plain
 *
 * appends	COUNT io_submits, each of one record with a number of its own, to a file with O_APPEND.
 * lists	the same, three records each.
 * large	the same, 4 MiB each, and a handler that takes 3 ms.
 * setups	COUNT pairs of io_setup and io_destroy.
 * waits	io_getevents that a signal ends, COUNT times; then with two of three events there.
 */
#include "parity/victim.h"

enum { LARGE_BYTES = 4 << 20, LIST = 3 };

static volatile sig_atomic_t handled;
static long handler_us;

static void handler(int sig)
{
	handled++;
	if (handler_us)		/* a slow handler is the scene itself */
		usleep((useconds_t)handler_us);
}

static timer_t start_timer(long every_ns)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec every = { { 0, every_ns }, { 0, every_ns } };
	timer_t timer;

	need(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	need(!every_ns || !timer_settime(timer, 0, &every, NULL));
	return timer;
}

static void drain(struct ring *ring, long *events, long *good, long bytes)
{
	for (; ring->head != ring->tail; ++*events) {
		*good += ring->event[ring->head].res == bytes;
		ring->head = (ring->head + 1) % ring->nr;
	}
}

/* What became of one io_submit. */
enum outcome { REFUSED, ACCEPTED, BROKEN };

/* How often number n stands in the file: `counts` of a record each. */
static void count_records(int fd, long bytes, long records, unsigned *counts)
{
	uint64_t n;

	for (long at = 0; at < file_size(fd); at += bytes) {
		need(pread(fd, &n, sizeof(n), at) == sizeof(n));
		need((long)n < records);
		counts[n]++;
	}
}

static void judge(const unsigned *counts, const enum outcome *what, long calls, long each)
{
	long once = 0, more = 0, lost = 0, broken = 0, executed = 0;

	for (long i = 0; i < calls * each; i++) {
		more += counts[i] > 1 && i % each == 0;
		lost += what[i / each] == ACCEPTED && !counts[i];
		once += what[i / each] == ACCEPTED && counts[i] == 1;
		broken += what[i / each] == BROKEN;
		executed += what[i / each] == BROKEN && counts[i];
	}
	obs("accepted", "%s", once ? "some" : "none");
	obs_num("calls-executed-twice", more);
	obs_num("lost", lost);
	obs("eintr", "%ld", broken / each);
	obs("eintr-executed-records", "%ld", executed);
}

static void appends(long calls, long each, size_t bytes, long every_ns)
{
	aio_context_t ctx = aio_context(64);
	struct ring *ring = ring_of(ctx);
	int fd = tmp_open(O_RDWR | O_APPEND);
	enum outcome *what = calloc((size_t)calls, sizeof(*what));
	unsigned *counts = calloc((size_t)(calls * each), sizeof(*counts));
	char *record = calloc((size_t)each, bytes);
	struct iocb cb[LIST], *list[LIST];
	long events = 0, good = 0, accepted = 0;
	timer_t timer = start_timer(every_ns);

	for (long n = 0; n < calls; n++) {
		long ret;

		/* a call that was broken off may still be executed: the last one comes behind it */
		if (n == calls - 1)
			timer_delete(timer);
		for (long i = 0; i < each; i++) {
			uint64_t number = (uint64_t)(n * each + i);

			memcpy(record + (size_t)i * bytes, &number, sizeof(number));
			list[i] = prep(&cb[i], IOCB_CMD_PWRITE, fd, record + (size_t)i * bytes, bytes, 0);
			cb[i].aio_data = number;
		}
		ret = aio_submit(ctx, each, list);
		what[n] = ret == each ? ACCEPTED : ret == -EINTR ? BROKEN : REFUSED;
		if (ret != each && ret != -EINTR)
			obs("refused", "%s", num(ret));
		accepted += ret > 0 ? ret : 0;
		drain(ring, &events, &good, (long)bytes);
	}
	count_records(fd, (long)bytes, calls * each, counts);
	judge(counts, what, calls, each);
	obs_num("events-minus-records", good - file_size(fd) / (long)bytes);
	obs("records-minus-returns", "%ld", file_size(fd) / (long)bytes - accepted);
	aio_destroy(ctx);
}

static long count_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	long lines = 0;

	for (int c; (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	fclose(f);
	return lines;
}

static long count_fds(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void setups(long count)
{
	const long fds = count_fds(), maps = count_lines("/proc/self/maps");
	long bad = 0, broken = 0;
	timer_t timer = start_timer(300000);

	for (long i = 0; i < count; i++) {
		aio_context_t ctx = 0;
		long ret;

		while ((ret = aio_setup(8, &ctx)) == -EINTR)
			broken++;
		if (ret)
			obs("io_setup", "%s", num(ret));
		bad += ret || !ctx;
		if (ret)
			continue;
		need(ring_of(ctx)->magic == 0xa10a10a1);
		while ((ret = aio_destroy(ctx)) == -EINTR)
			broken++;
		if (ret)
			obs("io_destroy", "%s", num(ret));
		bad += ret != 0;
	}
	timer_delete(timer);
	obs_num("bad", bad);
	obs("eintr", "%ld", broken);
	obs_num("descriptors-left", count_fds() - fds);
	obs_yes("mappings-left", count_lines("/proc/self/maps") > maps + 4);	/* the heap may grow */
}

static void waits(long count)
{
	aio_context_t ctx = aio_context(8);
	struct io_event ev[4];
	struct iocb cb[2], *list[] = { &cb[0], &cb[1] };
	struct itimerspec once = { { 0, 0 }, { 0, 20000000 } };
	int fd = tmp_open(O_RDWR);
	long ended = 0, got;
	timer_t timer = start_timer(0);

	for (long i = 0; i < count; i++) {
		need(!timer_settime(timer, 0, &once, NULL));
		ended += aio_getevents(ctx, 1, 4, ev, NULL) == -EINTR;
		need(reap_now(ctx, 4, ev) == 0);	/* another call: what was kept for a restart is over */
	}
	obs_num("ended-by-signal", ended);
	prep(&cb[0], IOCB_CMD_PWRITE, fd, "x", 1, 0);
	prep(&cb[1], IOCB_CMD_PWRITE, fd, "x", 1, 0);
	need(aio_submit(ctx, 2, list) == 2);
	need(!timer_settime(timer, 0, &once, NULL));
	got = aio_getevents(ctx, 3, 4, ev, NULL);
	got = got == -EINTR ? 0 : got;
	obs_num("events-of-two", got + reap_now(ctx, 4, ev));
	aio_destroy(ctx);
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[3]) : 0;

	need(count > 0);
	victim_start();
	handler_us = strcmp(argv[1], "large") ? 0 : 3000;
	on_signal(SIGUSR1, handler, strcmp(argv[2], "restart") ? 0 : SA_RESTART);
	if (!strcmp(argv[1], "appends"))
		appends(count, 1, 64, 100000);
	else if (!strcmp(argv[1], "lists"))
		appends(count, LIST, 64, 100000);
	else if (!strcmp(argv[1], "large"))
		appends(count, 1, LARGE_BYTES, 5000000);
	else if (!strcmp(argv[1], "setups"))
		setups(count);
	else if (!strcmp(argv[1], "waits"))
		waits(count);
	obs_yes("signals-came", handled > 0);
	return victim_end();
}

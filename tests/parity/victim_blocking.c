/* SPDX-License-Identifier: MIT */
/*
 * Section 8.2: reads of an empty pipe. The kernel blocks in io_submit; with --submit=auto the
 * sandbox does not (D1). What is the same either way: the data, the events, the order on one fd.
 */
#include "victim.h"

#include <pthread.h>

static aio_context_t ctx;
static int p[2], zero_fd, done_fd[2];
static char first[8], second[8], zero[8];
static struct iocb cbs[3], *list[3];
static long submitted, count;

static void handler(int sig)
{
}

static void *submitter(void *arg)
{
	*(_Atomic pid_t *)arg = gettid();
	submitted = aio_submit(ctx, count, list);
	need(write(done_fd[1], "d", 1) == 1);
	return NULL;
}

/* Whether io_submit has returned by itself; it gets half a second to do so. */
static int returned(int ms)
{
	struct pollfd done = { .fd = done_fd[0], .events = POLLIN };

	return poll(&done, 1, ms) == 1;
}

static void finish(pthread_t thread)
{
	char c;

	pthread_join(thread, NULL);
	need(read(done_fd[0], &c, 1) == 1);
}

static void until_data(void)
{
	_Atomic pid_t tid = 0;
	struct io_event ev[2];
	pthread_t thread;

	list[0] = prep(&cbs[0], IOCB_CMD_PREAD, p[0], first, 4, 0);
	list[1] = prep(&cbs[1], IOCB_CMD_PREAD, p[0], second, 4, 0);
	count = 2;
	need(!pthread_create(&thread, NULL, submitter, (void *)&tid));
	obs("8.2.blocks/empty-pipe-submit", "%s", returned(500) ? "returns" : "blocks");
	obs_num("13.only-poll/read-that-waits", aio_cancel(ctx, &cbs[0], ev));
	need(write(p[1], "datamore", 8) == 8);
	obs_num("8.2.blocks/events-once-data-is-there", reap(ctx, 2, ev));
	finish(thread);
	obs_num("8.2.blocks/submitted", submitted);
	obs("8.2.list-waits/in-list-order", "%.4s %.4s %s", first, second,
	    ev[0].obj == (uintptr_t)&cbs[0] ? "yes" : "no");
}

/* {read of the empty pipe, read of /dev/zero}, and a signal for the thread in between. */
static void until_signal(void)
{
	_Atomic pid_t tid = 0;
	struct io_event ev[2];
	pthread_t thread;
	long n;

	on_signal(SIGUSR1, handler, SA_RESTART);
	list[0] = prep(&cbs[0], IOCB_CMD_PREAD, p[0], first, 4, 0);
	list[1] = prep(&cbs[1], IOCB_CMD_PREAD, zero_fd, zero, 5, 0);
	count = 2;
	need(!pthread_create(&thread, NULL, submitter, (void *)&tid));
	if (!returned(500)) {
		wait_blocked(getpid(), tid, SYS_io_submit);
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
	}
	finish(thread);
	obs_num("8.2.signal/submitted", submitted);
	n = reap_now(ctx, 2, ev);
	obs_num("8.2.signal/events", n);
	obs("8.2.signal/last-res", "%s", n ? num(ev[n - 1].res) : "none");
	obs("8.2.signal/first-res", "%s", n == 2 ? num(ev[0].res) : "waits");
	need(write(p[1], "late", 4) == 4);
	obs_num("8.2.signal/late-data-event", n == 2 ? 0 : reap(ctx, 1, ev));
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	need(!pipe(p) && !pipe(done_fd));
	ctx = aio_context(8);
	until_data();
	until_signal();
	return victim_end();
}

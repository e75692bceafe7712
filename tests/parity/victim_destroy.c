/* SPDX-License-Identifier: MIT */
/* Section 14: io_destroy with requests in flight, with waiters, and racing with itself. */
#include "victim.h"

#include <pthread.h>
#include <sys/eventfd.h>

#define RACERS 4
#define ROUNDS 100
#define BLOCK 4096

static char *block(unsigned n)
{
	char *p = mmap(NULL, n * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

/* O_DIRECT where the file system has it, so that requests really are in flight. */
static int direct_file(unsigned blocks)
{
	int fd = tmp_open(O_RDWR);
	char *data = block(blocks);

	memset(data, 'f', blocks * BLOCK);
	need(pwrite(fd, data, blocks * BLOCK, 0) == (ssize_t)blocks * BLOCK && !fsync(fd));
	fcntl(fd, F_SETFL, O_DIRECT);
	munmap(data, blocks * BLOCK);
	return fd;
}

static void idle(void)
{
	aio_context_t ctx = aio_context(8);
	void *at = (void *)ctx;
	int p[2];

	need(!pipe(p));
	obs_num("14.unmapped/ring-readable", write(p[1], at, 32) < 0 ? -errno : 0);
	obs_num("14.unmapped/destroy", aio_destroy(ctx));
	obs_num("14.unmapped/ring-gone", write(p[1], at, 32) < 0 ? -errno : 0);
	obs_num("14.look-up/second", aio_destroy(ctx));
	obs_num("14.look-up/submit-after", aio_submit(ctx, 0, NULL));
}

static void unreaped(void)
{
	aio_context_t ctx = aio_context(8);
	int fd = tmp_open(O_RDWR);
	struct iocb cb, *list[] = { &cb, &cb };

	prep(&cb, IOCB_CMD_PWRITE, fd, "x", 1, 0);
	obs_num("14.unreaped/submit", aio_submit(ctx, 2, list));
	obs_num("14.unreaped/destroy", aio_destroy(ctx));
	obs_num("14.unreaped/written", file_size(fd));
}

static void polls(void)
{
	aio_context_t ctx = aio_context(8);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), p[2];
	struct iocb cb[2], *list[2];
	uint64_t count = 0;
	char c;

	need(!pipe(p));
	for (int i = 0; i < 2; i++) {
		list[i] = prep_poll(&cb[i], p[0], POLLIN);
		cb[i].aio_flags = IOCB_FLAG_RESFD;
		cb[i].aio_resfd = fd;
	}
	obs_num("14.polls/submit", aio_submit(ctx, 2, list));
	obs_num("14.polls/destroy", aio_destroy(ctx));
	obs_num("14.polls/eventfd", read(fd, &count, 8));
	obs_num("14.polls/eventfd-count", count);
	need(!close(p[1]));
	obs_num("14.polls/release-the-pipe", read(p[0], &c, 1));
}

/* After io_destroy nothing lands in memory or file any more, and everything accepted has. */
static void in_flight(void)
{
	int fd = direct_file(8);
	char *buf = block(8), *back = block(8);
	unsigned all_read = 0, late = 0, all_written = 0;

	for (int round = 0; round < ROUNDS; round++) {
		aio_context_t ctx = aio_context(8);
		struct iocb cb[8], *list[8];
		int op = round % 2 ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		unsigned same = 0;

		memset(buf, op == IOCB_CMD_PREAD ? 0 : 'A' + round % 26, 8 * BLOCK);
		for (int i = 0; i < 8; i++)
			list[i] = prep(&cb[i], op, fd, buf + i * BLOCK, BLOCK, i * BLOCK);
		need(aio_submit(ctx, 8, list) == 8 && !aio_destroy(ctx));
		need(pread(fd, back, 8 * BLOCK, 0) == 8 * BLOCK);
		same = !memcmp(buf, back, 8 * BLOCK);
		if (op == IOCB_CMD_PREAD) {
			all_read += same;
			memset(buf, '!', 8 * BLOCK);
			sched_yield();
			for (unsigned i = 0; i < 8 * BLOCK; i++)
				late += buf[i] != '!';
		} else {
			all_written += same && back[0] == 'A' + round % 26;
		}
	}
	obs_num("14.in-flight/reads-complete", all_read);
	obs_num("14.in-flight/reads-late", late);
	obs_num("14.in-flight/writes-complete", all_written);
}

/* --- another thread waits ------------------------------------------------------------------- */

struct waiter {
	aio_context_t ctx;
	_Atomic pid_t tid;
	long min, ret;
};

static void *waiter(void *arg)
{
	struct waiter *w = arg;
	struct io_event ev[4];

	w->tid = gettid();
	w->ret = aio_getevents(w->ctx, w->min, 4, ev, NULL);
	return NULL;
}

static long destroyed_while_waiting(unsigned events, long *destroy)
{
	struct waiter w = { .ctx = aio_context(8), .min = 3 };
	struct iocb cb;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pthread_t thread;
	char c;

	prep(&cb, IOCB_CMD_PREAD, zero, &c, 1, 0);
	for (unsigned i = 0; i < events; i++)
		need(aio_submit1(w.ctx, &cb) == 1);
	need(!pthread_create(&thread, NULL, waiter, &w));
	while (!w.tid)
		sched_yield();
	wait_blocked(getpid(), w.tid, SYS_io_getevents);
	*destroy = aio_destroy(w.ctx);
	pthread_join(thread, NULL);
	close(zero);
	return w.ret;
}

static void waiting(void)
{
	long destroy;

	obs_num("11.destroy/nothing-taken", destroyed_while_waiting(0, &destroy));
	obs_num("14.waiters/destroy", destroy);
	obs_num("11.destroy/two-taken", destroyed_while_waiting(2, &destroy));
	obs_num("14.waiters/destroy-again", destroy);
}

/* --- racing destroyers: one wins ------------------------------------------------------------- */

static pthread_barrier_t barrier;
static aio_context_t raced;

static void *racer(void *arg)
{
	long *ret = arg;

	pthread_barrier_wait(&barrier);
	*ret = aio_destroy(raced);
	return NULL;
}

static void races(void)
{
	unsigned one_winner = 0, others_einval = 0;
	int fd = direct_file(8);
	char *buf = block(8);

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (int round = 0; round < 20; round++) {
		pthread_t thread[RACERS];
		long ret[RACERS];
		struct iocb cb[8], *list[8];
		unsigned won = 0, lost = 0;

		raced = aio_context(8);
		for (int i = 0; i < 8; i++)
			list[i] = prep(&cb[i], IOCB_CMD_PREAD, fd, buf + i * BLOCK, BLOCK, 0);
		need(aio_submit(raced, 8, list) == 8);
		for (int i = 0; i < RACERS; i++)
			need(!pthread_create(&thread[i], NULL, racer, &ret[i]));
		for (int i = 0; i < RACERS; i++) {
			pthread_join(thread[i], NULL);
			won += ret[i] == 0;
			lost += ret[i] == -EINVAL;
		}
		one_winner += won == 1;
		others_einval += lost == RACERS - 1;
	}
	obs_num("14.race/one-winner", one_winner);
	obs_num("14.race/others-einval", others_einval);
}

int main(void)
{
	victim_start();
	idle();
	unreaped();
	polls();
	in_flight();
	waiting();
	races();
	return victim_end();
}

/* SPDX-License-Identifier: MIT */
/* Many threads on one context: nothing is lost, doubled or mixed up. */
#include "victim.h"

#include <pthread.h>
#include <stdbool.h>

#define SUBMITTERS 8
#define EACH 500
#define BLOCK 512

static aio_context_t ctx;
static int fd;
static _Atomic unsigned seen[SUBMITTERS * EACH];
static _Atomic unsigned reaped, wrong;
static struct iocb cbs[SUBMITTERS][EACH];
static char data[SUBMITTERS][EACH][BLOCK];

static void *submitter(void *arg)
{
	unsigned who = (uintptr_t)arg;

	for (unsigned i = 0; i < EACH; i++) {
		unsigned n = who * EACH + i;
		struct iocb *cb = &cbs[who][i], *list[] = { cb };

		memset(data[who][i], 1 + n % 250, BLOCK);
		prep(cb, IOCB_CMD_PWRITE, fd, data[who][i], BLOCK, (long)n * BLOCK);
		cb->aio_data = n;
		while (aio_submit(ctx, 1, list) != 1)
			sched_yield();
	}
	return NULL;
}

static void *reaper(void *arg)
{
	struct timespec soon = { .tv_nsec = 5000000 };
	struct io_event ev[32];

	while (reaped < SUBMITTERS * EACH) {
		long n = aio_getevents(ctx, 1, 32, ev, &soon);

		for (long i = 0; i < n; i++) {
			wrong += ev[i].data >= SUBMITTERS * EACH || ev[i].res != BLOCK ||
				ev[i].obj != (uintptr_t)&cbs[ev[i].data / EACH][ev[i].data % EACH];
			seen[ev[i].data % (SUBMITTERS * EACH)]++;
			reaped++;
		}
	}
	return NULL;
}

static void one_context(unsigned reapers)
{
	pthread_t thread[SUBMITTERS + 3];
	unsigned once = 0, good = 0;
	char back[BLOCK], tag[64];

	ctx = aio_context(64);
	fd = tmp_open(O_RDWR);
	reaped = wrong = 0;
	memset(seen, 0, sizeof(seen));
	for (uintptr_t i = 0; i < SUBMITTERS + reapers; i++)
		need(!pthread_create(&thread[i], NULL, i < SUBMITTERS ? submitter : reaper,
				     (void *)i));
	for (unsigned i = 0; i < SUBMITTERS + reapers; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < SUBMITTERS * EACH; i++) {
		once += seen[i] == 1;
		good += pread(fd, back, BLOCK, (long)i * BLOCK) == BLOCK &&
			(unsigned char)back[0] == 1 + i % 250 && !memcmp(back, back + 1, BLOCK - 1);
	}
	snprintf(tag, sizeof(tag), "3.once/%u-reapers-each-event-once", reapers);
	obs_num(tag, once);
	snprintf(tag, sizeof(tag), "3.once/%u-reapers-wrong", reapers);
	obs_num(tag, wrong);
	snprintf(tag, sizeof(tag), "3.once/%u-reapers-blocks-right", reapers);
	obs_num(tag, good);
	aio_destroy(ctx);
	close(fd);
}

/* Each thread has its own context, made and destroyed many times. */
static void *own_contexts(void *arg)
{
	unsigned good = 0;

	for (unsigned i = 0; i < 20; i++) {
		aio_context_t own = aio_context(1);
		int mine = tmp_open(O_RDWR);
		char back[8] = "";
		struct iocb cb[2], *list[2];
		struct io_event ev[2];

		list[0] = prep(&cb[0], IOCB_CMD_PWRITE, mine, "own-data", 8, 0);
		list[1] = prep(&cb[1], IOCB_CMD_PREAD, mine, back, 8, 0);
		good += aio_submit(own, 2, list) == 2 && reap(own, 2, ev) == 2 && ev[1].res == 8 &&
			!memcmp(back, "own-data", 8) && !aio_destroy(own);
		close(mine);
	}
	return (void *)(uintptr_t)good;
}

static void many_contexts(void)
{
	pthread_t thread[SUBMITTERS];
	unsigned long sum = 0;
	void *ret;

	for (unsigned i = 0; i < SUBMITTERS; i++)
		need(!pthread_create(&thread[i], NULL, own_contexts, NULL));
	for (unsigned i = 0; i < SUBMITTERS; i++) {
		pthread_join(thread[i], &ret);
		sum += (uintptr_t)ret;
	}
	obs_num("2.own-contexts/own-contexts", sum);
}

/* Waiters that ask for one event each: every event wakes one of them. */
static void *one_event(void *arg)
{
	struct io_event ev;

	return (void *)aio_getevents(ctx, 1, 1, &ev, NULL);
}

static void waiters(void)
{
	pthread_t thread[SUBMITTERS];
	struct iocb cb;
	long sum = 0;
	void *ret;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char c;

	ctx = aio_context(8);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		need(!pthread_create(&thread[i], NULL, one_event, NULL));
	for (unsigned i = 0; i < SUBMITTERS; i++)
		need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, zero, &c, 1, 0)) == 1);
	for (unsigned i = 0; i < SUBMITTERS; i++) {
		pthread_join(thread[i], &ret);
		sum += (long)ret;
	}
	obs_num("11.waiters/each-waiter-one", sum);
	aio_destroy(ctx);
}

struct wait {
	long min, nr;
	_Atomic long ret;
	_Atomic pid_t tid;
};

static void *waits(void *arg)
{
	struct wait *w = arg;
	struct io_event ev[8];

	w->tid = gettid();
	w->ret = aio_getevents(ctx, w->min, w->nr, ev, NULL);
	return NULL;
}

static pthread_t start_wait(struct wait *w)
{
	pthread_t thread;

	need(!pthread_create(&thread, NULL, waits, w));
	while (!w->tid)
		sched_yield();
	wait_blocked(getpid(), w->tid, SYS_io_getevents);
	return thread;
}

/* Who wants less is served first, although it came second. */
static void different_waiters(void)
{
	struct wait many = { .min = 3, .nr = 5 }, one = { .min = 1, .nr = 1 };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct iocb cb, *list[] = { &cb, &cb, &cb };
	pthread_t thread[2];
	char c;

	ctx = aio_context(8);
	prep(&cb, IOCB_CMD_PREAD, zero, &c, 1, 0);
	thread[0] = start_wait(&many);
	thread[1] = start_wait(&one);
	need(aio_submit(ctx, 1, list) == 1);
	pthread_join(thread[1], NULL);
	obs_num("11.waiters/one-of-one", one.ret);
	need(aio_submit(ctx, 3, list) == 3);
	pthread_join(thread[0], NULL);
	obs_num("11.waiters/three-of-five", many.ret);
	aio_destroy(ctx);
	close(zero);
}

/* Two wait for one event, ten times. Who waits, and who submits, shares one CPU. */
static bool youngest_is_served(int zero)
{
	enum { ROUNDS = 10 };
	struct iocb cb, *list[] = { &cb, &cb };
	unsigned youngest = 0;
	char c;

	prep(&cb, IOCB_CMD_PREAD, zero, &c, 1, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct wait wait[2] = { { .min = 1, .nr = 1 }, { .min = 1, .nr = 1 } };
		pthread_t thread[2] = { start_wait(&wait[0]), start_wait(&wait[1]) };

		need(aio_submit(ctx, 1, list) == 1);
		while (!wait[0].ret && !wait[1].ret)
			sched_yield();
		youngest += wait[1].ret == 1;
		need(aio_submit(ctx, 1, list) == 1);
		pthread_join(thread[0], NULL);
		pthread_join(thread[1], NULL);
	}
	return youngest * 2 > ROUNDS;
}

/*
 * Of two that want the same it is served that came last. Natively both are woken, one after the other,
 * and the scheduler decides: on one CPU it is always so unless others want that CPU too. So it may
 * take some tries, on one CPU and another.
 */
static void youngest_first(void)
{
	enum { TRIES = 40 };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	cpu_set_t cpu, before;
	bool served = false;

	need(!sched_getaffinity(0, sizeof(before), &before));
	ctx = aio_context(8);
	for (int i = 0; i < TRIES && !served; i++) {
		CPU_ZERO(&cpu);
		CPU_SET(i % CPU_COUNT(&before), &cpu);
		sched_setaffinity(0, sizeof(cpu), &cpu);	/* refused: less often */
		served = youngest_is_served(zero);
	}
	obs_yes("11.youngest/more-often", served);
	sched_setaffinity(0, sizeof(before), &before);
	aio_destroy(ctx);
	close(zero);
}

int main(void)
{
	victim_start();
	one_context(1);
	one_context(3);
	many_contexts();
	waiters();
	different_waiters();
	youngest_first();
	return victim_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * victim_keys [DELAY_US [THREADS]]: threads and forked processes make the same requests in every run, in an order that
 * chance decides: they start together, each after a random delay. With THREADS there are so many of one process instead,
 * which share a context. Files are made in the current directory.
 */
#include "parity/victim.h"

#include <pthread.h>

enum { PROCESSES = 3, THREADS = 4, THREADS_MAX = 64, ROUNDS = 25, BLOCK = 512 };

static long delay_us;
static aio_context_t shared_ctx;

/* What the order is left to: nothing is waited for. */
static void chance(void)
{
	if (delay_us)
		usleep((useconds_t)(random() % delay_us));	/* chance, not a wait */
}

static void *requests(void *arg)
{
	static char block[BLOCK];	/* who shares a context may reap the events of others */
	aio_context_t ctx = shared_ctx ? shared_ctx : aio_context(8);
	struct io_event ev;
	struct iocb cb;
	char name[32];
	int own, shared = open("shared", O_RDWR | O_CREAT, 0600);

	snprintf(name, sizeof(name), "file %ld", (long)arg);
	own = open(name, O_RDWR | O_CREAT, 0600);
	need(own >= 0 && shared >= 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		chance();
		need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, own, block, BLOCK, BLOCK * i)) == 1);
		need(reap(ctx, 1, &ev) == 1);
		/* the same for all threads: told apart by k only */
		need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, shared, block, BLOCK, BLOCK * (i % 3))) == 1);
		need(reap(ctx, 1, &ev) == 1);
	}
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_FSYNC, own, NULL, 0, 0)) == 1);
	need(reap(ctx, 1, &ev) == 1);
	close(own);
	close(shared);
	if (!shared_ctx)
		aio_destroy(ctx);
	return NULL;
}

static void all_threads(unsigned process, unsigned count)
{
	pthread_t threads[THREADS_MAX];

	srandom((unsigned)getpid() ^ (unsigned)time(NULL));
	for (long i = 0; i < (long)count; i++)
		need(!pthread_create(&threads[i], NULL, requests, (void *)(process * 100 + i)));
	for (unsigned i = 0; i < count; i++)
		need(!pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
	pid_t children[PROCESSES];
	int gate[2];
	char byte;

	victim_start();
	delay_us = argc > 1 ? atol(argv[1]) : 0;
	if (argc > 2) {
		const long threads = atol(argv[2]);

		need(threads > 0 && threads <= THREADS_MAX);
		shared_ctx = aio_context(2 * THREADS_MAX);
		all_threads(0, (unsigned)threads);
		return victim_end();
	}
	need(!pipe(gate));
	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = victim_fork();
		if (children[i])
			continue;
		close(gate[1]);
		need(read(gate[0], &byte, 1) == 0);
		usleep((useconds_t)(random() % 2000));	/* chance, not a wait */
		all_threads(i + 1, THREADS);
		_exit(0);
	}
	close(gate[1]);		/* all of them go */
	for (unsigned i = 0; i < PROCESSES; i++)
		need(wait_child(children[i]) == 0);
	all_threads(0, THREADS);
	return victim_end();
}

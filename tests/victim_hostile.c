/* SPDX-License-Identifier: MIT */
/*
 * victim_hostile SCENE FILE: what a trace must survive.
 *
 *	flood	reads of FILE, one after the other, until it is killed
 *	head	the same, 20000, while a thread stores nonsense as head of the ring; says how many
 *		were accepted
 *	held	polls of a pipe, 8 in each of 100 contexts, which nobody ends but SIGTERM
 */
#include "parity/victim.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { LIST = 8, ROUNDS = 2500 };

static aio_context_t ctx;
static struct iocb cb[LIST], *list[LIST];
static char data[LIST][8];
static atomic_bool stop;

static void prepare(const char *path)
{
	const int fd = open(path, O_RDONLY);

	need(fd >= 0);
	for (int i = 0; i < LIST; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PREAD, fd, data[i], sizeof(data[i]), 0);
	ctx = aio_context(LIST);
}

static void flood(void)
{
	struct io_event ev[LIST];

	for (;;)
		need(aio_submit(ctx, LIST, list) == LIST && reap(ctx, LIST, ev) == LIST);
}

static void *scribble(void *arg)
{
	volatile struct ring *ring = arg;

	for (unsigned n = 1; !stop; n = n * 1103515245 + 12345) {
		ring->head = n >> 8;
		ring->head = ring->tail;
		ring->head = (ring->tail + 1) % ring->nr;
	}
	return NULL;
}

static void head(void)
{
	pthread_t thread;
	long accepted = 0, n;

	need(!pthread_create(&thread, NULL, scribble, (void *)ctx));
	for (int i = 0; i < ROUNDS; i++) {
		n = aio_submit(ctx, LIST, list);
		accepted += n > 0 ? n : 0;
	}
	stop = true;
	need(!pthread_join(thread, NULL));
	printf("%ld\n", accepted);
}

static void held(void)
{
	struct iocb poll, *polls[LIST];
	int pipes[2];

	need(!pipe(pipes));
	prep_poll(&poll, pipes[0], 1);
	for (int i = 0; i < LIST; i++)
		polls[i] = &poll;
	for (int i = 0; i < 100; i++)
		need(aio_submit(aio_context(LIST), LIST, polls) == LIST);
	puts("held");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	need(argc == 3);
	victim_start();
	prepare(argv[2]);
	if (!strcmp(argv[1], "flood"))
		flood();
	else if (!strcmp(argv[1], "held"))
		held();
	else
		head();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the pool (workers.c) and its threads (worker.c) share; nobody else includes this. All fields
 * are protected by the pool's mutex, except those that are said to be the loop thread's.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>

#include "util.h"
#include "workers.h"

struct lane {
	struct list node;
	struct workers *pool;
	char *name;
	struct list queue;	/* struct work */
	unsigned queued;
	unsigned threads;
	unsigned idle;		/* threads that wait, or are woken but do not run yet */
	unsigned load;		/* the loop thread's: items until done() */
	pthread_cond_t wake;
};

/* One thread of a lane. */
struct worker {
	struct list node;	/* of pool->threads, then of pool->gone */
	pthread_t id;
	struct lane *lane;
	struct work *work;	/* NULL: none */
};

struct workers {
	pthread_mutex_t mutex;
	struct list lanes;
	struct list threads;
	struct list gone;
	struct list finished;	/* struct work; its ->thread points to itself */
	unsigned threads_count;
	unsigned lane_threads;
	bool stop;
	pthread_cond_t left;	/* a thread has moved to `gone` */

	/* the loop thread's */
	struct loop *loop;
	struct loop_kick *kick;
	struct loop_timer tick;	/* always armed, so that moving it cannot fail */
	unsigned outstanding;
	struct sigaction old_action;
};

/* Adds one thread to the lane: 0 or -errno. Loop thread, with the mutex held. */
int worker_start(struct lane *lane);

#endif

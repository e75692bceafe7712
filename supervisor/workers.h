/* SPDX-License-Identifier: MIT */
/*
 * Threads for what may block. Work is queued in lanes; a lane is one thing that can stall on its
 * own (the local storage, one foreign file system, peers, closes) and never uses more than its
 * share of threads, so that a stalled lane cannot starve another. Threads are started when there is
 * work, and kept. They block all signals but WORKERS_INTERRUPT_SIGNAL (a handler without SA_RESTART
 * that does nothing), by which the work of one thread can be broken off.
 *
 * A work item is owned by the pool from workers_queue() until its done() is called on the loop
 * thread.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include <signal.h>
#include <stdbool.h>

#include "list.h"
#include "loop.h"

#define WORKERS_INTERRUPT_SIGNAL SIGRTMIN

struct workers;
struct lane;

struct work {
	struct list node;
	void (*run)(struct work *w);	/* on a worker thread */
	void (*done)(struct work *w);	/* on the loop thread */
	struct lane *lane;
	void *thread;			/* the pool's: who runs it now */
	bool cancelled; /* the pool's: asked to stop; run() may look, with workers_cancelled() */
};

struct workers *workers_create(struct loop *loop, unsigned lane_threads); /* NULL with errno */
void workers_destroy(struct workers *p);	/* waits for running work; accepts NULL */

/*
 * Lanes live until workers_destroy(); asking for a known name returns the same lane. NULL: ENOMEM.
 */
struct lane *workers_lane(struct workers *p, const char *name);
unsigned workers_lane_load(const struct lane *lane);	/* queued and running items */

void workers_queue(struct workers *p, struct lane *lane, struct work *w);
bool workers_cancelled(struct work *w);		/* from run() */

/*
 * 0: it was still queued, and is the caller's again (done() will not be called);
 * -EINPROGRESS: it runs; it has been interrupted, and again every few ms until run() returns.
 */
int workers_cancel(struct workers *p, struct work *w);

/* The same without the interrupt: -EINPROGRESS leaves what runs alone. */
int workers_withdraw(struct workers *p, struct work *w);

#endif

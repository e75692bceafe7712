/* SPDX-License-Identifier: MIT */
/*
 * The order of pending timers: a binary heap of pointers to timers that their users embed. Each
 * timer knows its slot, so that stopping one needs no search. No clock and no descriptor in here:
 * the loop asks what is due first and decides when that is.
 */
#ifndef TIMERS_H
#define TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* One-shot timer in absolute CLOCK_MONOTONIC time; embed it, zero-initialised. */
struct loop_timer {
	uint64_t due_ns;
	unsigned heap_slot;	/* 1-based; 0: not armed */
	void (*fn)(void *arg);
	void *arg;
};

/* Zero-initialised is empty. */
struct timers {
	struct loop_timer **heap;	/* heap[0] is never used: children of n are 2n and 2n+1 */
	unsigned count;
	unsigned room;
};

void timers_free(struct timers *h);	/* the timers in it count as stopped */

/* Arms t, or moves it when it is armed: 0, or -ENOMEM with t as it was. */
int timers_start(struct timers *h, struct loop_timer *t, uint64_t due_ns);
void timers_stop(struct timers *h, struct loop_timer *t);	/* harmless when not armed */

/* The timer that is due first; NULL when there is none. */
static inline struct loop_timer *timers_first(const struct timers *h)
{
	return h->count ? h->heap[1] : NULL;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Readiness with full poll masks, which the loop does not have. Any number of waits may share one
 * descriptor. A wait stays until it is removed: it is told of readiness at the start and then of
 * each change, never of a state that lasts (edge-triggered), so a wait that finds nothing to do
 * cannot spin.
 *
 * The loop thread only. A wait's descriptor must stay open until the wait is removed.
 */
#ifndef POLLER_H
#define POLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct loop;
struct poller;
struct poller_point;

/* Embed it; its owner sets ready and calls poller_wait_init(). */
struct poller_wait {
	struct list node;
	struct poller_point *point;
	uint32_t events;
	/*
	 * May remove this wait and add others; revents has a bit of events, or an error or hang-up.
	 */
	void (*ready)(struct poller_wait *w, uint32_t revents);
};

static inline void poller_wait_init(struct poller_wait *w,
				    void (*ready)(struct poller_wait *, uint32_t))
{
	list_init(&w->node);
	w->ready = ready;
}

/* after(arg) is called when all waits of one wake-up have been told. NULL with errno. */
struct poller *poller_create(struct loop *loop, void (*after)(void *arg), void *arg);
void poller_destroy(struct poller *p);	/* no wait is left; accepts NULL */

/* 0 or -ENOMEM; from then on poller_add() for this descriptor allocates nothing. */
int poller_reserve(struct poller *p, int fd);

enum poller_place {
	POLLER_FIRST,	/* told before the waits that are there */
	POLLER_LAST,
};

/* events: POLL* bits. 0; -EPERM: a file that is always ready; -ELOOP, -ENOMEM, -ENOSPC: no room. */
int poller_add(struct poller *p, struct poller_wait *w, int fd, uint32_t events,
	       enum poller_place place);
void poller_again(struct poller *p, struct poller_wait *w); /* as if just added: tell if ready */
void poller_remove(struct poller *p, struct poller_wait *w);	/* harmless when not added */

/* Tells what is ready now, without after(). */
void poller_look(struct poller *p);

#endif

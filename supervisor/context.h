/* SPDX-License-Identifier: MIT */
/*
 * An AIO context: a ring, a counter of slots with the verbs reserve, finish and refuse, and lists
 * of who waits. Dead when destroyed; freed when dead and nothing is outstanding. Owned by its
 * address space (task.h); requests hold a reference each.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdbool.h>

#include "list.h"
#include "ring.h"
#include "util.h"

struct channel_ring;
struct mm;
struct record_request;

/* Slots as the kernel counts them (docs/aio-abi.md, 6), with one CPU (D7). */
struct credit {
	unsigned pool;		/* free slots */
	unsigned batch;		/* taken from the pool at once */
	unsigned local;		/* of the batch in use, still free */
	unsigned completed;	/* published, not yet known to be read */
};

struct context {
	struct list node;		/* mm->contexts */
	struct list requests;		/* in flight, oldest first: struct request.node */
	struct list waiters;		/* parked io_getevents, oldest first: struct call.node */
	struct list drain;		/* parked io_destroy: struct call.node */
	struct mm *mm;
	uaddr handle;			/* the id the program knows: the ring's address there */
	bool succeeded;			/* a younger ring was mapped there */
	uint32_t slot;			/* index in the table of the address space: header.id */
	unsigned number;		/* n-th context of this run, from 1 */
	unsigned nth;			/* ... of its address space */
	uint32_t max_nr;		/* what io_setup was asked for: counts against --max-nr */
	struct ring ring;
	struct credit credit;
	struct channel_ring *line;	/* channel.c's: what a shim sees of it; NULL: nothing */
	uint64_t published;		/* events */
	unsigned peers;			/* outstanding, and perhaps done without our knowing */
	unsigned outstanding;		/* accepted and not yet finished */
	unsigned submitters;		/* parked io_submits that are at work on it */
	uaddr lint_ip;			/* lint.c's: of its io_setup */
	uint64_t lint_published;	/* lint.c's: how many events */
	struct record_request **traced;	/* trace.c's: published, by slot of the ring; NULL: none */
	unsigned trace_next;		/* the oldest of them */
	bool dead;
	bool destroying;		/* an io_destroy is at work; it frees the context */
};

void credit_init(struct credit *c, unsigned ring_nr, unsigned possible_cpus);
bool credit_take(struct credit *c);
void credit_put(struct credit *c, unsigned n);
/*
 * Gives back the slots of completions that have left the ring, of which `in_ring` are still there.
 */
void credit_refill(struct credit *c, unsigned in_ring);

/* slot: index in the table of the address space. NULL with *err = -EINVAL, -EAGAIN or -ENOMEM. */
struct context *context_create(struct mm *mm, uint32_t slot, uint32_t max_nr,
			       unsigned possible_cpus, int *err);
void context_destroy(struct context *ctx); /* nothing outstanding, nobody waiting; accepts NULL */

int context_reserve(struct context *ctx);	/* 0 or -EAGAIN */
void context_refuse(struct context *ctx);	/* io_submit failed after reserve */
void context_finish(struct context *ctx,
		    const struct ring_event *ev); /* publishes; one less outstanding */
void context_peers(struct context *ctx, int more);	/* requests begin or end to wait for a peer */
void context_drop(struct context *ctx);		/* finished, but nobody is to see it */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The trap. Theory: notifications are received as early as possible (until then a handler without
 * SA_RESTART can break a call off), also in the middle of long work, and handled in that order.
 */
#include <string.h>

#include "complete.h"
#include "door.h"
#include "log.h"
#include "notify.h"
#include "observe.h"

#define PUMP_NS (100 * NSEC_PER_USEC)
#define RECEIVE_MAX 64
#define CROWD_TURNS 16
#define TURN_NS (50 * NSEC_PER_USEC)

/*
 * Memory first: what has been received must be handled, an exit or execve in particular. Without
 * memory it stays with the kernel, and is readable in the next turn.
 */
static void receive_one(struct dispatch *d)
{
	struct call *call = call_create();
	int got = call ? notify_receive(d->notify, &call->notice) : -ENOMEM;

	if (got <= 0) {
		if (got != -ENOENT)
			log_warn_once("notifications cannot be received: %s; trying again",
				      strerror(-got));
		free(call);
		return;
	}
	call->id = ++d->last_call_id;
	call->kind = call_kind_of(&call->notice);
	trace_arrived(d->trace, call);
	list_add_tail(&d->arrived, &call->node);
}

/* Receives up to `most` of those that wait; they are handled later. */
static void receive(struct dispatch *d, unsigned most)
{
	int waits = 0;

	for (unsigned n = 0; n < most; n++) {
		waits = notify_waits(d->notify);
		if (waits <= 0)
			break;
		receive_one(d);
		if (n)
			d->crowd = CROWD_TURNS;
	}
	if (waits == -EPIPE)
		d->no_waits = true;
}

uint64_t dispatch_pump(struct dispatch *d)
{
	const uint64_t now = now_ns();

	if (now - d->pumped_ns >= PUMP_NS) {
		d->pumped_ns = now;
		receive(d, RECEIVE_MAX);
	}
	return now;
}

void door_trap_handle(struct dispatch *d)
{
	do {
		for (struct list *node; (node = list_pop(&d->arrived));)
			dispatch_begin(d, list_entry(node, struct call, node));
		dispatch_run_ready(d);
	} while (!list_empty(&d->arrived));
}

/*
 * The usual single caller is spared a system call: whether more wait is asked only if there were
 * some not long ago, and now and then; the descriptor stays readable.
 */
static void listener_readable(void *arg, unsigned events)
{
	struct dispatch *d = arg;
	const uint64_t begin_ns = now_ns();
	uint64_t yielded_ns;
	const bool all = d->crowd || ++d->lonely % CROWD_TURNS == 0;

	d->pumped_ns = begin_ns;
	d->crowd -= d->crowd > 0;
	do {
		receive(d, all ? RECEIVE_MAX : 1);
		if (list_empty(&d->arrived))
			break;
		complete_polls(d);
		door_trap_handle(d);
		/* else the other door's look yields, and sees both */
		yielded_ns = list_empty(&d->awake) ? courtesy_yield(&d->courtesy) : 0;
	} while (yielded_ns && yielded_ns - begin_ns < TURN_NS);
	if (d->no_waits) {
		loop_unwatch(d->listener);
		d->listener = NULL;
	}
}

int door_trap_open(struct dispatch *d)
{
	d->listener = loop_watch(d->loop, notify_fd(d->notify), LOOP_READ, listener_readable, d);
	return d->listener ? 0 : -ENOMEM;
}

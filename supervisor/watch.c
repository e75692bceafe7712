/* SPDX-License-Identifier: MIT */
/*
 * Parked threads. Nothing tells us that a signal waits for one, but its state does (docs/design.md,
 * The trap): S while it sleeps undisturbed, D from the first signal on that would have interrupted
 * it. One timer looks at all that are due, after 1 ms first, then after a quarter of the time
 * parked so far, at most 250 ms; and at those, too, that would soon be due, so that many that wait
 * for long are looked at in one wake-up.
 */
#include <poll.h>

#include "complete.h"
#include "kept.h"
#include "log.h"
#include "notify.h"

#define CHECK_FIRST_NS NSEC_PER_MSEC
#define CHECK_LAST_NS (250 * NSEC_PER_MSEC)

static void watch_arm(struct dispatch *d, uint64_t due_ns)
{
	if (loop_timer_armed(&d->watch) && d->watch.due_ns <= due_ns)
		return;
	if (loop_timer_start(d->loop, &d->watch, due_ns))
		log_warn_once("out of memory for a timer: signals may not interrupt io_getevents");
}

void watch_break_off(struct dispatch *d, struct call *call)
{
	if (call->kind == CALL_GETEVENTS || call->kind == CALL_PGETEVENTS) {
		call->broken = true;
		dispatch_wake_call(d, call);
		return;
	}
	call->interrupted = true;
	if (call->waits_for && d->cfg->submit == CONFIG_SUBMIT_KERNEL &&
	    !call->waits_for->storage && !call->waits_for->cancelled) {
		call->waits_for->interrupted = true;
		request_cancel(d, call->waits_for);
	}
}

static bool may_break(const struct call *call)
{
	return call->kind == CALL_GETEVENTS || call->kind == CALL_PGETEVENTS ||
	       call->kind == CALL_SUBMIT;
}

/* The signal was there before the wait: what is ready does not wait, a worker is about to do it. */
static bool about_to_be_done(const struct call *call, uint64_t now)
{
	const struct request *r = call->waits_for;
	struct pollfd p = { .fd = r ? r->io.file->fd : -1 };

	p.events = r && r->io.op == IO_READ ? POLLIN : POLLOUT;
	return now - call->entered_ns < CHECK_LAST_NS && poll(&p, 1, 0) == 1;
}

static uint64_t check(struct dispatch *d, struct call *call, uint64_t now)
{
	const uint64_t parked_ns = now - call->entered_ns;
	const uint64_t period_ns = min_u64(max_u64(parked_ns / 4, CHECK_FIRST_NS), CHECK_LAST_NS);

	if (call->check_ns > now + period_ns / 4)
		return call->check_ns;
	call->check_ns = now + period_ns;
	if (!dispatch_caller_waits(d, call)) {
		if (kept_waits(d, call))
			return call->check_ns;
		dispatch_forget(d, call);
		return UINT64_MAX;
	}
	if (call->interrupted ? !about_to_be_done(call, now)
			      : may_break(call) && waiter_must_break(call, thread_state(call->thread)))
		watch_break_off(d, call);
	return call->check_ns;
}

static void watch_due(void *arg)
{
	struct dispatch *d = arg;
	uint64_t next = UINT64_MAX;
	const uint64_t now = now_ns();

	list_for_each(node, tmp, &d->parked)
		next = min_u64(next, check(d, list_entry(node, struct call, parked), now));
	if (next != UINT64_MAX)
		watch_arm(d, next);
	complete_finished(d);
	dispatch_run_ready(d);
}

void watch_call(struct dispatch *d, struct call *call)
{
	/* io_submit that waits for its next request waits anew: the last wait may have been long */
	if (!call->entered_ns || call->waits_for) {
		call->entered_ns = now_ns();
		call->check_ns = call->entered_ns + CHECK_FIRST_NS;
	}
	watch_arm(d, call->check_ns);
}

void watch_init(struct dispatch *d)
{
	d->watch = (struct loop_timer){ .fn = watch_due, .arg = d };
}
